//! Interface descriptions and what their timestamps count.

use super::block::Block;
use crate::capture::Damage;
use crate::link::LinkType;

/// An interface of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interface {
    /// The link type of its packets.
    pub link: LinkType,
    /// Snap length in bytes; 0 is none.
    pub snaplen: u32,
    /// What one unit of a timestamp is; `None` when the description is damaged and does not tell.
    pub resolution: Option<Resolution>,
    /// Seconds to add to every timestamp.
    pub offset_s: i64,
    /// Packets that the capture lost on this interface, by its own statistics so far.
    pub dropped: u64,
}

/// The length of one unit of a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// This many nanoseconds: 10⁰ to 10⁹.
    Nanoseconds(u64),
    /// One nanosecond is this many units; `u64::MAX` stands for all that are more.
    PerNanosecond(u64),
    /// Two to the minus this many seconds, 0 to 127.
    BinaryFraction(u8),
}

impl Interface {
    /// Reads a description: link type, snap length, options. A damaged description still gives an interface.
    pub(crate) fn read(block: &Block<'_>) -> (Self, Option<Damage>) {
        let mut interface = Self {
            link: LinkType(u16::MAX),
            snaplen: 0,
            resolution: Some(Resolution::DEFAULT),
            offset_s: 0,
            dropped: 0,
        };
        let fixed = match block.fixed::<8>() {
            Ok(fixed) => fixed,
            Err(damage) => return (interface, Some(damage)),
        };
        interface.link = LinkType(block.order.u16_at(fixed, 0));
        interface.snaplen = block.order.u32_at(fixed, 4);
        let mut told = false;
        for option in block.options(8) {
            match option {
                Ok((TSRESOL, &[value, ..])) => {
                    interface.resolution = Some(Resolution::from_option(value));
                    told = true;
                }
                Ok((TSOFFSET, value)) => {
                    if let Some(value) = value.first_chunk() {
                        interface.offset_s = block.order.u64(*value).cast_signed();
                    }
                }
                Ok(_) => {}
                Err(damage) => {
                    if !told {
                        interface.resolution = None;
                    }
                    return (interface, Some(damage));
                }
            }
        }
        (interface, None)
    }

    /// A timestamp in nanoseconds since 1970, held at the ends of the range of `i64` (years 1677 to 2262).
    #[inline]
    #[must_use]
    pub fn time_ns(&self, units: u64) -> Option<i64> {
        let since = self.resolution?.to_ns(units);
        if self.offset_s == 0 {
            return Some(since);
        }
        Some(since.saturating_add(self.offset_s.saturating_mul(1_000_000_000)))
    }
}

impl Resolution {
    /// Microseconds, when a description has no option.
    pub const DEFAULT: Self = Self::Nanoseconds(1000);

    /// The value of option `if_tsresol`: a negative power of 10, of 2 with the high bit set.
    #[must_use]
    pub fn from_option(value: u8) -> Self {
        let exponent = value & 0x7f;
        if value & 0x80 != 0 {
            return Self::BinaryFraction(exponent);
        }
        let power = |exponent: u8| 10u64.checked_pow(u32::from(exponent)).unwrap_or(u64::MAX);
        match exponent {
            0..=9 => Self::Nanoseconds(power(9 - exponent)),
            _ => Self::PerNanosecond(power(exponent - 9)),
        }
    }

    /// Units in nanoseconds, at most `i64::MAX`.
    #[inline]
    #[must_use]
    pub fn to_ns(self, units: u64) -> i64 {
        let ns = match self {
            Self::Nanoseconds(each) => units.saturating_mul(each),
            Self::PerNanosecond(many) => units / many.max(1),
            Self::BinaryFraction(exponent) => {
                let ns = (u128::from(units) * 1_000_000_000)
                    .checked_shr(u32::from(exponent))
                    .unwrap_or(0);
                u64::try_from(ns).unwrap_or(u64::MAX)
            }
        };
        i64::try_from(ns).unwrap_or(i64::MAX)
    }
}

/// Options of an interface description: timestamp resolution, timestamp offset.
const TSRESOL: u16 = 9;
const TSOFFSET: u16 = 14;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolutions_of_both_kinds() {
        let second = 1_000_000_000;
        for exponent in 0..=18 {
            let units = 10u64.pow(u32::from(exponent));
            assert_eq!(Resolution::from_option(exponent).to_ns(units), second);
        }
        for exponent in 0..=63 {
            let units = 1u64 << exponent;
            assert_eq!(
                Resolution::from_option(0x80 | exponent).to_ns(units),
                second
            );
        }
        assert_eq!(Resolution::from_option(6), Resolution::DEFAULT);
    }

    #[test]
    fn no_resolution_overflows() {
        for value in 0..=255 {
            let time = Resolution::from_option(value).to_ns(u64::MAX);
            assert!(time >= 0);
        }
        let interface = Interface {
            link: LinkType::ETHERNET,
            snaplen: 0,
            resolution: Some(Resolution::DEFAULT),
            offset_s: i64::MIN,
            dropped: 0,
        };
        assert_eq!(interface.time_ns(u64::MAX), Some(-1));
        assert_eq!(interface.time_ns(0), Some(i64::MIN));
    }
}
