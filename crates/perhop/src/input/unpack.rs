//! gzip members, zstd frames and lz4 frames, one after the other, as bytes.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;
use lz4_flex::frame::FrameDecoder as Lz4Decoder;
use ruzstd::decoding::{FrameDecoder as ZstdState, StreamingDecoder as ZstdDecoder};

use super::source::Source;

/// The compressions that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// The lz4 frame format, and its legacy form.
    Lz4,
    /// A frame of either of the last two that holds no data.
    Skippable,
}

impl Format {
    /// The name that reports use.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd | Self::Skippable => "zstd",
            Self::Lz4 => "lz4",
        }
    }
}

/// What the first four bytes say.
pub(crate) fn sniff(head: &[u8]) -> Option<Format> {
    match *head {
        [0x1f, 0x8b, ..] => Some(Format::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Format::Zstd),
        [0x04, 0x22, 0x4d, 0x18, ..] | [0x02, 0x21, 0x4c, 0x18, ..] => Some(Format::Lz4),
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Format::Skippable),
        _ => None,
    }
}

/// A reader of the uncompressed bytes. After an error it is at its end.
pub(crate) struct Unpack {
    stage: Stage,
    format: &'static str,
    /// Offset of the current member or frame in the stored file.
    began: u64,
}

enum Stage {
    Between(Source),
    Gzip(GzDecoder<Source>),
    Zstd(Box<ZstdDecoder<Source, ZstdState>>),
    Lz4(Lz4Decoder<Source>),
    Ended,
}

impl Unpack {
    /// From the first byte of the stored file.
    pub(crate) const fn new(source: Source) -> Self {
        Self {
            stage: Stage::Between(source),
            format: "",
            began: 0,
        }
    }

    /// Starts on the next member or frame; [`Stage::Ended`] when there is none.
    fn advance(&mut self, mut source: Source) -> io::Result<Stage> {
        self.began = source.offset();
        let head = source.peek(4)?;
        if head.is_empty() {
            return Ok(Stage::Ended);
        }
        let Some(format) = sniff(head) else {
            return trailing(source, self.format).map(|()| Stage::Ended);
        };
        if format != Format::Skippable {
            self.format = format.as_str();
        }
        match format {
            Format::Gzip => Ok(Stage::Gzip(GzDecoder::new(source))),
            Format::Lz4 => Ok(Stage::Lz4(Lz4Decoder::new(source))),
            Format::Zstd => ZstdDecoder::new_with_decoder(source, ZstdState::new())
                .map(|decoder| Stage::Zstd(Box::new(decoder)))
                .map_err(io::Error::other),
            Format::Skippable => skip_frame(&mut source).map(|()| Stage::Between(source)),
        }
    }

    fn damaged(&self, error: &io::Error) -> io::Error {
        if error.kind() == io::ErrorKind::Interrupted {
            return error.kind().into();
        }
        let what = match error.kind() {
            io::ErrorKind::UnexpectedEof => "it ends inside the compressed data".to_owned(),
            _ => error.to_string(),
        };
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "{} data is damaged in the part that begins at offset {} of the stored file: {what}",
                self.format, self.began
            ),
        )
    }
}

impl Read for Unpack {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            let got = match &mut self.stage {
                Stage::Between(_) => Ok(0),
                Stage::Gzip(decoder) => decoder.read(buf),
                Stage::Zstd(decoder) => decoder.read(buf),
                Stage::Lz4(decoder) => decoder.read(buf),
                Stage::Ended => return Ok(0),
            };
            let next = match got {
                Ok(0) => match std::mem::replace(&mut self.stage, Stage::Ended) {
                    Stage::Between(source) => self.advance(source),
                    Stage::Gzip(decoder) => Ok(Stage::Between(decoder.into_inner())),
                    Stage::Zstd(decoder) => Ok(Stage::Between(decoder.into_inner())),
                    Stage::Lz4(decoder) => Ok(Stage::Between(decoder.into_inner())),
                    Stage::Ended => Ok(Stage::Ended),
                },
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            match next {
                Ok(stage) => self.stage = stage,
                Err(error) => {
                    self.stage = Stage::Ended;
                    return Err(self.damaged(&error));
                }
            }
        }
    }
}

/// A frame for other programs: four bytes of magic, four of length, then that many (RFC 8878 section 3.1.2).
fn skip_frame(source: &mut Source) -> io::Result<()> {
    let mut head = [0; 8];
    source.read_exact(&mut head)?;
    let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    let mut left = u64::from(length);
    while left > 0 {
        let held = source.fill_buf()?.len();
        if held == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let count = held.min(usize::try_from(left).unwrap_or(usize::MAX));
        source.consume(count);
        left -= count as u64;
    }
    Ok(())
}

/// Zeros after the last member are padding, as tapes have it; anything else is damage.
fn trailing(mut source: Source, format: &str) -> io::Result<()> {
    loop {
        let held = source.fill_buf()?;
        if held.is_empty() {
            return Ok(());
        }
        if held.iter().any(|byte| *byte != 0) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("what follows the {format} data is not {format}"),
            ));
        }
        let count = held.len();
        source.consume(count);
    }
}
