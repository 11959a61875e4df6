//! Values as most configurations write them, read back.

use std::net::IpAddr;

use ipnet::IpNet;
use perhop_policy::{PortRange, Protocol};

use crate::network::model::{Service, Term};

/// `udp` or `tcp`.
#[must_use]
pub fn protocol(text: &str) -> Option<Protocol> {
    [Protocol::Udp, Protocol::Tcp]
        .into_iter()
        .find(|one| one.as_str() == text)
}

/// `50000-50019`, with this character between, or `5060`.
#[must_use]
pub fn ports(text: &str, between: char) -> Option<PortRange> {
    match text.split_once(between) {
        None => Some(PortRange::single(text.parse().ok()?)),
        Some((first, last)) => PortRange::try_new(first.parse().ok()?, last.parse().ok()?),
    }
}

/// `10.0.0.0/8` or `10.0.0.1`.
#[must_use]
pub fn net(text: &str) -> Option<IpNet> {
    match text.contains('/') {
        true => text.parse().ok(),
        false => Some(text.parse::<IpAddr>().ok()?.into()),
    }
}

/// What a term of one service says, as text, where it says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    /// The protocol.
    pub protocol: &'static str,
    /// The sender's prefix.
    pub src: Option<String>,
    /// The receiver's prefix.
    pub dst: Option<String>,
    /// The sender's ports.
    pub src_ports: Option<String>,
    /// The receiver's ports.
    pub dst_ports: Option<String>,
}

impl Texts {
    /// The texts of a term; ranges with this character between.
    #[must_use]
    pub fn of(term: &Term, between: char) -> Self {
        let service = term.services[0];
        let net = |nets: &[IpNet]| nets.first().map(ToString::to_string);
        let ports = |range: Option<PortRange>| {
            range.map(|range| {
                range
                    .to_string()
                    .replace('-', between.encode_utf8(&mut [0; 4]))
            })
        };
        Self {
            protocol: service.protocol.as_str(),
            src: net(&term.src),
            dst: net(&term.dst),
            src_ports: ports(service.src),
            dst_ports: ports(service.dst),
        }
    }

    /// The term that has these texts.
    #[must_use]
    pub fn term(&self, between: char) -> Option<Term> {
        let nets = |text: &Option<String>| -> Option<Vec<IpNet>> {
            text.iter().map(|text| net(text)).collect()
        };
        let range = |text: &Option<String>| match text {
            None => Some(None),
            Some(text) => ports(text, between).map(Some),
        };
        Some(Term {
            src: nets(&self.src)?,
            dst: nets(&self.dst)?,
            services: vec![Service {
                protocol: protocol(self.protocol)?,
                src: range(&self.src_ports)?,
                dst: range(&self.dst_ports)?,
            }],
        })
    }

    /// The texts that a look-up by key gives.
    pub fn read<'a>(keys: [&str; 5], value: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let text = |key: &str| value(key).map(str::to_owned);
        Some(Self {
            protocol: protocol(value(keys[0])?)?.as_str(),
            src: text(keys[1]),
            dst: text(keys[2]),
            src_ports: text(keys[3]),
            dst_ports: text(keys[4]),
        })
    }

    /// The four texts besides the protocol, with words of the caller's, where there are any.
    pub fn with<W>(&self, words: [W; 4]) -> impl Iterator<Item = (W, &str)> {
        let texts = [&self.src, &self.dst, &self.src_ports, &self.dst_ports];
        words
            .into_iter()
            .zip(texts)
            .filter_map(|(word, text)| Some((word, text.as_deref()?)))
    }
}
