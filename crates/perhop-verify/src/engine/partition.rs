//! One part of the flow table, and what a packet does to its flow.

use std::hint::black_box;

use super::calls::{Book, Moment};
use super::course::Course;
use super::evict::Kept;
use super::extra::Extra;
use super::facts::{Batch, Facts, Kind, Like, NO_TAG, Rare};
use super::lane::MediaPorts;
use super::rtcp::Outcome;
use super::table::{FlowHot, MOST_FLOWS, NO_SLOT, Recognition, Slot, Table, dscp_of};
use super::times::NO_TIME;
use super::{hash, signs};
use crate::flow::{DscpChange, Flow};
use crate::stream::arena::NONE;
use crate::stream::arrival::Arrival;

/// One part of the flow table.
#[derive(Debug)]
pub(super) struct Partition {
    pub(super) table: Table,
    /// Most flows.
    pub(super) most: usize,
    pub(super) kept: Kept,
    /// Packets without a time.
    pub(super) untimed: u64,
    /// What flows did over time, when that is asked for.
    pub(super) course: Option<Course>,
}

/// Where a packet stands: its batch, and how many packets the capture has before the block.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    batch: &'a Batch,
    frames_before: u64,
}

impl Place<'_> {
    /// Number of a packet in the capture, from 1.
    fn frame(self, facts: &Facts) -> u64 {
        self.frames_before + u64::from(facts.frame) + 1
    }

    fn moment(self, facts: &Facts) -> Moment {
        Moment {
            frame: self.frame(facts),
            time: facts.time,
        }
    }
}

impl Partition {
    pub(super) fn new(most: usize, course: Option<Course>) -> Self {
        Self {
            table: Table::new(),
            most: most.clamp(1, MOST_FLOWS),
            kept: Kept::default(),
            untimed: 0,
            course,
        }
    }

    /// Takes the packets of a batch.
    pub(super) fn apply(
        &mut self,
        batch: &Batch,
        frames_before: u64,
        ports: &MediaPorts,
        book: &mut Book,
    ) {
        if self.course.is_some() {
            self.take::<true>(batch, frames_before, ports, book);
        } else {
            self.take::<false>(batch, frames_before, ports, book);
        }
    }

    /// The same, over time or not.
    fn take<const OVER_TIME: bool>(
        &mut self,
        batch: &Batch,
        frames_before: u64,
        ports: &MediaPorts,
        book: &mut Book,
    ) {
        let place = Place {
            batch,
            frames_before,
        };
        for chunk in batch.facts.chunks(CHUNK) {
            let mut slots = self.near(chunk);
            for (at, facts) in chunk.iter().enumerate() {
                let slot = slots[at];
                let known =
                    slot != NO_SLOT && self.table.has_addresses(slot, batch.addresses_of(facts));
                if OVER_TIME && known {
                    self.turn(slot, facts);
                }
                if known && self.table.usual_packet(slot, facts) {
                    continue;
                }
                let evicted = self.kept.evicted.flows;
                let slot = if known {
                    slot
                } else {
                    self.find_or_insert(facts, batch, ports)
                };
                if self.kept.evicted.flows != evicted {
                    slots = [NO_SLOT; CHUNK];
                }
                if OVER_TIME && !known {
                    self.turn(slot, facts);
                }
                self.packet(slot, facts, place, book);
            }
        }
    }

    /// Notes how far a flow has come, when a packet is in another bin than the one before.
    #[inline(always)]
    fn turn(&mut self, slot: Slot, facts: &Facts) {
        let (course, time) = (self.course.as_mut(), facts.time);
        if let Some(course) = course.filter(|course| !course.stays(slot, time)) {
            course.turn(&self.table, slot, time);
        }
    }

    /// The flows that packets seem to belong to; and what they will touch is read, in loops without branches, so that the
    /// waits for memory overlap.
    #[inline(always)]
    fn near(&self, chunk: &[Facts]) -> [Slot; CHUNK] {
        let (table, mut touched) = (&self.table, 0);
        let mut slots = [NO_SLOT; CHUNK];
        let (mut missed, mut misses) = ([0u8; CHUNK], 0);
        for (at, (slot, facts)) in slots.iter_mut().zip(chunk).enumerate() {
            *slot = table.guess(facts.hash);
            missed[misses % CHUNK] = at as u8;
            misses += usize::from(*slot == NO_SLOT);
        }
        for at in &missed[..misses] {
            let at = usize::from(*at);
            slots[at] = table.guess_on(chunk[at].hash);
        }
        let mut streams = [(NONE, 0); CHUNK];
        for ((slot, stream), facts) in slots.iter_mut().zip(&mut streams).zip(chunk) {
            (*slot, *stream) = table.check(*slot, facts.key());
        }
        for (stream, addresses) in &streams[..chunk.len()] {
            touched ^= table.streams.touch(*stream) ^ table.touch_addresses(*addresses);
        }
        black_box(touched);
        slots
    }

    /// The flow of a packet, made if it is new.
    #[inline(never)]
    fn find_or_insert(&mut self, facts: &Facts, batch: &Batch, ports: &MediaPorts) -> Slot {
        let ends = batch.addresses_of(facts);
        if let Some(slot) = self.table.find(facts.hash, facts.key(), ends) {
            return slot;
        }
        if self.table.len() >= self.most {
            self.evict();
        }
        let (_, src_port, dst_port) = hash::parts(facts.key());
        let recognition = if never_media(src_port, dst_port) {
            Recognition::Refused
        } else if ports.contains(src_port) || ports.contains(dst_port) {
            Recognition::Expected
        } else {
            Recognition::Open
        };
        self.table.insert(facts, ends, recognition)
    }

    /// Counts a packet to its flow, any packet.
    #[inline(never)]
    fn packet(&mut self, slot: Slot, facts: &Facts, place: Place<'_>, book: &mut Book) {
        let hot = &mut self.table.hot[slot as usize];
        let alike = hot.is_alike(facts) && hot.key == facts.key();
        let over = if alike {
            hot.count(facts)
        } else {
            let rare = place.batch.rare_of(facts);
            hot.last = hot.last.max(facts.time);
            hot.add_bytes(rare.map_or(u32::from(facts.head.ip_len()), |rare| rare.ip_len))
        };
        self.table.cold[slot as usize].byte_runs += u32::from(over);
        if !alike {
            self.odd_packet(slot, facts, place, book);
        }
        if facts.like.is_rtp_like() {
            if facts.time == NO_TIME {
                return self.table.untimed_rtp(slot, facts.arrival());
            }
            self.table.rtp(slot, &facts.arrival());
        }
    }

    /// What is not like the packet before it.
    #[inline(never)]
    fn odd_packet(&mut self, slot: Slot, facts: &Facts, place: Place<'_>, book: &mut Book) {
        let hot = &mut self.table.hot[slot as usize];
        if facts.time == NO_TIME {
            self.untimed += 1;
        } else {
            hot.first = hot.first.min(facts.time);
        }
        let mut like = facts.like.plain();
        let ttl = hash::ttl(facts.key());
        hot.key = facts.key();
        hot.ttl = (hot.ttl.0.min(ttl), hot.ttl.1.max(ttl));
        hot.signs = signs::add_form(hot.signs, like.form());
        if hot.run > 0 && hot.like.tag() != like.tag() {
            self.change_tag(slot, like.tag());
        }
        if like.ds() & 3 == 3 {
            self.table.extra_mut(slot).ce += 1;
        }
        self.table.expect(slot);
        if let Some(rare) = place.batch.rare_of(facts)
            && self.take_rare(slot, facts, rare, place, book)
        {
            like = like.with_kind(Kind::RtpLike);
        }
        self.count(slot, facts, place, like);
    }

    /// Counts a packet to its kind and DSCP.
    fn count(&mut self, slot: Slot, facts: &Facts, place: Place<'_>, like: Like) {
        let hot = &mut self.table.hot[slot as usize];
        let (before, run) = (hot.like, hot.run);
        hot.like = like;
        if before.cell() == like.cell() && run < u32::MAX {
            hot.run += 1;
            return;
        }
        hot.run = 1;
        if run == 0 {
            return;
        }
        let latest = hot.last.max(0);
        self.table.add_cell(slot, before.cell(), u64::from(run));
        let (from, to) = (dscp_of(before.cell()), dscp_of(like.cell()));
        if from == to {
            return;
        }
        let packet = self.table.cells(slot).map(|(_, packets)| packets).sum();
        let extra = self.table.extra_mut(slot);
        extra.change_count += 1;
        if extra.change_count as usize > Flow::CHANGES_KEPT {
            return;
        }
        let time = facts.time;
        extra.changes.push(DscpChange {
            packet,
            frame: place.frame(facts),
            time: if time == NO_TIME { latest } else { time },
            from,
            to,
        });
    }

    #[inline(never)]
    fn change_tag(&mut self, slot: Slot, tag: u16) {
        let before = self.table.hot[slot as usize].like.tag();
        let extra = self.table.extra_mut(slot);
        extra.note_tag(before);
        extra.note_tag(tag);
        let id = |tag: u16| if tag == NO_TAG { NO_TAG } else { tag & 0x0fff };
        extra.several_vlans |= id(before) != id(tag);
    }

    /// Takes what few packets have. True when they are RTP in a TCP stream.
    #[inline(never)]
    fn take_rare(
        &mut self,
        slot: Slot,
        facts: &Facts,
        rare: &Rare,
        place: Place<'_>,
        book: &mut Book,
    ) -> bool {
        self.table.hot[slot as usize].signs |= rare.signs;
        if rare.outer.is_some() || rare.wifi_priority.is_some() {
            self.table.extra_mut(slot).note_link(rare);
        }
        let bytes = place.batch.bytes_of(rare);
        if bytes.is_empty() {
            return false;
        }
        if facts.like.form().kind() == Kind::Rtcp as u8 {
            let time = facts.time;
            self.table.rtcp(slot, bytes, rare.wire_len, time);
        } else if let Some((sequence, _)) = rare.tcp {
            let connection = (hash::with_ttl(facts.key(), 0), facts.hash);
            if rare.signs & signs::SIP != 0 || book.waits_for(&connection) {
                let at = place.moment(facts);
                book.segment(connection, at, sequence, bytes, rare.wire_len);
            } else {
                return self.table.segment(slot, sequence, bytes, facts, rare);
            }
        } else if rare.signs & signs::SIP != 0 {
            book.datagram(place.moment(facts), bytes);
        }
        false
    }
}

impl Table {
    /// Takes RTCP on a flow.
    fn rtcp(&mut self, slot: Slot, bytes: &[u8], wire_len: u32, time: i64) {
        let Outcome { answers, byes } = self.rtcp_mut(slot).take(bytes, wire_len, time);
        for source in byes {
            self.bye(slot, source, time);
        }
        if answers.is_empty() {
            return;
        }
        let Some(reverse) = self.reverse_of(slot) else {
            return;
        };
        for (at, middle_ntp, delay) in answers {
            let passed = self
                .rtcp_of(reverse)
                .and_then(|state| state.passed(middle_ntp));
            if let Some(passed) = passed {
                self.rtcp_mut(slot).answered(at, passed, time, delay);
            }
        }
    }

    /// Takes a packet that has no time: as if it came with the one before, and the stream is marked.
    #[inline(never)]
    fn untimed_rtp(&mut self, slot: Slot, mut arrival: Arrival) {
        let before = self
            .streams_of(slot)
            .find(|id| self.streams.ssrc(*id) == arrival.ssrc)
            .map(|id| self.streams.last_arrival(id));
        arrival.time = before.unwrap_or(self.hot[slot as usize].last.max(0));
        self.rtp(slot, &arrival);
        let stream = self.hot[slot as usize].stream;
        if stream != NONE {
            self.streams.set_untimed(stream);
        }
    }

    /// Takes a TCP segment that may hold frames of RFC 4571; true when it lies among them.
    fn segment(
        &mut self,
        slot: Slot,
        sequence: u32,
        bytes: &[u8],
        facts: &Facts,
        rare: &Rare,
    ) -> bool {
        if self.hot[slot as usize].recognition == Recognition::Refused {
            return false;
        }
        let extra = self.extra_mut(slot);
        if extra.is_unframed {
            return false;
        }
        let mut framing = extra.framing.take().unwrap_or_default();
        let among = framing.take(sequence, bytes, rare.wire_len, |rtp| {
            let arrival = Arrival {
                time: facts.time,
                ssrc: rtp.ssrc,
                timestamp: rtp.timestamp,
                sequence: rtp.sequence,
                mark_and_type: rtp.mark_and_type,
                payload_len: rtp.payload_len,
                ip_id: 0,
            };
            self.rtp(slot, &arrival);
            let stream = self.hot[slot as usize].stream;
            if stream != NONE {
                self.streams.set_over_tcp(stream);
            }
        });
        if framing.saw_stun() {
            self.hot[slot as usize].signs |= signs::STUN;
            self.expect(slot);
        }
        let extra = self.extra_mut(slot);
        extra.is_unframed = framing.is_dead();
        if !extra.is_unframed {
            extra.framing = Some(framing);
        }
        among
    }

    /// Counts a packet like the one before it on its flow, time to live and all, of a recognised stream or of none: most
    /// packets, with one line of the flow and one of the stream. False for all others, and then nothing was done;
    /// [`Partition::packet`] does the same for these packets too.
    #[inline(always)]
    fn usual_packet(&mut self, slot: Slot, facts: &Facts) -> bool {
        let hot = &mut self.hot[slot as usize];
        if !hot.is_alike(facts) {
            return false;
        }
        if facts.like.is_rtp_like() && hot.recognition != Recognition::Refused {
            let media = hot.recognition == Recognition::Media;
            if !media || !self.streams.take_usual(hot.stream, &facts.arrival()) {
                return false;
            }
        }
        if hot.count(facts) {
            self.cold[slot as usize].byte_runs += 1;
        }
        true
    }
}

impl FlowHot {
    /// Whether a packet is like the one before it and no earlier, and there is nothing to be done for it but to count it.
    #[inline(always)]
    fn is_alike(&self, facts: &Facts) -> bool {
        // No time is less than that of no packet, and no packet without a time is alike.
        let later = self.last.wrapping_sub(1) < facts.time;
        self.like == facts.like && later && self.run < u32::MAX
    }

    /// Counts a packet that is alike. True when the bytes ran over.
    #[inline(always)]
    fn count(&mut self, facts: &Facts) -> bool {
        self.run += 1;
        self.last = facts.time;
        self.add_bytes(u32::from(facts.head.ip_len()))
    }

    /// Adds bytes; true when they ran over.
    #[inline(always)]
    const fn add_bytes(&mut self, more: u32) -> bool {
        let (bytes, over) = self.bytes.overflowing_add(more);
        self.bytes = bytes;
        over
    }
}

impl Extra {
    fn note_tag(&mut self, tag: u16) {
        if tag != NO_TAG {
            self.vlan.get_or_insert(tag & 0x0fff);
            self.pcps |= 1 << (tag >> 13);
        }
    }

    fn note_link(&mut self, rare: &Rare) {
        if let Some(outer) = rare.outer {
            self.outer.add(outer.ds.dscp(), 1);
            self.tunnel = Some(outer.tunnel);
        }
        if let Some(priority) = rare.wifi_priority {
            self.wifi_priorities |= 1 << (priority & 7);
        }
    }
}

/// Ports on which nothing is called RTP without a hint: DNS, NTP, mDNS, LLMNR, SSDP, and all registered low ports but 443.
const fn never_media(src: u16, dst: u16) -> bool {
    const fn never(port: u16) -> bool {
        matches!(port, 5353 | 5355 | 1900) || port < 1024 && port != 443
    }
    never(src) || never(dst)
}

/// Packets whose memory is asked for together.
const CHUNK: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Config;
    use crate::engine::facts::{Form, Head};
    use perhop_wire::packet::Direction;

    /// No capture of a test is so large.
    #[test]
    fn bytes_run_over_and_are_not_lost() {
        let form = Form::new(Kind::Other, Direction::Unknown, 0);
        let like = Like::new(form, 0, NO_TAG).with_rare(1);
        let facts = |second| Facts {
            time: second,
            like,
            hash: 3,
            frame: 0,
            head: Head::new([1, 2], 9, 0, &Arrival::bare(second, 0)),
        };
        let long = Rare {
            ip_len: u32::MAX,
            outer: None,
            wifi_priority: None,
            signs: 0,
            bytes: 0..0,
            wire_len: 0,
            tcp: None,
        };
        let batch = Batch {
            facts: [5, 6, 4, 7].map(facts).to_vec(),
            rare: vec![long],
            ..Batch::default()
        };
        let mut lane = Config::default().lanes(1).remove(0);
        let (partition, book) = (&mut lane.partitions[0], &mut lane.books[0]);
        partition.apply(&batch, 0, &MediaPorts::default(), book);
        let table = &partition.table;
        assert_eq!(table.len(), 1);
        assert_eq!(table.bytes(0), 4 * u64::from(u32::MAX));
        assert_eq!((table.hot[0].first, table.hot[0].last), (4, 7));
    }
}
