//! A share of the flows, and everything that their packets do to them.

use perhop_policy::PortRange;

use super::calls::Book;
use super::course::Course;
use super::fragments::Fragments;
use super::partition::Partition;
use super::reader::ReaderCounts;
use super::{Block, Config, lane_of};

/// A share of the flows. Takes every block of a capture, in order.
#[derive(Debug)]
pub struct Lane {
    first_partition: usize,
    pub(super) partitions: Vec<Partition>,
    media_ports: MediaPorts,
    /// One for each partition.
    pub(super) books: Vec<Book>,
    pub(super) fragments: Fragments,
    /// Of whole blocks, in the first lane only.
    pub(super) counts: ReaderCounts,
}

impl Lane {
    pub(super) fn new(config: &Config, number: usize, lanes: usize) -> Self {
        let bits = config.partition_bits();
        let own: Vec<usize> = (0..1 << bits)
            .filter(|partition| lane_of(*partition, lanes, bits) == number)
            .collect();
        let most = config.max_flows.div_ceil(1 << bits);
        Self {
            first_partition: own[0],
            partitions: own
                .iter()
                .map(|_| Partition::new(most, config.over_time.then(|| Course::new(1 << bits))))
                .collect(),
            media_ports: MediaPorts::new(&config.media_ports),
            books: own.iter().map(|_| Book::default()).collect(),
            fragments: Fragments::default(),
            counts: ReaderCounts::default(),
        }
    }

    /// Takes the packets of a block that belong to this lane. `frames_before` is how many packets the capture has before
    /// the block.
    pub fn apply(&mut self, block: &Block, frames_before: u64) {
        if self.first_partition == 0 {
            self.counts.merge(&block.counts);
            for facts in &block.fragments {
                self.fragments.take(facts);
            }
        }
        self.begin(block);
        let batches = block.partitions.iter().skip(self.first_partition);
        let partitions = self.partitions.iter_mut().zip(&mut self.books);
        for ((partition, book), batch) in partitions.zip(batches) {
            partition.apply(batch, frames_before, &self.media_ports, book);
        }
    }
}

impl Lane {
    /// Tells the courses when the capture begins.
    fn begin(&mut self, block: &Block) {
        let courses = self.partitions.iter_mut();
        let mut courses = courses.filter_map(|one| one.course.as_mut()).peekable();
        if courses.peek().is_some_and(|course| course.is_waiting())
            && let Some(time) = block.first_time()
        {
            courses.for_each(|course| course.set_start(time));
        }
    }
}

/// Ports on which media is expected, a bit each.
#[derive(Debug, Default)]
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
