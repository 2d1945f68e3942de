//! Two threads against one, and owners of parts against one resolver.

use std::collections::VecDeque;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use skewer::resolve::{
    Adjudicators, Batch, Checked, Committer, ResolveError, Resolver, SharedResolver, Verdict, Version,
};

use super::{Outcome, SplitMix, Times, add, form, is_smoke, point, resolver};

/// Millions of transactions a second through a shared resolver, of so many threads, each with `size` a call: from when the
/// window was filled twice until the first of them is through.
fn shared_rate(threads: usize, size: usize, ordered: bool, window: usize) -> Result<f64, ResolveError> {
    let shared = SharedResolver::new(resolver(window * 2, ordered));
    // Others call as often: the window is as many transactions however they are grouped.
    let kept = (window / size / threads).max(1);
    let calls = if is_smoke() { 20 } else { (window * 3).max(600_000) / size };
    let (filled, is_through) = (Barrier::new(threads), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let work = |thread: usize| {
            let mut caller = Caller::new(&shared, (thread as u64) << 40, (size, ordered, kept));
            let (filled, is_through) = (&filled, &is_through);
            move || -> Result<(Instant, Instant, usize), ResolveError> {
                let warm = (0..kept * 2).try_for_each(|_| caller.call());
                filled.wait();
                warm?;
                let (begun, mut done) = (Instant::now(), 0);
                while done < calls && !is_through.load(Ordering::Relaxed) {
                    caller.call()?;
                    done += 1;
                }
                is_through.store(true, Ordering::Relaxed);
                Ok((begun, Instant::now(), done * size))
            }
        };
        let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(work(thread))).collect();
        let all: Vec<_> = (threads.into_iter())
            .map(|thread| thread.join().expect("no thread panics"))
            .collect::<Result<_, _>>()?;
        let begun = all.iter().map(|(begun, ..)| *begun).min().expect("there are threads");
        let ended = all.iter().map(|(_, ended, _)| *ended).max().expect("there are threads");
        Ok(all.iter().map(|(.., txns)| txns).sum::<usize>() as f64 / (ended - begun).as_secs_f64() / 1e6)
    })
}

/// One thread that calls a shared resolver again and again, and forgets what is older than its share of the window.
struct Caller<'r> {
    shared: &'r SharedResolver,
    committer: Committer,
    random: SplitMix,
    size: usize,
    ordered: bool,
    kept: usize,
    versions: VecDeque<Version>,
    calls: usize,
    batch: Batch,
    verdicts: Vec<Verdict>,
}

impl<'r> Caller<'r> {
    fn new(shared: &'r SharedResolver, seed: u64, (size, ordered, kept): (usize, bool, usize)) -> Self {
        let (committer, random) = (shared.committer(), SplitMix(seed));
        let versions = VecDeque::with_capacity(kept + 1);
        let (calls, batch, verdicts) = Default::default();
        Self { shared, committer, random, size, ordered, kept, versions, calls, batch, verdicts }
    }

    fn call(&mut self) -> Outcome {
        self.batch.clear();
        let snapshot = self.shared.version();
        (0..self.size).try_for_each(|_| add(&mut self.batch, snapshot, &mut self.random, self.ordered))?;
        self.committer.resolve(&self.batch, &mut self.verdicts)?;
        self.versions.push_back(self.committer.version());
        let last = if self.versions.len() > self.kept { self.versions.pop_front() } else { None };
        self.calls += 1;
        // The window is as large before it is forgotten, which is at least sixteen times a window.
        if let (Some(last), 0) = (last, self.calls % (self.kept / 16).clamp(1, 64)) {
            self.shared.forget_before(last)?;
        }
        Ok(())
    }
}

pub(super) fn shared(size: usize, ordered: bool, window: usize) -> Outcome {
    let rounds = if is_smoke() { 1 } else { 5 };
    // By turns, so that the machine's moods strike both.
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for threads in [1, 2] {
            rates[threads - 1].push(shared_rate(threads, size, ordered, window)?);
        }
    }
    let [one, two] = rates.map(Times::of);
    println!(
        "shared/{}/{window}/{size} one_mtxn_per_s={:.2} two_mtxn_per_s={:.2} ratio={:.2} best_ratio={:.2}",
        form(ordered),
        one.at(0.5),
        two.at(0.5),
        two.at(0.5) / one.at(0.5),
        two.at(1.0) / one.at(1.0),
    );
    Ok(())
}

/// One transaction a call through the shared front, which forgets after each: is there a call that pays for many?
pub(super) fn shared_calls(window: u64, ordered: bool) -> Outcome {
    let rounds = if is_smoke() { 300 } else { (window * 3).max(600_000) };
    let shared = SharedResolver::new(resolver(window as usize, ordered));
    let (mut committer, mut random) = (shared.committer(), SplitMix(4));
    let (mut batch, mut verdicts, mut times) = (Batch::new(), Vec::new(), Vec::new());
    for version in 1..=rounds as Version {
        batch.clear();
        add(&mut batch, version - 1, &mut random, ordered)?;
        let begun = Instant::now();
        committer.resolve(&batch, &mut verdicts)?;
        shared.forget_before((version - window as Version).max(0))?;
        let took = begun.elapsed().as_nanos() as f64;
        if version > rounds as Version / 3 * 2 {
            times.push(took);
        }
    }
    let (times, form) = (Times::of(times), form(ordered));
    let (p50, p999) = (times.at(0.5), times.at(0.999));
    println!("shared-calls/{form}/{window} p50_ns={p50:.0} p999_ns={p999:.0} p999_by_p50={:.1}", p999 / p50);
    Ok(())
}

/// Owners of parts against one resolver: nanoseconds a transaction, adding included.
pub(super) fn adjudicators(owners: usize, ordered: bool) -> Outcome {
    let (size, batches) = (256_u16, if is_smoke() { 20 } else { 6_000 });
    let kept = 125_000 / Version::from(size);
    let borders: Vec<[u8; 16]> =
        (1..owners).map(|at| point(20_000_000 / owners as u64 * at as u64)).collect();
    let borders: Vec<(u32, &[u8])> = borders.iter().map(|border| (0, &border[..])).collect();
    let mut many = Adjudicators::by_ranges(Checked::Serializable, &borders)?;
    let mut one = Resolver::new(Checked::Serializable);
    let (mut random, mut batch) = (SplitMix(5), Batch::new());
    let mut times = [Vec::new(), Vec::new()];
    for version in 1..=batches {
        batch.clear();
        let begun = Instant::now();
        (0..size).try_for_each(|_| add(&mut batch, version - 1, &mut random, ordered))?;
        let added = begun.elapsed();
        let begun = Instant::now();
        many.advance_to(version - 1);
        let verdicts = many.resolve(&batch, None)?.to_vec();
        many.forget_before((version - kept).max(0));
        let split = begun.elapsed();
        let begun = Instant::now();
        assert_eq!(verdicts, one.resolve(&batch, version)?);
        one.forget_before((version - kept).max(0))?;
        for (times, took) in times.iter_mut().zip([split, begun.elapsed()]) {
            times.push((added + took).as_nanos() as f64 / f64::from(size));
        }
    }
    let [many, one] = times.map(Times::of);
    println!(
        "shared-adjudicators/{}/{owners} ns_per_txn={:.0} one_resolver_ns_per_txn={:.0}",
        form(ordered),
        many.at(0.5),
        one.at(0.5),
    );
    Ok(())
}
