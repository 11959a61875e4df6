//! Laws: traffic made from a plan has no finding, and one wrong mark gives exactly one.

use perhop_policy::{DstPorts, PolicySet, PortMatch, Rule, SrcPorts, Vantage};
use perhop_verify::flow::Flow;
use perhop_verify::report::verify;
use perhop_verify::stream::MediaType;
use perhop_verify::tolerance::Tolerances;
use perhop_verify::verdict::Verdict;
use proptest::prelude::*;

use crate::fixture::*;

/// A plan with ranges and marks of its own: three client ranges and three server ranges, disjoint, marks different.
pub(crate) fn plans() -> impl Strategy<Value = PolicySet> {
    (
        1024u16..12_000,
        proptest::array::uniform3(4u16..200),
        proptest::array::uniform3(0u16..50),
        15_000u16..40_000,
        proptest::array::uniform3(100u16..8000),
        proptest::sample::subsequence((1u8..64).collect::<Vec<_>>(), 3),
    )
        .prop_map(|(client, widths, gaps, server, server_widths, marks)| {
            let mut parts = lync_parts();
            for (class, mark) in parts.classes.iter_mut().zip(&marks) {
                class.dscp = dscp(*mark);
            }
            parts.rules.truncate(6);
            let mut next = client;
            for (rule, ((width, gap), mark)) in parts
                .rules
                .iter_mut()
                .zip(widths.iter().zip(&gaps).zip(&marks))
            {
                let last = next + width;
                change(rule, next, last, *mark);
                next = last + 2 + gap;
            }
            let mut next = server;
            for (rule, (width, mark)) in parts.rules[3..]
                .iter_mut()
                .zip(server_widths.iter().zip(&marks))
            {
                let last = next + width;
                change(rule, next, last, *mark);
                next = last + 2;
            }
            let edge = parts.rules[..3].iter().map(|rule| Rule {
                name: format!("edge/{}", rule.name),
                scope: EDGE,
                dst_ports: DstPorts(rule.src_ports.0),
                src_ports: SrcPorts(PortMatch::Any),
                ..rule.clone()
            });
            let edge: Vec<Rule> = edge.collect();
            parts.rules.extend(edge);
            PolicySet::try_new(parts).unwrap()
        })
}

fn change(rule: &mut Rule, first: u16, last: u16, mark: u8) {
    rule.src_ports = SrcPorts(range(first, last));
    rule.dscp = dscp(mark);
}

/// What one flow is made from: which rule, where in its range, which host, how long.
pub(crate) type Seed = (usize, u16, u8, u64);

/// Sender and receiver of a flow under a rule.
pub(crate) fn ends(rule: &Rule, (_, offset, host, _): &Seed) -> (String, String) {
    let within = |ports: PortMatch| {
        let span = ports.span();
        span.first() + u16::try_from(u32::from(*offset) % span.count()).unwrap()
    };
    let (client, server) = (format!("10.1.0.{host}"), format!("10.2.0.{host}"));
    let peer = format!("9{:03}", offset % 1000);
    match rule.scope {
        EDGE => (
            "192.0.2.10:3478".to_owned(),
            format!("{client}:{}", within(rule.dst_ports.0)),
        ),
        SERVERS => (
            format!("{server}:{}", within(rule.src_ports.0)),
            format!("{client}:{peer}"),
        ),
        _ => (
            format!("{client}:{}", within(rule.src_ports.0)),
            format!("{server}:{peer}"),
        ),
    }
}

fn traffic(policy: &PolicySet, seeds: &[Seed]) -> Vec<Flow> {
    let mut flows: Vec<Flow> = Vec::new();
    for seed in seeds {
        let rule = &policy.rules()[seed.0 % policy.rules().len()];
        let (src, dst) = ends(rule, seed);
        let media = [MediaType::Audio, MediaType::Video, MediaType::Application];
        let media = media[usize::from(rule.class.0)];
        let flow = rtp(media, &src, &dst, rule.dscp.value(), seed.3);
        if flows.iter().all(|known| known.key != flow.key) {
            flows.push(flow);
        }
    }
    flows
}

fn seeds() -> impl Strategy<Value = Vec<Seed>> {
    proptest::collection::vec((0usize..9, any::<u16>(), 1u8..20, 4u64..400), 1..20)
}

fn set_mark(flow: &mut Flow, mark: u8) {
    let packets = flow.packets;
    *flow = runs(flow.clone(), &[(mark, packets)]);
}

proptest! {
    #[test]
    fn planned_traffic_has_no_finding_and_one_wrong_mark_gives_one(
        policy in plans(),
        seeds in seeds(),
        which in any::<prop::sample::Index>(),
        mark in 0u8..64,
        vantage in prop::sample::select(vec![Vantage::Sender, Vantage::Path, Vantage::Receiver]),
    ) {
        let mut flows = traffic(&policy, &seeds);
        let tolerances = Tolerances::default();
        let report = verify(&policy, vantage, &flows, &tolerances);
        prop_assert!(report.findings.is_empty(), "{:#?}", report.findings);
        prop_assert!(report.flows.iter().all(|one| one.verdict == Verdict::Ok));
        prop_assert!(report.as_planned());

        let at = which.index(flows.len());
        let planned = flows[at].dscp.only().unwrap();
        prop_assume!(planned.value() != mark);
        set_mark(&mut flows[at], mark);
        let report = verify(&policy, vantage, &flows, &tolerances);
        prop_assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
        let finding = &report.findings[0];
        prop_assert_eq!(&finding.flows, &[at]);
        let code = if mark == 0 { "verify/unmarked" } else { "verify/remarked" };
        prop_assert_eq!(finding.code, code);
        prop_assert!(!report.as_planned());
        for (index, one) in report.flows.iter().enumerate() {
            prop_assert_eq!(one.verdict == Verdict::Ok, index != at);
        }
    }

    /// Verdicts do not depend on the order of the flows, and neither does what is found.
    #[test]
    fn order_does_not_matter(
        seeds in seeds(),
        marks in proptest::collection::vec(prop::sample::select(vec![46u8, 34, 24, 0, 40, 6, 2, 20]), 20),
        turn in 0usize..20,
    ) {
        let policy = lync();
        let mut flows = traffic(&policy, &seeds);
        for (flow, mark) in flows.iter_mut().zip(&marks) {
            set_mark(flow, *mark);
        }
        let one = judge(&policy, &flows);
        prop_assert_eq!(&judge(&policy, &flows), &one);
        let turn = turn % flows.len();
        flows.rotate_left(turn);
        let two = judge(&policy, &flows);
        let mut turned: Vec<_> = one.flows.iter().collect();
        turned.rotate_left(turn);
        prop_assert_eq!(two.flows.iter().collect::<Vec<_>>(), turned);
        prop_assert_eq!(&two.totals, &one.totals);
        let mut names = [causes(&one), causes(&two)];
        names.iter_mut().for_each(|list| list.sort_unstable());
        prop_assert_eq!(&names[0], &names[1]);
    }

    /// Sums of the summary are sums of the flows.
    #[test]
    fn the_summary_adds_up(seeds in seeds()) {
        let policy = lync();
        let flows = traffic(&policy, &seeds);
        let report = judge(&policy, &flows);
        let packets: u64 = flows.iter().map(|flow| flow.packets).sum();
        prop_assert_eq!(report.totals.packets, packets);
        prop_assert_eq!(report.classes.iter().map(|row| row.packets).sum::<u64>(), packets);
        prop_assert_eq!(report.classes.iter().map(|row| row.flows).sum::<u64>(), flows.len() as u64);
        for row in &report.classes {
            prop_assert_eq!(row.planned_share(), Some(1.0));
            prop_assert_eq!(row.dscp.total(), row.packets);
            prop_assert_eq!(row.verdicts.iter().map(|(_, flows)| flows).sum::<u64>(), row.flows);
        }
    }

    /// Any flow gets a verdict, and findings name flows that exist.
    #[test]
    fn nothing_panics(
        raw in proptest::collection::vec(
            (
                prop::sample::select(vec![17u8, 6, 1, 50]),
                any::<(u32, u32)>(),
                any::<(u16, u16)>(),
                proptest::collection::vec((0u8..64, 1u64..50), 1..4),
                0u8..5,
            ),
            0..20,
        ),
        places in any::<bool>(),
    ) {
        let mut parts = lync_parts();
        if places {
            parts.internal = vec!["0.0.0.0/1".parse().unwrap()];
            parts.scopes[1].addresses = vec!["0.0.0.0/2".parse().unwrap()];
        }
        let policy = PolicySet::try_new(parts).unwrap();
        let flows: Vec<Flow> = raw
            .iter()
            .map(|(protocol, (src, dst), (from, to), marks, kind)| {
                let src = format!("{}:{from}", std::net::Ipv4Addr::from(*src));
                let dst = format!("{}:{to}", std::net::Ipv4Addr::from(*dst));
                let base = match kind {
                    0 => audio(&src, &dst, 0),
                    1 => video(&src, &dst, 0),
                    2 => stun(&src, &dst, 0),
                    3 => rtcp(&src, &dst, 0),
                    _ => udp(&src, &dst, 0, 1),
                };
                let mut flow = runs(base, marks);
                if *kind > 1 {
                    flow.dscp_by_kind.clear();
                }
                flow.key.protocol = *protocol;
                flow
            })
            .collect();
        let report = judge(&policy, &flows);
        prop_assert_eq!(report.flows.len(), flows.len());
        for finding in &report.findings {
            prop_assert!(finding.flows.iter().all(|at| *at < flows.len()));
            prop_assert!(finding.flows.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
