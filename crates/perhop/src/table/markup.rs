//! The table as Markdown and as a page.

use crate::html::Html;
use crate::table::{Row, Table};

/// A Markdown table (GitHub's form), the component written once for each of its runs.
pub(crate) fn markdown(table: &Table) -> String {
    let headings = table.headings();
    let mut out = String::new();
    line(
        headings.iter().map(|heading| (*heading).to_owned()),
        &mut out,
    );
    line(headings.iter().map(|_| "---".to_owned()), &mut out);
    for group in table.groups() {
        for (index, row) in group.iter().enumerate() {
            line(
                shown(table, row, index == 0)
                    .into_iter()
                    .map(|cell| escape(&cell)),
                &mut out,
            );
        }
    }
    out
}

/// A page of its own.
pub(crate) fn html(table: &Table) -> String {
    let mut html = Html::page(&format!("{}: QoS table", table.plan));
    html.within("main", &[], |html| {
        html.leaf("h1", &[], &table.plan);
        html.leaf(
            "p",
            &[("class", "lead")],
            "What is marked how: one row for each component and communication type. “both” is TCP and UDP.",
        );
        html.scrolled("What is marked how", |html| {
            html.within("table", &[], |html| body(table, html));
        });
    });
    html.finish()
}

fn body(table: &Table, html: &mut Html) {
    html.within("thead", &[], |html| {
        html.within("tr", &[], |html| {
            for heading in table.headings() {
                html.leaf("th", &[("scope", "col")], heading);
            }
        });
    });
    for group in table.groups() {
        html.within("tbody", &[], |html| {
            for (index, row) in group.iter().enumerate() {
                html.within("tr", &[], |html| {
                    let cells = shown(table, row, true);
                    if index == 0 {
                        let rows = group.len().to_string();
                        html.leaf(
                            "th",
                            &[("scope", "rowgroup"), ("rowspan", &rows)],
                            &cells[0],
                        );
                    }
                    for cell in &cells[1..] {
                        html.leaf("td", &[], cell);
                    }
                });
            }
        });
    }
}

fn shown(table: &Table, row: &Row, first: bool) -> Vec<String> {
    let mut cells = table.cells(row);
    if !first {
        cells[0].clear();
    }
    cells[3] = row.mark();
    cells
}

fn line(cells: impl Iterator<Item = String>, out: &mut String) {
    out.push('|');
    for cell in cells {
        out.push(' ');
        out.push_str(&cell);
        out.push_str(" |");
    }
    out.push('\n');
}

/// Every character that Markdown or the HTML within it would take for its own.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
