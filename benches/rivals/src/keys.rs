//! Keys of several kinds, and rings of transactions made of them.

use crate::Access;

/// How many keys there are: collisions within a window are rare, but happen.
const KEYS: u64 = 20_000_000;

/// What keys look like.
#[derive(Clone, Copy, Debug)]
pub enum Keys {
    /// Twelve equal bytes and a big-endian number: FoundationDB's benchmark.
    Dotted,
    /// Sixteen random bytes.
    Random16,
    /// 8 to 64 bytes.
    Varied,
    /// A long common prefix.
    Urls,
    /// Ascending for ever.
    Rising,
}

impl Keys {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Keys::Dotted => "dotted",
            Keys::Random16 => "random-16",
            Keys::Varied => "varied",
            Keys::Urls => "urls",
            Keys::Rising => "rising",
        }
    }

    /// Appends the key of number `n`.
    fn write(self, n: u64, to: &mut Vec<u8>) {
        let mixed = mix(n);
        match self {
            Keys::Dotted => to.extend([b'.'; 12].iter().chain(&(n as u32).to_be_bytes())),
            Keys::Random16 => to.extend(mixed.to_be_bytes().iter().chain(&n.to_be_bytes())),
            Keys::Varied => {
                to.extend(mixed.to_be_bytes());
                to.extend(std::iter::repeat_n(mixed as u8, mixed as usize % 57));
            }
            Keys::Urls => to.extend(format!("https://host.example.org/items/{n:012}").as_bytes()),
            Keys::Rising => to.extend(n.to_be_bytes()),
        }
    }
}

/// What transactions read and write.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// A key and a key.
    Points,
    /// A range of about five keys, and a key.
    RangeReads,
    /// A range and a range.
    Ranges,
}

/// The transactions of a run.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// What they touch.
    pub shape: Shape,
    /// With what keys.
    pub keys: Keys,
    /// How many commits each is checked against.
    pub window: usize,
    /// How many arrive together.
    pub batch: usize,
}

/// Transactions made beforehand: longer than the window, so that it never holds one twice.
#[derive(Debug)]
pub struct Ring {
    load: Load,
    bytes: Vec<u8>,
    /// Where keys begin: those of a transaction are the start and end of its read, then of its write.
    starts: Vec<u32>,
}

impl Ring {
    /// The ring of a load; the same for equal loads.
    pub fn new(load: Load) -> Self {
        let count = (2 * load.window).max(1 << 16).next_multiple_of(load.batch);
        let mut ring = Ring { load, bytes: Vec::new(), starts: Vec::with_capacity(4 * count) };
        for draw in 0..2 * count as u64 {
            let low = match load.keys {
                Keys::Rising => (1 << 40) + draw * 16,
                _ => mix(draw ^ 0x5EED) % KEYS,
            };
            for number in [low, low + 1 + mix(draw) % 10] {
                ring.starts.push(ring.bytes.len() as u32);
                load.keys.write(number, &mut ring.bytes);
            }
        }
        ring
    }

    /// The number of transactions.
    pub fn len(&self) -> usize {
        self.starts.len() / 4
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Transaction `n`: what it reads, what it writes.
    pub fn txn(&self, n: usize) -> (Access<'_>, Access<'_>) {
        let key = |k: usize| {
            let end = self.starts.get(k + 1).map_or(self.bytes.len(), |end| *end as usize);
            &self.bytes[self.starts[k] as usize..end]
        };
        let range = |k: usize| {
            let (a, b) = (key(k), key(k + 1));
            if a < b { Access::Range(a, b) } else { Access::Range(b, a) }
        };
        let (read, write) = (4 * n, 4 * n + 2);
        match self.load.shape {
            Shape::Points => (Access::Point(key(read)), Access::Point(key(write))),
            Shape::RangeReads => (range(read), Access::Point(key(write))),
            Shape::Ranges => (range(read), range(write)),
        }
    }

    /// Puts the next batch into `out`.
    pub fn batch<'a>(&'a self, at: &mut usize, out: &mut Vec<(Access<'a>, Access<'a>)>) {
        out.clear();
        for _ in 0..self.load.batch {
            out.push(self.txn(*at));
            *at = (*at + 1) % self.len();
        }
    }
}

/// splitmix64's output function.
fn mix(n: u64) -> u64 {
    let z = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
