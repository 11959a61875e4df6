//! One condition on a packet, written as a display filter or as a capture filter.

use ipnet::IpNet;

use super::boxes::{Addresses, HIGHEST_PORT, Packets, Set, highest_address, nets};

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expr {
    /// All of them.
    And(Vec<Expr>),
    /// Any of them.
    Or(Vec<Expr>),
    /// Not this one.
    Not(Box<Expr>),
    /// A port of a transport protocol.
    Ports {
        /// TCP, else UDP.
        tcp: bool,
        /// The receiver's, else the sender's.
        dst: bool,
        /// The ports.
        set: Set,
    },
    /// The transport protocol.
    Transport {
        /// TCP, else UDP.
        tcp: bool,
    },
    /// The address family.
    Family {
        /// IPv6, else IPv4.
        v6: bool,
    },
    /// An address.
    Net {
        /// IPv6, else IPv4.
        v6: bool,
        /// The receiver's, else the sender's.
        dst: bool,
        /// The addresses as numbers.
        set: Set,
    },
    /// One of these marks, ascending.
    Dscp(Vec<u8>),
    /// An ICMP message, which quotes another packet.
    Icmp {
        /// ICMPv6, else ICMP.
        v6: bool,
    },
}

impl Expr {
    /// Any of the boxes.
    pub(super) fn of(boxes: &[Packets]) -> Self {
        Self::Or(boxes.iter().map(Self::of_box).collect())
    }

    /// This and another.
    pub(super) fn and(self, other: Self) -> Self {
        match self.alone() {
            Self::And(mut all) => {
                all.push(other);
                Self::And(all)
            }
            one => Self::And(vec![one, other]),
        }
    }

    /// The one condition that this consists of.
    fn alone(self) -> Self {
        match self {
            Self::And(mut all) | Self::Or(mut all) if all.len() == 1 => all.remove(0).alone(),
            other => other,
        }
    }

    /// This, and not the other.
    pub(super) fn but_not(self, other: Self) -> Self {
        self.and(Self::Not(Box::new(other)))
    }

    fn of_box(one: &Packets) -> Self {
        let mut all = Vec::new();
        match &one.addresses {
            Addresses::Any => {}
            Addresses::Of { v6, src, dst } => {
                if src.is_none() && dst.is_none() {
                    all.push(Self::Family { v6: *v6 });
                }
                for (side, set) in [(false, src), (true, dst)] {
                    all.extend(set.clone().map(|set| Self::Net {
                        v6: *v6,
                        dst: side,
                        set,
                    }));
                }
            }
        }
        let transports = [(false, one.udp), (true, one.tcp)];
        let either = transports
            .into_iter()
            .filter(|(_, taken)| *taken)
            .map(|(tcp, _)| Self::transport(tcp, one));
        all.push(Self::Or(either.collect()));
        Self::And(all)
    }

    fn transport(tcp: bool, one: &Packets) -> Self {
        let sides = [(false, &one.src_ports), (true, &one.dst_ports)];
        let ports: Vec<Self> = sides
            .into_iter()
            .filter(|(_, set)| !set.is_all(HIGHEST_PORT))
            .map(|(dst, set)| Self::Ports {
                tcp,
                dst,
                set: set.clone(),
            })
            .collect();
        if ports.is_empty() {
            Self::Transport { tcp }
        } else {
            Self::And(ports)
        }
    }

    /// In Wireshark's display-filter language.
    pub(super) fn display(&self) -> String {
        self.write(&Display, false)
    }

    /// In libpcap's capture-filter language (pcap-filter(7)).
    pub(super) fn capture(&self) -> String {
        self.write(&Capture, false)
    }

    fn write(&self, language: &dyn Language, inner: bool) -> String {
        let join = |all: &[Self], word: &str, nothing: &str| match all {
            [] => nothing.to_owned(),
            [one] => one.write(language, inner),
            many => {
                let parts: Vec<String> = many.iter().map(|one| one.write(language, true)).collect();
                let text = parts.join(word);
                if inner { format!("({text})") } else { text }
            }
        };
        match self {
            Self::And(all) => join(all, " and ", language.always()),
            Self::Or(all) => join(all, " or ", language.never()),
            Self::Not(one) => format!("not ({})", one.write(language, false)),
            Self::Ports { tcp, dst, set } => language.ports(*tcp, *dst, set),
            Self::Transport { tcp } => transport(*tcp).to_owned(),
            Self::Family { v6 } => language.family(*v6).to_owned(),
            Self::Net { v6, dst, set } => addresses(language, *v6, *dst, set),
            Self::Dscp(values) if values.is_empty() => language.never().to_owned(),
            Self::Dscp(values) => language.dscp(values),
            Self::Icmp { v6 } => language.icmp(*v6).to_owned(),
        }
    }
}

/// Addresses as prefixes: those of the set, or those outside it when they are fewer.
fn addresses(language: &dyn Language, v6: bool, dst: bool, set: &Set) -> String {
    let inside = nets(v6, set);
    let outside = nets(v6, &set.complement(highest_address(v6)));
    if inside.len() <= outside.len() {
        return language.nets(v6, dst, &inside);
    }
    format!(
        "({} and not {})",
        language.family(v6),
        language.nets(v6, dst, &outside)
    )
}

trait Language {
    fn always(&self) -> &'static str;
    fn never(&self) -> &'static str;
    fn ports(&self, tcp: bool, dst: bool, set: &Set) -> String;
    fn family(&self, v6: bool) -> &'static str;
    fn nets(&self, v6: bool, dst: bool, nets: &[IpNet]) -> String;
    fn dscp(&self, values: &[u8]) -> String;
    fn icmp(&self, v6: bool) -> &'static str;
}

struct Display;
struct Capture;

impl Language for Display {
    fn always(&self) -> &'static str {
        "frame"
    }

    fn never(&self) -> &'static str {
        "not frame"
    }

    fn ports(&self, tcp: bool, dst: bool, set: &Set) -> String {
        let field = format!("{}.{}port", transport(tcp), side(dst));
        let parts = set.as_slice().iter().map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}..{last}")
            }
        });
        one_of(&field, parts.collect())
    }

    fn family(&self, v6: bool) -> &'static str {
        if v6 { "ipv6" } else { "ip" }
    }

    fn nets(&self, v6: bool, dst: bool, nets: &[IpNet]) -> String {
        let field = format!("{}.{}", self.family(v6), side(dst));
        one_of(&field, nets.iter().map(net_text).collect())
    }

    fn dscp(&self, values: &[u8]) -> String {
        let parts: Vec<String> = values.iter().map(u8::to_string).collect();
        format!(
            "({} or {})",
            one_of("ip.dsfield.dscp", parts.clone()),
            one_of("ipv6.tclass.dscp", parts)
        )
    }

    fn icmp(&self, v6: bool) -> &'static str {
        if v6 { "icmpv6" } else { "icmp" }
    }
}

impl Language for Capture {
    fn always(&self) -> &'static str {
        "(ip or ip6)"
    }

    fn never(&self) -> &'static str {
        "(ip and ip6)"
    }

    fn ports(&self, tcp: bool, dst: bool, set: &Set) -> String {
        let parts = set.as_slice().iter().map(|(first, last)| {
            let (transport, side) = (transport(tcp), side(dst));
            if first == last {
                format!("{transport} {side} port {first}")
            } else {
                format!("{transport} {side} portrange {first}-{last}")
            }
        });
        any(parts.collect())
    }

    fn family(&self, v6: bool) -> &'static str {
        if v6 { "ip6" } else { "ip" }
    }

    fn nets(&self, _: bool, dst: bool, nets: &[IpNet]) -> String {
        let side = side(dst);
        any(nets.iter().map(|net| format!("{side} net {net}")).collect())
    }

    fn dscp(&self, values: &[u8]) -> String {
        let parts = values.iter().map(|value| {
            let octet = u16::from(*value) << 2;
            format!(
                "(ip and ip[1] & 0xfc = {octet:#04x}) or (ip6 and ip6[0:2] & 0x0fc0 = {:#06x})",
                octet << 4
            )
        });
        any(parts.collect())
    }

    fn icmp(&self, v6: bool) -> &'static str {
        if v6 { "icmp6" } else { "icmp" }
    }
}

const fn transport(tcp: bool) -> &'static str {
    if tcp { "tcp" } else { "udp" }
}

const fn side(dst: bool) -> &'static str {
    if dst { "dst" } else { "src" }
}

/// A host without its prefix length.
fn net_text(net: &IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() {
        net.addr().to_string()
    } else {
        net.to_string()
    }
}

fn one_of(field: &str, parts: Vec<String>) -> String {
    match parts.as_slice() {
        [one] if !one.contains("..") => format!("{field} == {one}"),
        many => format!("{field} in {{{}}}", many.join(", ")),
    }
}

fn any(parts: Vec<String>) -> String {
    match parts.as_slice() {
        [one] if !one.contains(" or ") => one.clone(),
        many => format!("({})", many.join(" or ")),
    }
}
