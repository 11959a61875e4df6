//! What happened between points, as tables of the page.

use crate::html::Html;
use crate::render::grouped;
use crate::report::points::{SegmentRow, SegmentView};
use crate::report::{Tone, View};

/// The section; nothing for a single capture.
pub(crate) fn section(view: &View<'_>, html: &mut Html) {
    if view.segments.is_empty() {
        return;
    }
    html.leaf("h2", &[], "Between the points");
    for segment in &view.segments {
        one(segment, html);
    }
}

fn one(segment: &SegmentView, html: &mut Html) {
    html.leaf("h3", &[], &super::capital(&segment.title));
    if segment.rows.is_empty() {
        html.leaf("p", &[("class", "soft")], "No packet is at both.");
    } else {
        table(&segment.rows, html);
    }
    if !segment.notes.is_empty() {
        html.within("ul", &[("class", "note")], |html| {
            for note in &segment.notes {
                html.rich_leaf("li", &[], &super::capital(note));
            }
        });
    }
}

fn table(rows: &[SegmentRow], html: &mut Html) {
    html.scrolled("Marks, loss and delay", |html| {
        html.within("table", &[], |html| {
            html.within("thead", &[], |html| {
                html.within("tr", &[], |html| {
                    for title in ["Class", "Sent with", "Arrives with"] {
                        html.leaf("th", &[("scope", "col")], title);
                    }
                    for title in ["Packets", "Lost", "Late: half", "95 %", "99 %", "most"] {
                        html.leaf("th", &[("scope", "col"), ("class", "n")], title);
                    }
                });
            });
            html.within("tbody", &[], |html| {
                for one in rows {
                    row(one, html);
                }
            });
        });
    });
}

fn row(row: &SegmentRow, html: &mut Html) {
    html.within("tr", &[], |html| {
        html.leaf("th", &[("scope", "row"), ("class", "nb")], &row.class);
        html.leaf("td", &[("class", "nb")], &row.sent_with.to_string());
        let class = match row.tone {
            Tone::Good => "t-good",
            Tone::Info => "",
            Tone::Warn | Tone::Bad => "t-bad",
        };
        html.within("td", &[("class", class)], |html| {
            for (index, (mark, packets)) in row.arrive_with.iter().enumerate() {
                if index > 0 {
                    html.text(", ");
                }
                html.within("span", &[("class", "nb")], |html| {
                    html.leaf("strong", &[], &mark.to_string());
                    html.leaf("small", &[], &format!(" × {}", grouped(*packets)));
                });
            }
        });
        html.leaf("td", &[("class", "n")], &grouped(row.sent));
        html.leaf("td", &[("class", "n")], &row.lost());
        for value in row.delays() {
            html.leaf("td", &[("class", "n")], &value);
        }
    });
}
