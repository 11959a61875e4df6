//! The documentation that this crate answers for: the page of targets, and a page for every code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use perhop_targets::{CODES, TARGETS, support_table};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

#[test]
fn the_page_of_targets_is_the_programs_table() {
    let path = docs().join("TARGETS.md");
    let table = support_table();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &table).expect("docs can be written");
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        page, table,
        "UPDATE_GOLDEN=1 cargo test -p perhop-targets --test docs writes the page anew"
    );
    for target in TARGETS {
        assert!(page.contains(&format!("| `{}` |", target.id())));
    }
}

#[test]
fn every_code_has_its_page_and_every_page_its_code() {
    let pages: BTreeSet<String> = std::fs::read_dir(docs().join("codes/target"))
        .expect("docs/codes/target is there")
        .map(|entry| {
            let name = entry.expect("a page").file_name();
            let name = name.to_string_lossy();
            let stem = name.strip_suffix(".md").expect("pages end in .md");
            format!("target/{stem}")
        })
        .collect();
    let codes: BTreeSet<String> = CODES.iter().map(|info| info.code.to_owned()).collect();
    assert_eq!(pages, codes);
    for info in CODES {
        let path = docs().join("codes").join(format!("{}.md", info.code));
        let page = std::fs::read_to_string(&path).expect("the page is there");
        assert!(
            page.starts_with(&format!("# {}\n\n", info.code)),
            "{}",
            info.code
        );
        let summary = info.summary.to_lowercase();
        let first = page.lines().nth(2).unwrap_or_default().to_lowercase();
        assert_eq!(first.trim_end_matches('.'), summary, "{}", info.code);
        for rule in info.rules {
            assert!(page.contains(rule), "{} does not name {rule}", info.code);
        }
    }
}

#[test]
fn ids_are_plain_and_there_once() {
    let mut ids: Vec<&str> = TARGETS.iter().map(|target| target.id()).collect();
    for id in &ids {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(id.chars().all(plain), "{id}");
    }
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count);
}
