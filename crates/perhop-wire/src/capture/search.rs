//! Finding the start of a record in the middle of a capture, after damage or to share the work.

/// Records that must follow each other before a place counts as a start.
const CHAIN: usize = 8;

/// The longest record that a search believes in, its headers included.
pub(crate) const LONGEST: u32 = 262_144 + 4096;

/// The most that a search looks at from one place on.
pub(crate) const LOOKAHEAD: usize = CHAIN * (LONGEST as usize + 24);

/// What a record header in some place looks like.
pub(crate) enum Probe {
    /// Plausible; the record takes this many bytes.
    Record(usize),
    /// A record that cannot be anything else; no chain is needed.
    Certain,
    /// Not a record.
    Implausible,
    /// This many bytes are needed to tell.
    Needs(usize),
}

/// Whether a place is the start of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Eight plausible records follow each other from here, or as many as the capture has to its very end.
    Yes,
    /// It is not.
    No,
    /// This many bytes from here on are needed to tell, at most about 2.2 million.
    NeedMore(usize),
}

/// The result of a search for a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// The first start is this many bytes on.
    Found(usize),
    /// No start begins in this many bytes; they may be dropped. At least 1.
    NotIn(usize),
    /// This many bytes are needed to tell.
    NeedMore(usize),
    /// No start to the end of the capture.
    Nowhere,
}

/// Follows the chain of records from the first byte; `last` says that no bytes follow.
pub(crate) fn is_start(bytes: &[u8], last: bool, probe: &impl Fn(&[u8]) -> Probe) -> Start {
    chain(bytes, CHAIN, last, probe)
}

/// The same with another number of records that must follow each other.
#[inline]
pub(crate) fn chain(
    bytes: &[u8],
    links: usize,
    last: bool,
    probe: &impl Fn(&[u8]) -> Probe,
) -> Start {
    let mut at = 0;
    for found in 0..links {
        let rest = bytes.get(at..).unwrap_or_default();
        if last && rest.is_empty() {
            return if found == 0 { Start::No } else { Start::Yes };
        }
        match probe(rest) {
            Probe::Record(size) => at += size,
            Probe::Certain => return Start::Yes,
            Probe::Implausible => return Start::No,
            Probe::Needs(_) if last => return Start::No,
            Probe::Needs(size) => return Start::NeedMore(at + size),
        }
    }
    Start::Yes
}

/// Tries every place from the first byte on.
pub(crate) fn search(bytes: &[u8], last: bool, probe: &impl Fn(&[u8]) -> Probe) -> Search {
    for at in 0..bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        match is_start(rest, last, probe) {
            Start::Yes => return Search::Found(at),
            Start::No => {}
            Start::NeedMore(size) if at == 0 => return Search::NeedMore(size),
            Start::NeedMore(_) => return Search::NotIn(at),
        }
    }
    match (last, bytes.len()) {
        (true, _) => Search::Nowhere,
        (false, 0) => Search::NeedMore(1),
        (false, length) => Search::NotIn(length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records of a made-up format: `#`, size, content.
    fn probe(bytes: &[u8]) -> Probe {
        match *bytes {
            [] | [b'#'] => Probe::Needs(2),
            [b'#', size, ..] if size >= 2 => {
                let size = usize::from(size);
                if size <= bytes.len() {
                    Probe::Record(size)
                } else {
                    Probe::Needs(size)
                }
            }
            _ => Probe::Implausible,
        }
    }

    #[test]
    fn eight_in_a_row_are_a_start() {
        let records = b"#\x03a".repeat(8);
        assert_eq!(is_start(&records, false, &probe), Start::Yes);
        assert_eq!(is_start(&records[..21], false, &probe), Start::NeedMore(23));
        assert_eq!(is_start(&records[..21], true, &probe), Start::Yes);
        assert_eq!(is_start(&records[..20], true, &probe), Start::No);
        assert_eq!(is_start(&records[1..], false, &probe), Start::No);
    }

    #[test]
    fn the_search_drops_what_cannot_be_a_start() {
        let mut bytes = b"junk#\x04".to_vec();
        bytes.extend(b"#\x03a".repeat(8));
        assert_eq!(search(&bytes[..29], false, &probe), Search::NotIn(6));
        assert_eq!(search(&bytes, false, &probe), Search::Found(6));
        assert_eq!(search(b"junk", false, &probe), Search::NotIn(4));
        assert_eq!(search(b"junk", true, &probe), Search::Nowhere);
        assert_eq!(search(b"#", false, &probe), Search::NeedMore(2));
    }
}
