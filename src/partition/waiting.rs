//! Keys that wait for their writes to come from memory.

use super::stamps::NearWrites;

/// As many as a core asks memory for at a time, and some.
const WAITING: usize = 16;

/// A key of more writes does not wait: with it alone there is enough to ask for.
const FEW: usize = 32;

/// Some keys' writes, to be looked up a little later than they are asked for.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    stamps: Vec<u64>,
    /// Of each key the end of its stamps, and how many pairs may touch.
    keys: Vec<(usize, usize)>,
    reach: u64,
}

impl Waiting {
    /// Adds a key; `expect` is given each write that is near another one, `judge` the keys that have waited long enough.
    pub(crate) fn add(
        &mut self,
        near: NearWrites<'_>,
        mut expect: impl FnMut(u32),
        mut judge: impl FnMut(NearWrites<'_>),
    ) {
        if near.len() > FEW {
            return judge(near);
        }
        near.for_each_pair(|a, b| [a, b].into_iter().for_each(&mut expect));
        self.stamps.extend(near.stamps);
        self.keys.push((self.stamps.len(), near.pairs));
        self.reach = near.reach;
        if self.keys.len() == WAITING {
            self.judge(judge);
        }
    }

    /// Hands over all that wait.
    pub(crate) fn judge(&mut self, mut judge: impl FnMut(NearWrites<'_>)) {
        let mut start = 0;
        for (end, pairs) in self.keys.drain(..) {
            judge(NearWrites { stamps: &self.stamps[start..end], reach: self.reach, pairs });
            start = end;
        }
        self.stamps.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: every key comes back once, as it was, large ones too.
    #[test]
    fn every_key_comes_back() {
        let mut waiting = Waiting::default();
        let (mut expected, mut seen) = (Vec::new(), Vec::new());
        for key in 0..100_u64 {
            let mut stamps: Vec<u64> = (0..2 + key % 50).map(|n| key << 32 | n).collect();
            let near = NearWrites::of(&mut stamps, 1).unwrap();
            expected.push((near.stamps.to_vec(), near.pairs()));
            let mut asked = 0;
            waiting.add(near, |_| asked += 1, |near| seen.push((near.stamps.to_vec(), near.pairs())));
            assert!(asked == 0 || asked == 2 * near.pairs());
        }
        waiting.judge(|near| seen.push((near.stamps.to_vec(), near.pairs())));
        seen.sort();
        expected.sort();
        assert_eq!(seen, expected);
    }
}
