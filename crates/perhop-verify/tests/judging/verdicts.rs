//! What a flow's marks are, held against what they should be.

use perhop_policy::{ClassKind, LossKind, Pcp, PolicySet, RuleId, Vantage};
use perhop_verify::flow::{Flow, FragmentCounts, PayloadKind};
use perhop_verify::report::verify;
use perhop_verify::tolerance::{AcceptedLoss, Tolerances};
use perhop_verify::verdict::{Judged, Note, Shape, Verdict};

use crate::fixture::*;

fn one(flow: Flow) -> Judged {
    judge(&lync(), &[flow]).flows[0].clone()
}

fn call(mark: u8) -> Flow {
    audio("10.1.0.1:20004", "10.2.0.1:49200", mark)
}

#[test]
fn each_verdict() {
    assert_eq!(one(call(46)).verdict, Verdict::Ok);
    assert_eq!(one(call(0)).verdict, Verdict::Unmarked);
    assert_eq!(one(call(40)).verdict, Verdict::Remarked);
    assert_eq!(
        one(runs(call(46), &[(46, 9), (0, 9)])).verdict,
        Verdict::Mixed
    );
    let outside = audio("10.1.0.1:31000", "10.2.0.1:49200", 46);
    assert_eq!(one(outside).verdict, Verdict::OutOfRange);
    assert_eq!(
        one(tcp("10.1.0.1:9000", "10.9.0.1:80", 46, 9)).verdict,
        Verdict::UnplannedMark
    );
    assert_eq!(
        one(tcp("10.1.0.1:9000", "10.9.0.1:80", 0, 9)).verdict,
        Verdict::Unplanned
    );
    assert_eq!(
        one(tcp("10.1.0.1:9000", "10.9.0.1:80", 8, 9)).verdict,
        Verdict::Unplanned
    );
}

#[test]
fn a_single_stray_packet_makes_a_flow_mixed() {
    let judged = one(runs(call(46), &[(46, 1000), (0, 1), (46, 1000)]));
    assert_eq!(judged.verdict, Verdict::Mixed);
}

#[test]
fn shapes() {
    let shape = |list: &[(u8, u64)]| one(runs(call(46), list)).shape;
    assert_eq!(shape(&[(46, 9)]), Shape::Steady);
    assert_eq!(shape(&[(0, 3), (46, 200)]), Shape::LateStart { packets: 3 });
    assert_eq!(
        shape(&[(46, 120), (0, 130)]),
        Shape::Changed {
            at: 120,
            from: dscp(46),
            to: dscp(0)
        }
    );
    assert_eq!(
        shape(&[(0, 120), (46, 130)]),
        Shape::Changed {
            at: 120,
            from: dscp(0),
            to: dscp(46)
        },
        "a start this late is a change"
    );
    let many: Vec<(u8, u64)> = (0..50).flat_map(|_| [(46, 4), (0, 1)]).collect();
    assert_eq!(shape(&many), Shape::Interleaved);
}

#[test]
fn checks_beside_marked_media_are_a_note() {
    let judged = one(beside(call(46), PayloadKind::Stun, 0, 5));
    assert_eq!(judged.verdict, Verdict::Ok);
    assert_eq!(judged.notes, [Note::BesideDiffers(5)]);
    let judged = one(beside(call(0), PayloadKind::Stun, 46, 5));
    assert_eq!(
        judged.verdict,
        Verdict::Unmarked,
        "the verdict rests on media"
    );
}

#[test]
fn checks_without_media_are_judged_but_only_information() {
    let flows = [stun("10.1.0.1:20004", "10.2.0.1:49200", 0)];
    let report = judge(&lync(), &flows);
    assert_eq!(report.flows[0].verdict, Verdict::Unmarked);
    assert_eq!(only(&report).code, "verify/checks-unmarked");
    assert!(report.as_planned());
}

#[test]
fn a_handshake_is_not_data() {
    let mut flow = tcp("10.1.0.1:42001", "10.2.0.1:41000", 24, 0);
    flow = runs(flow, &[(0, 1), (24, 79)]);
    flow.dscp_by_kind.clear();
    let judged = one(flow);
    assert_eq!(judged.verdict, Verdict::Ok);
    assert!(judged.has(Note::HandshakeDiffers(dscp(0))));
    let mut flow = runs(
        tcp("10.1.0.1:42001", "10.2.0.1:41000", 24, 0),
        &[(24, 1), (0, 79)],
    );
    flow.dscp_by_kind.clear();
    let judged = one(flow);
    assert_eq!(judged.verdict, Verdict::Unmarked);
    assert!(judged.has(Note::HandshakeDiffers(dscp(24))));
}

#[test]
fn later_fragments_count() {
    let mut flow = call(46);
    flow.fragments = Some(Box::new(FragmentCounts {
        packets: 4,
        bytes: 400,
        dscp: counts(&[(0, 4)]),
    }));
    assert_eq!(one(flow).verdict, Verdict::Mixed);
}

#[test]
fn another_modality_is_a_note() {
    let mut flow = video("10.1.0.1:20004", "10.2.0.1:49200", 46);
    assert_eq!(
        one(flow.clone()).notes,
        [],
        "behaviour alone is a guess, and the mark is as planned"
    );
    flow.signs.in_sdp = true;
    let judged = one(flow);
    assert_eq!(judged.verdict, Verdict::Ok);
    assert_eq!(judged.notes, [Note::OtherModality(ClassKind::Video)]);
    let judged = one(video("10.1.0.1:20004", "10.2.0.1:49200", 34));
    assert!(judged.has(Note::OtherModality(ClassKind::Video)));
}

#[test]
fn few_packets_are_no_finding() {
    let mut flow = call(0);
    flow = runs(flow, &[(0, 2)]);
    let report = judge(&lync(), &[flow]);
    assert_eq!(report.flows[0].verdict, Verdict::Unmarked);
    assert!(report.flows[0].has(Note::FewPackets));
    assert_eq!(report.findings, []);
}

#[test]
fn signalling_may_carry_its_usual_mark() {
    let mut sip = udp("10.1.0.1:5060", "10.2.0.1:5060", 24, 4);
    sip.signs.sip = true;
    let judged = one(sip.clone());
    assert_eq!(judged.verdict, Verdict::Unplanned);
    assert!(judged.has(Note::SignalingMark));
    sip = runs(sip, &[(46, 4)]);
    assert_eq!(one(sip).verdict, Verdict::UnplannedMark, "but not voice's");
    let tls = tcp("10.1.0.1:9999", "10.2.0.1:5061", 24, 9);
    assert_eq!(one(tls).verdict, Verdict::Unplanned);
}

#[test]
fn what_has_no_ports_is_not_judged() {
    let esp = flow(50, "10.1.0.1:0", "10.2.0.1:0", 46, 90);
    let judged = one(esp);
    assert_eq!(judged.verdict, Verdict::Unplanned);
    assert_eq!(judged.notes, [Note::NoPorts]);
}

#[test]
fn layer_two_is_a_note() {
    let mut parts = lync_parts();
    parts.classes[0].pcp = Pcp::try_new(5);
    let policy = PolicySet::try_new(parts).unwrap();
    let mut flow = call(46);
    flow.link.pcps = 1 << 5;
    assert_eq!(judge(&policy, &[flow.clone()]).flows[0].notes, []);
    flow.link.pcps = 1;
    assert_eq!(
        judge(&policy, &[flow]).flows[0].notes,
        [Note::PriorityDiffers(1)]
    );
    let mut wifi = call(46);
    wifi.link.wifi_priorities = 1 << 5;
    assert_eq!(one(wifi).notes, [Note::WifiPriority]);
}

fn accepting(rule: &str, kind: LossKind, flow: Flow) -> (Verdict, Vec<&'static str>) {
    let policy = lync();
    let at = policy
        .rules()
        .iter()
        .position(|one| one.name == rule)
        .unwrap();
    let tolerances = Tolerances {
        accepted: vec![AcceptedLoss {
            rule: RuleId(u32::try_from(at).unwrap()),
            kind,
            target: "windows-psched".to_owned(),
        }],
        ..Tolerances::default()
    };
    let flows = [call(46), flow];
    let report = verify(&policy, Vantage::Path, &flows, &tolerances);
    let codes = report.findings.iter().map(|finding| finding.code).collect();
    (report.flows[1].verdict, codes)
}

#[test]
fn accepted_losses_are_information() {
    let other = || tcp("10.1.0.1:9000", "10.9.0.1:9001", 46, 9);
    assert_eq!(
        accepting("clients/audio", LossKind::WiderApplication, other()),
        (Verdict::UnplannedMark, vec!["verify/accepted-loss"])
    );
    assert_eq!(
        accepting("clients/video", LossKind::WiderApplication, other()),
        (Verdict::UnplannedMark, vec!["verify/unplanned-mark"])
    );
    let unmarked = || video("10.1.0.1:20044", "10.2.0.1:58000", 0);
    assert_eq!(
        accepting("clients/video", LossKind::AbsentRule, unmarked()),
        (Verdict::Unmarked, vec!["verify/accepted-loss"])
    );
    assert_eq!(
        accepting("clients/video", LossKind::NarrowerProtocol, unmarked()),
        (Verdict::Unmarked, vec!["verify/unmarked"]),
        "UDP is what is left"
    );
    let sharing = tcp("10.1.0.1:42001", "10.2.0.1:41000", 0, 90);
    assert_eq!(
        accepting("clients/app-sharing", LossKind::NarrowerProtocol, sharing),
        (Verdict::Unmarked, vec!["verify/accepted-loss"])
    );
}

#[test]
fn every_note_says_something() {
    let policy = lync();
    let tolerances = Tolerances::default();
    for note in [
        Note::BesideDiffers(3),
        Note::HandshakeDiffers(dscp(0)),
        Note::OtherModality(ClassKind::Audio),
        Note::PriorityDiffers(6),
        Note::MaybeAnotherProgram(RuleId(0)),
        Note::WifiPriority,
    ] {
        let text = note.text(&policy, &tolerances);
        assert!(!text.is_empty() && !text.ends_with('.'), "{text}");
    }
    assert_eq!(
        Note::PriorityDiffers(6).text(&policy, &tolerances),
        "802.1p priorities seen: 1, 2"
    );
}
