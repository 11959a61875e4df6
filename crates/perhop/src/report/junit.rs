//! The report as JUnit XML: a test case for each class and site, and one for what belongs to none.

use crate::render::junit::{self, Case, Failed};
use crate::report::{ClassView, FindingView, Tone, View};

/// The whole document. Findings of one case are one failure, the gravest naming it.
pub(crate) fn render(view: &View<'_>) -> String {
    let cases: Vec<Case> = cases(view)
        .into_iter()
        .map(|(name, findings)| Case {
            name,
            skipped: None,
            failures: failure(&findings).into_iter().collect(),
        })
        .collect();
    junit::render("perhop verify", &view.plan, &cases)
}

fn failure(findings: &[&FindingView<'_>]) -> Option<Failed> {
    let first = findings.first()?;
    let text: Vec<String> = findings.iter().map(|one| describe(one)).collect();
    Some(Failed {
        code: first.code,
        message: first.message.clone(),
        text: text.join("\n\n"),
    })
}

/// Names of the test cases, and what failed in each.
fn cases<'a>(view: &'a View<'a>) -> Vec<(String, Vec<&'a FindingView<'a>>)> {
    let failing = || view.findings.iter().filter(|one| one.tone > Tone::Info);
    // A finding of no class, such as of marks that are changed bit by bit, is about the classes of its flows.
    let is_about = |one: &FindingView<'_>, class: &String| match &one.class {
        Some(of) => of == class,
        None => {
            let mut flows = one.flows.iter().filter_map(|at| view.flows.get(*at));
            flows.any(|flow| flow.class.as_ref() == Some(class))
        }
    };
    let of_class = |row: &ClassView| -> Vec<&'a FindingView<'a>> {
        let bad = row.verdicts.iter().any(|(_, tone, _)| *tone > Tone::Info);
        failing()
            .filter(|one| bad && is_about(one, &row.class))
            .collect()
    };
    let planned = || view.classes.iter().filter(|row| row.expected.is_some());
    let mut cases: Vec<(String, Vec<&FindingView<'_>>)> = planned()
        .map(|row| {
            let at = row
                .site
                .as_ref()
                .map_or_else(String::new, |site| format!(" at {site}"));
            (
                format!("{}{at} is marked as planned", row.class),
                of_class(row),
            )
        })
        .collect();
    let others = failing()
        .filter(|one| {
            !cases
                .iter()
                .any(|(_, known)| known.iter().any(|known| std::ptr::eq(*known, *one)))
        })
        .collect();
    cases.push(("nothing else is wrong".to_owned(), others));
    cases
}

fn describe(finding: &FindingView<'_>) -> String {
    let mut text = format!(
        "{}[{}]: {}\ncause: {}: {}\ncheck: {}",
        finding.severity, finding.code, finding.message, finding.layer, finding.cause, finding.next
    );
    if let Some((place, line)) = &finding.place {
        text.push_str(&format!("\nplan: {place}: {line}"));
    }
    text
}
