//! Rates of sending.

use std::fmt;

/// A rate in bits a second, from [`Rate::LEAST`] to [`Rate::MOST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u64);

/// Units as they are written, with what they stand for; the largest first.
const UNITS: [(&str, u64); 3] = [
    ("Gbit/s", 1_000_000_000),
    ("Mbit/s", 1_000_000),
    ("kbit/s", 1_000),
];
/// Bits a second of Windows' unit of throttling, 1024 bytes (`Throttle Rate`).
const WINDOWS_UNIT: u64 = 8192;

impl Rate {
    /// The lowest: Windows throttles to two of its units or more.
    pub const LEAST: Self = Self(20_000);
    /// The highest.
    pub const MOST: Self = Self(100_000_000_000);

    /// A rate in bits a second; `None` outside of what is allowed.
    #[must_use]
    pub const fn try_new(bits: u64) -> Option<Self> {
        if bits >= Self::LEAST.0 && bits <= Self::MOST.0 {
            Some(Self(bits))
        } else {
            None
        }
    }

    /// Reads a whole number with a unit: `5 Mbit/s`, `500kbit`. Letters' case does not matter, `/s` may be left out.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = text.find(|letter: char| !letter.is_ascii_digit())?;
        let (number, unit) = (&text[..end], text[end..].trim_start());
        let (_, each) = UNITS.into_iter().find(|(name, _)| {
            let short = name.trim_end_matches("/s");
            unit.eq_ignore_ascii_case(name) || unit.eq_ignore_ascii_case(short)
        })?;
        Self::try_new(number.parse::<u64>().ok()?.checked_mul(each)?)
    }

    /// Bits a second.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Windows' units of 1024 bytes a second, rounded up as Windows does.
    #[must_use]
    pub const fn windows_units(self) -> u64 {
        self.0.div_ceil(WINDOWS_UNIT)
    }

    /// The rate of so many of Windows' units.
    #[must_use]
    pub fn from_windows_units(units: u64) -> Option<Self> {
        // What was rounded up may be a little above the highest.
        let bits = units.checked_mul(WINDOWS_UNIT)?;
        (Self::LEAST.0 - WINDOWS_UNIT..Self::MOST.0 + WINDOWS_UNIT)
            .contains(&bits)
            .then_some(Self(bits))
    }

    /// The shortest to write of the rates that Windows keeps as so many of its units.
    #[must_use]
    pub fn roundest_of_windows_units(units: u64) -> Option<Self> {
        let most = Self::from_windows_units(units)?.0;
        // A unit is wider than a thousand bits, so the last step always has one.
        (3..=11)
            .rev()
            .map(|power| most - most % 10u64.pow(power))
            .find(|bits| most - bits < WINDOWS_UNIT)
            .and_then(Self::try_new)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match UNITS
            .into_iter()
            .find(|(_, each)| self.0.is_multiple_of(*each))
        {
            Some((name, each)) => write!(f, "{} {name}", self.0 / each),
            None => write!(f, "{} bit/s", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_are_read() {
        for (text, bits) in [
            ("5 Mbit/s", 5_000_000),
            ("500kbit", 500_000),
            ("1 GBIT/S", 1_000_000_000),
            (" 20 kbit/s ", 20_000),
        ] {
            assert_eq!(Rate::from_text(text).map(Rate::bits), Some(bits), "{text}");
        }
        for text in [
            "",
            "5",
            "5 MB/s",
            "19 kbit/s",
            "101 Gbit/s",
            "-1 Mbit/s",
            "1.5 Mbit/s",
            "Mbit/s",
            "99999999999999999999 Gbit/s",
            "9999999999999999999 Gbit/s",
            "5 Mbit/s/s",
        ] {
            assert_eq!(Rate::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn windows_rounds_up() {
        // Microsoft's own samples: 1 MB is 128 units, 500 KB is 63.
        assert_eq!(Rate(1_048_576).windows_units(), 128);
        assert_eq!(Rate(512_000).windows_units(), 63);
        assert_eq!(Rate::LEAST.windows_units(), 3);
        let back = |bits| Rate::roundest_of_windows_units(Rate(bits).windows_units());
        for bits in [20_000, 500_000, 5_000_000, 2_500_000, 100_000_000_000] {
            assert_eq!(back(bits), Some(Rate(bits)));
        }
        assert_eq!(Rate::roundest_of_windows_units(2), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(thousands in 20u64..100_000_000) {
            let rate = Rate::try_new(thousands * 1000).unwrap();
            prop_assert_eq!(Rate::from_text(&rate.to_string()), Some(rate));
            let units = rate.windows_units();
            prop_assert_eq!(Rate::from_windows_units(units).unwrap().windows_units(), units);
            let round = Rate::roundest_of_windows_units(units).unwrap();
            prop_assert_eq!(round.windows_units(), units);
            prop_assert!(round.to_string().len() <= rate.to_string().len(), "{} for {}", round, rate);
            prop_assert_eq!(Rate::from_text(&round.to_string()), Some(round));
        }
    }
}
