//! What a reader finds.

use super::CaptureError;
use crate::link::LinkType;
use crate::packet::Direction;

/// One packet as it stands in a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapturedPacket<'a> {
    /// Nanoseconds since 1970; `None` when the capture has no time for it (pcapng simple packets, damaged interface
    /// descriptions).
    pub time_ns: Option<i64>,
    /// What the first byte belongs to.
    pub link: LinkType,
    /// The captured bytes, without a frame check sequence that pcap's file header announces.
    pub data: &'a [u8],
    /// Bytes on the wire; never less than were captured.
    pub wire_len: u32,
    /// Number of the interface, counted through all sections; 0 in pcap.
    pub interface: u32,
    /// Which way it went, when the capture (not the link header) says so.
    pub direction: Direction,
    /// Bytes that the record took in the buffer.
    pub consumed: usize,
}

/// What an interface statistics block says; counts are since the start of the capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterfaceStatistics {
    /// Number of the interface, counted through all sections.
    pub interface: u32,
    /// Packets received (`isb_ifrecv`).
    pub received: Option<u64>,
    /// Packets lost for want of resources (`isb_ifdrop`).
    pub dropped: Option<u64>,
    /// Packets lost by the operating system (`isb_osdrop`).
    pub dropped_by_os: Option<u64>,
}

impl InterfaceStatistics {
    /// All packets lost; `None` when the capture does not count them.
    #[must_use]
    pub fn total_dropped(&self) -> Option<u64> {
        match (self.dropped, self.dropped_by_os) {
            (None, None) => None,
            (some, other) => Some(some.unwrap_or(0).saturating_add(other.unwrap_or(0))),
        }
    }
}

/// What the reader found at the start of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// A packet.
    Packet(CapturedPacket<'a>),
    /// Something that is no packet: file header, interface, names, bytes searched in vain.
    Skipped {
        /// Bytes to drop from the buffer.
        consumed: usize,
    },
    /// Interface statistics.
    Statistics {
        /// What they say.
        statistics: InterfaceStatistics,
        /// Bytes to drop from the buffer.
        consumed: usize,
    },
    /// The buffer must hold at least this many bytes before anything can be said, unless the capture ends first.
    NeedMore {
        /// Bytes, counted from the start of the buffer.
        at_least: usize,
    },
    /// Something is wrong. Reading goes on where it can: the next step may find more packets.
    Damaged {
        /// What and where.
        error: CaptureError,
        /// Bytes to drop from the buffer.
        consumed: usize,
    },
    /// After damage, records were found again.
    Resynchronised {
        /// Byte offset in the capture at which they go on.
        offset: u64,
        /// Bytes given up between the damage and here.
        lost: u64,
    },
    /// Nothing more will be found.
    End,
}

impl Step<'_> {
    /// Bytes to drop from the front of the buffer before the next step.
    #[inline]
    #[must_use]
    pub const fn consumed(&self) -> usize {
        match self {
            Self::Packet(packet) => packet.consumed,
            Self::Skipped { consumed }
            | Self::Statistics { consumed, .. }
            | Self::Damaged { consumed, .. } => *consumed,
            Self::NeedMore { .. } | Self::Resynchronised { .. } | Self::End => 0,
        }
    }
}
