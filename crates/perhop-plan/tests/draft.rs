//! Plans written from what is configured: sound, or not written.

use perhop_plan::draft::{Draft, SeenRule, Told, write};
use perhop_policy::{
    AppMatch, Dscp, Family, FileId, PortMatch, PortRange, Producer, ProducerKind, ProducerRange,
    Protocol, ProtocolMatch, RangeUse, Rate, Severity, Span, Subject,
};
use proptest::prelude::*;

fn ports() -> impl Strategy<Value = PortMatch> {
    prop_oneof![
        Just(PortMatch::Any),
        (any::<u16>(), any::<u16>()).prop_map(|(a, b)| {
            PortMatch::Range(PortRange::try_new(a.min(b), a.max(b)).expect("in order"))
        }),
        (0u16..6, 1u32..60).prop_map(|(step, count)| {
            let range = PortRange::from_start_and_count(20000 + step * 20, count);
            PortMatch::Range(range.expect("far below 65535"))
        }),
    ]
}

prop_compose! {
    fn rule()(
        name in "\\PC{0,12}",
        place in "\\PC{0,12}",
        app in prop_oneof![
            Just("*"), Just("lync.exe"), Just("communicator.exe"), Just("MediaRelaySvc.exe"), Just("ms-teams.exe"),
            Just("AVMCUSvc.exe"), Just("x.exe"), Just("C:\\a\"b\\x.exe"), Just("AttendantConsole.exe"), Just("mstsc.exe"),
        ],
        protocol in 0u8..3,
        src in proptest::option::of(prop_oneof![Just("192.0.2.10/32"), Just("10.0.0.0/8"), Just("2001:db8::/32")]),
        dst in proptest::option::of(prop_oneof![Just("192.0.2.40/32"), Just("2001:db8::1/128")]),
        src_ports in ports(),
        dst_ports in ports(),
        dscp in 0u8..64,
        throttle in proptest::option::of(20_000u64..9_000_000),
    ) -> SeenRule {
        SeenRule {
            name,
            place,
            app: AppMatch::parse(app),
            protocol: match protocol {
                0 => ProtocolMatch::Both,
                1 => ProtocolMatch::Only(Protocol::Udp),
                _ => ProtocolMatch::Only(Protocol::Tcp),
            },
            src: src.map(|net| net.parse().expect("a prefix")),
            dst: dst.map(|net| net.parse().expect("a prefix")),
            src_ports,
            dst_ports,
            dscp: Dscp::try_new(dscp).expect("below 64"),
            throttle: throttle.and_then(|bits| Rate::try_new(bits / 1000 * 1000)),
        }
    }
}

prop_compose! {
    fn told()(
        kind in 0usize..9,
        subject in 0usize..4,
        name in "\\PC{0,9}",
        ranges in proptest::collection::vec((0usize..7, any::<u16>(), 1u32..200), 0..4),
        dscp in proptest::option::of(0u8..64),
        marking in proptest::option::of(any::<bool>()),
        teams in any::<bool>(),
        enforced in proptest::option::of(any::<bool>()),
    ) -> Told {
        let kinds = [
            ProducerKind::Clients, ProducerKind::Phones, ProducerKind::OtherDevices, ProducerKind::ConferencingService,
            ProducerKind::ApplicationService, ProducerKind::MediationService, ProducerKind::MediaRelay,
            ProducerKind::WebService, ProducerKind::ApplicationPool,
        ];
        let uses = [
            RangeUse::Audio, RangeUse::Video, RangeUse::AppSharing, RangeUse::FileTransfer, RangeUse::LegacyMedia,
            RangeUse::Signaling, RangeUse::Relay,
        ];
        Told {
            place: name.clone(),
            enforced,
            producer: Producer {
                family: if teams { Family::Teams } else { Family::LyncServer },
                kind: kinds[kind].clone(),
                subject: match subject {
                    0 | 1 => Subject::Global,
                    2 => Subject::Site(name),
                    _ => Subject::Service(name),
                },
                ranges: ranges
                    .into_iter()
                    .filter_map(|(used_for, start, count)| {
                        Some(ProducerRange {
                            used_for: uses[used_for],
                            ports: PortRange::from_start_and_count(start, count)?,
                            origin: Span::default(),
                        })
                    })
                    .collect(),
                dscp: dscp.and_then(Dscp::try_new),
                pcp: None,
                marking,
                origin: Span::default(),
            },
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_sound(
        rules in proptest::collection::vec(rule(), 0..7),
        told in proptest::collection::vec(told(), 0..6),
        source in "\\PC{0,12}",
    ) {
        let unsaid = vec![source.clone()];
        let draft = Draft { name: "Read back".to_owned(), sources: vec![source], rules, told, unsaid };
        match write(&draft) {
            Ok(text) => {
                let loaded = perhop_plan::load(FileId(0), &text);
                let wrong: Vec<_> = loaded.diagnostics.iter().filter(|one| one.severity == Severity::Error).collect();
                prop_assert!(wrong.is_empty(), "{text}\n{wrong:?}");
            }
            Err((text, why)) => prop_assert!(!text.is_empty() && !why.is_empty()),
        }
    }
}
