//! STUN (RFC 8489), classic STUN (RFC 3489) and Microsoft's TURN dialect ([MS-TURN]).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::media::Flaw;

pub mod attribute;

/// The magic cookie of RFC 8489 section 5.
pub const MAGIC_COOKIE: u32 = 0x2112_a442;
/// The value that Microsoft's dialect has in its first attribute ([MS-TURN] 2.2.2.1).
pub const MS_COOKIE: u32 = 0x72c6_4bc6;

/// Which STUN it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// With the magic cookie.
    Rfc8489,
    /// Without: RFC 3489.
    Classic,
    /// [MS-TURN]: the cookie is the first attribute.
    MsTurn,
}

/// The class of a message (RFC 8489 section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// A request.
    Request,
    /// An indication, which has no answer.
    Indication,
    /// An answer.
    Success,
    /// A refusal.
    Error,
}

/// A view of one STUN message, possibly cut by a snap length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stun<'a> {
    head: &'a [u8; 20],
    body: &'a [u8],
    dialect: Dialect,
}

impl<'a> Stun<'a> {
    /// Bytes of the header.
    pub const HEADER_LEN: usize = 20;

    /// Checks a datagram that is one message. `bytes` is what was captured of it, `wire_len` its length in bytes.
    ///
    /// Without the magic cookie, only the methods of RFC 3489 or the cookie attribute of [MS-TURN] are taken, and the
    /// attributes must tile the message as far as it was captured.
    ///
    /// # Errors
    /// [`Flaw`] when type, length, cookie or attributes are not STUN's.
    pub fn new_checked(bytes: &'a [u8], wire_len: u32) -> Result<Self, Flaw> {
        let stun = Self::new_prefix(bytes)?;
        if stun.wire_len() != wire_len {
            return Err(Flaw::Length {
                says: stun.wire_len(),
                has: wire_len,
            });
        }
        Ok(stun)
    }

    /// Checks a message at the start of a byte stream; [`Stun::wire_len`] says where it ends.
    ///
    /// # Errors
    /// As [`Stun::new_checked`].
    pub fn new_prefix(bytes: &'a [u8]) -> Result<Self, Flaw> {
        let (head, body) = bytes
            .split_first_chunk::<20>()
            .ok_or(Flaw::short(Self::HEADER_LEN, bytes.len()))?;
        let kind = u16::from_be_bytes([head[0], head[1]]);
        if kind >> 14 != 0 {
            return Err(Flaw::Type(kind));
        }
        let length = u16::from_be_bytes([head[2], head[3]]);
        if !length.is_multiple_of(4) {
            return Err(Flaw::Length {
                says: u32::from(length),
                has: bytes.len() as u32,
            });
        }
        let body = body.get(..usize::from(length)).unwrap_or(body);
        let dialect = if head[4..8] == MAGIC_COOKIE.to_be_bytes() {
            Dialect::Rfc8489
        } else if body.starts_with(&[0, 0x0f, 0, 4])
            && body[4..].starts_with(&MS_COOKIE.to_be_bytes())
        {
            Dialect::MsTurn
        } else if CLASSIC_TYPES.contains(&kind) {
            Dialect::Classic
        } else {
            return Err(Flaw::Type(kind));
        };
        let stun = Self {
            head,
            body,
            dialect,
        };
        if dialect == Dialect::Classic && !stun.tiles() {
            return Err(Flaw::Length {
                says: u32::from(length),
                has: body.len() as u32,
            });
        }
        Ok(stun)
    }

    /// Which STUN it is.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The message type as it stands in the header, class bits included.
    #[must_use]
    pub const fn message_type(&self) -> u16 {
        u16::from_be_bytes([self.head[0], self.head[1]])
    }

    /// The method: 1 binding, 3 allocate, 4 refresh, 6 send, 7 data, 8 create permission, 9 channel bind.
    #[must_use]
    pub const fn method(&self) -> u16 {
        let kind = self.message_type();
        kind & 0x000f | (kind & 0x00e0) >> 1 | (kind & 0x3e00) >> 2
    }

    /// The class.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self.message_type() & 0x0110 {
            0x0000 => Class::Request,
            0x0010 => Class::Indication,
            0x0100 => Class::Success,
            _ => Class::Error,
        }
    }

    /// Bytes of the message with its header.
    #[must_use]
    pub const fn wire_len(&self) -> u32 {
        20 + u16::from_be_bytes([self.head[2], self.head[3]]) as u32
    }

    /// The transaction identifier: 12 bytes after the cookie; classic STUN counts the 4 before them in too.
    #[must_use]
    pub fn transaction(&self) -> &'a [u8] {
        match self.dialect {
            Dialect::Rfc8489 => &self.head[8..],
            Dialect::Classic | Dialect::MsTurn => &self.head[4..],
        }
    }

    /// The attributes, as many as were captured whole: type and value without padding.
    #[must_use]
    pub const fn attributes(&self) -> Attributes<'a> {
        Attributes { rest: self.body }
    }

    /// The value of the first attribute of a type.
    #[must_use]
    pub fn attribute(&self, kind: u16) -> Option<&'a [u8]> {
        let mut attributes = self.attributes();
        attributes
            .find(|(found, _)| *found == kind)
            .map(|(_, value)| value)
    }

    /// The bytes and their length on the wire that a relay message carries in its DATA attribute: Send and Data
    /// indications (RFC 8656 section 11), and in [MS-TURN] whichever message has the attribute.
    #[must_use]
    pub fn relayed(&self) -> Option<(&'a [u8], u32)> {
        let carries = match self.dialect {
            Dialect::Rfc8489 => matches!(self.message_type(), SEND_INDICATION | DATA_INDICATION),
            Dialect::MsTurn => true,
            Dialect::Classic => false,
        };
        if !carries {
            return None;
        }
        let mut rest = self.body;
        while let Some((head, after)) = rest.split_first_chunk::<4>() {
            let len = usize::from(u16::from_be_bytes([head[2], head[3]]));
            if u16::from_be_bytes([head[0], head[1]]) == attribute::DATA {
                return Some((after.get(..len).unwrap_or(after), len as u32));
            }
            rest = after.get(len.next_multiple_of(4)..)?;
        }
        None
    }

    /// The peer's or own address in an attribute of one of the `*_ADDRESS` types; the XOR of RFC 8489 section 14.2 is
    /// undone for the types that have it.
    #[must_use]
    pub fn address(&self, kind: u16) -> Option<SocketAddr> {
        let value = self.attribute(kind)?;
        let (head, address) = value.split_first_chunk::<4>()?;
        let xored = attribute::is_xored(kind);
        let mut port = u16::from_be_bytes([head[2], head[3]]);
        let mut mask = [0; 16];
        if xored {
            mask.copy_from_slice(&self.head[4..]);
            port ^= u16::from_be_bytes([mask[0], mask[1]]);
        }
        let ip = match head[1] {
            1 => {
                let mut octets: [u8; 4] = *address.first_chunk()?;
                octets.iter_mut().zip(mask).for_each(|(o, m)| *o ^= m);
                IpAddr::V4(Ipv4Addr::from(octets))
            }
            2 => {
                let mut octets: [u8; 16] = *address.first_chunk()?;
                octets.iter_mut().zip(mask).for_each(|(o, m)| *o ^= m);
                IpAddr::V6(Ipv6Addr::from(octets))
            }
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    }

    /// Whether the FINGERPRINT fits (RFC 8489 section 14.7); `None` when there is none or the message was cut.
    #[must_use]
    pub fn fingerprint(&self) -> Option<bool> {
        let before = self.body.len().checked_sub(8)?;
        let (covered, last) = self.body.split_at(before);
        if self.body.len() + 20 != self.wire_len() as usize
            || !last.starts_with(&[0x80, 0x28, 0, 4])
        {
            return None;
        }
        let expected = crc32(self.head.iter().chain(covered)) ^ 0x5354_554e;
        Some(last[4..] == expected.to_be_bytes())
    }

    /// Whether attributes fill the message exactly, as far as it was captured.
    fn tiles(&self) -> bool {
        let cut = self.body.len() + 20 < self.wire_len() as usize;
        let mut attributes = self.attributes();
        while attributes.next().is_some() {}
        attributes.rest.is_empty() || cut
    }
}

/// Iterator over attributes.
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, after) = self.rest.split_first_chunk::<4>()?;
        let len = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let (value, _) = after.split_at_checked(len)?;
        self.rest = after.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_be_bytes([head[0], head[1]]), value))
    }
}

/// CRC-32 as FINGERPRINT has it (ITU-T V.42, reflected).
fn crc32<'a>(bytes: impl Iterator<Item = &'a u8>) -> u32 {
    !bytes.fold(!0, |crc: u32, byte| {
        let index = (crc ^ u32::from(*byte)) & 0xff;
        crc >> 8 ^ CRC[index as usize]
    })
}

const CRC: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 {
                value >> 1 ^ 0xedb8_8320
            } else {
                value >> 1
            };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
};

/// A Send indication (RFC 8656).
const SEND_INDICATION: u16 = 0x0016;
/// A Data indication (RFC 8656).
const DATA_INDICATION: u16 = 0x0017;
/// Binding and shared-secret messages of RFC 3489 section 11.1.
const CLASSIC_TYPES: [u16; 6] = [0x0001, 0x0101, 0x0111, 0x0002, 0x0102, 0x0112];

#[cfg(test)]
mod tests;
