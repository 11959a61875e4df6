//! One part of the flow table, and what a packet does to its flow.

use perhop_wire::packet::Addresses;

use super::evict::Kept;
use super::extra::{Extra, add_cell, cells};
use super::facts::{Batch, Facts, Kind, NO_TAG, Rare};
use super::lane::MediaPorts;
use super::reader::NO_TIME;
use super::rtcp::Outcome;
use super::table::{MOST_FLOWS, NO_SLOT, Recognition, Slot, Table, cell, dscp_of};
use super::{Announcement, hash, sdp, signs};
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
}

/// A packet's facts with what belongs to them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    /// Number in the capture, from 1.
    pub(super) number: u64,
    pub(super) facts: &'a Facts,
    pub(super) rare: Option<&'a Rare>,
    pub(super) batch: &'a Batch,
}

impl Frame<'_> {
    fn addresses(&self) -> Option<&Addresses> {
        if !hash::is_v6(self.facts.key) {
            return None;
        }
        self.rare.map(|rare| &rare.addresses)
    }
}

impl Partition {
    pub(super) fn new(most: usize) -> Self {
        Self {
            table: Table::new(),
            most: most.clamp(1, MOST_FLOWS),
            kept: Kept::default(),
        }
    }

    /// The flow of a packet, made if it is new. `guess` is where it may be.
    #[inline]
    pub(super) fn slot(&mut self, guess: Slot, frame: &Frame<'_>, ports: &MediaPorts) -> Slot {
        let (table, facts) = (&self.table, frame.facts);
        if (guess as usize) < table.len() && table.is(guess, facts.key, frame.addresses()) {
            return guess;
        }
        self.find_or_insert(frame, ports)
    }

    #[inline(never)]
    fn find_or_insert(&mut self, frame: &Frame<'_>, ports: &MediaPorts) -> Slot {
        let (facts, addresses) = (frame.facts, frame.addresses());
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
    #[inline]
    pub(super) fn packet(
        &mut self,
        slot: Slot,
        frame: &Frame<'_>,
        announcements: &mut Vec<Announcement>,
    ) {
        let facts = frame.facts;
        let hot = &mut self.table.hot[slot as usize];
        hot.bytes += u64::from(facts.ip_len);
        if facts.time != NO_TIME {
            hot.first = hot.first.min(facts.time);
            hot.last = hot.last.max(facts.time);
        }
        hot.ttl = (hot.ttl.0.min(facts.ttl), hot.ttl.1.max(facts.ttl));
        if hot.form != facts.form {
            hot.form = facts.form;
            hot.signs = signs::add_form(hot.signs, facts.form);
            self.table.expect(slot);
        }
        let hot = &self.table.hot[slot as usize];
        if hot.tag != facts.tag {
            self.change_tag(slot, facts.tag);
        }
        let mut kind = facts.form.kind();
        if let Some(rare) = frame.rare {
            kind = self.take_rare(slot, frame, rare, announcements);
        }
        self.count(slot, frame, cell(kind, facts.ds));
        if facts.ds & 3 == 3 {
            self.table.cold[slot as usize].ce += 1;
        }
        if facts.form.kind() == Kind::RtpLike as u8 {
            self.rtp(slot, arrival(facts));
        }
    }

    #[inline]
    fn rtp(&mut self, slot: Slot, arrival: Arrival) {
        if arrival.time == NO_TIME {
            return self.table.untimed_rtp(slot, arrival);
        }
        self.table.rtp(slot, &arrival);
    }

    /// Counts a packet to its kind and DSCP.
    #[inline]
    fn count(&mut self, slot: Slot, frame: &Frame<'_>, cell: u16) {
        let hot = &mut self.table.hot[slot as usize];
        if hot.cell == cell && hot.run < u32::MAX {
            hot.run += 1;
            return;
        }
        self.change_cell(slot, frame, cell);
    }

    #[inline(never)]
    fn change_cell(&mut self, slot: Slot, frame: &Frame<'_>, cell: u16) {
        let hot = &mut self.table.hot[slot as usize];
        let cold = &mut self.table.cold[slot as usize];
        let (before, run) = (hot.cell, hot.run);
        (hot.cell, hot.run) = (cell, 1);
        if run == 0 {
            return;
        }
        add_cell(&mut cold.counts, &mut cold.extra, before, u64::from(run));
        let (from, to) = (dscp_of(before), dscp_of(cell));
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
        cold.extra.get_or_insert_default().changes.push(DscpChange {
            packet,
            frame: frame.number,
            time: if frame.facts.time == NO_TIME {
                hot.last
            } else {
                frame.facts.time
            },
            from,
            to,
        });
    }

    #[inline(never)]
    fn change_tag(&mut self, slot: Slot, tag: u16) {
        let hot = &mut self.table.hot[slot as usize];
        let extra = self.table.cold[slot as usize].extra.get_or_insert_default();
        extra.note_tag(hot.tag);
        extra.note_tag(tag);
        let id = |tag: u16| if tag == NO_TAG { NO_TAG } else { tag & 0x0fff };
        extra.several_vlans |= id(hot.tag) != id(tag);
        hot.tag = tag;
    }

    /// Takes what few packets have; gives the kind of payload.
    #[inline(never)]
    fn take_rare(
        &mut self,
        slot: Slot,
        frame: &Frame<'_>,
        rare: &Rare,
        announcements: &mut Vec<Announcement>,
    ) -> u8 {
        self.table.hot[slot as usize].signs |= rare.signs;
        let mut kind = frame.facts.form.kind();
        if rare.outer.is_some() || rare.wifi_priority.is_some() {
            let extra = self.table.cold[slot as usize].extra.get_or_insert_default();
            extra.note_link(rare);
        }
        let bytes = frame.batch.bytes_of(rare);
        if bytes.is_empty() {
            return kind;
        }
        if kind == Kind::Rtcp as u8 {
            self.table
                .rtcp(slot, bytes, rare.wire_len, frame.facts.time);
        } else if rare.signs & signs::SIP != 0 {
            announce(frame.number, bytes, announcements);
        } else if let Some((sequence, _)) = rare.tcp
            && self.table.segment(slot, sequence, bytes, frame.facts, rare)
        {
            kind = Kind::RtpLike as u8;
        }
        kind
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

    fn rtcp_of(&self, slot: Slot) -> Option<&super::rtcp::RtcpState> {
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

    /// Gives back a guess whose flow has this key, else [`NO_SLOT`].
    #[inline]
    pub(super) fn check(&self, guess: Slot, key: [u64; 2]) -> Slot {
        match self.hot.get(guess as usize) {
            Some(hot) if hot.key == key => guess,
            _ => NO_SLOT,
        }
    }

    /// Reads from the latest stream of a flow.
    #[inline]
    pub(super) fn touch_stream(&self, guess: Slot) -> u32 {
        match self.hot.get(guess as usize) {
            Some(hot) if hot.stream != NONE => self.streams.ssrc(hot.stream),
            _ => 0,
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

fn announce(frame: u64, message: &[u8], announcements: &mut Vec<Announcement>) {
    for (endpoint, announced) in sdp::announcements(message) {
        if announcements.len() < MOST_ANNOUNCEMENTS {
            announcements.push(Announcement {
                frame,
                endpoint,
                announced,
            });
        }
    }
}

#[inline]
const fn arrival(facts: &Facts) -> Arrival {
    Arrival {
        time: facts.time,
        ssrc: facts.ssrc,
        timestamp: facts.timestamp,
        sequence: facts.sequence,
        mark_and_type: facts.mark_and_type,
        payload_len: facts.payload_len,
        ip_id: facts.ip_id,
    }
}

/// Ports on which nothing is called RTP without a hint: DNS, NTP, mDNS, LLMNR, SSDP, and all registered low ports but 443.
const fn never_media(src: u16, dst: u16) -> bool {
    const fn never(port: u16) -> bool {
        matches!(port, 5353 | 5355 | 1900) || port < 1024 && port != 443
    }
    never(src) || never(dst)
}

/// No more announcements of SDP are kept.
const MOST_ANNOUNCEMENTS: usize = 65_536;
