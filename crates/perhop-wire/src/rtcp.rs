//! RTCP (RFC 3550 section 6), its extensions, and as much of SRTCP (RFC 3711) as is in clear.

use crate::media::Flaw;

pub mod report;
pub mod source;

use report::{ReportBlock, ReportBlocks, SenderInfo, XrBlocks};
use source::{Bye, Chunks};

/// Sender report (RFC 3550).
pub const SENDER_REPORT: u8 = 200;
/// Receiver report (RFC 3550).
pub const RECEIVER_REPORT: u8 = 201;
/// Source description (RFC 3550).
pub const SOURCE_DESCRIPTION: u8 = 202;
/// Goodbye (RFC 3550).
pub const GOODBYE: u8 = 203;
/// Application-defined (RFC 3550).
pub const APPLICATION: u8 = 204;
/// Transport-layer feedback (RFC 4585).
pub const TRANSPORT_FEEDBACK: u8 = 205;
/// Payload-specific feedback (RFC 4585).
pub const PAYLOAD_FEEDBACK: u8 = 206;
/// Extended report (RFC 3611).
pub const EXTENDED_REPORT: u8 = 207;

/// What of a compound packet can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protection {
    /// The lengths tile the datagram: nothing is encrypted.
    Clear,
    /// As far as the capture goes the lengths fit; the rest was cut off.
    Cut,
    /// SRTCP: only the first packet's header and SSRC are in clear.
    Encrypted,
}

/// A view of an RTCP datagram: one or more packets, each with its length (RFC 3550 section 6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compound<'a> {
    bytes: &'a [u8],
    wire_len: u32,
    protection: Protection,
}

impl<'a> Compound<'a> {
    /// Walks the lengths. `bytes` is what was captured of the datagram, `wire_len` its length in bytes on the wire.
    ///
    /// The first packet may be of any registered type, so reduced-size RTCP (RFC 5506) is taken too. Where the
    /// lengths do not tile the datagram it must end the way SRTCP does, with an index and a tag.
    ///
    /// # Errors
    /// [`Flaw`] when version, type or lengths are not RTCP's.
    pub fn new_checked(bytes: &'a [u8], wire_len: u32) -> Result<Self, Flaw> {
        let bytes = bytes.get(..wire_len as usize).unwrap_or(bytes);
        let (&[first, kind], _) = bytes
            .split_first_chunk::<2>()
            .ok_or(Flaw::short(8, bytes.len()))?;
        if first >> 6 != 2 {
            return Err(Flaw::Version(first >> 6));
        }
        if !(SENDER_REPORT..=EXTENDED_REPORT).contains(&kind) {
            return Err(Flaw::Type(u16::from(kind)));
        }
        let least = 8.max(least_len(kind, first & 31));
        let length = bytes
            .get(2..4)
            .map(|field| 4 * (u32::from(u16::from_be_bytes([field[0], field[1]])) + 1));
        match length {
            Some(length) if bytes.len() >= 8 && length >= least && length <= wire_len => {}
            Some(length) if bytes.len() >= 8 => {
                return Err(Flaw::Length {
                    says: length,
                    has: wire_len,
                });
            }
            _ => return Err(Flaw::short(8, bytes.len())),
        }
        let protection = protection(bytes, wire_len)?;
        Ok(Self {
            bytes,
            wire_len,
            protection,
        })
    }

    /// What of it can be read.
    #[must_use]
    pub const fn protection(&self) -> Protection {
        self.protection
    }

    /// The first packet's type.
    #[must_use]
    pub fn kind(&self) -> u8 {
        self.bytes.get(1).copied().unwrap_or_default()
    }

    /// The SSRC of the first packet's sender, in clear in SRTCP too.
    #[must_use]
    pub fn sender_ssrc(&self) -> u32 {
        self.bytes.get(4..).and_then(word).unwrap_or_default()
    }

    /// The packets in order; only those in clear, the last perhaps cut by the snap length. SRTCP gives none.
    #[must_use]
    pub fn packets(&self) -> Packets<'a> {
        let readable = match self.protection {
            Protection::Encrypted => &[],
            Protection::Clear | Protection::Cut => self.bytes,
        };
        Packets { rest: readable }
    }

    /// The captured bytes.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Bytes of the datagram on the wire.
    #[must_use]
    pub const fn wire_len(&self) -> u32 {
        self.wire_len
    }
}

/// Iterator over the packets of a compound.
#[derive(Debug, Clone)]
pub struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Packets<'a> {
    type Item = Packet<'a>;

    fn next(&mut self) -> Option<Packet<'a>> {
        let (head, body) = self.rest.split_first_chunk::<4>()?;
        let len = 4 * usize::from(u16::from_be_bytes([head[2], head[3]]));
        let here = body.get(..len).unwrap_or(body);
        self.rest = body.get(len..).unwrap_or_default();
        Some(Packet {
            kind: head[1],
            count: head[0] & 31,
            padding: head[0] & 0x20 != 0,
            body: here,
        })
    }
}

/// One packet of a compound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Packet type, 200 to 207.
    pub kind: u8,
    /// The five bits after version and padding: reports, sources, chunks, subtype or feedback format.
    pub count: u8,
    /// The padding bit.
    pub padding: bool,
    /// Captured bytes after the four-byte header.
    pub body: &'a [u8],
}

impl<'a> Packet<'a> {
    /// The content by type. A body that the capture cut too short gives [`Content::Other`].
    #[must_use]
    pub fn content(&self) -> Content<'a> {
        self.read().unwrap_or(Content::Other)
    }

    fn read(&self) -> Option<Content<'a>> {
        let ssrc = word(self.body);
        let after = |len: usize| self.body.get(len..);
        Some(match self.kind {
            SENDER_REPORT => Content::SenderReport {
                ssrc: ssrc?,
                info: SenderInfo::read(after(4)?)?,
                blocks: ReportBlocks::new(after(24)?, self.count),
            },
            RECEIVER_REPORT => Content::ReceiverReport {
                ssrc: ssrc?,
                blocks: ReportBlocks::new(after(4)?, self.count),
            },
            SOURCE_DESCRIPTION => Content::SourceDescription(Chunks::new(self.body, self.count)),
            GOODBYE => Content::Bye(Bye::new(self.body, self.count)),
            APPLICATION => Content::Application {
                ssrc: ssrc?,
                name: *after(4)?.first_chunk()?,
            },
            TRANSPORT_FEEDBACK | PAYLOAD_FEEDBACK => Content::Feedback {
                transport: self.kind == TRANSPORT_FEEDBACK,
                format: self.count,
                sender: ssrc?,
                source: word(after(4)?)?,
            },
            EXTENDED_REPORT => Content::ExtendedReport {
                ssrc: ssrc?,
                blocks: XrBlocks::new(after(4)?),
            },
            _ => Content::Other,
        })
    }
}

/// The content of a packet.
#[derive(Debug, Clone)]
pub enum Content<'a> {
    /// Type 200.
    SenderReport {
        /// Who sends.
        ssrc: u32,
        /// Clocks and counts of the sender.
        info: SenderInfo,
        /// What the sender received.
        blocks: ReportBlocks<'a>,
    },
    /// Type 201.
    ReceiverReport {
        /// Who reports.
        ssrc: u32,
        /// What it received.
        blocks: ReportBlocks<'a>,
    },
    /// Type 202.
    SourceDescription(Chunks<'a>),
    /// Type 203.
    Bye(Bye<'a>),
    /// Type 204.
    Application {
        /// Who sends.
        ssrc: u32,
        /// Four letters.
        name: [u8; 4],
    },
    /// Type 205 or 206.
    Feedback {
        /// Type 205.
        transport: bool,
        /// Feedback message type, 1 to 31 (RFC 4585 section 6.1): 15 of type 205 is transport-wide congestion control,
        /// 15 of type 206 application feedback (video source requests at Microsoft).
        format: u8,
        /// Who sends.
        sender: u32,
        /// Whom it is about.
        source: u32,
    },
    /// Type 207.
    ExtendedReport {
        /// Who reports.
        ssrc: u32,
        /// Its blocks.
        blocks: XrBlocks<'a>,
    },
    /// Another type, or cut too short.
    Other,
}

impl Content<'_> {
    /// The report blocks of a sender or receiver report; none of other content.
    pub fn reports(&self) -> impl Iterator<Item = ReportBlock> {
        let blocks = match self {
            Self::SenderReport { blocks, .. } | Self::ReceiverReport { blocks, .. } => {
                Some(blocks.clone())
            }
            _ => None,
        };
        blocks.into_iter().flatten()
    }
}

/// Reads a big-endian word at the start of the bytes.
fn word(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk::<4>().map(|b| u32::from_be_bytes(*b))
}

/// The least length in bytes of a packet of this type, its header included.
fn least_len(kind: u8, count: u8) -> u32 {
    let count = u32::from(count);
    match kind {
        SENDER_REPORT => 28 + 24 * count,
        RECEIVER_REPORT => 8 + 24 * count,
        SOURCE_DESCRIPTION => 4 + 8 * count,
        GOODBYE => 4 + 4 * count,
        APPLICATION | TRANSPORT_FEEDBACK | PAYLOAD_FEEDBACK => 12,
        _ => 8,
    }
}

fn protection(bytes: &[u8], wire_len: u32) -> Result<Protection, Flaw> {
    let mut at = 0;
    while at < wire_len {
        let Some(head) = bytes.get(at as usize..).and_then(<[u8]>::first_chunk::<4>) else {
            return if bytes.len() < wire_len as usize {
                Ok(Protection::Cut)
            } else {
                encrypted(bytes, wire_len, at)
            };
        };
        let length = 4 * (u32::from(u16::from_be_bytes([head[2], head[3]])) + 1);
        let fits = head[0] >> 6 == 2
            && (SENDER_REPORT..=EXTENDED_REPORT).contains(&head[1])
            && length <= wire_len - at
            && length >= least_len(head[1], head[0] & 31);
        if !fits {
            return encrypted(bytes, wire_len, at);
        }
        at += length;
    }
    Ok(Protection::Clear)
}

/// SRTCP ends with a word of E bit and index, then a tag of 10, 4 or 16 bytes (RFC 3711 section 3.4, RFC 7714).
fn encrypted(bytes: &[u8], wire_len: u32, at: u32) -> Result<Protection, Flaw> {
    let flaw = Flaw::Length {
        says: at,
        has: wire_len,
    };
    if bytes.len() < wire_len as usize {
        return Ok(Protection::Encrypted);
    }
    for trailer in [14, 8, 20] {
        let Some(start) = wire_len.checked_sub(trailer).filter(|start| *start >= at) else {
            continue;
        };
        let index = bytes.get(start as usize..).and_then(word);
        if start == at || index.is_some_and(|index| index >> 31 == 1) {
            return Ok(Protection::Encrypted);
        }
    }
    Err(flaw)
}

#[cfg(test)]
mod tests;
