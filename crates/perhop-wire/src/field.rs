//! The fields that carry a mark: the DS field and its parts, and the 802.1Q priority.

use std::fmt;

/// A Differentiated Services Code Point, 0 to 63 (RFC 2474 section 3).
///
/// A DSCP is the upper six bits of the DS field; it is never a ToS octet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Dscp(u8);

impl Dscp {
    /// Default forwarding, 0 (RFC 2474 section 4.1).
    pub const DF: Self = Self(0);
    /// Expedited forwarding, 46 (RFC 3246).
    pub const EF: Self = Self(46);
    /// Assured forwarding class 4, low drop precedence, 34 (RFC 2597).
    pub const AF41: Self = Self(34);

    /// Takes a number from 0 to 63; `None` for anything larger.
    #[must_use]
    pub const fn try_new(value: u8) -> Option<Self> {
        if value < 64 { Some(Self(value)) } else { None }
    }

    /// The DSCP in the upper six bits of a DS octet.
    #[must_use]
    pub const fn from_octet(octet: u8) -> Self {
        Self(octet >> 2)
    }

    /// The number, 0 to 63.
    #[must_use]
    pub const fn value(self) -> u8 {
        self.0
    }

    /// The whole octet with ECN 0 (DSCP times 4), as the old ToS notation writes it.
    #[must_use]
    pub const fn to_tos_octet(self) -> u8 {
        self.0 << 2
    }

    /// The registered name of the code point, when it has one (IANA DSCP registry).
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        NAMES
            .iter()
            .find(|(_, value)| *value == self.0)
            .map(|(name, _)| *name)
    }

    /// Reads a registered name in any case: `EF`, `AF41`, `CS3`, `DF`, `LE`, `VA` (also `VOICE-ADMIT`, `BE`, `CS0`).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let alias = match name.to_ascii_uppercase().as_str() {
            "CS0" | "BE" => "DF".to_owned(),
            "VOICE-ADMIT" => "VA".to_owned(),
            other => other.to_owned(),
        };
        NAMES
            .iter()
            .find(|(known, _)| *known == alias)
            .map(|(_, value)| Self(*value))
    }

    /// All registered names in order of value, for help and suggestions.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }
}

impl fmt::Display for Dscp {
    /// `46 (EF)`, or the bare number when the code point has no name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} ({name})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// Explicit congestion notification, the lower two bits of the octet (RFC 3168 section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ecn {
    /// Not ECN-capable, `00`.
    NotEct,
    /// ECN-capable, `01`.
    Ect1,
    /// ECN-capable, `10`.
    Ect0,
    /// Congestion experienced, `11`.
    Ce,
}

/// The octet that holds DSCP and ECN: IPv4 byte 1, IPv6 traffic class (RFC 2474, RFC 3168).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct DsField(pub u8);

impl DsField {
    /// The code point.
    #[must_use]
    pub const fn dscp(self) -> Dscp {
        Dscp::from_octet(self.0)
    }

    /// The ECN bits.
    #[must_use]
    pub const fn ecn(self) -> Ecn {
        match self.0 & 3 {
            0 => Ecn::NotEct,
            1 => Ecn::Ect1,
            2 => Ecn::Ect0,
            _ => Ecn::Ce,
        }
    }
}

/// A priority code point, 0 to 7 (IEEE 802.1Q; the "802.1p" bits).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pcp(u8);

impl Pcp {
    /// Takes a number from 0 to 7; `None` for anything larger.
    #[must_use]
    pub const fn try_new(value: u8) -> Option<Self> {
        if value < 8 { Some(Self(value)) } else { None }
    }

    /// The priority in the top three bits of an octet, where an 802.1Q tag has it.
    #[must_use]
    pub const fn from_top_bits(octet: u8) -> Self {
        Self(octet >> 5)
    }

    /// The number, 0 to 7.
    #[must_use]
    pub const fn value(self) -> u8 {
        self.0
    }
}

/// Names of the IANA DSCP registry: RFC 2474, 2597, 3246, 5865, 8622.
const NAMES: [(&str, u8); 23] = [
    ("DF", 0),
    ("LE", 1),
    ("CS1", 8),
    ("AF11", 10),
    ("AF12", 12),
    ("AF13", 14),
    ("CS2", 16),
    ("AF21", 18),
    ("AF22", 20),
    ("AF23", 22),
    ("CS3", 24),
    ("AF31", 26),
    ("AF32", 28),
    ("AF33", 30),
    ("CS4", 32),
    ("AF41", 34),
    ("AF42", 36),
    ("AF43", 38),
    ("CS5", 40),
    ("VA", 44),
    ("EF", 46),
    ("CS6", 48),
    ("CS7", 56),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for name in Dscp::names() {
            let dscp = Dscp::from_name(&name.to_ascii_lowercase()).unwrap();
            assert_eq!(dscp.name(), Some(name));
        }
        assert_eq!(Dscp::from_name("cs0"), Some(Dscp::DF));
        assert_eq!(Dscp::from_name("EF46"), None);
    }

    #[test]
    fn a_dscp_is_not_a_tos_octet() {
        assert_eq!(Dscp::EF.to_tos_octet(), 0xb8);
        assert_eq!(DsField(0xb9).dscp(), Dscp::EF);
        assert_eq!(DsField(0xb9).ecn(), Ecn::Ect1);
        assert_eq!(Dscp::try_new(64), None);
    }

    #[test]
    fn classes_follow_their_formula() {
        for class in 1..=4u8 {
            for drop in 1..=3u8 {
                let name = format!("AF{class}{drop}");
                assert_eq!(
                    Dscp::from_name(&name).unwrap().value(),
                    8 * class + 2 * drop
                );
            }
        }
        for class in 0..=7u8 {
            assert_eq!(
                Dscp::from_name(&format!("CS{class}")).unwrap().value(),
                8 * class
            );
        }
    }
}
