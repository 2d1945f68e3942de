//! Every kernel on every instruction set of this CPU: `kernel/rows/isa`, in bytes read and
//! written. Answers are asserted against scalar's before anything is timed.
//!
//! 1,024 rows fit the first-level cache: that shows the loop. 1,048,576 rows do not: that shows
//! the memory. Scalar is no straw man: the compiler vectorises it for the target's baseline.

#![forbid(unsafe_code)]

use std::fmt::Debug;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use skewer_kernels::{
    High, Isa, Likeness, Marks, NodeRows, choose, extent, first_inverted, mix, mix_one, near_pairs, open_gap,
    rank, squeeze,
};

const ROWS: [usize; 2] = [1 << 10, 1 << 20];
const SEED: u64 = 20_240_229;
/// Words of a node.
const NODE: usize = 32;
/// Bytes of an `i64` or a `u64`.
const WORD: usize = 8;

/// The columns of a log of bounds: starts a thousand ticks apart, up to 4,096 wide.
struct Columns {
    keys: Vec<u64>,
    begins: Vec<i64>,
    ends: Vec<i64>,
}

impl Columns {
    fn of(rows: usize) -> Self {
        let keys: Vec<u64> = (0..rows as u64).map(|row| mix_one(SEED + row)).collect();
        let begins: Vec<i64> = (0..).step_by(1_000).take(rows).collect();
        let ends =
            begins.iter().zip(&keys).map(|(begin, key)| begin.wrapping_add_unsigned(key & 0xfff)).collect();
        Columns { keys, begins, ends }
    }

    fn rows(&self) -> usize {
        self.keys.len()
    }
}

/// Times `kernel`, of `bytes` a row, on each instruction set, having checked its answer.
fn race<A: PartialEq + Debug>(
    c: &mut Criterion,
    name: &str,
    columns: &Columns,
    bytes: usize,
    mut kernel: impl FnMut(Isa, &Columns) -> A,
) {
    let mut group = c.benchmark_group(format!("{name}/{}", columns.rows()));
    group.throughput(Throughput::Bytes((columns.rows() * bytes) as u64));
    let truth = kernel(Isa::scalar(), columns);
    for isa in Isa::available() {
        assert_eq!(kernel(isa, columns), truth, "{name} on {isa}");
        group
            .bench_function(BenchmarkId::from_parameter(isa), |b| b.iter(|| kernel(isa, black_box(columns))));
    }
    group.finish();
}

fn searches(c: &mut Criterion) {
    for rows in ROWS {
        let columns = Columns::of(rows);
        race(c, "first_inverted", &columns, 2 * WORD, |isa, t| first_inverted(isa, &t.begins, &t.ends));
    }
}

/// A node's words each, one search after the other: the place that one gives is part of what the next looks for.
fn ranks(c: &mut Criterion) {
    for rows in ROWS {
        let mut columns = Columns::of(rows);
        columns.keys.chunks_mut(NODE).for_each(<[u64]>::sort_unstable);
        race(c, "rank", &columns, WORD, |isa, t| {
            let nodes = t.keys.as_chunks::<NODE>().0;
            nodes.iter().fold(1 << 63, |word, node| word ^ (rank(isa, node, word) as u64) << 58)
        });
    }
}

/// A gap of two rows in a node and a squeeze of it, one after the other: where the gap is, the node's first word says.
fn rows_of_nodes(c: &mut Criterion) {
    for rows in ROWS {
        let columns = Columns::of(rows);
        let mut numbers = [7; NODE];
        race(c, "rows", &columns, WORD, |isa, t| {
            let nodes = t.keys.as_chunks::<NODE>().0;
            nodes.iter().fold(0, |word, node| {
                let (mut words, at) = (*node, node[0] as usize % (NODE - 1));
                open_gap(isa, NodeRows { words: &mut words, numbers: &mut numbers, others: None }, at, 2);
                let kept = !(node[1] as u32 & node[2] as u32);
                squeeze(isa, NodeRows { words: &mut words, numbers: &mut numbers, others: None }, kept);
                word ^ words[at]
            })
        });
    }
}

fn outlines(c: &mut Criterion) {
    for rows in ROWS {
        let columns = Columns::of(rows);
        race(c, "extent", &columns, 2 * WORD, |isa, t| extent(isa, &t.begins, &t.ends));
    }
}

fn counts(c: &mut Criterion) {
    for rows in ROWS {
        let columns = Columns::of(rows);
        let likeness = Likeness { bits: !0xff, reach: 1 << 20 };
        let mut close = Vec::new();
        race(c, "near_pairs", &columns, 2 * WORD, |isa, t| {
            close.clear();
            let marks = Marks { words: &t.keys, others: &[], times: bytemuck::cast_slice(&t.begins) };
            near_pairs(isa, marks, likeness, &mut close)
        });
    }
}

fn writers(c: &mut Criterion) {
    for rows in ROWS {
        let columns = Columns::of(rows);
        let (middle, last) = (rows / 2, rows - 1);
        let mut mixed = vec![0; rows];
        let mut places = Vec::new();
        race(c, "choose", &columns, WORD, |isa, t| {
            choose(isa, &t.keys, High { shift: 62, value: 2 }, &mut places).len()
        });
        race(c, "mix", &columns, 2 * WORD, |isa, t| {
            mix(isa, &t.keys, &mut mixed);
            (mixed[middle], mixed[last])
        });
    }
}

criterion_group!(benches, searches, ranks, rows_of_nodes, outlines, counts, writers);
criterion_main!(benches);
