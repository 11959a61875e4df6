//! Drift: for every code of auditing, a plan and files that raise it.

use perhop_policy::{FileId, PolicySet, Severity};
use perhop_read::audit::{self, Audit, State};
use perhop_read::{CODES, Finding, Input, Reading, Words};

const PLAN: &str = r#"plan = "Contoso"
platforms = ["lync-2013"]
[class]
audio = { dscp = "EF" }
video = { dscp = "AF41" }
[clients.ports]
audio = "20000-20039"
video = "20040-20079"
[servers.ports]
audio = "49152-57499"
video = "57501-65534"
app-sharing = "40803-49150"
[phones]
dscp = 46
[devices]
qos = true
"#;

fn policy() -> PolicySet {
    let loaded = perhop_plan::load(FileId(0), PLAN);
    loaded
        .policy
        .unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}

fn with_site() -> PolicySet {
    let text = format!(
        "{PLAN}\n[site.Redmond]\nsubnets = [\"10.1.0.0/16\"]\nclients.ports.audio = \"21000-21039\"\n"
    );
    let loaded = perhop_plan::load(FileId(0), &text);
    loaded
        .policy
        .unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}

fn audited(policy: &PolicySet, files: &[&str]) -> Audit {
    let inputs: Vec<Input<'_>> = files
        .iter()
        .map(|text| Input {
            name: "file",
            bytes: text.as_bytes(),
        })
        .collect();
    audit::audit(policy, &Reading::of(&inputs, &Words::default()))
}

/// A policy as a list of NetQos: name, application, protocol, side, ports, mark.
fn netqos(
    name: &str,
    app: &str,
    protocol: &str,
    side: &str,
    ports: (u16, u16),
    dscp: u8,
) -> String {
    let app = if app.is_empty() {
        String::new()
    } else {
        format!("AppPathName : {app}\n")
    };
    format!(
        "Name : {name}\nOwner : Group Policy (Machine)\nNetworkProfile : All\nPrecedence : 127\n{app}IPProtocol : {protocol}\n\
         IP{side}PortStart : {}\nIP{side}PortEnd : {}\nDSCPValue : {dscp}\n\n",
        ports.0, ports.1
    )
}

fn audio() -> String {
    netqos("a", "lync.exe", "Both", "Src", (20000, 20039), 46)
}

fn video() -> String {
    netqos("v", "lync.exe", "Both", "Src", (20040, 20079), 34)
}

fn clients(name: &str, enabled: bool, audio: u16) -> String {
    let on = if enabled { "True" } else { "False" };
    format!(
        "Identity : {name}\nClientMediaPortRangeEnabled : {on}\nClientAudioPort : {audio}\nClientAudioPortRange : 40\n\
         ClientVideoPort : 20040\nClientVideoPortRange : 40\n\n"
    )
}

fn one<'a>(audit: &'a Audit, code: &str) -> &'a Finding {
    audit
        .findings
        .iter()
        .find(|finding| finding.code == code)
        .unwrap_or_else(|| panic!("{code}: {:#?}", audit.findings))
}

#[test]
fn what_is_as_planned_has_no_drift() {
    let files = format!("{}{}", audio(), video());
    let audit = audited(&policy(), &[&files, &clients("Global", true, 20000)]);
    assert!(audit.is_as_planned(), "{:#?}", audit.findings);
    let ok = audit
        .rules
        .iter()
        .filter(|rule| rule.state == State::Ok)
        .count();
    assert_eq!(ok, 2);
    // Nothing was given about servers, phones and devices, and that is said.
    assert!(
        audit
            .findings
            .iter()
            .all(|one| one.code == "audit/not-covered")
    );
    assert!(audit.findings.len() >= 3);
}

/// Files that raise a code, and words that the finding or its command has to have.
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn drifts() -> Vec<(&'static str, Vec<String>, Severity, &'static str)> {
    use Severity::{Error, Info, Warning};
    let phones = "Identity : Global\nVoiceDiffServTag : 40\nVoice8021p : 0\n".to_owned();
    let devices =
        "Identity : Global\nEnableQoS : False\nEncryptionLevel : RequireEncryption\n".to_owned();
    let registry = "Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\Software\\Policies\\Microsoft\\Windows\\QoS\\Audio]\n\
        \"Version\"=\"1.0\"\n\"Application Name\"=\"lync.exe\"\n\"Protocol\"=\"*\"\n\"Local Port\"=\"20000:20039\"\n\"Local IP\"=\"*\"\n\
        \"Local IP Prefix Length\"=\"*\"\n\"Remote Port\"=\"*\"\n\"Remote IP\"=\"*\"\n\"Remote IP Prefix Length\"=\"*\"\n\
        \"DSCP Value\"=\"46\"\n\"Throttle Rate\"=\"-1\"\n".to_owned();
    vec![
        (
            "audit/unmarked",
            vec![audio()],
            Error,
            "New-NetQosPolicy -Name 'clients lync-2013 video'",
        ),
        (
            "audit/other-mark",
            vec![audio().replace("46", "40"), video()],
            Error,
            "Set-NetQosPolicy -Name 'a' -DSCPAction 46",
        ),
        (
            "audit/other-throttle",
            vec![
                audio().replace("\n\n", "\nThrottleRate : 1.049 MBits/sec\n\n"),
                video(),
            ],
            Error,
            "Remove-NetQosPolicy -Name 'a' -Confirm:$false; New-NetQosPolicy -Name 'a' -AppPathNameMatchCondition 'lync.exe'",
        ),
        (
            "audit/other-executable",
            vec![audio().replace("lync.exe", "communicator.exe"), video()],
            Error,
            "'lync.exe'",
        ),
        (
            "audit/other-ports",
            vec![
                netqos("a", "lync.exe", "Both", "Src", (50020, 50039), 46),
                video(),
            ],
            Error,
            "20000",
        ),
        (
            "audit/wrong-side",
            vec![
                netqos("a", "lync.exe", "Both", "Dst", (20000, 20039), 46),
                video(),
            ],
            Error,
            "IPSrcPortStartMatchCondition 20000",
        ),
        (
            "audit/narrower",
            vec![
                netqos("a", "lync.exe", "UDP", "Src", (20000, 20039), 46),
                video(),
            ],
            Error,
            "UDP only",
        ),
        (
            "audit/wider",
            vec![netqos("s", "", "Both", "Src", (49152, 57500), 46)],
            Info,
            "Microsoft",
        ),
        (
            "audit/extra-policy",
            vec![
                audio(),
                video(),
                netqos("Zoom", "Zoom.exe", "UDP", "Dst", (8801, 8810), 56),
            ],
            Info,
            "`Zoom`",
        ),
        ("audit/nla-missing", vec![registry], Warning, "reg.exe add"),
        (
            "audit/range-differs",
            vec![clients("Global", true, 50020)],
            Error,
            "Set-CsConferencingConfiguration -Identity 'Global' -ClientAudioPort 20000 -ClientAudioPortRange 40",
        ),
        (
            "audit/ranges-disabled",
            vec![clients("Global", false, 20000)],
            Error,
            "-ClientMediaPortRangeEnabled $true",
        ),
        (
            "audit/hidden",
            vec![format!(
                "{}{}",
                clients("Global", true, 20000),
                clients("site:Redmond", false, 5350)
            )],
            Error,
            "Remove-CsConferencingConfiguration -Identity 'site:Redmond'",
        ),
        (
            "audit/mark-differs",
            vec![phones],
            Error,
            "Set-CsUCPhoneConfiguration -Identity 'Global' -VoiceDiffServTag 46",
        ),
        (
            "audit/switch-differs",
            vec![devices],
            Error,
            "-EnableQoS $true",
        ),
        ("audit/not-covered", vec![audio()], Info, "reg.exe export"),
    ]
}

#[test]
fn every_drift_is_told_with_what_mends_it() {
    for (code, files, severity, word) in drifts() {
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let audit = audited(&policy(), &files);
        let found = one(&audit, code);
        assert_eq!(found.severity, severity, "{code}");
        let said = [
            vec![found.message.clone()],
            found.notes.clone(),
            found.helps.clone(),
            found.commands.clone(),
        ]
        .concat()
        .join(" ");
        assert!(said.contains(word), "{code}: {said}");
        assert!(
            found.plan.is_some() || code == "audit/extra-policy",
            "{code} does not name the plan"
        );
    }
}

#[test]
fn a_planned_object_that_is_not_there_is_told() {
    let audit = audited(&with_site(), &[&clients("Global", true, 20000)]);
    let found = one(&audit, "audit/object-missing");
    assert_eq!(
        found.commands,
        ["New-CsConferencingConfiguration -Identity 'site:Redmond'"]
    );
}

#[test]
fn policies_beyond_all_measure_are_told() {
    let mut text = String::new();
    for number in 0..3001u16 {
        let ports = (1024 + number, 1025 + number);
        text.push_str(&netqos(&format!("p{number}"), "", "UDP", "Dst", ports, 10));
    }
    text.push_str(&audio());
    let audit = audited(&policy(), &[&text]);
    assert_eq!(one(&audit, "audit/too-many").severity, Severity::Error);
}

#[test]
fn marks_of_nobodys_packets_are_said_not_to_be_compared() {
    let device = "policy-map IN\n class class-default\n  set dscp default\n";
    let audit = audited(&policy(), &[device]);
    let found = one(&audit, "audit/not-compared");
    assert_eq!(found.severity, Severity::Info);
    assert!(found.message.contains("no list in it"), "{}", found.message);
}

#[test]
fn every_code_of_auditing_is_raised() {
    let mut raised: Vec<&str> = drifts().into_iter().map(|(code, ..)| code).collect();
    raised.extend([
        "audit/object-missing",
        "audit/too-many",
        "audit/not-compared",
        // In `network_drift`.
        "audit/not-attached",
        "audit/not-reset",
    ]);
    for info in CODES.iter().filter(|info| info.code.starts_with("audit/")) {
        assert!(raised.contains(&info.code), "{} is never raised", info.code);
    }
}

/// Windows' order: an application outranks any number of other conditions, a user's policy the computer's, a higher
/// number a lower one.
#[test]
fn the_policy_that_wins_is_worked_out() {
    let general = netqos("g", "", "UDP", "Src", (20000, 20039), 10);
    let audit = audited(&policy(), &[&format!("{general}{}{}", audio(), video())]);
    assert!(audit.is_as_planned(), "{:#?}", audit.findings);
    let raised = general.replace("Precedence : 127", "Precedence : 200");
    let audit = audited(&policy(), &[&format!("{raised}{}{}", audio(), video())]);
    let found = one(&audit, "audit/other-mark");
    assert!(found.message.contains("part of"), "{}", found.message);
    assert!(found.notes[0].contains("UDP"), "{}", found.notes[0]);
}

/// One mark changed gives one finding about marks, and nothing else that is graver than information.
#[test]
fn one_mistake_is_one_finding() {
    let files = format!(
        "{}{}",
        audio().replace("DSCPValue : 46", "DSCPValue : 40"),
        video()
    );
    let audit = audited(&policy(), &[&files]);
    let grave: Vec<&str> = audit
        .findings
        .iter()
        .filter(|one| one.severity > Severity::Info)
        .map(|one| one.code)
        .collect();
    assert_eq!(grave, ["audit/other-mark"]);
}

/// The plan with an application that is throttled.
fn with_recorder() -> PolicySet {
    let plan = format!(
        "{PLAN}\n[app.recorder]\nexecutable = \"rec.exe\"\nvideo = {{ ports = \"30000-30099\", throttle = \"5 Mbit/s\" }}\n"
    );
    perhop_plan::load(FileId(0), &plan).policy.expect("a plan")
}

/// A plan's rate, and a policy of NetQos with another one.
#[test]
fn rates_are_held_against_the_plan() {
    let policy = with_recorder();
    let with = |rate: &str| {
        let policy = netqos("rec", "rec.exe", "Both", "Src", (30000, 30099), 34);
        format!(
            "{}{}{}",
            audio(),
            video(),
            policy.replace("\n\n", &format!("\n{rate}\n\n"))
        )
    };
    for same in [
        "ThrottleRate : 5.005 MBits/sec",
        "ThrottleRateAction : 5000000",
    ] {
        let audit = audited(&policy, &[&with(same)]);
        assert!(audit.is_as_planned(), "{same}: {:#?}", audit.findings);
    }
    for (other, says) in [
        (
            "ThrottleRate : 3.006 MBits/sec",
            "and `rec` keeps it to 3 Mbit/s",
        ),
        ("ThrottleRate : 0", "and `rec` does not throttle"),
        ("", "and `rec` does not throttle"),
    ] {
        let audit = audited(&policy, &[&with(other)]);
        let found = one(&audit, "audit/other-throttle");
        assert_eq!(found.rule.as_deref(), Some("clients/recorder/video"));
        assert!(found.message.ends_with(says), "{}", found.message);
        assert!(found.message.contains("is to be kept to 5 Mbit/s"));
        assert_eq!(
            found.commands,
            ["Set-NetQosPolicy -Name 'rec' -ThrottleRateActionBitsPerSecond 5005312"]
        );
    }
}

/// The same of policies in the registry, and of a policy that is missing.
#[test]
fn rates_in_the_registry_are_held_against_the_plan() {
    let policy = with_recorder();
    let registry = |rate: &str| {
        format!(
            "Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\Software\\Policies\\Microsoft\\Windows\\QoS\\Rec]\n\
             \"Version\"=\"1.0\"\n\"Application Name\"=\"rec.exe\"\n\"Protocol\"=\"*\"\n\"Local Port\"=\"30000:30099\"\n\"Local IP\"=\"*\"\n\
             \"Local IP Prefix Length\"=\"*\"\n\"Remote Port\"=\"*\"\n\"Remote IP\"=\"*\"\n\"Remote IP Prefix Length\"=\"*\"\n\
             \"DSCP Value\"=\"34\"\n\"Throttle Rate\"=\"{rate}\"\n"
        )
    };
    let audit = audited(&policy, &[&registry("366")]);
    let found = one(&audit, "audit/other-throttle");
    assert_eq!(found.place.as_ref().and_then(|place| place.line), Some(14));
    assert!(
        found.commands[0].ends_with("-Name 'Throttle Rate' -Type String -Value '611'"),
        "{:?}",
        found.commands
    );
    assert!(
        !audited(&policy, &[&registry("611")])
            .findings
            .iter()
            .any(|one| one.code == "audit/other-throttle")
    );
    // What is missing is made with its rate.
    let audit = audited(&policy, &[&format!("{}{}", audio(), video())]);
    let command = &one(&audit, "audit/unmarked").commands[0];
    assert!(
        command.contains("-DSCPAction 34 -ThrottleRateActionBitsPerSecond 5005312"),
        "{command}"
    );
}

/// What a client was sent is held against any group of users that the plan has.
#[test]
fn a_log_of_a_site_is_as_planned() {
    let sent = |audio: u16| {
        format!(
            "<provisionGroup name=\"ServerConfiguration\"><ucPortRangeEnabled>true</ucPortRangeEnabled>\n\
             <ucMinAudioPort>{audio}</ucMinAudioPort><ucMaxAudioPort>{}</ucMaxAudioPort>\n\
             <ucMinVideoPort>20040</ucMinVideoPort><ucMaxVideoPort>20079</ucMaxVideoPort></provisionGroup>",
            audio + 39
        )
    };
    for audio in [20000, 21000] {
        let audit = audited(&with_site(), &[&sent(audio)]);
        assert!(audit.is_as_planned(), "{audio}: {:#?}", audit.findings);
    }
    let audit = audited(&with_site(), &[&sent(22000)]);
    assert_eq!(
        one(&audit, "audit/range-differs")
            .place
            .as_ref()
            .and_then(|place| place.line),
        Some(2)
    );
}
