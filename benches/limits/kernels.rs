//! What wide instructions gain in each kernel.

use std::hint::black_box;

use skewer_kernels::{
    High, Isa, Likeness, Marks, choose, extent, first_inverted, mix, mix_one, near_pairs, rank,
};

use crate::data::median;
use crate::seconds;

/// Rows whose columns fit the first-level cache.
const IN_CACHE: usize = 1 << 10;
/// A gain below that pays for no code.
const LEAST_GAIN: f64 = 1.1;

/// The columns that kernels read, and those that they write.
struct Columns {
    keys: Vec<u64>,
    /// Nodes of words that ascend.
    nodes: Vec<[u64; 32]>,
    begins: Vec<i64>,
    ends: Vec<i64>,
    mixed: Vec<u64>,
    places: Vec<u32>,
}

impl Columns {
    /// Starts a thousand ticks apart, up to 4,096 wide.
    fn of(rows: usize) -> Self {
        let keys: Vec<u64> = (0..rows as u64).map(mix_one).collect();
        let begins: Vec<i64> = (0..).step_by(1_000).take(rows).collect();
        let ends = begins.iter().zip(&keys).map(|(begin, key)| begin + (key & 0xfff) as i64).collect();
        let mut nodes = keys.as_chunks().0.to_vec();
        nodes.iter_mut().for_each(|node| node.sort_unstable());
        Columns { keys, nodes, begins, ends, mixed: vec![0; rows], places: Vec::new() }
    }
}

/// A kernel: its name, the bytes of a row that it moves, and what of its answer is compared.
type Kernel = (&'static str, usize, fn(Isa, &mut Columns) -> u64);

const KERNELS: [Kernel; 6] = [
    ("first_inverted", 16, |isa, t| first_inverted(isa, &t.begins, &t.ends).map_or(0, |row| row as u64 + 1)),
    ("extent", 16, |isa, t| extent(isa, &t.begins, &t.ends).max_width),
    ("mix", 16, |isa, t| {
        mix(isa, &t.keys, &mut t.mixed);
        t.mixed[t.mixed.len() / 2] ^ t.mixed[t.mixed.len() - 1]
    }),
    ("choose", 8, |isa, t| {
        let chosen = choose(isa, &t.keys, High { shift: 62, value: 2 }, &mut t.places);
        (chosen.len() as u64) << 32 | chosen.last().copied().map_or(0, u64::from)
    }),
    ("near_pairs", 16, |isa, t| {
        let marks = Marks { words: &t.keys, others: &[], times: bytemuck::cast_slice(&t.begins) };
        near_pairs(isa, marks, Likeness { bits: !0xff, reach: 1 << 20 }, &mut Vec::new()).alike
    }),
    // Each search looks for what the one before it gave, as on the way down a tree.
    ("rank", 8, |isa, t| {
        t.nodes.iter().fold(1 << 63, |word, node| word ^ (rank(isa, node, word) as u64) << 58)
    }),
];

/// Bytes a second of a kernel on each instruction set, in turn, having compared their answers.
fn rates((name, row_bytes, kernel): Kernel, columns: &mut Columns, times: usize, runs: usize) -> Vec<f64> {
    let isas = Isa::available();
    let truth = kernel(Isa::scalar(), columns);
    isas.iter().for_each(|&isa| assert_eq!(kernel(isa, columns), truth, "{name} on {isa}"));
    let bytes = (times * columns.keys.len() * row_bytes) as f64;
    let mut by_isa = vec![Vec::new(); isas.len()];
    for _ in 0..runs {
        for (isa, rates) in isas.iter().zip(&mut by_isa) {
            let repeated = || (0..times).for_each(|_| _ = black_box(kernel(*isa, black_box(columns))));
            rates.push(bytes / seconds(repeated));
        }
    }
    by_isa.into_iter().map(median).collect()
}

/// Prints every kernel's rates and gains, with `rows` rows out of cache, and names those that gain nothing.
pub(crate) fn race(rows: usize, runs: usize) {
    let mut sizes = [("in cache", Columns::of(IN_CACHE)), ("out of cache", Columns::of(rows))];
    println!("\nkernels, one thread: GB/s, and the gain over scalar");
    for kernel in KERNELS {
        let mut most: f64 = 0.0;
        for (size, columns) in &mut sizes {
            // As many bytes in cache as out of it.
            let times = (rows / columns.keys.len()).max(1);
            let rates = rates(kernel, columns, times, runs);
            let gain = |rate: f64| rate / rates[0];
            let cell =
                |(isa, rate): (&Isa, &f64)| format!("{isa:>10}{:8.2} ({:.2}x)", rate / 1e9, gain(*rate));
            let cells: String = Isa::available().iter().zip(&rates).map(cell).collect();
            println!("  {:16}{size:14}{cells}", kernel.0);
            most = rates[1..].iter().map(|rate| gain(*rate)).fold(most, f64::max);
        }
        if most < LEAST_GAIN {
            println!("  {:16}gains nothing: at most {most:.2}x", kernel.0);
        }
    }
}
