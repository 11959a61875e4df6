//! Wireshark display filters that show the packets of flows.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::IpAddr;

use perhop_policy::Dscp;
use perhop_verify::flow::FlowKey;

/// Flows that are named one by one in a filter; more are named by their addresses and ports.
const MOST: usize = 4;

/// Shows this direction of a flow and nothing else.
pub(crate) fn flow(key: &FlowKey) -> String {
    named(key) + &no_quotes(std::iter::once(*key))
}

/// Shows this direction of a flow, and errors that quote its packets.
fn named(key: &FlowKey) -> String {
    let ip = family(key.src);
    let mut filter = format!("{ip}.src == {} && {ip}.dst == {}", key.src, key.dst);
    if has_ports(key) {
        let proto = key.protocol_text();
        filter.push_str(&format!(
            " && {proto}.srcport == {} && {proto}.dstport == {}",
            key.src_port, key.dst_port
        ));
    }
    filter
}

/// Leaves out errors of ICMP: they have the addresses and ports of the packet that they quote beside their own.
fn no_quotes(keys: impl Iterator<Item = FlowKey> + Clone) -> String {
    let mut filter = String::new();
    for (v4, errors) in [(true, " && !icmp"), (false, " && !icmpv6")] {
        if keys
            .clone()
            .any(|key| key.src.is_ipv4() == v4 && has_ports(&key))
        {
            filter.push_str(errors);
        }
    }
    filter
}

/// Shows the packets of several flows, of those only the ones that do not carry `expected`; `None` for no flows.
pub(crate) fn flows(
    keys: impl ExactSizeIterator<Item = FlowKey> + Clone,
    expected: Option<Dscp>,
) -> Option<String> {
    let first = keys.clone().next()?;
    let all = if keys.len() == 1 {
        named(&first)
    } else if keys.len() <= MOST {
        let each: Vec<String> = keys
            .clone()
            .map(|one| format!("({})", named(&one)))
            .collect();
        format!("({})", each.join(" || "))
    } else {
        together(&keys)
    };
    let all = all + &no_quotes(keys.clone());
    let Some(dscp) = expected.map(Dscp::value) else {
        return Some(all);
    };
    let has = |v4: bool| keys.clone().any(|one| one.src.is_ipv4() == v4);
    let (v4, v6) = ("ip.dsfield.dscp", "ipv6.tclass.dscp");
    // A packet has only one of the fields, and none compares with a field that is not there.
    Some(match (has(true), has(false)) {
        (true, true) => format!("{all} && ({v4} != {dscp} || {v6} != {dscp})"),
        (true, false) => format!("{all} && {v4} != {dscp}"),
        (false, _) => format!("{all} && {v6} != {dscp}"),
    })
}

/// By the addresses and ports that occur, which may show a little more.
fn together(keys: &(impl Iterator<Item = FlowKey> + Clone)) -> String {
    let mut families = Vec::new();
    for v4 in [true, false] {
        let of = || keys.clone().filter(move |one| one.src.is_ipv4() == v4);
        let Some(first) = of().next() else { continue };
        let ip = family(first.src);
        let mut filter = format!(
            "{ip}.src in {} && {ip}.dst in {}",
            set(of().map(|one| one.src)),
            set(of().map(|one| one.dst))
        );
        if of().all(|one| one.protocol == first.protocol) && has_ports(&first) {
            let proto = first.protocol_text();
            filter.push_str(&format!(
                " && {proto}.srcport in {} && {proto}.dstport in {}",
                set(of().map(|one| one.src_port)),
                set(of().map(|one| one.dst_port))
            ));
        }
        families.push(filter);
    }
    match families.as_slice() {
        [one] => one.clone(),
        _ => format!("(({}))", families.join(") || (")),
    }
}

/// `{a, b, c}` in ascending order.
fn set<T: Ord + Display>(values: impl Iterator<Item = T>) -> String {
    let mut text = String::from("{");
    for (at, value) in values.collect::<BTreeSet<T>>().iter().enumerate() {
        if at > 0 {
            text.push_str(", ");
        }
        text.push_str(&value.to_string());
    }
    text.push('}');
    text
}

fn has_ports(key: &FlowKey) -> bool {
    matches!(key.protocol, 6 | 17) && (key.src_port, key.dst_port) != (0, 0)
}

const fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "ip" } else { "ipv6" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(src: &str, src_port: u16) -> FlowKey {
        FlowKey {
            protocol: 17,
            src: src.parse().unwrap(),
            src_port,
            dst: if src.contains(':') {
                "2001:db8::2"
            } else {
                "192.0.2.2"
            }
            .parse()
            .unwrap(),
            dst_port: 9,
        }
    }

    #[test]
    fn few_flows_are_named_and_many_are_summed_up() {
        let (a, b) = (one("192.0.2.1", 1), one("2001:db8::1", 2));
        assert_eq!(
            flows([a].into_iter(), Some(Dscp::EF)).unwrap(),
            "ip.src == 192.0.2.1 && ip.dst == 192.0.2.2 && udp.srcport == 1 && udp.dstport == 9 && !icmp \
             && ip.dsfield.dscp != 46"
        );
        assert_eq!(
            flows([a, b].into_iter(), Some(Dscp::EF)).unwrap(),
            "((ip.src == 192.0.2.1 && ip.dst == 192.0.2.2 && udp.srcport == 1 && udp.dstport == 9) || \
             (ipv6.src == 2001:db8::1 && ipv6.dst == 2001:db8::2 && udp.srcport == 2 && udp.dstport == 9)) \
             && !icmp && !icmpv6 && (ip.dsfield.dscp != 46 || ipv6.tclass.dscp != 46)"
        );
        let many: Vec<FlowKey> = (1..6).map(|port| one("192.0.2.1", port)).collect();
        assert_eq!(
            flows(many.into_iter(), Some(Dscp::AF41)).unwrap(),
            "ip.src in {192.0.2.1} && ip.dst in {192.0.2.2} && udp.srcport in {1, 2, 3, 4, 5} && udp.dstport in {9} \
             && !icmp && ip.dsfield.dscp != 34"
        );
        assert_eq!(flows([].into_iter(), None), None);
    }
}
