//! Hybrid logical clocks: physical time and a counter in one number.
//!
//! Kulkarni et al., *Logical physical clocks and consistent snapshots in globally distributed
//! databases* (2014). The layouts are those of databases in use:
//!
//! | layout | physical | logical | written as |
//! |---|---|---|---|
//! | [`Paper`](HlcLayout::Paper) | 48 bits of milliseconds | 16 bits | u64 |
//! | [`CockroachDb`](HlcLayout::CockroachDb) | 63 bits of nanoseconds | 10 decimal digits | `WALL.LOGICAL` |
//! | [`YugabyteDb`](HlcLayout::YugabyteDb) | 52 bits of microseconds | 12 bits | u64 |
//! | [`TiDb`](HlcLayout::TiDb) | 46 bits of milliseconds | 18 bits | u64 |

use std::fmt;

use super::stamps::plausible_as;
use crate::time::{BoundedTimestamp, Unit};

/// Digits of CockroachDB's logical part.
const COCKROACH_DIGITS: usize = 10;

/// How a hybrid clock is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HlcLayout {
    /// 48 bits of milliseconds, 16 of counter.
    Paper,
    /// Nanoseconds and a counter, as a decimal number with ten digits behind the point.
    CockroachDb,
    /// 52 bits of microseconds, 12 of counter (`HybridTime`).
    YugabyteDb,
    /// 46 bits of milliseconds, 18 of counter (a timestamp of the placement driver).
    TiDb,
}

impl HlcLayout {
    /// All layouts.
    pub const ALL: [HlcLayout; 4] =
        [HlcLayout::Paper, HlcLayout::CockroachDb, HlcLayout::YugabyteDb, HlcLayout::TiDb];

    /// What the physical part counts, since 1970.
    pub const fn unit(self) -> Unit {
        match self {
            HlcLayout::Paper | HlcLayout::TiDb => Unit::Milliseconds,
            HlcLayout::YugabyteDb => Unit::Microseconds,
            HlcLayout::CockroachDb => Unit::Nanoseconds,
        }
    }

    /// The name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            HlcLayout::Paper => "hlc",
            HlcLayout::CockroachDb => "cockroachdb",
            HlcLayout::YugabyteDb => "yugabytedb",
            HlcLayout::TiDb => "tidb",
        }
    }

    /// Bits of the physical and of the logical part.
    const fn bits(self) -> (u32, u32) {
        match self {
            HlcLayout::Paper => (48, 16),
            HlcLayout::CockroachDb => (63, 32),
            HlcLayout::YugabyteDb => (52, 12),
            HlcLayout::TiDb => (46, 18),
        }
    }

    const fn nanoseconds(self) -> u64 {
        match self.unit().nanoseconds() {
            Some(ns) => ns.unsigned_abs(),
            None => 1,
        }
    }
}

/// Why a hybrid timestamp cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HlcError {
    /// The physical part is too large: shifted, it would lose its upper bits. Mostly its unit is
    /// another.
    #[error("{physical} does not fit {bits} bits of {unit}{}", hint(*physical, *unit))]
    Physical {
        /// The value.
        physical: u64,
        /// The bits there are.
        bits: u32,
        /// The layout's unit.
        unit: Unit,
    },
    /// The counter is too large.
    #[error("counter {logical} does not fit {bits} bits")]
    Logical {
        /// The value.
        logical: u32,
        /// The bits there are.
        bits: u32,
    },
    /// A time before 1970.
    #[error("{0} ns is before 1970, where hybrid clocks begin")]
    Negative(i64),
    /// A number that the layout keeps for something else, or does not write.
    #[error("{0} is no time of this layout")]
    NoTime(String),
}

fn hint(physical: u64, unit: Unit) -> String {
    match i64::try_from(physical).ok().and_then(plausible_as) {
        Some(looks) if looks != unit => format!(": it looks like {looks}"),
        _ => String::new(),
    }
}

/// A hybrid timestamp.
///
/// ```
/// use skewer::clock::{Hlc, HlcLayout};
/// let tso = Hlc::unpack(HlcLayout::TiDb, 443_852_055_297_916_932)?;
/// assert_eq!((tso.physical(), tso.logical()), (1_693_161_221_687, 4));
/// let wall = Hlc::parse(HlcLayout::CockroachDb, "1701102296662969433.0000000007")?;
/// assert_eq!((wall.nanoseconds(), wall.logical()), (Some(1_701_102_296_662_969_433), 7));
/// // Microseconds in a field of milliseconds are refused, not cut off.
/// assert!(Hlc::new(HlcLayout::Paper, 1_701_102_296_662_969, 0).is_err());
/// # Ok::<(), skewer::clock::HlcError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hlc {
    layout: HlcLayout,
    physical: u64,
    logical: u32,
}

impl Hlc {
    /// The timestamp of those parts; `physical` counts the layout's unit.
    ///
    /// # Errors
    /// If a part does not fit.
    pub fn new(layout: HlcLayout, physical: u64, logical: u32) -> Result<Self, HlcError> {
        let (wide, narrow) = layout.bits();
        if physical >> wide != 0 {
            return Err(HlcError::Physical { physical, bits: wide, unit: layout.unit() });
        }
        if u64::from(logical) >> narrow != 0 {
            return Err(HlcError::Logical { logical, bits: narrow });
        }
        Ok(Hlc { layout, physical, logical })
    }

    /// The timestamp at `ns` nanoseconds since 1970, rounded down to the layout's unit.
    ///
    /// # Errors
    /// If the time is before 1970, or a part does not fit.
    pub fn at(layout: HlcLayout, ns: i64, logical: u32) -> Result<Self, HlcError> {
        let since = u64::try_from(ns).map_err(|_| HlcError::Negative(ns))?;
        Hlc::new(layout, since / layout.nanoseconds(), logical)
    }

    /// The timestamp that a packed number is.
    ///
    /// # Errors
    /// For CockroachDB, which does not pack; for YugabyteDB's two greatest numbers, which mean
    /// "no time".
    pub fn unpack(layout: HlcLayout, packed: u64) -> Result<Self, HlcError> {
        let (_, narrow) = layout.bits();
        let reserved = layout == HlcLayout::YugabyteDb && packed >= u64::MAX - 1;
        if layout == HlcLayout::CockroachDb || reserved {
            return Err(HlcError::NoTime(packed.to_string()));
        }
        let logical = packed & ((1 << narrow) - 1);
        Ok(Hlc { layout, physical: packed >> narrow, logical: logical as u32 })
    }

    /// The timestamp that a text is: a packed number in decimal, or CockroachDB's `WALL.LOGICAL`.
    ///
    /// # Errors
    /// If the text is something else, or a part does not fit.
    pub fn parse(layout: HlcLayout, text: &str) -> Result<Self, HlcError> {
        let no_time = || HlcError::NoTime(text.to_owned());
        let number = |digits: &str| -> Result<u64, HlcError> {
            let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse().ok().filter(|_| plain).ok_or_else(no_time)
        };
        if layout != HlcLayout::CockroachDb {
            return Hlc::unpack(layout, number(text)?);
        }
        let Some((wall, logical)) = text.split_once('.') else { return Hlc::new(layout, number(text)?, 0) };
        // The digits behind the point are those of a decimal number: ".5" would be 5,000,000,000.
        if logical.len() != COCKROACH_DIGITS {
            return Err(no_time());
        }
        let logical = u32::try_from(number(logical)?).map_err(|_| no_time())?;
        Hlc::new(layout, number(wall)?, logical)
    }

    /// The layout.
    pub const fn layout(self) -> HlcLayout {
        self.layout
    }

    /// The physical part, in the layout's unit.
    pub const fn physical(self) -> u64 {
        self.physical
    }

    /// The counter.
    pub const fn logical(self) -> u32 {
        self.logical
    }

    /// The packed number; `None` for CockroachDB, whose two parts exceed 64 bits.
    pub const fn pack(self) -> Option<u64> {
        let (_, narrow) = self.layout.bits();
        match self.layout {
            HlcLayout::CockroachDb => None,
            _ => Some(self.physical << narrow | self.logical as u64),
        }
    }

    /// The physical part in nanoseconds since 1970; `None` beyond the year 2262.
    pub fn nanoseconds(self) -> Option<i64> {
        let ns = self.physical.checked_mul(self.layout.nanoseconds())?;
        i64::try_from(ns).ok()
    }

    /// The nanoseconds that the physical part may stand for: a whole tick of its unit. The clock's
    /// error, and how far the counter ran ahead of the clock, come on top.
    pub fn bound(self) -> Option<BoundedTimestamp> {
        let first = self.nanoseconds()?;
        let last = first.checked_add_unsigned(self.layout.nanoseconds() - 1)?;
        BoundedTimestamp::new(first, last)
    }
}

impl fmt::Display for Hlc {
    /// As its database writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pack() {
            Some(packed) => write!(f, "{packed}"),
            None => write!(f, "{}.{:0digits$}", self.physical, self.logical, digits = COCKROACH_DIGITS),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Promise: the goldens of each database decode as it says.
    #[test]
    fn goldens() {
        let tso = Hlc::parse(HlcLayout::TiDb, "443852055297916932").unwrap();
        assert_eq!((tso.physical(), tso.logical(), tso.unit_ns()), (1_693_161_221_687, 4, 1_000_000));
        assert_eq!(tso.to_string(), "443852055297916932");
        let text = "1701102296662969433.0000000000";
        let crdb = Hlc::parse(HlcLayout::CockroachDb, text).unwrap();
        assert_eq!((crdb.nanoseconds(), crdb.to_string().as_str()), (Some(1_701_102_296_662_969_433), text));
        let hybrid = Hlc::unpack(HlcLayout::YugabyteDb, 1_562_202_942_666_382 << 12 | 9).unwrap();
        assert_eq!((hybrid.physical(), hybrid.logical()), (1_562_202_942_666_382, 9));
        let paper = Hlc::at(HlcLayout::Paper, 1_701_102_296_662_969_433, 3).unwrap();
        assert_eq!(paper.pack(), Some(1_701_102_296_662 << 16 | 3));
        let tick = BoundedTimestamp::new(1_701_102_296_662_000_000, 1_701_102_296_662_999_999);
        assert_eq!(paper.bound(), tick);
    }

    /// Promise: a unit that does not fit is refused and named: microseconds shifted by 16 bits would
    /// lose their upper bits.
    #[test]
    fn unit_traps() {
        let micros = 1_795_329_744_123_456;
        for layout in [HlcLayout::Paper, HlcLayout::TiDb] {
            let refused = Hlc::new(layout, micros, 0).unwrap_err().to_string();
            assert!(refused.contains("bits of ms: it looks like us"), "{refused}");
        }
        let refused = Hlc::new(HlcLayout::YugabyteDb, micros * 1_000, 0).unwrap_err().to_string();
        assert!(refused.contains("52 bits of us: it looks like ns"), "{refused}");
        assert!(Hlc::new(HlcLayout::Paper, 1, 1 << 16).is_err());
        assert!(Hlc::at(HlcLayout::Paper, -1, 0).is_err());
        for no_time in [u64::MAX, u64::MAX - 1] {
            assert!(Hlc::unpack(HlcLayout::YugabyteDb, no_time).is_err());
        }
        for text in ["", ".", "1.5", "1.00000000000", "+1", "1.-000000001", "1e3", "1.9999999999"] {
            assert!(Hlc::parse(HlcLayout::CockroachDb, text).is_err(), "{text}");
        }
    }

    proptest! {
        /// Promise: packing, unpacking, text and nanoseconds lose nothing, and keep the order (up to
        /// 2112, where YugabyteDB's 52 bits of microseconds end).
        #[test]
        fn round_trips(ns in 0..1_i64 << 62, other in 0..1_i64 << 62, logical in 0..4_096_u32) {
            let (ns, other) = (ns.min((1_000 << 52) - 1), other.min((1_000 << 52) - 1));
            for layout in HlcLayout::ALL {
                let stamp = Hlc::at(layout, ns, logical).unwrap();
                prop_assert_eq!(Hlc::parse(layout, &stamp.to_string()), Ok(stamp));
                let bound = stamp.bound().unwrap_or(BoundedTimestamp::point(ns));
                prop_assert!(bound.earliest() <= ns && ns <= bound.latest());
                let later = Hlc::at(layout, other, logical).unwrap();
                if let (Some(a), Some(b)) = (stamp.pack(), later.pack()) {
                    prop_assert_eq!(Hlc::unpack(layout, a), Ok(stamp));
                    prop_assert_eq!(a.cmp(&b), stamp.physical().cmp(&later.physical()));
                }
            }
        }
    }

    impl Hlc {
        fn unit_ns(self) -> u64 {
            self.layout.nanoseconds()
        }
    }
}
