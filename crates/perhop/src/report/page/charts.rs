//! Charts as drawings in the page: flows by verdict, marks by class, and both over time. Shade and pattern tell parts apart
//! without colour, and the numbers stand beside them.

mod over_time;

use crate::html::Html;
use crate::render::grouped;
use crate::report::page::percent;
use crate::report::{ClassView, View};

/// Width of a drawing in its own units.
const WIDTH: f64 = 480.0;
/// Height of a bar.
const BAR: f64 = 22.0;

/// The patterns that all drawings use.
pub(crate) fn defs(html: &mut Html) {
    html.within(
        "svg",
        &[("class", "defs"), ("aria-hidden", "true")],
        |html| {
            html.within("defs", &[], |html| {
                pattern(
                    "hatch",
                    "b-unmarked",
                    "M-2,2 l4,-4 M0,8 l8,-8 M6,10 l4,-4",
                    html,
                );
                pattern("bars", "b-outside", "M4,0 v8", html);
                html.within(
                    "pattern",
                    &[
                        ("id", "dots"),
                        ("width", "8"),
                        ("height", "8"),
                        ("patternUnits", "userSpaceOnUse"),
                    ],
                    |html| {
                        html.leaf(
                            "rect",
                            &[("class", "b-other"), ("width", "8"), ("height", "8")],
                            "",
                        );
                        for (x, y) in [("2", "2"), ("6", "6")] {
                            html.leaf(
                                "circle",
                                &[("class", "s-dots"), ("cx", x), ("cy", y), ("r", "1.2")],
                                "",
                            );
                        }
                    },
                );
            });
        },
    );
}

fn pattern(id: &str, back: &str, path: &str, html: &mut Html) {
    html.within(
        "pattern",
        &[
            ("id", id),
            ("width", "8"),
            ("height", "8"),
            ("patternUnits", "userSpaceOnUse"),
        ],
        |html| {
            html.leaf(
                "rect",
                &[("class", back), ("width", "8"), ("height", "8")],
                "",
            );
            html.leaf("path", &[("class", "s-hatch"), ("d", path)], "");
        },
    );
}

/// All charts.
pub(crate) fn section(view: &View<'_>, html: &mut Html) {
    html.leaf("h2", &[], "Marks");
    html.within("div", &[("class", "charts")], |html| {
        verdicts(view, html);
        marks(view, html);
    });
    over_time::section(&view.series, html);
}

/// One line of a chart of bars: a name, a remark, and parts with their classes.
struct Bar {
    name: String,
    remark: String,
    parts: Vec<(f64, &'static str, String)>,
}

fn bars(title: &str, remark: &str, rows: &[Bar], legend: &[(&'static str, &str)], html: &mut Html) {
    html.within("figure", &[], |html| {
        html.within("figcaption", &[], |html| {
            html.text(title);
            html.leaf("small", &[], &format!(" {remark}"));
        });
        let height = rows.len() as f64 * (BAR + 26.0);
        let view_box = format!("0 0 {WIDTH} {height}");
        html.within(
            "svg",
            &[
                ("viewBox", &view_box),
                ("role", "img"),
                ("aria-label", title),
            ],
            |html| {
                for (index, row) in rows.iter().enumerate() {
                    let top = index as f64 * (BAR + 26.0);
                    text(0.0, top + 14.0, "strong", "start", &row.name, html);
                    text(WIDTH, top + 14.0, "", "end", &row.remark, html);
                    bar(row, top + 20.0, html);
                }
            },
        );
        key(legend, html);
    });
}

fn bar(row: &Bar, top: f64, html: &mut Html) {
    let total: f64 = row.parts.iter().map(|(size, ..)| size).sum();
    if total <= 0.0 {
        rect(0.0, top, WIDTH, BAR, "f-unplanned", "", html);
        return;
    }
    // A part too thin to be seen is drawn two units wide.
    let widths: Vec<f64> = row
        .parts
        .iter()
        .map(|(size, ..)| (size / total * WIDTH).max(2.0))
        .collect();
    let scale = WIDTH / widths.iter().sum::<f64>();
    let mut left = 0.0;
    for ((_, class, label), width) in row.parts.iter().zip(widths) {
        let width = width * scale;
        rect(left, top, width, BAR, class, label, html);
        left += width;
    }
}

fn verdicts(view: &View<'_>, html: &mut Html) {
    let mut names: Vec<&'static str> = Vec::new();
    let rows: Vec<Bar> = view
        .classes
        .iter()
        .filter(|class| class.expected.is_some())
        .map(|class| {
            let flows: u64 = class.verdicts.iter().map(|(_, _, count)| count).sum();
            let parts = class
                .verdicts
                .iter()
                .map(|(name, _, count)| {
                    if !names.contains(name) {
                        names.push(name);
                    }
                    (
                        *count as f64,
                        verdict_class(name),
                        format!("{count} {name}"),
                    )
                })
                .collect();
            Bar {
                name: title(class),
                remark: format!(
                    "{} flow{}",
                    grouped(flows),
                    if flows == 1 { "" } else { "s" }
                ),
                parts,
            }
        })
        .collect();
    let legend: Vec<(&'static str, &str)> = names
        .iter()
        .map(|name| (verdict_class(name), *name))
        .collect();
    bars("Flows by verdict", "one bar a class", &rows, &legend, html);
}

fn marks(view: &View<'_>, html: &mut Html) {
    let rows: Vec<Bar> = view
        .classes
        .iter()
        .filter_map(|class| Some((class, class.expected?)))
        .map(|(class, expected)| Bar {
            name: format!("{}, planned {expected}", title(class)),
            remark: format!("{} as planned", percent(class.judged.1, class.judged.0)),
            parts: class
                .seen
                .iter()
                .map(|(dscp, packets)| {
                    let kind = if *dscp == expected {
                        "f-planned"
                    } else if dscp.value() == 0 {
                        "f-unmarked"
                    } else {
                        "f-other"
                    };
                    (
                        *packets as f64,
                        kind,
                        format!("DSCP {dscp}: {} packets", grouped(*packets)),
                    )
                })
                .collect(),
        })
        .collect();
    bars("DSCP by class", "share of packets", &rows, &LEGEND, html);
}

const LEGEND: [(&str, &str); 3] = [
    ("f-planned", "planned mark"),
    ("f-unmarked", "unmarked (0)"),
    ("f-other", "another mark"),
];

/// What the colours stand for.
fn key(legend: &[(&'static str, &str)], html: &mut Html) {
    html.within("ul", &[("class", "legend")], |html| {
        for (class, name) in legend {
            html.within("li", &[], |html| {
                html.within(
                    "svg",
                    &[("viewBox", "0 0 14 14"), ("aria-hidden", "true")],
                    |html| {
                        html.leaf(
                            "rect",
                            &[
                                ("class", class),
                                ("width", "14"),
                                ("height", "14"),
                                ("rx", "3"),
                            ],
                            "",
                        );
                    },
                );
                html.text(name);
            });
        }
    });
}

fn title(class: &ClassView) -> String {
    match &class.site {
        Some(site) => format!("{}, {site}", class.class),
        None => class.class.clone(),
    }
}

/// The drawing's class for a verdict, by its name.
fn verdict_class(name: &str) -> &'static str {
    match name {
        "ok" => "f-planned",
        "unmarked" => "f-unmarked",
        "remarked" => "f-other",
        "mixed" => "f-mixed",
        "out-of-range" => "f-outside",
        "unplanned-mark" => "f-steals",
        _ => "f-unplanned",
    }
}

fn rect(
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    class: &'static str,
    label: &str,
    html: &mut Html,
) {
    let [x, y, width, height] = [x, y, width, height].map(|number| format!("{number:.1}"));
    let attrs = [
        ("class", class),
        ("x", &x),
        ("y", &y),
        ("width", &width),
        ("height", &height),
    ];
    html.within("rect", &attrs, |html| {
        if !label.is_empty() {
            html.leaf("title", &[], label);
        }
    });
}

fn text(x: f64, y: f64, class: &str, anchor: &str, text: &str, html: &mut Html) {
    let [x, y] = [x, y].map(|number| format!("{number:.1}"));
    html.leaf(
        "text",
        &[
            ("class", class),
            ("x", &x),
            ("y", &y),
            ("text-anchor", anchor),
        ],
        text,
    );
}
