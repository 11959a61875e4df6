//! Packets that two conditions take, both of them.

use ipnet::IpNet;
use perhop_policy::{Dscp, PortRange, Protocol};
use perhop_targets::network::model::Service;

use crate::fact::NetMark;

/// The packets of both marks, as the first has them otherwise; `None` when there are none.
pub(crate) fn packets(one: &NetMark, other: &NetMark) -> Option<NetMark> {
    let families = [0, 1].map(|at| one.families[at] && other.families[at]);
    families.contains(&true).then_some(())?;
    Some(NetMark {
        families,
        src: nets(&one.src, &other.src)?,
        dst: nets(&one.dst, &other.dst)?,
        services: services(&one.services, &other.services)?,
        without: [&one.without[..], &other.without[..]].concat(),
        arriving: values::<Dscp>(&one.arriving, &other.arriving)?,
        interfaces: values(&one.interfaces, &other.interfaces)?,
        access_list: one
            .access_list
            .clone()
            .or_else(|| other.access_list.clone()),
        ..one.clone()
    })
}

/// Values of both lists, where an empty one is every value; `None` when they share none.
fn values<T: Clone + PartialEq>(a: &[T], b: &[T]) -> Option<Vec<T>> {
    if a.is_empty() || b.is_empty() {
        return Some([a, b].concat());
    }
    let out: Vec<T> = a.iter().filter(|one| b.contains(one)).cloned().collect();
    (!out.is_empty()).then_some(out)
}

/// Prefixes of both lists, where an empty one is every address; `None` when they share none.
pub(crate) fn nets(a: &[IpNet], b: &[IpNet]) -> Option<Vec<IpNet>> {
    if a.is_empty() || b.is_empty() {
        return Some([a, b].concat());
    }
    let mut out = Vec::new();
    for a in a {
        for b in b {
            let inner = match (a.contains(b), b.contains(a)) {
                (true, _) => b,
                (_, true) => a,
                _ => continue,
            };
            if !out.contains(inner) {
                out.push(*inner);
            }
        }
    }
    (!out.is_empty()).then_some(out)
}

/// Services of both lists, where an empty one is every packet; `None` when they share none.
pub(crate) fn services(a: &[Service], b: &[Service]) -> Option<Vec<Service>> {
    if a.is_empty() || b.is_empty() {
        return Some([a, b].concat());
    }
    let mut out = Vec::new();
    for a in a {
        for b in b {
            out.extend(service(a, b).filter(|one| !out.contains(one)));
        }
    }
    (!out.is_empty()).then_some(out)
}

/// What two services share.
pub(crate) fn service(a: &Service, b: &Service) -> Option<Service> {
    let ports = |a: Option<PortRange>, b: Option<PortRange>| match (a, b) {
        (Some(a), Some(b)) => a.intersection(b).map(Some),
        (one, other) => Some(one.or(other)),
    };
    (a.protocol == b.protocol).then_some(())?;
    Some(Service {
        protocol: a.protocol,
        src: ports(a.src, b.src)?,
        dst: ports(a.dst, b.dst)?,
    })
}

/// What conditions on protocols and ports take, where an empty list is no condition and `either` is of any end; no service
/// is every packet. `None` where no packet meets them all.
pub(crate) fn conditions(
    protocols: &[Protocol],
    [src, dst]: [&[PortRange]; 2],
    either: &[PortRange],
) -> Option<Vec<Service>> {
    if protocols.is_empty() && src.is_empty() && dst.is_empty() && either.is_empty() {
        return Some(Vec::new());
    }
    let any = |ports: &[PortRange]| match ports {
        [] => vec![None],
        ports => ports.iter().copied().map(Some).collect::<Vec<_>>(),
    };
    let protocols = match protocols {
        [] => &[Protocol::Udp, Protocol::Tcp],
        some => some,
    };
    let meet = |one: Option<PortRange>, other: PortRange| match one {
        None => Some(other),
        Some(range) => range.intersection(other),
    };
    let mut out = Vec::new();
    for protocol in protocols.iter().copied() {
        for src in any(src) {
            for dst in any(dst) {
                let mut add = |src, dst| out.push(Service { protocol, src, dst });
                if either.is_empty() {
                    add(src, dst);
                }
                for one in either {
                    if let Some(src) = meet(src, *one) {
                        add(Some(src), dst);
                    }
                    if let Some(dst) = meet(dst, *one) {
                        add(src, Some(dst));
                    }
                }
            }
        }
    }
    (!out.is_empty()).then_some(out)
}
