//! The algebra of overlaps: what a statement matches, as boxes that can be intersected and subtracted exactly.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::classify::FlowKey;
use crate::ports::PortRange;
use crate::rule::Statement;
use crate::selector::{AppMatch, Protocol, ProtocolMatch};

/// Address family of a box; a packet's two addresses are always of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressFamily {
    /// RFC 791.
    V4,
    /// RFC 8200.
    V6,
}

impl AddressFamily {
    /// The highest address as a number.
    #[must_use]
    pub const fn highest(self) -> u128 {
        match self {
            Self::V4 => u32::MAX as u128,
            Self::V6 => u128::MAX,
        }
    }

    /// The family of an address.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

/// A set of numbers as sorted, disjoint, inclusive intervals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intervals(Vec<(u128, u128)>);

impl Intervals {
    /// `first` to `last`, inclusive.
    #[must_use]
    pub fn new(first: u128, last: u128) -> Self {
        Self(vec![(first, last)])
    }

    /// All of these, inclusive, in any order and overlapping or not.
    #[must_use]
    pub fn of(ranges: impl IntoIterator<Item = (u128, u128)>) -> Self {
        let mut all: Vec<(u128, u128)> = ranges.into_iter().filter(|(a, b)| a <= b).collect();
        all.sort_unstable();
        let mut out: Vec<(u128, u128)> = Vec::new();
        for (first, last) in all {
            match out.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => out.push((first, last)),
            }
        }
        Self(out)
    }

    /// The intervals, ascending.
    #[must_use]
    pub fn as_slice(&self) -> &[(u128, u128)] {
        &self.0
    }

    /// Whether a number is in the set.
    #[must_use]
    pub fn contains(&self, value: u128) -> bool {
        self.0.iter().any(|(a, b)| *a <= value && value <= *b)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn intersection(&self, other: &Self) -> Self {
        let mut out = Vec::new();
        let (mut own, mut others) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some((a, b)), Some((c, d))) = (own.peek(), others.peek()) {
            let (first, last) = (*a.max(c), *b.min(d));
            if first <= last {
                out.push((first, last));
            }
            if b <= d {
                own.next();
            } else {
                others.next();
            }
        }
        Self(out)
    }

    fn difference(&self, other: &Self) -> Self {
        let mut out = Vec::new();
        for &(a, b) in &self.0 {
            let mut next = Some(a);
            let begins = other.0.partition_point(|(_, d)| *d < a);
            for &(c, d) in &other.0[begins..] {
                let Some(from) = next.filter(|_| c <= b) else {
                    break;
                };
                if c > from {
                    out.push((from, c - 1));
                }
                next = if d >= b { None } else { Some(d + 1) };
            }
            if let Some(from) = next {
                out.push((from, b));
            }
        }
        Self(out)
    }
}

/// Processes: those that `base` takes, less those that any of `except` takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apps {
    /// Taken.
    pub base: AppMatch,
    /// Left out; each is inside `base`.
    pub except: Vec<AppMatch>,
}

impl Apps {
    fn new(base: AppMatch, except: &[AppMatch]) -> Option<Self> {
        let mut kept: Vec<AppMatch> = Vec::new();
        for one in except {
            match base.intersection(one) {
                None => {}
                Some(meet) if meet.is_same(&base) => return None,
                Some(meet) if kept.iter().any(|one| one.is_same(&meet)) => {}
                Some(meet) => kept.push(meet),
            }
        }
        Some(Self { base, except: kept })
    }

    /// Whether a process is in the set.
    #[must_use]
    pub fn contains(&self, app: Option<&str>) -> bool {
        self.base.matches(app) && !self.except.iter().any(|one| one.matches(app))
    }

    fn intersection(&self, other: &Self) -> Option<Self> {
        let base = self.base.intersection(&other.base)?;
        let except: Vec<_> = self.except.iter().chain(&other.except).cloned().collect();
        Self::new(base, &except)
    }

    fn difference(&self, other: &Self) -> Vec<Self> {
        let mut out = Vec::new();
        let mut except = self.except.clone();
        except.push(other.base.clone());
        out.extend(Self::new(self.base.clone(), &except));
        for hole in &other.except {
            if let Some(base) = self.base.intersection(hole) {
                out.extend(Self::new(base, &self.except));
            }
        }
        out
    }
}

/// A product of one set per condition: packets of one address family that satisfy all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Family of both addresses.
    pub family: AddressFamily,
    /// Sending processes.
    pub apps: Apps,
    /// Bit 0 UDP, bit 1 TCP.
    protocols: u8,
    /// Sender's addresses as numbers.
    pub src: Intervals,
    /// Receiver's addresses as numbers.
    pub dst: Intervals,
    /// Sender's ports.
    pub src_ports: Intervals,
    /// Receiver's ports.
    pub dst_ports: Intervals,
}

impl Space {
    /// What a statement matches, one box per address family.
    #[must_use]
    pub fn of(statement: &Statement) -> Vec<Self> {
        [AddressFamily::V4, AddressFamily::V6]
            .into_iter()
            .filter_map(|family| {
                Some(Self {
                    family,
                    apps: Apps::new(statement.app.clone(), &[])?,
                    protocols: match statement.protocol {
                        ProtocolMatch::Both => 3,
                        ProtocolMatch::Only(one) => bit(one),
                    },
                    src: addresses(family, statement.src)?,
                    dst: addresses(family, statement.dst)?,
                    src_ports: ports(statement.src_ports.0.span()),
                    dst_ports: ports(statement.dst_ports.0.span()),
                })
            })
            .collect()
    }

    /// Packets of any process between addresses and ports of a family; `None` when one of the sets is empty.
    #[must_use]
    pub fn of_packets(
        family: AddressFamily,
        protocol: ProtocolMatch,
        [src, dst]: [Intervals; 2],
        [src_ports, dst_ports]: [Intervals; 2],
    ) -> Option<Self> {
        let out = Self {
            family,
            apps: Apps::new(AppMatch::Any, &[])?,
            protocols: match protocol {
                ProtocolMatch::Both => 3,
                ProtocolMatch::Only(one) => bit(one),
            },
            src,
            dst,
            src_ports,
            dst_ports,
        };
        (!out.is_empty()).then_some(out)
    }

    /// Whether the packet of a key is inside.
    #[must_use]
    pub fn contains(&self, key: &FlowKey<'_>) -> bool {
        self.contains_unseen(key) && self.apps.contains(key.app)
    }

    /// Whether the packet is inside for at least one process that could have sent it.
    #[must_use]
    pub fn contains_unseen(&self, key: &FlowKey<'_>) -> bool {
        self.protocols & bit(key.protocol) != 0
            && self.src_ports.contains(u128::from(key.src_port))
            && self.dst_ports.contains(u128::from(key.dst_port))
            && self.family == AddressFamily::of(key.src)
            && self.family == AddressFamily::of(key.dst)
            && self.src.contains(number(key.src))
            && self.dst.contains(number(key.dst))
    }

    /// Whether protocol `protocol` is taken.
    #[must_use]
    pub const fn has_protocol(&self, protocol: Protocol) -> bool {
        self.protocols & bit(protocol) != 0
    }

    /// Whether the addresses of both ends are any of the family.
    #[must_use]
    pub fn is_any_address(&self) -> bool {
        let any = [(0, self.family.highest())];
        self.src.as_slice() == any && self.dst.as_slice() == any
    }

    /// Whether all other conditions than family and addresses are the same.
    #[must_use]
    pub fn is_same_but_for_addresses(&self, other: &Self) -> bool {
        self.apps == other.apps
            && self.protocols == other.protocols
            && self.src_ports == other.src_ports
            && self.dst_ports == other.dst_ports
    }

    /// Packets in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        if self.family != other.family {
            return None;
        }
        let out = Self {
            family: self.family,
            apps: self.apps.intersection(&other.apps)?,
            protocols: self.protocols & other.protocols,
            src: self.src.intersection(&other.src),
            dst: self.dst.intersection(&other.dst),
            src_ports: self.src_ports.intersection(&other.src_ports),
            dst_ports: self.dst_ports.intersection(&other.dst_ports),
        };
        (!out.is_empty()).then_some(out)
    }

    /// Packets here that are not in `other`, as disjoint boxes.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Vec<Self> {
        let Some(meet) = self.intersection(other) else {
            return vec![self.clone()];
        };
        let mut out = Vec::new();
        let mut rest = self.clone();
        rest.src_ports = cut(&mut out, &rest, &meet.src_ports, |s| &mut s.src_ports);
        rest.dst_ports = cut(&mut out, &rest, &meet.dst_ports, |s| &mut s.dst_ports);
        rest.src = cut(&mut out, &rest, &meet.src, |s| &mut s.src);
        rest.dst = cut(&mut out, &rest, &meet.dst, |s| &mut s.dst);
        if rest.protocols != meet.protocols {
            let mut piece = rest.clone();
            piece.protocols &= !meet.protocols;
            out.push(piece);
            rest.protocols = meet.protocols;
        }
        for apps in rest.apps.difference(&other.apps) {
            out.push(Self {
                apps,
                ..rest.clone()
            });
        }
        out
    }

    fn is_empty(&self) -> bool {
        self.protocols == 0
            || [&self.src, &self.dst, &self.src_ports, &self.dst_ports]
                .into_iter()
                .any(Intervals::is_empty)
    }
}

/// What is left of `spaces` without `taken`.
#[must_use]
pub fn subtract(spaces: Vec<Space>, taken: &[Space]) -> Vec<Space> {
    taken.iter().fold(spaces, |left, one| {
        left.iter()
            .flat_map(|space| space.difference(one))
            .collect()
    })
}

/// An address as a number within its family.
#[must_use]
pub fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// Puts the part of `rest` outside `keep` into `out`; returns the part inside.
fn cut(
    out: &mut Vec<Space>,
    rest: &Space,
    keep: &Intervals,
    side: fn(&mut Space) -> &mut Intervals,
) -> Intervals {
    let mut piece = rest.clone();
    let outside = side(&mut piece).difference(keep);
    if !outside.is_empty() {
        *side(&mut piece) = outside;
        out.push(piece);
    }
    keep.clone()
}

const fn bit(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Udp => 1,
        Protocol::Tcp => 2,
    }
}

fn ports(range: PortRange) -> Intervals {
    Intervals::new(u128::from(range.first()), u128::from(range.last()))
}

/// `None` when the prefix is of the other family.
fn addresses(family: AddressFamily, net: Option<IpNet>) -> Option<Intervals> {
    match net {
        None => Some(Intervals::new(0, family.highest())),
        Some(net) if AddressFamily::of(net.network()) == family => Some(Intervals::new(
            number(net.network()),
            number(net.broadcast()),
        )),
        Some(_) => None,
    }
}
