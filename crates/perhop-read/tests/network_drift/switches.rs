//! Switches and routers with access lists and classes.

use perhop_policy::Severity;
use perhop_read::Finding;
use perhop_read::audit::State;

use crate::audited::{audited, grave, states};

pub(crate) const PLAN: &str = r#"plan = "Campus"
platforms = ["lync-2013"]
[class]
audio = { dscp = "EF" }
video = { dscp = "AF41" }
app-sharing = { dscp = "AF21" }
[clients.ports]
audio = "50000-50019"
video = "50020-50039"
app-sharing = "50040-50059"
[target.cisco-ios]
mark = ["clients"]
access = ["clients=GigabitEthernet1/0/1"]
unplanned = "reset"
accept = ["wider.application"]
"#;

/// As a running configuration has it, by hand and as planned.
const DEVICE: &str = "\
hostname access-7
!
class-map match-any VOICE
  match access-group name VOICE
  match access-group name VOICE6
class-map match-any VIDEO
  match access-group name VIDEO
  match access-group name VIDEO6
class-map match-any SHARE
  match access-group name SHARE
  match access-group name SHARE6
!
policy-map EDGE-IN
  class VOICE
   set dscp ef
   police cir 1000000 conform-action transmit exceed-action drop
  class VIDEO
   set dscp af41
  class SHARE
   set dscp af21
  class class-default
   set dscp default
!
interface GigabitEthernet1/0/1
  service-policy input EDGE-IN
!
ip access-list extended VOICE
 10 permit udp any range 50000 50019 any
 20 permit tcp any range 50000 50019 any
ip access-list extended VIDEO
 10 permit udp any range 50020 50039 any
 20 permit tcp any range 50020 50039 any
ip access-list extended SHARE
 10 permit udp any range 50040 50059 any
 20 permit tcp any range 50040 50059 any
ipv6 access-list VOICE6
 sequence 10 permit udp any range 50000 50019 any
 sequence 20 permit tcp any range 50000 50019 any
ipv6 access-list VIDEO6
 sequence 10 permit udp any range 50020 50039 any
 sequence 20 permit tcp any range 50020 50039 any
ipv6 access-list SHARE6
 sequence 10 permit udp any range 50040 50059 any
 sequence 20 permit tcp any range 50040 50059 any
!
line vty 0 4
 access-class VTY in
end
";

/// A class by arriving marks takes what hosts marked, and nothing of what the network is to mark.
#[test]
fn classes_by_arriving_marks() {
    let lists = "  match access-group name VOICE\n  match access-group name VOICE6\n";
    let device = DEVICE.replacen(
        &format!("class-map match-any VOICE\n{lists}"),
        "class-map match-all VOICE\n  match dscp ef\n  match access-group name VOICE\n",
        1,
    );
    assert_ne!(device, DEVICE);
    let audit = audited(PLAN, &device);
    let found = grave(&audit);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].code, "audit/narrower");
    assert!(
        found[0]
            .message
            .contains("`VOICE` of `EDGE-IN` is for udp from 50000-50019, marked 46 (EF)"),
        "{}",
        found[0].message
    );
    assert!(
        found[0]
            .commands
            .iter()
            .any(|line| line == "class-map match-any PH-D46-EF"),
        "{:?}",
        found[0].commands
    );
    // A list that goes by marks alone is for hosts that mark.
    let trusting = "class-map match-any EF\n match dscp ef\nclass-map match-any AF41\n match dscp af41\n\
                    policy-map TRUST\n class EF\n  set dscp ef\n class AF41\n  set dscp af41\n class class-default\n  set dscp default\n";
    assert_eq!(grave(&audited(PLAN, trusting)), Vec::<&Finding>::new());
    let wrong = trusting.replace("set dscp ef", "set dscp cs5");
    assert_eq!(grave(&audited(PLAN, &wrong))[0].code, "audit/other-mark");
    // Where hosts mark, the class keeps what they put on, or does not.
    let hosts = &PLAN[..PLAN.find("[target").unwrap_or_default()];
    let open = device.replace("  class class-default\n   set dscp default\n", "");
    assert_eq!(grave(&audited(hosts, &open)), Vec::<&Finding>::new());
    let audit = audited(hosts, &open.replacen("set dscp ef", "set dscp cs5", 1));
    assert_eq!(grave(&audit)[0].code, "audit/other-mark");
}

#[test]
fn what_is_as_planned_has_no_drift() {
    let audit = audited(PLAN, DEVICE);
    assert_eq!(grave(&audit), Vec::<&Finding>::new());
    assert_eq!(audit.scopes, [vec!["clients".to_owned()]]);
    assert_eq!(states(&audit), [State::Ok; 3]);
    // A line about other protocols changes nothing.
    let denied = DEVICE.replacen(
        " 10 permit udp any range 50000 50019 any\n",
        " 5 deny icmp any any\n 10 permit udp any range 50000 50019 any\n",
        1,
    );
    assert_eq!(grave(&audited(PLAN, &denied)), Vec::<&Finding>::new());
    // What is marked beside the plan is information.
    let other = DEVICE.replace(
        " 20 permit tcp any range 50040 50059 any\nipv6",
        " 20 permit tcp any range 50040 50059 any\n 30 permit udp any any eq 5060\nipv6",
    );
    let audit = audited(PLAN, &other);
    assert_eq!(grave(&audit), Vec::<&Finding>::new());
    let extra: Vec<&Finding> = audit
        .findings
        .iter()
        .filter(|one| one.code == "audit/extra-policy")
        .collect();
    assert_eq!(extra.len(), 1);
    assert!(
        extra[0].message.contains("udp to 5060"),
        "{}",
        extra[0].message
    );
}

/// What was changed, the code of the one finding, where it is, what it says and what it has one run.
struct Drift {
    from: &'static str,
    to: &'static str,
    code: &'static str,
    line: usize,
    says: &'static str,
    runs: &'static [&'static str],
    helps: &'static str,
}

const DRIFTS: &[Drift] = &[
    // Behind the last line nothing comes any more.
    Drift {
        from: " 10 permit udp any range 50000 50019 any\n 20 permit tcp any range 50000 50019 any\nip",
        to: " 20 permit tcp any range 50000 50019 any\n 30 deny ip any any\nip",
        code: "audit/narrower",
        line: 14,
        says: "part of `clients/lync-2013/audio` is not marked",
        runs: &[],
        helps: "put before the lines of `VOICE` that deny: permit udp any range 50000 50019 any; permit tcp",
    },
    Drift {
        from: "   set dscp ef\n",
        to: "   set dscp cs5\n",
        code: "audit/other-mark",
        line: 14,
        says: "`clients/lync-2013/audio` is to be 46 (EF), and `VOICE` of `EDGE-IN` marks 40 (CS5)",
        runs: &["policy-map EDGE-IN", " class VOICE", "  set dscp ef"],
        helps: "",
    },
    Drift {
        from: " 10 permit udp any range 50000 50019 any\n 20 permit tcp any range 50000 50019 any\nip",
        to: " 10 permit udp any range 50000 50009 any\n 20 permit tcp any range 50000 50019 any\nip",
        code: "audit/narrower",
        line: 14,
        says: "part of `clients/lync-2013/audio` is not marked",
        runs: &[
            "ip access-list extended VOICE",
            " permit udp any range 50000 50019 any",
            " permit tcp any range 50000 50019 any",
            "ipv6 access-list VOICE6",
            " permit udp any range 50000 50019 any",
            " permit tcp any range 50000 50019 any",
        ],
        helps: "",
    },
    Drift {
        from: " 10 permit udp any range 50000 50019 any\n 20",
        to: " 5 deny udp 10.9.0.0 0.0.255.255 any\n 10 permit udp any range 50000 50019 any\n 20",
        code: "audit/narrower",
        line: 14,
        says: "part of `clients/lync-2013/audio` is not marked: `VOICE` of `EDGE-IN` is for udp from 50000-50019, not udp from 10.9.0.0/16",
        runs: &[],
        helps: "an earlier line of `VOICE` keeps them from the class",
    },
    Drift {
        from: "  class VIDEO\n   set dscp af41\n",
        to: "",
        code: "audit/unmarked",
        line: 14,
        says: "`clients/lync-2013/video` is not marked by `EDGE-IN`",
        runs: &[
            "ip access-list extended PH-D34-AF41-V4",
            " 10 permit udp any range 50020 50039 any",
            " 20 permit tcp any range 50020 50039 any",
            "ipv6 access-list PH-D34-AF41-V6",
            " sequence 10 permit udp any range 50020 50039 any",
            " sequence 20 permit tcp any range 50020 50039 any",
            "class-map match-any PH-D34-AF41",
            " match access-group name PH-D34-AF41-V4",
            " match access-group name PH-D34-AF41-V6",
            "policy-map EDGE-IN",
            " class PH-D34-AF41",
            "  set dscp af41",
        ],
        helps: "",
    },
    Drift {
        from: "   set dscp af41\n",
        to: "   bandwidth percent 10\n",
        code: "audit/unmarked",
        line: 17,
        says: "`clients/lync-2013/video` is not marked: `VIDEO` of `EDGE-IN` takes it and sets no mark",
        runs: &[],
        helps: "perhop compile PLAN --target cisco-ios",
    },
    Drift {
        from: "  class class-default\n   set dscp default\n",
        to: "",
        code: "audit/not-reset",
        line: 14,
        says: "leaves the marks of packets that no rule is about",
        runs: &[
            "policy-map EDGE-IN",
            " class class-default",
            "  set dscp default",
        ],
        helps: "",
    },
    Drift {
        from: "  service-policy input EDGE-IN\n",
        to: "",
        code: "audit/not-attached",
        line: 14,
        says: "`EDGE-IN` is not attached to GigabitEthernet1/0/1, where hosts of `clients` are",
        runs: &[
            "interface GigabitEthernet1/0/1",
            " service-policy input EDGE-IN",
        ],
        helps: "",
    },
];

#[test]
fn every_drift_is_one_finding_with_what_mends_it() {
    for drift in DRIFTS {
        assert_eq!(
            DEVICE.matches(drift.from).count().min(1),
            1,
            "{}",
            drift.from
        );
        let audit = audited(PLAN, &DEVICE.replacen(drift.from, drift.to, 1));
        let found = grave(&audit);
        let [one] = found[..] else {
            panic!("{}: {found:#?}", drift.code);
        };
        assert_eq!(one.code, drift.code, "{one:#?}");
        assert!(one.message.contains(drift.says), "{}", one.message);
        assert_eq!(
            one.place.as_ref().and_then(|place| place.line),
            Some(drift.line),
            "{}",
            one.message
        );
        assert!(one.plan.is_some(), "{}", one.message);
        assert_eq!(one.commands, drift.runs, "{}", one.message);
        assert!(
            one.helps.join("\n").contains(drift.helps),
            "{}: {:?}",
            one.message,
            one.helps
        );
    }
}

/// Commands that a finding has one run, typed below the configuration, leave no drift.
#[test]
fn what_is_run_mends_it() {
    for drift in DRIFTS.iter().filter(|drift| !drift.runs.is_empty()) {
        let mut device = DEVICE
            .replacen(drift.from, drift.to, 1)
            .replace("end\n", "");
        if drift.code == "audit/other-mark" || drift.runs.len() == 12 {
            // A class that is entered again is changed where it stands.
            let class = drift.runs[drift.runs.len() - 2].trim();
            let set = drift.runs[drift.runs.len() - 1].trim();
            let head = drift.to.lines().next().unwrap_or("  class class-default");
            let own = format!("  {class}\n   {set}\n");
            device = if drift.to.is_empty() {
                device.replacen(head, &format!("{own}{head}"), 1)
            } else {
                device.replacen(drift.to, &format!("   {set}\n"), 1)
            };
            device.push_str(&drift.runs[..drift.runs.len() - 3].join("\n"));
        } else if drift.code == "audit/not-reset" {
            device = device.replacen(
                "!\ninterface",
                "  class class-default\n   set dscp default\n!\ninterface",
                1,
            );
        } else {
            device.push_str(&drift.runs.join("\n"));
        }
        let audit = audited(PLAN, &device);
        assert_eq!(
            grave(&audit),
            Vec::<&Finding>::new(),
            "{}\n{device}",
            drift.code
        );
    }
}

/// A class that is by something unknown may take packets from those below it: that is said.
#[test]
fn what_is_not_understood_is_said() {
    let device = DEVICE
        .replacen(
            "class-map match-any VOICE\n",
            "class-map match-all RTP\n  match protocol rtp audio\nclass-map match-any VOICE\n",
            1,
        )
        .replacen(
            "  class VOICE\n",
            "  class RTP\n   set dscp ef\n  class VOICE\n",
            1,
        )
        .replacen("   set dscp af41\n", "   set dscp af42\n", 1);
    let audit = audited(PLAN, &device);
    let found = grave(&audit);
    assert_eq!(found.len(), 1);
    assert!(
        found[0]
            .notes
            .iter()
            .any(|note| note.contains("2 lines of the file")),
        "{:?}",
        found[0].notes
    );
}

/// Where hosts mark by themselves the network need not, but must not mark otherwise.
#[test]
fn the_network_need_not_mark_what_hosts_mark() {
    let plan = PLAN.replace("mark = [\"clients\"]\n", "");
    let audit = audited(&plan, DEVICE);
    assert_eq!(grave(&audit), Vec::<&Finding>::new());
    assert_eq!(states(&audit), []);
    let without = DEVICE.replacen("  class VIDEO\n   set dscp af41\n", "", 1);
    assert_eq!(grave(&audited(&plan, &without)), Vec::<&Finding>::new());
    let other = DEVICE.replacen("set dscp af41", "set dscp cs1", 1);
    let audit = audited(&plan, &other);
    let codes: Vec<&str> = grave(&audit).iter().map(|one| one.code).collect();
    assert_eq!(codes, ["audit/other-mark"]);
}

/// IPv6 that no list takes is one warning a rule, not an error: many networks have none.
#[test]
fn a_network_without_ipv6() {
    let device: String = DEVICE
        .lines()
        .filter(|line| !line.contains('6') || !line.contains("access"))
        .filter(|line| !line.contains("sequence"))
        .map(|line| format!("{line}\n"))
        .collect();
    let audit = audited(PLAN, &device);
    let found = grave(&audit);
    assert_eq!(found.len(), 3);
    for one in found {
        assert_eq!(one.severity, Severity::Warning, "{one:#?}");
        assert!(
            one.notes.iter().any(|note| note.contains("IPv6")),
            "{one:#?}"
        );
    }
}

const JUNOS: &str = "\
version 21.4R3;
/* access */
firewall {
    family inet {
        filter MARK-IN {
            term voice {
                from {
                    protocol [ udp tcp ];
                    source-port 50000-50019;
                }
                then {
                    forwarding-class voice;
                    loss-priority low;
                    accept;
                }
            }
            term video {
                from {
                    protocol [ udp tcp ];
                    source-port [ 50020-50029 50030-50039 ];
                }
                then {
                    dscp af41;
                    accept;
                }
            }
            inactive: term old {
                then discard;
            }
            term rest {
                then accept;
            }
        }
    }
    family inet6 {
        filter MARK-IN6 {
            term voice {
                from {
                    next-header [ udp tcp ];
                    source-port 50000-50019;
                }
                then forwarding-class voice;
            }
            term video {
                from {
                    next-header [ udp tcp ];
                    source-port 50020-50039;
                }
                then traffic-class af41;
            }
        }
    }
}
interfaces {
    ge-0/0/1 {
        unit 0 {
            family inet {
                filter {
                    input MARK-IN;
                }
            }
            family inet6 {
                filter {
                    input MARK-IN6;
                }
            }
        }
    }
}
class-of-service {
    rewrite-rules {
        dscp OUT {
            forwarding-class voice {
                loss-priority low code-point ef;
            }
        }
        dscp-ipv6 OUT6 {
            forwarding-class voice {
                loss-priority low code-point 101110;
            }
        }
    }
}
";

/// Both families, blocks, `set` commands and rewrite rules.
#[test]
fn junos_in_both_forms() {
    let plan = PLAN
        .replace("app-sharing = { dscp = \"AF21\" }\n", "")
        .replace("app-sharing = \"50040-50059\"\n", "")
        .replace("cisco-ios", "junos")
        .replace("GigabitEthernet1/0/1", "ge-0/0/1")
        .replace("unplanned = \"reset\"\n", "");
    let audit = audited(&plan, JUNOS);
    assert_eq!(grave(&audit), Vec::<&Finding>::new());
    assert_eq!(states(&audit), [State::Ok; 2]);
    let set = "\
set firewall family inet filter F term voice from protocol [ udp tcp ]
set firewall family inet filter F term voice from source-port 50000-50019
set firewall family inet filter F term voice then dscp 46
set firewall family inet filter F term video from protocol udp
set firewall family inet filter F term video from protocol tcp
set firewall family inet filter F term video from source-port 50020-50039
set firewall family inet filter F term video then dscp 34
set interfaces ge-0/0/1 unit 0 family inet filter input F
";
    let audit = audited(&plan, set);
    let found = grave(&audit);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|one| one.severity == Severity::Warning));
    for (from, to, code) in [
        ("code-point ef", "code-point af31", "audit/other-mark"),
        (
            "source-port 50000-50019;\n                }\n                then {",
            "source-port 50000-50018;\n                }\n                then {",
            "audit/narrower",
        ),
        ("input MARK-IN;", "output MARK-IN;", "audit/not-attached"),
    ] {
        assert!(JUNOS.contains(from));
        let audit = audited(&plan, &JUNOS.replacen(from, to, 1));
        let found = grave(&audit);
        assert!(
            !found.is_empty() && found.iter().any(|one| one.code == code),
            "{code}: {found:#?}"
        );
    }
}
