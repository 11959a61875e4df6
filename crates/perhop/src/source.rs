//! A plan's text, as read from its file, and places in it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use perhop_policy::Span;
use perhop_wire::capture::{CaptureReader, Other};

use crate::failure::{Failure, Outcome};

/// A plan larger than this is not a plan.
const MAX_PLAN_BYTES: u64 = 16 << 20;

/// A text and where it came from.
#[derive(Debug)]
pub(crate) struct Source {
    /// The path as it was given, or `<stdin>`.
    pub(crate) name: String,
    /// The text, without a byte-order mark; spans count its bytes.
    pub(crate) text: String,
    /// Bytes as they were read, for digests.
    pub(crate) bytes: Vec<u8>,
    /// Offset of each line's first byte.
    lines: Vec<usize>,
}

/// A place as people count: both from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// Line.
    pub(crate) line: usize,
    /// Column.
    pub(crate) column: usize,
}

impl Source {
    /// Reads a plan; `-` is stdin.
    ///
    /// # Errors
    /// A file that cannot be read, is too large or is not UTF-8.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let mut bytes = Vec::new();
        let name = if path == Path::new("-") {
            let taken = io::stdin().lock().take(MAX_PLAN_BYTES + 1);
            read_all(taken, &mut bytes)
                .map_err(|e| Failure::file("read", Path::new("<stdin>"), &e))?;
            "<stdin>".to_owned()
        } else {
            File::open(path)
                .and_then(|file| read_all(file.take(MAX_PLAN_BYTES + 1), &mut bytes))
                .map_err(|error| unreadable(path, &error))?;
            path.display().to_string()
        };
        if bytes.len() as u64 > MAX_PLAN_BYTES {
            return Err(Failure::wrong(format!(
                "`{name}` is larger than {} MiB: it is not a plan",
                MAX_PLAN_BYTES >> 20
            )));
        }
        let text = decode(&name, &bytes)?;
        Ok(Self::new(name, text, bytes))
    }

    /// A text under a name.
    pub(crate) fn new(name: String, text: String, bytes: Vec<u8>) -> Self {
        let lines = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            name,
            text,
            bytes,
            lines,
        }
    }

    /// Where a byte of the text is; one past the end for anything beyond.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let offset = floor_boundary(&self.text, offset);
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines[line - 1];
        Position {
            line,
            column: self.text[start..offset].chars().count() + 1,
        }
    }

    /// The line of a span, from 1.
    pub(crate) fn line(&self, span: Span) -> usize {
        self.position(span.start).line
    }

    /// `plan.toml:14:9`, as editors jump to.
    pub(crate) fn place(&self, span: Span) -> String {
        let Position { line, column } = self.position(span.start);
        format!("{}:{line}:{column}", self.name)
    }

    /// A span cut to the text, on character boundaries.
    pub(crate) fn range(&self, span: Span) -> std::ops::Range<usize> {
        let start = floor_boundary(&self.text, span.start);
        let end = floor_boundary(&self.text, span.end.max(start));
        start..end.max(start)
    }
}

fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

fn read_all(mut from: impl Read, into: &mut Vec<u8>) -> io::Result<()> {
    from.read_to_end(into).map(drop)
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::file("read the plan", path, error);
    match error.kind() {
        io::ErrorKind::NotFound => {
            failure.help("`perhop new --platform lync-2013 > plan.toml` writes one to begin with")
        }
        io::ErrorKind::IsADirectory => failure.help("give the plan file in that folder"),
        _ => failure,
    }
}

/// UTF-8 text without its byte-order mark.
fn decode(name: &str, bytes: &[u8]) -> Result<String, Failure> {
    let wrong = |message: String| Failure {
        outcome: Outcome::Wrong,
        ..Failure::wrong(message).help("save the plan as UTF-8")
    };
    if is_capture(bytes) {
        return Err(Failure::wrong(format!("`{name}` is a capture, not a plan"))
            .help("the plan comes first, and the captures after it"));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(wrong(format!("`{name}` is UTF-16, not UTF-8")));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let at = error.valid_up_to();
            let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            Err(wrong(format!(
                "`{name}` is not UTF-8: byte 0x{:02x} on line {line}, offset {at}",
                bytes[at]
            )))
        }
    }
}

/// Whether something that is no text begins as a capture does, compressed or not.
fn is_capture(bytes: &[u8]) -> bool {
    let is_text = || std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0'));
    let begins = bytes.first_chunk::<4>().is_some_and(|magic| {
        CaptureReader::is_magic(*magic)
            || matches!(Other::of(*magic), Other::Compressed(_) | Other::Foreign(_))
    });
    begins && !is_text()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::new("p".into(), text.into(), Vec::new())
    }

    #[test]
    fn places_count_characters_and_survive_nonsense() {
        let s = source("é = 1\r\nb = 2");
        assert_eq!(s.position(0), Position { line: 1, column: 1 });
        assert_eq!(s.position(3), Position { line: 1, column: 3 });
        assert_eq!(s.position(8), Position { line: 2, column: 1 });
        assert_eq!(s.position(9999), Position { line: 2, column: 6 });
        assert_eq!(s.range(Span::new(1, 1)), 0..0);
        assert_eq!(s.range(Span::new(8, 9999)), 8..13);
        assert_eq!(s.range(Span::new(9, 2)), 9..9);
        assert_eq!(source("").position(5), Position { line: 1, column: 1 });
    }

    #[test]
    fn a_capture_in_the_place_of_the_plan_is_recognised() {
        for magic in [
            &[0xd4, 0xc3, 0xb2, 0xa1, 2, 0][..],
            &[0x0a, 0x0d, 0x0d, 0x0a, 0, 0],
            &[0x1f, 0x8b, 8, 0],
        ] {
            let failure = decode("call.pcap", magic).unwrap_err();
            assert_eq!(failure.outcome, Outcome::Wrong);
            assert!(
                failure.to_string().contains("the plan comes first"),
                "{failure}"
            );
        }
        assert!(decode("p", b"\n\r\r\nplan = 1").is_ok());
    }

    #[test]
    fn a_byte_order_mark_is_not_text() {
        assert_eq!(decode("p", b"\xef\xbb\xbfa").unwrap(), "a");
        let error = decode("p", b"a = 1\nb = \xe9").unwrap_err();
        assert_eq!(
            error.message.unwrap(),
            "`p` is not UTF-8: byte 0xe9 on line 2, offset 10"
        );
        assert_eq!(error.outcome, Outcome::Wrong);
        assert!(
            decode("p", b"\xff\xfea\0")
                .unwrap_err()
                .message
                .unwrap()
                .contains("UTF-16")
        );
    }
}
