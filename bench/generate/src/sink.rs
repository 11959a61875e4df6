//! Writing pcap and pcapng.

use std::io::{self, Write};

const ETHERNET: u16 = 1;
const BUFFER: usize = 1 << 20;

/// A capture file being written.
#[derive(Debug)]
pub struct Sink<W: Write> {
    out: W,
    buffer: Vec<u8>,
    flushed: u64,
    snaplen: usize,
    pcapng: bool,
}

impl<W: Write> Sink<W> {
    /// Writes the file header: Ethernet, microseconds, little-endian.
    #[must_use]
    pub fn new(out: W, snaplen: u32, pcapng: bool) -> Self {
        let buffer = Vec::with_capacity(BUFFER + 4096);
        let cut = usize::try_from(snaplen).expect("a 32-bit number fits");
        let mut sink = Self {
            out,
            buffer,
            flushed: 0,
            snaplen: cut,
            pcapng,
        };
        if pcapng {
            sink.words(&[
                0x0a0d_0d0a,
                28,
                0x1a2b_3c4d,
                0x0000_0001,
                u32::MAX,
                u32::MAX,
                28,
            ]);
            sink.words(&[1, 20, u32::from(ETHERNET), snaplen, 20]);
        } else {
            sink.words(&[0xa1b2_c3d4, 0x0004_0002, 0, 0, snaplen, u32::from(ETHERNET)]);
        }
        sink
    }

    /// Writes one packet, cut to the snap length; gives the bytes that were kept. `at_us` is microseconds since 1970.
    ///
    /// # Errors
    ///
    /// What the file says.
    pub fn packet(&mut self, at_us: u64, frame: &[u8]) -> io::Result<usize> {
        let kept = &frame[..frame.len().min(self.snaplen)];
        let (captured, wire) = (thirty_two(kept.len()), thirty_two(frame.len()));
        if self.pcapng {
            let pad = kept.len().wrapping_neg() % 4;
            let total = 32 + captured + thirty_two(pad);
            let (high, low) = halves(at_us);
            self.words(&[6, total, 0, high, low, captured, wire]);
            self.buffer.extend_from_slice(kept);
            self.buffer.extend_from_slice(&[0; 3][..pad]);
            self.words(&[total]);
        } else {
            let seconds = u32::try_from(at_us / 1_000_000).expect("before the year 2106");
            let rest = u32::try_from(at_us % 1_000_000).expect("below a million");
            self.words(&[seconds, rest, captured, wire]);
            self.buffer.extend_from_slice(kept);
        }
        if self.buffer.len() >= BUFFER {
            self.flush()?;
        }
        Ok(kept.len())
    }

    /// Bytes of the file so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.flushed + u64::try_from(self.buffer.len()).expect("a length fits")
    }

    /// Writes what is left.
    ///
    /// # Errors
    ///
    /// What the file says.
    pub fn finish(mut self) -> io::Result<W> {
        self.flush()?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushed = self.size();
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    fn words(&mut self, words: &[u32]) {
        for word in words {
            self.buffer.extend_from_slice(&word.to_le_bytes());
        }
    }
}

fn thirty_two(len: usize) -> u32 {
    u32::try_from(len).expect("no frame is longer than 2048 bytes")
}

fn halves(value: u64) -> (u32, u32) {
    let low = u32::try_from(value & 0xffff_ffff).expect("masked");
    (u32::try_from(value >> 32).expect("shifted"), low)
}
