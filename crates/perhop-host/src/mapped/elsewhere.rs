//! Systems where files are only read.

use std::fs::File;
use std::io;
use std::ops::Range;

/// A file seen as memory; on this system there is none.
#[derive(Debug)]
pub struct Mapped(std::convert::Infallible);

impl Mapped {
    /// Says that it is not supported here.
    ///
    /// # Errors
    /// Always [`io::ErrorKind::Unsupported`].
    pub fn new(_file: &File, _size: u64) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The bytes of the file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self.0 {}
    }

    /// Whether bytes were asked for that the file no longer has.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        match self.0 {}
    }

    /// Lets go of the memory of a part of the file.
    pub fn release(&self, _part: Range<u64>) {
        match self.0 {}
    }
}
