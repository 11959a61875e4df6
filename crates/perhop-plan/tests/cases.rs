//! `cases/<case>/`: a `plan.toml` with what loading it must give: `diagnostics.txt`, `policy.txt`, or both.
//!
//! `UPDATE_GOLDEN=1` rewrites; a new case gets diagnostics when there are any, and a policy when there are none.

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use perhop_plan::Loaded;
use perhop_policy::{FileId, Severity};

#[test]
fn every_case_gives_what_its_files_say() {
    let updating = std::env::var_os("UPDATE_GOLDEN").is_some();
    for folder in folders() {
        let (text, loaded) = load(&folder);
        let found = diagnostics(&text, &loaded);
        let (told, policy) = (folder.join("diagnostics.txt"), folder.join("policy.txt"));
        assert!(
            updating || told.exists() || policy.exists(),
            "{} says nothing",
            folder.display()
        );
        if told.exists() || !found.is_empty() {
            support::golden(&told, &found);
        }
        if policy.exists() || (updating && found.is_empty()) {
            let dump = loaded
                .policy
                .as_ref()
                .map(support::dump)
                .unwrap_or_default();
            support::golden(&policy, &dump);
        }
        let errors = loaded
            .diagnostics
            .iter()
            .any(|one| one.severity == Severity::Error);
        assert_eq!(loaded.policy.is_none(), errors, "{}", folder.display());
    }
}

#[test]
fn every_code_is_raised_by_a_case() {
    let mut raised: BTreeSet<&str> = BTreeSet::new();
    for folder in folders() {
        let (_, loaded) = load(&folder);
        raised.extend(loaded.diagnostics.iter().map(|one| one.code));
    }
    for text in [
        too_large(),
        more_problems(),
        too_many_sites(),
        too_many_regions(),
    ] {
        raised.extend(
            perhop_plan::load(FileId(0), &text)
                .diagnostics
                .iter()
                .map(|one| one.code),
        );
    }
    let known: BTreeSet<&str> = perhop_plan::CODES
        .iter()
        .chain(perhop_policy::set::CODES)
        .map(|info| info.code)
        .collect();
    let never: Vec<_> = known.difference(&raised).collect();
    let strange: Vec<_> = raised.difference(&known).collect();
    assert!(never.is_empty(), "no test raises {never:?}");
    assert!(strange.is_empty(), "not in a list of codes: {strange:?}");
}

#[test]
fn a_large_plan_is_refused_quickly_and_problems_are_told_up_to_a_number() {
    let code = |text: &str| {
        let loaded = perhop_plan::load(FileId(0), text);
        assert!(loaded.policy.is_none());
        loaded
            .diagnostics
            .last()
            .map(|one| (loaded.diagnostics.len(), one.code))
            .unwrap()
    };
    assert_eq!(code(&too_large()), (1, "plan/too-large"));
    assert_eq!(code(&more_problems()), (301, "plan/more-problems"));
    assert_eq!(code(&too_many_sites()), (1, "plan/too-many"));
    assert_eq!(code(&too_many_regions()).1, "policy/too-many-regions");
}

fn too_large() -> String {
    format!(
        "plan = \"x\"\n{}",
        "#\n".repeat(perhop_plan::source::MAX_BYTES / 2)
    )
}

fn more_problems() -> String {
    let mut text = String::from("plan = \"x\"\n");
    for n in 0..1000 {
        let _ = writeln!(text, "strange{n} = 1");
    }
    text
}

fn too_many_sites() -> String {
    let mut text = String::from("plan = \"x\"\nplatforms = [\"teams\"]\n");
    for n in 0..2001 {
        let _ = writeln!(text, "[site.s{n}]");
    }
    text
}

/// Rules whose ports all overlap and whose addresses all differ cut a wide one into ever more pieces.
fn too_many_regions() -> String {
    let mut text = String::from("plan = \"x\"\nclass.a.dscp = 10\nclass.b.dscp = 20\n");
    text.push_str("[app.wide]\non = \"linux\"\na = { ports = \"1024-65535\" }\n");
    for n in 0..300 {
        let (port, side) = (2000 + 100 * n, n);
        let _ = writeln!(
            text,
            "[app.n{n:03}]\non = \"linux\"\nprotocol = \"udp\"\npeers = [\"10.{}.{}.0/24\"]\naddresses = [\"192.168.{}.0/24\"]\nb = {{ ports = \"{port}-{}\" }}",
            side / 200,
            side % 200,
            side % 250,
            port + 30_000
        );
    }
    text
}

fn load(folder: &Path) -> (String, Loaded) {
    let text = std::fs::read_to_string(folder.join("plan.toml")).expect("a case has a plan");
    let loaded = perhop_plan::load(FileId(0), &text);
    (text, loaded)
}

/// What is told, then what is accepted.
fn diagnostics(text: &str, loaded: &Loaded) -> String {
    let mut out = support::render(text, &loaded.diagnostics);
    for one in &loaded.allowed {
        let _ = writeln!(out, "accepted, {}: {}", one.reason, one.diagnostic.code);
    }
    out
}

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root)
        .expect("the folder of cases is there")
        .map(|entry| entry.expect("a folder can be listed").path())
        .collect();
    folders.sort();
    folders
}
