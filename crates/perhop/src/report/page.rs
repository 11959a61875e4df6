//! The report as one page that can be forwarded: the verdict first, nothing loaded, nothing run.

mod charts;
mod findings;
mod flows;
mod segments;

use crate::html::Html;
use crate::render::{counted_u64, grouped};
use crate::report::{ClassView, Tone, View};
use crate::time;

/// Findings that the verdict names.
const REASONS: usize = 8;

/// The whole page.
pub(crate) fn render(view: &View<'_>) -> String {
    let mut html = Html::page(&format!("{}: {}", view.plan, view.verdict.headline));
    charts::defs(&mut html);
    html.begin("main", &[]);
    head(view, &mut html);
    facts(view, &mut html);
    if !view.classes.is_empty() {
        classes(view, &mut html);
    }
    segments::section(view, &mut html);
    if !view.classes.is_empty() {
        charts::section(view, &mut html);
    }
    findings::section(view, &mut html);
    flows::section(view, &mut html);
    method(view, &mut html);
    html.finish()
}

fn head(view: &View<'_>, html: &mut Html) {
    let mut line = format!(
        "QoS report · plan {} · capture {}",
        view.plan,
        view.capture_names()
    );
    if let Some((first, last)) = span(view) {
        line.push_str(&format!(
            " · {}, {}",
            time::utc(first),
            time::duration(last - first)
        ));
    }
    line.push_str(&format!(" · seen at {}", view.vantage));
    html.leaf("p", &[("class", "eyebrow")], &line);
    let (class, sign) = match view.verdict.tone {
        Tone::Good => ("card verdict is-good", "✓"),
        Tone::Bad => ("card verdict is-bad", "✗"),
        Tone::Warn => ("card verdict is-warn", "!"),
        Tone::Info => ("card verdict is-info", "i"),
    };
    html.within("section", &[("class", class)], |html| {
        html.within("h1", &[], |html| {
            html.leaf("span", &[("class", "sign"), ("aria-hidden", "true")], sign);
            html.leaf("span", &[], &capital(&view.verdict.headline));
        });
        if !view.verdict.because.is_empty() {
            html.within("ul", &[], |html| {
                for line in view.verdict.because.iter().take(REASONS) {
                    html.rich_leaf("li", &[], &capital(line));
                }
                let more = view.verdict.because.len().saturating_sub(REASONS);
                if more > 0 {
                    html.leaf(
                        "li",
                        &[],
                        &format!("and {} more findings, below", grouped(more as u64)),
                    );
                }
            });
        }
    });
    doubts(view, html);
}

/// What is not in the captures.
fn doubts(view: &View<'_>, html: &mut Html) {
    for capture in &view.captures {
        if capture.dropped > 0 {
            html.within("section", &[("class", "card verdict is-warn")], |html| {
                let dropped = counted_u64(capture.dropped, "packet");
                html.leaf(
                    "strong",
                    &[],
                    &format!("{} is not complete. ", capture.name),
                );
                html.text(&format!(
                    "{dropped} passed and could not be captured: loss in the streams may be theirs."
                ));
            });
        }
        for damage in &capture.damage {
            html.within("section", &[("class", "card verdict is-warn")], |html| {
                html.leaf("strong", &[], &format!("{} is damaged. ", capture.name));
                html.text(&format!(
                    "{damage}. The report covers the {} packets that could be read.",
                    grouped(capture.packets)
                ));
            });
        }
    }
}

/// From the first packet of all captures to the last.
fn span(view: &View<'_>) -> Option<(i64, i64)> {
    let times = view.captures.iter().filter_map(|one| one.time);
    times.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

fn facts(view: &View<'_>, html: &mut Html) {
    html.within("dl", &[("class", "facts")], |html| {
        for (name, value, remark) in &view.facts {
            html.within("div", &[], |html| {
                html.leaf("dt", &[], name);
                html.within("dd", &[], |html| {
                    html.text(value);
                    if !remark.is_empty() {
                        html.leaf("small", &[], &format!(" {remark}"));
                    }
                });
            });
        }
    });
}

fn classes(view: &View<'_>, html: &mut Html) {
    let sites = view.classes.iter().any(|row| row.site.is_some());
    html.leaf(
        "h2",
        &[],
        if sites {
            match view.place {
                "Point" => "By class and point",
                _ => "By class and site",
            }
        } else {
            "By class"
        },
    );
    html.scrolled("Classes", |html| {
        html.within("table", &[], |html| {
            html.within("thead", &[], |html| {
                html.within("tr", &[], |html| {
                    html.leaf("th", &[("scope", "col")], "Class");
                    if sites {
                        html.leaf("th", &[("scope", "col")], view.place);
                    }
                    for title in ["Planned", "Seen (packets)", "Flows"] {
                        html.leaf("th", &[("scope", "col")], title);
                    }
                    for title in ["As planned", "Loss", "Jitter", "MOS"] {
                        html.leaf("th", &[("scope", "col"), ("class", "n")], title);
                    }
                });
            });
            html.within("tbody", &[], |html| {
                for row in &view.classes {
                    class_row(row, sites, html);
                }
            });
        });
    });
}

fn class_row(row: &ClassView, sites: bool, html: &mut Html) {
    html.within("tr", &[], |html| {
        html.leaf("th", &[("scope", "row"), ("class", "nb")], &row.class);
        if sites {
            html.leaf("td", &[], row.site.as_deref().unwrap_or("–"));
        }
        let expected = row
            .expected
            .map_or_else(|| "–".to_owned(), |dscp| dscp.to_string());
        html.leaf("td", &[("class", "nb")], &expected);
        html.within("td", &[], |html| {
            for (index, (dscp, packets)) in row.seen.iter().enumerate() {
                if index > 0 {
                    html.text(", ");
                }
                html.within("span", &[("class", "nb")], |html| {
                    html.text(&dscp.to_string());
                    html.leaf("small", &[], &format!(" × {}", grouped(*packets)));
                });
            }
        });
        html.within("td", &[], |html| {
            for (index, (name, tone, count)) in row.verdicts.iter().enumerate() {
                if index > 0 {
                    html.text(" ");
                }
                html.leaf("span", &[("class", tag(*tone))], &format!("{count} {name}"));
            }
        });
        let (judged, planned) = row.judged;
        let share = percent(planned, judged);
        let class = match row.expected {
            Some(_) if planned == judged => "n t-good",
            Some(_) => "n t-bad",
            None => "n",
        };
        html.within("td", &[("class", class)], |html| {
            html.leaf("strong", &[], &share)
        });
        let (loss, jitter) = match row.quality {
            Some((loss, jitter)) => (
                format!("{loss:.1} %"),
                jitter.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.1} ms")),
            ),
            None => ("–".to_owned(), "–".to_owned()),
        };
        html.leaf("td", &[("class", "n")], &loss);
        html.leaf("td", &[("class", "n")], &jitter);
        let mos = row
            .mos
            .map_or_else(|| "–".to_owned(), |mos| format!("{mos:.1}"));
        html.leaf("td", &[("class", "n")], &mos);
    });
}

fn method(view: &View<'_>, html: &mut Html) {
    html.leaf("h2", &[], "How this was judged");
    html.within("ul", &[("class", "note")], |html| {
        for line in &view.method {
            html.leaf("li", &[], line);
        }
    });
    html.leaf(
        "footer",
        &[],
        concat!(
            "Made by perhop ",
            env!("CARGO_PKG_VERSION"),
            ". This page loads nothing and runs nothing."
        ),
    );
}

/// A sentence's first letter as a sentence has it.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// The class of a tag.
const fn tag(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "tag good",
        Tone::Info => "tag info",
        Tone::Warn => "tag warn",
        Tone::Bad => "tag bad",
    }
}

/// `83 %`; never rounded to 100 % or 0 % when it is not.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let share = 100.0 * part as f64 / whole as f64;
    if part == whole || part == 0 {
        format!("{share:.0} %")
    } else {
        format!("{:.1} %", share.clamp(0.1, 99.9))
    }
}

#[cfg(test)]
mod tests;
