//! The flows: those that failed with their evidence, the others folded away.

use crate::html::Html;
use crate::render::{counted, grouped};
use crate::report::page::tag;
use crate::report::{FlowView, View, filter, receiver, sender};

/// Rows of one table; a page with more would not be read, and JSON has them all.
const MAX_ROWS: usize = 500;

/// Both tables.
pub(crate) fn section(view: &View<'_>, html: &mut Html) {
    let [failed, rest] = [true, false].map(|failed| view.flows.numbers(failed).count());
    if failed > 0 {
        html.leaf("h2", &[], "Flows that are not as planned");
        table(view, true, failed, html);
    }
    if rest > 0 {
        html.leaf("h2", &[], "Other flows");
        html.within("details", &[], |html| {
            html.leaf(
                "summary",
                &[],
                &format!(
                    "{}: as planned, or none of the plan's business",
                    counted(rest, "flow")
                ),
            );
            table(view, false, rest, html);
        });
    }
}

/// Those that failed, or the others, so many there are.
fn table(view: &View<'_>, failed: bool, count: usize, html: &mut Html) {
    let label = if failed {
        "Flows that are not as planned"
    } else {
        "Other flows"
    };
    html.scrolled(label, |html| {
        html.within("table", &[], |html| {
            html.within("thead", &[], |html| {
                html.within("tr", &[], |html| {
                    for title in ["Flow", "Verdict", "Planned", "Seen"] {
                        html.leaf("th", &[("scope", "col")], title);
                    }
                    html.leaf("th", &[("scope", "col"), ("class", "n")], "Packets");
                    html.leaf("th", &[("scope", "col")], "Evidence");
                });
            });
            html.within("tbody", &[], |html| {
                for index in view.flows.numbers(failed).take(MAX_ROWS) {
                    if let Some(flow) = view.flows.get(index) {
                        row(index, &flow, failed, html);
                    }
                }
            });
        });
    });
    if count > MAX_ROWS {
        html.leaf(
            "p",
            &[("class", "note")],
            &format!(
                "The first {MAX_ROWS} of {} are shown; `perhop verify --format json` or `csv` has all.",
                grouped(count as u64)
            ),
        );
    }
}

fn row(index: usize, flow: &FlowView, filters: bool, html: &mut Html) {
    let id = format!("flow-{}", index + 1);
    html.within("tr", &[("id", &id)], |html| {
        html.within("td", &[("class", "mono")], |html| {
            let (proto, from) = (flow.key.protocol_text(), sender(&flow.key));
            html.leaf("div", &[], &format!("{proto} {from} →"));
            html.leaf("div", &[], &receiver(&flow.key));
        });
        html.within("td", &[], |html| {
            html.leaf("span", &[("class", tag(flow.verdict.1))], flow.verdict.0);
        });
        html.within("td", &[], |html| {
            html.leaf("span", &[("class", "nb")], &planned(flow));
            if let Some(name) = flow.rule.as_ref().or(flow.class.as_ref()) {
                html.leaf("small", &[], &format!(" {name}"));
            }
        });
        html.within("td", &[], |html| {
            for (dscp, packets) in &flow.seen {
                html.within("div", &[], |html| {
                    html.leaf("span", &[("class", "nb")], &dscp.to_string());
                    if flow.seen.len() > 1 {
                        html.leaf("small", &[], &format!(" × {}", grouped(*packets)));
                    }
                });
            }
        });
        html.leaf("td", &[("class", "n")], &grouped(flow.packets));
        html.within("td", &[], |html| {
            for line in &flow.evidence {
                html.rich_leaf("div", &[], line);
            }
            if filters {
                html.leaf("code", &[("class", "on-screen")], &filter::flow(&flow.key));
            }
        });
    });
}

/// The planned marks; a dash when no rule holds the flow.
fn planned(flow: &FlowView) -> String {
    let marks: Vec<String> = flow.expected.iter().map(ToString::to_string).collect();
    if marks.is_empty() {
        "–".to_owned()
    } else {
        marks.join(" or ")
    }
}
