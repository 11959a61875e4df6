//! The report for a terminal: the verdict first, a line a class, then what was found, each in a few lines.

mod segments;

use crate::listing;
use crate::render::grid::{Cell, Column, Grid, clean, wrap};
use crate::render::{counted, grouped};
use crate::report::page::percent;
use crate::report::{ClassView, FindingView, Tone, View, receiver, sender};
use crate::time;
use crate::ui::{BAD, BOLD, DIM, GOOD, HELP, WARN, paint};

/// Columns of a text that is not for a terminal.
const WIDTH: usize = 100;
/// Findings that are shown whole.
const FINDINGS: usize = 20;
/// Flows named under a finding.
const FLOWS: usize = 3;

/// The whole text.
pub(crate) fn render(view: &View<'_>, width: Option<usize>) -> String {
    let width = width.unwrap_or(WIDTH);
    let style = match view.verdict.tone {
        Tone::Good => GOOD,
        Tone::Info | Tone::Warn => WARN,
        Tone::Bad => BAD,
    };
    let mut out = String::new();
    for line in wrap(&view.verdict.headline, width) {
        out.push_str(&format!("{}\n", paint(style, &clean(&line))));
    }
    for line in wrap(&clean(&about(view)), width) {
        out.push_str(&format!("{}\n", paint(DIM, &line)));
    }
    if !view.classes.is_empty() {
        out.push('\n');
        out.push_str(&classes(view.place, &view.classes).render(Some(width)));
        if view.classes.iter().any(|row| row.mos.is_some()) {
            for line in wrap(&listing::mos_assumes(), width) {
                out.push_str(&format!("{}\n", paint(DIM, &line)));
            }
        }
    }
    for segment in &view.segments {
        segments::render(segment, width, &mut out);
    }
    for finding in view.findings.iter().take(FINDINGS) {
        out.push('\n');
        one(finding, view, width, &mut out);
    }
    if view.findings.len() > FINDINGS {
        let more = grouped((view.findings.len() - FINDINGS) as u64);
        out.push_str(&format!(
            "\nand {more} more findings; `--html` and `--format json` have them\n"
        ));
    }
    if let Some(first) = view.findings.first() {
        out.push_str(&format!(
            "\n{}\n",
            paint(HELP, &format!("`perhop explain {}` says more", first.code))
        ));
    }
    out
}

/// What was looked at.
fn about(view: &View<'_>) -> String {
    let packets: u64 = view.captures.iter().map(|one| one.packets).sum();
    let span = view
        .captures
        .iter()
        .filter_map(|one| one.time)
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let span = span.map_or_else(String::new, |(first, last)| {
        format!(" in {}", time::duration(last.saturating_sub(first)))
    });
    let dropped = match view.captures.iter().map(|one| one.dropped).sum() {
        0 => String::new(),
        count => format!(", {} not captured", grouped(count)),
    };
    format!(
        "plan {}, {}: {} packets{span}{dropped}, {}, seen at {}",
        view.plan,
        view.capture_names(),
        grouped(packets),
        counted(view.flows.len(), "flow"),
        view.vantage
    )
}

fn classes(place: &'static str, rows: &[ClassView]) -> Grid {
    let sites = rows.iter().any(|row| row.site.is_some());
    let mut columns = vec![Column::text("Class", 9)];
    if sites {
        columns.push(Column::text(place, 8));
    }
    columns.extend([
        Column::text("Planned", 0),
        Column::number("Marked"),
        Column::text("Flows", 16),
        Column::number("Loss"),
        Column::number("Jitter"),
        Column::number("MOS"),
    ]);
    let mut grid = Grid::new(columns);
    for row in rows {
        let mut cells = vec![Cell::from(row.class.clone())];
        if sites {
            cells.push(row.site.clone().unwrap_or_else(|| "-".to_owned()).into());
        }
        let (judged, planned) = row.judged;
        let style = match row.expected {
            Some(_) if judged == planned => GOOD,
            Some(_) => BAD,
            None => BOLD,
        };
        let verdicts: Vec<String> = row
            .verdicts
            .iter()
            .map(|(name, _, count)| format!("{} {name}", grouped(*count)))
            .collect();
        let (loss, jitter) = row.quality.unwrap_or((0.0, None));
        let quality = |text: String| {
            if row.quality.is_some() {
                text
            } else {
                "-".to_owned()
            }
        };
        cells.extend([
            Cell::from(
                row.expected
                    .map_or_else(|| "-".to_owned(), |dscp| dscp.to_string()),
            ),
            Cell::styled(percent(planned, judged).replace('–', "-"), style),
            Cell::from(verdicts.join(", ")),
            Cell::from(quality(format!("{loss:.1} %"))),
            Cell::from(jitter.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1} ms"))),
            Cell::from(
                row.mos
                    .map_or_else(|| "-".to_owned(), |mos| format!("{mos:.1}")),
            ),
        ]);
        grid.row(cells);
    }
    grid
}

fn one(finding: &FindingView<'_>, view: &View<'_>, width: usize, out: &mut String) {
    let style = match finding.tone {
        Tone::Bad => BAD,
        Tone::Warn => WARN,
        Tone::Good | Tone::Info => HELP,
    };
    let head = format!("{}[{}]: ", finding.severity, finding.code);
    let text = wrap(&clean(&format!("{head}{}", finding.message)), width);
    for (index, line) in text.iter().enumerate() {
        match line.strip_prefix(head.trim_end()).filter(|_| index == 0) {
            Some(rest) => out.push_str(&format!(
                "{}{}\n",
                paint(style, head.trim_end()),
                paint(BOLD, rest)
            )),
            None => out.push_str(&format!("{}\n", paint(BOLD, line))),
        }
    }
    field(
        "cause",
        &format!("{}: {}", finding.layer, finding.cause),
        width,
        out,
    );
    for line in finding.evidence.iter().take(2) {
        field("shown", line, width, out);
    }
    field("check", &finding.next, width, out);
    if let Some((place, text)) = &finding.place {
        field("plan", &format!("{place}  {text}"), width, out);
    }
    let mut flows: Vec<String> = finding
        .flows
        .iter()
        .take(FLOWS)
        .filter_map(|at| view.flows.get(*at))
        .map(|flow| flow.key)
        .map(|key| {
            format!(
                "{} {} > {}",
                key.protocol_text(),
                sender(&key),
                receiver(&key)
            )
        })
        .collect();
    if finding.flows.len() > FLOWS {
        let last = flows.pop().unwrap_or_default();
        flows.push(format!(
            "{last}, and {} more",
            grouped((finding.flows.len() - FLOWS) as u64)
        ));
    }
    for flow in &flows {
        field("flow", flow, width, out);
    }
}

/// `  name   text`, the text in a column of its own.
fn field(name: &str, text: &str, width: usize, out: &mut String) {
    const INDENT: usize = 9;
    for (index, line) in wrap(&clean(text), width.saturating_sub(INDENT))
        .iter()
        .enumerate()
    {
        let name = if index == 0 { name } else { "" };
        out.push_str(&format!(
            "  {}{:pad$}{line}\n",
            paint(DIM, name),
            "",
            pad = INDENT - 2 - name.len()
        ));
    }
}
