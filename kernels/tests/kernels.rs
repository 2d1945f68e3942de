//! Every kernel, on every instruction set of this CPU, against definitions written out below:
//! one table of seeds, at lengths and offsets around every vector and block.

#![forbid(unsafe_code)]

use std::sync::Once;

use proptest::prelude::*;
use skewer_kernels::{
    Extent, High, Isa, Likeness, Marks, NodeRows, choose, extent, first_inverted, mix, mix_one, near_pairs,
    open_gap, rank, squeeze, unmix_one,
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

/// Ticks of random columns: the borders of `i64` and of the seeds.
const POINTS: [i64; 7] = [i64::MIN, i64::MIN + 1, -1, 0, 5, i64::MAX - 1, i64::MAX];

/// Columns of one length.
#[derive(Debug)]
struct Rows<'a> {
    begins: &'a [i64],
    ends: &'a [i64],
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
    let isas = isas();
    for seed in SEEDS {
        let begins: Vec<i64> = seed.iter().copied().cycle().take(160).collect();
        let ends: Vec<i64> = seed.iter().copied().cycle().skip(1).take(160).collect();
        let keys: Vec<u64> = begins.iter().zip(0..).map(|(b, i)| b.cast_unsigned() ^ mix_one(i)).collect();
        for len in lengths() {
            for at in 0..LANES {
                let part = at..at + len;
                for isa in &isas {
                    let (begins, ends) = (&begins[part.clone()], &ends[part.clone()]);
                    check(*isa, Rows { begins, ends, keys: &keys[part.clone()] });
                }
            }
        }
    }
}

/// Promise: extents are those of the definition, on every instruction set.
#[test]
fn extents() {
    for_each_case(|isa, rows| check_extents(isa, &rows));
}

fn check_extents(isa: Isa, rows: &Rows<'_>) {
    let Rows { begins, ends, .. } = *rows;
    assert_eq!(extent(isa, begins, ends), naive::extent(begins, ends), "{isa} {rows:?}");
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

/// Promise: words that agree are counted wherever they stand, and not beyond the distance looked at.
#[test]
fn near_words() {
    for_each_case(|isa, rows| {
        // Few different words, so that many agree; the lowest bits are not looked at.
        for few in [1, 2, 3, 7, u64::MAX] {
            let words: Vec<u64> = rows.keys.iter().map(|key| key % few).collect();
            let times: Vec<u64> = rows.keys.iter().rev().map(|key| key % few.min(99)).collect();
            for bits in [u64::MAX, !1, !0xf, 0] {
                let others: Vec<u64> =
                    words.iter().enumerate().map(|(i, word)| word / 2 + i as u64 % 2).collect();
                for (others, reach) in
                    [(&[][..], 0), (&others, 1), (&others, 1 << 40), (&others, u64::MAX >> 1)]
                {
                    let marks = Marks { words: &words, others, times: &times };
                    let (likeness, mut close) = (Likeness { bits, reach }, Vec::new());
                    let pairs = near_pairs(isa, marks, likeness, &mut close);
                    assert_eq!(
                        (pairs, close),
                        naive::near_pairs(marks, likeness),
                        "{isa} {likeness:x?} {marks:?}"
                    );
                }
            }
        }
    });
}

/// Promise: what is chosen are the words with these highest bits, in order, whatever the list held before.
#[test]
fn chosen_words() {
    let mut places = vec![9; 3];
    for_each_case(|isa, rows| {
        for shift in [0, 1, 4, 32, 62, 63] {
            for value in [0, 1, 2, 3, rows.keys.first().map_or(5, |key| key >> shift)] {
                let high = High { shift, value };
                let chosen = choose(isa, rows.keys, high, &mut places);
                assert_eq!(chosen, naive::choose(rows.keys, high), "{isa} {high:?} {rows:?}");
            }
        }
    });
}

/// Promise: the rank of a word is the number of words below it, at every place of nodes of every size.
#[test]
fn ranks() {
    check_ranks::<1>();
    check_ranks::<2>();
    check_ranks::<4>();
    check_ranks::<8>();
    check_ranks::<16>();
    check_ranks::<32>();
    check_ranks::<64>();
}

fn check_ranks<const N: usize>() {
    // All alike, in pairs, spread out, and the ends of the numbers with some in between.
    let ends = |at: usize| if at < N / 2 { at as u64 / 3 } else { u64::MAX - (N - at) as u64 / 2 };
    let nodes: [[u64; N]; 5] = [
        [7; N],
        [u64::MAX; N],
        std::array::from_fn(|at| at as u64 / 2 * 3),
        std::array::from_fn(|at| (at as u64) << 57 | 1),
        std::array::from_fn(ends),
    ];
    for isa in isas() {
        for node in nodes {
            let around = node.iter().flat_map(|word| [word.saturating_sub(1), *word, word.saturating_add(1)]);
            for word in around.chain([0, 1 << 63, u64::MAX]) {
                assert_eq!(rank(isa, &node, word), naive::rank(&node, word), "{isa} {word} {node:?}");
            }
        }
    }
}

/// Promise: rows of nodes move as columns of their own would, wherever the gap is and whichever are kept.
#[test]
fn rows_of_nodes_move() {
    check_rows::<0>();
    check_rows::<1>();
    check_rows::<5>();
    check_rows::<8>();
    check_rows::<16>();
    check_rows::<31>();
    check_rows::<32>();
}

fn check_rows<const N: usize>() {
    let node = (
        std::array::from_fn::<u64, N, _>(|row| mix_one(row as u64)),
        std::array::from_fn::<i32, N, _>(|row| mix_one(100 + row as u64) as i32),
        std::array::from_fn::<u32, N, _>(|row| mix_one(200 + row as u64) as u32),
    );
    let masks = (0..64).map(|seed| mix_one(seed) as u32);
    let masks: Vec<u32> = masks.chain([0, 1, u32::MAX, 1 << 31, !1, u32::MAX >> 1, 0x5555_5555]).collect();
    for isa in isas() {
        for (at, by) in (0..=N).flat_map(|at| (0..=N - at).map(move |by| (at, by))) {
            let mut moved = node;
            let rows = NodeRows { words: &mut moved.0, numbers: &mut moved.1, others: Some(&mut moved.2) };
            open_gap(isa, rows, at, by);
            assert_eq!(moved.0[..], naive::open_gap(&node.0, at, by), "{isa} {N} {at} {by}");
            assert_eq!(moved.1[..], naive::open_gap(&node.1, at, by), "{isa} {N} {at} {by}");
            assert_eq!(moved.2[..], naive::open_gap(&node.2, at, by), "{isa} {N} {at} {by}");
        }
        for kept in &masks {
            let mut moved = node;
            let rows = NodeRows { words: &mut moved.0, numbers: &mut moved.1, others: Some(&mut moved.2) };
            squeeze(isa, rows, *kept);
            assert_eq!(moved.0[..], naive::squeeze(&node.0, *kept, u64::MAX), "{isa} {N} {kept:x}");
            assert_eq!(moved.1[..], naive::squeeze(&node.1, *kept, 0), "{isa} {N} {kept:x}");
            assert_eq!(moved.2[..], naive::squeeze(&node.2, *kept, 0), "{isa} {N} {kept:x}");
        }
        let (mut words, mut numbers) = (node.0, node.1);
        let by = N.min(2);
        open_gap(isa, NodeRows { words: &mut words, numbers: &mut numbers, others: None }, 0, by);
        assert_eq!(words[..], naive::open_gap(&node.0, 0, by), "{isa} {N}");
        assert_eq!(numbers[..], naive::open_gap(&node.1, 0, by), "{isa} {N}");
        (words, numbers) = (node.0, node.1);
        let rows = NodeRows { words: &mut words, numbers: &mut numbers, others: None };
        squeeze(isa, rows, 0x0f0f_3333);
        assert_eq!(words[..], naive::squeeze(&node.0, 0x0f0f_3333, u64::MAX), "{isa} {N}");
        assert_eq!(numbers[..], naive::squeeze(&node.1, 0x0f0f_3333, 0), "{isa} {N}");
    }
}

/// Promise: a search names the first place, wherever it stands and whatever follows it.
#[test]
fn searches() {
    for_each_case(|isa, rows| check_searches(isa, &rows));
    for isa in isas() {
        for len in lengths().filter(|len| *len > 0) {
            let (mut earliest, mut latest) = (vec![7; len], vec![7; len]);
            assert_eq!(first_inverted(isa, &earliest, &latest), None, "{isa} {len}");
            for at in (0..len).rev() {
                (earliest[at], latest[at]) = (i64::MAX, i64::MIN);
                assert_eq!(first_inverted(isa, &earliest, &latest), Some(at), "{isa} {len}");
            }
        }
    }
}

fn check_searches(isa: Isa, rows: &Rows<'_>) {
    let Rows { begins, ends, .. } = *rows;
    assert_eq!(first_inverted(isa, begins, ends), naive::first_inverted(begins, ends), "{isa} {rows:?}");
}

/// Promise: every place of an output is written with the definition's value.
#[test]
fn writers() {
    for_each_case(|isa, rows| check_writers(isa, &rows));
}

fn check_writers(isa: Isa, rows: &Rows<'_>) {
    let mut mixed = vec![77; rows.keys.len()];
    mix(isa, rows.keys, &mut mixed);
    for (key, mixed) in rows.keys.iter().zip(mixed) {
        assert_eq!(mixed, mix_one(*key), "{isa}");
    }
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
        assert!(refused(&|| u64::from(extent(isa, &[1], &[]).inverted)));
        assert!(refused(&|| first_inverted(isa, &[], &[1]).map_or(0, |i| i as u64)));
        assert!(refused(&|| {
            mix(isa, &[1, 2], &mut [0]);
            0
        }));
    }
}

/// Promise: no rows have the identity's extent, and none that is inverted.
#[test]
fn nothing_of_no_rows() {
    for isa in isas() {
        assert_eq!(extent(isa, &[], &[]), Extent::EMPTY);
        assert_eq!(first_inverted(isa, &[], &[]), None);
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
        rows in prop::collection::vec((tick(), tick(), any::<u64>()), 0..200),
    ) {
        let begins: Vec<i64> = rows.iter().map(|row| row.0).collect();
        let ends: Vec<i64> = rows.iter().map(|row| row.1).collect();
        let keys: Vec<u64> = rows.iter().map(|row| row.2).collect();
        let rows = Rows { begins: &begins, ends: &ends, keys: &keys };
        for isa in isas() {
            check_extents(isa, &rows);
            check_searches(isa, &rows);
            check_writers(isa, &rows);
        }
    }

    /// Promise: no two keys mix to the same fingerprint.
    #[test]
    fn mixing_round_trips(key in any::<u64>()) {
        prop_assert_eq!(unmix_one(mix_one(key)), key);
    }
}
