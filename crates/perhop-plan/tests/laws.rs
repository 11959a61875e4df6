//! What holds for every text and every plan.

#[path = "support/loading.rs"]
mod loading;
mod support;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use perhop_policy::{
    Answer, AppMatch, Dscp, FileId, FlowKey, PolicySet, PortMatch, Protocol, ProtocolMatch,
    Statement, Vantage,
};
use proptest::prelude::*;

use loading::keeps_its_word;

const EXAMPLES: [&str; 7] = [
    "contoso",
    "seed-blog",
    "mvp-guide",
    "microsoft",
    "teams",
    "sfb-2019",
    "webrtc",
];

fn example(name: &str) -> String {
    let path = format!(
        "{}/../../examples/{name}/plan.toml",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read_to_string(path).expect("the example is there")
}

/// A text as TOML blocks: the root's own lines, then one block a header, with the comments above it.
fn blocks(text: &str) -> (String, Vec<String>) {
    let mut root = String::new();
    let mut blocks: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.starts_with('[') {
            blocks.push(String::new());
        }
        let block = blocks.last_mut().unwrap_or(&mut root);
        block.push_str(line);
        block.push('\n');
    }
    (root, blocks)
}

/// Edits that a person or a fuzzer might make.
#[derive(Debug, Clone)]
enum Edit {
    Delete(usize, usize),
    Insert(usize, String),
    Repeat(usize),
    Swap(usize, usize),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let pieces = prop_oneof![
        Just("\"".to_owned()),
        Just("[".to_owned()),
        Just("]]".to_owned()),
        Just("{ start = 1, count = 70000 }".to_owned()),
        Just("\n[class.audio]\n".to_owned()),
        Just("= 99999999999999999999".to_owned()),
        Just("\"::/0\"".to_owned()),
        Just("\u{202e}\u{0}".to_owned()),
        Just("\"65535-1\"".to_owned()),
        Just("é".to_owned()),
        "[a-z.\\-]{1,12}",
        "[0-9]{1,6}",
    ];
    let edit = prop_oneof![
        (any::<usize>(), 0..40usize).prop_map(|(at, length)| Edit::Delete(at, length)),
        (any::<usize>(), pieces).prop_map(|(at, piece)| Edit::Insert(at, piece)),
        any::<usize>().prop_map(Edit::Repeat),
        (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Edit::Swap(a, b)),
    ];
    prop::collection::vec(edit, 1..6)
}

fn apply(text: &str, edits: &[Edit]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for edit in edits {
        let length = chars.len().max(1);
        match edit {
            Edit::Delete(at, count) => {
                let start = at % length;
                chars.drain(start.min(chars.len())..(start + count).min(chars.len()));
            }
            Edit::Insert(at, piece) => {
                let at = (at % length).min(chars.len());
                chars.splice(at..at, piece.chars());
            }
            Edit::Repeat(at) => {
                let text: String = chars.iter().collect();
                let lines: Vec<&str> = text.lines().collect();
                if let Some(line) = lines.get(at % lines.len().max(1)) {
                    chars.push('\n');
                    chars.extend(line.chars());
                }
            }
            Edit::Swap(a, b) => {
                if !chars.is_empty() {
                    chars.swap(a % length, b % length);
                }
            }
        }
    }
    chars.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_loads(text in ".{0,300}") {
        keeps_its_word(text.as_bytes());
    }

    #[test]
    fn a_damaged_plan_loads(which in 0..EXAMPLES.len(), edits in edits()) {
        keeps_its_word(apply(&example(EXAMPLES[which]), &edits).as_bytes());
    }

    #[test]
    fn a_plan_cut_short_loads(which in 0..EXAMPLES.len(), at in any::<prop::sample::Index>()) {
        let text = example(EXAMPLES[which]);
        let end = (0..=at.index(text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        keeps_its_word(&text.as_bytes()[..end]);
    }

    #[test]
    fn the_order_of_tables_does_not_matter(which in 0..EXAMPLES.len(), keys in prop::collection::vec(any::<u32>(), 64)) {
        let text = example(EXAMPLES[which]);
        let (root, blocks) = blocks(&text);
        let mut order: Vec<usize> = (0..blocks.len()).collect();
        order.sort_by_key(|index| keys[index % keys.len()].wrapping_mul(1 + *index as u32));
        let moved: String = order.iter().map(|index| blocks[*index].as_str()).collect();
        let (one, other) =
            (perhop_plan::load(FileId(0), &text), perhop_plan::load(FileId(0), &format!("{root}{moved}")));
        prop_assert_eq!(one.policy.as_ref().map(support::dump), other.policy.as_ref().map(support::dump));
        let codes = |loaded: &perhop_plan::Loaded| {
            let mut codes: Vec<_> = loaded.diagnostics.iter().map(|one| (one.code, one.severity)).collect();
            codes.sort_unstable();
            codes
        };
        prop_assert_eq!(codes(&one), codes(&other));
    }
}

/// The fuzzer's corpus and every case, whole and cut at every byte.
#[test]
fn the_corpus_loads() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in
        std::fs::read_dir(root.join("../../fuzz/corpus/plan")).expect("the corpus is there")
    {
        files.push(entry.expect("it can be listed").path());
    }
    let seeds = files.len();
    for entry in std::fs::read_dir(root.join("tests/cases")).expect("the cases are there") {
        files.push(entry.expect("it can be listed").path().join("plan.toml"));
    }
    assert!(seeds > 10 && files.len() > seeds + 50);
    for path in files {
        let bytes = std::fs::read(&path).expect("it can be read");
        keeps_its_word(&bytes);
        for end in (0..bytes.len()).step_by(1 + bytes.len() / 100) {
            keeps_its_word(&bytes[..end]);
        }
    }
}

#[test]
fn the_same_text_gives_the_same_load() {
    for name in EXAMPLES {
        let text = example(name);
        assert_eq!(
            perhop_plan::load(FileId(0), &text),
            perhop_plan::load(FileId(0), &text)
        );
    }
}

/// On both sides of every edge of every rule, the policy set says what a walk over all statements says.
#[test]
fn classify_agrees_with_brute_force_at_every_boundary() {
    let mut keys = 0;
    for name in EXAMPLES {
        if let Some(policy) = perhop_plan::load(FileId(0), &example(name)).policy {
            keys += boundaries(&policy);
        }
    }
    assert!(keys > 40_000, "only {keys} keys");
}

fn boundaries(policy: &PolicySet) -> usize {
    let mut count = 0;
    for scope in policy.scope_ids() {
        let own: Vec<&Statement> = policy
            .statements()
            .iter()
            .filter(|one| one.scope == scope)
            .collect();
        let src_ports = port_edges(own.iter().map(|one| one.src_ports.0));
        let dst_ports = port_edges(own.iter().map(|one| one.dst_ports.0));
        let (src, dst) = (
            address_edges(own.iter().map(|one| one.src)),
            address_edges(own.iter().map(|one| one.dst)),
        );
        let mut apps: Vec<Option<&str>> = vec![None, Some("other.exe")];
        apps.extend(
            own.iter()
                .filter(|one| one.app != AppMatch::Any)
                .map(|one| Some(one.app.as_str())),
        );
        apps.sort_unstable();
        apps.dedup();
        let ends: Vec<(IpAddr, IpAddr)> = src
            .iter()
            .flat_map(|from| dst.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| from.is_ipv4() == to.is_ipv4())
            .collect();
        for app in apps {
            for protocol in [Protocol::Udp, Protocol::Tcp] {
                for (src, dst) in &ends {
                    for src_port in &src_ports {
                        for dst_port in &dst_ports {
                            let key = FlowKey {
                                scope,
                                app,
                                protocol,
                                src: *src,
                                src_port: *src_port,
                                dst: *dst,
                                dst_port: *dst_port,
                            };
                            count += 1;
                            let answer = match policy.classify(&key, Vantage::Path) {
                                Answer::Unplanned => None,
                                Answer::Marked { dscp, .. } => Some(dscp),
                            };
                            assert_eq!(answer, brute(&own, &key), "{key:?}");
                        }
                    }
                }
            }
        }
    }
    count
}

/// The mark of the statements that match and that no other matching one outranks; they must agree.
fn brute(own: &[&Statement], key: &FlowKey<'_>) -> Option<Dscp> {
    let matching: Vec<&&Statement> = own.iter().filter(|one| matches(one, key)).collect();
    let best = matching.iter().map(|one| rank(one)).max()?;
    let marks: Vec<Dscp> = matching
        .iter()
        .filter(|one| rank(one) == best)
        .map(|one| one.dscp)
        .collect();
    assert!(
        marks.iter().all(|mark| *mark == marks[0]),
        "{marks:?} for {key:?}"
    );
    Some(marks[0])
}

fn matches(one: &Statement, key: &FlowKey<'_>) -> bool {
    let inside = |net: Option<IpNet>, address: IpAddr| net.is_none_or(|net| net.contains(&address));
    let port = |range: PortMatch, port: u16| {
        range
            .range()
            .is_none_or(|range| (range.first()..=range.last()).contains(&port))
    };
    let program = |wanted: &str| key.app.is_some_and(|app| app.eq_ignore_ascii_case(wanted));
    (one.app == AppMatch::Any || program(one.app.as_str()))
        && (one.protocol == ProtocolMatch::Both
            || one.protocol == ProtocolMatch::Only(key.protocol))
        && inside(one.src, key.src)
        && inside(one.dst, key.dst)
        && port(one.src_ports.0, key.src_port)
        && port(one.dst_ports.0, key.dst_port)
}

/// As windows-qos documents it: program, number of conditions, the first condition that differs, prefix lengths.
fn rank(one: &Statement) -> (u8, usize, [bool; 5], (u8, u8)) {
    let program = match one.app {
        AppMatch::Any => 0,
        AppMatch::Name(_) => 1,
        AppMatch::Path(_) => 2,
    };
    let set = [
        one.src.is_some(),
        one.dst.is_some(),
        one.src_ports.0.range().is_some(),
        one.dst_ports.0.range().is_some(),
        one.protocol != ProtocolMatch::Both,
    ];
    let length = |net: Option<IpNet>| net.map_or(0, |net| net.prefix_len());
    (
        program,
        set.iter().filter(|set| **set).count(),
        set,
        (length(one.src), length(one.dst)),
    )
}

/// First and last port of every range, and the ports next to them.
fn port_edges(ranges: impl Iterator<Item = PortMatch>) -> Vec<u16> {
    let mut out = vec![0, 1024, u16::MAX];
    for range in ranges.filter_map(PortMatch::range) {
        out.extend([
            range.first(),
            range.last(),
            range.first() - 1,
            range.last().saturating_add(1),
        ]);
    }
    out.sort_unstable();
    out.dedup();
    out
}

/// First and last address of every prefix, and addresses outside all of them.
fn address_edges(nets: impl Iterator<Item = Option<IpNet>>) -> Vec<IpAddr> {
    let mut out: Vec<IpAddr> = ["198.18.0.1", "100::1"]
        .iter()
        .map(|text| text.parse().expect("an address"))
        .collect();
    for net in nets.flatten() {
        out.extend([net.network(), net.broadcast()]);
    }
    out.sort_unstable();
    out.dedup();
    out
}
