//! From packets to finished flows: one pass, no allocation for an ordinary packet.
//!
//! ```text
//! bytes ──Reader──▶ Block (facts, 64 bytes a packet) ──Lane──▶ flow tables ──finish──▶ Flows
//! ```
//!
//! [`Engine`] does all of it on one thread. For several, it lends out its lanes ([`Engine::parts`]): give each thread a
//! [`Reader`] and a [`Lane`]; readers turn different blocks of a capture into facts at the same time; every lane takes
//! its share of every block, and takes the blocks **in the order of the capture**.
//!
//! Why so: what a flow's state says depends on the order of its packets (sequence numbers, jitter, recognition, idle
//! times), and merging the states of two halves of a capture exactly would need the history of each stream's start. Here
//! nothing is merged. A flow and its other direction belong to one lane by their hash, so a lane sees all their packets
//! in order, and the result is the same bits for any number of lanes and any division into blocks. What crosses flows
//! (SDP, RTCP on the next port, fragments) is either kept in one place or applied at the end. The price is 64 bytes
//! written and read for a packet; the reading and dissecting, which cost more, are divided freely.
//!
//! The flow table is divided by the hash into partitions, whose number depends on [`Config::max_flows`] alone: each
//! evicts for itself, so what is evicted does not depend on the number of lanes either.

use perhop_policy::PortRange;
use perhop_wire::capture::CapturedPacket;

use crate::call::Calls;
use crate::flow::Flow;

mod calls;
pub(crate) mod chunks;
mod course;
mod directory;
mod evict;
mod extra;
mod facts;
mod finish;
mod fragments;
mod framing;
mod hash;
mod heard;
mod lane;
mod ledger;
mod over_time;
mod partition;
mod reader;
mod recognise;
mod rtcp;
mod sdp;
mod signs;
mod table;
mod times;
mod totals;

pub use lane::Lane;
pub use ledger::Ledger;
pub use reader::Reader;
pub use totals::{Cause, Evicted, FragmentRow, Totals, Undecodable};

use facts::{Batch, FragmentFacts};
use hash::Seeds;
use reader::ReaderCounts;

/// What the engine is told before it starts.
#[derive(Debug, Clone)]
pub struct Config {
    /// Most flows that are kept at a time; the oldest idle ones make room for new ones. The limit is held for each of up
    /// to 16 parts of the table, so eviction may begin a little below it.
    pub max_flows: usize,
    /// Ports on which media is expected: there two packets that go together are RTP.
    pub media_ports: Vec<PortRange>,
    /// Seed of the hash. A capture cannot be made to collide by someone who does not know it; the results do not depend on
    /// it as long as no flow is evicted.
    pub seed: u64,
    /// Count flows of different outermost VLANs apart.
    pub by_vlan: bool,
    /// Keep what [`Ledger::over_time`] needs.
    pub over_time: bool,
}

impl Default for Config {
    /// One million flows, no media ports, a fixed seed, VLANs together, nothing over time.
    fn default() -> Self {
        Self {
            max_flows: 1_000_000,
            media_ports: Vec::new(),
            seed: 0x7065_7268_6f70,
            by_vlan: false,
            over_time: false,
        }
    }
}

impl Config {
    /// A reader for this configuration.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(Seeds::new(self.seed), self.partition_bits(), self.by_vlan)
    }

    /// The lanes that share the flows among them: `count` of them, or fewer when the table has fewer partitions.
    #[must_use]
    pub fn lanes(&self, count: usize) -> Vec<Lane> {
        let count = count.clamp(1, 1 << self.partition_bits());
        (0..count)
            .map(|number| Lane::new(self, number, count))
            .collect()
    }

    /// An empty block.
    #[must_use]
    pub fn block(&self) -> Block {
        Block::new(self.partition_bits())
    }

    fn partition_bits(&self) -> u32 {
        let partitions = self.max_flows / LEAST_PARTITION;
        partitions.max(1).ilog2().min(MOST_PARTITION_BITS)
    }
}

/// Facts of a run of packets, sorted to partitions.
#[derive(Debug, Clone)]
pub struct Block {
    partitions: Vec<Batch>,
    fragments: Vec<FragmentFacts>,
    counts: ReaderCounts,
    packets: u32,
}

impl Block {
    fn new(partition_bits: u32) -> Self {
        Self {
            partitions: vec![Batch::default(); 1 << partition_bits],
            fragments: Vec::new(),
            counts: ReaderCounts::default(),
            packets: 0,
        }
    }

    /// Packets read into the block.
    #[must_use]
    pub const fn packets(&self) -> u32 {
        self.packets
    }

    /// Time of the first packet that has one.
    fn first_time(&self) -> Option<i64> {
        let timed = |batch: &Batch| {
            let facts = batch.facts.iter();
            let mut timed = facts.filter(|facts| facts.time != times::NO_TIME);
            timed.next().map(|facts| (facts.frame, facts.time))
        };
        let first = self.partitions.iter().filter_map(timed).min();
        first.map(|(_, time)| time)
    }

    /// Forgets the packets and keeps the memory.
    pub fn clear(&mut self) {
        self.partitions.iter_mut().for_each(Batch::clear);
        self.fragments.clear();
        self.counts = ReaderCounts::default();
        self.packets = 0;
    }
}

/// All of it. What is observed is taken by the thread that calls; [`Engine::parts`] lends out what several need.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    reader: Reader,
    block: Block,
    lanes: Vec<Lane>,
    frames: u64,
}

/// What threads need to take packets for an engine: its lanes, to be given blocks in the order of the capture.
#[derive(Debug)]
pub struct Parts<'a> {
    /// To make readers and blocks from.
    pub config: &'a Config,
    /// Every one of them takes every block.
    pub lanes: &'a mut [Lane],
    /// Packets taken so far: add those of every block that the lanes have taken.
    pub frames: &'a mut u64,
}

impl Engine {
    /// An engine that has seen nothing, for one thread.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self::with_lanes(config, 1)
    }

    /// An engine that has seen nothing, for several threads; its answer is the same.
    #[must_use]
    pub fn with_lanes(config: &Config, lanes: usize) -> Self {
        Self {
            config: config.clone(),
            reader: config.reader(),
            block: config.block(),
            lanes: config.lanes(lanes),
            frames: 0,
        }
    }

    /// Takes the next packet of the capture.
    pub fn observe(&mut self, packet: &CapturedPacket<'_>) {
        self.observe_all(std::slice::from_ref(packet));
    }

    /// Takes the next packets of the capture; so many at a time that reading them is not looked at one by one.
    pub fn observe_all(&mut self, packets: &[CapturedPacket<'_>]) {
        self.reader.read(packets, &mut self.block);
        if self.block.packets >= PACKETS_A_BLOCK {
            self.apply();
        }
    }

    /// Packets taken so far.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.frames + self.block.packets as u64
    }

    /// Flows in the table now, without those that made room, after all that was observed.
    pub fn flows(&mut self) -> u64 {
        self.apply();
        let partitions = self.lanes.iter().flat_map(|lane| &lane.partitions);
        partitions.map(|one| one.table.len() as u64).sum()
    }

    /// Lends the lanes out, after they have taken all that was observed.
    pub fn parts(&mut self) -> Parts<'_> {
        self.apply();
        Parts {
            config: &self.config,
            lanes: &mut self.lanes,
            frames: &mut self.frames,
        }
    }

    /// The flows, in order of their first packets.
    #[must_use]
    pub fn finish(self) -> Flows {
        self.into_ledger().into_flows()
    }

    /// The same, each flow to be asked for.
    #[must_use]
    pub fn into_ledger(mut self) -> Ledger {
        self.apply();
        Ledger::new(self.lanes)
    }

    fn apply(&mut self) {
        for lane in &mut self.lanes {
            lane.apply(&self.block, self.frames);
        }
        self.frames += u64::from(self.block.packets);
        self.block.clear();
    }
}

/// What one pass found.
#[derive(Debug, Clone, PartialEq)]
pub struct Flows {
    /// All flows, by first packet, then by key.
    pub flows: Vec<Flow>,
    /// Later fragments by address pair and protocol, in that order: also those that [`Flow::fragments`] has.
    pub fragments: Vec<FragmentRow>,
    /// Calls that signalling in the clear names.
    pub calls: Calls,
    /// Counts over the capture.
    pub totals: Totals,
}

/// Puts together what the lanes have; all of the capture must have been applied to every one.
#[must_use]
pub fn finish(lanes: Vec<Lane>) -> Flows {
    Ledger::from(lanes).into_flows()
}

impl From<Vec<Lane>> for Ledger {
    /// The same, each flow to be asked for.
    fn from(lanes: Vec<Lane>) -> Self {
        Self::new(lanes)
    }
}

/// The partition of a hash.
const fn partition_of(hash: u64, bits: u32) -> usize {
    ((hash >> 32) >> (32 - bits)) as usize
}

/// The lane that has a partition.
const fn lane_of(partition: usize, lanes: usize, bits: u32) -> usize {
    (partition * lanes) >> bits
}

/// A partition has at least so many flows before the table is divided further.
const LEAST_PARTITION: usize = 1 << 16;
/// At most 16 partitions.
const MOST_PARTITION_BITS: u32 = 4;
/// Facts of so many packets stay in the second-level cache.
const PACKETS_A_BLOCK: u32 = 2048;
