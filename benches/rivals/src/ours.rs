//! The resolver.

use std::ops::Bound::{Excluded, Included};

use skewer::resolve::{Batch, Checked, Resolver, Version};

use crate::{Access, Check, Load, Shape};

/// A resolver, and the batch that it is handed.
#[derive(Debug)]
pub struct Ours {
    resolver: Resolver,
    batch: Batch,
    load: Load,
}

impl Ours {
    /// An empty one.
    pub fn new(load: Load) -> Self {
        let resolver = Resolver::new(Checked::Serializable).with_room_for(load.window);
        let resolver = if load.shape == Shape::Points { resolver } else { resolver.expecting_ranges() };
        Ours { resolver, batch: Batch::new(), load }
    }

    fn resolve(&mut self, txns: &[(Access<'_>, Access<'_>)], snapshot: Version) -> usize {
        self.batch.clear();
        for (read, write) in txns {
            let mut txn = self.batch.begin(snapshot);
            let read = match read {
                Access::Point(key) => txn.read(0, key),
                Access::Range(low, high) => txn.read_range(0, Included(*low), Excluded(*high)),
            };
            read.expect("keys are short and in order");
            let write = match write {
                Access::Point(key) => txn.write(0, key),
                Access::Range(low, high) => txn.write_range(0, Included(*low), Excluded(*high)),
            };
            write.expect("keys are short and in order");
        }
        let commit = self.resolver.version() + 1;
        let verdicts = self.resolver.resolve(&self.batch, commit).expect("versions rise");
        let committed = verdicts.iter().filter(|verdict| verdict.is_commit()).count();
        let floor = (commit - self.load.window.div_ceil(self.load.batch) as Version).max(0);
        self.resolver.forget_before(floor).expect("the floor rises");
        committed
    }
}

impl Check for Ours {
    fn check(&mut self, txns: &[(Access<'_>, Access<'_>)]) -> usize {
        self.resolve(txns, self.resolver.floor())
    }

    fn fill(&mut self, write: Access<'_>) {
        let nothing = Access::Point(b"");
        self.resolve(&[(nothing, write)], self.resolver.version());
    }
}
