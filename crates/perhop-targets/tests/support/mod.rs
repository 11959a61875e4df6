//! The cases, and diagnostics as text.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod law;
pub(crate) mod random;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use perhop_policy::{Diagnostic, FileId, PolicySet, TargetRequest};

/// One folder under `tests/cases`.
pub(crate) struct Case {
    /// The folder's name.
    pub(crate) name: String,
    /// The folder.
    pub(crate) folder: PathBuf,
    /// The plan's text.
    pub(crate) text: String,
    /// What it means.
    pub(crate) policy: PolicySet,
}

/// How many random cases a law is held to: `PROPTEST_CASES` when that is set.
pub(crate) fn random_cases(usual: u32) -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Every case, by name.
pub(crate) fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&root)
        .expect("tests/cases is there")
        .map(|entry| entry.expect("a folder that can be listed").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    assert!(!folders.is_empty(), "there are no cases");
    folders.into_iter().map(read).collect()
}

fn read(folder: PathBuf) -> Case {
    let name = folder
        .file_name()
        .expect("a folder has a name")
        .to_string_lossy()
        .into_owned();
    let path = folder.join("plan.toml");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let loaded = perhop_plan::load(FileId(0), &text);
    let Some(policy) = loaded.policy else {
        panic!("{name}: {}", render(&text, &loaded.diagnostics));
    };
    Case {
        name,
        folder,
        text,
        policy,
    }
}

/// What the plan asks of a target.
pub(crate) fn request(policy: &PolicySet, id: &str) -> TargetRequest {
    let found = policy.targets().iter().find(|request| request.id == id);
    found.cloned().unwrap_or_else(|| TargetRequest {
        id: id.to_owned(),
        ..TargetRequest::default()
    })
}

/// Diagnostics with line and column, notes and helps.
pub(crate) fn render(text: &str, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for one in diagnostics {
        let _ = writeln!(
            out,
            "{}[{}]: {}",
            one.severity.as_str(),
            one.code,
            one.message
        );
        for label in &one.labels {
            let before = &text[..label.span.start.min(text.len())];
            let line = before.matches('\n').count() + 1;
            let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1;
            let arrow = if label.primary { "-->" } else { "   " };
            let _ = writeln!(out, "  {arrow} {line}:{column} {}", label.text);
        }
        for note in &one.notes {
            let _ = writeln!(out, "  = note: {note}");
        }
        for help in &one.helps {
            let _ = writeln!(out, "  = help: {help}");
        }
    }
    out
}
