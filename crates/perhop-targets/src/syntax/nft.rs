//! nftables rule sets: words that are the program's own are `&'static str`, everything else is typed or quoted.

use std::fmt::Write as _;

use ipnet::IpNet;
use perhop_policy::{Dscp, PortRange, Protocol};

/// A word of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word<'a> {
    /// The program's own, as it stands.
    Own(&'static str),
    /// A name of a table, chain, map or counter: everything but letters, digits and `_` becomes `_`.
    Name(&'a str),
    /// `@` and a name.
    Map(&'a str),
    /// A quoted string: what a string cannot hold becomes `_`.
    Text(&'a str),
    /// Ports.
    Ports(PortRange),
    /// A prefix, or an address alone.
    Net(IpNet),
    /// A transport protocol.
    Protocol(Protocol),
    /// A mark.
    Dscp(Dscp),
    /// `{ a, b }`, or the one word alone.
    Set(Vec<Word<'a>>),
}

/// A file being written: LF lines, tabs.
#[derive(Debug, Clone, Default)]
pub struct Nft {
    out: String,
    depth: usize,
}

impl Nft {
    /// An empty file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A comment; control characters in it become spaces.
    pub fn comment(&mut self, text: &str) -> &mut Self {
        let clean: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        self.indent();
        let _ = writeln!(self.out, "# {}", clean.trim_end());
        self
    }

    /// An empty line.
    pub fn blank(&mut self) -> &mut Self {
        self.out.push('\n');
        self
    }

    /// A line of words, a space between them.
    pub fn line(&mut self, words: &[Word<'_>]) -> &mut Self {
        self.indent();
        self.words(words);
        self.out.push('\n');
        self
    }

    /// A line of words that opens a block; [`Nft::close`] ends it.
    pub fn open(&mut self, words: &[Word<'_>]) -> &mut Self {
        self.indent();
        self.words(words);
        self.out.push_str(" {\n");
        self.depth += 1;
        self
    }

    /// Ends a block.
    pub fn close(&mut self) -> &mut Self {
        self.depth = self.depth.saturating_sub(1);
        self.indent();
        self.out.push_str("}\n");
        self
    }

    /// The file.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.out.into_bytes()
    }

    fn indent(&mut self) {
        self.out.push_str(&"\t".repeat(self.depth));
    }

    fn words(&mut self, words: &[Word<'_>]) {
        for (index, word) in words.iter().enumerate() {
            if index > 0 && *word != Word::Own(";") && *word != Word::Own(",") {
                self.out.push(' ');
            }
            write_word(&mut self.out, word);
        }
    }
}

/// The name of a code point that every version of nft knows, or its number.
#[must_use]
pub fn dscp(dscp: Dscp) -> String {
    match dscp.name() {
        Some("DF") => "cs0".to_owned(),
        Some(name) if name == "EF" || name.starts_with("AF") || name.starts_with("CS") => {
            name.to_ascii_lowercase()
        }
        _ => dscp.value().to_string(),
    }
}

/// What [`dscp`] wrote.
#[must_use]
pub fn read_dscp(text: &str) -> Option<Dscp> {
    let found = Dscp::from_name(text).or_else(|| Dscp::try_new(text.parse().ok()?))?;
    (dscp(found) == text).then_some(found)
}

/// A name for a table, chain, map or counter.
#[must_use]
pub fn name(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    text.chars().map(plain).collect()
}

fn write_word(out: &mut String, word: &Word<'_>) {
    let _ = match word {
        Word::Own(text) => write!(out, "{text}"),
        Word::Name(text) => write!(out, "{}", name(text)),
        Word::Map(text) => write!(out, "@{}", name(text)),
        Word::Text(text) => {
            let bad = |c: char| c == '"' || c == '\\' || c.is_control();
            let clean: String = text.chars().map(|c| if bad(c) { '_' } else { c }).collect();
            write!(out, "\"{clean}\"")
        }
        Word::Ports(range) => write!(out, "{range}"),
        Word::Net(net) if net.prefix_len() == net.max_prefix_len() => write!(out, "{}", net.addr()),
        Word::Net(net) => write!(out, "{net}"),
        Word::Protocol(protocol) => write!(out, "{}", protocol.as_str()),
        Word::Dscp(value) => write!(out, "{}", dscp(*value)),
        Word::Set(words) => {
            if let [one] = &words[..] {
                write_word(out, one);
                return;
            }
            out.push_str("{ ");
            for (index, word) in words.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_word(out, word);
            }
            write!(out, " }}")
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_names_that_old_versions_know() {
        let text = |value| dscp(Dscp::try_new(value).unwrap());
        assert_eq!([46, 34, 40, 0].map(text), ["ef", "af41", "cs5", "cs0"]);
        assert_eq!([44, 1, 45, 63].map(text), ["44", "1", "45", "63"]);
        for value in 0..64 {
            assert_eq!(read_dscp(&text(value)), Dscp::try_new(value));
        }
        for bad in ["EF", "64", "0x2e", "df", "0", "046", ""] {
            assert_eq!(read_dscp(bad), None, "{bad}");
        }
    }

    #[test]
    fn values_stay_in_their_words() {
        let mut file = Nft::new();
        file.comment("a\nflush ruleset");
        file.open(&[Word::Own("table inet"), Word::Name("x; flush \u{fc}")]);
        file.line(&[Word::Own("iifname"), Word::Text("a\"; drop\n")]);
        file.close();
        assert_eq!(
            String::from_utf8(file.into_bytes()).unwrap(),
            "# a flush ruleset\ntable inet x__flush__ {\n\tiifname \"a_; drop_\"\n}\n"
        );
    }
}
