//! Callers leave a shared resolver to the one in whose cache the window is; but not to one that does not come again.

use std::ops::Bound::{Excluded, Included};
use std::thread;
use std::time::{Duration, Instant};

use skewer::resolve::{Batch, Checked, Committer, Resolver, SharedResolver};

/// Calls that write keys, or ranges, of their own: all of them commit.
fn call(shared: &SharedResolver, committer: &mut Committer, (seed, calls): (u64, u64), ranges: bool) {
    let (mut batch, mut verdicts) = (Batch::new(), Vec::new());
    for number in 0..calls {
        batch.clear();
        let size = if number % 50 == 0 { 100 } else { 1 + number % 3 };
        for at in 0..size {
            let low = [seed, number, at].map(u64::to_be_bytes).concat();
            let high = [&low[..], &[1]].concat();
            let mut txn = batch.begin(shared.version());
            if ranges {
                txn.write_range(0, Included(&low), Excluded(&high)).unwrap();
            } else {
                txn.write(0, &low).unwrap();
            }
        }
        committer.resolve(&batch, &mut verdicts).unwrap();
        assert_eq!(verdicts.len(), size as usize);
        assert!(verdicts.iter().all(|verdict| verdict.is_commit()), "{verdicts:?}");
    }
}

/// Promise: whoever calls gets on, and soon, when those it waited for are gone, or are used by the same thread in turn.
#[test]
fn nobody_waits_for_who_left() {
    for ranges in [false, true] {
        let resolver = Resolver::new(Checked::Both);
        let shared = SharedResolver::new(if ranges { resolver.expecting_ranges() } else { resolver });
        let mut committers: Vec<Committer> = thread::scope(|scope| {
            let work = |seed| {
                let (shared, mut committer) = (&shared, shared.committer());
                move || {
                    call(shared, &mut committer, (seed, 5_000), ranges);
                    committer
                }
            };
            let threads: Vec<_> = (0..3).map(|seed| scope.spawn(work(seed))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let begun = Instant::now();
        for turn in 0..200 {
            for (at, committer) in committers.iter_mut().enumerate() {
                call(&shared, committer, (100 + 10 * turn + at as u64, 2), ranges);
            }
        }
        committers.truncate(1);
        call(&shared, &mut committers[0], (7, 200), ranges);
        // Five milliseconds for each call would be seven seconds.
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
}
