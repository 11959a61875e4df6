//! Marks that devices of the network, and the packet filter of a host, put on.

use ipnet::IpNet;
use perhop_policy::Dscp;
use perhop_targets::network::model::{Service, Term};

use crate::place::Place;

/// Packets that one place of a configuration marks. The marks of a list are in the order in which it takes packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetMark {
    /// The language of the configuration.
    pub syntax: Syntax,
    /// The policy map, the filter, or the table and chain where packets come in.
    pub list: String,
    /// The class, the term, or the chain that marks.
    pub class: String,
    /// The hook of Linux' packet filter where packets come to the list, such as `output`; empty on devices.
    pub hook: String,
    /// Whether it is about IPv4, and about IPv6.
    pub families: [bool; 2],
    /// Sender's prefixes, any of which; none for every address.
    pub src: Vec<IpNet>,
    /// Receiver's prefixes, any of which; none for every address.
    pub dst: Vec<IpNet>,
    /// Protocols and ports, any of which; none for every packet.
    pub services: Vec<Service>,
    /// Packets that it does not take though they are of these: those that an earlier line denies.
    pub without: Vec<Term>,
    /// The marks that packets have when they come to it, any of which; none for every mark.
    pub arriving: Vec<Dscp>,
    /// The mark; `None` when the packets keep the one that they have.
    pub dscp: Option<Dscp>,
    /// Whether no later mark of the list is put on these packets.
    pub last: bool,
    /// Where packets come in; empty when the file does not say.
    pub interfaces: Vec<String>,
    /// The access list that names the packets, where that stands apart.
    pub access_list: Option<AccessList>,
}

/// A line of an access list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessList {
    /// The list's name.
    pub name: String,
    /// The line.
    pub place: Place,
    /// Whether the list has lines that deny, so that one put behind them all may take nothing.
    pub denies: bool,
}

/// The language of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Syntax {
    /// Cisco IOS and IOS XE, and what is written like them.
    CiscoIos,
    /// Cisco NX-OS.
    CiscoNxos,
    /// Arista EOS.
    AristaEos,
    /// HPE Aruba CX.
    ArubaCx,
    /// Junos.
    Junos,
    /// MikroTik RouterOS.
    MikroTik,
    /// VyOS.
    Vyos,
    /// Rules of Meraki switches.
    Meraki,
    /// nftables.
    Nft,
}

impl Syntax {
    /// Every language.
    pub const ALL: [Self; 9] = [
        Self::CiscoIos,
        Self::CiscoNxos,
        Self::AristaEos,
        Self::ArubaCx,
        Self::Junos,
        Self::MikroTik,
        Self::Vyos,
        Self::Meraki,
        Self::Nft,
    ];

    /// The target of perhop that writes it.
    #[must_use]
    pub const fn target(self) -> &'static str {
        match self {
            Self::CiscoIos => "cisco-ios",
            Self::CiscoNxos => "cisco-nxos",
            Self::AristaEos => "arista-eos",
            Self::ArubaCx => "aruba-cx",
            Self::Junos => "junos",
            Self::MikroTik => "mikrotik",
            Self::Vyos => "vyos",
            Self::Meraki => "meraki",
            Self::Nft => "linux-nft",
        }
    }
}

impl NetMark {
    /// A mark on every packet, without interfaces.
    #[must_use]
    pub fn new(syntax: Syntax, list: &str, class: &str, dscp: Option<Dscp>) -> Self {
        Self {
            syntax,
            list: list.to_owned(),
            class: class.to_owned(),
            hook: String::new(),
            families: [true; 2],
            src: Vec::new(),
            dst: Vec::new(),
            services: Vec::new(),
            without: Vec::new(),
            arriving: Vec::new(),
            dscp,
            last: true,
            interfaces: Vec::new(),
            access_list: None,
        }
    }

    /// Whether it takes every packet of a family that it is about.
    #[must_use]
    pub fn is_of_all(&self) -> bool {
        self.src.is_empty()
            && self.dst.is_empty()
            && self.services.is_empty()
            && self.without.is_empty()
            && self.arriving.is_empty()
    }

    /// `udp from 50000-50019, tcp from 50000-50019 to 5060`; `all, marked 46 (EF)`.
    #[must_use]
    pub fn services_text(&self) -> String {
        let mut text = services(&self.services);
        let marks: Vec<String> = self.arriving.iter().map(Dscp::to_string).collect();
        if !marks.is_empty() {
            text.push_str(&format!(", marked {}", marks.join(" or ")));
        }
        for without in &self.without {
            text.push_str(", not ");
            text.push_str(&services(&without.services));
            for (word, nets) in [("from", &without.src), ("to", &without.dst)] {
                for net in nets {
                    text.push_str(&format!(" {word} {net}"));
                }
            }
        }
        text
    }

    /// The mark, or `kept`.
    #[must_use]
    pub fn dscp_text(&self) -> String {
        self.dscp
            .map_or_else(|| "kept".to_owned(), |dscp| dscp.to_string())
    }

    /// `IPv4`, `IPv6` or `both`.
    #[must_use]
    pub const fn family_text(&self) -> &'static str {
        match self.families {
            [true, false] => "IPv4",
            [false, true] => "IPv6",
            _ => "both",
        }
    }
}

fn services(services: &[Service]) -> String {
    let mut parts = Vec::new();
    for service in services {
        let mut text = service.protocol.as_str().to_owned();
        for (word, ports) in [("from", service.src), ("to", service.dst)] {
            if let Some(ports) = ports {
                text.push_str(&format!(" {word} {ports}"));
            }
        }
        parts.push(text);
    }
    if parts.is_empty() {
        "all".to_owned()
    } else {
        parts.join(", ")
    }
}
