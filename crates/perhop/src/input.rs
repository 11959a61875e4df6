//! Captures as they lie about: plain, gzip, zstd or lz4, in a file or on stdin, read in one pass with bounded memory.

mod source;
mod unpack;

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::rc::Rc;

use crate::failure::Failure;

use source::Source;
use unpack::Unpack;

/// One capture, opened. Reading gives the uncompressed bytes.
pub(crate) struct Input {
    /// The path as it was given, or `<stdin>`.
    pub(crate) name: String,
    /// Size of the file in bytes as it is stored; `None` for a pipe.
    pub(crate) size: Option<u64>,
    /// `gzip`, `zstd` or `lz4`.
    pub(crate) compression: Option<&'static str>,
    taken: Rc<Cell<u64>>,
    body: Body,
    /// The same open file as the body reads.
    file: Option<File>,
}

enum Body {
    Plain(Source),
    Packed(Box<Unpack>),
}

impl Input {
    /// Opens a capture; `-` is stdin. Compression is told by the first bytes, never by the name.
    ///
    /// # Errors
    /// A file that cannot be opened or read.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let mut same = None;
        let (name, size, inner): (_, _, Box<dyn Read>) = if path == Path::new("-") {
            ("<stdin>".to_owned(), None, Box::new(io::stdin().lock()))
        } else {
            let file = File::open(path).map_err(|error| unreadable(path, &error))?;
            let meta = file.metadata().map_err(|error| unreadable(path, &error))?;
            if meta.is_dir() {
                return Err(unreadable(path, &io::ErrorKind::IsADirectory.into()));
            }
            let size = meta.is_file().then_some(meta.len());
            same = file.try_clone().ok().filter(|_| meta.is_file());
            (path.display().to_string(), size, Box::new(file))
        };
        let input =
            Self::from_reader(name, size, inner).map_err(|error| unreadable(path, &error))?;
        Ok(Self {
            file: same,
            ..input
        })
    }

    fn from_reader(name: String, size: Option<u64>, inner: Box<dyn Read>) -> io::Result<Self> {
        let taken = Rc::new(Cell::new(0));
        let mut source = Source::new(inner, Rc::clone(&taken));
        let format = unpack::sniff(source.peek(4)?);
        let body = match format {
            None => Body::Plain(source),
            Some(_) => Body::Packed(Box::new(Unpack::new(source))),
        };
        Ok(Self {
            name,
            size,
            compression: format.map(unpack::Format::as_str),
            taken,
            body,
            file: None,
        })
    }

    /// The file and its size when it is a plain one, to be read anywhere; then say with [`Input::go_to`] where to go on.
    pub(crate) fn plain_file(&self) -> Option<(&File, u64)> {
        match self.body {
            Body::Plain(_) => self.file.as_ref().zip(self.size),
            Body::Packed(_) => None,
        }
    }

    /// Goes on reading a plain file at this offset.
    ///
    /// # Errors
    /// Those of the file.
    pub(crate) fn go_to(&mut self, offset: u64) -> io::Result<()> {
        if let (Body::Plain(source), Some(file)) = (&mut self.body, &mut self.file) {
            file.seek(SeekFrom::Start(offset))?;
            source.forget(offset);
        }
        Ok(())
    }

    /// Counts the stored bytes taken so far, as [`Input::size`] counts them; lives on its own.
    pub(crate) fn counter(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.taken)
    }
}

impl Read for Input {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match &mut self.body {
            Body::Plain(source) => source.read(buf),
            Body::Packed(unpack) => unpack.read(buf),
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::file("read the capture", path, error);
    match error.kind() {
        io::ErrorKind::IsADirectory => {
            failure.help("name the captures in it, such as `perhop flows folder/*.pcapng`")
        }
        io::ErrorKind::PermissionDenied => {
            failure.help("captures are often written by root: copy it, or change its owner")
        }
        _ => failure,
    }
}

#[cfg(test)]
mod tests;
