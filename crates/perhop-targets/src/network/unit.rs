//! The forms in which configurations write a mark. The same digits mean different marks in different forms: `46` is EF as a
//! code point, and code point 11 with ECN bits as an octet.

use perhop_policy::Dscp;

use crate::network::model::common_name;

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A name in small letters, such as `af41`; the code point where every device knows no name.
    LowerName,
    /// A name in capitals, such as `AF41`; the code point where every device knows no name.
    UpperName,
    /// The code point, 0 to 63.
    Number,
    /// The octet in hexadecimal, ECN bits 0: `0xb8`.
    HexOctet,
    /// The code point in six binary digits: `101110`.
    Bits,
    /// The code point in hexadecimal: `0x2e`.
    HexNumber,
    /// The octet in decimal, ECN bits 0: `184`.
    Octet,
}

impl Unit {
    /// The mark in this form.
    #[must_use]
    pub fn write(self, dscp: Dscp) -> String {
        let value = dscp.value();
        let named = || common_name(dscp).map_or_else(|| value.to_string(), str::to_owned);
        match self {
            Self::LowerName => named().to_ascii_lowercase(),
            Self::UpperName => named(),
            Self::Number => value.to_string(),
            Self::HexOctet => format!("0x{:02x}", value << 2),
            Self::Bits => format!("{value:06b}"),
            Self::HexNumber => format!("0x{value:02x}"),
            Self::Octet => (value << 2).to_string(),
        }
    }

    /// What [`Unit::write`] wrote.
    #[must_use]
    pub fn read(self, text: &str) -> Option<Dscp> {
        (0..64)
            .filter_map(Dscp::try_new)
            .find(|dscp| self.write(*dscp) == text)
    }

    /// What the form is called in the documentation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LowerName => "name (`ef`), or code point",
            Self::UpperName => "name (`EF`), or code point",
            Self::Number => "code point (`46`)",
            Self::HexOctet => "octet in hexadecimal (`0xb8`)",
            Self::Bits => "six binary digits (`101110`)",
            Self::HexNumber => "code point in hexadecimal (`0x2e`)",
            Self::Octet => "octet (`184`)",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Unit; 5] = [
        Unit::LowerName,
        Unit::UpperName,
        Unit::Number,
        Unit::HexOctet,
        Unit::Bits,
    ];

    #[test]
    fn every_mark_has_one_text_in_each_form() {
        assert_eq!(
            ALL.map(|unit| unit.write(Dscp::EF)),
            ["ef", "EF", "46", "0xb8", "101110"]
        );
        let admitted = Dscp::try_new(44).unwrap();
        assert_eq!(
            ALL.map(|unit| unit.write(admitted)),
            ["44", "44", "44", "0xb0", "101100"]
        );
        for unit in ALL {
            for dscp in (0..64).filter_map(Dscp::try_new) {
                assert_eq!(unit.read(&unit.write(dscp)), Some(dscp), "{unit:?}");
            }
            for bad in ["", "64", "184", "0xb9", "10111", "Ef", " 46"] {
                assert_eq!(unit.read(bad), None, "{unit:?} {bad}");
            }
        }
    }
}
