//! Who is speaking and who leaves: source descriptions and goodbyes.

/// Item type of a canonical name (RFC 3550 section 6.5.1).
pub const CNAME: u8 = 1;

/// Iterator over the chunks of a source description (RFC 3550 section 6.5).
#[derive(Debug, Clone)]
pub struct Chunks<'a> {
    rest: &'a [u8],
    left: u8,
}

impl<'a> Chunks<'a> {
    pub(super) const fn new(rest: &'a [u8], left: u8) -> Self {
        Self { rest, left }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (ssrc, items) = self.rest.split_first_chunk::<4>()?;
        let mut walk = Items { rest: items };
        while walk.next().is_some() {}
        let used = items.len() - walk.rest.len();
        let end = (used / 4 + 1) * 4;
        self.rest = items.get(end..).unwrap_or_default();
        Some(Chunk {
            ssrc: u32::from_be_bytes(*ssrc),
            items: Items {
                rest: items.get(..end).unwrap_or(items),
            },
        })
    }
}

/// A source and what is said of it.
#[derive(Debug, Clone)]
pub struct Chunk<'a> {
    /// The source.
    pub ssrc: u32,
    /// Its items.
    pub items: Items<'a>,
}

impl<'a> Chunk<'a> {
    /// The canonical name, usually UTF-8.
    #[must_use]
    pub fn cname(&self) -> Option<&'a [u8]> {
        let mut items = self.items.clone();
        items.find(|(kind, _)| *kind == CNAME).map(|(_, text)| text)
    }
}

/// Iterator over the items of a chunk: type and text.
#[derive(Debug, Clone)]
pub struct Items<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Items<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[kind, len], after) = self.rest.split_first_chunk::<2>()?;
        if kind == 0 {
            return None;
        }
        let (text, rest) = after.split_at_checked(usize::from(len))?;
        self.rest = rest;
        Some((kind, text))
    }
}

/// A goodbye (RFC 3550 section 6.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bye<'a> {
    body: &'a [u8],
    count: u8,
}

impl<'a> Bye<'a> {
    pub(super) const fn new(body: &'a [u8], count: u8) -> Self {
        Self { body, count }
    }

    /// The sources that leave.
    pub fn sources(&self) -> impl Iterator<Item = u32> + use<'a> {
        let (words, _) = self.body.as_chunks::<4>();
        words
            .iter()
            .take(usize::from(self.count))
            .map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// The reason given, usually UTF-8.
    #[must_use]
    pub fn reason(&self) -> Option<&'a [u8]> {
        let after = self.body.get(4 * usize::from(self.count)..)?;
        let (&len, text) = after.split_first()?;
        text.get(..usize::from(len))
    }
}
