//! The Linux kernel's clock, with the error that a daemon told the kernel.

use skewer_kernels::{KernelClock, kernel_clock};

use super::error::ClockError;
use super::{BoundedClock, ClockStatus, Reading, Source};
use crate::time::BoundedTimestamp;

const STA_INS: i32 = 0x10;
const STA_DEL: i32 = 0x20;
const STA_UNSYNC: i32 = 0x40;
const STA_CLOCKERR: i32 = 0x1000;
/// State of the call: a leap second is being inserted; the kernel's clock repeats a second.
const TIME_OOP: i32 = 3;
/// State of the call: the clock is not synchronised.
const TIME_ERROR: i32 = 5;
/// At this error, in microseconds, the kernel gives up.
const GIVEN_UP_US: i64 = 16_000_000;

/// What the kernel is about to do about a leap second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leap {
    /// Nothing.
    None,
    /// At the end of the day (UTC) a second is repeated.
    Insertion,
    /// At the end of the day (UTC) a second is left out.
    Deletion,
    /// A second is being repeated now: the same time of day stands for two seconds.
    Now,
}

/// The kernel's clock: `maxerror` of `adjtimex`, which grows by 500 microseconds a second until a
/// daemon renews it.
///
/// The bound is as good as that daemon's word: chrony, ntpd and ClockBound 3 tell the kernel an error that
/// includes the way to their source; some simple clients tell it 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Adjtimex;

impl Adjtimex {
    /// The kernel's reading, and the leap second that it knows of.
    ///
    /// # Errors
    /// Where there is no such call (it is Linux's), or the system forbids it.
    pub fn observe(self) -> Result<(Reading, Leap), ClockError> {
        Adjtimex::look().map(|(reading, leap, _)| (reading, leap))
    }

    /// Also why the kernel's clock is not to be trusted, in half a sentence.
    pub(super) fn look() -> Result<(Reading, Leap, Option<String>), ClockError> {
        let kernel = kernel_clock().map_err(|e| ClockError::io("adjtimex", e))?;
        let (reading, leap) = judge(&kernel);
        Ok((reading, leap, complaint(&kernel)))
    }
}

/// Why a kernel's clock is not to be trusted, leap seconds apart; `None` if it is.
fn complaint(kernel: &KernelClock) -> Option<String> {
    let mut reasons: Vec<String> = Vec::new();
    if kernel.status & STA_UNSYNC != 0 || (kernel.state == TIME_ERROR && kernel.status & STA_CLOCKERR == 0) {
        reasons.push("no daemon keeps the kernel's clock synchronised".to_owned());
    }
    if kernel.status & STA_CLOCKERR != 0 {
        reasons.push("the kernel reports a fault of its clock's hardware".to_owned());
    }
    match kernel.max_error_us {
        GIVEN_UP_US.. => reasons.push("its error grew to the kernel's limit of 16 s".to_owned()),
        below if below < 0 => reasons.push(format!("its error is {below} us, which cannot be")),
        _ => {}
    }
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// What a kernel's answer means.
fn judge(kernel: &KernelClock) -> (Reading, Leap) {
    let leap = match kernel.status {
        _ if kernel.state == TIME_OOP => Leap::Now,
        status if status & STA_INS != 0 => Leap::Insertion,
        status if status & STA_DEL != 0 => Leap::Deletion,
        _ => Leap::None,
    };
    let untold = !(0..GIVEN_UP_US).contains(&kernel.max_error_us);
    let status = match kernel.status {
        _ if kernel.state == TIME_ERROR || untold => ClockStatus::Unknown,
        status if status & (STA_UNSYNC | STA_CLOCKERR) != 0 => ClockStatus::Unknown,
        _ if leap == Leap::Now => ClockStatus::Disrupted,
        _ => ClockStatus::Synchronized,
    };
    let error = kernel.max_error_us.unsigned_abs().saturating_mul(1_000);
    // A clock that counts microseconds cut up to 999 ns off.
    let cut = if kernel.is_nano { 0 } else { 999 };
    let bound = BoundedTimestamp::reading(kernel.time_ns, error);
    let bound = BoundedTimestamp::new(bound.earliest(), bound.latest().saturating_add(cut)).unwrap_or(bound);
    (Reading::new(bound, status, Source::Adjtimex), leap)
}

impl BoundedClock for Adjtimex {
    fn now(&mut self) -> Reading {
        self.observe().map_or(Reading::unknown(Source::Adjtimex), |(reading, _)| reading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fine() -> KernelClock {
        KernelClock { max_error_us: 250, time_ns: 5_000_000, is_nano: true, ..KernelClock::default() }
    }

    /// Promise: a synchronised kernel's bound is its maxerror, widened by what it cut off.
    #[test]
    fn bound_is_maxerror() {
        let (reading, leap) = judge(&fine());
        assert_eq!((reading.earliest, reading.latest), (4_750_000, 5_250_000));
        assert_eq!((reading.status, leap), (ClockStatus::Synchronized, Leap::None));
        let (reading, _) = judge(&KernelClock { is_nano: false, ..fine() });
        assert_eq!((reading.earliest, reading.latest), (4_750_000, 5_250_999));
    }

    /// Promise: a kernel that is not synchronised, or gave up, orders nothing.
    #[test]
    fn unsynchronised_is_unknown() {
        let unsync =
            KernelClock { state: TIME_ERROR, status: STA_UNSYNC, max_error_us: 16_000_000, ..fine() };
        let cases = [
            unsync,
            KernelClock { state: TIME_ERROR, ..fine() },
            KernelClock { status: STA_UNSYNC, ..fine() },
            KernelClock { status: STA_CLOCKERR, ..fine() },
            KernelClock { max_error_us: GIVEN_UP_US, ..fine() },
            KernelClock { max_error_us: -1, ..fine() },
        ];
        for kernel in cases {
            let (reading, _) = judge(&kernel);
            assert_eq!(reading, Reading::unknown(Source::Adjtimex), "{kernel:?}");
            assert!(complaint(&kernel).is_some(), "{kernel:?}");
        }
        assert_eq!(complaint(&fine()), None);
        let both = complaint(&unsync).unwrap();
        assert!(both.contains("no daemon") && both.contains("limit of 16 s"), "{both}");
    }

    /// Promise: a leap second to come is told and believed; while it is inserted nothing is
    /// ordered, since a time of day then stands for two seconds.
    #[test]
    fn leap_seconds() {
        let at = |state, status| judge(&KernelClock { state, status, ..fine() });
        let (reading, leap) = at(1, STA_INS);
        assert_eq!((reading.status, leap), (ClockStatus::Synchronized, Leap::Insertion));
        let (reading, leap) = at(2, STA_DEL);
        assert_eq!((reading.status, leap), (ClockStatus::Synchronized, Leap::Deletion));
        let (reading, leap) = at(TIME_OOP, STA_INS);
        assert_eq!((reading.status, leap), (ClockStatus::Disrupted, Leap::Now));
        assert!(!reading.after(i64::MIN));
        assert_eq!(at(4, STA_INS).0.status, ClockStatus::Synchronized, "over: the clock is right again");
    }
}
