//! Every kernel, on every instruction set of this CPU, against definitions written out below:
//! one table of seeds, at lengths and offsets around every vector and block.

#![forbid(unsafe_code)]

use std::sync::Once;

use proptest::prelude::*;
use skewer_kernels::{
    Extent, Isa, count_blind, count_blind_elsewhere, count_concurrent, count_concurrent_elsewhere,
    count_less, extent, first_difference, first_inverted, histogram, max_i64, min_i64, mix, mix_one,
    shift_earlier, spread, unmix_one,
};

mod naive;

/// Lanes of the widest vector.
const LANES: usize = 8;

/// What pads the columns: each is repeated to the length wanted, `ends` out of step with `begins`.
const SEEDS: [&[i64]; 8] = [
    &[0],
    &[i64::MIN, i64::MAX],
    &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    &[5, 4, 4, 5, 6],
    &[-1, 0, 1, i64::MIN, -1, i64::MAX, 0],
    &[i64::MIN + 1, i64::MIN, i64::MIN, i64::MIN + 2],
    &[i64::MAX, i64::MAX - 1, i64::MAX],
    &[1 << 31, 1 << 32, -(1 << 32), (1 << 32) - 1, 1 << 62],
];

/// Query ends: the borders of `i64` and of the seeds.
const POINTS: [i64; 7] = [i64::MIN, i64::MIN + 1, -1, 0, 5, i64::MAX - 1, i64::MAX];

/// Errors and lags: within `i64`, at its border, beyond it.
const TICKS: [u64; 6] = [0, 1, i64::MAX as u64, 1 << 63, u64::MAX - 1, u64::MAX];

/// Columns of one length.
#[derive(Debug)]
struct Rows<'a> {
    /// Numbers the columns, so that each set meets each query.
    case: usize,
    begins: &'a [i64],
    ends: &'a [i64],
    regions: &'a [u16],
    keys: &'a [u64],
}

/// The instruction sets of this CPU; says once which they are.
fn isas() -> Vec<Isa> {
    static SAID: Once = Once::new();
    let isas = Isa::available();
    SAID.call_once(|| {
        // Past the harness's capture, so that a log of the run shows it.
        let names: Vec<_> = isas.iter().map(|isa| isa.name()).collect();
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            format!("kernels ran on: {}\n", names.join(", ")).as_bytes(),
        );
    });
    isas
}

/// 0 to 4 vectors and 3 more, then around the ends of the blocks that searches branch on.
fn lengths() -> impl Iterator<Item = usize> {
    (0..=4 * LANES + 3).chain([63, 64, 67, 96, 131])
}

/// Calls `check` with each seed at each length, at each offset from where the columns are aligned.
fn for_each_case(mut check: impl FnMut(Isa, Rows<'_>)) {
    let (isas, mut case) = (isas(), 0);
    for seed in SEEDS {
        let begins: Vec<i64> = seed.iter().copied().cycle().take(160).collect();
        let ends: Vec<i64> = seed.iter().copied().cycle().skip(1).take(160).collect();
        let regions: Vec<u16> = [0, 1, u16::MAX, 1, 0x8000].into_iter().cycle().take(160).collect();
        let keys: Vec<u64> = begins.iter().zip(0..).map(|(b, i)| b.cast_unsigned() ^ mix_one(i)).collect();
        for len in lengths() {
            for at in 0..LANES {
                let part = at..at + len;
                case += 1;
                for isa in &isas {
                    let (begins, ends) = (&begins[part.clone()], &ends[part.clone()]);
                    let (regions, keys) = (&regions[part.clone()], &keys[part.clone()]);
                    check(*isa, Rows { case, begins, ends, regions, keys });
                }
            }
        }
    }
}

/// Promise: counts of rows around a query are those of the definition, on every instruction set.
#[test]
fn counts() {
    for_each_case(|isa, rows| {
        let (from, to) = (POINTS[rows.case % 7], POINTS[rows.case / 7 % 7]);
        check_counts(isa, &rows, from, to, rows.regions.last().copied().unwrap_or_default());
    });
}

fn check_counts(isa: Isa, rows: &Rows<'_>, from: i64, to: i64, region: u16) {
    let Rows { begins, ends, regions, .. } = *rows;
    let blind = naive::blind(begins, ends, from, to);
    let met = naive::concurrent(begins, ends, from, to);
    let elsewhere = |rows: &[usize]| rows.iter().filter(|i| regions[**i] != region).count() as u64;
    let context = || format!("{isa} {from} {to} {region} {rows:?}");
    assert_eq!(count_blind(isa, begins, ends, from, to), blind.len() as u64, "{}", context());
    assert_eq!(count_concurrent(isa, begins, ends, from, to), met.len() as u64, "{}", context());
    assert_eq!(
        count_blind_elsewhere(isa, begins, ends, regions, from, to, region),
        elsewhere(&blind),
        "{}",
        context()
    );
    assert_eq!(
        count_concurrent_elsewhere(isa, begins, ends, regions, from, to, region),
        elsewhere(&met),
        "{}",
        context()
    );
    assert_eq!(count_less(isa, begins, to), naive::less(begins, to), "{}", context());
}

/// Promise: extents, maxima and minima are those of the definition, on every instruction set.
#[test]
fn extents() {
    for_each_case(|isa, rows| check_extents(isa, &rows));
}

fn check_extents(isa: Isa, rows: &Rows<'_>) {
    let Rows { begins, ends, .. } = *rows;
    assert_eq!(extent(isa, begins, ends), naive::extent(begins, ends), "{isa} {rows:?}");
    assert_eq!(max_i64(isa, ends), naive::sorted(ends).last().copied(), "{isa} {rows:?}");
    assert_eq!(min_i64(isa, ends), naive::sorted(ends).first().copied(), "{isa} {rows:?}");
    for cut in [0, begins.len() / 3, begins.len()] {
        let before = extent(isa, &begins[..cut], &ends[..cut]);
        let after = extent(isa, &begins[cut..], &ends[cut..]);
        assert_eq!(before.merge(after), naive::extent(begins, ends), "{isa} cut at {cut} {rows:?}");
    }
}

/// Promise: one inverted interval is seen wherever it stands; a point is none.
#[test]
fn one_inversion_is_seen() {
    for isa in isas() {
        for len in 1..=4 * LANES + 3 {
            let (mut begins, ends) = (vec![3; len], vec![3; len]);
            assert!(!extent(isa, &begins, &ends).inverted, "{isa} {len}");
            for at in 0..len {
                begins[at] = 4;
                assert!(extent(isa, &begins, &ends).inverted, "{isa} {len} {at}");
                begins[at] = 3;
            }
        }
    }
}

/// Promise: the widest interval is found wherever it stands, and compared without a sign.
#[test]
fn widest_interval_is_seen() {
    for isa in isas() {
        for len in 1..=4 * LANES + 3 {
            let (mut begins, mut ends) = (vec![0; len], vec![i64::MAX; len]);
            for at in 0..len {
                (begins[at], ends[at]) = (i64::MIN, i64::MAX);
                assert_eq!(extent(isa, &begins, &ends).max_width, u64::MAX, "{isa} {len} {at}");
                (begins[at], ends[at]) = (i64::MAX, i64::MIN);
                let rest = if len == 1 { 0 } else { i64::MAX as u64 };
                assert_eq!(extent(isa, &begins, &ends).max_width, rest, "{isa} {len} {at}");
                (begins[at], ends[at]) = (0, i64::MAX);
            }
        }
    }
}

/// Promise: searches name the first place, wherever it stands and whatever follows it.
#[test]
fn searches() {
    for_each_case(|isa, rows| check_searches(isa, &rows));
    for isa in isas() {
        for len in lengths().filter(|len| *len > 0) {
            let (mut earliest, mut latest) = (vec![7; len], vec![7; len]);
            let mut values = vec![u64::MAX; len];
            assert_eq!(first_inverted(isa, &earliest, &latest), None, "{isa} {len}");
            assert_eq!(first_difference(isa, &values), None, "{isa} {len}");
            for at in (0..len).rev() {
                (earliest[at], latest[at]) = (i64::MAX, i64::MIN);
                assert_eq!(first_inverted(isa, &earliest, &latest), Some(at), "{isa} {len}");
                if at > 0 {
                    values[at] ^= 1 << (at % 64);
                    assert_eq!(first_difference(isa, &values), Some(at), "{isa} {len}");
                }
            }
        }
    }
}

fn check_searches(isa: Isa, rows: &Rows<'_>) {
    let Rows { begins, ends, keys, .. } = *rows;
    assert_eq!(first_inverted(isa, begins, ends), naive::first_inverted(begins, ends), "{isa} {rows:?}");
    assert_eq!(first_difference(isa, keys), naive::first_difference(keys), "{isa} {rows:?}");
}

/// Promise: every place of an output is written with the definition's value.
#[test]
fn writers() {
    for_each_case(|isa, rows| {
        check_writers(isa, &rows, TICKS[rows.case % TICKS.len()]);
    });
}

fn check_writers(isa: Isa, rows: &Rows<'_>, ticks: u64) {
    let Rows { begins, keys, .. } = *rows;
    let len = begins.len();
    let (mut earliest, mut latest, mut earlier) = (vec![77; len], vec![77; len], vec![77; len]);
    spread(isa, begins, ticks, &mut earliest, &mut latest);
    shift_earlier(isa, begins, ticks, &mut earlier);
    let mut mixed = vec![77; len];
    mix(isa, keys, &mut mixed);
    for i in 0..len {
        assert_eq!(earliest[i], naive::clamped(i128::from(begins[i]) - i128::from(ticks)), "{isa} {ticks}");
        assert_eq!(latest[i], naive::clamped(i128::from(begins[i]) + i128::from(ticks)), "{isa} {ticks}");
        assert_eq!(earlier[i], earliest[i], "{isa} {ticks}");
        assert_eq!(mixed[i], mix_one(keys[i]), "{isa}");
    }
}

/// Promise: a histogram adds to what is there, in the bucket of the top bits.
#[test]
fn histograms() {
    for_each_case(|isa, rows| {
        for bits in [0, 1, 4, 16] {
            let mut counts = vec![0; 1 << bits];
            counts[0] = 5;
            histogram(isa, rows.keys, bits, &mut counts);
            let total: u32 = counts.iter().sum();
            assert_eq!(total as usize, rows.keys.len() + 5, "{isa} {bits}");
            for (bucket, count) in counts.iter().enumerate().take(16) {
                let before = if bucket == 0 { 5 } else { 0 };
                let there = rows.keys.iter().filter(|key| naive::bucket(**key, bits) == bucket).count();
                assert_eq!(*count as usize, there + before, "{isa} {bits}");
            }
        }
    });
}

/// Promise: mixing loses nothing, and one changed bit changes about half of the bits.
#[test]
fn mixing_is_a_bijection_with_avalanche() {
    let keys: Vec<u64> = (0..64).map(|bit| 1 << bit).chain(0..1_000).chain(u64::MAX - 9..=u64::MAX).collect();
    for key in &keys {
        assert_eq!(unmix_one(mix_one(*key)), *key);
        assert_eq!(mix_one(unmix_one(*key)), *key);
    }
    for bit in 0..64 {
        let changed: u32 =
            keys.iter().map(|key| (mix_one(*key) ^ mix_one(key ^ (1 << bit))).count_ones()).sum();
        let mean = f64::from(changed) / keys.len() as f64;
        assert!((30.0..34.0).contains(&mean), "bit {bit} changes {mean} bits");
    }
}

/// Promise: columns of different lengths are refused, on every instruction set.
#[test]
fn lengths_must_agree() {
    for isa in isas() {
        let refused =
            |call: &dyn Fn() -> u64| std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err();
        assert!(refused(&|| count_blind(isa, &[1, 2], &[1], 0, 0)));
        assert!(refused(&|| count_concurrent(isa, &[1], &[1, 2], 0, 0)));
        assert!(refused(&|| count_blind_elsewhere(isa, &[1], &[1], &[], 0, 0, 0)));
        assert!(refused(&|| count_concurrent_elsewhere(isa, &[1], &[1], &[1, 2], 0, 0, 0)));
        assert!(refused(&|| u64::from(extent(isa, &[1], &[]).inverted)));
        assert!(refused(&|| first_inverted(isa, &[], &[1]).map_or(0, |i| i as u64)));
        assert!(refused(&|| {
            histogram(isa, &[], 2, &mut [0; 3]);
            0
        }));
    }
}

/// Promise: no rows have the identity's extent, no greatest and no least value.
#[test]
fn nothing_of_no_rows() {
    for isa in isas() {
        assert_eq!(extent(isa, &[], &[]), Extent::EMPTY);
        assert_eq!((max_i64(isa, &[]), min_i64(isa, &[])), (None, None));
        assert_eq!((first_inverted(isa, &[], &[]), first_difference(isa, &[])), (None, None));
    }
}

/// Ticks at the borders as often as anywhere.
fn tick() -> impl Strategy<Value = i64> {
    prop_oneof![prop::sample::select(&POINTS[..]), -9..9i64, any::<i64>()]
}

proptest! {
    /// Promise: on random columns too, every kernel gives the definition's answer.
    #[test]
    fn random_columns(
        rows in prop::collection::vec((tick(), tick(), 0..3u16, any::<u64>()), 0..200),
        (from, to, region, ticks) in (tick(), tick(), 0..3u16, prop_oneof![prop::sample::select(&TICKS[..]), any::<u64>()]),
    ) {
        let begins: Vec<i64> = rows.iter().map(|row| row.0).collect();
        let ends: Vec<i64> = rows.iter().map(|row| row.1).collect();
        let regions: Vec<u16> = rows.iter().map(|row| row.2).collect();
        let keys: Vec<u64> = rows.iter().map(|row| row.3).collect();
        let rows = Rows { case: 0, begins: &begins, ends: &ends, regions: &regions, keys: &keys };
        for isa in isas() {
            check_counts(isa, &rows, from, to, region);
            check_extents(isa, &rows);
            check_searches(isa, &rows);
            check_writers(isa, &rows, ticks);
        }
    }

    /// Promise: no two keys mix to the same fingerprint.
    #[test]
    fn mixing_round_trips(key in any::<u64>()) {
        prop_assert_eq!(unmix_one(mix_one(key)), key);
    }
}
