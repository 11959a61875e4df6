//! A stream with a buffer that can be looked into before it is read, and a count of what has been taken.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

/// Bytes asked for at once.
const CHUNK: usize = 1 << 18;

pub(crate) struct Source {
    inner: Box<dyn Read>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    taken: Rc<Cell<u64>>,
}

impl Source {
    /// A stream of which nothing has been read.
    pub(crate) fn new(inner: Box<dyn Read>, taken: Rc<Cell<u64>>) -> Self {
        Self {
            inner,
            buffer: vec![0; CHUNK],
            start: 0,
            end: 0,
            taken,
        }
    }

    /// The next `count` bytes, fewer only at the end, without taking them; `count` is small.
    pub(crate) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.end - self.start < count {
            if self.buffer.len() - self.start < count {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            match self.inner.read(&mut self.buffer[self.end..]) {
                Ok(0) => break,
                Ok(got) => self.end += got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let last = self.end.min(self.start + count);
        Ok(&self.buffer[self.start..last])
    }

    /// Drops what is in the buffer: the stream was moved to this offset.
    pub(crate) fn forget(&mut self, offset: u64) {
        (self.start, self.end) = (0, 0);
        self.taken.set(offset);
    }

    /// Bytes taken since the beginning.
    pub(crate) fn offset(&self) -> u64 {
        self.taken.get()
    }
}

impl Read for Source {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end && buf.len() >= CHUNK {
            let got = self.inner.read(buf)?;
            self.taken.set(self.taken.get() + got as u64);
            return Ok(got);
        }
        let held = self.fill_buf()?;
        let count = held.len().min(buf.len());
        buf[..count].copy_from_slice(&held[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Source {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            self.end = self.inner.read(&mut self.buffer)?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        self.taken.set(self.taken.get() + count as u64);
    }
}
