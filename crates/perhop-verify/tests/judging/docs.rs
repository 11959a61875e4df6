//! Every code has a page and a case that raises it, and the other way round.

use std::collections::BTreeSet;
use std::path::PathBuf;

use perhop_verify::finding::CODES;

use crate::cases;

fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let mut pages = BTreeSet::new();
    for entry in std::fs::read_dir(docs().join("codes/verify")).unwrap() {
        let path = entry.unwrap().path();
        let slug = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(&format!("# verify/{slug}\n")), "{slug}");
        pages.insert(format!("verify/{slug}"));
    }
    let all = CODES.iter().chain(perhop_verify::points::CODES);
    let codes: BTreeSet<String> = all.clone().map(|one| one.code.to_owned()).collect();
    assert_eq!(codes.len(), all.count(), "a code twice");
    assert_eq!(pages, codes);
}

#[test]
fn every_code_is_raised_by_a_case() {
    let reports: String = cases::folders()
        .into_iter()
        .map(|(_, folder)| std::fs::read_to_string(folder.join("report.txt")).unwrap())
        .collect();
    for one in CODES {
        assert!(
            reports.contains(&format!("[{}]", one.code)),
            "no case raises {}",
            one.code
        );
    }
}

#[test]
fn causes_that_cases_name_first_are_in_the_table() {
    let table = std::fs::read_to_string(docs().join("VERDICTS.md")).unwrap();
    let information = ["accepted-loss", "no-planned-traffic"];
    for (case, folder) in cases::folders() {
        let report = std::fs::read_to_string(folder.join("report.txt")).unwrap();
        let blocks = report
            .split("\n\n")
            .filter(|block| block.starts_with("error["));
        for block in blocks {
            let line = block
                .lines()
                .find_map(|line| line.strip_prefix("  cause "))
                .unwrap();
            let name = line.split(' ').next().unwrap();
            let known = table.contains(&format!("`{name}`")) || information.contains(&name);
            assert!(known, "{case}: {name}");
        }
    }
}
