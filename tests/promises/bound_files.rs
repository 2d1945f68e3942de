//! What daemons recorded of their clocks' errors, read.

use proptest::prelude::*;
use proptest::sample::Index;

use crate::bounds::{Folder, S, T, histories};
use crate::corpus::fuzz::bounds_any_bytes;

pub(crate) const CLOCKBOUND: &str = r#"
{"timestamp":"2026-11-22T06:40:00.000000Z","event":"synchronization","synchronization":{"source":{"type":"phc","identifier":"/dev/ptp0","selected_at":"2026-11-22T06:33:00Z","clock_error_bound_ns":95000},"ffclock":{"time_sync":"2026-11-22T06:39:59Z","clock_error_bound_ns":108000,"status":"SYNCHRONIZED"}},"version":"3.0.0-rc.0"}
{"timestamp":"2026-11-22T06:41:00.000000Z","event":"synchronization","synchronization":{"source":null,"ffclock":{"time_sync":"2026-11-22T06:40:59Z","clock_error_bound_ns":200000,"status":"FREE_RUNNING"}},"version":"3.0.0-rc.0"}
{"timestamp":"2026-11-22T06:41:30.000000Z","event":"clock_status_change","clock_status_change":{"from":"FREE_RUNNING","to":"DISRUPTED"},"version":"3.0.0-rc.0"}
{"timestamp":"2026-11-22T06:42:00.000000Z","event":"synchronization","synchronization":{"source":null,"ffclock":null},"version":"3.0.0-rc.0"}
{"timestamp":"2026-11-22T06:43:00.000000Z","event":"synchronization","synchronization":{"source":null,"ffclock":{"time_sync":"2026-11-22T06:42:59Z","clock_error_bound_ns":50000,"status":"SYNCHRONIZED"}},"version":"3.0.0-rc.0"}
{"timestamp":"2026-11-22T06:43:30.000000Z","event":"system_clock_step","system_clock_step":{"step_ns":-842000000},"version":"3.0.0-rc.0"}
{"timestamp":"2026-11-22T06:44:00.000000Z","event":"synchronization","synchronization":{"source":null,"ffclock":{"time_sync":"2026-11-22T06:43:59Z","clock_error_bound_ns":60000,"status":"SYNCHRONIZED"}},"version":"3.0.0-rc.0"}
{"timestamp":"2026-11-22T06:44:10.000000Z","event":"something_new","version":"3.0.0"}
"#;

const CHRONY: &str = "\
===========================================================================================================
   Date (UTC) Time     IP Address   St   Freq ppm   Skew ppm     Offset L Co  Offset sd Rem. corr. Root delay Root disp. Max. error
===========================================================================================================
2026-11-22 06:40:00 169.254.169.123  4    -13.200      0.012 -1.250e-05 N  1  2.000e-05 -1.000e-06  2.000e-04  5.000e-05  1.900e-04
2026-11-22 06:41:00 169.254.169.123  4    -13.200      0.012 -1.250e-05 N  1  2.000e-05 -1.000e-06  2.000e-04  5.000e-05  3.000e-04
2026-11-22 06:42:00 0.0.0.0          0    -13.200      0.012 -1.250e-05 ?  0  2.000e-05 -1.000e-06  2.000e-04  5.000e-05  3.000e-04
";

fn errors(text: &str, seconds: &[i64]) -> Vec<Option<u64>> {
    let folder = Folder::new();
    let known = histories(&[format!("drift=15:{}", folder.file("bounds", text))]).unwrap();
    let history = known.of("eu", None).unwrap();
    seconds.iter().map(|s| history.error_at(T + s * S)).collect()
}

/// Promise: ClockBound's log gives its bounds, growing by the drift; nothing around a disruption, a lost
/// clock or a step.
#[test]
fn clockbound_log() {
    let found =
        errors(CLOCKBOUND, &[-1, 0, 10, 59, 60, 80, 100, 130, 179, 180, 200, 230, 240, 250, 1_239, 1_240]);
    let wanted = [
        None,
        Some(108_000),
        Some(258_000),
        Some(108_000 + 885_000),
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        Some(60_000),
        Some(210_000),
        Some(60_000 + 999 * 15_000),
        None,
    ];
    assert_eq!(found, wanted);
}

/// Promise: chrony's log gives the greatest error of each interval, and nothing when it lost its source.
#[test]
fn chrony_log() {
    let found = errors(CHRONY, &[-1, 0, 30, 59, 60, 119, 120, 500]);
    assert_eq!(found, [None, Some(300_000), Some(300_000), Some(300_000), None, None, None, None]);
    let healthy: String = CHRONY.lines().take(5).map(|line| line.to_owned() + "\n").collect();
    let found = errors(&healthy, &[60, 70, 60 + 2_099, 60 + 2_100]);
    assert_eq!(found, [Some(151_001), Some(301_001), Some(151_001 + 2_099 * 15_000), None]);
}

/// Promise: a CSV's times and errors are read with and without header, units as they are named or told
/// by digits; an empty error or a status makes the bound unlimited.
#[test]
fn csv_files() {
    for text in [
        "2026-11-22T06:40:00Z,250us\n2026-11-22 06:41:00,\n2026-11-22T06:42:00+00:00,1ms\n",
        "1795329600,250000\n1795329660000,UNKNOWN\n1795329720000000,1000000\n",
        "host,error_us,time_ms\nx,250,1795329600000\nx,disrupted,1795329660000\nx,1000,1795329720000\n",
    ] {
        assert_eq!(
            errors(text, &[0, 30, 60, 119, 120, 121]),
            [None, None, None, None, Some(1_000_000), Some(1_015_000)]
        );
    }
    assert_eq!(
        errors("time,error\n1795329600,250us\n1795329660,300us\n", &[0, 59, 60]),
        [Some(250_000), Some(250_000 + 59 * 15_000), Some(300_000)]
    );
}

/// Promise: a bad line is named with its file, number and value.
#[test]
fn bad_lines() {
    let cases = [
        ("time,error\nyesterday,5us\n", "line 2", "yesterday"),
        ("1795329600,5 parsecs\n", "line 1", "parsecs"),
        ("5,5us\n", "line 1", "digits tell no unit"),
        ("time,bound\n", "line 1", "no column `error`"),
        ("{\"timestamp\":\"now\",\"event\":\"synchronization\"}\n", "line 1", "now"),
        (
            "{\"timestamp\":\"2026-11-22T06:40:00Z\",\"event\":\"synchronization\"}\n",
            "line 1",
            "lacks its object",
        ),
        ("{\"timestamp\"\n", "line 1", "EOF"),
        ("===\n2026-11-22 06:40:00 1.2.3.4 4\n", "line 2", "4 columns"),
        ("", "empty", ""),
    ];
    for (text, place, value) in cases {
        let folder = Folder::new();
        let error = histories(&[folder.file("bounds.log", text)]).unwrap_err().to_string();
        assert!(error.contains("bounds.log") && error.contains(place) && error.contains(value), "{error}");
    }
}

const CSV: &str =
    "host,error_us,time_ms\nx,250,1795329600000\nx,UNKNOWN,1795329660000\nx,1000,1795329720000\n";

proptest! {
    /// Promise: a file of bounds with any bytes changed or any lines taken out is one or an error, and less trust
    /// in it never narrows a bound.
    #[test]
    fn any_change(
        form in 0..3_usize,
        bytes in prop::collection::vec((any::<Index>(), prop::sample::select(&b"0123456789.-:,Z{}\"\n \xff"[..])), 0..9),
        lines in prop::collection::vec(any::<Index>(), 0..4),
    ) {
        let mut left: Vec<&str> = [CLOCKBOUND, CHRONY, CSV][form].lines().collect();
        lines.iter().for_each(|line| _ = left.remove(line.index(left.len())));
        let mut changed = left.join("\n").into_bytes();
        for (at, byte) in bytes {
            let at = at.index(changed.len());
            changed[at] = byte;
        }
        bounds_any_bytes(&changed);
    }
}
