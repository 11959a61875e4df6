//! What a list of the network makes of packets: which mark they have behind it, as regions that do not overlap.

use std::collections::BTreeMap;

use ipnet::IpNet;
use perhop_policy::overlap::{AddressFamily, Intervals, Space, number, subtract};
use perhop_policy::{Dscp, PortRange, Protocol, ProtocolMatch};

use crate::fact::{NetMark, Service, Term};

/// Packets that a place of a list takes.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// Which.
    pub(crate) spaces: Vec<Space>,
    /// The marks that packets have when they come to it, any of which; none for every mark.
    pub(crate) arriving: Vec<Dscp>,
    /// The mark; `None` when they keep theirs.
    pub(crate) dscp: Option<Dscp>,
    /// Whether no later place of the list takes them.
    pub(crate) last: bool,
}

/// Packets with what became of them.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    /// The place that marked them, or else that took them and did not.
    pub(crate) by: usize,
    /// The mark.
    pub(crate) dscp: Option<Dscp>,
    /// The packets.
    pub(crate) space: Space,
}

/// The place that marked packets, or took them and did not, with the mark.
type State = Option<(usize, Option<Dscp>)>;

/// What lists do, one after the other, with packets that come with a mark, or with any: places are counted through all of
/// them. `None` when it takes too long to tell.
pub(crate) fn resolve(lists: &[Vec<Item>], arriving: Option<Dscp>) -> Option<Vec<Taken>> {
    let mut open: Vec<(State, Space)> = [AddressFamily::V4, AddressFamily::V6]
        .into_iter()
        .filter_map(|family| Some((None, every(family)?)))
        .collect();
    let mut work = 0usize;
    let mut by = 0;
    for list in lists {
        let mut closed = Vec::new();
        for item in list {
            for space in &item.spaces {
                let mut next = Vec::with_capacity(open.len() + 4);
                for (state, region) in open {
                    work = work.saturating_add(size(&region) + size(space));
                    let has = state.and_then(|(_, dscp)| dscp).or(arriving);
                    let fits = item.arriving.is_empty()
                        || has.is_none_or(|dscp| item.arriving.contains(&dscp));
                    let Some(meet) = region.intersection(space).filter(|_| fits) else {
                        next.push((state, region));
                        continue;
                    };
                    next.extend(
                        region
                            .difference(space)
                            .into_iter()
                            .map(|rest| (state, rest)),
                    );
                    let state = match (item.dscp, state) {
                        (Some(_), _) | (None, None) => Some((by, item.dscp)),
                        (None, marked) => marked,
                    };
                    let into = if item.last { &mut closed } else { &mut next };
                    into.push((state, meet));
                }
                open = next;
                if work > MOST_WORK || open.len() + closed.len() > MOST_REGIONS {
                    return None;
                }
            }
            by += 1;
        }
        open.append(&mut closed);
    }
    let taken = |(state, space): (State, Space)| state.map(|(by, dscp)| Taken { by, dscp, space });
    Some(open.into_iter().filter_map(taken).collect())
}

/// More than any device has.
const MOST_REGIONS: usize = 20_000;
/// More than one line of a list has.
const MOST_PIECES: usize = 2_000;
/// Intervals looked at.
const MOST_WORK: usize = 1 << 24;

fn size(space: &Space) -> usize {
    [&space.src, &space.dst, &space.src_ports, &space.dst_ports]
        .into_iter()
        .map(|set| set.as_slice().len())
        .sum::<usize>()
        + space.apps.except.len()
}

fn every(family: AddressFamily) -> Option<Space> {
    let any = || Intervals::new(0, family.highest());
    let ports = || Intervals::new(0, 65535);
    Space::of_packets(
        family,
        ProtocolMatch::Both,
        [any(), any()],
        [ports(), ports()],
    )
}

/// The packets of a mark; `None` when they are too many pieces.
pub(crate) fn spaces(mark: &NetMark) -> Option<Vec<Space>> {
    let mut out = Vec::new();
    for (family, is) in [AddressFamily::V4, AddressFamily::V6]
        .into_iter()
        .zip(mark.families)
    {
        if !is {
            continue;
        }
        let mut own = of(family, &mark.src, &mark.dst, &mark.services);
        for term in &mark.without {
            own = subtract(own, &of_term(family, term));
            if own.len() > MOST_PIECES {
                return None;
            }
        }
        out.extend(own);
    }
    Some(out)
}

/// A term without services is one of no packets.
fn of_term(family: AddressFamily, term: &Term) -> Vec<Space> {
    if term.services.is_empty() {
        return Vec::new();
    }
    of(family, &term.src, &term.dst, &term.services)
}

/// First and last.
type Range = (u128, u128);

/// Packets between prefixes of these services, or of all where there are none.
pub(crate) fn of(
    family: AddressFamily,
    src: &[IpNet],
    dst: &[IpNet],
    services: &[Service],
) -> Vec<Space> {
    let (src, dst) = (nets(family, src), nets(family, dst));
    let range = |range: Option<PortRange>| {
        range.map_or((0, 65535), |range| {
            (u128::from(range.first()), u128::from(range.last()))
        })
    };
    if services.is_empty() {
        let any = || Intervals::new(0, 65535);
        return Space::of_packets(family, ProtocolMatch::Both, [src, dst], [any(), any()])
            .into_iter()
            .collect();
    }
    // Services that differ in the sender's ports only are one box.
    let mut boxes: BTreeMap<(Protocol, Range), Vec<Range>> = BTreeMap::new();
    for service in services {
        let key = (service.protocol, range(service.dst));
        boxes.entry(key).or_default().push(range(service.src));
    }
    // So are those of the same sender's ports in both protocols, and to several ports.
    let mut merged: BTreeMap<Vec<Range>, BTreeMap<Range, Vec<Protocol>>> = BTreeMap::new();
    for ((protocol, dst), src) in boxes {
        let src = Intervals::of(src).as_slice().to_vec();
        let of = merged.entry(src).or_default().entry(dst).or_default();
        of.push(protocol);
    }
    let mut out = Vec::new();
    for (src_ports, dsts) in merged {
        let mut by_protocol: BTreeMap<Vec<Protocol>, Vec<Range>> = BTreeMap::new();
        for (dst, protocols) in dsts {
            by_protocol.entry(protocols).or_default().push(dst);
        }
        for (protocols, dsts) in by_protocol {
            let protocol = match protocols[..] {
                [one] => ProtocolMatch::Only(one),
                _ => ProtocolMatch::Both,
            };
            out.extend(Space::of_packets(
                family,
                protocol,
                [src.clone(), dst.clone()],
                [Intervals::of(src_ports.clone()), Intervals::of(dsts)],
            ));
        }
    }
    out
}

/// Every address without prefixes, none when they are all of the other family.
fn nets(family: AddressFamily, nets: &[IpNet]) -> Intervals {
    if nets.is_empty() {
        return Intervals::new(0, family.highest());
    }
    let own = nets
        .iter()
        .filter(|net| AddressFamily::of(net.network()) == family);
    Intervals::of(own.map(|net| (number(net.network()), number(net.broadcast()))))
}
