//! The golden files of Linux targets taken by Linux itself, in network namespaces that the tests make: `nft -c` and
//! `nft -f`, and what the kernel then makes of packets. Skipped, and saying so, where there is no root or no nft.

mod support;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use perhop_policy::{Answer, Dscp, PolicySet, Protocol, ScopeId, Vantage};

use support::law::Edges;
use support::{Case, cases};

/// Runs a script in a network namespace of its own, which ends with it; `None` and a word where that cannot be.
fn in_namespace(tools: &[&str], script: &str) -> Option<String> {
    for tool in tools.iter().chain(&["unshare", "ip"]) {
        let found = Command::new("sh")
            .args(["-c", "command -v \"$0\"", tool])
            .stdout(Stdio::null())
            .status();
        if !found.is_ok_and(|status| status.success()) {
            println!("skipped: there is no {tool}");
            return None;
        }
    }
    let probe = Command::new("unshare")
        .args(["-n", "true"])
        .stderr(Stdio::null())
        .status();
    if !probe.is_ok_and(|status| status.success()) {
        println!("skipped: no right to make a network namespace");
        return None;
    }
    let output = Command::new("unshare")
        .args(["-n", "sh", "-euc", script])
        .output()
        .expect("unshare ran before");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{text}\n{errors}");
    Some(text)
}

/// The golden files below a target's folder whose names end so.
fn files(target: &str, end: &str) -> Vec<PathBuf> {
    let mut open: Vec<PathBuf> = cases()
        .into_iter()
        .map(|case| case.folder.join(target))
        .collect();
    let mut out = Vec::new();
    while let Some(path) = open.pop() {
        for entry in std::fs::read_dir(&path).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().ends_with(end) {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[test]
fn nft_takes_every_file_loads_it_again_and_takes_it_back() {
    let applied = files("linux-nft", "/apply.nft");
    assert!(applied.len() >= 4, "{applied:?}");
    let mut script = String::new();
    for apply in &applied {
        let (apply, undo) = (quoted(apply), quoted(&apply.with_file_name("undo.nft")));
        script.push_str(&format!(
            "nft -c -f {apply}; nft -f {apply}; nft list ruleset > once.$$; nft -f {apply}; nft list ruleset > twice.$$\n\
             grep -q 'chain mark_' once.$$; cmp once.$$ twice.$$; rm once.$$ twice.$$\n\
             nft -f {undo}; test -z \"$(nft list ruleset)\"; nft -f {undo}\n"
        ));
    }
    let script = format!("cd \"${{TMPDIR:-/tmp}}\"\n{script}echo taken");
    if let Some(text) = in_namespace(&["nft"], &script) {
        assert_eq!(text, "taken\n");
    }
}

/// What OpenWrt's firewall includes in its table: every file, in a table of that name.
#[test]
fn nft_takes_every_file_for_openwrt() {
    let applied = files("openwrt", ".nft");
    assert!(applied.len() >= 6, "{applied:?}");
    let mut script = String::new();
    for file in &applied {
        script.push_str(&format!(
            "{{ echo 'table inet fw4 {{'; cat {}; echo '}}'; }} | nft -f -\n\
             nft list ruleset | grep -c 'dscp set' || true; nft flush ruleset\n",
            quoted(file)
        ));
    }
    if let Some(text) = in_namespace(&["nft"], &script) {
        let marks = text.lines().filter(|count| *count != "0").count();
        assert_eq!(marks * 2, applied.len(), "{text}");
    }
}

/// The firewall scripts of home routers: twice, and taken back without a trace.
#[test]
fn iptables_takes_every_script_and_takes_it_back() {
    for target in ["dd-wrt", "tomato"] {
        let applied = files(target, "/apply.sh");
        assert!(applied.len() >= 3, "{applied:?}");
        let mut script = String::new();
        for apply in &applied {
            let (apply, undo) = (quoted(apply), quoted(&apply.with_file_name("undo.sh")));
            script.push_str(&format!(
                "for tool in iptables ip6tables; do $tool -t mangle -S; done > before.$$\n\
                 sh -e {apply}; iptables -t mangle -S > once.$$; sh -e {apply}; iptables -t mangle -S > twice.$$\n\
                 grep -q 'DSCP --set-dscp' once.$$; cmp once.$$ twice.$$; sh -e {undo}\n\
                 for tool in iptables ip6tables; do $tool -t mangle -S; done > after.$$\n\
                 cmp before.$$ after.$$; rm before.$$ once.$$ twice.$$ after.$$\n"
            ));
        }
        let script = format!("cd \"${{TMPDIR:-/tmp}}\"\n{script}echo taken");
        if let Some(text) = in_namespace(&["iptables", "ip6tables"], &script) {
            assert_eq!(text, "taken\n");
        }
    }
}

/// The oracle against the kernel: a packet for every pairing of edges, sent from a host whose programs' packets are
/// marked, and the kernel's own count of each mark.
#[test]
fn the_kernel_marks_as_planned() {
    let case = network();
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    let script = sending(&case, |dscp| {
        if let Some(dscp) = dscp {
            *expected.entry(counter(dscp)).or_default() += 1;
        }
    });
    assert_eq!(expected.len(), 3, "{expected:?}");
    let script = format!("{script}nft -j list counters\n");
    let Some(text) = in_namespace(&["nft"], &script) else {
        return;
    };
    let counted: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let counted: BTreeMap<String, u64> = counted["nftables"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| {
            let counter = one.get("counter")?;
            Some((
                counter["name"].as_str()?.to_owned(),
                counter["packets"].as_u64()?,
            ))
        })
        .collect();
    assert_eq!(counted, expected);
}

/// The scripts of every case, twice, and back; queues that somebody else set are let alone.
#[test]
fn tc_takes_every_script_and_lets_others_alone() {
    let applied = files("linux-tc", "/apply.sh");
    assert!(applied.len() >= 8, "{applied:?}");
    let mut script = "ip link set lo up\n".to_owned();
    for apply in &applied {
        let [apply, undo, check] = ["apply.sh", "undo.sh", "check.sh"]
            .map(|name| format!("sh {}", quoted(&apply.with_file_name(name))));
        script.push_str(&format!(
            "{apply} lo 20000; {apply} lo 10000; {check} lo | grep -q 7068:10; {undo} lo; {undo} lo; \
             ! {check} lo 2> /dev/null\n"
        ));
    }
    let first = quoted(&applied[0]);
    let undo = quoted(&applied[0].with_file_name("undo.sh"));
    script.push_str(&format!(
        "for bad in '' 0 099 1e9 99 '1 2' 'x;y'; do ! sh {first} lo \"$bad\" 2> /dev/null; done\n\
         tc qdisc show dev lo | grep -vq 7068\n\
         tc qdisc add dev lo root handle 1: htb\n\
         ! sh {first} lo 20000 2> /dev/null; sh {undo} lo; tc qdisc show dev lo root\n"
    ));
    if let Some(text) = in_namespace(&["tc"], &script) {
        let last = text.lines().last().unwrap_or_default();
        assert!(last.starts_with("qdisc htb 1: root"), "{text}");
    }
}

/// Marks and queues together: what nftables marks waits in the class of its mark, by the kernel's count.
#[test]
fn marks_find_their_queues() {
    let case = network();
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    let script = sending(&case, |dscp| {
        let class = match dscp.map(Dscp::value) {
            Some(46) => "7068:10",
            Some(24) => "7068:30",
            Some(_) => "7068:60",
            None => "7068:90",
        };
        *expected.entry(class.to_owned()).or_default() += 1;
    });
    assert_eq!(expected.len(), 4, "{expected:?}");
    let apply = quoted(&case.folder.join("linux-tc/apply.sh"));
    let script = format!("sh {apply} lo 100000\n{script}tc -s class show dev lo\n");
    let Some(text) = in_namespace(&["nft", "tc"], &script) else {
        return;
    };
    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    let mut class = "";
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("class") => class = words.nth(1).unwrap_or_default(),
            Some("Sent") if class != "7068:1" => {
                let packets = words.nth(2).and_then(|count| count.parse().ok());
                counted.insert(class.to_owned(), packets.expect("a count"));
            }
            _ => {}
        }
    }
    // The kernel's own reports, that nobody takes these packets, are unmarked too.
    let rest = counted.get_mut("7068:90").expect("the rest's class");
    assert!(*rest >= expected["7068:90"], "{text}");
    *rest = expected["7068:90"];
    counted.retain(|_, count| *count > 0);
    assert_eq!(counted, expected, "{text}");
}

/// A script that loads the marks of the case's Linux hosts and sends every packet; each one's mark is told.
fn sending(case: &Case, mut tell: impl FnMut(Option<Dscp>)) -> String {
    let scope = scope(&case.policy, "linux");
    let mut sources: Vec<IpAddr> = Vec::new();
    packets(case, scope, |source, destination| {
        if !sources.contains(&source.ip()) {
            sources.push(source.ip());
        }
        tell(planned(&case.policy, scope, source, destination));
    });
    let mut script = "ip link set lo up\n".to_owned();
    for source in &sources {
        script.push_str(&format!("ip addr add {source} dev lo\n"));
    }
    let apply = case.folder.join("linux-nft/hosts/linux/apply.nft");
    let this = std::env::current_exe().expect("a test has a file");
    script.push_str(&format!(
        "ip route add local 0.0.0.0/0 dev lo; ip -6 route add local ::/0 dev lo\n\
         nft -f {}\n{} --ignored --exact sends_packets > /dev/null\n",
        quoted(&apply),
        quoted(&this),
    ));
    script
}

/// What [`the_kernel_marks_as_planned`] runs in its namespace.
#[test]
#[ignore = "sends packets; another test runs it in a namespace"]
fn sends_packets() {
    let case = cases()
        .into_iter()
        .find(|case| case.name == "network")
        .expect("the case");
    packets(
        &case,
        scope(&case.policy, "linux"),
        |source, destination| {
            let socket =
                UdpSocket::bind(source).unwrap_or_else(|error| panic!("{source}: {error}"));
            socket
                .send_to(b"x", destination)
                .unwrap_or_else(|error| panic!("{destination}: {error}"));
        },
    );
}

fn network() -> Case {
    let found = cases().into_iter().find(|case| case.name == "network");
    found.expect("the case")
}

fn scope(policy: &PolicySet, name: &str) -> ScopeId {
    let found = policy.scope_ids().find(|id| policy.scope(*id).name == name);
    found.expect("the scope")
}

fn counter(dscp: Dscp) -> String {
    format!("c_{}", perhop_targets::syntax::nft::dscp(dscp))
}

/// UDP from and to both sides of every edge, once each.
fn packets(case: &Case, scope: ScopeId, mut visit: impl FnMut(SocketAddr, SocketAddr)) {
    Edges::of(&case.policy, scope, false).each(scope, |key| {
        if key.protocol == Protocol::Udp && key.app.is_none() {
            visit(
                (key.src, key.src_port).into(),
                (key.dst, key.dst_port).into(),
            );
        }
    });
}

fn planned(
    policy: &PolicySet,
    scope: ScopeId,
    source: SocketAddr,
    destination: SocketAddr,
) -> Option<Dscp> {
    let key = perhop_policy::FlowKey {
        scope,
        app: None,
        protocol: Protocol::Udp,
        src: source.ip(),
        src_port: source.port(),
        dst: destination.ip(),
        dst_port: destination.port(),
    };
    match policy.classify(&key, Vantage::Sender) {
        Answer::Marked { dscp, .. } => Some(dscp),
        Answer::Unplanned => None,
    }
}
