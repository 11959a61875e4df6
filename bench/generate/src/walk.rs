//! Reading captures back record by record, and cutting one into pieces.

use std::io;

/// One record of a capture.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Microseconds since 1970.
    pub at_us: u64,
    /// The packet, as far as it was kept.
    pub data: &'a [u8],
    /// Bytes it had on the wire.
    pub wire_len: u32,
}

/// The packets of a pcap or pcapng file as this crate writes them: little-endian, one interface, microseconds.
#[derive(Debug, Clone)]
pub struct Walk<'a> {
    rest: &'a [u8],
    pcapng: bool,
}

impl<'a> Walk<'a> {
    /// A walk over a whole file.
    ///
    /// # Errors
    ///
    /// When it is no such file.
    pub fn new(file: &'a [u8]) -> io::Result<Self> {
        let header = header_len(file)?;
        Ok(Self {
            rest: &file[header..],
            pcapng: file[0] == 0x0a,
        })
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let word = |at: usize| -> Option<u32> {
            let bytes = self.rest.get(at..at + 4)?;
            Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        };
        let len = usize::try_from(word(if self.pcapng { 20 } else { 8 })?).ok()?;
        let (at_us, wire_len, start, total) = if self.pcapng {
            let at_us = u64::from(word(12)?) << 32 | u64::from(word(16)?);
            (at_us, word(24)?, 28, usize::try_from(word(4)?).ok()?)
        } else {
            let at_us = u64::from(word(0)?) * 1_000_000 + u64::from(word(4)?);
            (at_us, word(12)?, 16, 16 + len)
        };
        let data = self.rest.get(start..start + len)?;
        self.rest = self.rest.get(total..)?;
        Some(Record {
            at_us,
            data,
            wire_len,
        })
    }
}

/// Byte offsets at which the packets of a file can be cut into `pieces` parts of about the same size: the end of the
/// file header, then the end of each part.
///
/// # Errors
///
/// When it is no such file.
pub fn cuts(file: &[u8], pieces: usize) -> io::Result<Vec<usize>> {
    let mut walk = Walk::new(file)?;
    let header = file.len() - walk.rest.len();
    let mut cuts = vec![header];
    for piece in 1..pieces {
        let goal = header + (file.len() - header) / pieces * piece;
        while file.len() - walk.rest.len() < goal && walk.next().is_some() {}
        cuts.push(file.len() - walk.rest.len());
    }
    cuts.push(file.len());
    Ok(cuts)
}

fn header_len(file: &[u8]) -> io::Result<usize> {
    match file.get(..4) {
        Some([0xd4, 0xc3, 0xb2, 0xa1]) if file.len() >= 24 => Ok(24),
        Some([0x0a, 0x0d, 0x0d, 0x0a]) if file.len() >= 48 => Ok(48),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "not a capture of this generator",
        )),
    }
}
