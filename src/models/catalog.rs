//! What each model means, in words for a person at a terminal.

use std::fmt;

use crate::report::{Kind, Model};

/// A model's definition, its kinds of findings, and where it comes from.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The model.
    pub model: Model,
    /// What a database promises by it, in one sentence.
    pub promise: &'static str,
    /// What a log must have for it to be judged.
    pub needs: &'static str,
    /// Each kind of finding, with what makes it definite, and what possible.
    pub kinds: &'static [(Kind, &'static str)],
    /// What a verdict of `holds` does not say.
    pub silent: &'static str,
    /// Papers and systems.
    pub literature: &'static [&'static str],
}

/// The entry of `model`.
pub fn entry(model: Model) -> Entry {
    match model {
        Model::WriteOrder => WRITE_ORDER,
        Model::CrossRegionConflicts => CROSS_REGION_CONFLICTS,
        Model::SnapshotIsolation => SNAPSHOT_ISOLATION,
        Model::Serializable => SERIALIZABLE,
        Model::StrictSerializable => STRICT_SERIALIZABLE,
        Model::ExternalConsistency => EXTERNAL_CONSISTENCY,
        Model::Linearizable => LINEARIZABLE,
        Model::ClockBounds => CLOCK_BOUNDS,
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n\n{}\n\nneeds: {}\n\nfindings", self.model.name(), self.promise, self.needs)?;
        for (kind, meaning) in self.kinds {
            writeln!(f, "  {}: {meaning}", kind.name())?;
        }
        writeln!(f, "\n{NOTATION}\n\nwhat `holds` does not say: {}\n\nliterature", self.silent)?;
        self.literature.iter().try_for_each(|source| writeln!(f, "  {source}"))
    }
}

const NOTATION: &str = "S is when a transaction took its snapshot, C when it committed, each \
a bound [earliest, latest]; a < b says that a's latest is before b's earliest. Definite: so in every placing \
of the true times inside the bounds. Possible: in some, not in all.";

const FISHBURN: &str = "Fishburn, Intransitive indifference with unequal indifference intervals, J. Math. \
Psychology 7, 1970: bounded timestamps form an interval order";
const BERENSON: &str = "Berenson, Bernstein, Gray, Melton, O'Neil, O'Neil, A critique of ANSI SQL isolation \
levels, SIGMOD 1995: snapshot isolation, lost update (P4), first committer wins";
const ADYA: &str = "Adya, Weak consistency: a generalized theory and optimistic implementations for \
distributed transactions, MIT 1999: aborted read (G1a), intermediate read (G1b)";
const SPANNER: &str = "Corbett et al., Spanner: Google's globally distributed database, OSDI 2012: external \
consistency, commit wait, bounded clocks";
const PAPADIMITRIOU: &str =
    "Papadimitriou, The serializability of concurrent database updates, J. ACM 26, 1979";
const HERLIHY: &str = "Herlihy and Wing, Linearizability: a correctness condition for concurrent objects, ACM \
TOPLAS 12, 1990";

const WRITE_ORDER: Entry = Entry {
    model: Model::WriteOrder,
    promise: "Of each key the write that came last wins: the winner is the one with the largest commit \
timestamp, or without one the largest midpoint of its bound.",
    needs: "commit bounds of all committed writers",
    kinds: &[
        (
            Kind::LostWrite,
            "definite: the winner is certainly not the last writer, so that a later write is gone",
        ),
        (Kind::ContestedWinner, "possible: the winner is one of several that may have been last"),
    ],
    silent: "whether anybody saw the key in between, or wrote without having seen the other",
    literature: &[
        FISHBURN,
        "Thomas, A majority consensus approach to concurrency control for multiple copy \
databases, ACM TODS 4, 1979: last writer wins",
    ],
};

const CROSS_REGION_CONFLICTS: Entry = Entry {
    model: Model::CrossRegionConflicts,
    promise: "No two regions write one key, each blind to the other's write.",
    needs: "commit bounds of all committed writers; without start bounds a write starts --visibility-lag before \
it commits",
    kinds: &[(
        Kind::WriteWrite,
        "definite: S(A) < C(B) and S(B) < C(A); possible: neither so nor certain that one saw the other",
    )],
    silent: "conflicts within one region, and what was read",
    literature: &[FISHBURN, BERENSON],
};

/// The kinds that do not depend on clocks, with ties and sessions.
macro_rules! kinds_of_reads {
    ($($kind:expr => $meaning:expr),* $(,)?) => {
        &[
            $(($kind, $meaning),)*
            (Kind::OwnWriteMissed, "definite: after writing x, a read of x returned something else than the own last write"),
            (Kind::NonRepeatableRead, "definite: two reads of x without an own write between them returned different versions"),
            (Kind::AbortedRead, "definite (G1a): the value read was written by an aborted transaction alone"),
            (Kind::IntermediateRead, "definite (G1b): the transaction that wrote the value read had overwritten it itself"),
            (Kind::UnknownVersion, "definite: nobody wrote the value read"),
            (Kind::SessionOrder, "definite: a transaction's snapshot certainly lacks the commit right before it in its session"),
            (Kind::CommitTie, "possible: two transactions with one commit point wrote one key"),
        ]
    };
}

const SNAPSHOT_ISOLATION: Entry = Entry {
    model: Model::SnapshotIsolation,
    promise: "A transaction reads what was committed when it started, and of two that write one key, each \
blind to the other, only the first commits.",
    needs: "values, and start_ts and commit_ts of all committed transactions; or else start bounds of all and \
commit bounds of writers",
    kinds: kinds_of_reads![
        Kind::LostUpdate => "definite: S(A) < C(B) and S(B) < C(A) of two writers of x; possible: neither so nor certain that one saw the other",
        Kind::FutureRead => "definite: the version read was committed after the snapshot; possible: perhaps",
        Kind::StaleRead => "definite: the version read was overwritten before the snapshot; possible: perhaps",
        Kind::CommitBeforeStart => "definite: C(T) < S(T)",
    ],
    silent: "write skew, which the model allows; reads of values that several writes share; reads by predicate",
    literature: &[BERENSON, ADYA, FISHBURN],
};

const SERIALIZABLE: Entry = Entry {
    model: Model::Serializable,
    promise: "All is as if transactions had run one after the other in the order of their commits; one that wrote \
nothing stands at its snapshot.",
    needs: "values, reads, and start_ts and commit_ts of all committed transactions, or else commit bounds of all",
    kinds: kinds_of_reads![
        Kind::FutureRead => "definite: the version read was committed after the reader's commit; possible: perhaps",
        Kind::StaleRead => "definite: the version read was overwritten before the reader's commit; possible: perhaps",
    ],
    silent: "whether another serial order than that of commits exists where this one is violated; phantoms",
    literature: &[PAPADIMITRIOU, ADYA, FISHBURN],
};

const STRICT_SERIALIZABLE: Entry = Entry {
    model: Model::StrictSerializable,
    promise: "Serializable, in an order in which what had committed before a transaction started stands before it.",
    needs: "what serializable needs; where it is judged by assigned timestamps also what external-consistency needs",
    kinds: kinds_of_reads![
        Kind::FutureRead => "as in serializable",
        Kind::StaleRead => "as in serializable",
        Kind::TimestampInversion => "definite: C(T1) < S(T2), yet commit_ts(T1) >= commit_ts(T2)",
    ],
    silent: "as of serializable",
    literature: &[PAPADIMITRIOU, HERLIHY, SPANNER],
};

const EXTERNAL_CONSISTENCY: Entry = Entry {
    model: Model::ExternalConsistency,
    promise: "Commit timestamps that the database assigned respect real time, and none is acknowledged before its \
timestamp has passed.",
    needs: "commit_ts, and recorded bounds of starts and commits, of all committed transactions",
    kinds: &[
        (
            Kind::TimestampInversion,
            "definite: C(T1) < S(T2), yet commit_ts(T1) >= commit_ts(T2); counted once for each T2",
        ),
        (
            Kind::CommitWait,
            "definite: the acknowledgement was certainly before commit_ts; possible: perhaps before or with it",
        ),
    ],
    silent: "anything of what was read or written",
    literature: &[
        SPANNER,
        "Gifford, Information storage in a decentralized computer system, Xerox PARC 1981",
    ],
};

const LINEARIZABLE: Entry = Entry {
    model: Model::Linearizable,
    promise: "Each key behaves as one register that is read and written at one moment between an operation's start \
and end.",
    needs: "values, reads, start bounds of all, commit bounds of writers, transactions of one operation, and values \
unique among the writes of a key",
    kinds: &[(
        Kind::NotLinearizable,
        "one for each key: a value from nowhere, a read that ended before its write began, two forward zones that \
overlap, or a backward zone inside a forward one; definite: with operations stretched to [S.earliest, C.latest]; \
possible: only when shrunk to [S.latest, C.earliest]",
    )],
    silent: "anything across keys",
    literature: &[HERLIHY, "Gibbons and Korach, Testing shared memories, SIAM J. Computing 26, 1997: zones"],
};

const CLOCK_BOUNDS: Entry = Entry {
    model: Model::ClockBounds,
    promise: "The bounds are true: what surely came first is not said to have come after.",
    needs: "commit bounds of all committed transactions, and starts, reads with values, or sessions",
    kinds: &[(
        Kind::BrokenBound,
        "definite: b < a, though a surely came before b: a start before its own commit, a write before the commit \
of who read it, a transaction before the next one of its session",
    )],
    silent: "that bounds are true: only that nothing in the log disproves them",
    literature: &[
        "Lamport, Time, clocks, and the ordering of events in a distributed system, CACM 21, 1978",
        SPANNER,
        FISHBURN,
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: every model is explained under its own name, each kind once.
    #[test]
    fn every_model() {
        for model in Model::ALL {
            let entry = entry(model);
            assert_eq!(entry.model, model);
            let mut names: Vec<&str> = entry.kinds.iter().map(|(kind, _)| kind.name()).collect();
            let listed = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), listed, "{}", model.name());
            let text = entry.to_string();
            assert!(text.starts_with(model.name()) && names.iter().all(|name| text.contains(name)));
            assert!(!text.contains("  \n") && !entry.literature.is_empty(), "{text}");
        }
    }
}
