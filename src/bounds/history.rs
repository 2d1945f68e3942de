//! From samples and incidents to the error at any time.

use crate::clock::drift;

/// What a line of a history tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The error is known.
    Sample {
        /// From now on, in nanoseconds.
        error: u64,
        /// Since the sample before, where the line tells that.
        until_now: Option<u64>,
    },
    /// The error is not known any more.
    Lost,
    /// The clock was set by so many nanoseconds, either way.
    Step(u64),
    /// Over so many nanoseconds before, the system's clock was off by this much more.
    Corrected {
        /// The window.
        window: u64,
        /// The greatest correction in it.
        error: u64,
    },
}

/// The lines of one clock's history. Times are nanoseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Events {
    lines: Vec<(i64, Event)>,
    /// Growth of the error and age of a sample, of the file that came first.
    pub(super) drift_ppb: u32,
    pub(super) hold_ns: u64,
    last: Option<i64>,
}

impl Events {
    pub(super) fn new(drift_ppb: u32, hold_ns: u64) -> Self {
        Events { lines: Vec::new(), drift_ppb, hold_ns, last: None }
    }

    /// Takes the next line of the file over. A line that is dated before the one above it tells of
    /// a clock that was set back.
    pub(super) fn push(&mut self, time: i64, event: Event) {
        if let Some(last) = self.last.filter(|last| time < *last) {
            self.lines.push((time, Event::Step(last.abs_diff(time))));
        }
        self.last = Some(time);
        self.lines.push((time, event));
    }

    pub(super) fn merge(&mut self, other: Events) {
        self.lines.extend(other.lines);
        self.drift_ppb = self.drift_ppb.max(other.drift_ppb);
        self.hold_ns = self.hold_ns.min(other.hold_ns);
    }

    /// The error at any time.
    pub(super) fn history(mut self) -> BoundHistory {
        self.lines.sort_by_key(|(time, _)| *time);
        let mut spans = self.spans();
        let steps = self.lines.iter().filter_map(|(time, event)| match event {
            Event::Step(by) => Some((time.saturating_sub_unsigned(*by), time.saturating_add_unsigned(*by))),
            _ => None,
        });
        for (from, until) in steps {
            cut(&mut spans, from, until);
        }
        for (time, event) in &self.lines {
            if let Event::Corrected { window, error } = event {
                widen(&mut spans, time.saturating_sub_unsigned(*window), *time, *error);
            }
        }
        BoundHistory { spans, drift_ppb: self.drift_ppb }
    }

    /// What is known between two good samples, and for a while after the last.
    fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        let mut good: Option<(i64, u64)> = None;
        for &(time, event) in &self.lines {
            let Event::Sample { error, until_now } = event else {
                if !matches!(event, Event::Corrected { .. }) {
                    good = None;
                }
                continue;
            };
            if let Some((from, before)) = good.replace((time, error)) {
                spans.extend(self.between(from, before, time, until_now));
            }
        }
        if let Some((from, error)) = good {
            let until = from.saturating_add_unsigned(self.hold_ns);
            spans.extend(Span::new(from, until, error, true));
        }
        spans
    }

    fn between(&self, from: i64, error: u64, to: i64, until_now: Option<u64>) -> Option<Span> {
        let held = from.saturating_add_unsigned(self.hold_ns);
        match until_now {
            Some(greatest) if to <= held => Span::new(from, to, greatest, false),
            // Told too late to be believed all the way, but no less than it says.
            Some(greatest) => Span::new(from, held, error.max(greatest), true),
            None => Span::new(from, to.min(held), error, true),
        }
    }
}

/// A time in which the error is known: `[from, until)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    from: i64,
    until: i64,
    error: u64,
    /// When the error began to grow; `None`: it is constant.
    grows_since: Option<i64>,
}

impl Span {
    fn new(from: i64, until: i64, error: u64, grows: bool) -> Option<Span> {
        (from < until).then_some(Span { from, until, error, grows_since: grows.then_some(from) })
    }

    fn error_at(&self, time: i64, drift_ppb: u32) -> u64 {
        let age = self.grows_since.map_or(0, |since| time.abs_diff(since));
        self.error.saturating_add(drift(age, drift_ppb))
    }
}

/// Leaves out what is known from `from` to `until`, both included.
fn cut(spans: &mut Vec<Span>, from: i64, until: i64) {
    let first = spans.partition_point(|span| span.until <= from);
    let after = spans.partition_point(|span| span.from <= until);
    let touched = first..after.max(first);
    let mut left = Vec::new();
    for span in &spans[touched.clone()] {
        let before = Span { until: span.until.min(from), ..*span };
        let behind = Span { from: span.from.max(until.saturating_add(1)), ..*span };
        left.extend([before, behind].into_iter().filter(|part| part.from < part.until));
    }
    spans.splice(touched, left);
}

/// Adds `error` to what is known from `from` to `until`.
fn widen(spans: &mut [Span], from: i64, until: i64, error: u64) {
    let first = spans.partition_point(|span| span.until <= from);
    for span in spans[first..].iter_mut().take_while(|span| span.from <= until) {
        span.error = span.error.saturating_add(error);
    }
}

/// How wrong one clock was, at any time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoundHistory {
    /// Sorted, not overlapping.
    spans: Vec<Span>,
    drift_ppb: u32,
}

impl BoundHistory {
    /// A history of samples `(nanoseconds since 1970, error in nanoseconds)`, each of which holds for
    /// `hold_ns` and grows by `drift_ppb` parts in 1,000,000,000 (below 1,000,000,000).
    pub fn from_samples(samples: &[(i64, u64)], drift_ppb: u32, hold_ns: u64) -> Self {
        let mut events = Events::new(drift_ppb.min(999_999_999), hold_ns);
        for &(time, error) in samples {
            events.push(time, Event::Sample { error, until_now: None });
        }
        events.history()
    }

    /// The error at `time` (nanoseconds since 1970) in nanoseconds; `None`: unlimited.
    /// O(log samples).
    pub fn error_at(&self, time: i64) -> Option<u64> {
        self.error_within(time, time, &mut 0)
    }

    /// The greatest error from `from` to `to`, both included; `None` if it is unlimited anywhere in
    /// between. `hint` is where the last search ended: times in order are found at once.
    pub(crate) fn error_within(&self, from: i64, to: i64, hint: &mut usize) -> Option<u64> {
        let holds = |at: usize| self.spans.get(at).is_some_and(|s| s.from <= from && from < s.until);
        if !holds(*hint) {
            *hint = self.spans.partition_point(|span| span.until <= from);
            if !holds(*hint) {
                return None;
            }
        }
        let (mut at, mut greatest) = (*hint, 0);
        loop {
            let span = &self.spans[at];
            greatest = greatest.max(span.error_at(to.min(span.until - 1), self.drift_ppb));
            if to < span.until {
                return Some(greatest);
            }
            at += 1;
            if self.spans.get(at)?.from != span.until {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: i64 = 1_000_000_000;
    const HOLD: u64 = 1_000 * S as u64;

    fn sample(error: u64) -> Event {
        Event::Sample { error, until_now: None }
    }

    fn history(events: &[(i64, Event)]) -> BoundHistory {
        let mut all = Events::new(1_000, HOLD);
        events.iter().for_each(|(s, event)| all.push(s * S, *event));
        all.history()
    }

    /// Promise: between samples the bound grows by the drift; each sample begins anew; before the first
    /// and long after the last it is unlimited.
    #[test]
    fn grows_between_samples() {
        let h = history(&[(100, sample(50)), (160, sample(70))]);
        assert_eq!(h.error_at(100 * S - 1), None);
        assert_eq!(h.error_at(100 * S), Some(50));
        assert_eq!(h.error_at(101 * S), Some(50 + 1_000));
        assert_eq!(h.error_at(160 * S - 1), Some(50 + 60_000));
        assert_eq!(h.error_at(160 * S), Some(70));
        assert_eq!(h.error_at(1_159 * S), Some(70 + 999_000));
        assert_eq!(h.error_at(1_160 * S), None);
    }

    /// Promise: a gap makes the bound unlimited until the next sample.
    #[test]
    fn gaps_are_unlimited() {
        let h = history(&[(0, sample(5)), (5_000, sample(6))]);
        assert_eq!(h.error_at(999 * S), Some(5 + 999_000));
        assert_eq!((h.error_at(1_000 * S), h.error_at(4_999 * S)), (None, None));
        assert_eq!(h.error_at(5_000 * S), Some(6));
    }

    /// Promise: a lost clock is unlimited from the last good sample to the next.
    #[test]
    fn lost_stretches_are_unlimited() {
        let h = history(&[(0, sample(5)), (60, sample(6)), (90, Event::Lost), (120, sample(7))]);
        assert_eq!(h.error_at(59 * S), Some(5 + 59_000));
        for s in [60, 89, 90, 119] {
            assert_eq!(h.error_at(s * S), None, "{s}");
        }
        assert_eq!(h.error_at(120 * S), Some(7));
    }

    /// Promise: a step is unlimited between the samples around it, and as far as it went.
    #[test]
    fn steps_are_unlimited() {
        let step = Event::Step(30 * S as u64);
        let h = history(&[(0, sample(5)), (60, sample(6)), (70, step), (80, sample(7)), (140, sample(8))]);
        assert_eq!(h.error_at(39 * S), Some(5 + 39_000));
        for s in [40, 59, 60, 70, 80, 100] {
            assert_eq!(h.error_at(s * S), None, "{s}");
        }
        assert_eq!(h.error_at(100 * S + 1), Some(7 + 20_001), "the sample is as old as it is");
        assert_eq!(h.error_at(141 * S), Some(8 + 1_000));
    }

    /// Promise: a line dated before the one above it is a step.
    #[test]
    fn lines_out_of_order_are_steps() {
        let h = history(&[(0, sample(5)), (60, sample(6)), (50, sample(7)), (110, sample(8))]);
        assert_eq!(h.error_at(30 * S), None);
        assert_eq!(h.error_at(55 * S), None);
        assert_eq!(h.error_at(110 * S), Some(8));
    }

    /// Promise: an error told afterwards holds over its interval, without growth.
    #[test]
    fn told_afterwards() {
        let told = |until_now, error| Event::Sample { error, until_now: Some(until_now) };
        let h = history(&[(0, told(9, 5)), (64, told(20, 6)), (128, told(30, 7))]);
        assert_eq!((h.error_at(1), h.error_at(63 * S)), (Some(20), Some(20)));
        assert_eq!(h.error_at(64 * S), Some(30));
        assert_eq!(h.error_at(129 * S), Some(7 + 1_000));
        let late = history(&[(0, told(9, 5)), (2_000, told(20, 6))]);
        assert_eq!((late.error_at(0), late.error_at(999 * S)), (Some(20), Some(20 + 999_000)));
        assert_eq!((late.error_at(1_000 * S), late.error_at(2_000 * S)), (None, Some(6)));
    }

    /// Promise: corrections of the system's clock come on top, over their window.
    #[test]
    fn corrections_come_on_top() {
        let corrected = Event::Corrected { window: 30 * S as u64, error: 1_000_000 };
        let h = history(&[(0, sample(5)), (60, sample(6)), (120, corrected), (120, sample(7))]);
        assert_eq!(h.error_at(0), Some(5));
        assert_eq!(h.error_at(60 * S), Some(1_000_006));
    }

    proptest! {
        /// Promise: what is known is never narrower than the nearest sample before says, and a search
        /// with a hint finds what one without finds.
        #[test]
        fn never_narrower(
            samples in prop::collection::vec((0..5_000_i64, 0..1_000_u64), 1..20),
            times in prop::collection::vec(0..7_000_i64, 1..20),
        ) {
            let mut samples = samples;
            samples.sort_unstable();
            samples.dedup_by_key(|(s, _)| *s);
            let scaled: Vec<(i64, u64)> = samples.iter().map(|(s, e)| (s * S, *e)).collect();
            let h = BoundHistory::from_samples(&scaled, 1_000, HOLD);
            let mut hint = 0;
            for s in times {
                let found = h.error_at(s * S);
                prop_assert_eq!(h.error_within(s * S, s * S, &mut hint), found);
                let last = samples.iter().rev().find(|(at, _)| *at <= s);
                let wanted = last.filter(|(at, _)| s - at < 1_000).map(|(at, e)| e + 1_000 * (s - at) as u64);
                prop_assert_eq!(found, wanted);
                let later = h.error_within(s * S, (s + 7) * S, &mut hint);
                let all: Option<Vec<u64>> = (s..=s + 7).map(|t| h.error_at(t * S)).collect();
                if let Some(greatest) = later {
                    prop_assert!(greatest >= all.unwrap().into_iter().max().unwrap());
                }
            }
        }
    }
}
