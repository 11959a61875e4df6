//! Readings held against readers of others, where they are installed; skipped, and saying so, where they are not:
//! ciscoconfparse2 (PyPI) for configurations, and nft for what it makes of our files, in a network namespace.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "support/cases.rs"]
mod cases;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use perhop_read::audit::{self, By, State};
use perhop_read::{Input, Reading, What, Words};
use perhop_targets::{Artifact, Purpose};

use self::cases::{cases, emitted};

/// What a program answers to an input.
fn run(program: &str, arguments: &[&str], input: &[u8]) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// A Python that has a module.
fn python(module: &str) -> Option<String> {
    let named = std::env::var("PERHOP_PYTHON").ok();
    let all = named.as_deref().into_iter().chain(["python3"]);
    for python in all {
        let probe = Command::new(python)
            .args(["-c", &format!("import {module}")])
            .stderr(Stdio::null())
            .status();
        if probe.is_ok_and(|status| status.success()) {
            return Some(python.to_owned());
        }
    }
    println!("skipped: no Python has `{module}`");
    None
}

fn read(name: &str, bytes: &[u8]) -> Reading {
    Reading::of(&[Input { name, bytes }], &Words::default())
}

/// Policy, class, mark, list, line of the list: one line for each permit that a class with a mark takes.
const FOLLOW: &str = r#"
import re, sys
from ciscoconfparse2 import CiscoConfParse
for number, text in enumerate(sys.stdin.read().split("\x1e")):
    parse = CiscoConfParse(text.splitlines(), syntax="ios", ignore_blank_lines=False)
    lists, classes = {}, {}
    for node in parse.find_objects(r"^ip(v6)? access-list "):
        permits = [c for c in node.children if re.match(r"\s*(sequence )?\d* *permit ", c.text)]
        lists.setdefault(node.text.split()[-1], []).extend(permits)
    for node in parse.find_objects(r"^class-map "):
        matches = [re.search(r"access-group (name )?(\S+)$", c.text) for c in node.children]
        classes[node.text.split()[-1]] = [m.group(2) for m in matches if m]
    for policy in parse.find_objects(r"^policy-map "):
        for node in policy.children:
            for mark in node.children:
                found = re.match(r"\s*set (?:ip )?dscp (\S+)$", mark.text)
                if not found or not re.match(r"\s*class ", node.text):
                    continue
                name = node.text.split()[-1]
                for acl in classes.get(name, []):
                    for line in lists.get(acl, []):
                        print(number, policy.text.split()[-1], name, found.group(1), acl, line.linenum + 1)
"#;

const BY_HAND: &str = "\
hostname x
!
class-map match-any VOICE
  match access-group name VOICE
  match access-group name VOICE6
class-map match-all VIDEO
  description cameras
  match access-group name VIDEO
policy-map IN
 class VOICE
  set dscp ef
   police 128000
 class VIDEO
  set ip dscp 34
 class class-default
  set dscp default
policy-map OUT
 class VOICE
  priority percent 10
interface Vlan5
 service-policy input IN
ip access-list extended VOICE
 remark phones
 10 permit udp any range 16384 32767 any
 20 permit udp 10.1.0.0 0.0.255.255 any eq 5060
ip access-list extended VIDEO
 permit udp any any range 50020 50039
ip access-list extended UNUSED
 permit ip any any
ipv6 access-list VOICE6
 sequence 10 permit udp any range 16384 32767 any
end
";

#[test]
fn ciscoconfparse2_finds_the_same_lines() {
    let mut files: Vec<(String, Vec<u8>)> = vec![("by hand".to_owned(), BY_HAND.into())];
    for (name, policy) in cases() {
        for id in ["cisco-ios", "cisco-nxos", "arista-eos"] {
            let marking = emitted(&policy, id).unwrap_or_default().into_iter();
            let own =
                |file: &Artifact| file.purpose == Purpose::Apply && file.path.contains("/marks/");
            files.extend(
                marking
                    .filter(own)
                    .map(|file| (format!("{name} {}", file.path), file.bytes)),
            );
        }
    }
    assert!(files.len() > 6);
    let Some(python) = python("ciscoconfparse2") else {
        return;
    };
    let texts: Vec<Vec<u8>> = files.iter().map(|(_, bytes)| bytes.clone()).collect();
    let all = run(&python, &["-c", FOLLOW], &texts.join(&0x1e));
    for (number, (name, bytes)) in files.into_iter().enumerate() {
        let head = format!("{number} ");
        let theirs: BTreeSet<String> = all
            .lines()
            .filter_map(|line| line.strip_prefix(&head))
            .map(str::to_owned)
            .collect();
        let reading = read(&name, &bytes);
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let ours: BTreeSet<String> = reading
            .facts()
            .filter_map(|fact| {
                let What::Mark(mark) = &fact.what else {
                    return None;
                };
                let list = mark.access_list.as_ref()?;
                // The word of the mark as it stands below the class.
                let set = lines[fact.place.line.unwrap()..]
                    .iter()
                    .find(|line| line.contains("dscp "))
                    .unwrap();
                let word = set.split_whitespace().last().unwrap();
                let (list, at) = (&list.name, list.place.line.unwrap());
                Some(format!("{} {} {word} {list} {at}", mark.list, mark.class))
            })
            .collect();
        assert_eq!(ours, theirs, "{name}");
        assert!(!ours.is_empty(), "{name}");
    }
}

/// What was read, without places.
fn facts(reading: &Reading) -> Vec<What> {
    reading.facts().map(|fact| fact.what.clone()).collect()
}

/// What `linux-nft` writes, loaded and listed by nft as JSON, is as planned.
#[test]
fn nft_gives_back_the_rules() {
    let probe = Command::new("unshare")
        .args(["-rn", "nft", "-j", "list", "ruleset"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !probe.is_ok_and(|status| status.success()) {
        println!("skipped: there is no nft, or no right to make a network namespace");
        return;
    }
    let mut held = 0;
    for (name, policy) in cases() {
        let Some(files) = emitted(&policy, "linux-nft") else {
            continue;
        };
        let apply: Vec<&Artifact> = files
            .iter()
            .filter(|file| file.purpose == Purpose::Apply)
            .collect();
        if apply.is_empty() {
            continue;
        }
        let script: Vec<u8> = apply.iter().flat_map(|file| file.bytes.clone()).collect();
        let json = run(
            "unshare",
            &["-rn", "sh", "-euc", "nft -f - && nft -j list ruleset"],
            &script,
        );
        let reading = read("ruleset.json", json.as_bytes());
        assert_eq!(reading.files[0].left, [], "{name}");
        // What nft prints as text is the same.
        let text = run(
            "unshare",
            &["-rn", "sh", "-euc", "nft -f - && nft list ruleset"],
            &script,
        );
        let of_text = read("ruleset.txt", text.as_bytes());
        assert_eq!(of_text.files[0].left, [], "{name}");
        assert_eq!(facts(&of_text), facts(&reading), "{name}");
        let audit = audit::audit(&policy, &reading);
        assert!(audit.is_as_planned(), "{name}: {:#?}", audit.findings);
        let right: BTreeSet<_> = audit
            .rules
            .iter()
            .filter(|rule| rule.by == By::Network && rule.state == State::Ok)
            .map(|rule| rule.rule)
            .collect();
        let wanted: BTreeSet<_> = apply.iter().flat_map(|file| file.rules.clone()).collect();
        assert_eq!(right, wanted, "{name}: {:#?}", audit.findings);
        held += apply.len();
    }
    assert!(held >= 4, "{held}");
}
