//! A place in a captured frame, and what lies there.

use crate::bytes::length;
use crate::link::LinkType;
use crate::packet::{Layer, Reason, Undecoded};

/// The bytes of a frame from one place on, with the number of bytes there were on the wire.
///
/// Invariant: `wire` is never less than the number of bytes at hand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    offset: u32,
    wire: u32,
}

impl<'a> Cursor<'a> {
    /// Starts at the first byte. A `wire` smaller than what was captured is ignored.
    pub(crate) fn new(bytes: &'a [u8], wire: u32) -> Self {
        Self {
            bytes,
            offset: 0,
            wire: wire.max(length(bytes)),
        }
    }

    /// The captured bytes from here on.
    pub(crate) const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// How many bytes from here on were on the wire.
    pub(crate) const fn wire(&self) -> u32 {
        self.wire
    }

    /// The first byte, not consumed.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.first().copied()
    }

    /// Takes a header of `N` bytes.
    pub(crate) fn take<const N: usize>(&mut self, layer: Layer) -> Result<&'a [u8; N], Undecoded> {
        self.split::<N>()
            .ok_or_else(|| self.short(layer, u32::try_from(N).unwrap_or(u32::MAX)))
    }

    /// Takes a header of `N` bytes, if that many were captured.
    pub(crate) fn split<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let header = self.bytes.first_chunk::<N>()?;
        self.advance(N);
        Some(header)
    }

    /// Takes `count` bytes, if that many were captured.
    pub(crate) fn split_slice(&mut self, count: u32) -> Option<&'a [u8]> {
        let taken = self.bytes.get(..usize::try_from(count).ok()?)?;
        self.advance(taken.len());
        Some(taken)
    }

    /// Moves past `count` bytes on the wire, captured or not.
    pub(crate) fn pass(&mut self, count: u32) {
        self.bytes = usize::try_from(count)
            .ok()
            .and_then(|count| self.bytes.get(count..))
            .unwrap_or_default();
        self.offset = self.offset.saturating_add(count);
        self.wire = self.wire.saturating_sub(count);
    }

    /// Takes a header of `count` bytes.
    pub(crate) fn take_slice(&mut self, layer: Layer, count: u32) -> Result<&'a [u8], Undecoded> {
        self.split_slice(count)
            .ok_or_else(|| self.short(layer, count))
    }

    /// Declares that the wire has only `wire` more bytes from here: what follows is padding or another layer's trailer.
    pub(crate) fn limit(&mut self, wire: u32) {
        self.wire = wire;
        if let Ok(count) = usize::try_from(wire)
            && let Some(kept) = self.bytes.get(..count)
        {
            self.bytes = kept;
        }
    }

    /// Why reading stopped here.
    pub(crate) const fn undecoded(&self, layer: Layer, reason: Reason) -> Undecoded {
        Undecoded {
            layer,
            offset: self.offset,
            reason,
        }
    }

    fn short(&self, layer: Layer, needed: u32) -> Undecoded {
        let had = length(self.bytes);
        self.undecoded(layer, Reason::Short { needed, had })
    }

    fn advance(&mut self, count: usize) {
        self.pass(u32::try_from(count).unwrap_or(u32::MAX));
    }
}

/// What lies at a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The header of this link type.
    Link(LinkType),
    /// An Ethernet frame from its destination address on.
    Ethernet,
    /// What this `EtherType`, or 802.3 length, says.
    Type(u16),
    /// An 802.2 LLC header.
    Llc,
    /// An MPLS label stack.
    Mpls,
    /// A PPP frame.
    Ppp,
    /// A `PPPoE` session header.
    PppoeSession,
    /// An 802.11 frame; `fcs` when its check sequence is still at the end.
    Wifi {
        /// The last four bytes are the frame check sequence.
        fcs: bool,
        /// The MAC header is padded to a multiple of four bytes.
        padded: bool,
    },
    /// An IP header of either version.
    Ip,
}
