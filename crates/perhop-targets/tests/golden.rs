//! Every case against every target: the files that come out, byte for byte.
//!
//! `tests/cases/<case>/<target>/` holds them as plain files, with the target's steps as `runbook.md`; or
//! `diagnostics.txt` where the target refuses; or `nothing.txt` where it has nothing to say about the plan. A missing or
//! superfluous file fails. `UPDATE_GOLDEN=1 cargo test -p perhop-targets --test golden` writes them anew.

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use perhop_targets::{CompileOptions, TARGETS, compile};

use support::{Case, cases, render};

type Files = BTreeMap<String, Vec<u8>>;

#[test]
fn every_case_has_its_answer_for_every_target() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        for target in TARGETS {
            let made = answer(&case, target.id());
            let folder = case.folder.join(target.id());
            if update {
                write(&folder, &made);
            } else {
                let kept = read(&folder);
                wrong.extend(differences(&case.name, target.id(), &kept, &made));
            }
        }
        wrong.extend(strangers(&case));
    }
    assert!(
        wrong.is_empty(),
        "{}\nUPDATE_GOLDEN=1 writes the answers anew; review the difference",
        wrong.join("\n")
    );
}

/// A target that no case is about would be held by nothing here.
#[test]
fn every_target_has_a_case() {
    let all = cases();
    for target in TARGETS {
        let says = |case: &Case| {
            let kept = read(&case.folder.join(target.id()));
            kept.contains_key("runbook.md")
        };
        assert!(all.iter().any(says), "no case is about {}", target.id());
    }
}

/// What a target says about a plan, by path below its folder.
fn answer(case: &Case, id: &str) -> Files {
    let only = [id.to_owned()];
    let options = CompileOptions {
        only: &only,
        plan_digest: "",
    };
    let compiled = match compile(&case.policy, &options) {
        Ok(compiled) => compiled,
        Err(problems) => {
            let text = render(&case.text, &problems).into_bytes();
            return Files::from([("diagnostics.txt".to_owned(), text)]);
        }
    };
    let prefix = format!("{id}/");
    let mut files = Files::new();
    for artifact in compiled.artifacts {
        let place = match artifact.path.as_str() {
            "RUNBOOK.md" => "runbook.md",
            "manifest.json" => continue,
            path => path
                .strip_prefix(&prefix)
                .unwrap_or_else(|| panic!("{path} is outside {prefix}")),
        };
        let place = place.to_owned();
        assert_eq!(files.insert(place, artifact.bytes), None, "a path twice");
    }
    if files.len() == 1 {
        return Files::from([("nothing.txt".to_owned(), b"nothing\n".to_vec())]);
    }
    files
}

fn differences(case: &str, target: &str, kept: &Files, made: &Files) -> Vec<String> {
    let mut out = Vec::new();
    for (path, bytes) in made {
        match kept.get(path) {
            None => out.push(format!("{case}/{target}/{path} is not there")),
            Some(old) if old != bytes => {
                let at = old.iter().zip(bytes).take_while(|(a, b)| a == b).count();
                let line = bytes[..at].split(|byte| *byte == b'\n').count();
                out.push(format!(
                    "{case}/{target}/{path} differs at byte {at}, line {line}"
                ));
            }
            Some(_) => {}
        }
    }
    for path in kept.keys().filter(|path| !made.contains_key(*path)) {
        out.push(format!("{case}/{target}/{path} is not made any more"));
    }
    out
}

/// Folders of no target.
fn strangers(case: &Case) -> Vec<String> {
    std::fs::read_dir(&case.folder)
        .expect("the case's folder can be listed")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name != "plan.toml" && perhop_targets::registry::find(name).is_none())
        .map(|name| format!("{}/{name} belongs to no target", case.name))
        .collect()
}

fn read(folder: &Path) -> Files {
    let mut files = Files::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(path) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&path) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let below = path.strip_prefix(folder).expect("below the folder");
            let parts: Vec<_> = below
                .components()
                .map(|part| part.as_os_str().to_string_lossy())
                .collect();
            files.insert(
                parts.join("/"),
                std::fs::read(&path).expect("a file that can be read"),
            );
        }
    }
    files
}

fn write(folder: &Path, files: &Files) {
    if folder.exists() {
        std::fs::remove_dir_all(folder).expect("an old answer can be removed");
    }
    for (name, bytes) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("below the folder")).expect("a folder");
        std::fs::write(path, bytes).expect("a file that can be written");
    }
}
