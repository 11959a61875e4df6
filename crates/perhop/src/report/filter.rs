//! Wireshark display filters that show the packets of flows.

use std::collections::BTreeSet;
use std::net::IpAddr;

use perhop_policy::Dscp;

use crate::report::FlowView;

/// Flows that are named one by one in a filter; more are named by their addresses and ports.
const MOST: usize = 4;

/// Shows this direction of a flow and nothing else.
pub(crate) fn flow(flow: &FlowView) -> String {
    let ip = family(flow.src);
    let mut filter = format!("{ip}.src == {} && {ip}.dst == {}", flow.src, flow.dst);
    if has_ports(flow) {
        let proto = &flow.proto;
        filter.push_str(&format!(
            " && {proto}.srcport == {} && {proto}.dstport == {}",
            flow.src_port, flow.dst_port
        ));
    }
    filter
}

/// Shows the packets of several flows, of those only the ones that do not carry `expected`; `None` for no flows.
pub(crate) fn flows(flows: &[&FlowView], expected: Option<Dscp>) -> Option<String> {
    let first = flows.first()?;
    let all = if let [only] = flows {
        flow(only)
    } else if flows.len() <= MOST {
        let each: Vec<String> = flows.iter().map(|one| format!("({})", flow(one))).collect();
        format!("({})", each.join(" || "))
    } else {
        together(flows)
    };
    let one_family = flows
        .iter()
        .all(|one| one.src.is_ipv4() == first.src.is_ipv4());
    Some(match expected {
        Some(dscp) if one_family => {
            let field = if first.src.is_ipv4() {
                "ip.dsfield.dscp"
            } else {
                "ipv6.tclass.dscp"
            };
            format!("{all} && {field} != {}", dscp.value())
        }
        _ => all,
    })
}

/// By the addresses and ports that occur, which may show a little more.
fn together(flows: &[&FlowView]) -> String {
    let mut families = Vec::new();
    for v4 in [true, false] {
        let of: Vec<&&FlowView> = flows.iter().filter(|one| one.src.is_ipv4() == v4).collect();
        let Some(first) = of.first() else { continue };
        let ip = family(first.src);
        let mut filter = format!(
            "{ip}.src in {} && {ip}.dst in {}",
            set(of.iter().map(|one| one.src)),
            set(of.iter().map(|one| one.dst))
        );
        let protocols: BTreeSet<&str> = of.iter().map(|one| one.proto.as_str()).collect();
        if protocols.len() == 1 && has_ports(first) {
            let proto = &first.proto;
            filter.push_str(&format!(
                " && {proto}.srcport in {} && {proto}.dstport in {}",
                set(of.iter().map(|one| one.src_port)),
                set(of.iter().map(|one| one.dst_port))
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
fn set<T: Ord + ToString>(values: impl Iterator<Item = T>) -> String {
    let values: BTreeSet<T> = values.collect();
    let texts: Vec<String> = values.iter().map(T::to_string).collect();
    format!("{{{}}}", texts.join(", "))
}

fn has_ports(flow: &FlowView) -> bool {
    matches!(flow.proto.as_str(), "udp" | "tcp") && (flow.src_port, flow.dst_port) != (0, 0)
}

const fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "ip" } else { "ipv6" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Tone;

    fn one(src: &str, src_port: u16) -> FlowView {
        FlowView {
            proto: "udp".into(),
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
            packets: 1,
            verdict: ("ok", Tone::Good),
            rule: None,
            class: None,
            expected: Vec::new(),
            seen: Vec::new(),
            evidence: Vec::new(),
        }
    }

    #[test]
    fn few_flows_are_named_and_many_are_summed_up() {
        let (a, b) = (one("192.0.2.1", 1), one("2001:db8::1", 2));
        assert_eq!(
            flows(&[&a], Some(Dscp::EF)).unwrap(),
            "ip.src == 192.0.2.1 && ip.dst == 192.0.2.2 && udp.srcport == 1 && udp.dstport == 9 && ip.dsfield.dscp != 46"
        );
        assert_eq!(
            flows(&[&a, &b], Some(Dscp::EF)).unwrap(),
            "((ip.src == 192.0.2.1 && ip.dst == 192.0.2.2 && udp.srcport == 1 && udp.dstport == 9) || \
             (ipv6.src == 2001:db8::1 && ipv6.dst == 2001:db8::2 && udp.srcport == 2 && udp.dstport == 9))"
        );
        let many: Vec<FlowView> = (1..6).map(|port| one("192.0.2.1", port)).collect();
        let many: Vec<&FlowView> = many.iter().collect();
        assert_eq!(
            flows(&many, Some(Dscp::AF41)).unwrap(),
            "ip.src in {192.0.2.1} && ip.dst in {192.0.2.2} && udp.srcport in {1, 2, 3, 4, 5} && udp.dstport in {9} \
             && ip.dsfield.dscp != 34"
        );
        assert_eq!(flows(&[], None), None);
    }
}
