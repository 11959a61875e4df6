//! Configuration of the IOS kind: commands, and those of a mode indented below the command that enters it. Words that are
//! the program's own are `&'static str`, everything else is typed; names keep only what a command line cannot act on.

use std::fmt::Write as _;

use ipnet::IpNet;
use perhop_policy::{PortRange, Protocol};

/// How addresses are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addresses {
    /// `any`, `host 192.0.2.1`, `192.0.2.0 0.0.0.255`; prefixes in IPv6 (IOS).
    Wildcard,
    /// `any`, `host 192.0.2.1`, `192.0.2.0/24` (NX-OS, EOS).
    Prefix,
    /// `any`, `192.0.2.1`, `192.0.2.0/24` (AOS-CX).
    Bare,
}

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word<'a> {
    /// The program's own, as it stands.
    Own(&'static str),
    /// A name, a value or an interface: everything but letters, digits and `._/:@-` becomes `-`.
    Name(&'a str),
    /// A number.
    Number(u64),
    /// `15%`.
    Percent(u8),
    /// `range 1 2` or `eq 1`.
    Ports(PortRange),
    /// A protocol.
    Protocol(Protocol),
    /// An address, any without one.
    Address(Addresses, Option<IpNet>),
    /// `192.0.2.0 255.255.255.0` or `host 192.0.2.1`, as members of network groups are.
    Member(IpNet),
    /// The program's own, and right after it a value, which is kept as in a name: `src-port=50000-50019`.
    Joined(&'static str, &'a str),
    /// The program's own with a number in it, and right after it a value, which is kept as in a name: `sqm.PHQ_1.upload=20000`.
    Numbered(&'static str, u64, &'static str, &'a str),
}

/// A configuration being written: LF lines, one space a level.
#[derive(Debug, Clone)]
pub struct Config {
    out: String,
    mark: &'static str,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            out: String::new(),
            mark: "! ",
        }
    }
}

impl Config {
    /// An empty configuration.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty configuration whose comments begin with `#`.
    #[must_use]
    pub fn hash() -> Self {
        Self {
            mark: "# ",
            ..Self::default()
        }
    }

    /// A comment; what a console could act on becomes `_`.
    pub fn comment(&mut self, text: &str) -> &mut Self {
        let clean: String = text
            .chars()
            .map(|c| if is_harmless(c) { c } else { '_' })
            .collect();
        let _ = writeln!(self.out, "{}{}", self.mark, clean.trim_end());
        self
    }

    /// A command at a level.
    pub fn line(&mut self, level: usize, words: &[Word<'_>]) -> &mut Self {
        self.out.push_str(&" ".repeat(level));
        for (index, word) in words.iter().enumerate() {
            self.out.push_str(if index == 0 { "" } else { " " });
            write_word(&mut self.out, word);
        }
        self.out.push('\n');
        self
    }

    /// The text.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.out.into_bytes()
    }
}

/// Letters, digits and punctuation without a meaning on consoles (`?`, `!`, `|`, quotes and `^` have one).
fn is_harmless(c: char) -> bool {
    c.is_ascii_alphanumeric() || " .,:;()/@%+=_-".contains(c)
}

fn plain(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/:@-".contains(c);
    let kept = text.chars().map(|c| if plain(c) { c } else { '-' });
    kept.collect()
}

fn write_word(out: &mut String, word: &Word<'_>) {
    let _ = match word {
        Word::Own(text) => write!(out, "{text}"),
        Word::Name(text) => write!(out, "{}", plain(text)),
        Word::Joined(own, text) => write!(out, "{own}{}", plain(text)),
        Word::Numbered(own, number, more, text) => {
            write!(out, "{own}{number}{more}{}", plain(text))
        }
        Word::Number(number) => write!(out, "{number}"),
        Word::Percent(number) => write!(out, "{number}%"),
        Word::Ports(range) if range.count() == 1 => write!(out, "eq {}", range.first()),
        Word::Ports(range) => write!(out, "range {} {}", range.first(), range.last()),
        Word::Protocol(protocol) => write!(out, "{}", protocol.as_str()),
        Word::Address(_, None) => write!(out, "any"),
        Word::Address(form, Some(net)) => write_address(out, *form, *net),
        Word::Member(net) if net.prefix_len() == net.max_prefix_len() => {
            write!(out, "host {}", net.addr())
        }
        Word::Member(net) => write!(out, "{} {}", net.network(), net.netmask()),
    };
}

fn write_address(out: &mut String, form: Addresses, net: IpNet) -> std::fmt::Result {
    if net.prefix_len() == net.max_prefix_len() {
        let host = if form == Addresses::Bare { "" } else { "host " };
        return write!(out, "{host}{}", net.addr());
    }
    match (form, net) {
        (Addresses::Wildcard, IpNet::V4(net)) => {
            write!(out, "{} {}", net.network(), net.hostmask())
        }
        _ => write!(out, "{}/{}", net.network(), net.prefix_len()),
    }
}

/// A command that was read, with those below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node<'a> {
    /// The number of its line, from 1.
    pub line: usize,
    /// Its words.
    pub words: Vec<&'a str>,
    /// What is below it.
    pub below: Vec<Node<'a>>,
}

/// Reads commands by their indentation; comments and blank lines are passed over.
///
/// # Errors
/// A line that is indented by more than one level.
pub fn read(text: &str) -> Result<Vec<Node<'_>>, String> {
    let mut lines: Vec<(usize, usize, &str)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let command = line.trim_start_matches(' ');
        if !command.is_empty() && !command.starts_with(['!', '#']) {
            lines.push((number, line.len() - command.len(), command));
        }
    }
    let mut left = &lines[..];
    let out = below(&mut left, 0);
    match left.first() {
        None => Ok(out),
        Some((number, ..)) => Err(format!("line {number} is indented too far")),
    }
}

/// Reads commands by their indentation, whatever its steps are: what is indented by more than a command is below it.
#[must_use]
pub fn read_loose(text: &str) -> Vec<Node<'_>> {
    let mut open: Vec<(usize, Node<'_>)> = Vec::new();
    let mut out = Vec::new();
    fn close<'a>(open: &mut Vec<(usize, Node<'a>)>, out: &mut Vec<Node<'a>>, indent: usize) {
        while open.last().is_some_and(|(own, _)| *own >= indent) {
            let (_, node) = open.pop().expect("looked at");
            match open.last_mut() {
                Some((_, above)) => above.below.push(node),
                None => out.push(node),
            }
        }
    }
    for (line, own) in (1..).zip(text.lines()) {
        let command = own.trim_start();
        let words: Vec<&str> = command.split_ascii_whitespace().collect();
        if words.is_empty() || command.starts_with(['!', '#']) {
            continue;
        }
        let indent = own.len() - command.len();
        close(&mut open, &mut out, indent);
        // Deeper ones stay at the deepest level.
        let indent = if open.len() > DEEPEST {
            open.last().map_or(indent, |(last, _)| *last)
        } else {
            indent
        };
        close(&mut open, &mut out, indent);
        let below = Vec::new();
        open.push((indent, Node { line, words, below }));
    }
    close(&mut open, &mut out, 0);
    out
}

/// The commands at a level, as long as they come.
fn below<'a>(left: &mut &[(usize, usize, &'a str)], level: usize) -> Vec<Node<'a>> {
    let mut out = Vec::new();
    while let Some(&(line, own, command)) = left.first() {
        if own != level || level > DEEPEST {
            break;
        }
        *left = &left[1..];
        out.push(Node {
            line,
            words: command.split_ascii_whitespace().collect(),
            below: below(left, level + 1),
        });
    }
    out
}

/// Deeper modes than this are not written.
const DEEPEST: usize = 4;

/// The words of a command, taken from the front.
#[derive(Debug, Clone)]
pub struct Words<'a, 'b> {
    left: &'b [&'a str],
}

impl<'a, 'b> Words<'a, 'b> {
    /// All words of a command.
    #[must_use]
    pub fn new(words: &'b [&'a str]) -> Self {
        Self { left: words }
    }

    /// The next word.
    pub fn word(&mut self) -> Option<&'a str> {
        let (first, rest) = self.left.split_first()?;
        self.left = rest;
        Some(first)
    }

    /// The next word, which stays.
    #[must_use]
    pub fn peek(&self) -> Option<&'a str> {
        self.left.first().copied()
    }

    /// Takes the next word when it is this one.
    pub fn takes(&mut self, word: &str) -> bool {
        let is = self.left.first() == Some(&word);
        if is {
            self.left = &self.left[1..];
        }
        is
    }

    /// Whether there is no more.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// A protocol.
    pub fn protocol(&mut self) -> Option<Protocol> {
        let word = self.word()?;
        [Protocol::Udp, Protocol::Tcp]
            .into_iter()
            .find(|one| one.as_str() == word)
    }

    /// `range 1 2` or `eq 1`, when the next word is one of these; the outer `None` for wrong numbers.
    pub fn ports(&mut self) -> Option<Option<PortRange>> {
        if self.takes("eq") {
            Some(Some(PortRange::single(self.word()?.parse().ok()?)))
        } else if self.takes("range") {
            let first = self.word()?.parse().ok()?;
            let last = self.word()?.parse().ok()?;
            PortRange::try_new(first, last).map(Some)
        } else {
            Some(None)
        }
    }

    /// An address in a form; the inner `None` for any.
    pub fn address(&mut self, form: Addresses) -> Option<Option<IpNet>> {
        let word = self.word()?;
        match word {
            "any" => Some(None),
            "host" => Some(Some(self.word()?.parse::<std::net::IpAddr>().ok()?.into())),
            _ if word.contains('/') => Some(Some(word.parse().ok()?)),
            _ => {
                let address: std::net::IpAddr = word.parse().ok()?;
                if form == Addresses::Bare {
                    return Some(Some(address.into()));
                }
                let mask: std::net::Ipv4Addr = self.word()?.parse().ok()?;
                let mask = if form == Addresses::Wildcard {
                    std::net::Ipv4Addr::from(!u32::from(mask))
                } else {
                    mask
                };
                IpNet::with_netmask(address, mask.into()).ok().map(Some)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_in_their_words() {
        let mut config = Config::new();
        config.comment("a?\nreload ! `x` \u{fc}");
        config.line(1, &[Word::Own("class"), Word::Name("x y\n!")]);
        assert_eq!(
            String::from_utf8(config.into_bytes()).unwrap(),
            "! a__reload _ _x_ _\n class x-y--\n"
        );
    }

    #[test]
    fn addresses_read_back_in_every_form() {
        for form in [Addresses::Wildcard, Addresses::Prefix, Addresses::Bare] {
            for net in [
                "10.0.0.0/8",
                "192.0.2.1/32",
                "0.0.0.0/0",
                "2001:db8::/32",
                "2001:db8::1/128",
            ] {
                let net: IpNet = net.parse().unwrap();
                let mut config = Config::new();
                config.line(0, &[Word::Address(form, Some(net))]);
                let text = String::from_utf8(config.into_bytes()).unwrap();
                let nodes = read(&text).unwrap();
                let mut words = Words::new(&nodes[0].words);
                assert_eq!(words.address(form), Some(Some(net)), "{text}");
                assert!(words.is_empty());
            }
        }
        let nodes = read("10.0.0.0 255.0.0.255\n").unwrap();
        assert_eq!(
            Words::new(&nodes[0].words).address(Addresses::Wildcard),
            None
        );
    }

    #[test]
    fn levels_are_read() {
        let nodes = read("! x\na b\n c\n  d\n c\n\na\n").unwrap();
        assert_eq!(
            (
                nodes.len(),
                nodes[0].below.len(),
                nodes[0].below[0].below.len()
            ),
            (2, 2, 1)
        );
        assert_eq!(nodes[1].line, 7);
        assert!(read(" a\n").is_err());
        assert!(read("a\n  b\n").is_err());
    }
}
