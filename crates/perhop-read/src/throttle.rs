//! Rates that policies throttle to, as exactly as files have them.

use std::fmt;

use perhop_policy::Rate;

/// A rate that Windows keeps in whole units of 1024 bytes a second. What is printed rounded may stand for several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    least: u64,
    most: u64,
}

/// Bits a second of a unit.
const UNIT: u64 = 8192;
/// Names of rates as `Get-NetQosPolicy` prints them, with the bits that they stand for; those of bytes count in 1024
/// (windows-qos 1.7, 4.4).
const NAMES: [(&str, u64); 9] = [
    ("gbits", 1_000_000_000),
    ("mbits", 1_000_000),
    ("kbits", 1_000),
    ("bits", 1),
    ("gbytes", 8 << 30),
    ("mbytes", 8 << 20),
    ("kbytes", 8 << 10),
    ("bytes", 8),
    ("", 1),
];

impl Throttle {
    /// A rate of registry policies; `None` for what Windows does not take, less than 2.
    #[must_use]
    pub const fn from_units(units: u64) -> Option<Self> {
        if units < 2 {
            return None;
        }
        Some(Self {
            least: units,
            most: units,
        })
    }

    /// What NetQos shows: bits a second as a number, or a number with a unit, `1.049 MBits/sec`. `None` for what is no
    /// rate, and for 0.
    #[must_use]
    pub fn from_shown(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
        let end = text.find(|c| !is_number(c)).unwrap_or(text.len());
        let (number, name) = (&text[..end], text[end..].trim().to_ascii_lowercase());
        let second = ["/sec", "/s"];
        let name = second
            .iter()
            .find_map(|tail| name.strip_suffix(tail))
            .unwrap_or(&name);
        let (_, unit) = NAMES.iter().find(|(known, _)| *known == name)?;
        // Many languages write a comma before decimals.
        let (whole, decimals) = number.split_once(['.', ',']).unwrap_or((number, ""));
        if decimals.len() > 9 || decimals.contains(['.', ',']) {
            return None;
        }
        let parts = 10u128.pow(u32::try_from(decimals.len()).ok()?);
        let digits = u128::from(format!("{whole}{decimals}").parse::<u64>().ok()?);
        let bits = digits * u128::from(*unit) / parts;
        // Half of the last digit that is shown; numbers without a unit are exact.
        let half = if *unit == 1 {
            0
        } else {
            u128::from(*unit) / parts / 2
        };
        let size = u128::from(UNIT);
        let (least, most) = if half == 0 {
            (bits.div_ceil(size), bits.div_ceil(size))
        } else {
            (
                bits.saturating_sub(half).div_ceil(size),
                (bits + half) / size,
            )
        };
        let nearest = (bits + size / 2) / size;
        let (least, most) = if least > most {
            (nearest, nearest)
        } else {
            (least, most)
        };
        let most = u64::try_from(most).ok().filter(|most| *most > 0)?;
        Some(Self {
            least: u64::try_from(least.max(1)).ok()?,
            most,
        })
    }

    /// Whether it may be the rate that a plan has.
    #[must_use]
    pub const fn is(self, planned: Rate) -> bool {
        let units = planned.windows_units();
        self.least <= units && units <= self.most
    }

    /// Whether two may be the same.
    #[must_use]
    pub const fn may_be(self, other: Self) -> bool {
        self.least <= other.most && other.least <= self.most
    }

    /// Bits a second; the highest where it is not exact.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.most.saturating_mul(UNIT)
    }

    /// The plan's rate for it, the shortest to write; `None` for rates that no plan has.
    #[must_use]
    pub fn rate(self) -> Option<Rate> {
        let middle = self.least + (self.most - self.least) / 2;
        Rate::roundest_of_windows_units(middle)
    }
}

impl fmt::Display for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rate() {
            Some(rate) => rate.fmt(f),
            None => write!(f, "{} bit/s", self.bits()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read() {
        // Microsoft's own samples: 1 MB is 128 units, 500 KB is 63.
        for (text, units) in [
            ("1.049 MBits/sec", (128, 128)),
            ("1,049 MBits/sec", (128, 128)),
            ("516.096 KBits/sec", (63, 63)),
            ("10.486 MBits/sec", (1280, 1280)),
            ("1 MBytes/sec", (512, 1536)),
            ("5005312", (611, 611)),
            ("5000000", (611, 611)),
            ("1.5 GBits/sec", (177_002, 189_208)),
        ] {
            let found = Throttle::from_shown(text).map(|one| (one.least, one.most));
            assert_eq!(found, Some(units), "{text}");
        }
        for text in [
            "",
            "0",
            "x",
            "-1",
            "1.2.3",
            "5 apples",
            "0 KBits/sec",
            "99999999999999999999999 MBits/sec",
            "1.0000000000",
        ] {
            assert_eq!(Throttle::from_shown(text), None, "{text}");
        }
    }

    #[test]
    fn words_are_short() {
        for (units, words) in [
            (611, "5 Mbit/s"),
            (63, "510 kbit/s"),
            (2, "16384 bit/s"),
            (3, "20 kbit/s"),
        ] {
            assert_eq!(
                Throttle::from_units(units)
                    .map(|one| one.to_string())
                    .as_deref(),
                Some(words)
            );
        }
        assert_eq!(Throttle::from_units(1), None);
        assert_eq!(
            Throttle::from_units(u64::MAX).map(Throttle::bits),
            Some(u64::MAX)
        );
    }
}
