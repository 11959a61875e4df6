use perhop_policy::set::Parts;
use perhop_policy::{RangeUse, Role};
use proptest::prelude::*;

use super::*;
use crate::testing::{HOSTILE, producers, scope, sorted, teams, told, with_producers};

fn lower(policy: &PolicySet) -> Box<dyn Program> {
    LyncInband.lower(policy, &TargetRequest::default()).unwrap()
}

fn text(files: &[Artifact], name: &str) -> String {
    let path = format!("lync-inband/{name}");
    let file = files.iter().find(|file| file.path == path).unwrap();
    String::from_utf8(file.bytes.clone()).unwrap()
}

#[test]
fn ranges_become_inclusive_limits_and_the_rest_is_said_to_be_open() {
    let policy = with_producers(vec![told(
        ProducerKind::Clients,
        Subject::Global,
        &[(RangeUse::Audio, 50000, 50038)],
    )]);
    let files = lower(&policy).emit();
    assert_eq!(
        text(&files, "global.xml").replace("\r\n", "\n"),
        r#"<?xml version="1.0" encoding="utf-8"?>
<expected plan="Contoso" users="global">
  <provisionGroup name="ServerConfiguration">
    <ucPortRangeEnabled>true</ucPortRangeEnabled>
    <!-- ucMinMediaPort: not decided by the plan -->
    <!-- ucMaxMediaPort: not decided by the plan -->
    <ucMinAudioPort>50000</ucMinAudioPort>
    <ucMaxAudioPort>50038</ucMaxAudioPort>
    <!-- ucMinVideoPort: not decided by the plan -->
    <!-- ucMaxVideoPort: not decided by the plan -->
    <!-- ucMinAppSharingPort: not decided by the plan -->
    <!-- ucMaxAppSharingPort: not decided by the plan -->
    <!-- ucMinFileTransferPort: not decided by the plan -->
    <!-- ucMaxFileTransferPort: not decided by the plan -->
    <!-- ucMinSipDynamicPort: not decided by the plan -->
    <!-- ucMaxSipDynamicPort: not decided by the plan -->
    <!-- qosEnabled: not decided by the plan -->
    <!-- ucDiffServVoice: not decided by the plan -->
    <!-- ucVoice802_1p: not decided by the plan -->
  </provisionGroup>
</expected>
"#
    );
}

#[test]
fn a_service_takes_phones_from_its_site_and_clients_from_itself() {
    let mut home = scope("clients@pool01.contoso.com", Role::Client, &[]);
    home.site = Some("Redmond".into());
    let policy = PolicySet::try_new(Parts {
        scopes: vec![home],
        producers: producers(),
        ..Parts::default()
    })
    .unwrap();
    let files = lower(&policy).emit();
    let names: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        names,
        [
            "lync-inband/README.md",
            "lync-inband/global.xml",
            "lync-inband/site-Redmond.xml",
            "lync-inband/service-pool01.contoso.com.xml"
        ]
    );
    let service = text(&files, "service-pool01.contoso.com.xml");
    assert!(service.contains("<ucMinAudioPort>22000</ucMinAudioPort>"));
    assert!(service.contains("<!-- ucMinVideoPort: not decided by the plan -->"));
    assert!(service.contains("<ucDiffServVoice>40</ucDiffServVoice>"));
    assert!(service.contains("<!-- ucVoice802_1p: not decided by the plan -->"));
    assert!(service.contains("<qosEnabled>false</qosEnabled>"));
    let global = text(&files, "global.xml");
    assert!(global.contains("<ucDiffServVoice>46</ucDiffServVoice>"));
    assert!(global.contains("<ucVoice802_1p>5</ucVoice802_1p>"));
    assert!(global.contains("<ucMaxSipDynamicPort>7102</ucMaxSipDynamicPort>"));
}

#[test]
fn what_is_written_reads_back() {
    let policy = with_producers(producers());
    let program = lower(&policy);
    let files = program.emit();
    let back = LyncInband.read(&files).unwrap();
    assert_eq!(sorted(back.producers()), sorted(program.producers()));
    let own: Vec<Producer> = policy
        .producers()
        .iter()
        .filter(|one| is_told_in_band(one) && one.subject == Subject::Global)
        .cloned()
        .collect();
    let global: Vec<Producer> = back
        .producers()
        .iter()
        .filter(|one| one.subject == Subject::Global)
        .cloned()
        .collect();
    assert_eq!(sorted(&global), sorted(&own));
}

#[test]
fn hostile_names_stay_in_place_and_apart() {
    let clients = HOSTILE.iter().enumerate().map(|(index, name)| {
        let first = 20000 + u16::try_from(index).unwrap() * 100;
        told(
            ProducerKind::Clients,
            Subject::Site((*name).into()),
            &[(RangeUse::Audio, first, first + 39)],
        )
    });
    let policy = with_producers(clients.collect());
    let files = lower(&policy).emit();
    assert_eq!(files.len(), HOSTILE.len() + 1);
    let mut paths: Vec<String> = files.iter().map(|file| file.path.to_lowercase()).collect();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), files.len());
    let back = LyncInband.read(&files).unwrap();
    for (told, read) in sorted(policy.producers())
        .iter()
        .zip(sorted(back.producers()))
    {
        assert_eq!(told.ranges, read.ranges);
        if let (Subject::Site(a), Subject::Site(b)) = (&told.subject, &read.subject) {
            assert_eq!(&a.replace('\0', "\u{fffd}"), b);
        }
    }
}

#[test]
fn it_is_made_where_lync_tells_clients_something() {
    assert!(LyncInband.is_default_for(&with_producers(producers())));
    assert!(!LyncInband.is_default_for(&with_producers(teams())));
    let audio = [(RangeUse::Audio, 49152, 57499)];
    let servers = told(ProducerKind::MediationService, Subject::Global, &audio);
    assert!(!LyncInband.is_default_for(&with_producers(vec![servers])));
}

#[test]
fn an_error_has_its_line() {
    let policy = with_producers(producers());
    let mut files = lower(&policy).emit();
    let text = text(&files, "global.xml").replace("<ucMaxAudioPort>20039", "<ucMaxAudioPort>19999");
    files[1].bytes = text.into_bytes();
    let found = LyncInband.read(&files).err().unwrap();
    assert_eq!(
        found[0].message,
        "`lync-inband/global.xml`, line 8: `19999` cannot be the value of `ucMaxAudioPort`"
    );
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..2000, byte in any::<u8>()) {
        let mut files = lower(&with_producers(producers())).emit();
        let length = files[1].bytes.len();
        files[1].bytes[at % length] = byte;
        let _ = LyncInband.read(&files);
        files[1].bytes = bytes;
        let _ = LyncInband.read(&files);
    }
}
