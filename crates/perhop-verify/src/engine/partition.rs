//! One part of the flow table, and what a packet does to its flow.

use std::hint::black_box;

use perhop_wire::packet::Addresses;

use super::calls::{Book, Moment};
use super::evict::Kept;
use super::extra::{Extra, add_cell, cells};
use super::facts::{Batch, Facts, Kind, Like, NO_TAG, Rare};
use super::lane::MediaPorts;
use super::rtcp::Outcome;
use super::table::{MOST_FLOWS, NO_SLOT, Recognition, Slot, Table, dscp_of};
use super::times::NO_TIME;
use super::{hash, signs};
use crate::flow::{DscpChange, Flow};
use crate::stream::arena::{NONE, StreamId};
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
}

/// Where a packet stands: its batch, and how many packets the capture has before the block.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    batch: &'a Batch,
    frames_before: u64,
}

impl<'a> Place<'a> {
    /// The IPv6 addresses of a packet; `None` for IPv4.
    #[inline]
    fn addresses(self, facts: &Facts) -> Option<&'a Addresses> {
        if !hash::is_v6(facts.key) {
            return None;
        }
        self.batch.rare_of(facts).map(|rare| &rare.addresses)
    }

    /// Number of a packet in the capture, from 1.
    fn frame(self, facts: &Facts) -> u64 {
        self.frames_before + u64::from(facts.frame) + 1
    }

    fn moment(self, facts: &Facts) -> Moment {
        Moment {
            frame: self.frame(facts),
            time: facts.arrival.time,
        }
    }
}

impl Partition {
    pub(super) fn new(most: usize) -> Self {
        Self {
            table: Table::new(),
            most: most.clamp(1, MOST_FLOWS),
            kept: Kept::default(),
            untimed: 0,
        }
    }

    /// Takes the packets of a batch. The memory of a chunk's flows and streams is asked for before it is used, so that the
    /// waits overlap.
    pub(super) fn apply(
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
            let mut slots = [NO_SLOT; CHUNK];
            let mut streams = [NONE; CHUNK];
            for (slot, facts) in slots.iter_mut().zip(chunk) {
                *slot = self.table.first_entry(facts.hash);
            }
            for (slot, facts) in slots.iter_mut().zip(chunk) {
                *slot = self.table.guess(*slot, facts.hash);
            }
            for ((slot, stream), facts) in slots.iter_mut().zip(&mut streams).zip(chunk) {
                (*slot, *stream) = self.table.check(*slot, facts.key);
            }
            for stream in &streams[..chunk.len()] {
                black_box(self.table.streams.touch(*stream));
            }
            for stream in &streams[..chunk.len()] {
                black_box(self.table.streams.touch_timing(*stream));
            }
            let evicted = self.kept.evicted.flows;
            for (slot, facts) in slots.iter().zip(chunk) {
                let mut slot = *slot;
                let sure = slot != NO_SLOT
                    && self.kept.evicted.flows == evicted
                    && self
                        .table
                        .same_addresses(slot, facts.key, || place.addresses(facts));
                if !sure {
                    slot = self.find_or_insert(facts, place, ports);
                }
                self.packet(slot, facts, place, book);
            }
        }
    }

    /// The flow of a packet, made if it is new.
    #[inline(never)]
    fn find_or_insert(&mut self, facts: &Facts, place: Place<'_>, ports: &MediaPorts) -> Slot {
        let addresses = place.addresses(facts);
        if let Some(slot) = self.table.find(facts.hash, facts.key, addresses) {
            return slot;
        }
        if self.table.len() >= self.most {
            self.evict();
        }
        let (_, src_port, dst_port) = hash::parts(facts.key);
        let recognition = if never_media(src_port, dst_port) {
            Recognition::Refused
        } else if ports.contains(src_port) || ports.contains(dst_port) {
            Recognition::Expected
        } else {
            Recognition::Open
        };
        self.table.insert(facts, addresses, recognition)
    }

    /// Counts a packet to its flow.
    #[inline(always)]
    fn packet(&mut self, slot: Slot, facts: &Facts, place: Place<'_>, book: &mut Book) {
        let hot = &mut self.table.hot[slot as usize];
        hot.bytes += u64::from(facts.ip_len);
        hot.last = hot.last.max(facts.arrival.time);
        if hot.like == facts.like && hot.first <= facts.arrival.time && hot.run < u32::MAX {
            hot.run += 1;
        } else {
            self.odd_packet(slot, facts, place, book);
        }
        if facts.like.is_rtp_like() {
            if facts.arrival.time == NO_TIME {
                return self.table.untimed_rtp(slot, facts.arrival);
            }
            self.table.rtp(slot, &facts.arrival);
        }
    }

    /// What is not like the packet before it.
    #[inline(never)]
    fn odd_packet(&mut self, slot: Slot, facts: &Facts, place: Place<'_>, book: &mut Book) {
        let hot = &mut self.table.hot[slot as usize];
        if facts.arrival.time == NO_TIME {
            self.untimed += 1;
        } else {
            hot.first = hot.first.min(facts.arrival.time);
        }
        let mut like = facts.like.plain();
        hot.ttl = (hot.ttl.0.min(like.ttl()), hot.ttl.1.max(like.ttl()));
        hot.signs = signs::add_form(hot.signs, like.form());
        if hot.run > 0 && hot.like.tag() != like.tag() {
            self.change_tag(slot, like.tag());
        }
        if like.ds() & 3 == 3 {
            self.table.cold[slot as usize].ce += 1;
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
        let cold = &mut self.table.cold[slot as usize];
        add_cell(
            &mut cold.counts,
            &mut cold.extra,
            before.cell(),
            u64::from(run),
        );
        let (from, to) = (dscp_of(before.cell()), dscp_of(like.cell()));
        if from == to {
            return;
        }
        cold.changes += 1;
        if cold.changes as usize > Flow::CHANGES_KEPT {
            return;
        }
        let packet = cells(&cold.counts, cold.extra.as_deref())
            .map(|(_, packets)| packets)
            .sum();
        let time = facts.arrival.time;
        cold.extra.get_or_insert_default().changes.push(DscpChange {
            packet,
            frame: place.frame(facts),
            time: if time == NO_TIME {
                hot.last.max(0)
            } else {
                time
            },
            from,
            to,
        });
    }

    #[inline(never)]
    fn change_tag(&mut self, slot: Slot, tag: u16) {
        let before = self.table.hot[slot as usize].like.tag();
        let extra = self.table.cold[slot as usize].extra.get_or_insert_default();
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
            let extra = self.table.cold[slot as usize].extra.get_or_insert_default();
            extra.note_link(rare);
        }
        let bytes = place.batch.bytes_of(rare);
        if bytes.is_empty() {
            return false;
        }
        if facts.like.form().kind() == Kind::Rtcp as u8 {
            let time = facts.arrival.time;
            self.table.rtcp(slot, bytes, rare.wire_len, time);
        } else if let Some((sequence, _)) = rare.tcp {
            let connection = (facts.key, facts.hash);
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
        let extra = self.cold[slot as usize].extra.get_or_insert_default();
        let state = extra.rtcp.get_or_insert_default();
        let Outcome { answers, byes } = state.take(bytes, wire_len, time);
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
            let own = self.cold[slot as usize].extra.as_mut();
            let own = own.and_then(|extra| extra.rtcp.as_mut());
            if let (Some(passed), Some(own)) = (passed, own) {
                own.answered(at, passed, time, delay);
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

    pub(super) fn rtcp_of(&self, slot: Slot) -> Option<&super::rtcp::RtcpState> {
        self.cold[slot as usize].extra.as_ref()?.rtcp.as_deref()
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
        let extra = self.cold[slot as usize].extra.get_or_insert_default();
        let mut framing = extra.framing.take().unwrap_or_default();
        let mut among = false;
        if !framing.is_dead() {
            among = framing.take(sequence, bytes, rare.wire_len, |rtp| {
                let arrival = Arrival {
                    time: facts.arrival.time,
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
        }
        if framing.saw_stun() {
            self.hot[slot as usize].signs |= signs::STUN;
            self.expect(slot);
        }
        if let Some(extra) = &mut self.cold[slot as usize].extra {
            extra.framing = Some(framing);
        }
        among
    }

    /// Gives back a guess whose flow has this key, with the flow's latest stream; else [`NO_SLOT`].
    #[inline]
    fn check(&self, guess: Slot, key: [u64; 2]) -> (Slot, StreamId) {
        match self.hot.get(guess as usize) {
            Some(hot) if hot.key == key => (guess, hot.stream),
            _ => (NO_SLOT, NONE),
        }
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
const CHUNK: usize = 32;
