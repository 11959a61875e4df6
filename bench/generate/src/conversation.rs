//! TCP conversations: bulk, shared screens, TLS.

use std::io::{self, Write};

use crate::world::World;

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const PUSH: u8 = 0x18;
const FIN: u8 = 0x11;
const SEGMENT: usize = 1460;
const HANDSHAKE: u8 = 22;
const DATA: u8 = 23;
/// Segments sent in one go.
const WINDOW: u32 = 10;

/// A connection under way.
#[derive(Debug)]
pub(crate) struct Conversation {
    /// From the client, and from the server.
    paths: [usize; 2],
    end: u64,
    style: Style,
    step: u32,
    next: [u32; 2],
}

/// What it is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Style {
    /// The client sends windows of data for as long as it lives.
    Upload {
        /// Nanoseconds between windows.
        pause: u64,
    },
    /// A handshake, some requests and answers, an end.
    Tls {
        /// Requests.
        requests: u32,
    },
}

/// One segment to send.
#[derive(Debug, Clone, Copy)]
struct Turn {
    side: usize,
    flags: u8,
    record: u8,
    len: usize,
    /// Nanoseconds until the next one.
    wait: u64,
}

impl Conversation {
    pub(crate) fn new<W: Write>(
        world: &mut World<W>,
        paths: [usize; 2],
        end: u64,
        style: Style,
    ) -> Self {
        let next = [world.random.word(), world.random.word()];
        Self {
            paths,
            end,
            style,
            step: 0,
            next,
        }
    }

    /// Sends the next segment; gives when to come back.
    pub(crate) fn step<W: Write>(
        &mut self,
        now: u64,
        world: &mut World<W>,
    ) -> io::Result<Option<u64>> {
        let Some(turn) = self.turn(now, world) else {
            return Ok(None);
        };
        self.step += 1;
        let (ours, theirs) = (self.next[turn.side], self.next[1 - turn.side]);
        let acknowledgement = if turn.flags & ACK == 0 { 0 } else { theirs };
        let sent = (turn.record, turn.len);
        world.segment(
            now,
            self.paths[turn.side],
            (ours, acknowledgement),
            turn.flags,
            sent,
        )?;
        let used =
            u32::try_from(turn.len).expect("a segment is short") + u32::from(turn.flags & 3 != 0);
        self.next[turn.side] = ours.wrapping_add(used);
        Ok((turn.wait > 0).then_some(now + turn.wait))
    }

    fn turn<W: Write>(&self, now: u64, world: &mut World<W>) -> Option<Turn> {
        let opening = [(0, SYN), (1, SYN | ACK), (0, ACK)];
        if let Some((side, flags)) = usize::try_from(self.step)
            .ok()
            .and_then(|step| opening.get(step))
        {
            return Some(Turn {
                side: *side,
                flags: *flags,
                record: 0,
                len: 0,
                wait: 8_000_000,
            });
        }
        let step = self.step - 3;
        match self.style {
            Style::Upload { pause } => upload(step, pause, now < self.end),
            Style::Tls { requests } => {
                let len =
                    usize::try_from(world.random.between(90, 1400)).expect("a segment is short");
                tls(step, requests, len)
            }
        }
    }
}

/// A window of data, an acknowledgement after each second segment, a pause.
fn upload(step: u32, pause: u64, goes_on: bool) -> Option<Turn> {
    let at = step % (WINDOW + WINDOW / 2);
    if at == 0 && !goes_on {
        return None;
    }
    let is_last = at + 1 == WINDOW + WINDOW / 2;
    let wait = if is_last { pause } else { 40_000 };
    Some(match at % 3 {
        2 => Turn {
            side: 1,
            flags: ACK,
            record: 0,
            len: 0,
            wait,
        },
        _ => Turn {
            side: 0,
            flags: PUSH,
            record: DATA,
            len: SEGMENT,
            wait,
        },
    })
}

fn tls(step: u32, requests: u32, len: usize) -> Option<Turn> {
    let wait = 12_000_000;
    let data = |side, record, len| Turn {
        side,
        flags: PUSH,
        record,
        len,
        wait,
    };
    let last = 4 + 3 * requests;
    Some(match step {
        0 => data(0, HANDSHAKE, 517),
        1 => data(1, HANDSHAKE, SEGMENT),
        2 => data(1, HANDSHAKE, 900),
        3 => data(0, HANDSHAKE, 126),
        _ if step < last => match (step - 4) % 3 {
            0 => data(0, DATA, len),
            1 => data(1, DATA, SEGMENT),
            _ => data(1, DATA, len),
        },
        _ if step == last => Turn {
            side: 0,
            flags: FIN,
            record: 0,
            len: 0,
            wait,
        },
        _ if step == last + 1 => Turn {
            side: 1,
            flags: FIN,
            record: 0,
            len: 0,
            wait,
        },
        _ if step == last + 2 => Turn {
            side: 0,
            flags: ACK,
            record: 0,
            len: 0,
            wait: 0,
        },
        _ => return None,
    })
}
