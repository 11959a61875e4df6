//! A share of the flows, and everything that their packets do to them.

use std::hint::black_box;

use perhop_policy::PortRange;

use super::facts::{Batch, Facts};
use super::fragments::Fragments;
use super::partition::{Frame, Partition};
use super::table::{NO_SLOT, Slot};
use super::{Announcement, Block, Config, lane_of, partition_of};

/// A share of the flows. Takes every block of a capture, in order.
#[derive(Debug)]
pub struct Lane {
    number: usize,
    partition_bits: u32,
    first_partition: usize,
    pub(super) partitions: Vec<Partition>,
    media_ports: MediaPorts,
    pub(super) announcements: Vec<Announcement>,
    pub(super) fragments: Fragments,
}

impl Lane {
    pub(super) fn new(config: &Config, number: usize, lanes: usize) -> Self {
        let bits = config.partition_bits();
        let own: Vec<usize> = (0..1 << bits)
            .filter(|partition| lane_of(*partition, lanes, bits) == number)
            .collect();
        let most = config.max_flows.div_ceil(1 << bits);
        Self {
            number,
            partition_bits: bits,
            first_partition: own[0],
            partitions: own.iter().map(|_| Partition::new(most)).collect(),
            media_ports: MediaPorts::new(&config.media_ports),
            announcements: Vec::new(),
            fragments: Fragments::default(),
        }
    }

    /// Takes the packets of a block that belong to this lane. `frames_before` is how many packets the capture has before
    /// the block.
    pub fn apply(&mut self, block: &Block, frames_before: u64) {
        let Some(batch) = block.lanes.get(self.number) else {
            return;
        };
        for facts in &batch.fragments {
            self.fragments.take(facts);
        }
        for chunk in batch.facts.chunks(CHUNK) {
            self.apply_chunk(chunk, batch, frames_before);
        }
    }

    /// The memory of a chunk's flows and streams is asked for before it is used, so that the waits overlap.
    fn apply_chunk(&mut self, chunk: &[Facts], batch: &Batch, frames_before: u64) {
        let mut guesses = [NO_SLOT; CHUNK];
        for (guess, facts) in guesses.iter_mut().zip(chunk) {
            *guess = self.partition(facts).table.guess(facts.hash);
        }
        for (guess, facts) in guesses.iter_mut().zip(chunk) {
            *guess = self.partition(facts).table.check(*guess, facts.key);
        }
        for (guess, facts) in guesses.iter().zip(chunk) {
            black_box(self.partition(facts).table.touch_stream(*guess));
        }
        for (guess, facts) in guesses.iter().zip(chunk) {
            self.apply_one(*guess, facts, batch, frames_before);
        }
    }

    #[inline]
    fn partition(&self, facts: &Facts) -> &Partition {
        let partition = partition_of(facts.hash, self.partition_bits);
        &self.partitions[partition - self.first_partition]
    }

    #[inline]
    fn apply_one(&mut self, guess: Slot, facts: &Facts, batch: &Batch, frames_before: u64) {
        let partition = partition_of(facts.hash, self.partition_bits) - self.first_partition;
        let partition = &mut self.partitions[partition];
        let frame = Frame {
            number: frames_before + u64::from(facts.frame) + 1,
            facts,
            rare: batch.rare_of(facts),
            batch,
        };
        let slot = partition.slot(guess, &frame, &self.media_ports);
        partition.packet(slot, &frame, &mut self.announcements);
    }
}

/// Ports on which media is expected, a bit each.
#[derive(Debug)]
pub(super) struct MediaPorts(Vec<u64>);

impl MediaPorts {
    fn new(ranges: &[PortRange]) -> Self {
        if ranges.is_empty() {
            return Self(Vec::new());
        }
        let mut bits = vec![0; 1024];
        for port in ranges.iter().flat_map(|range| range.first()..=range.last()) {
            bits[usize::from(port) / 64] |= 1 << (port % 64);
        }
        Self(bits)
    }

    pub(super) fn contains(&self, port: u16) -> bool {
        let word = self.0.get(usize::from(port) / 64).copied();
        word.unwrap_or(0) >> (port % 64) & 1 == 1
    }
}

/// Packets whose memory is asked for together.
const CHUNK: usize = 32;
