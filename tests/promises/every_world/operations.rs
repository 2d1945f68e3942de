//! What transactions of a small world do, and which of that is the same but for names.

/// Whether a key was read, and what that returned: nothing, or the value of another transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Read {
    Not,
    Nothing,
    Of(u8),
}

/// What a transaction does to a key: a read comes before a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Does {
    pub(super) read: Read,
    pub(super) write: bool,
}

/// What up to three transactions do to two keys.
pub(super) type Ops = [[Does; 2]; 3];

/// An order of up to three transactions.
pub(super) type Order = [usize; 3];

/// A key left alone.
pub(super) const NOTHING: Does = Does { read: Read::Not, write: false };

impl Does {
    /// A number of its own, less than 16.
    pub(super) fn code(self) -> u64 {
        let read = match self.read {
            Read::Not => 0,
            Read::Nothing => 1,
            Read::Of(writer) => 2 + u64::from(writer),
        };
        read * 2 + u64::from(self.write)
    }

    /// How many operations that are.
    pub(super) fn operations(self) -> usize {
        usize::from(self.read != Read::Not) + usize::from(self.write)
    }

    /// Whether the key is written and not read.
    fn blindly(self) -> bool {
        self.write && self.read == Read::Not
    }
}

/// All that transactions can do to one key.
fn of_key(txns: usize) -> Vec<[Does; 3]> {
    let mut all = Vec::new();
    for writers in 0..1_u8 << txns {
        let writes = |txn: usize| writers >> txn & 1 == 1;
        let mut of_writers = vec![[NOTHING; 3]];
        for txn in 0..txns {
            let others = (0..txns).filter(|&other| other != txn && writes(other));
            let values = others.map(|other| Read::Of(other as u8));
            let reads: Vec<Read> = [Read::Not, Read::Nothing].into_iter().chain(values).collect();
            let with = |before: [Does; 3]| {
                let write = writes(txn);
                reads.iter().map(move |&read| {
                    let mut ops = before;
                    ops[txn] = Does { read, write };
                    ops
                })
            };
            of_writers = of_writers.into_iter().flat_map(with).collect();
        }
        all.extend(of_writers);
    }
    all
}

/// All that transactions, each of which does something, can do to so many keys.
fn all_ops(txns: usize, keys: usize) -> Vec<Ops> {
    let (first, none) = (of_key(txns), vec![[NOTHING; 3]]);
    let second = if keys == 2 { &first } else { &none };
    let both = |a: &[Does; 3]| {
        let a = *a;
        second.iter().map(move |b| [0, 1, 2].map(|txn| [a[txn], b[txn]])).collect::<Vec<Ops>>()
    };
    let all = first.iter().flat_map(both);
    all.filter(|ops| ops[..txns].iter().all(|does| *does != [NOTHING; 2])).collect()
}

const ORDERS: [Order; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// The orders of so many transactions.
pub(super) fn orders(txns: usize) -> impl Iterator<Item = Order> {
    ORDERS.into_iter().filter(move |order| (txns..3).all(|txn| order[txn] == txn))
}

/// Into how many cycles an order falls.
pub(super) fn cycles(order: Order) -> u32 {
    match order.into_iter().enumerate().filter(|(place, txn)| place == txn).count() {
        3 => 3,
        1 => 2,
        _ => 1,
    }
}

/// The same log, transaction `txn` under the name `order[txn]`, its keys exchanged or not.
fn renamed(ops: &Ops, order: Order, exchanged: bool) -> Ops {
    let mut renamed = [[NOTHING; 2]; 3];
    for (txn, does) in ops.iter().enumerate() {
        let name = |does: Does| match does.read {
            Read::Of(writer) => Does { read: Read::Of(order[usize::from(writer)] as u8), ..does },
            _ => does,
        };
        let [a, b] = does.map(name);
        renamed[order[txn]] = if exchanged { [b, a] } else { [a, b] };
    }
    renamed
}

/// Operations as no renaming makes them less, with the orders that leave them as they are.
pub(super) fn representatives(txns: usize, keys: usize) -> Vec<(Ops, Vec<Order>)> {
    let exchanges: &[bool] = if keys == 2 { &[false, true] } else { &[false] };
    let representative = |ops: Ops| {
        let mut symmetries = Vec::new();
        for order in orders(txns) {
            for &exchanged in exchanges {
                match renamed(&ops, order, exchanged).cmp(&ops) {
                    std::cmp::Ordering::Less => return None,
                    std::cmp::Ordering::Equal => symmetries.push(order),
                    std::cmp::Ordering::Greater => {}
                }
            }
        }
        Some((ops, symmetries))
    };
    let mut all: Vec<(Ops, Vec<Order>)> =
        all_ops(txns, keys).into_iter().filter_map(representative).collect();
    // By what is done to the first key: what is known of it is used at once.
    all.sort_by_key(|(ops, _)| (ops.map(|does| does[0]), ops.map(|does| does[1])));
    all
}

/// Whether one of the keys is the only one that matters: the other is written alone, blindly, and by
/// none but transactions that do not write the one.
pub(super) fn about_one_key(ops: &Ops) -> bool {
    let beside = |other: usize| {
        let aside =
            |does: &[Does; 2]| does[other] == NOTHING || does[other].blindly() && !does[1 - other].write;
        ops.iter().all(aside)
    };
    beside(0) || beside(1)
}
