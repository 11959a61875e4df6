//! Software and phones that are told ports and marks: what is written says what the plan says, and what cannot be said is
//! refused.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use perhop_policy::{
    AppMatch, Diagnostic, FileId, OptionValue, PolicySet, Producer, ProducerKind, RangeUse, Span,
    TargetRequest,
};
use perhop_targets::products::PRODUCTS;
use perhop_targets::software::Product;
use perhop_targets::{Artifact, CompileOptions, Purpose, Target, compile, registry};

use support::{cases, request};

#[test]
fn what_is_written_tells_the_plans_own_producers() {
    let mut told = 0;
    let mut silent: Vec<&str> = PRODUCTS.iter().map(|product| product.id).collect();
    for case in cases() {
        for product in PRODUCTS {
            let asked = request(&case.policy, product.id);
            let Ok(program) = product.lower(&case.policy, &asked) else {
                continue;
            };
            let files = program.emit();
            if files.is_empty() {
                continue;
            }
            silent.retain(|id| *id != product.id);
            let read = product.read(&files).unwrap();
            assert_eq!(read.emit(), files);
            assert_eq!(plain(read.producers()), plain(program.producers()));
            for producer in plain(program.producers()) {
                let own = case.policy.producers().iter();
                let own = own.filter(|one| one.kind == producer.kind);
                let mut planned = plain(&own.cloned().collect::<Vec<_>>());
                for one in &mut planned {
                    // Where signalling listens is not what these settings are about.
                    one.ranges
                        .retain(|range| range.used_for != RangeUse::Signaling);
                }
                assert_eq!(planned, [producer], "{} {}", case.name, product.id);
                told += 1;
            }
        }
    }
    assert!(told >= 12, "{told}");
    assert_eq!(silent, [""; 0], "no case is about them");
}

/// Without places, ranges in order.
fn plain(producers: &[Producer]) -> Vec<Producer> {
    let mut out = producers.to_vec();
    for producer in &mut out {
        producer.origin = Span::default();
        for range in &mut producer.ranges {
            range.origin = Span::default();
        }
        producer.ranges.sort();
    }
    out
}

#[test]
fn a_product_is_made_only_where_the_plan_has_it() {
    for case in cases() {
        for product in PRODUCTS {
            let named = case.policy.targets().iter().any(|one| {
                one.id == product.id && one.options.iter().any(|(key, ..)| key == "apps")
            });
            let known = |app: &AppMatch| product.is(app.as_str());
            let runs = case.policy.rules().iter().any(|rule| known(&rule.app));
            assert_eq!(
                product.is_default_for(&case.policy),
                named || runs,
                "{} {}",
                case.name,
                product.id
            );
        }
    }
}

#[test]
fn a_virtual_desktop_and_a_meeting_client_get_their_marks() {
    let policy = policy(
        r#"
        plan = "P"
        platforms = ["lync-2013"]
        [class]
        audio = { dscp = "EF" }
        video = { dscp = "AF41" }
        [clients]
        vdi = ["citrix-hdx"]
        [clients.ports]
        audio = "20000-20039"
        video = "20040-20079"
        [app.meetings]
        executable = "Zoom.exe"
        marker = "sender"
        audio = { ports = 8801, side = "destination" }
        [target.zoom]
        accept = ["wider.ports"]
        "#,
    );
    let files = made(&policy, "citrix-hdx").unwrap();
    let reg = files
        .iter()
        .find(|file| file.path.ends_with("media-engine.reg"));
    let units: Vec<u16> = reg.unwrap().bytes[2..]
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    let text = String::from_utf16(&units).unwrap();
    assert!(text.contains("\"AudioTOS\"=dword:000000b8\r\n"), "{text}");
    assert!(text.contains("\"VideoTOS\"=dword:00000088\r\n"), "{text}");
    let files = made(&policy, "zoom").unwrap();
    let page = files
        .iter()
        .find(|file| file.purpose == Purpose::Apply)
        .unwrap();
    assert!(page.bytes.ends_with(b"audio = 46\n"));
}

/// A plan of one application.
fn app(executable: &str, rest: &str) -> String {
    format!(
        "plan = \"P\"\nplatforms = []\n[class]\naudio = {{ dscp = \"EF\" }}\nvideo = {{ dscp = \"AF41\" }}\n\
         signaling = {{ dscp = \"CS3\" }}\n[app.a]\nexecutable = \"{executable}\"\non = \"linux\"\n{rest}"
    )
}

#[test]
fn what_a_product_cannot_be_told_is_refused() {
    let two = "audio = { ports = \"10000-10999\" }\nvideo = { ports = \"11000-11999\" }";
    let audio = "audio = { ports = \"10000-10999\" }";
    let sender = "marker = \"sender\"\naudio = { ports = \"10000-10999\" }";
    for (target, executable, rest, code) in [
        ("asterisk", "asterisk", two, "target/no-such-range"),
        ("freeswitch", "freeswitch", two, "target/no-such-range"),
        ("janus", "janus", two, "target/no-such-range"),
        ("kamailio", "kamailio", audio, "target/no-such-range"),
        ("jitsi", "jvb", audio, "target/too-many-ports"),
        (
            "asterisk",
            "asterisk",
            "audio = { ports = \"1000-1999\" }",
            "target/port-too-low",
        ),
        ("freeswitch", "freeswitch", sender, "target/absent"),
        ("livekit", "livekit-server", sender, "target/absent"),
        ("coturn", "turnserver", sender, "target/absent"),
        (
            "asterisk",
            "asterisk",
            "marker = \"sender\"\npeers = [\"10.0.0.0/8\"]\naudio = { ports = \"10000-10999\" }",
            "target/wider",
        ),
        (
            "asterisk",
            "asterisk",
            "audio = { ports = \"10000-10999\" }\n[target.asterisk]\napps = [\"b\"]",
            "target/no-application",
        ),
        (
            "snom",
            "phone",
            "marker = \"sender\"\naudio = { ports = \"10000-10999\" }\n[target.snom]\napps = [\"a\"]",
            "target/wider",
        ),
    ] {
        let problems = made(&policy(&app(executable, rest)), target).unwrap_err();
        let codes: Vec<&str> = problems.iter().map(|one| one.code).collect();
        assert_eq!(codes, [code], "{target} {rest}: {problems:?}");
        assert!(!problems[0].helps.is_empty() && !problems[0].labels.is_empty());
    }
}

#[test]
fn a_product_that_is_not_there_and_names_that_meet_are_refused() {
    let audio = "audio = { ports = \"10000-10999\" }";
    let listed = app("other", audio).replace("platforms", "targets = [\"asterisk\"]\nplatforms");
    let problems = compile(&policy(&listed), &CompileOptions::default()).unwrap_err();
    assert_eq!(problems[0].code, "target/no-application");
    let same = r#"
        plan = "P"
        platforms = ["lync-2013"]
        [clients.ports]
        audio = "20000-20039"
        [phones]
        [app.Phones]
        on = "devices"
        audio = { ports = "11780-12779" }
        "#;
    let problems = made(&policy(same), "yealink").unwrap_err();
    assert_eq!(problems[0].code, "target/same-name");
}

const HOSTILE: [&str; 10] = [
    "it's",
    "a\"b\"/><x",
    "--> <!-- & ]]>",
    "$(reboot) `x` ${y}",
    "caf\u{e9} \u{1f4de} x",
    "x}; y { z = 1",
    "# ; // /* */",
    "=1+1 | cell",
    "- - --",
    "[general] tos=0",
];

#[test]
fn no_name_leaves_its_comment() {
    for product in PRODUCTS {
        let executable = product.executables.first().copied().unwrap_or("phone");
        let harmless = shapes(product, executable, "a", "P");
        for name in HOSTILE {
            assert_eq!(
                shapes(product, executable, name, name),
                harmless,
                "{}",
                product.id
            );
        }
    }
}

/// The lines of every file, comments left out, and what is read back.
fn shapes(product: &Product, executable: &str, name: &str, plan: &str) -> Vec<String> {
    let quoted = |text: &str| toml_text(text);
    let single = product.id == "jitsi";
    let media = match product.id {
        "kamailio" => "signaling = { ports = 5060 }",
        _ if single => "audio = { ports = 10000 }",
        _ => "audio = { ports = \"10000-10999\" }",
    };
    let text = format!(
        "plan = {}\nplatforms = []\n[class]\naudio = {{ dscp = \"EF\" }}\nsignaling = {{ dscp = \"CS3\" }}\n\
         [app.{}]\nexecutable = \"{executable}.exe\"\non = \"clients\"\n{media}",
        quoted(plan),
        quoted(name),
    );
    let policy = policy(&text);
    let asked = TargetRequest {
        id: product.id.to_owned(),
        options: vec![(
            "apps".to_owned(),
            OptionValue::List(vec![name.to_owned()]),
            Span::default(),
        )],
        ..TargetRequest::default()
    };
    let program = product.lower(&policy, &asked).unwrap();
    let files = program.emit();
    let read = product.read(&files).unwrap();
    for producer in read.producers() {
        assert_eq!(producer.kind, ProducerKind::Software(name.to_owned()));
    }
    files
        .iter()
        .filter(|file| file.purpose != Purpose::Support)
        .map(shape)
        .collect()
}

fn shape(file: &Artifact) -> String {
    let text = match file.bytes.strip_prefix(&[0xff, 0xfe]) {
        Some(rest) => {
            let units = rest
                .chunks_exact(2)
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
            String::from_utf16(&units.collect::<Vec<_>>()).unwrap()
        }
        None => String::from_utf8(file.bytes.clone()).unwrap(),
    };
    if text.starts_with("<?xml") {
        roxmltree::Document::parse(&text).unwrap();
    }
    let comment = |line: &&str| {
        let line = line.trim_start();
        line.starts_with("#") && !line.starts_with("#!")
            || line.starts_with(';')
            || (line.starts_with("<!--")
                && line.ends_with("-->")
                && line.matches("--").count() == 2)
    };
    let lines: Vec<&str> = text.lines().filter(|line| !comment(line)).collect();
    lines.join("\n")
}

/// A basic string of TOML.
fn toml_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[test]
fn what_was_changed_by_hand_is_refused_or_harmless() {
    let mut damaged = 0;
    for case in cases()
        .into_iter()
        .filter(|case| ["media", "phones"].contains(&&*case.name))
    {
        for product in PRODUCTS {
            let asked = request(&case.policy, product.id);
            let Ok(program) = product.lower(&case.policy, &asked) else {
                continue;
            };
            let files = program.emit();
            for (at, file) in files.iter().enumerate() {
                if file.purpose == Purpose::Undo {
                    continue;
                }
                let with = |bytes: Vec<u8>| {
                    let mut changed = files.clone();
                    changed[at].bytes = bytes;
                    product.read(&changed)
                };
                for cut in 0..file.bytes.len() {
                    let _ = with(file.bytes[..cut].to_vec());
                    let mut other = file.bytes.clone();
                    other[cut] ^= 1;
                    let _ = with(other);
                }
                let strange = [&file.bytes[..], b"strange = 1\n"].concat();
                let problems = with(strange).err().unwrap();
                assert_eq!(problems[0].code, "target/unreadable");
                assert!(problems[0].message.contains(&file.path), "{problems:?}");
                assert!(with(vec![0xff, 0xff, 0xff]).is_err());
                damaged += 1;
            }
        }
    }
    assert!(damaged > 30, "{damaged}");
}

#[test]
fn an_octet_where_a_code_point_belongs_is_seen() {
    let case = cases()
        .into_iter()
        .find(|case| case.name == "media")
        .unwrap();
    let product = registry::find("rtpengine").unwrap();
    let program = product
        .lower(&case.policy, &request(&case.policy, "rtpengine"))
        .unwrap();
    let mut files = program.emit();
    let file = files
        .iter_mut()
        .find(|file| file.path.ends_with("rtp-proxy/rtpengine.conf"))
        .unwrap();
    let text = String::from_utf8(file.bytes.clone()).unwrap();
    assert!(text.contains("tos = 184\n"));
    // 46 has bits that a mark of ours never has in an octet.
    file.bytes = text.replace("184", "46").into_bytes();
    assert!(product.read(&files).is_err());
}

fn policy(text: &str) -> PolicySet {
    let loaded = perhop_plan::load(FileId(0), text);
    let problems = support::render(text, &loaded.diagnostics);
    loaded
        .policy
        .unwrap_or_else(|| panic!("{text}\n{problems}"))
}

fn made(policy: &PolicySet, target: &str) -> Result<Vec<Artifact>, Vec<Diagnostic>> {
    let options = CompileOptions {
        only: &[target.to_owned()],
        plan_digest: "",
    };
    compile(policy, &options).map(|compiled| compiled.artifacts)
}
