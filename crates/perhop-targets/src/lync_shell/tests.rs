use std::net::IpAddr;

use perhop_policy::set::Parts;
use perhop_policy::{ClassKind, Marker, Protocol, RangeUse, Role, ScopeId, Subject};
use proptest::prelude::*;

use super::*;
use crate::target::order;
use crate::testing::{
    HOSTILE, class, phones, producers, range, rule, scope, sorted, told, with_producers,
};

fn lower(policy: &PolicySet) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
    LyncShell.lower(policy, &TargetRequest::default())
}

fn text(files: &[Artifact], name: &str) -> String {
    let path = format!("lync-shell/{name}");
    let file = files.iter().find(|file| file.path == path).unwrap();
    String::from_utf8(file.bytes.clone()).unwrap()
}

#[test]
fn what_is_written_reads_back_as_the_plans_producers() {
    let policy = with_producers(producers());
    let files = lower(&policy).unwrap().emit();
    let back = LyncShell.read(&files).unwrap();
    assert_eq!(sorted(back.producers()), sorted(policy.producers()));
    assert_eq!(back.emit(), files);
}

#[test]
fn hostile_names_stay_in_their_quotes() {
    for name in HOSTILE {
        let told = vec![
            told(
                ProducerKind::Clients,
                Subject::Site(name.into()),
                &[(RangeUse::Audio, 20000, 20039)],
            ),
            told(
                ProducerKind::ConferencingService,
                Subject::Service(name.into()),
                &[(RangeUse::Audio, 49152, 57499)],
            ),
        ];
        let policy = PolicySet::try_new(Parts {
            name: name.into(),
            producers: told,
            ..Parts::default()
        })
        .unwrap();
        let files = lower(&policy).unwrap().emit();
        let back = LyncShell.read(&files).unwrap();
        assert_eq!(
            sorted(back.producers()),
            sorted(policy.producers()),
            "{name}"
        );
        for file in &files {
            let text = String::from_utf8(file.bytes.clone()).unwrap();
            assert!(
                text.lines().all(|line| !line.starts_with("break")),
                "{name}"
            );
        }
    }
}

#[test]
fn servers_come_before_clients_and_clients_before_devices() {
    let policy = with_producers(producers());
    let script = text(&lower(&policy).unwrap().emit(), "apply.ps1");
    let at = |noun: &str| {
        script
            .find(&format!("Add-Planned '{noun}'"))
            .unwrap_or_else(|| panic!("{noun}"))
    };
    let places: Vec<usize> = [
        "CsConferenceServer",
        "CsApplicationServer",
        "CsMediationServer",
        "CsWebServer",
        "CsTrustedApplicationPool",
        "CsEdgeServer",
        "CsConferencingConfiguration",
        "CsMediaConfiguration",
        "CsUCPhoneConfiguration",
    ]
    .map(at)
    .to_vec();
    assert!(places.is_sorted(), "{places:?}");
    let orders: Vec<u16> = lower(&policy)
        .unwrap()
        .steps()
        .iter()
        .map(|step| step.order)
        .collect();
    assert_eq!(
        orders,
        [
            order::SAVE,
            order::SERVER_RANGES,
            order::RESTART,
            order::CLIENT_RANGES,
            order::DEVICES
        ]
    );
}

#[test]
fn a_count_is_written_and_the_switch_with_it() {
    let policy = with_producers(producers());
    let script = text(&lower(&policy).unwrap().emit(), "apply.ps1");
    let line = script
        .lines()
        .find(|line| line.starts_with("Add-Planned 'CsConferencingConfiguration' 'Global'"))
        .unwrap();
    assert_eq!(
        line,
        "Add-Planned 'CsConferencingConfiguration' 'Global' @{ ClientMediaPortRangeEnabled = $true; \
         ClientAudioPort = 20000; ClientAudioPortRange = 40; ClientVideoPort = 20040; ClientVideoPortRange = 40; \
         ClientAppSharingPort = 20080; ClientAppSharingPortRange = 40; ClientFileTransferPort = 20120; \
         ClientFileTransferPortRange = 20; ClientMediaPort = 20000; ClientMediaPortRange = 80; \
         ClientSipDynamicPort = 7100; ClientSipDynamicPortRange = 3 }"
    );
    assert!(script.contains(
        "Add-Planned 'CsConferencingConfiguration' 'service:ConferencingServer:pool01.contoso.com' @{"
    ));
    assert!(
        script.contains("Add-Planned 'CsMediationServer' 'site:Redmond' @{ AudioPortStart = 49152")
    );
    assert!(script.contains(
        "Add-Planned 'CsUCPhoneConfiguration' 'Global' @{ VoiceDiffServTag = 46; Voice8021p = 5 }"
    ));
    assert!(
        script
            .contains("Add-Planned 'CsMediaConfiguration' 'site:Redmond' @{ EnableQoS = $false }")
    );
}

#[test]
fn the_undo_knows_the_documented_defaults() {
    let policy = with_producers(producers());
    let script = text(&lower(&policy).unwrap().emit(), "undo.ps1");
    let line = script
        .lines()
        .find(|line| line.starts_with("$documented = "))
        .unwrap();
    for part in [
        "CsConferenceServer = @{ AudioPortStart = 49152; AudioPortCount = 8348; VideoPortStart = 57501; \
         VideoPortCount = 8034; AppSharingPortStart = 49152; AppSharingPortCount = 16383 }",
        "CsTrustedApplicationPool = @{ AudioPortCount = 0; VideoPortCount = 0; AppSharingPortCount = 0 }",
        "CsEdgeServer = @{ MediaCommunicationPortStart = 50000; MediaCommunicationPortCount = 10000 }",
        "ClientMediaPortRangeEnabled = $false; ClientAudioPort = 5350; ClientAudioPortRange = 40",
        "CsMediaConfiguration = @{ EnableQoS = $false }",
        "CsUCPhoneConfiguration = @{ VoiceDiffServTag = 40; Voice8021p = 0 }",
    ] {
        assert!(line.contains(part), "{part}\n{line}");
    }
}

#[test]
fn only_the_services_of_roles_in_the_plan_are_restarted() {
    let audio = [(RangeUse::Audio, 49152, 57499)];
    let one = told(ProducerKind::MediationService, Subject::Global, &audio);
    let files = lower(&with_producers(vec![one])).unwrap().emit();
    let script = text(&files, "restart.ps1");
    assert!(script.contains("@{ Name = 'RTCMEDSRV'; What = 'mediation' }"));
    assert!(!script.contains("RTCAVMCU"));
    let clients = told(
        ProducerKind::Clients,
        Subject::Global,
        &[(RangeUse::Audio, 20000, 20039)],
    );
    let files = lower(&with_producers(vec![clients])).unwrap().emit();
    assert!(files.iter().all(|file| !file.path.ends_with("restart.ps1")));
}

#[test]
fn what_no_command_can_say_is_an_error() {
    let cases = [
        (
            told(
                ProducerKind::MediationService,
                Subject::Global,
                &[(RangeUse::Video, 57501, 65534)],
            ),
            "target/no-such-range",
            "mediation services have no setting for video ports",
        ),
        (
            told(
                ProducerKind::Clients,
                Subject::Global,
                &[(RangeUse::Audio, 1000, 1039)],
            ),
            "target/port-too-low",
            "`ClientAudioPort` takes ports from 1024, not 1000",
        ),
        (
            told(
                ProducerKind::WebService,
                Subject::Global,
                &[(RangeUse::AppSharing, 0, 65535)],
            ),
            "target/too-many-ports",
            "`AppSharingPortCount` counts to 65535, and the range has 65536 ports",
        ),
        (
            phones(Subject::Service("pool".into()), 46, None),
            "target/no-such-scope",
            "`Set-CsUCPhoneConfiguration` cannot say marks of phones for service `pool`",
        ),
    ];
    for (producer, code, message) in cases {
        let found = lower(&with_producers(vec![producer])).err().unwrap();
        assert_eq!((found[0].code, found[0].message.as_str()), (code, message));
        assert!(found[0].labels.iter().any(|label| label.primary));
    }
}

fn phone_policy(change: impl FnOnce(&mut perhop_policy::Rule)) -> PolicySet {
    let mut phone = rule("phones/phone/audio", 1, 0, 46, Some(range(20000, 20039)));
    phone.marker = Marker::Sender;
    change(&mut phone);
    PolicySet::try_new(Parts {
        classes: vec![
            class("audio", ClassKind::Audio, 46),
            class("video", ClassKind::Video, 34),
        ],
        scopes: vec![
            scope("clients", Role::Client, &[]),
            scope("phones", Role::Phone, &[]),
        ],
        rules: vec![
            rule("clients/a/audio", 0, 0, 46, Some(range(20000, 20039))),
            phone,
        ],
        producers: producers(),
        ..Parts::default()
    })
    .unwrap()
}

#[test]
fn phones_are_said_exactly_and_all_else_is_elsewhere() {
    let policy = phone_policy(|_| {});
    let program = lower(&policy).unwrap();
    assert_eq!(
        program.fits(),
        [(RuleId(0), Fit::Elsewhere), (RuleId(1), Fit::Exact)]
    );
    let files = program.emit();
    assert_eq!(files[0].rules, [RuleId(1)]);
    let back = LyncShell.read(&files).unwrap();
    for port in [19999, 20000, 20039, 20040] {
        for protocol in [Protocol::Udp, Protocol::Tcp] {
            let key = FlowKey {
                scope: ScopeId(1),
                app: None,
                protocol,
                src: IpAddr::from([10, 0, 0, 1]),
                src_port: port,
                dst: IpAddr::from([10, 0, 0, 2]),
                dst_port: 5000,
            };
            let planned = match policy.classify(&key, perhop_policy::Vantage::Sender) {
                perhop_policy::Answer::Unplanned => None,
                perhop_policy::Answer::Marked { dscp, .. } => Some(dscp),
            };
            assert_eq!(back.apply_to("phones", &key), Some(planned));
            assert_eq!(back.apply_to("clients", &key), None);
        }
    }
    let site = FlowKey {
        scope: ScopeId(1),
        app: None,
        protocol: Protocol::Udp,
        src: IpAddr::from([10, 0, 0, 1]),
        src_port: 21000,
        dst: IpAddr::from([10, 0, 0, 2]),
        dst_port: 5000,
    };
    assert_eq!(
        back.apply_to("phones@Redmond", &site),
        Some(Dscp::try_new(40))
    );
    assert_eq!(back.apply_to("phones@Other", &site), Some(None));
}

#[test]
fn what_phones_cannot_be_told_is_a_loss() {
    let fit = |policy: &PolicySet| lower(policy).unwrap().fits()[1].1.clone();
    let kinds = |fit: &Fit| -> Vec<LossKind> {
        let losses = crate::target::losses_of(fit).iter();
        losses.map(|loss| loss.kind).collect()
    };
    let udp = phone_policy(|rule| {
        rule.protocol = perhop_policy::ProtocolMatch::Only(Protocol::Udp);
        rule.src = crate::testing::nets(&["10.0.0.0/8"]);
    });
    assert_eq!(
        kinds(&fit(&udp)),
        [LossKind::WiderAddress, LossKind::WiderProtocol]
    );
    let ports =
        phone_policy(|rule| rule.dst_ports.0 = perhop_policy::PortMatch::Range(range(1, 2)));
    assert_eq!(kinds(&fit(&ports)), [LossKind::WiderPorts]);
    for absent in [
        phone_policy(|rule| rule.class = perhop_policy::ClassId(1)),
        phone_policy(|rule| rule.dscp = Dscp::AF41),
    ] {
        assert!(matches!(fit(&absent), Fit::Absent(_)));
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let file = Artifact {
            path: "lync-shell/apply.ps1".into(),
            bytes,
            purpose: Purpose::Apply,
            rules: vec![],
        };
        let _ = LyncShell.read(&[file]);
    }

    #[test]
    fn a_damaged_script_is_an_error_or_another_plan(at in 0usize..20_000, byte in any::<u8>()) {
        let mut files = lower(&with_producers(producers())).unwrap().emit();
        let length = files[0].bytes.len();
        files[0].bytes[at % length] = byte;
        let _ = LyncShell.read(&files);
        files[0].bytes.truncate(at % length);
        let _ = LyncShell.read(&files);
    }

    #[test]
    fn any_name_and_range_read_back(name in "\\PC{1,20}|[\u{2018}-\u{201d}'\"$`\n]{1,8}", first in 1024u16..=65535, more in 0u16..500) {
        prop_assume!(!name.starts_with("site:") && name != "*");
        let last = first.saturating_add(more);
        let policy = with_producers(vec![
            told(ProducerKind::Clients, Subject::Site(name.clone()), &[(RangeUse::Video, first, last)]),
            told(ProducerKind::ApplicationPool, Subject::Service(name), &[(RangeUse::Video, first, last)]),
        ]);
        let files = lower(&policy).unwrap().emit();
        let back = LyncShell.read(&files).unwrap();
        prop_assert_eq!(sorted(back.producers()), sorted(policy.producers()));
    }
}
