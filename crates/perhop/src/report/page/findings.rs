//! What was found: what, why, what says so, what to look at next.

use crate::html::Html;
use crate::report::page::tag;
use crate::report::{FindingView, Tone, View, receiver, sender};

/// Flows named in one finding before the rest is only counted.
const SHOWN: usize = 12;

/// The section, also when there is nothing.
pub(crate) fn section(view: &View<'_>, html: &mut Html) {
    html.leaf("h2", &[], "Findings");
    if view.findings.is_empty() {
        html.leaf("p", &[("class", "soft")], "None.");
    }
    for finding in &view.findings {
        one(finding, view, html);
    }
}

fn one(finding: &FindingView<'_>, view: &View<'_>, html: &mut Html) {
    let class = match finding.tone {
        Tone::Bad => "card finding bad",
        Tone::Warn => "card finding warn",
        Tone::Good | Tone::Info => "card finding info",
    };
    html.within("article", &[("class", class)], |html| {
        html.within("header", &[], |html| {
            html.leaf("span", &[("class", tag(finding.tone))], finding.severity);
            html.rich_leaf("h3", &[], &finding.message);
            html.leaf("code", &[], finding.code);
        });
        html.within("dl", &[], |html| {
            html.leaf("dt", &[], "Likely cause");
            html.within("dd", &[], |html| {
                html.leaf("strong", &[], &format!("{}: ", finding.layer));
                html.rich(&finding.cause);
            });
            lines("Evidence", &finding.evidence, html);
            html.leaf("dt", &[], "Check next");
            html.rich_leaf("dd", &[], &finding.next);
            lines("Or else", &finding.others, html);
            if let Some((place, text)) = &finding.place {
                html.leaf("dt", &[], "In the plan");
                html.within("dd", &[], |html| {
                    html.leaf("code", &[], place);
                    html.text(" ");
                    html.leaf("code", &[], text);
                });
            }
            flows(finding, view, html);
            if let Some(filter) = &finding.filter {
                html.leaf("dt", &[], "Wireshark");
                html.within("dd", &[], |html| {
                    html.within("pre", &[], |html| html.leaf("code", &[], filter));
                });
            }
        });
    });
}

fn lines(title: &str, lines: &[String], html: &mut Html) {
    if lines.is_empty() {
        return;
    }
    html.leaf("dt", &[], title);
    html.within("dd", &[], |html| {
        for line in lines {
            html.rich_leaf("div", &[], line);
        }
    });
}

fn flows(finding: &FindingView<'_>, view: &View<'_>, html: &mut Html) {
    if finding.flows.is_empty() {
        return;
    }
    html.leaf("dt", &[], "Flows");
    html.within("dd", &[], |html| {
        for index in finding.flows.iter().take(SHOWN) {
            let Some(flow) = view.flows.get(*index) else {
                continue;
            };
            html.within("div", &[], |html| {
                let target = format!("#flow-{}", index + 1);
                let (from, to) = (sender(&flow.key), receiver(&flow.key));
                html.leaf(
                    "a",
                    &[("href", &target)],
                    &format!("{} {from} → {to}", flow.key.protocol_text()),
                );
            });
        }
        if finding.flows.len() > SHOWN {
            html.leaf(
                "div",
                &[("class", "soft")],
                &format!(
                    "and {} more, in the table below",
                    finding.flows.len() - SHOWN
                ),
            );
        }
    });
}
