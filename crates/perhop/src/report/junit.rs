//! The report as JUnit XML: a test case for each class and site, and one for what belongs to none.

use crate::html::Html;
use crate::report::{ClassView, FindingView, Tone, View};

/// The whole document.
pub(crate) fn render(view: &View<'_>) -> String {
    let cases = cases(view);
    let failures = cases
        .iter()
        .filter(|(_, findings)| !findings.is_empty())
        .count();
    let (tests, failures) = (cases.len().to_string(), failures.to_string());
    let counts = [
        ("tests", tests.as_str()),
        ("failures", &failures),
        ("errors", "0"),
    ];
    let named = |name| {
        let mut attrs = vec![("name", name)];
        attrs.extend(counts);
        attrs
    };
    let mut xml = Html::default();
    xml.within("testsuites", &named("perhop verify"), |xml| {
        xml.within("testsuite", &named(&view.plan), |xml| {
            for (name, findings) in &cases {
                case(&view.plan, name, findings, xml);
            }
        });
    });
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{}", xml.finish())
}

/// Names of the test cases, and what failed in each.
fn cases<'a>(view: &'a View<'a>) -> Vec<(String, Vec<&'a FindingView<'a>>)> {
    let failing = || view.findings.iter().filter(|one| one.tone > Tone::Info);
    let of_class = |row: &ClassView| -> Vec<&'a FindingView<'a>> {
        let bad = row.verdicts.iter().any(|(_, tone, _)| *tone > Tone::Info);
        failing()
            .filter(|one| bad && one.class.as_ref() == Some(&row.class))
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

fn case(plan: &str, name: &str, findings: &[&FindingView<'_>], xml: &mut Html) {
    xml.within("testcase", &[("classname", plan), ("name", name)], |xml| {
        if let [first, ..] = findings {
            let text: Vec<String> = findings.iter().map(|one| describe(one)).collect();
            xml.leaf(
                "failure",
                &[("type", first.code), ("message", &first.message)],
                &text.join("\n\n"),
            );
        }
    });
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
