//! Sizes as a user writes them.

const UNITS: [(&str, u64); 13] = [
    ("", 1),
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("k", 1 << 10),
    ("m", 1 << 20),
    ("g", 1 << 30),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

/// The bytes that `text` spells: a whole number, perhaps with a unit of any case: KB, MB, GB and TB
/// are powers of 1000; KiB, MiB, GiB and TiB, and K, M and G as other programs take them, of 1024.
///
/// # Errors
/// Says what is wrong with the text.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let name = unit.trim_start().to_ascii_lowercase();
    let scale = UNITS.iter().find(|(known, _)| *known == name).map(|(_, scale)| *scale);
    let (Some(scale), false) = (scale, number.is_empty()) else {
        return Err(format!(
            "`{text}` is not a size: expected bytes, or a number with KiB, MiB, GiB, KB, MB or GB"
        ));
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(scale));
    bytes.ok_or_else(|| format!("`{text}` does not fit 64 bits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: sizes parse exactly, or not at all.
    #[test]
    fn sizes() {
        assert_eq!(parse("512MiB"), Ok(512 << 20));
        assert_eq!(parse("2 GiB"), Ok(2 << 30));
        assert_eq!(parse("1GB"), Ok(1_000_000_000));
        assert_eq!(parse("4g"), Ok(4 << 30));
        assert_eq!(parse("123"), Ok(123));
        for bad in ["", "GiB", "1.5GiB", "-1", "1XB", "99999999TiB", "18446744073709551616"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
