//! Whether two sides of a window help: not where one is asked for nearly everything, or where ranges cross all over.

/// So many pieces are looked at before it is judged how even the sides are.
const ENOUGH: u64 = if cfg!(test) { 64 } else { 1 << 16 };
/// So many calls are judged otherwise once sides are found not to help; each time that this is found again, twice as many.
const REST: u32 = if cfg!(test) { 2 } else { 256 };
const LONGEST_REST: u32 = 1 << 20;

/// What each side was asked for of late.
#[derive(Debug)]
pub(super) struct Balance {
    asked: [u64; 2],
    /// So many calls are still judged otherwise, and so many when the next rest begins.
    rest: u32,
    next_rest: u32,
}

impl Default for Balance {
    fn default() -> Self {
        Balance { asked: [0; 2], rest: 0, next_rest: REST }
    }
}

impl Balance {
    /// The same after another cut.
    pub(super) fn anew(&self) -> Self {
        Balance { asked: [0; 2], ..*self }
    }

    /// Notes how many pieces each side is asked for.
    pub(super) fn ask(&mut self, pieces: [usize; 2]) {
        self.asked = [0, 1].map(|side| self.asked[side] + pieces[side] as u64);
    }

    /// Counts a call, and tells whether calls are to be judged without sides.
    #[inline]
    pub(super) fn rests(&mut self) -> bool {
        let rests = self.rest > 0;
        self.rest = self.rest.saturating_sub(1);
        rests
    }

    /// Begins a rest.
    pub(super) fn rest(&mut self) {
        self.rest = self.next_rest;
        self.next_rest = (self.next_rest * 2).min(LONGEST_REST);
    }

    /// Which share of the lower side's keys the other one should have, or, if that is negative, of the upper side's; none as long
    /// as little was asked for, or if the sides are even. Begins a rest if one of them was asked for nearly everything.
    #[inline]
    pub(super) fn shift(&mut self) -> Option<f64> {
        let [low, high] = self.asked;
        (low + high >= ENOUGH).then(|| self.judge(low, high))?
    }

    fn judge(&mut self, low: u64, high: u64) -> Option<f64> {
        let (more, less) = (low.max(high), low.min(high));
        self.asked = [low / 2, high / 2];
        if more > 3 * less {
            // Keys that rise, say: no cut divides them for long.
            self.asked = [0; 2];
            self.rest();
        } else {
            self.next_rest = REST;
        }
        let moved = (more - less) as f64 / (2 * more) as f64;
        (10 * more > 11 * less).then_some(if low > high { moved } else { -moved })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: what is asked of one side alone rests ever longer, what is uneven is shifted, and what is even is left.
    #[test]
    fn sides_are_weighed() {
        let mut balance = Balance::default();
        assert_eq!(balance.shift(), None);
        for rest in [REST, 2 * REST, 4 * REST] {
            balance.ask([0, ENOUGH as usize]);
            assert_eq!(balance.shift(), Some(-0.5));
            assert!((0..rest).all(|_| balance.rests()) && !balance.rests());
        }
        balance.ask([ENOUGH as usize, ENOUGH as usize / 2]);
        assert_eq!((balance.shift(), balance.rests()), (Some(0.25), false));
        let mut balance = balance.anew();
        balance.ask([ENOUGH as usize, ENOUGH as usize]);
        assert_eq!((balance.shift(), balance.rests()), (None, false));
    }
}
