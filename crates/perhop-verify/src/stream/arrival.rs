//! What a stream needs to know of one packet.

/// One RTP packet as it arrived.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C)]
pub(crate) struct Arrival {
    /// Nanoseconds since 1970.
    pub(crate) time: i64,
    pub(crate) ssrc: u32,
    pub(crate) timestamp: u32,
    pub(crate) sequence: u16,
    /// Payload bytes on the wire.
    pub(crate) payload_len: u16,
    /// IPv4 identification, 0 when there is none.
    pub(crate) ip_id: u16,
    /// Marker bit and payload type, the header's second byte.
    pub(crate) mark_and_type: u8,
}

impl Arrival {
    /// A packet that is not RTP, or not known to be yet.
    #[inline]
    pub(crate) const fn bare(time: i64, ip_id: u16) -> Self {
        Self {
            time,
            ssrc: 0,
            timestamp: 0,
            sequence: 0,
            payload_len: 0,
            ip_id,
            mark_and_type: 0,
        }
    }

    #[inline]
    pub(crate) const fn payload_type(&self) -> u8 {
        self.mark_and_type & 0x7f
    }

    pub(crate) const fn marker(&self) -> bool {
        self.mark_and_type & 0x80 != 0
    }
}
