//! Who may use whom, held by reading what cargo and the sources say.
#![allow(clippy::unwrap_used, reason = "a test that cannot run must fail")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Crates of ours, and those of ours that each uses other than for its tests.
fn ours() -> Vec<(String, BTreeSet<String>)> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let uses = package["dependencies"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|dependency| dependency["kind"] != "dev")
                .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
                .collect();
            (package["name"].as_str().unwrap().to_owned(), uses)
        })
        .collect()
}

/// Sources of a crate, each up to its tests.
fn sources(name: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    walk(&root().join("crates").join(name).join("src"), &mut found);
    assert!(!found.is_empty(), "no sources of {name}");
    found
        .into_iter()
        .filter(|path| {
            !path.ends_with("tests.rs")
                && !path.components().any(|part| part.as_os_str() == "tests")
        })
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod ").next().unwrap().to_owned();
            (path, code)
        })
        .collect()
}

fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn crates_use_only_what_their_layer_may() {
    let allowed: [(&str, &[&str]); 8] = [
        ("perhop-wire", &[]),
        ("perhop-policy", &["perhop-wire"]),
        ("perhop-plan", &["perhop-policy"]),
        ("perhop-targets", &["perhop-policy"]),
        ("perhop-read", &["perhop-policy", "perhop-targets"]),
        ("perhop-verify", &["perhop-wire", "perhop-policy"]),
        (
            "perhop-host",
            &["perhop-wire", "perhop-policy", "perhop-verify"],
        ),
        (
            "perhop",
            &[
                "perhop-host",
                "perhop-wire",
                "perhop-policy",
                "perhop-plan",
                "perhop-targets",
                "perhop-read",
                "perhop-verify",
            ],
        ),
    ];
    for (name, uses) in ours() {
        let (_, may) = allowed
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("`{name}` is not in the table of layers"));
        let more: Vec<_> = uses
            .iter()
            .filter(|used| used.starts_with("perhop") && !may.contains(&used.as_str()))
            .collect();
        assert!(more.is_empty(), "`{name}` must not use {more:?}");
    }
}

#[test]
fn crates_bring_no_more_than_they_need() {
    for (name, uses) in ours() {
        let may: &[&str] = match name.as_str() {
            "perhop-wire" => &[],
            "perhop-policy" => &["ipnet", "thiserror"],
            "perhop-plan" => &["ipnet", "serde_json", "thiserror", "toml"],
            "perhop-targets" => &["ipnet", "sha2", "thiserror"],
            "perhop-read" => &["ipnet", "roxmltree", "serde_json", "zip"],
            "perhop-verify" => &["ipnet", "thiserror"],
            "perhop-host" => &["ipnet", "libc", "memmap2", "thiserror"],
            _ => continue,
        };
        let more: Vec<_> = uses
            .iter()
            .filter(|used| !used.starts_with("perhop") && !may.contains(&used.as_str()))
            .collect();
        assert!(more.is_empty(), "`{name}` brings {more:?}");
    }
}

#[test]
fn policy_takes_only_fields_of_the_wire() {
    for (path, code) in sources("perhop-policy") {
        for (at, _) in code.match_indices("perhop_wire::") {
            let rest = &code[at + "perhop_wire::".len()..];
            assert!(
                rest.starts_with("field"),
                "{}: perhop_wire::{}",
                path.display(),
                &rest[..rest.len().min(20)]
            );
        }
        assert!(
            !code.contains("use perhop_wire;") && !code.contains("use perhop_wire as"),
            "{}",
            path.display()
        );
    }
}

#[test]
fn the_middle_is_pure() {
    let banned = [
        "std::fs",
        "std::env::",
        "std::net::Tcp",
        "std::net::Udp",
        "std::process",
        "std::thread",
        "SystemTime",
        "Instant::now",
        "println!",
        "eprintln!",
        "std::io::stdin",
        "std::io::stdout",
        "thread_rng",
    ];
    for name in [
        "perhop-wire",
        "perhop-policy",
        "perhop-plan",
        "perhop-targets",
        "perhop-read",
        "perhop-verify",
    ] {
        for (path, code) in sources(name) {
            for word in banned {
                assert!(!code.contains(word), "{} has `{word}`", path.display());
            }
        }
    }
    for name in [
        "perhop-policy",
        "perhop-plan",
        "perhop-targets",
        "perhop-read",
    ] {
        for (path, code) in sources(name) {
            assert!(
                !code.contains("HashMap") && !code.contains("HashSet"),
                "{} hashes",
                path.display()
            );
        }
    }
}

#[test]
fn unsafe_code_stays_in_one_crate_and_files_stay_small() {
    for name in [
        "perhop",
        "perhop-wire",
        "perhop-policy",
        "perhop-plan",
        "perhop-targets",
        "perhop-read",
        "perhop-verify",
        "perhop-host",
    ] {
        let src = root().join("crates").join(name).join("src");
        let top = [src.join("lib.rs"), src.join("main.rs")]
            .into_iter()
            .find_map(|path| fs::read_to_string(path).ok())
            .unwrap();
        if name != "perhop-host" {
            assert!(top.contains("#![forbid(unsafe_code)]"), "{name}");
        }
        for (path, code) in sources(name) {
            let lines = code.lines().count();
            assert!(
                lines <= 600,
                "{} has {lines} lines before its tests",
                path.display()
            );
        }
    }
}

/// The lints of `perhop-host` are those of the workspace, but for what it is there for.
#[test]
fn the_one_crate_with_unsafe_code_says_why_at_every_place() {
    let manifest = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let (all, own) = (
        manifest("Cargo.toml"),
        manifest("crates/perhop-host/Cargo.toml"),
    );
    let lints = all.split("[workspace.lints").skip(1).flat_map(|part| {
        part.lines()
            .skip(1)
            .take_while(|line| !line.starts_with('['))
    });
    for lint in lints.filter(|line| line.contains('=')) {
        let lint = lint.replace("unsafe_code = \"forbid\"", "unsafe_code = \"deny\"");
        assert!(own.contains(&lint), "perhop-host has no `{lint}`");
    }
    assert!(own.contains("undocumented_unsafe_blocks = \"deny\""));
}
