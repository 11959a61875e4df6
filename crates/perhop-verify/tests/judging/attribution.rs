//! Which rules a flow is under.

use perhop_policy::{AppMatch, PolicySet, Vantage};
use perhop_verify::attribute::{Basis, Proof};
use perhop_verify::flow::Flow;
use perhop_verify::report::verify;
use perhop_verify::tolerance::Tolerances;
use perhop_verify::verdict::{Judged, Note, Verdict};

use crate::fixture::*;

fn one(policy: &PolicySet, flow: Flow) -> Judged {
    judge(policy, &[flow]).flows[0].clone()
}

fn rule_of<'a>(policy: &'a PolicySet, judged: &Judged) -> (&'a str, Basis, Proof) {
    let attribution = judged.attribution.as_ref().expect("under a rule");
    let name = policy.rule(attribution.rule()).name.as_str();
    (name, attribution.basis, attribution.proof)
}

#[test]
fn a_client_is_told_by_its_source_port_and_a_server_by_its_own() {
    let policy = lync();
    let to = one(&policy, audio("10.1.0.1:20004", "10.2.0.1:49200", 46));
    assert_eq!(
        rule_of(&policy, &to),
        ("clients/audio", Basis::AsSent, Proof::Payload)
    );
    let back = one(&policy, video("10.2.0.1:58000", "10.1.0.1:20040", 34));
    assert_eq!(
        rule_of(&policy, &back),
        ("servers/video", Basis::AsSent, Proof::Payload)
    );
}

#[test]
fn an_edge_is_told_by_the_destination_port() {
    let policy = lync();
    let judged = one(&policy, audio("192.0.2.10:3478", "10.1.0.1:20004", 46));
    assert_eq!(
        rule_of(&policy, &judged),
        ("edge/audio-to-clients", Basis::AsSent, Proof::Payload)
    );
}

#[test]
fn a_place_hides_what_the_plan_places_nowhere() {
    let policy = lync();
    let judged = one(&policy, audio("192.0.2.10:20004", "10.1.0.1:20006", 46));
    let attribution = judged.attribution.unwrap();
    let names: Vec<&str> = attribution
        .rules
        .iter()
        .map(|one| policy.rule(one.rule).name.as_str())
        .collect();
    assert_eq!(names, ["edge/audio-to-clients"]);
}

#[test]
fn what_comes_back_from_a_foreign_relay_is_the_return_of_the_clients_rule() {
    let policy = PolicySet::try_new(teams_parts()).unwrap();
    let judged = one(&policy, audio("52.112.0.1:3479", "10.1.0.1:50003", 0));
    assert_eq!(
        rule_of(&policy, &judged),
        ("clients/teams/audio", Basis::Return, Proof::Payload)
    );
    assert_eq!(judged.verdict, Verdict::Unmarked);
    assert!(!judged.is_planned());
}

#[test]
fn a_peer_that_could_be_a_client_is_out_of_range_not_a_return() {
    let policy = PolicySet::try_new(teams_parts()).unwrap();
    let judged = one(&policy, audio("10.1.0.2:31000", "10.1.0.1:50003", 0));
    assert_eq!(
        (judged.verdict, judged.attribution),
        (Verdict::OutOfRange, None)
    );
}

#[test]
fn senders_outside_the_network_are_not_judged_as_planned() {
    let mut parts = lync_parts();
    parts.internal = vec!["10.0.0.0/8".parse().unwrap()];
    let policy = PolicySet::try_new(parts).unwrap();
    let outside = one(&policy, audio("203.0.113.5:50100", "198.51.100.1:50200", 0));
    assert_eq!(outside.verdict, Verdict::Unplanned);
    assert!(outside.has(Note::OutsideNetwork));
    let back = one(&policy, audio("203.0.113.5:50100", "10.1.0.1:20004", 0));
    assert_eq!(rule_of(&policy, &back).1, Basis::Return);
    let strangers = one(&policy, audio("203.0.113.5:50100", "198.51.100.1:20004", 0));
    assert_eq!(
        strangers.verdict,
        Verdict::Unplanned,
        "neither end is inside"
    );
    let placed = one(&policy, audio("192.0.2.10:3478", "10.1.0.1:20004", 0));
    assert_eq!(rule_of(&policy, &placed).0, "edge/audio-to-clients");
}

#[test]
fn the_payload_chooses_between_rules_with_different_marks() {
    let mut parts = lync_parts();
    parts
        .rules
        .push(rule("servers/video-low", SERVERS, 1, (20000, 20079), 34));
    let policy = PolicySet::try_new(parts).unwrap();
    let judged = one(&policy, video("10.1.0.1:20004", "10.2.0.1:58000", 34));
    assert_eq!(rule_of(&policy, &judged).0, "servers/video-low");
    assert_eq!(judged.expected, [dscp(34)]);
    let judged = one(&policy, audio("10.1.0.1:20004", "10.2.0.1:58000", 46));
    assert_eq!(rule_of(&policy, &judged).0, "clients/audio");
}

#[test]
fn what_nothing_tells_apart_is_ambiguous_and_any_mark_is_accepted() {
    let mut parts = lync_parts();
    let last = parts.rules.len() - 1;
    parts.rules[last].dscp = dscp(40);
    let policy = PolicySet::try_new(parts).unwrap();
    for mark in [46, 40] {
        let report = judge(&policy, &[audio("10.1.0.1:20004", "10.2.0.1:49200", mark)]);
        assert_eq!(report.flows[0].verdict, Verdict::Ok);
        assert_eq!(report.flows[0].expected, [dscp(40), dscp(46)]);
        assert_eq!(only(&report).code, "verify/ambiguous");
        assert!(report.as_planned());
    }
    let report = judge(&policy, &[audio("10.1.0.1:20004", "10.2.0.1:49200", 34)]);
    assert_eq!(report.flows[0].verdict, Verdict::Remarked);
}

#[test]
fn one_port_past_the_end_is_information() {
    let policy = lync();
    let report = judge(&policy, &[audio("10.2.0.1:57500", "10.1.0.1:20004", 46)]);
    assert_eq!(
        rule_of(&policy, &report.flows[0]),
        ("servers/audio", Basis::PastEnd, Proof::Payload)
    );
    assert_eq!(only(&report).code, "verify/past-range-end");
    let tolerances = Tolerances {
        ports_past_end: 0,
        ..Tolerances::default()
    };
    let flows = [audio("10.2.0.1:57500", "10.1.0.1:20004", 46)];
    let strict = verify(&policy, Vantage::Path, &flows, &tolerances);
    assert_eq!(strict.flows[0].verdict, Verdict::OutOfRange);
}

#[test]
fn past_the_end_needs_media_or_the_mark() {
    let policy = lync();
    let other = one(&policy, udp("10.2.0.1:57500", "10.1.0.1:9999", 0, 20));
    assert_eq!(other.verdict, Verdict::Unplanned);
    let marked = one(&policy, udp("10.2.0.1:57500", "10.1.0.1:9999", 46, 20));
    assert_eq!(marked.verdict, Verdict::Ok);
}

/// A port that the system hands out to anyone, in a range of 8348, does not make a DNS query a call.
#[test]
fn a_port_alone_does_not_prove_a_wide_or_dynamic_range() {
    let policy = lync();
    for flow in [
        udp("10.1.0.1:55556", "10.9.0.1:53", 0, 30),
        tcp("10.1.0.1:50123", "10.9.0.1:49700", 0, 30),
        udp("10.1.0.1:41000", "10.9.0.1:30303", 0, 120),
    ] {
        let judged = one(&policy, flow);
        assert_eq!(judged.verdict, Verdict::Unplanned);
        assert!(matches!(judged.notes[..], [Note::MaybeAnotherProgram(_)]));
    }
    let marked = one(&policy, udp("10.1.0.1:55556", "10.9.0.1:2000", 46, 30));
    assert_eq!(
        marked.verdict,
        Verdict::Ok,
        "but the planned mark is as planned"
    );
}

#[test]
fn a_narrow_low_range_is_judged_by_its_port_with_a_note() {
    let policy = lync();
    let judged = one(&policy, udp("10.1.0.1:20010", "10.9.0.1:7000", 0, 30));
    assert_eq!(rule_of(&policy, &judged).2, Proof::PortOnly);
    assert_eq!(judged.verdict, Verdict::Unmarked);
    assert!(judged.has(Note::PayloadUnknown));
    let query = one(&policy, udp("10.1.0.1:20010", "10.9.0.1:53", 0, 30));
    assert_eq!(query.verdict, Verdict::Unplanned, "another service's port");
}

#[test]
fn a_planned_peer_proves_what_the_payload_does_not() {
    let policy = lync();
    let sharing = one(&policy, tcp("10.1.0.1:42001", "10.2.0.1:41000", 24, 90));
    assert_eq!(
        rule_of(&policy, &sharing),
        ("clients/app-sharing", Basis::AsSent, Proof::Peer)
    );
    assert_eq!(sharing.verdict, Verdict::Ok);
    let server = one(&policy, tcp("10.2.0.1:41000", "10.1.0.1:42001", 0, 90));
    assert_eq!(rule_of(&policy, &server).2, Proof::Peer);
    assert_eq!(server.verdict, Verdict::Unmarked);
    let relayed = one(&policy, udp("10.1.0.1:20010", "198.51.100.7:3478", 0, 30));
    assert_eq!(rule_of(&policy, &relayed).2, Proof::Peer);
}

#[test]
fn a_placed_server_that_marks_everything_is_judged_whatever_it_sends() {
    let mut parts = lync_parts();
    parts.scopes[1].addresses = vec!["10.2.0.0/24".parse().unwrap()];
    let policy = PolicySet::try_new(parts.clone()).unwrap();
    let judged = one(&policy, udp("10.2.0.1:49300", "10.9.0.1:7000", 0, 30));
    assert_eq!(rule_of(&policy, &judged).2, Proof::Place);
    assert_eq!(judged.verdict, Verdict::Unmarked);
    let elsewhere = one(&policy, udp("10.3.0.1:49300", "10.9.0.1:7000", 0, 30));
    assert_eq!(elsewhere.verdict, Verdict::Unplanned);
    for rule in &mut parts.rules {
        rule.app = AppMatch::parse("AVMCUSvc.exe");
    }
    let policy = PolicySet::try_new(parts).unwrap();
    let judged = one(&policy, udp("10.2.0.1:49300", "10.9.0.1:7000", 0, 30));
    assert_eq!(
        judged.verdict,
        Verdict::Unplanned,
        "its process cannot be seen"
    );
}

#[test]
fn rtcp_belongs_to_the_stream_one_port_below() {
    let mut parts = lync_parts();
    parts.rules[1].src_ports = perhop_policy::SrcPorts(range(20039, 20079));
    parts.rules[0].src_ports = perhop_policy::SrcPorts(range(20000, 20038));
    let policy = PolicySet::try_new(parts).unwrap();
    for mark in [46, 34] {
        let judged = one(&policy, rtcp("10.1.0.1:20039", "10.2.0.1:49201", mark));
        assert_eq!(judged.verdict, Verdict::Ok, "{mark}");
    }
    let alone = one(&policy, rtcp("10.1.0.1:31001", "10.2.0.1:49201", 46));
    assert_eq!(alone.verdict, Verdict::Unplanned);
    assert!(alone.has(Note::RtcpAlone));
}

#[test]
fn the_network_marks_after_the_sender() {
    let mut parts = lync_parts();
    for rule in &mut parts.rules {
        rule.marker = perhop_policy::Marker::Network;
    }
    let policy = PolicySet::try_new(parts).unwrap();
    let flows = [audio("10.1.0.1:20004", "10.2.0.1:49200", 0)];
    let at = |vantage| verify(&policy, vantage, &flows, &Tolerances::default()).flows[0].verdict;
    assert_eq!(at(Vantage::Sender), Verdict::Ok);
    assert_eq!(at(Vantage::Path), Verdict::Unmarked);
}
