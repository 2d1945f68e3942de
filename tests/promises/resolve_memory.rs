//! What the commit path allocates, and what it holds.

use std::ops::Bound::{Excluded, Included};

use allocation_counter::measure;
use skewer::resolve::{Batch, Checked, Resolver, SharedResolver, Transaction, Verdict, Version};

/// Numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 += 1;
        skewer_kernels::mix_one(self.0)
    }

    /// A key of one of three shapes: short, as random as can be, and long with much in common.
    fn key(&mut self, shape: u64, out: &mut Vec<u8>) {
        let number = self.next() % 5_000_000;
        out.clear();
        match shape {
            0 => out.extend_from_slice(&(number as u32).to_be_bytes()),
            1 => [number, number + 1].iter().for_each(|n| {
                out.extend_from_slice(&skewer_kernels::mix_one(*n).to_be_bytes());
            }),
            _ => {
                out.extend_from_slice(b"tenant/");
                out.push(number as u8 % 5);
                out.extend_from_slice(b"/a table with a rather long name/");
                out.extend_from_slice(&number.to_be_bytes());
            }
        }
    }
}

const WINDOW: Version = 2_000;

/// Adds a read and a write: of keys, or of the ranges from them on.
fn add(batch: &mut Batch, snapshot: Version, numbers: &mut Numbers, ranges: bool, keys: &mut [Vec<u8>; 2]) {
    let shape = numbers.next() % 3;
    keys.iter_mut().for_each(|key| numbers.key(shape, key));
    let mut txn = batch.begin(snapshot);
    if !ranges {
        txn.explain().read(0, &keys[0]).unwrap().write(0, &keys[1]).unwrap();
        return;
    }
    let [read, write] = keys;
    let end = |key: &Vec<u8>, end: &mut [u8; 64]| {
        end[..key.len()].copy_from_slice(key);
        end[key.len()] = 7;
        key.len() + 1
    };
    let mut ends = [[0; 64]; 2];
    let lens = [end(read, &mut ends[0]), end(write, &mut ends[1])];
    txn.explain().read_range(0, Included(&read[..]), Excluded(&ends[0][..lens[0]])).unwrap();
    txn.write_range(0, Included(&write[..]), Excluded(&ends[1][..lens[1]])).unwrap();
}

fn resolvers() -> [(Resolver, bool); 3] {
    let new = || Resolver::new(Checked::Both);
    [(new(), false), (new().expecting_ranges(), true), (Resolver::of_fingerprints(Checked::Both, 0), false)]
}

/// Promise: once it has seen its window, a resolver allocates nothing for a batch, be it all of points or of ranges.
///
/// A window's size is random within limits: tables may grow once more, rarely. So the count is of a transaction.
#[test]
fn batches_allocate_nothing_once_warm() {
    for (mut resolver, ranges) in resolvers() {
        let (mut numbers, mut keys) = (Numbers(1), [Vec::new(), Vec::new()]);
        let mut batch = Batch::new();
        let mut version = 0;
        let mut run = |batches: usize| {
            for _ in 0..batches {
                batch.clear();
                version += 1;
                for _ in 0..50 {
                    add(&mut batch, (version - 5).max(0), &mut numbers, ranges, &mut keys);
                }
                resolver.resolve(&batch, version).unwrap();
                resolver.forget_before((version - WINDOW / 50).max(0)).unwrap();
            }
        };
        run(2_000);
        let counted = measure(|| run(1_000));
        assert!(counted.count_total <= 5, "{ranges}: {counted:?} for 50,000 transactions");
    }
}

/// Promise: nor does it for a transaction a call, prepared or not, nor for one through the shared front.
#[test]
fn calls_allocate_nothing_once_warm() {
    for (resolver, ranges) in resolvers() {
        let shared = SharedResolver::new(resolver);
        let mut committer = shared.committer();
        let (mut numbers, mut keys) = (Numbers(2), [Vec::new(), Vec::new()]);
        let (mut txn, mut batch, mut verdicts) = (Transaction::new(0), Batch::new(), Vec::new());
        let mut run = |calls: usize| {
            for call in 0..calls {
                let version = shared.version();
                batch.clear();
                add(&mut batch, version, &mut numbers, ranges, &mut keys);
                committer.resolve(&batch, &mut verdicts).unwrap();
                let version = shared.version();
                numbers.key(call as u64 % 3, &mut keys[0]);
                txn.reset(version).read(0, &keys[0]).unwrap().write(0, &keys[0]).unwrap();
                shared
                    .with(|resolver| {
                        if call % 2 == 0 {
                            assert!(resolver.commit(&txn, None).unwrap().is_commit());
                        } else if let skewer::resolve::Vote::Yes(ticket) = resolver.prepare(&txn).unwrap() {
                            resolver.confirm(&ticket, None).unwrap();
                        }
                        let opened = resolver.open_snapshot();
                        resolver.close_snapshot(opened).unwrap();
                        resolver.forget_before((version - WINDOW).max(0)).unwrap();
                    })
                    .unwrap();
            }
        };
        run(40_000);
        let counted = measure(|| run(20_000));
        assert!(counted.count_total <= 5, "{ranges}: {counted:?} for 40,000 transactions");
    }
}

/// Promise: nor do calls to a shared resolver, of one transaction or of many.
#[test]
fn shared_calls_allocate_nothing_once_warm() {
    for (resolver, ranges) in resolvers() {
        let shared = SharedResolver::new(resolver);
        let mut committer = shared.committer();
        let (mut numbers, mut keys) = (Numbers(3), [Vec::new(), Vec::new()]);
        let (mut batch, mut verdicts) = (Batch::new(), Vec::new());
        let mut run = |calls: Version| {
            for call in 0..calls {
                let version = shared.version();
                batch.clear();
                (0..if call % 50 == 0 { 40 } else { 1 })
                    .for_each(|_| add(&mut batch, version, &mut numbers, ranges, &mut keys));
                committer.resolve(&batch, &mut verdicts).unwrap();
                if call % 16 == 0 {
                    let forget = |resolver: &mut Resolver| resolver.forget_before((version - WINDOW).max(0));
                    shared.with(forget).unwrap().unwrap();
                }
            }
        };
        run(60_000);
        let counted = measure(|| run(20_000));
        assert!(counted.count_total <= 5, "{ranges}: {counted:?} for 36,000 transactions");
    }
}

/// Promise: boundaries held stay within 1.3 of those that the window needs, when keys only rise too, be a transaction's writes
/// few or many.
#[test]
fn rising_keys_leave_little_behind() {
    for (ranges, writes) in [(false, 1), (true, 1), (false, 32), (true, 16), (true, 500)] {
        let mut resolver = Resolver::new(Checked::Serializable).expecting_ranges();
        let mut txn = Transaction::new(0);
        let (mut most, window) = (0, 20_000 / writes);
        for version in 1..window * 5 {
            let mut adding = txn.reset(version - 1);
            for number in version * writes..(version + 1) * writes {
                let (low, high) = ((number * 10).to_be_bytes(), (number * 10 + 5).to_be_bytes());
                if ranges {
                    adding.write_range(0, Included(&low), Excluded(&high)).unwrap();
                } else {
                    adding.write(0, &low).unwrap();
                }
            }
            resolver.commit(&txn, Some(version)).unwrap();
            resolver.forget_before((version - window).max(0)).unwrap();
            if version > window * 2 {
                most = most.max(if version % (window / 20).max(1) == 0 { resolver.boundaries() } else { 0 });
            }
        }
        let needed = (window * writes) as usize * if ranges { 2 } else { 1 };
        assert!(most * 10 <= needed * 13, "{most} held, {needed} needed, {writes} a call");
    }
}

/// Promise: so they do where keys are in no order: of those held at any time, no more than three tenths are dead. Those that live
/// are counted by a resolver that was given them alone.
#[test]
fn few_dead_boundaries_are_held() {
    let window = 40_000;
    for (shape, ranges) in [(0, false), (1, false), (2, false), (0, true), (1, true), (2, true)] {
        let new = || Resolver::new(Checked::Serializable).expecting_ranges();
        let resolver = || if ranges { new() } else { Resolver::new(Checked::Serializable) };
        let (mut held, mut numbers, mut batch) = (resolver(), Numbers(6), Batch::new());
        let (mut most, mut keys) = (0, vec![Vec::new(); window as usize]);
        let write = |batch: &mut Batch, snapshot, low: &Vec<u8>| {
            let high = [&low[..], &[7]].concat();
            let mut txn = batch.begin(snapshot);
            if ranges {
                txn.write_range(0, Included(low), Excluded(&high)).unwrap();
            } else {
                txn.write(0, low).unwrap();
            }
        };
        for version in 1..window * 5 / 100 {
            batch.clear();
            for number in version * 100..(version + 1) * 100 {
                let key = &mut keys[(number % window) as usize];
                numbers.key(shape, key);
                write(&mut batch, version - 1, key);
            }
            held.resolve(&batch, version).unwrap();
            held.forget_before((version - window / 100).max(0)).unwrap();
            most = most.max(if version > window * 2 / 100 { held.boundaries() } else { 0 });
        }
        batch.clear();
        keys.iter().for_each(|key| write(&mut batch, 0, key));
        let mut live = resolver();
        live.resolve(&batch, 1).unwrap();
        let live = live.boundaries();
        assert!(most * 10 <= live * 13, "{most} held, {live} live: keys of shape {shape}, ranges: {ranges}");
    }
}

/// Promise: keys that are written again and again do not pile up.
#[test]
fn hot_keys_take_no_more_than_their_place() {
    for mut resolver in [Resolver::new(Checked::Both), Resolver::new(Checked::Both).expecting_ranges()] {
        let mut txn = Transaction::new(0);
        let mut numbers = Numbers(3);
        let mut bytes = 0;
        for version in 1..200_000 {
            let number = if version % 2 == 0 { numbers.next() % 1_000 } else { numbers.next() };
            let key = skewer_kernels::mix_one(number).to_be_bytes();
            txn.reset(version - 1).write(0, &[key, key].concat()).unwrap();
            assert_eq!(resolver.commit(&txn, Some(version)), Ok(Verdict::Commit(version)));
            resolver.forget_before((version - 10_000).max(0)).unwrap();
            if version == 30_000 {
                bytes = resolver.bytes();
            }
        }
        assert!(resolver.bytes() <= bytes * 3 / 2, "{} after {bytes}", resolver.bytes());
    }
}

/// Bytes that a resolver holds for each that its live boundaries need: a packed list of them, each its keyspace and key,
/// four bytes for their length and eight for a version.
fn bytes_per_need(mut resolver: Resolver, shape: u64, ranges: bool) -> f64 {
    let (mut numbers, mut batch) = (Numbers(4), Batch::new());
    let (mut low, mut high) = (Vec::new(), Vec::new());
    let (window, size): (Version, usize) = (400, 100);
    let mut needs = Vec::new();
    for version in 1..=window * 4 {
        batch.clear();
        let mut need = 0;
        for _ in 0..size {
            numbers.key(shape, &mut low);
            let mut txn = batch.begin(version - 1);
            need += 4 + low.len() + 4 + 8;
            if ranges {
                high.clear();
                high.extend_from_slice(&low);
                high.push(7);
                need += 4 + high.len() + 4 + 8;
                txn.write_range(0, Included(&low), Excluded(&high)).unwrap();
            } else {
                txn.write(0, &low).unwrap();
            }
        }
        resolver.resolve(&batch, version).unwrap();
        resolver.forget_before((version - window).max(0)).unwrap();
        needs.push(need);
    }
    let need: usize = needs[needs.len() - window as usize..].iter().sum();
    resolver.bytes() as f64 / need as f64
}

/// Promise: memory is within these multiples of what live boundaries need. It is below where keys have much in common, since
/// that is held once, and most where they have nothing: then heads, which searches are made of, come on top of whole keys.
#[test]
fn memory_is_near_what_is_needed() {
    for (shape, points, ranges) in [(0, 2.8, 2.1), (1, 2.4, 3.0), (2, 2.0, 0.8)] {
        let new = || Resolver::new(Checked::Serializable);
        let ratio = bytes_per_need(new().with_room_for(40_000), shape, false);
        assert!(ratio <= points, "points of shape {shape}: {ratio:.2}");
        let ratio = bytes_per_need(new().expecting_ranges(), shape, true);
        assert!(ratio <= ranges, "ranges of shape {shape}: {ratio:.2}");
    }
}
