//! Small exchanges: STUN and TURN, RTCP, DNS.

use std::io::{self, Write};

use crate::message::{self, Reported, SenderReport};
use crate::random::Random;
use crate::truth::Content;
use crate::world::{EPOCH_US, NTP_TO_UNIX, World};

const SECOND: u64 = 1_000_000_000;
const BINDING: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const ALLOCATE: u16 = 0x0003;
const ALLOCATE_SUCCESS: u16 = 0x0103;
const CHANNEL_BIND: u16 = 0x0009;
const CHANNEL_BIND_SUCCESS: u16 = 0x0109;

/// Requests on the flow of the one that asks, answers on the other.
#[derive(Debug)]
pub(crate) struct Stun {
    pub(crate) paths: [usize; 2],
    pub(crate) end: u64,
    /// Asks for a relay and this channel first.
    pub(crate) channel: Option<u16>,
    pub(crate) step: u32,
    pub(crate) transaction: [u8; 12],
}

impl Stun {
    /// Sends the next message; gives when to come back.
    pub(crate) fn step<W: Write>(
        &mut self,
        now: u64,
        world: &mut World<W>,
    ) -> io::Result<Option<u64>> {
        if now >= self.end {
            return Ok(None);
        }
        let is_request = self.step.is_multiple_of(2);
        if is_request {
            let bits = [
                world.random.word(),
                world.random.word(),
                world.random.word(),
            ];
            for (four, word) in self.transaction.chunks_exact_mut(4).zip(bits) {
                four.copy_from_slice(&word.to_be_bytes());
            }
        }
        let (turn, path) = (self.turn(), self.paths[usize::from(!is_request)]);
        let transaction = self.transaction;
        world.datagram(now, path, Content::Stun, |out, random| {
            turn.write(out, transaction, random)
        })?;
        self.step += 1;
        let wait = if is_request || self.step < 4 {
            9_000_000
        } else {
            4 * SECOND + world.random.below(2 * SECOND)
        };
        Ok(Some(now + wait))
    }

    const fn turn(&self) -> Turn {
        match (self.channel, self.step) {
            (Some(_), 0) => Turn::Allocate,
            (Some(_), 1) => Turn::Allocated,
            (Some(channel), step) if step.is_multiple_of(2) => Turn::Bind(channel),
            (Some(_), _) => Turn::Bound,
            (None, step) if step.is_multiple_of(2) => Turn::Check,
            (None, _) => Turn::Answer,
        }
    }
}

/// One message of an exchange.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Allocate,
    Allocated,
    Bind(u16),
    Bound,
    Check,
    Answer,
}

impl Turn {
    fn write(self, out: &mut Vec<u8>, transaction: [u8; 12], random: &mut Random) {
        let mut digest = [0; 20];
        for four in digest.chunks_exact_mut(4) {
            four.copy_from_slice(&random.word().to_be_bytes());
        }
        let integrity = (0x0008, &digest[..]);
        let user = (0x0006, &b"perhop:contoso"[..]);
        // An XOR'ed address: family IPv4, then port and address.
        let address = &[0, 1, 0x5b, 0x28, 0x2b, 0x12, 0xa4, 0x43][..];
        let mapped = (0x0020, address);
        let mut put = |message_type, attributes: &[_]| {
            message::stun(out, message_type, transaction, attributes)
        };
        match self {
            Self::Allocate => put(ALLOCATE, &[(0x0019, &[17, 0, 0, 0]), user, integrity]),
            Self::Allocated => {
                let lifetime = (0x000d, &[0, 0, 2, 0x58][..]);
                put(
                    ALLOCATE_SUCCESS,
                    &[(0x0016, address), mapped, lifetime, integrity],
                );
            }
            Self::Bind(channel) => {
                let [high, low] = channel.to_be_bytes();
                put(
                    CHANNEL_BIND,
                    &[
                        (0x000c, &[high, low, 0, 0]),
                        (0x0012, address),
                        user,
                        integrity,
                    ],
                );
            }
            Self::Bound => put(CHANNEL_BIND_SUCCESS, &[integrity]),
            Self::Check => {
                let priority = (0x0024, &[0x6e, 0, 1, 0xff][..]);
                put(
                    BINDING,
                    &[user, priority, (0x802a, &digest[..8]), integrity],
                );
            }
            Self::Answer => put(BINDING_SUCCESS, &[mapped, integrity]),
        }
    }
}

/// Sender reports of one direction.
#[derive(Debug)]
pub(crate) struct Rtcp {
    pub(crate) path: usize,
    /// What is sent, and what comes back.
    pub(crate) streams: [usize; 2],
    pub(crate) channel: Option<u16>,
    pub(crate) end: u64,
}

impl Rtcp {
    /// Sends a report; gives when to come back.
    pub(crate) fn step<W: Write>(
        &mut self,
        now: u64,
        world: &mut World<W>,
    ) -> io::Result<Option<u64>> {
        if now >= self.end {
            return Ok(None);
        }
        let [ours, theirs] = self.streams.map(|stream| &world.truth.streams[stream]);
        let us = EPOCH_US + now / 1000;
        let fraction = ((us % 1_000_000) << 32) / 1_000_000;
        let report = SenderReport {
            ssrc: ours.ssrc,
            ntp: (us / 1_000_000 + NTP_TO_UNIX) << 32 | fraction,
            timestamp: ours.timestamp,
            packets: low(ours.packets),
            octets: low(ours.octets),
            reported: Reported {
                ssrc: theirs.ssrc,
                lost: low(theirs.lost()),
                highest: low(theirs.span.map_or(0, |(_, high)| high)),
                jitter: 20 + ours.ssrc % 100,
            },
        };
        let channel = self.channel;
        if channel.is_some() {
            world.truth.relayed += 1;
        }
        world.datagram(now, self.path, Content::Rtcp, |out, _| {
            if let Some(channel) = channel {
                message::channel_data(out, channel, 76);
            }
            report.write(out);
        })?;
        Ok(Some(now + 2 * SECOND + world.random.below(SECOND)))
    }
}

/// A question and its answer.
#[derive(Debug)]
pub(crate) struct Dns {
    pub(crate) paths: [usize; 2],
    pub(crate) step: usize,
    pub(crate) id: u16,
}

impl Dns {
    /// Sends the next message; gives when to come back.
    pub(crate) fn step<W: Write>(
        &mut self,
        now: u64,
        world: &mut World<W>,
    ) -> io::Result<Option<u64>> {
        let (step, id) = (self.step, self.id);
        world.datagram(now, self.paths[step], Content::Dns, |out, _| {
            message::dns(out, id, id % 4000, step == 1)
        })?;
        self.step += 1;
        Ok((step == 0).then_some(now + 3_000_000 + world.random.below(20_000_000)))
    }
}

const fn low(value: u64) -> u32 {
    let bytes = value.to_be_bytes();
    u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]])
}
