//! Calls while packets arrive: one book for each partition, whose size is bounded whatever signalling comes.

use std::collections::{BTreeMap, BTreeSet};
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
    /// Records of which no call is known here: it may be in the flows of another partition.
    strays: BTreeSet<u64>,
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
    /// The packet of the first INVITE or announcement, which says who calls whom; [`u64::MAX`] while there is none.
    named: u64,
    /// The packet of the answer in `call.status`.
    answered: u64,
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
            None => self.begin(id, at),
        };
        let Some(record) = self.records.get_mut(&serial) else {
            return;
        };
        let before = record.bytes;
        if !record.is_call() && (is_invite(&message) || !said.is_empty()) {
            record.name(&message, at);
            self.strays.remove(&serial);
        }
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

    /// What is known by `Call-ID`, in order of beginning, calls or not, and how many calls made room.
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

    fn begin(&mut self, id: &str, at: Moment) -> u64 {
        let call = Call {
            id: id.to_owned(),
            from: String::new(),
            to: String::new(),
            frame: at.frame,
            first: at.time,
            last: at.time,
            messages: 0,
            status: None,
            ended: false,
            media: Vec::new(),
        };
        let record = Record {
            call,
            said: Vec::new(),
            named: u64::MAX,
            answered: 0,
            bytes: RECORD + 2 * id.len(),
        };
        let serial = self.next;
        self.next += 1;
        self.bytes += record.bytes;
        self.by_id.insert(id.to_owned(), serial);
        self.strays.insert(serial);
        self.records.insert(serial, record);
        serial
    }

    /// What is no call goes, the oldest first, when there is much of it; then the oldest calls.
    fn make_room(&mut self) {
        while self.strays.len() > MOST_STRAYS
            && let Some(oldest) = self.strays.pop_first()
        {
            self.forget(oldest);
        }
        while self.bytes > MOST_BYTES && self.records.len() > 1 {
            if let Some(oldest) = self.strays.pop_first() {
                self.forget(oldest);
            } else if let Some((&oldest, _)) = self.records.first_key_value() {
                self.forget(oldest);
                self.evicted += 1;
            }
        }
    }

    fn forget(&mut self, serial: u64) {
        if let Some(gone) = self.records.remove(&serial) {
            self.by_id.remove(&gone.call.id);
            self.bytes -= gone.bytes;
        }
    }
}

impl Record {
    /// Whether there was an INVITE or an announcement, rather than a registration and the like.
    pub(super) const fn is_call(&self) -> bool {
        self.named != u64::MAX
    }

    /// Says who calls whom.
    fn name(&mut self, message: &Message<'_>, at: Moment) {
        let text = |uri: Option<&str>| uri.map_or_else(String::new, |uri| cut(uri).to_owned());
        let call = &mut self.call;
        (call.from, call.to, self.named) = (text(message.from()), text(message.to()), at.frame);
        self.bytes += call.from.len() + call.to.len();
    }

    fn note(&mut self, message: &Message<'_>, at: Moment) {
        let call = &mut self.call;
        call.messages += 1;
        call.last = call.last.max(at.time);
        match message.start() {
            StartLine::Request { method, .. } => call.ended |= matches!(method, "BYE" | "CANCEL"),
            StartLine::Status { code } if code >= 200 && message.method() == Some("INVITE") => {
                (call.status, self.answered) = (Some(code), at.frame);
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

    /// Adds what another book has of the same call, so that it does not matter which has what.
    pub(super) fn merge(&mut self, other: Self) {
        let (call, more) = (&mut self.call, other.call);
        call.messages += more.messages;
        call.frame = call.frame.min(more.frame);
        call.first = call.first.min(more.first);
        call.last = call.last.max(more.last);
        call.ended |= more.ended;
        if other.named < self.named {
            (call.from, call.to, self.named) = (more.from, more.to, other.named);
        }
        if other.answered > self.answered {
            (call.status, self.answered) = (more.status, other.answered);
        }
        let mut said = std::mem::take(&mut self.said);
        said.extend(other.said);
        said.sort_by_key(|said| said.frame);
        self.say(said);
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

/// So many records of one book may be of no call: registrations, subscriptions, and calls of other partitions.
const MOST_STRAYS: usize = 2048;
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
