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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A reader that has seen the first packet of a pcap.
    fn reader(big_endian: bool) -> (CaptureReader, Vec<u8>) {
        let word = |number: u32| match big_endian {
            true => number.to_be_bytes(),
            false => number.to_le_bytes(),
        };
        let mut bytes = Vec::new();
        for number in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 65535, 1] {
            bytes.extend(word(number));
        }
        for number in 0..1000u32 {
            let size = 40 + number * 7 % 900;
            for number in [1_700_000_000 + number, 9, size, size] {
                bytes.extend(word(number));
            }
            bytes.resize(bytes.len() + size as usize, 0x6a);
        }
        let mut reader = CaptureReader::new();
        let skipped = reader.next(&bytes, true).consumed();
        reader.next(&bytes[skipped..], true);
        (reader, bytes.split_off(24))
    }

    #[test]
    fn records_are_found_and_measured() {
        for big_endian in [false, true] {
            let (reader, bytes) = reader(big_endian);
            assert_eq!(reader.measure(&bytes), (bytes.len(), 1000));
            let (size, records) = reader.measure(&bytes[100_000..150_000]);
            assert!(size.abs_diff(50_000) < 1000 && records > 80 && records < 130);
            assert_eq!(reader.measure(&[0x6a; 4000]), (0, 0));
            let first = reader.find_alike(&bytes, 100_000..110_000).unwrap();
            assert_eq!(
                Search::Found(first - 100_000),
                reader.find_start(&bytes[100_000..], true)
            );
        }
        assert_eq!(CaptureReader::new().measure(&[1; 100]), (0, 0));
    }

    proptest! {
        /// Whatever the bytes are, looking comes to an end.
        #[test]
        fn anything_can_be_looked_at(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
            from in any::<prop::sample::Index>(),
            pcapng in any::<bool>(),
        ) {
            let (mut reader, mut bytes) = reader(false);
            if pcapng {
                let mut section = vec![0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0];
                section.extend([0xff; 8]);
                section.extend([28, 0, 0, 0]);
                reader = CaptureReader::new();
                reader.next(&section, false);
            }
            for (at, value) in changes {
                bytes[at.index(8000)] = value;
            }
            bytes.truncate(8000);
            let rest = &bytes[from.index(8000)..];
            std::hint::black_box(reader.look_ahead(rest));
            let (size, records) = reader.measure(rest);
            prop_assert!(records <= rest.len() && size <= rest.len() + (1 << 20));
        }
    }
}
