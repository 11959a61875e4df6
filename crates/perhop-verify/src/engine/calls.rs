//! Calls while packets arrive: one book for each partition, whose size is bounded whatever signalling comes.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use perhop_wire::media::sip::{Message, StartLine};

use super::hash::Key;
use super::sdp;
use super::times::NO_TIME;
use crate::call::Call;
use crate::stream::Announced;

/// The calls whose signalling travels in the flows of one partition.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// By order of beginning.
    records: BTreeMap<u64, Record>,
    by_id: BTreeMap<String, u64>,
    next: u64,
    /// What the records take, roughly.
    bytes: usize,
    pub(super) evicted: u64,
    /// Messages over TCP of which a part is still to come.
    begun: BTreeMap<Connection, Begun>,
}

/// A flow, by key and hash.
pub(super) type Connection = (Key, u32);

/// Where and when a packet is in the capture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) frame: u64,
    pub(super) time: i64,
}

/// What is known of a call.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) call: Call,
    /// What its messages announced, in order.
    pub(super) said: Vec<Said>,
    bytes: usize,
}

/// An announcement, when it was made.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) frame: u64,
    /// Nanoseconds since 1970; 0 when unknown.
    pub(super) time: i64,
    pub(super) endpoint: SocketAddr,
    pub(super) announced: Announced,
}

#[derive(Debug)]
struct Begun {
    bytes: Vec<u8>,
    /// TCP sequence number of what is to come.
    next: u32,
    frame: u64,
}

impl Book {
    /// Takes a message that is a whole datagram.
    pub(super) fn datagram(&mut self, at: Moment, bytes: &[u8]) {
        let Some(message) = Message::read(bytes) else {
            return;
        };
        let time = if at.time == NO_TIME { 0 } else { at.time };
        let at = Moment { time, ..at };
        let said = said(at, message.body());
        let Some(id) = message.call_id().map(cut) else {
            return;
        };
        let serial = match self.by_id.get(id) {
            Some(serial) => *serial,
            None if said.is_empty() && !is_invite(&message) => return,
            None => self.begin(id, &message, at),
        };
        let Some(record) = self.records.get_mut(&serial) else {
            return;
        };
        let before = record.bytes;
        record.note(&message, at);
        record.say(said);
        self.bytes = self.bytes - before + record.bytes;
        self.make_room();
    }

    /// Whether the rest of a message is to come on a connection.
    #[inline]
    pub(super) fn waits_for(&self, connection: &Connection) -> bool {
        !self.begun.is_empty() && self.begun.contains_key(connection)
    }

    /// Takes a segment that begins or goes on with a message: its TCP sequence number, what was captured of it, its length
    /// on the wire.
    pub(super) fn segment(
        &mut self,
        connection: Connection,
        at: Moment,
        sequence: u32,
        bytes: &[u8],
        wire_len: u32,
    ) {
        let mut all = match self.begun.remove(&connection) {
            Some(begun) if begun.next == sequence => begun.bytes,
            Some(begun) if begun.next.wrapping_sub(sequence).cast_signed() > 0 => {
                // The segment came again.
                self.begun.insert(connection, begun);
                return;
            }
            Some(begun) => {
                self.datagram(at, &begun.bytes);
                Vec::new()
            }
            None => Vec::new(),
        };
        all.extend_from_slice(bytes);
        let mut rest = &all[..];
        loop {
            while let [b'\r' | b'\n', after @ ..] = rest {
                rest = after;
            }
            let Some(message) = Message::read(rest) else {
                if rest.is_empty() || rest.contains(&b'\n') {
                    return;
                }
                // Perhaps the first bytes of a start line.
                break;
            };
            match message.stream_len() {
                Some(len) if len <= rest.len() => {
                    self.datagram(at, &rest[..len]);
                    rest = &rest[len..];
                }
                _ => break,
            }
        }
        let cut = bytes.len() < wire_len as usize;
        if cut || rest.len() > LONGEST_MESSAGE {
            return self.datagram(at, rest);
        }
        let begun = Begun {
            bytes: rest.to_vec(),
            next: sequence.wrapping_add(wire_len),
            frame: at.frame,
        };
        self.begun.insert(connection, begun);
        if self.begun.len() > MOST_BEGUN {
            let oldest = self.begun.iter().min_by_key(|(_, begun)| begun.frame);
            if let Some(oldest) = oldest.map(|(connection, _)| *connection)
                && let Some(begun) = self.begun.remove(&oldest)
            {
                self.datagram(at, &begun.bytes);
            }
        }
    }

    /// The calls, in order of beginning, and how many made room.
    pub(super) fn finish(mut self) -> (impl Iterator<Item = Record>, u64) {
        let begun = std::mem::take(&mut self.begun);
        for left in begun.into_values() {
            let at = Moment {
                frame: left.frame,
                time: NO_TIME,
            };
            self.datagram(at, &left.bytes);
        }
        (self.records.into_values(), self.evicted)
    }

    fn begin(&mut self, id: &str, message: &Message<'_>, at: Moment) -> u64 {
        let text = |uri: Option<&str>| uri.map_or_else(String::new, |uri| cut(uri).to_owned());
        let call = Call {
            id: id.to_owned(),
            from: text(message.from()),
            to: text(message.to()),
            frame: at.frame,
            first: at.time,
            last: at.time,
            messages: 0,
            status: None,
            ended: false,
            media: Vec::new(),
        };
        let bytes = RECORD + 2 * id.len() + call.from.len() + call.to.len();
        let serial = self.next;
        self.next += 1;
        self.bytes += bytes;
        self.by_id.insert(id.to_owned(), serial);
        let said = Vec::new();
        self.records.insert(serial, Record { call, said, bytes });
        serial
    }

    /// The oldest calls go.
    fn make_room(&mut self) {
        while self.bytes > MOST_BYTES && self.records.len() > 1 {
            let Some((_, gone)) = self.records.pop_first() else {
                return;
            };
            self.by_id.remove(&gone.call.id);
            self.bytes -= gone.bytes;
            self.evicted += 1;
        }
    }
}

impl Record {
    fn note(&mut self, message: &Message<'_>, at: Moment) {
        let call = &mut self.call;
        call.messages += 1;
        call.last = call.last.max(at.time);
        match message.start() {
            StartLine::Request { method, .. } => call.ended |= matches!(method, "BYE" | "CANCEL"),
            StartLine::Status { code } if code >= 200 && message.method() == Some("INVITE") => {
                call.status = Some(code);
            }
            StartLine::Status { .. } => {}
        }
    }

    fn say(&mut self, said: Vec<Said>) {
        for one in said {
            let known = self
                .said
                .iter()
                .rev()
                .find(|old| old.endpoint == one.endpoint);
            if known.is_some_and(|old| old.announced == one.announced) {
                continue;
            }
            if self.said.len() >= Call::MOST_MEDIA {
                let gone = self.said.remove(0);
                self.bytes -= gone.bytes();
            }
            self.bytes += one.bytes();
            self.said.push(one);
        }
    }

    /// Puts what another book has of the same call behind this.
    pub(super) fn merge(&mut self, other: Self) {
        let (call, more) = (&mut self.call, other.call);
        call.messages += more.messages;
        call.first = call.first.min(more.first);
        if more.last >= call.last {
            call.status = more.status.or(call.status);
        }
        call.last = call.last.max(more.last);
        call.ended |= more.ended;
        self.said.extend(other.said);
        self.said.sort_by_key(|said| said.frame);
    }
}

impl Said {
    fn bytes(&self) -> usize {
        let types = &self.announced.types;
        let names: usize = types.iter().map(|(_, name, _)| name.len()).sum();
        SAID + types.len() * TYPE + names
    }
}

fn said(at: Moment, body: &[u8]) -> Vec<Said> {
    let found = sdp::announcements(body).into_iter();
    found
        .map(|(endpoint, announced)| Said {
            frame: at.frame,
            time: at.time,
            endpoint,
            announced,
        })
        .collect()
}

fn is_invite(message: &Message<'_>) -> bool {
    matches!(
        message.start(),
        StartLine::Request {
            method: "INVITE",
            ..
        }
    )
}

/// At most [`Call::LONGEST`] bytes of a text.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(Call::LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// What the records of one book may take.
const MOST_BYTES: usize = 4 << 20;
/// What a record takes beside its texts, a little more than less.
const RECORD: usize = 400;
/// What an announcement takes beside its types.
const SAID: usize = 120;
/// What a payload type takes beside its name.
const TYPE: usize = 48;
/// So many connections of one book may be within a message.
const MOST_BEGUN: usize = 64;
/// A longer message is read as far as it came.
const LONGEST_MESSAGE: usize = 16_384;

#[cfg(test)]
mod tests;
