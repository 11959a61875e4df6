//! Findings about what is configured, as people read them.

use perhop_policy::Severity;
use perhop_read::{Finding, Reading};

use crate::render::grid::clean;
use crate::source::Source;
use crate::ui::{BAD, BOLD, HELP, WARN, paint};

/// Every finding with its places, each followed by an empty line.
pub(crate) fn render<'a>(
    findings: impl IntoIterator<Item = &'a Finding>,
    reading: &Reading,
    plan: Option<&Source>,
) -> String {
    let mut out = String::new();
    for finding in findings {
        one(&mut out, finding, reading, plan);
        out.push('\n');
    }
    out
}

fn one(out: &mut String, finding: &Finding, reading: &Reading, plan: Option<&Source>) {
    let style = match finding.severity {
        Severity::Error => BAD,
        Severity::Warning => WARN,
        Severity::Info => HELP,
    };
    let head = format!("{}[{}]", finding.severity.as_str(), finding.code);
    out.push_str(&format!(
        "{}{}\n",
        paint(style, &head),
        paint(BOLD, &format!(": {}", clean(&finding.message)))
    ));
    if let Some(place) = &finding.place {
        out.push_str(&format!("  --> {}", clean(&reading.place(place))));
        if !place.path.is_empty() {
            out.push_str(&format!(": {}", clean(&place.path)));
        }
        out.push('\n');
    }
    if let (Some(span), Some(plan)) = (finding.plan, plan) {
        let rule = finding.rule.as_deref().unwrap_or_default();
        let line = format!("  plan: {} {}", plan.place(span), clean(rule));
        out.push_str(line.trim_end());
        out.push('\n');
    }
    if !finding.also.is_empty() {
        let names = finding.also.join(", ");
        out.push_str(&format!("  = note: the same of {}\n", clean(&names)));
    }
    for note in &finding.notes {
        out.push_str(&format!("  = note: {}\n", clean(note)));
    }
    for help in &finding.helps {
        out.push_str(&format!("  = help: {}\n", clean(help)));
    }
    for command in &finding.commands {
        out.push_str(&format!("  = run: {}\n", clean(command)));
    }
}
