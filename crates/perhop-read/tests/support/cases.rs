//! The cases of the targets' tests, and what targets make of them.

use std::path::Path;

use perhop_policy::{FileId, PolicySet, TargetRequest};
use perhop_targets::{Artifact, TARGETS};

pub(crate) fn cases() -> Vec<(String, PolicySet)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../perhop-targets/tests/cases");
    let mut out: Vec<(String, PolicySet)> = std::fs::read_dir(&root)
        .expect("the cases are there")
        .map(|entry| entry.expect("a folder").path())
        .filter(|path| path.is_dir())
        .map(|path| {
            let text = std::fs::read_to_string(path.join("plan.toml")).expect("a plan");
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            let policy = perhop_plan::load(FileId(0), &text)
                .policy
                .expect("a sound plan");
            (name, policy)
        })
        .collect();
    out.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(out.len() >= 5);
    out
}

pub(crate) fn emitted(policy: &PolicySet, id: &str) -> Option<Vec<Artifact>> {
    let target = TARGETS.iter().find(|target| target.id() == id)?;
    let found = policy.targets().iter().find(|request| request.id == id);
    let asked = found.cloned().unwrap_or_else(|| TargetRequest {
        id: id.to_owned(),
        ..TargetRequest::default()
    });
    target
        .lower(policy, &asked)
        .ok()
        .map(|program| program.emit())
}
