//! Which cause is named first, for the symptoms of uc-platforms section 14.

use perhop_policy::{AppMatch, Family, PolicySet, ProducerKind, Severity, Vantage};
use perhop_verify::finding::Layer;
use perhop_verify::flow::{Flow, PayloadKind};
use perhop_verify::report::verify;
use perhop_verify::stream::MediaType;
use perhop_verify::tolerance::Tolerances;
use perhop_wire::packet::Tunnel;

use crate::fixture::*;

/// A client's call with its server, both ends marked.
pub(crate) fn good_call(client: u8) -> [Flow; 2] {
    let client = format!("10.1.0.{client}:20004");
    [
        audio(&client, "10.2.0.1:49200", 46),
        audio("10.2.0.1:49200", &client, 46),
    ]
}

/// Code and first cause of each finding.
pub(crate) fn first(flows: &[Flow]) -> Vec<(&'static str, &'static str)> {
    causes(&judge(&lync(), flows))
}

#[test]
fn a_good_call_has_no_finding() {
    assert_eq!(first(&good_call(1)), []);
}

#[test]
fn one_host_without_mark_is_the_host() {
    let mut flows = good_call(1).to_vec();
    flows.push(audio("10.1.0.9:20008", "10.2.0.1:49202", 0));
    let report = judge(&lync(), &flows);
    let finding = only(&report);
    assert_eq!(
        (finding.code, finding.cause.name),
        ("verify/unmarked", "policy-not-on-host")
    );
    assert_eq!(finding.cause.layer, Layer::Host);
    assert_eq!(finding.flows, [2]);
    assert!(
        finding.message.contains("250 packets in 1 flow"),
        "{}",
        finding.message
    );
    let others: Vec<&str> = finding.alternatives.iter().map(|one| one.name).collect();
    assert_eq!(
        others,
        [
            "network-location-awareness",
            "executable-mismatch",
            "bleached-on-path"
        ]
    );
}

#[test]
fn one_flow_of_a_marking_host_is_another_process() {
    let mut flows = good_call(1).to_vec();
    flows.push(audio("10.1.0.1:20010", "192.0.2.51:3478", 0));
    assert_eq!(
        first(&flows),
        [("verify/unmarked", "another-process-or-adapter")]
    );
}

#[test]
fn only_one_direction_is_the_servers_policy() {
    let flows = [
        audio("10.1.0.1:20004", "10.2.0.1:49200", 46),
        audio("10.2.0.1:49200", "10.1.0.1:20004", 0),
    ];
    let report = judge(&lync(), &flows);
    assert_eq!(only(&report).cause.name, "one-direction");
    assert_eq!(only(&report).cause.layer, Layer::Delivery);
}

#[test]
fn a_whole_class_without_mark_is_delivery() {
    let mut flows = good_call(1).to_vec();
    for client in [1, 2] {
        let src = format!("10.1.0.{client}:20044");
        flows.push(video(&src, "10.2.0.3:58000", 0));
    }
    let report = judge(&lync(), &flows);
    assert_eq!(
        causes(&report),
        [("verify/unmarked", "policy-not-delivered")]
    );
    assert_eq!(only(&report).flows, [2, 3]);
}

#[test]
fn nothing_marked_at_all_is_one_finding() {
    let flows = [
        audio("10.1.0.1:20004", "10.2.0.1:49200", 0),
        audio("10.2.0.1:49200", "10.1.0.1:20004", 0),
        video("10.1.0.1:20044", "10.2.0.3:58000", 0),
    ];
    assert_eq!(first(&flows), [("verify/unmarked", "bleached-on-path")]);
    let sender = verify(&lync(), Vantage::Sender, &flows, &Tolerances::default());
    assert_eq!(
        causes(&sender),
        [("verify/unmarked", "policy-not-delivered")]
    );
    let near: Vec<Flow> = flows
        .into_iter()
        .map(|flow| Flow {
            ttl: (128, 128),
            ..flow
        })
        .collect();
    assert_eq!(first(&near), [("verify/unmarked", "policy-not-delivered")]);
}

#[test]
fn a_capture_on_the_sending_host_is_no_proof() {
    let mut flow = audio("10.1.0.1:20004", "10.2.0.1:49200", 0);
    flow.direction.sent = true;
    let report = judge(&lync(), &[flow]);
    assert_eq!(only(&report).cause.name, "capture-above-scheduler");
    assert!(only(&report).cause.check.contains("mirror port"));
}

#[test]
fn an_edge_without_marks_matches_the_wrong_side() {
    let mut flows = good_call(1).to_vec();
    flows.push(audio("192.0.2.10:3478", "10.1.0.1:20010", 0));
    assert_eq!(
        first(&flows),
        [("verify/unmarked", "edge-policy-matches-source")]
    );
}

#[test]
fn tcp_alone_without_mark_is_a_policy_for_udp() {
    let mut flows = good_call(1).to_vec();
    let mut over_tcp = rtp(MediaType::Audio, "10.1.0.2:20010", "10.2.0.1:49210", 0, 90);
    over_tcp.key.protocol = 6;
    flows.push(over_tcp);
    assert_eq!(first(&flows), [("verify/unmarked", "policy-for-udp-only")]);
}

#[test]
fn ports_of_servers_may_be_clients_when_nobody_is_placed() {
    let flows = [
        audio("10.1.0.1:50500", "10.1.0.2:50600", 0),
        audio("10.1.0.2:50600", "10.1.0.1:50500", 0),
    ];
    let report = judge(&lync(), &flows);
    let finding = only(&report);
    assert_eq!(finding.cause.name, "clients-in-server-ranges");
    let flows = [
        audio("10.1.0.1:20004", "10.2.0.1:49200", 46),
        audio("10.2.0.1:49200", "10.1.0.1:20004", 0),
    ];
    let report = judge(&lync(), &flows);
    let others = &only(&report).alternatives;
    assert!(
        others
            .iter()
            .any(|one| one.name == "clients-in-server-ranges")
    );
}

#[test]
fn media_of_strangers_is_kept_apart_from_the_servers() {
    let mut flows = good_call(1).to_vec();
    flows.push(audio("10.2.0.2:49300", "10.1.0.1:20008", 0));
    flows.push(audio("10.1.0.9:56328", "198.51.100.9:3478", 0));
    assert_eq!(
        first(&flows),
        [
            ("verify/unmarked", "policy-not-on-host"),
            ("verify/unmarked", "clients-in-server-ranges"),
        ]
    );
}

#[test]
fn several_applications_on_one_range_are_named() {
    let mut parts = lync_parts();
    parts.rules[0].app = AppMatch::parse("communicator.exe");
    let policy = PolicySet::try_new(parts).unwrap();
    let mut flows = good_call(1).to_vec();
    flows.push(audio("10.1.0.9:20008", "10.2.0.1:49202", 0));
    let report = judge(&policy, &flows);
    let executable = only(&report)
        .alternatives
        .iter()
        .find(|one| one.name == "executable-mismatch")
        .unwrap();
    assert!(
        executable.evidence[0].contains("`communicator.exe`"),
        "{:?}",
        executable.evidence
    );
}

#[test]
fn of_two_programs_on_one_range_one_has_no_policy() {
    let mut parts = lync_parts();
    let mut other = parts.rules[0].clone();
    other.name = "clients/lync-2010/audio".to_owned();
    other.app = AppMatch::parse("communicator.exe");
    parts.rules.insert(1, other);
    let policy = PolicySet::try_new(parts).unwrap();
    let mut flows = good_call(1).to_vec();
    flows.push(audio("10.1.0.9:20008", "10.2.0.1:49202", 0));
    let report = judge(&policy, &flows);
    let cause = &only(&report).cause;
    assert_eq!(
        (cause.name, cause.layer),
        ("policy-of-another-program", Layer::Match)
    );
    assert_eq!(
        cause.evidence[0],
        "the rules for these ports name `communicator.exe`, `lync.exe`"
    );
    assert!(
        cause.evidence[1].contains("10.1.0.9"),
        "{:?}",
        cause.evidence
    );
    assert!(cause.check.contains("Get-NetUDPEndpoint"));
    let second = &only(&report).alternatives[0];
    assert_eq!(second.name, "policy-not-on-host");
    let same_host = [
        audio("10.1.0.1:20004", "10.2.0.1:49200", 46),
        audio("10.1.0.1:20010", "10.2.0.1:49202", 0),
    ];
    let report = judge(&policy, &same_host);
    assert_eq!(only(&report).cause.name, "policy-of-another-program");
}

#[test]
fn a_marked_syn_and_unmarked_data_is_a_rule_for_new_connections() {
    let mut flows = good_call(1).to_vec();
    flows.push(tcp("10.1.0.1:42001", "10.2.0.1:41000", 24, 90));
    let opening = runs(
        tcp("10.1.0.2:42003", "10.2.0.1:41000", 24, 90),
        &[(24, 1), (0, 89)],
    );
    flows.push(Flow {
        dscp_by_kind: vec![(PayloadKind::Other, opening.dscp.clone())],
        ..opening
    });
    let report = judge(&lync(), &flows);
    let finding = only(&report);
    assert_eq!(
        (finding.code, finding.cause.name, finding.cause.layer),
        ("verify/unmarked", "only-first-segment-marked", Layer::Match)
    );
    assert_eq!(
        finding.cause.evidence,
        ["the first segment of 1 TCP flow carries the mark, all others carry 0: from frame 2 on"]
    );
    assert!(finding.cause.check.contains("ct state new"));
    assert_eq!(finding.flows, [3]);
}

#[test]
fn ports_outside_are_delivery() {
    let outside = |src: &str| audio(src, "10.2.0.1:49200", 0);
    let report = judge(
        &lync(),
        &[outside("10.1.0.1:31000"), outside("10.1.0.2:33333")],
    );
    let finding = only(&report);
    assert_eq!(
        (finding.code, finding.cause.name),
        ("verify/out-of-range", "ranges-not-enforced")
    );
    assert_eq!(finding.cause.layer, Layer::Delivery);
    assert!(
        finding
            .cause
            .text
            .contains("the switch that enforces them is off")
    );
    assert!(finding.cause.check.contains("ClientMediaPortRangeEnabled"));
    let mut flows = good_call(1).to_vec();
    flows.push(outside("10.1.0.2:33333"));
    let report = judge(&lync(), &flows);
    assert!(
        only(&report)
            .cause
            .text
            .contains("have not signed in since")
    );
}

#[test]
fn ports_outside_that_are_somebodys_default() {
    assert_eq!(
        first(&[audio("10.1.0.1:5360", "10.2.0.1:49200", 0)]),
        [("verify/out-of-range", "default-client-range")]
    );
    let mut parts = lync_parts();
    parts.rules.retain(|rule| rule.scope != SERVERS);
    let policy = PolicySet::try_new(parts).unwrap();
    let report = judge(&policy, &[audio("10.1.0.1:50004", "10.2.0.1:3000", 0)]);
    assert_eq!(
        causes(&report),
        [("verify/out-of-range", "teams-default-range")]
    );
}

#[test]
fn ports_outside_in_one_site_are_its_object() {
    let mut parts = lync_parts();
    parts.sites = vec![
        site("Redmond", "10.5.0.0/16"),
        site("Dublin", "10.1.0.0/16"),
    ];
    let policy = PolicySet::try_new(parts).unwrap();
    let mut flows = good_call(1).to_vec();
    flows.push(audio("10.5.0.2:33333", "10.2.0.1:49200", 0));
    let report = judge(&policy, &flows);
    assert_eq!(only(&report).cause.name, "site-object-hides-ranges");
    assert!(only(&report).cause.text.contains("`Redmond`"));
    assert_eq!(report.classes.len(), 2);
    assert_eq!(
        (report.classes[0].site, report.classes[1].site),
        (Some(0), Some(1))
    );
}

#[test]
fn servers_outside_are_their_own_finding() {
    let flows = [
        audio("10.1.0.1:20004", "10.2.0.1:30000", 46),
        audio("10.2.0.1:30000", "10.1.0.1:20004", 0),
    ];
    assert_eq!(
        first(&flows),
        [("verify/out-of-range", "server-ranges-not-set")]
    );
}

#[test]
fn a_taken_priority_queue_names_its_talkers() {
    let mut flows = good_call(1).to_vec();
    flows.push(tcp("10.1.0.8:9000", "10.9.0.1:8080", 46, 900));
    flows.push(tcp("10.1.0.7:9000", "10.9.0.1:8080", 46, 90));
    let report = judge(&lync(), &flows);
    let finding = only(&report);
    assert_eq!(
        (finding.code, finding.cause.name),
        ("verify/unplanned-mark", "another-program-marks")
    );
    assert_eq!(
        (finding.severity, finding.flows.as_slice()),
        (Severity::Warning, &[2, 3][..])
    );
    assert_eq!(
        finding.cause.evidence[1],
        "most packets: 10.1.0.8 to 10.9.0.1 port 8080 (900 packets), 10.1.0.7 to 10.9.0.1 port 8080 (90 packets)"
    );
    flows.truncate(2);
    flows.push(tcp("10.1.0.8:9000", "10.9.0.1:8080", 24, 900));
    let report = judge(&lync(), &flows);
    assert_eq!(
        only(&report).severity,
        Severity::Info,
        "not the priority queue"
    );
    flows.truncate(2);
    flows.push(tcp("10.1.0.8:50123", "10.9.0.1:80", 34, 900));
    assert_eq!(
        first(&flows),
        [("verify/unplanned-mark", "policy-too-wide")]
    );
}

#[test]
fn a_tunnel_that_hides_the_mark() {
    let mut flows = good_call(1);
    flows[0].tunnel = Some(Tunnel::Vxlan);
    flows[0].outer_dscp = counts(&[(0, 250)]);
    let report = judge(&lync(), &flows);
    assert_eq!(
        causes(&report),
        [("verify/tunnel-hides-mark", "outer-header-not-marked")]
    );
    assert!(!report.as_planned());
    flows[0].outer_dscp = counts(&[(46, 250)]);
    assert_eq!(first(&flows), [], "copied outwards");
    // Some device clears the precedence bits of the outer header.
    flows[0].outer_dscp = counts(&[(6, 250)]);
    let report = judge(&lync(), &flows);
    assert_eq!(
        causes(&report),
        [("verify/tunnel-hides-mark", "outer-header-not-marked")]
    );
    assert!(
        report.findings[0]
            .message
            .contains("250 packets in 1 flow have 6 in")
    );
    // Another mark of the network's own is worth a word, no more.
    flows[0].outer_dscp = counts(&[(40, 250)]);
    let report = judge(&lync(), &flows);
    assert_eq!(
        causes(&report),
        [("verify/tunnel-hides-mark", "outer-header-marked-otherwise")]
    );
    assert!(report.as_planned());
    flows[0].outer_dscp = counts(&[(0, 250)]);
    flows[0].tunnel = Some(Tunnel::Erspan);
    assert_eq!(first(&flows), [], "a mirror is not a path");
}

#[test]
fn a_mark_that_is_outside_a_tunnel_only() {
    let mut flows = good_call(1);
    let unmarked = audio("10.1.0.1:20000", "10.2.0.1:50000", 0);
    flows[0].dscp = unmarked.dscp;
    flows[0].dscp_by_kind = unmarked.dscp_by_kind;
    flows[0].tunnel = Some(Tunnel::Gre);
    flows[0].outer_dscp = counts(&[(46, 250)]);
    let report = judge(&lync(), &flows);
    let (code, cause) = *causes(&report).last().unwrap();
    assert_eq!(
        (code, cause),
        ("verify/tunnel-hides-mark", "inner-header-not-marked")
    );
    assert_eq!(report.findings[0].code, "verify/unmarked");
    // What is 0 inside and outside was copied: nothing but the missing mark is told.
    flows[0].outer_dscp = counts(&[(0, 250)]);
    let report = judge(&lync(), &flows);
    assert_eq!(report.findings.len(), 1, "{:?}", causes(&report));
}

#[test]
fn what_returns_from_outside_is_information() {
    let policy = PolicySet::try_new(teams_parts()).unwrap();
    let flows = [
        audio("10.1.0.1:50003", "52.112.0.1:3479", 46),
        audio("52.112.0.1:3479", "10.1.0.1:50003", 0),
    ];
    let report = judge(&policy, &flows);
    assert_eq!(
        causes(&report),
        [("verify/return-not-marked", "nobody-marks-the-return")]
    );
    assert!(report.as_planned());
}

#[test]
fn a_capture_without_the_plan_proves_nothing() {
    let report = judge(&lync(), &[tcp("10.1.0.8:9000", "10.9.0.1:8080", 0, 900)]);
    assert_eq!(
        causes(&report),
        [("verify/nothing-planned", "no-planned-traffic")]
    );
    assert!(!report.as_planned());
    assert_eq!(
        causes(&judge(&lync(), &[])),
        [("verify/nothing-planned", "no-planned-traffic")]
    );
}

#[test]
fn commands_are_of_the_plans_platforms() {
    let outside = [audio("10.1.0.1:31000", "10.2.0.1:3000", 0)];
    let mut parts = teams_parts();
    let check = |parts| {
        let policy = PolicySet::try_new(parts).unwrap();
        only(&judge(&policy, &outside)).cause.check.clone()
    };
    assert!(check(parts.clone()).contains("Get-CsTeamsMeetingConfiguration"));
    assert!(!check(parts.clone()).contains("Get-CsConferencingConfiguration"));
    parts.producers = vec![producer(
        Family::Own,
        ProducerKind::Software("rec.exe".to_owned()),
    )];
    assert_eq!(
        check(parts),
        "look at the port settings of the sending application"
    );
}

#[test]
fn evidence_and_checks_are_never_empty() {
    let mut flows = vec![
        audio("10.1.0.1:20004", "10.2.0.1:49200", 0),
        audio("10.1.0.9:20008", "10.2.0.1:49202", 40),
        audio("10.1.0.1:31000", "10.2.0.1:49200", 0),
        tcp("10.1.0.8:9000", "10.9.0.1:8080", 46, 900),
        runs(
            video("10.1.0.1:20044", "10.2.0.1:58000", 34),
            &[(34, 9), (0, 9)],
        ),
        beside(
            video("10.1.0.2:20044", "10.2.0.1:58000", 34),
            PayloadKind::Rtcp,
            0,
            3,
        ),
    ];
    flows[5].tunnel = Some(Tunnel::Gre);
    flows[5].outer_dscp = counts(&[(0, 9)]);
    let report = judge(&lync(), &flows);
    assert_eq!(report.findings.len(), 6, "{:?}", causes(&report));
    for finding in &report.findings {
        for cause in std::iter::once(&finding.cause).chain(&finding.alternatives) {
            assert!(
                !cause.evidence.is_empty() && !cause.check.is_empty(),
                "{cause:?}"
            );
            for text in cause
                .evidence
                .iter()
                .chain([&cause.text, &cause.check, &finding.message])
            {
                assert!(!text.ends_with('.') && !text.contains("  "), "{text}");
            }
        }
    }
}
