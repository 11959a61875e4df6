//! `AF_PACKET` with a `TPACKET_V3` ring (packet(7), the kernel's `Documentation/networking/packet_mmap.rst`).

use std::io;
use std::time::Duration;

use perhop_wire::capture::CapturedPacket;

use super::{ANY, CaptureError, Options, Statistics, Turn};

mod frame;
mod interface;
mod ring;
mod socket;

pub use interface::interfaces;

use frame::Blocks;
use ring::Ring;
use socket::Socket;

/// A running capture. What passes from [`Live::open`] on is kept in the ring until it is asked for.
#[derive(Debug)]
pub struct Live {
    // The ring is unmapped before the socket is closed.
    ring: Ring,
    socket: Socket,
    blocks: Blocks,
    retire: Duration,
    statistics: Statistics,
    /// The number of the interface; 0 for all.
    index: i32,
}

impl Live {
    /// Begins to capture on an interface, by its name, or on all of them ([`ANY`]).
    ///
    /// # Errors
    /// No such interface, an interface that is down, a process without CAP_NET_RAW, a ring that the kernel refuses.
    pub fn open(interface: &str, options: &Options) -> Result<Self, CaptureError> {
        let any = interface == ANY;
        let index = if any { 0 } else { interface::index(interface)? };
        let socket = Socket::open()?;
        if let Some(snaplen) = options.snaplen {
            socket.keep(snaplen)?;
        }
        let ring = Ring::new(&socket, options)?;
        socket.bind(index)?;
        match socket.take_error() {
            Some(libc::ENETDOWN) if !any => {
                return Err(CaptureError::Down {
                    name: interface.to_owned(),
                });
            }
            None | Some(libc::ENETDOWN) => {}
            Some(other) => {
                let source = io::Error::from_raw_os_error(other);
                return Err(CaptureError::system("listen on the interface", source));
            }
        }
        if options.promiscuous && !any {
            socket.be_promiscuous(index)?;
        }
        if let Some(fanout) = options.fanout {
            socket.join(fanout)?;
        }
        Ok(Self {
            ring,
            socket,
            blocks: Blocks::new(any),
            retire: options.retire,
            statistics: Statistics::default(),
            index,
        })
    }

    /// Gives out the next block's packets, in the order in which they passed; waits for it at most so long. A signal ends
    /// the wait too.
    ///
    /// # Errors
    /// What the system refuses while waiting.
    pub fn turn(
        &mut self,
        wait: Duration,
        sink: &mut dyn FnMut(&CapturedPacket<'_>),
    ) -> Result<Turn, CaptureError> {
        if let Some(turn) = self.block(sink) {
            return Ok(turn);
        }
        if self.socket.wait(wait)? {
            match self.socket.take_error() {
                None => {}
                Some(libc::ENETDOWN) => return Ok(self.down()),
                Some(other) => {
                    let source = io::Error::from_raw_os_error(other);
                    return Err(CaptureError::system("capture", source));
                }
            }
        }
        if let Some(turn) = self.block(sink) {
            return Ok(turn);
        }
        // An interface that is down already goes without a report.
        Ok(if self.is_there() {
            Turn::Idle
        } else {
            Turn::Gone
        })
    }

    /// What the kernel has counted so far.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn statistics(&mut self) -> Result<Statistics, CaptureError> {
        // The kernel begins anew with every question.
        let more = self.socket.statistics()?;
        self.statistics.seen += u64::from(more.tp_packets);
        self.statistics.dropped += u64::from(more.tp_drops) + self.blocks.take_unreadable();
        self.statistics.stalls += u64::from(more.tp_freeze_q_cnt);
        Ok(self.statistics)
    }

    /// Ends the capture: nothing that passes from now on is taken, what passed before is given out.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn finish(
        mut self,
        sink: &mut dyn FnMut(&CapturedPacket<'_>),
    ) -> Result<Statistics, CaptureError> {
        self.socket.keep(0)?;
        // A block that has begun is handed over within two periods.
        let wait = self.retire * 3;
        for _ in 0..=self.ring.blocks() {
            match self.turn(wait, sink)? {
                Turn::Packets(_) => {}
                Turn::Down => {}
                Turn::Idle | Turn::Gone => break,
            }
        }
        self.statistics()
    }

    fn block(&mut self, sink: &mut dyn FnMut(&CapturedPacket<'_>)) -> Option<Turn> {
        let mut block = self.ring.take()?;
        Some(Turn::Packets(self.blocks.read(&mut block, sink)))
    }

    fn down(&self) -> Turn {
        if self.is_there() {
            Turn::Down
        } else {
            Turn::Gone
        }
    }

    fn is_there(&self) -> bool {
        self.index == 0 || interface::exists(self.index)
    }
}
