//! Whole cases: a plan and some traffic, through packets, engine, verdicts and findings, to the report beside them.
//!
//! `UPDATE_GOLDEN=1 cargo test` writes the reports anew; the difference is what gets reviewed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use perhop_policy::{FileId, LossKind, PolicySet, RuleId, Vantage};
use perhop_verify::flow::Flow;
use perhop_verify::report::Report;
use perhop_verify::tolerance::{AcceptedLoss, Tolerances};

use crate::read;
use crate::synth::{self, Line};

/// A case's name and its folder.
pub(crate) fn folders() -> Vec<(String, PathBuf)> {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut out: Vec<(String, PathBuf)> = std::fs::read_dir(base)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path))
        .collect();
    out.sort();
    out
}

pub(crate) fn plan(path: &Path) -> PolicySet {
    let text = std::fs::read_to_string(path).unwrap();
    let loaded = perhop_plan::load(FileId(0), &text);
    loaded
        .policy
        .unwrap_or_else(|| panic!("{}: {:#?}", path.display(), loaded.diagnostics))
}

#[test]
fn every_case_gives_its_report() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for (name, folder) in folders() {
        let policy = plan(&folder.join("plan.toml"));
        let traffic = std::fs::read_to_string(folder.join("traffic.txt")).unwrap();
        let mut vantage = Vantage::Path;
        let mut tolerances = Tolerances::default();
        let mut lines = Vec::new();
        for line in traffic
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["at", place] => vantage = vantage_of(place),
                ["accept", target, kind, rule] => {
                    tolerances
                        .accepted
                        .push(accepted(&policy, target, kind, rule));
                }
                _ => lines.push(Line::parse(line)),
            }
        }
        let capture = synth::capture(&lines);
        let (flows, report) = read::judged(&capture, &policy, vantage, &tolerances);
        let text = render(&policy, &flows, &report, &tolerances);
        let golden = folder.join("report.txt");
        if update {
            std::fs::write(&golden, &text).unwrap();
        }
        if std::fs::read_to_string(&golden).unwrap_or_default() != text {
            wrong.push(format!("--- {name}\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn vantage_of(word: &str) -> Vantage {
    [Vantage::Sender, Vantage::Path, Vantage::Receiver]
        .into_iter()
        .find(|one| one.as_str() == word)
        .unwrap()
}

fn accepted(policy: &PolicySet, target: &str, kind: &str, rule: &str) -> AcceptedLoss {
    let at = policy.rules().iter().position(|one| one.name == rule);
    let at = at.unwrap_or_else(|| panic!("no rule `{rule}`"));
    AcceptedLoss {
        rule: RuleId(u32::try_from(at).unwrap()),
        kind: LossKind::ALL
            .into_iter()
            .find(|one| one.as_str() == kind)
            .unwrap(),
        target: target.to_owned(),
    }
}

/// The report as text: verdict, flow, rule, marks; then findings with all causes.
pub(crate) fn render(
    policy: &PolicySet,
    flows: &[Flow],
    report: &Report,
    tolerances: &Tolerances,
) -> String {
    let mut out = String::new();
    for (flow, one) in flows.iter().zip(report.flows.iter()) {
        let rule = one.attribution.as_ref().map_or_else(
            || "no rule".to_owned(),
            |of| {
                let name = &policy.rule(of.rule()).name;
                format!("{name} ({}, {:?})", of.basis.as_str(), of.proof)
            },
        );
        let marks: Vec<String> = flow
            .dscp
            .iter()
            .map(|(dscp, packets)| format!("{}x{packets}", dscp.value()))
            .collect();
        writeln!(
            out,
            "{:<14} {}: {rule}, {}",
            one.verdict.as_str(),
            flow.key,
            marks.join(" ")
        )
        .unwrap();
        for note in &one.notes {
            writeln!(out, "    {}", note.text(policy, tolerances)).unwrap();
        }
    }
    writeln!(out, "\nas planned: {}", report.as_planned()).unwrap();
    for finding in &report.findings {
        let place = finding.rule.map_or("", |rule| &policy.rule(rule).name);
        writeln!(
            out,
            "\n{}[{}] {}\n  flows {:?} rule `{place}`",
            finding.severity.as_str(),
            finding.code,
            finding.message,
            finding.flows
        )
        .unwrap();
        for (at, cause) in std::iter::once(&finding.cause)
            .chain(&finding.alternatives)
            .enumerate()
        {
            let rank = if at == 0 { "cause" } else { "or" };
            writeln!(
                out,
                "  {rank} {} ({}): {}",
                cause.name,
                cause.layer.as_str(),
                cause.text
            )
            .unwrap();
            for line in &cause.evidence {
                writeln!(out, "    - {line}").unwrap();
            }
            writeln!(out, "    > {}", cause.check).unwrap();
        }
    }
    out
}
