//! Packets of an interface, while they pass.
//!
//! On Linux a [`Live`] is an `AF_PACKET` socket with a `TPACKET_V3` ring: the kernel fills blocks of memory with packets
//! and hands over whole blocks, so that there is no system call and no copy for a packet. A packet is given out as
//! [`perhop_wire::capture::CapturedPacket`], as those of a file are, and borrows the ring. On other systems
//! [`Live::open`] says that there is no such thing there.

use std::time::Duration;

mod error;

pub use error::CaptureError;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::{Live, interfaces};

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::{Live, interfaces};

/// The name under which all interfaces are captured at once.
///
/// A packet that passes several of them (a bridge and its port, a VLAN and the interface below it) is then seen several
/// times.
pub const ANY: &str = "any";

/// How to capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Bytes of a block, the unit that the kernel hands over: a power of two, at least the size of a page. A packet
    /// longer than a block is cut.
    pub block_bytes: u32,
    /// Blocks in the ring. All of it is memory of the kernel for as long as the capture lasts.
    pub blocks: u32,
    /// Bytes kept of a packet; `None` for all of them.
    pub snaplen: Option<u32>,
    /// Take also what is addressed to others, as a mirror port needs it. Without effect on [`ANY`].
    pub promiscuous: bool,
    /// The longest time that a packet waits in a block that is not yet full, up to twice over.
    pub retire: Duration,
    /// Share the packets with other captures of the same group, which must be of the same interface.
    pub fanout: Option<Fanout>,
}

impl Default for Options {
    /// 32 blocks of 1 MiB, whole packets, promiscuous, 50 ms, alone.
    fn default() -> Self {
        Self {
            block_bytes: 1 << 20,
            blocks: 32,
            snaplen: None,
            promiscuous: true,
            retire: Duration::from_millis(50),
            fanout: None,
        }
    }
}

/// A group of captures among which the kernel divides the packets by their flow: both directions of a flow go to the same
/// capture of the group (`PACKET_FANOUT_HASH`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fanout {
    /// Number of the group, unique in the network namespace.
    pub group: u16,
}

/// What the kernel counted since the capture began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Packets that passed and were wanted, those dropped included.
    pub seen: u64,
    /// Packets dropped because the ring was full.
    pub dropped: u64,
    /// How often the ring was full.
    pub stalls: u64,
}

/// What a turn brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// A block with so many packets.
    Packets(u64),
    /// No block was full within the time.
    Idle,
    /// The interface was taken down. The capture goes on when it comes up again.
    Down,
    /// The interface does not exist any more.
    Gone,
}
