//! What can be wrong with a capture, and where.

use std::fmt;

/// A fault in a capture: the place, what was found there and what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaptureError {
    /// Byte offset in the (uncompressed) capture of the header, record or block that is wrong.
    pub offset: u64,
    /// Number of the packet that could not be read, counted from 1.
    pub packet: u64,
    /// What is wrong.
    pub damage: Damage,
}

impl CaptureError {
    /// Whether the capture simply ends too early, as a ring buffer's file or a killed capture does: all before is good.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        matches!(
            self.damage,
            Damage::HeaderCut { .. } | Damage::RecordCut { .. } | Damage::BlockCut { .. }
        )
    }
}

/// What is wrong in a capture. Lengths are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// No byte at all.
    Empty,
    /// The first four bytes belong to no capture format.
    NotACapture {
        /// Those bytes.
        magic: [u8; 4],
    },
    /// The capture ends inside its file or section header.
    HeaderCut {
        /// Bytes the header needs.
        needed: u64,
        /// Bytes there were.
        had: u64,
    },
    /// The capture ends inside a pcap record.
    RecordCut {
        /// Bytes the record needs, its header included.
        needed: u64,
        /// Bytes there were.
        had: u64,
    },
    /// The capture ends inside a pcapng block.
    BlockCut {
        /// Bytes the block needs.
        needed: u64,
        /// Bytes there were.
        had: u64,
    },
    /// A pcap record says that more was captured than the limit allows.
    RecordLength {
        /// Captured length in the record.
        captured: u32,
        /// The most that is believed.
        limit: u32,
    },
    /// A pcapng block's total length is below its least value or above the limit.
    BlockLength {
        /// Block type.
        block: u32,
        /// Total length in the block.
        length: u32,
        /// The least it can be.
        least: u32,
        /// The most that is believed.
        limit: u32,
    },
    /// The two total lengths of a pcapng block differ.
    BlockLengths {
        /// Block type.
        block: u32,
        /// At its start.
        first: u32,
        /// At its end.
        last: u32,
    },
    /// A section header without the byte-order magic.
    ByteOrder {
        /// What stands in its place, as a big-endian number.
        found: u32,
    },
    /// A section of a version that is not known.
    SectionVersion {
        /// Major version; 1 is known.
        major: u16,
        /// Minor version.
        minor: u16,
    },
    /// A packet of an interface that the section does not describe.
    UnknownInterface {
        /// Interface number in the packet.
        interface: u32,
        /// How many are described.
        known: u32,
    },
    /// A pcapng packet's captured length is more than its block holds, or than the limit.
    CapturedLength {
        /// Captured length in the block.
        captured: u32,
        /// The most it can be.
        room: u32,
    },
    /// An option of an interface description is longer than what is left of its block. The interface is used, but its
    /// packets have no time unless the resolution was read before.
    OptionLength {
        /// Option code.
        code: u16,
        /// Its length.
        length: u16,
        /// Bytes left.
        room: u32,
    },
    /// More interfaces in one section than the limit.
    Interfaces {
        /// The limit.
        limit: u32,
    },
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, packet, .. } = self;
        match self.damage {
            Damage::Empty | Damage::NotACapture { .. } => write!(f, "{}", self.damage),
            damage => write!(f, "at byte {offset}, packet {packet}: {damage}"),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Empty => f.write_str("the capture is empty, it has not even a header"),
            Self::NotACapture { magic } => not_a_capture(f, magic),
            Self::HeaderCut { needed, had } => {
                write!(f, "the capture ends in its header: {had} of {needed} bytes")
            }
            Self::RecordCut { needed, had } => {
                write!(f, "the capture ends in a record: {had} of {needed} bytes")
            }
            Self::BlockCut { needed, had } => {
                write!(f, "the capture ends in a block: {had} of {needed} bytes")
            }
            Self::RecordLength { captured, limit } => write!(
                f,
                "the record says {captured} bytes were captured, the limit is {limit}"
            ),
            Self::BlockLength {
                block,
                length,
                least,
                limit,
            } => write!(
                f,
                "block of type 0x{block:08x} with a length of {length} bytes, expected {least} to {limit}"
            ),
            Self::BlockLengths { block, first, last } => write!(
                f,
                "block of type 0x{block:08x} with a length of {first} bytes at its start and {last} at its end"
            ),
            Self::ByteOrder { found } => write!(
                f,
                "section header with byte-order magic 0x{found:08x}, expected 0x1a2b3c4d in either order"
            ),
            Self::SectionVersion { major, minor } => {
                write!(f, "section of version {major}.{minor}, expected 1.x")
            }
            Self::UnknownInterface { interface, known } => write!(
                f,
                "packet of interface {interface}, but the section describes {known}"
            ),
            Self::CapturedLength { captured, room } => write!(
                f,
                "packet says {captured} bytes were captured, its block has {room}"
            ),
            Self::OptionLength { code, length, room } => write!(
                f,
                "interface option {code} with a length of {length} bytes, its block has {room}"
            ),
            Self::Interfaces { limit } => write!(f, "more than {limit} interfaces in one section"),
        }
    }
}

impl std::error::Error for CaptureError {}

/// What begins with four bytes as no pcap and no pcapng does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// Data in a compression that captures are read from: here they were compressed twice.
    Compressed(&'static str),
    /// Data in a compression that captures are not read from, and the command that unpacks it to standard output.
    Packed(&'static str, &'static str),
    /// An archive of several files.
    Archive(&'static str),
    /// A capture in the format of another program, which Wireshark reads.
    Foreign(&'static str),
    /// Letters, digits and the like.
    Text,
    /// None of these.
    Unknown,
}

impl Other {
    /// By the first four bytes.
    #[must_use]
    pub fn of(magic: [u8; 4]) -> Self {
        match &magic {
            [0x1f, 0x8b, ..] => Self::Compressed("gzip data"),
            [0x28, 0xb5, 0x2f, 0xfd] => Self::Compressed("zstd data"),
            [0x04, 0x22, 0x4d, 0x18] => Self::Compressed("lz4 data"),
            b"\xfd7zX" => Self::Packed("xz data", "xz -dc"),
            [b'B', b'Z', b'h', b'1'..=b'9'] => Self::Packed("bzip2 data", "bzip2 -dc"),
            b"PK\x03\x04" => Self::Archive("a zip archive"),
            b"7z\xbc\xaf" => Self::Archive("a 7-Zip archive"),
            b"Rar!" => Self::Archive("a RAR archive"),
            b"GMBU" | b"RTSS" => Self::Foreign("a capture of Microsoft Network Monitor"),
            b"snoo" => Self::Foreign("a capture of snoop"),
            b"XCP\0" | b"TRSN" => Self::Foreign("a capture of Sniffer"),
            text if text
                .iter()
                .all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n')) =>
            {
                Self::Text
            }
            _ => Self::Unknown,
        }
    }
}

/// Names what the first bytes are, when they are something else that is known.
fn not_a_capture(f: &mut fmt::Formatter<'_>, magic: [u8; 4]) -> fmt::Result {
    match Other::of(magic) {
        Other::Compressed(what)
        | Other::Packed(what, _)
        | Other::Archive(what)
        | Other::Foreign(what) => write!(f, "neither pcap nor pcapng but {what}"),
        Other::Text | Other::Unknown => {
            let [a, b, c, d] = magic;
            write!(
                f,
                "neither pcap nor pcapng: it begins with {a:02x} {b:02x} {c:02x} {d:02x}"
            )
        }
    }
}
