//! Looking ahead in bytes that are far from the processor.
//!
//! Where a record ends stands in its header, so headers are met one after the other, and of whole packets in mapped memory
//! each is waited for. Several chains of records at a time wait together.

use std::ops::Range;

use super::search::{Search, Start, chain};
use super::{CaptureReader, Format};
use crate::pcapng::BlockHeader;

/// Chains that are followed at a time.
const CHAINS: usize = 8;
/// Records that must follow each other where a chain begins. Nothing hangs on it but speed.
const LINKS: usize = 2;
/// Bytes from the start of a record at which its packet's transport header lies.
const WITHIN: usize = 64;

/// Records that follow each other, up to a place.
#[derive(Clone, Copy)]
struct Chain {
    at: usize,
    end: usize,
}

impl CaptureReader {
    /// Looks at the headers of the records in `bytes`, the first of which begins with them, so that the processor has them
    /// when they are read. Worth it where records are long, and memory slow. It is all the same whether what it takes for
    /// records are any: the result says nothing, and is there to be used, lest the looking is left out.
    #[must_use]
    pub fn look_ahead(&self, bytes: &[u8]) -> u8 {
        let piece = bytes.len() / CHAINS;
        let mut seen = 0;
        let mut chains = [Chain { at: 0, end: piece }; CHAINS];
        for (number, one) in chains.iter_mut().enumerate().skip(1) {
            let (from, end) = (number * piece, (number + 1) * piece);
            let at = self.find_alike(bytes, from..end);
            *one = Chain {
                at: at.unwrap_or(end),
                end,
            };
        }
        let mut is_under_way = true;
        while is_under_way {
            is_under_way = false;
            for Chain { at, end } in &mut chains {
                if at < end {
                    let rest = &bytes[*at..];
                    seen ^= rest.get(WITHIN).copied().unwrap_or(0);
                    *at = self.record_len(rest).map_or(*end, |length| *at + length);
                    is_under_way = true;
                }
            }
        }
        seen
    }

    /// Bytes and number of the records that follow each other in `bytes`, which may begin anywhere in the capture; none when
    /// none is found.
    #[must_use]
    pub fn measure(&self, bytes: &[u8]) -> (usize, usize) {
        let (mut at, mut records) = match self.find_start(bytes, true) {
            Search::Found(at) => (at, 0),
            _ => return (0, 0),
        };
        let from = at;
        while let Some(length) = bytes.get(at..).and_then(|rest| self.record_len(rest)) {
            (at, records) = (at + length, records + 1);
        }
        (at - from, records)
    }

    /// Where a record begins, perhaps, whose first four bytes are much like those of the first record: of about the same time in
    /// pcap, a block of the same kind in pcapng.
    fn find_alike(&self, bytes: &[u8], within: Range<usize>) -> Option<usize> {
        let alike = match &self.format {
            Format::Pcap { header, .. } if header.is_big_endian() => 0x0000_ffff,
            Format::Pcap { .. } => 0xffff_0000,
            _ => u32::MAX,
        };
        let first = u32::from_le_bytes(*bytes.first_chunk()?) & alike;
        let mut from = within.start;
        loop {
            let starts = bytes.get(from..within.end)?.windows(4);
            let mut starts = starts.map(|at| u32::from_le_bytes([at[0], at[1], at[2], at[3]]));
            from += starts.position(|start| start & alike == first)?;
            let probe = |at: &[u8]| self.probe(at);
            if chain(&bytes[from..], LINKS, false, &probe) == Start::Yes {
                return Some(from);
            }
            from += 1;
        }
    }

    /// Bytes of a record by its header alone.
    fn record_len(&self, bytes: &[u8]) -> Option<usize> {
        match &self.format {
            Format::Unknown => None,
            Format::Pcap { header, limit } => {
                let record = header.record(bytes.first_chunk()?);
                let length = header.record_header_len() + record.captured as usize;
                (record.captured <= *limit).then_some(length)
            }
            Format::Pcapng(section) => {
                let header = BlockHeader::read(section.order, bytes)?;
                Some(header.size().max(12))
            }
        }
    }
}
