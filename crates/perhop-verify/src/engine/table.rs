//! The flow table: open addressing over 32-bit entries, a hot record of one cache line for each flow, a cold one beside.

use perhop_wire::field::{DsField, Dscp};
use perhop_wire::packet::Addresses;

use super::chunks::{Chunks, Pool, Roomy, Ticket};
use super::extra::{CellCounts, Extra};
use super::facts::{Ends, Facts, Like, NO_TAG};
use super::hash::{self, Key};
use super::rtcp::RtcpState;
use super::times::NO_TIME;
use crate::stream::arena::{Arena, NONE, StreamId};
#[cfg(test)]
use {super::facts::Head, crate::stream::arrival::Arrival};

/// Place of a flow in its table.
pub(super) type Slot = u32;
/// No flow.
pub(super) const NO_SLOT: Slot = u32::MAX;

/// Part of the index: 0 for empty, else slot plus 1 and the top eight bits of the hash.
type Bucket = [u32; 4];

/// Flows of one partition.
#[derive(Debug)]
pub(super) struct Table {
    index: Vec<Bucket>,
    pub(super) hot: Roomy<FlowHot>,
    pub(super) cold: Chunks<FlowCold>,
    pub(super) extras: Pool<Extra>,
    pub(super) rtcp: Pool<RtcpState>,
    /// IPv6 source and destination; those at 0 are nobody's.
    addresses: Vec<Ends>,
    pub(super) streams: Arena,
}

/// What every packet of a flow touches.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(super) struct FlowHot {
    /// With the time to live of the latest packet.
    pub(super) key: Key,
    pub(super) first: i64,
    pub(super) last: i64,
    /// Packets since kind or DSCP changed.
    pub(super) run: u32,
    /// The stream of the latest RTP packet; the others are linked behind it.
    pub(super) stream: StreamId,
    /// What the latest packet was like.
    pub(super) like: Like,
    /// What does not fit is in [`FlowCold::byte_runs`].
    pub(super) bytes: u32,
    /// Place of the addresses in [`Table::addresses`]; 0 for IPv4.
    addresses: u32,
    pub(super) signs: u16,
    pub(super) recognition: Recognition,
    /// Packets tried while no stream is recognised, and how many fitted one.
    pub(super) tests: u8,
    pub(super) fits: u8,
    /// Least and largest.
    pub(super) ttl: (u8, u8),
}

const _: () = assert!(
    size_of::<FlowHot>() == 64,
    "a flow's hot record is a cache line"
);

/// How far media recognition has come on a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Recognition {
    /// Not decided.
    Open,
    /// Not decided, and a port lies in a media range, or there was STUN, DTLS or RTCP: two packets are enough.
    Expected,
    /// A stream was recognised.
    Media,
    /// Not RTP.
    Refused,
}

/// What few packets of a flow touch.
#[derive(Debug, Default)]
pub(super) struct FlowCold {
    pub(super) hash: u32,
    /// How often the bytes ran over 2³².
    pub(super) byte_runs: u32,
    pub(super) counts: CellCounts,
    pub(super) extra: Ticket,
    pub(super) rtcp: Ticket,
}

const _: () = assert!(
    size_of::<FlowCold>() == 32,
    "two cold records of flows are a cache line"
);

/// DSCP of a cell.
pub(super) const fn dscp_of(cell: u16) -> Dscp {
    DsField(((cell & 63) << 2) as u8).dscp()
}

impl Table {
    pub(super) fn new() -> Self {
        Self {
            index: vec![[0; 4]; LEAST_INDEX],
            hot: Roomy::default(),
            cold: Chunks::default(),
            extras: Pool::default(),
            rtcp: Pool::default(),
            addresses: vec![[0; 2]],
            streams: Arena::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.hot.len()
    }

    /// The bucket in which the search for a hash begins: the same for both directions of a flow.
    #[inline(always)]
    fn place_of(&self, hash: u32) -> usize {
        hash as usize & (self.index.len() - 1)
    }

    /// The flow with this hash's tag in the first bucket of the search, or [`NO_SLOT`]: a guess to be checked. Which of the
    /// entries it is must not be a branch: it is as good as random. Where several have the tag it is none of them.
    #[inline(always)]
    pub(super) fn guess(&self, hash: u32) -> Slot {
        let tag = tag_of(hash);
        let entries = self.index[self.place_of(hash)];
        let fitting = entries.map(|entry| if entry & TAG == tag { entry } else { 0 });
        let entry = fitting[0] | fitting[1] | fitting[2] | fitting[3];
        (entry & !TAG).wrapping_sub(1)
    }

    /// The same, in whatever bucket the search finds one.
    #[inline(never)]
    pub(super) fn guess_on(&self, hash: u32) -> Slot {
        let found = self
            .entries_from(hash)
            .find(|entry| *entry & TAG == tag_of(hash));
        (found.unwrap_or(0) & !TAG).wrapping_sub(1)
    }

    /// The entries among which a flow with this hash is, if there is one.
    #[inline]
    fn entries_from(&self, hash: u32) -> impl Iterator<Item = u32> + '_ {
        let (before, from) = self.index.split_at(self.place_of(hash));
        let buckets = from.iter().chain(before);
        buckets.flatten().copied().take_while(|entry| *entry != 0)
    }

    /// Whether a flow has the addresses that an IPv6 packet has; always true for IPv4.
    #[inline(always)]
    pub(super) fn has_addresses(&self, slot: Slot, ends: Option<&Ends>) -> bool {
        let at = |slot| self.hot[slot as usize].addresses as usize;
        ends.is_none_or(|ends| self.addresses[at(slot)] == *ends)
    }

    /// The flow with this identity.
    pub(super) fn find(&self, hash: u32, key: Key, ends: Option<&Ends>) -> Option<Slot> {
        let fitting = self
            .entries_from(hash)
            .filter(|entry| entry & TAG == tag_of(hash));
        let mut slots = fitting.map(|entry| (entry & !TAG).wrapping_sub(1));
        slots.find(|slot| {
            hash::is_same(self.hot[*slot as usize].key, key) && self.has_addresses(*slot, ends)
        })
    }

    /// The flow of the other direction.
    pub(super) fn reverse_of(&self, slot: Slot) -> Option<Slot> {
        let cold = &self.cold[slot as usize];
        let key = self.hot[slot as usize].key;
        let ends = self.ends_of(slot).map(|[src, dst]| [dst, src]);
        let hash = hash::reversed_hash(cold.hash, key);
        self.find(hash, hash::reversed(key), ends.as_ref())
    }

    fn ends_of(&self, slot: Slot) -> Option<Ends> {
        let at = self.hot[slot as usize].addresses as usize;
        (at > 0).then(|| self.addresses[at])
    }

    /// The addresses of a flow.
    pub(super) fn addresses(&self, slot: Slot) -> Addresses {
        match self.ends_of(slot) {
            Some([src, dst]) => Addresses::V6 { src, dst },
            None => hash::addresses_v4(self.hot[slot as usize].key),
        }
    }

    /// Puts a new flow in, without counting its first packet.
    pub(super) fn insert(
        &mut self,
        facts: &Facts,
        ends: Option<&Ends>,
        recognition: Recognition,
    ) -> Slot {
        if (self.hot.len() + 1) * 2 > self.index.len() * size_of::<Bucket>() / size_of::<u32>() {
            self.rebuild(self.index.len() * 2);
        }
        let slot = self.hot.len() as Slot;
        let mut hot = FlowHot::new(facts.key(), recognition);
        if let Some(ends) = ends {
            hot.addresses = self.addresses.len() as u32;
            self.addresses.push(*ends);
        }
        self.hot.push(hot);
        self.cold.push(FlowCold {
            hash: facts.hash,
            ..FlowCold::default()
        });
        self.put(facts.hash, slot);
        slot
    }

    /// Gives back a guess whose flow has this key and time to live, with the flow's latest stream and the place of its addresses; else
    /// [`NO_SLOT`].
    #[inline(always)]
    pub(super) fn check(&self, guess: Slot, key: Key) -> (Slot, (StreamId, u32)) {
        match self.hot.get(guess as usize) {
            Some(hot) if (hot.key[0] ^ key[0]) | (hot.key[1] ^ key[1]) == 0 => {
                (guess, (hot.stream, hot.addresses))
            }
            _ => (NO_SLOT, (NONE, 0)),
        }
    }

    /// Reads from addresses that [`Table::check`] gave the place of; of IPv4, from those at 0, which costs less than a branch
    /// on what is as good as random.
    #[inline(always)]
    pub(super) fn touch_addresses(&self, at: u32) -> u32 {
        let found = self.addresses.get(at as usize);
        found.map_or(0, |[src, _]| *src as u32)
    }

    fn put(&mut self, hash: u32, slot: Slot) {
        let place = self.place_of(hash);
        let (before, from) = self.index.split_at_mut(place);
        let mut entries = from.iter_mut().chain(before).flatten();
        if let Some(entry) = entries.find(|entry| **entry == 0) {
            *entry = (slot + 1) | tag_of(hash);
        }
    }

    fn rebuild(&mut self, buckets: usize) {
        self.index.clear();
        self.index.resize(buckets, [0; 4]);
        for slot in 0..self.cold.len() {
            self.put(self.cold[slot].hash, slot as Slot);
        }
    }

    /// Takes flows out; the others keep their order and get new slots. The streams of those taken out must have been
    /// released.
    pub(super) fn remove(&mut self, gone: &[bool]) {
        for (cold, _) in self.cold.iter_mut().zip(gone).filter(|(_, gone)| **gone) {
            self.extras.give_back(cold.extra);
            self.rtcp.give_back(cold.rtcp);
        }
        self.hot.retain(|at| !gone[at]);
        self.cold.retain(|at| !gone[at]);
        let mut addresses = vec![[0; 2]];
        for hot in self.hot.iter_mut().filter(|hot| hot.addresses > 0) {
            addresses.push(self.addresses[hot.addresses as usize]);
            hot.addresses = addresses.len() as u32 - 1;
        }
        self.addresses = addresses;
        self.rebuild(self.index.len());
    }
}

#[cfg(test)]
impl Table {
    /// A table with so many flows, none of which has a packet.
    pub(super) fn with_flows(flows: u64) -> Self {
        let mut table = Self::new();
        for number in 0..flows {
            let facts = Facts {
                time: 0,
                like: Like::NONE,
                hash: number as u32,
                frame: 0,
                head: Head::new([0, number], 0, 0, &Arrival::bare(0, 0)),
            };
            table.insert(&facts, None, Recognition::Open);
        }
        table
    }
}

impl FlowHot {
    /// A flow without packets.
    const fn new(key: Key, recognition: Recognition) -> Self {
        Self {
            key,
            first: i64::MAX,
            last: NO_TIME,
            run: 0,
            stream: NONE,
            like: Like::NONE,
            bytes: 0,
            addresses: 0,
            signs: 0,
            recognition,
            tests: 0,
            fits: 0,
            ttl: (u8::MAX, 0),
        }
    }

    /// The outermost tag of the latest packet.
    pub(super) const fn tag(&self) -> Option<u16> {
        match self.like.tag() {
            NO_TAG => None,
            tag => Some(tag),
        }
    }
}

/// A part of the hash that does not choose the place in the index.
#[inline]
const fn tag_of(hash: u32) -> u32 {
    hash & TAG
}

/// The bits of an index entry that hold a part of the hash.
const TAG: u32 = 0xff00_0000;
/// Most flows that a table can hold.
pub(super) const MOST_FLOWS: usize = (1 << 23) - 2;
/// Buckets of an empty table.
const LEAST_INDEX: usize = 16;
