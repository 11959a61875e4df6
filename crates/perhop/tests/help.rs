//! Help as it is printed, held by committed texts. `UPDATE_GOLDEN=1` writes them anew.
#![allow(clippy::unwrap_used, reason = "a test that cannot run must fail")]

#[path = "support/binary.rs"]
mod support;

use std::fs;

use support::{project, run};

#[test]
fn help_is_what_was_agreed() {
    let commands = [
        "",
        "new",
        "check",
        "table",
        "compile",
        "explain",
        "flows",
        "verify",
        "read",
        "audit",
        "diff",
        "agent",
        "agent run",
        "agent dry-run",
        "schema",
        "completions",
    ];
    let folder = project("crates/perhop/tests/help");
    let mut changed = Vec::new();
    for command in commands {
        let args: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let text = without_targets(&run(args).exits(0).out);
        let name = if command.is_empty() {
            "perhop"
        } else {
            command
        };
        let path = folder.join(format!("{}.txt", name.replace(' ', "-")));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let agreed = fs::read_to_string(&path).unwrap_or_default();
        if agreed.replace("\r\n", "\n") != text {
            changed.push(format!("{name}:\n{text}"));
        }
    }
    assert!(
        changed.is_empty(),
        "changed help; UPDATE_GOLDEN=1 accepts it:\n{}",
        changed.join("\n")
    );
}

/// Help without the list of targets, which grows with every target; `docs/TARGETS.md` is held by a test of its own.
fn without_targets(text: &str) -> String {
    let mut inside = false;
    let kept = text.lines().filter(|line| {
        if line.contains("--target <TARGET>") {
            inside = true;
        } else if line.contains("--force") {
            inside = false;
        }
        !inside || !(line.starts_with("          - ") || line.starts_with("            "))
    });
    kept.map(|line| format!("{line}\n")).collect()
}
