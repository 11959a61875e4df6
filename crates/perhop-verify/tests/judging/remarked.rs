//! Which cause is named first where another mark than the planned one arrives.

use perhop_policy::{Severity, Vantage};
use perhop_verify::finding::Layer;
use perhop_verify::report::verify;
use perhop_verify::stream::MediaType;
use perhop_verify::tolerance::Tolerances;

use crate::causes::{first, good_call};
use crate::fixture::*;

#[test]
fn several_classes_name_what_the_path_does() {
    let flows = [
        audio("10.1.0.1:20004", "10.2.0.1:49200", 6),
        video("10.1.0.1:20044", "10.2.0.1:58000", 2),
    ];
    let report = judge(&lync(), &flows);
    let finding = only(&report);
    assert_eq!(
        (finding.code, finding.cause.name),
        ("verify/remarked", "tos-precedence-bleached")
    );
    assert_eq!((finding.cause.layer, finding.class), (Layer::Path, None));
    assert!(
        finding.message.contains("46 to 6, 34 to 2"),
        "{}",
        finding.message
    );

    let sharing = tcp("10.1.0.1:42001", "10.2.0.1:41000", 0, 90);
    let with_sharing = [flows[0].clone(), flows[1].clone(), sharing];
    assert_eq!(
        first(&with_sharing),
        [
            ("verify/remarked", "tos-precedence-bleached"),
            ("verify/unmarked", "tos-precedence-bleached"),
        ],
        "24 has no low bits to keep"
    );

    let low = [
        audio("10.1.0.1:20004", "10.2.0.1:49200", 40),
        video("10.1.0.1:20044", "10.2.0.1:58000", 32),
    ];
    assert_eq!(first(&low), [("verify/remarked", "low-bits-cleared")]);
    let replaced = [
        audio("10.1.0.1:20004", "10.2.0.1:49200", 14),
        video("10.1.0.1:20044", "10.2.0.1:58000", 10),
    ];
    assert_eq!(
        first(&replaced),
        [("verify/remarked", "tos-precedence-remarked")]
    );
    let at_sender = verify(&lync(), Vantage::Sender, &flows, &Tolerances::default());
    assert_eq!(
        causes(&at_sender),
        [
            ("verify/remarked", "host-marks-otherwise"),
            ("verify/remarked", "host-marks-otherwise"),
        ],
        "no path before the sender"
    );
}

#[test]
fn forty_for_voice_is_the_phones_default() {
    let mut flows = good_call(1).to_vec();
    flows.push(audio("10.1.0.9:20008", "10.2.0.1:49202", 40));
    let report = judge(&lync(), &flows);
    let finding = only(&report);
    assert_eq!(
        (finding.code, finding.cause.name),
        ("verify/remarked", "phone-default-mark")
    );
    assert!(finding.cause.check.contains("Get-CsUCPhoneConfiguration"));
    let others: Vec<&str> = finding.alternatives.iter().map(|one| one.name).collect();
    assert_eq!(
        others,
        [
            "low-bits-cleared",
            "packet-scheduler-default",
            "host-marks-otherwise",
            "remarked-on-path"
        ]
    );
}

#[test]
fn forty_and_twenty_four_from_one_host_is_the_old_scheduler() {
    let flows = [
        audio("10.1.0.9:20008", "10.2.0.1:49202", 40),
        video("10.1.0.9:20048", "10.2.0.1:58002", 24),
    ];
    assert_eq!(
        first(&flows),
        [
            ("verify/remarked", "packet-scheduler-default"),
            ("verify/remarked", "packet-scheduler-default"),
        ]
    );
}

#[test]
fn the_mark_of_another_class_is_a_swap() {
    let flows = [video("10.1.0.1:20044", "10.2.0.1:58000", 46)];
    let report = judge(&lync(), &flows);
    assert_eq!(only(&report).cause.name, "classes-swapped");
    assert!(only(&report).cause.evidence[1].contains("looks like video, as its ports say"));
    let flows = [audio("10.1.0.1:20044", "10.2.0.1:58000", 46)];
    let report = judge(&lync(), &flows);
    assert_eq!(
        (only(&report).cause.name, only(&report).cause.layer),
        ("ports-swapped", Layer::Delivery)
    );
    assert!(only(&report).cause.evidence[1].contains("ports rather than marks"));
}

#[test]
fn sharing_marked_as_video_is_video_based_sharing() {
    let flows = [tcp("10.1.0.1:42001", "10.2.0.1:41000", 34, 90)];
    assert_eq!(first(&flows), [("verify/remarked", "video-based-sharing")]);
}

#[test]
fn another_value_is_the_host_for_one_sender_and_the_path_for_many() {
    let one = |host: u8| audio(&format!("10.1.0.{host}:20004"), "10.2.0.1:49200", 20);
    assert_eq!(
        first(&[one(1)]),
        [("verify/remarked", "host-marks-otherwise")]
    );
    assert_eq!(
        first(&[one(1), one(2)]),
        [("verify/remarked", "remarked-on-path")]
    );
}

#[test]
fn mixed_marks() {
    let call = || audio("10.1.0.1:20004", "10.2.0.1:49200", 46);
    let report = judge(&lync(), &[runs(call(), &[(0, 3), (46, 200)])]);
    assert_eq!(
        causes(&report),
        [("verify/mixed", "first-packets-unmarked")]
    );
    assert_eq!(only(&report).severity, Severity::Warning);
    assert_eq!(
        first(&[runs(call(), &[(46, 120), (0, 130)])]),
        [("verify/mixed", "path-changed")]
    );
    let many: Vec<(u8, u64)> = (0..50).flat_map(|_| [(46, 4), (0, 1)]).collect();
    assert_eq!(
        first(&[runs(call(), &many)]),
        [("verify/mixed", "several-paths")]
    );
    let policed: Vec<(u8, u64)> = (0..50).flat_map(|_| [(34, 4), (36, 1), (38, 1)]).collect();
    let picture = runs(video("10.1.0.1:20044", "10.2.0.1:58000", 34), &policed);
    assert_eq!(
        first(&[picture]),
        [("verify/mixed", "policer-raises-drop-precedence")]
    );
    let both: Vec<(u8, u64)> = (0..50).flat_map(|_| [(46, 4), (34, 4)]).collect();
    let mut bundle = runs(call(), &both);
    bundle.rtp.push(stream(MediaType::Video, 200));
    assert_eq!(first(&[bundle]), [("verify/mixed", "bundled-media")]);
}

#[test]
fn flows_that_change_together_are_told() {
    let one = |port: u16| {
        let src = format!("10.1.0.1:{port}");
        runs(audio(&src, "10.2.0.1:49200", 46), &[(46, 120), (6, 130)])
    };
    let report = judge(&lync(), &[one(20004), one(20006)]);
    let evidence = &only(&report).cause.evidence;
    assert!(
        evidence
            .iter()
            .any(|line| line.contains("2 flows change within one second"))
    );
    assert!(
        evidence
            .iter()
            .any(|line| line.contains("ToS precedence bleached")),
        "{evidence:?}"
    );
}
