//! Senders of RTP, and what the network does to it.

use std::io::{self, Write};

use crate::world::{Unit, World};

const MILLISECOND: u64 = 1_000_000;
/// Share of streams whose path loses packets: loss is a matter of few paths, not of all.
const LOSSY: f64 = 0.25;

/// One RTP stream being sent.
#[derive(Debug)]
pub(crate) struct Media {
    stream: usize,
    channel: Option<u16>,
    end: u64,
    /// When the next packet is due, before the network delays it.
    due: u64,
    sequence: u64,
    timestamp: u32,
    /// A packet that its successor overtakes.
    held: Option<Unit>,
    /// Share of packets lost on this stream's path.
    loss: f64,
    codec: Codec,
}

/// What is sent.
#[derive(Debug)]
pub(crate) enum Codec {
    /// 20 ms of audio a packet.
    Audio {
        /// Timestamp units of 20 ms.
        step: u32,
        /// Payload bytes, least and most.
        len: (u64, u64),
    },
    /// 30 frames a second, each of one or more packets with one timestamp.
    Video {
        /// Payload bytes of this frame still to send.
        left: usize,
        frame: u64,
    },
}

impl Codec {
    /// An audio codec and its payload type: G.711 in both laws, SILK, Opus.
    pub(crate) const fn audio(draw: u64) -> (Self, u8) {
        match draw % 5 {
            0 => (
                Self::Audio {
                    step: 160,
                    len: (160, 160),
                },
                8,
            ),
            1 | 2 => (
                Self::Audio {
                    step: 160,
                    len: (160, 160),
                },
                0,
            ),
            3 => (
                Self::Audio {
                    step: 320,
                    len: (52, 88),
                },
                104,
            ),
            _ => (
                Self::Audio {
                    step: 960,
                    len: (70, 160),
                },
                111,
            ),
        }
    }

    /// H.264 in Microsoft's packets.
    pub(crate) const fn video() -> (Self, u8) {
        (Self::Video { left: 0, frame: 0 }, 122)
    }
}

impl Media {
    pub(crate) fn new<W: Write>(
        world: &mut World<W>,
        stream: usize,
        channel: Option<u16>,
        (start, end): (u64, u64),
        codec: Codec,
    ) -> Self {
        let sequence = 65_536 + u64::from(world.random.half());
        let lossy = world.random.chance(LOSSY);
        let loss = if lossy { world.shape.loss / LOSSY } else { 0.0 };
        Self {
            stream,
            channel,
            end,
            due: start,
            sequence,
            timestamp: world.random.word(),
            held: None,
            loss,
            codec,
        }
    }

    /// Sends what is due; gives when to come back.
    pub(crate) fn step<W: Write>(
        &mut self,
        now: u64,
        world: &mut World<W>,
    ) -> io::Result<Option<u64>> {
        if self.due >= self.end {
            if let Some(unit) = self.held.take() {
                world.rtp(now, self.stream, self.channel, unit, false)?;
            }
            return Ok(None);
        }
        let (unit, next) = match self.codec {
            Codec::Audio { step, len } => self.audio(world, step, len),
            Codec::Video { left, frame } => self.video(world, left, frame),
        };
        self.sequence += 1;
        self.deliver(now, world, unit)?;
        Ok(Some(next))
    }

    fn audio<W: Write>(&mut self, world: &mut World<W>, step: u32, len: (u64, u64)) -> (Unit, u64) {
        let len = short(world.random.between(len.0, len.1));
        let unit = Unit {
            sequence: self.sequence,
            timestamp: self.timestamp,
            marker: false,
            len,
        };
        self.timestamp = self.timestamp.wrapping_add(step);
        self.due += 20 * MILLISECOND;
        let most = if world.random.chance(0.01) { 12 } else { 2 };
        (unit, self.due + world.random.below(most * MILLISECOND))
    }

    fn video<W: Write>(&mut self, world: &mut World<W>, left: usize, frame: u64) -> (Unit, u64) {
        let mut left = left;
        let mut frame = frame;
        if left == 0 {
            left = match frame % 90 {
                0 => short(world.random.between(14_000, 26_000)),
                _ => short(world.random.between(1_200, 5_200)),
            };
            frame += 1;
        }
        let len = left.min(1150);
        left -= len;
        let unit = Unit {
            sequence: self.sequence,
            timestamp: self.timestamp,
            marker: left == 0,
            len,
        };
        self.codec = Codec::Video { left, frame };
        if left > 0 {
            self.due += 100_000 + world.random.below(200_000);
            return (unit, self.due);
        }
        self.timestamp = self.timestamp.wrapping_add(3000);
        let spacing = 33_333_333;
        self.due = self.due / spacing * spacing + spacing;
        (unit, self.due + world.random.below(2 * MILLISECOND))
    }

    fn deliver<W: Write>(&mut self, now: u64, world: &mut World<W>, unit: Unit) -> io::Result<()> {
        let shape = world.shape;
        let draw = world.random.unit();
        if draw < self.loss {
            return Ok(());
        }
        if draw < self.loss + shape.late && self.held.is_none() {
            self.held = Some(unit);
            return Ok(());
        }
        world.rtp(now, self.stream, self.channel, unit, false)?;
        if let Some(late) = self.held.take() {
            world.rtp(now, self.stream, self.channel, late, false)?;
        } else if draw > 1.0 - shape.duplicates {
            world.rtp(now, self.stream, self.channel, unit, true)?;
        }
        Ok(())
    }
}

fn short(len: u64) -> usize {
    usize::try_from(len).expect("a frame is short")
}
