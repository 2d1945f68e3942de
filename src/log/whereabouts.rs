//! Where rows are to be found.

/// The stretch of rows that holds a row: noted, since a search among many would cost more than what is looked
/// for.
#[derive(Debug)]
pub(crate) struct Whereabouts {
    /// The first row of each stretch, and the row after the last.
    starts: Vec<u64>,
    /// For each step of rows the stretch that holds its first.
    first: Vec<u32>,
}

impl Whereabouts {
    /// Rows in a step, as a power of two.
    const STEP: u32 = 12;

    /// Of stretches of so many rows each.
    pub(crate) fn of(lens: impl Iterator<Item = usize>) -> Self {
        let (mut starts, mut first) = (vec![0], Vec::new());
        for (at, len) in lens.enumerate() {
            let end = starts[at] + len as u64;
            starts.push(end);
            // An empty stretch holds no row, and so begins no step.
            first.resize(end.div_ceil(1 << Self::STEP) as usize, at as u32);
        }
        Whereabouts { starts, first }
    }

    /// Rows.
    pub(crate) fn len(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// The first row of a stretch.
    pub(crate) fn start(&self, stretch: usize) -> u64 {
        self.starts[stretch]
    }

    /// The stretch of a row, and its place there.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline]
    pub(crate) fn find(&self, row: u64) -> (usize, usize) {
        let step = (row >> Self::STEP) as usize;
        let first = self.first[step] as usize;
        let last = self.first.get(step + 1).map_or(self.starts.len() - 2, |&next| next as usize);
        let at = if first == last {
            first
        } else {
            first + self.starts[first..=last].partition_point(|&start| start <= row) - 1
        };
        (at, (row - self.starts[at]) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: every row is found, among long stretches, short ones and empty ones.
    #[test]
    fn every_row_is_found() {
        let lens = [0, 1, 4_095, 0, 0, 4_096, 1, 1, 1, 9_000, 0, 3, 20_000, 0];
        let short = std::iter::repeat_n(1, 5_000);
        let lens: Vec<usize> = lens.into_iter().chain(short).chain([0, 7, 0]).collect();
        let found = Whereabouts::of(lens.iter().copied());
        let mut row = 0;
        for (stretch, &len) in lens.iter().enumerate() {
            assert_eq!(found.start(stretch), row);
            for place in 0..len {
                assert_eq!(found.find(row), (stretch, place));
                row += 1;
            }
        }
    }
}
