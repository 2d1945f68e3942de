//! What threads were told of a shared resolver, held against a list of transactions in the order of versions.

use skewer::resolve::naive::{Naive, NaiveTxn};
use skewer::resolve::{Checked, Verdict, Version};

/// What happened, with what it takes to do it again.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// Transactions, what they were told, and what may have been forgotten by then beside what was recorded.
    Call(Vec<NaiveTxn>, Vec<Verdict>, Version),
    Forget(Version),
    Prepare(u64, NaiveTxn),
    /// The same of one that was not prepared.
    Refuse(NaiveTxn, Verdict, Version),
    Abort(u64),
    Confirm(u64),
}

/// An event, the version at which it was judged, and, of those that nobody else could disturb, which it was.
pub(crate) type Recorded = (Version, u64, Event);

/// What the list of transactions says to the same events, and who is in flight there.
#[derive(Clone)]
pub(crate) struct Replay {
    naive: Naive,
    in_flight: Vec<u64>,
}

impl Replay {
    pub(crate) fn new(checked: Checked) -> Self {
        Self { naive: Naive::new(checked, 0), in_flight: Vec::new() }
    }

    fn settle(&mut self, id: u64) -> NaiveTxn {
        let at = self.in_flight.iter().position(|other| *other == id).unwrap();
        self.in_flight.swap_remove(at);
        self.naive.land(at)
    }

    /// Whether the event has the answer that was recorded.
    fn agrees(&mut self, (version, _, event): &Recorded) -> bool {
        match event {
            Event::Call(txns, verdicts, floor) => {
                assert_eq!(txns.len(), verdicts.len());
                txns.iter().zip(verdicts).all(|(txn, verdict)| {
                    is_too_old(txn, *verdict, *floor) || self.naive.commit(txn, *version) == *verdict
                })
            }
            Event::Forget(floor) => {
                self.naive.forget_before(*floor);
                true
            }
            Event::Prepare(id, txn) => {
                let may = self.naive.refusal(txn).is_none();
                self.naive.take_off(txn.clone());
                self.in_flight.push(*id);
                may
            }
            Event::Refuse(txn, verdict, floor) => {
                is_too_old(txn, *verdict, *floor) || self.naive.refusal(txn) == Some(*verdict)
            }
            Event::Abort(id) => {
                self.settle(*id);
                true
            }
            Event::Confirm(id) => {
                let txn = self.settle(*id);
                self.naive.write(&txn, *version);
                true
            }
        }
    }

    /// The first events that agree in no order: those of one version are calls of one group.
    pub(crate) fn disagreement<'a>(&mut self, events: &'a [Recorded]) -> Option<&'a [Recorded]> {
        let mut rest = events;
        while let Some(first) = rest.first() {
            let is_group = |event: &&Recorded| event.0 == first.0 && event.1 == 0 && first.1 == 0;
            let count = rest.iter().take_while(is_group).count().max(1);
            let (group, behind) = rest.split_at(count);
            if !self.agree_in_some_order(&group.iter().collect::<Vec<_>>()) {
                return Some(group);
            }
            rest = behind;
        }
        None
    }

    fn agree_in_some_order(&mut self, group: &[&Recorded]) -> bool {
        if group.is_empty() {
            return true;
        }
        (0..group.len()).any(|at| {
            let mut next = self.clone();
            let mut rest = group.to_vec();
            let agrees = next.agrees(rest.remove(at)) && next.agree_in_some_order(&rest);
            if agrees {
                *self = next;
            }
            agrees
        })
    }
}

/// Whether this is told of a transaction that may be too old, by a floor of which nobody knows when it was raised.
fn is_too_old(txn: &NaiveTxn, verdict: Verdict, floor: Version) -> bool {
    verdict == Verdict::TooOld && txn.snapshot < floor
}
