//! Any bytes are a history of a clock's error or an error; and less trust never narrows what it says.

use skewer::bounds::{BoundHistory, BoundsFile, Whose};

/// How long samples hold.
const EVER: u64 = u64::MAX;
const BRIEFLY: u64 = 1_000_000_000;

/// Reads `bytes` as a file of bounds, in any of its forms, with much trust in it and with little, and asks
/// for the error at times that the bytes name.
///
/// # Panics
/// If a faster drift changes what is known or narrows it, if samples that hold briefly know what those that
/// hold for ever do not, or if a file is understood with the one and not with the other.
pub fn bounds_any_bytes(bytes: &[u8]) {
    let steady = history(bytes, 0, EVER);
    let (drifting, brief) = (history(bytes, 999_999_999, EVER), history(bytes, 0, BRIEFLY));
    assert_eq!((steady.is_some(), steady.is_some()), (drifting.is_some(), brief.is_some()));
    let (Some(steady), Some(drifting), Some(brief)) = (steady, drifting, brief) else { return };
    for time in times(bytes) {
        let (still, grown) = (steady.error_at(time), drifting.error_at(time));
        assert_eq!(still.is_some(), grown.is_some(), "{time}");
        assert!(still <= grown, "{time}: {still:?} {grown:?}");
        assert!(still.is_some() || brief.error_at(time).is_none(), "{time}");
    }
}

fn history(bytes: &[u8], drift_ppb: u32, hold_ns: u64) -> Option<BoundHistory> {
    let (drift_ppb, hold_ns) = (Some(drift_ppb), Some(hold_ns));
    BoundsFile { whose: Whose::Any, drift_ppb, hold_ns, path: "bounds".into() }.history_of(bytes).ok()
}

/// Times that plain numbers in `bytes` may stand for, those around the seeds' dates, and the ends of all
/// time.
fn times(bytes: &[u8]) -> Vec<i64> {
    let mut times = vec![i64::MIN, -1, 0, i64::MAX];
    let numbers = bytes.split(|byte| !byte.is_ascii_digit());
    for number in numbers.filter_map(|digits| std::str::from_utf8(digits).ok()?.parse::<i64>().ok()).take(64)
    {
        times.extend([1, 1_000, 1_000_000, 1_000_000_000].map(|scale| number.saturating_mul(scale)));
    }
    // 2026-11-22T06:39:00Z and the ten minutes behind it.
    times.extend((0..600).step_by(7).map(|s| (1_795_329_540 + s) * 1_000_000_000));
    times.sort_unstable();
    times
}
