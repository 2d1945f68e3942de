//! Any bytes are a segment of ClockBound or an error; and a bound from them holds what it must.

use skewer::clock::{Layout, Snapshot};

/// Reads `bytes` as a segment at rest, and its bound at many times. The first eight bytes choose two
/// of the times.
///
/// # Panics
/// If a window leaves out the time that it is made of, a bound shrinks with age, or an untrusted
/// status becomes trusted.
pub fn segment_any_bytes(bytes: &[u8]) {
    let chosen = bytes.first_chunk::<8>().map_or(0, |first| u64::from_le_bytes(*first));
    let Ok(snapshot) = Snapshot::parse(bytes) else { return };
    let mut before: Option<u64> = None;
    let mut times = [0, 1, chosen, chosen.rotate_left(32), u64::MAX / 2, u64::MAX];
    times.sort_unstable();
    for time in times {
        let window = match snapshot.layout {
            Layout::V3 => snapshot.at_counter(time),
            Layout::V2 => snapshot.at_clocks(0, time.min(i64::MAX as u64) as i64),
        };
        let Ok(window) = window else { continue };
        assert!(window.bound.earliest() <= window.bound.latest());
        assert!(snapshot.status.is_trusted() || window.status == snapshot.status);
        if snapshot.layout == Layout::V2 {
            assert!(window.bound.earliest() <= 0 && 0 <= window.bound.latest());
            assert!(before.is_none_or(|narrower| narrower <= window.bound.width()), "{snapshot:?}");
            before = Some(window.bound.width());
        }
    }
}
