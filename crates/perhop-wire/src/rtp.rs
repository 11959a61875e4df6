//! RTP (RFC 3550 section 5.1), and its framing over a byte stream (RFC 4571).
//!
//! SRTP (RFC 3711) leaves everything that is read here in clear; bodies of header extensions may be encrypted
//! (RFC 6904), and RFC 9335 encrypts CSRCs as well.

use crate::media::Flaw;

pub mod framing;

/// A view of one RTP packet, possibly cut by a snap length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rtp<'a> {
    bytes: &'a [u8],
    fixed: &'a [u8; 12],
    wire_len: u32,
}

impl<'a> Rtp<'a> {
    /// Bytes of the fixed header.
    pub const FIXED_LEN: usize = 12;

    /// Checks version and lengths. `bytes` is what was captured of the packet, `wire_len` its length in bytes on the wire.
    ///
    /// The CSRC list and the header extension must fit in `wire_len`; they need not have been captured.
    ///
    /// # Errors
    /// [`Flaw`] when the version is not 2 or a header does not fit.
    pub fn new_checked(bytes: &'a [u8], wire_len: u32) -> Result<Self, Flaw> {
        let bytes = bytes.get(..wire_len as usize).unwrap_or(bytes);
        let Some(fixed) = bytes.first_chunk::<12>() else {
            return Err(Flaw::short(Self::FIXED_LEN, bytes.len()));
        };
        if fixed[0] >> 6 != 2 {
            return Err(Flaw::Version(fixed[0] >> 6));
        }
        let rtp = Self {
            bytes,
            fixed,
            wire_len,
        };
        let needed = rtp.header_len().unwrap_or(rtp.least_header_len());
        if needed > wire_len {
            return Err(Flaw::short(needed as usize, wire_len as usize));
        }
        Ok(rtp)
    }

    /// The padding bit: the last byte of the payload says how many bytes of it are padding.
    #[must_use]
    pub const fn has_padding(&self) -> bool {
        self.fixed[0] & 0x20 != 0
    }

    /// The extension bit.
    #[must_use]
    pub const fn has_extension(&self) -> bool {
        self.fixed[0] & 0x10 != 0
    }

    /// How many contributing sources are listed, 0 to 15.
    #[must_use]
    pub const fn csrc_count(&self) -> u8 {
        self.fixed[0] & 15
    }

    /// The marker bit: start of a talk spurt, or last packet of a video frame (RFC 3551).
    #[must_use]
    pub const fn marker(&self) -> bool {
        self.fixed[1] & 0x80 != 0
    }

    /// The payload type, 0 to 127.
    #[must_use]
    pub const fn payload_type(&self) -> u8 {
        self.fixed[1] & 0x7f
    }

    /// The sequence number.
    #[must_use]
    pub const fn sequence(&self) -> u16 {
        u16::from_be_bytes([self.fixed[2], self.fixed[3]])
    }

    /// The timestamp, in units of the payload type's clock.
    #[must_use]
    pub const fn timestamp(&self) -> u32 {
        word(self.fixed, 4)
    }

    /// The synchronisation source.
    #[must_use]
    pub const fn ssrc(&self) -> u32 {
        word(self.fixed, 8)
    }

    /// The contributing sources, as many as were captured.
    pub fn csrcs(&self) -> impl Iterator<Item = u32> + use<'a> {
        let list = self.bytes.get(12..).unwrap_or_default();
        let (words, _) = list.as_chunks::<4>();
        words
            .iter()
            .take(usize::from(self.csrc_count()))
            .map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// The header extension; `None` when there is none or its first four bytes were not captured.
    #[must_use]
    pub fn extension(&self) -> Option<Extension<'a>> {
        if !self.has_extension() {
            return None;
        }
        let at = 12 + 4 * usize::from(self.csrc_count());
        let (head, rest) = self.bytes.get(at..)?.split_first_chunk::<4>()?;
        let len = 4 * usize::from(u16::from_be_bytes([head[2], head[3]]));
        Some(Extension {
            profile: u16::from_be_bytes([head[0], head[1]]),
            len: len as u32,
            data: rest.get(..len).unwrap_or(rest),
        })
    }

    /// Bytes of the header with CSRCs and extension; `None` when the extension's length was not captured.
    #[must_use]
    pub fn header_len(&self) -> Option<u32> {
        if !self.has_extension() {
            return Some(self.least_header_len());
        }
        Some(self.least_header_len() + self.extension()?.len)
    }

    /// Payload bytes on the wire, without padding where its count was captured. For SRTP this includes the
    /// authentication tag, and the padding of an encrypted payload cannot be told. `None` when the header's length
    /// was not captured.
    #[must_use]
    pub fn payload_len(&self) -> Option<u32> {
        let whole = self.wire_len.saturating_sub(self.header_len()?);
        if !self.has_padding() || self.bytes.len() < self.wire_len as usize {
            return Some(whole);
        }
        let padding = u32::from(*self.bytes.last()?);
        Some(whole.checked_sub(padding).unwrap_or(whole))
    }

    /// Captured payload bytes, padding included.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        self.header_len()
            .and_then(|len| self.bytes.get(len as usize..))
            .unwrap_or_default()
    }

    /// Whether the second byte lies where RTP sharing a port with RTCP may not put it (RFC 5761 section 4): marker and
    /// payload type together 192 to 223.
    #[must_use]
    pub const fn looks_like_rtcp(&self) -> bool {
        matches!(self.fixed[1], 192..=223)
    }

    /// Header bytes without what only the extension's own length can tell, its four-byte head included; when that
    /// length was captured it is counted by [`Rtp::header_len`].
    fn least_header_len(&self) -> u32 {
        let extension = if self.has_extension() { 4 } else { 0 };
        12 + 4 * u32::from(self.csrc_count()) + extension
    }
}

/// A header extension (RFC 3550 section 5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension<'a> {
    /// "Defined by profile": `bede` one-byte, `100x` two-byte elements (RFC 8285), `c0de` and `c2de` RFC 9335.
    pub profile: u16,
    /// Bytes of the body as the header says.
    pub len: u32,
    /// Captured bytes of the body.
    pub data: &'a [u8],
}

impl<'a> Extension<'a> {
    /// The elements of RFC 8285: identifier and data. Nothing for other profiles; ends at the first element that was
    /// cut off.
    #[must_use]
    pub const fn elements(&self) -> Elements<'a> {
        let form = match self.profile {
            0xbede => Form::OneByte,
            profile if profile & 0xfff0 == 0x1000 => Form::TwoByte,
            _ => Form::Other,
        };
        Elements {
            data: self.data,
            form,
        }
    }
}

/// Iterator over the elements of a header extension (RFC 8285).
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    data: &'a [u8],
    form: Form,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    OneByte,
    TwoByte,
    Other,
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (&first, rest) = self.data.split_first()?;
            if first == 0 {
                self.data = rest;
                continue;
            }
            let (id, len, rest) = match self.form {
                Form::OneByte if first >> 4 == 15 => return None,
                Form::OneByte => (first >> 4, usize::from(first & 15) + 1, rest),
                Form::TwoByte => {
                    let (&len, rest) = rest.split_first()?;
                    (first, usize::from(len), rest)
                }
                Form::Other => return None,
            };
            let (element, rest) = rest.split_at_checked(len)?;
            self.data = rest;
            return Some((id, element));
        }
    }
}

const fn word(fixed: &[u8; 12], at: usize) -> u32 {
    u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const G711: [u8; 16] = [
        0x80, 0x88, 0xe4, 0xb0, 0, 0, 0, 160, 0x07, 0x41, 0xc7, 0xa8, 1, 2, 3, 4,
    ];

    #[test]
    fn the_fixed_header_is_read() {
        let rtp = Rtp::new_checked(&G711, 172).unwrap();
        assert!(rtp.marker() && !rtp.has_padding() && !rtp.has_extension());
        assert_eq!(rtp.payload_type(), 8);
        assert_eq!(rtp.sequence(), 58544);
        assert_eq!(rtp.timestamp(), 160);
        assert_eq!(rtp.ssrc(), 0x0741_c7a8);
        assert_eq!(rtp.header_len(), Some(12));
        assert_eq!(rtp.payload_len(), Some(160));
        assert_eq!(rtp.payload(), [1, 2, 3, 4]);
    }

    #[test]
    fn sources_extension_and_padding_are_counted() {
        let mut packet = vec![0xb2, 0x60, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9];
        packet.extend([0, 0, 0, 5, 0, 0, 0, 6]);
        packet.extend([0xbe, 0xde, 0, 2, 0x10, 0xaa, 0x32, 1, 2, 3, 0, 0]);
        packet.extend([7, 7, 7, 0, 0, 3]);
        let rtp = Rtp::new_checked(&packet, packet.len() as u32).unwrap();
        assert_eq!(rtp.csrcs().collect::<Vec<_>>(), [5, 6]);
        let extension = rtp.extension().unwrap();
        assert_eq!((extension.profile, extension.len), (0xbede, 8));
        let elements: Vec<_> = extension.elements().collect();
        assert_eq!(elements, [(1, &[0xaa][..]), (3, &[1, 2, 3][..])]);
        assert_eq!(rtp.header_len(), Some(32));
        assert_eq!(rtp.payload_len(), Some(3));
        assert_eq!(rtp.payload(), [7, 7, 7, 0, 0, 3]);
    }

    #[test]
    fn two_byte_elements_may_be_empty() {
        let extension = Extension {
            profile: 0x1000,
            len: 8,
            data: &[1, 0, 0, 2, 2, 9, 9, 0],
        };
        let elements: Vec<_> = extension.elements().collect();
        assert_eq!(elements, [(1, &[][..]), (2, &[9, 9][..])]);
    }

    #[test]
    fn what_cannot_be_rtp_is_refused() {
        assert_eq!(Rtp::new_checked(&[0x40; 20], 20), Err(Flaw::Version(1)));
        assert_eq!(Rtp::new_checked(&G711[..11], 11), Err(Flaw::short(12, 11)));
        let mut many_sources = G711;
        many_sources[0] = 0x8f;
        assert_eq!(
            Rtp::new_checked(&many_sources, 16),
            Err(Flaw::short(72, 16))
        );
    }

    #[test]
    fn an_extension_longer_than_the_packet_is_refused() {
        let packet = [
            0x90, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0xbe, 0xde, 0, 200, 1, 2,
        ];
        assert_eq!(Rtp::new_checked(&packet, 18), Err(Flaw::short(816, 18)));
        assert!(
            Rtp::new_checked(&packet, 900).is_ok(),
            "cut by the snap length"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120), more in 0u32..2000) {
            let wire = bytes.len() as u32 + more;
            if let Ok(rtp) = Rtp::new_checked(&bytes, wire) {
                let _ = (rtp.csrcs().count(), rtp.payload().len());
                if let Some(extension) = rtp.extension() {
                    let _ = extension.elements().count();
                }
                if let (Some(header), Some(payload)) = (rtp.header_len(), rtp.payload_len()) {
                    prop_assert!(header + payload <= wire);
                }
            }
        }
    }
}
