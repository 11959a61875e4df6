//! The report as a workbook: verdict, classes, findings, flows, series, and what happened between points.

use std::io::{self, Write};

use crate::render::grouped;
use crate::report::series::{self, SeriesView};
use crate::report::{CaptureView, ClassView, FindingView, FlowTable, View};
use crate::workbook::{self, Row, Sheet, Value};

/// Writes the whole file. The row of a flow is made when it is written.
///
/// # Errors
/// The writer's.
pub(crate) fn write(out: &mut dyn Write, view: &View<'_>, flows: &FlowTable<'_>) -> io::Result<()> {
    let (flows, series) = (flow_sheet(flows), series_sheet(&view.series));
    let mut sheets = vec![
        verdict(view, &[&flows, &series]),
        classes(view),
        findings(view),
        flows,
        series,
    ];
    if !view.segments.is_empty() {
        sheets.push(segments(view));
    }
    let title = format!("{}: {}", view.plan, view.verdict.headline);
    workbook::write(out, &title, sheets)
}

/// `long` are sheets that may be longer than Excel's.
fn verdict(view: &View<'_>, long: &[&Sheet<'_>]) -> Sheet<'static> {
    let mut rows: Vec<Row> = vec![
        vec!["Verdict".into(), view.verdict.headline.clone().into()],
        vec!["Plan".into(), view.plan.clone().into()],
        vec!["Seen at".into(), view.vantage.clone().into()],
    ];
    let because = view.verdict.because.iter();
    rows.extend(because.map(|line| vec!["Because".into(), line.clone().into()]));
    rows.extend(view.facts.iter().map(|(name, value, remark)| {
        vec![(*name).into(), format!("{value} {remark}").trim().into()]
    }));
    for capture in &view.captures {
        rows.push(vec!["Capture".into(), about(capture).into()]);
        let damage = capture.damage.iter();
        rows.extend(damage.map(|line| vec!["Damage".into(), line.clone().into()]));
    }
    let method = view.method.iter();
    rows.extend(method.map(|line| vec!["Method".into(), line.clone().into()]));
    let continued = long
        .iter()
        .filter_map(|sheet| continued(&sheet.names(), sheet.len()));
    rows.extend(continued.map(|line| vec!["Sheets".into(), line.into()]));
    Sheet::new("Verdict", &["What", "Said"], rows)
}

/// Says where the rows of a sheet go on when Excel does not take them all in one.
fn continued(names: &[String], rows: usize) -> Option<String> {
    let (first, last) = (names.first()?, names.last()?);
    (names.len() > 1).then(|| {
        format!(
            "the {} rows of `{first}` go on up to `{last}`: a sheet of Excel has at most {} rows",
            grouped(rows as u64),
            grouped(workbook::MOST_ROWS as u64)
        )
    })
}

fn about(capture: &CaptureView) -> String {
    let mut text = format!("{}, {} packets", capture.name, capture.packets);
    if let Some((first, last)) = capture.time {
        let [first, last] = [first, last].map(crate::time::utc);
        text.push_str(&format!(", {first} to {last}"));
    }
    if capture.dropped > 0 {
        text.push_str(&format!(", {} not captured", capture.dropped));
    }
    text
}

fn classes(view: &View<'_>) -> Sheet<'static> {
    let headings = [
        "Class",
        view.place,
        "DSCP planned",
        "Packets judged",
        "With planned mark",
        "Planned %",
        "DSCP seen",
        "Flows by verdict",
        "Loss %",
        "Jitter ms",
        "MOS",
    ];
    let row = |row: &ClassView| {
        let (judged, planned) = row.judged;
        let seen: Vec<String> = row
            .seen
            .iter()
            .map(|(dscp, packets)| format!("{}: {packets}", dscp.value()))
            .collect();
        let verdicts: Vec<String> = row
            .verdicts
            .iter()
            .map(|(name, _, count)| format!("{count} {name}"))
            .collect();
        vec![
            row.class.clone().into(),
            row.site.clone().map_or(Value::Empty, Value::Text),
            Value::number(row.expected.map(|dscp| dscp.value().into())),
            Value::Number(judged as f64),
            Value::Number(planned as f64),
            Value::number((judged > 0).then(|| 100.0 * planned as f64 / judged as f64)),
            seen.join(", ").into(),
            verdicts.join(", ").into(),
            Value::number(row.quality.map(|(loss, _)| loss)),
            Value::number(row.quality.and_then(|(_, jitter)| jitter)),
            Value::number(row.mos),
        ]
    };
    Sheet::new("Classes", &headings, view.classes.iter().map(row).collect())
}

fn findings<'a>(view: &'a View<'_>) -> Sheet<'a> {
    let headings = [
        "Severity",
        "Code",
        "Class",
        "What",
        "Layer",
        "Likely cause",
        "Evidence",
        "Check next",
        "Or else",
        "In the plan",
        "Its text",
        "Flows",
        "Wireshark filter",
    ];
    let text = |text: &Option<String>| text.clone().map_or(Value::Empty, Value::Text);
    let row = move |one: &FindingView<'_>| {
        let (place, line) = one.place.clone().unzip();
        vec![
            one.severity.into(),
            one.code.into(),
            text(&one.class),
            one.message.clone().into(),
            one.layer.into(),
            one.cause.clone().into(),
            one.evidence.join("\n").into(),
            one.next.clone().into(),
            one.others.join("\n").into(),
            text(&place),
            text(&line),
            Value::Number(one.flows.len() as f64),
            text(&one.filter),
        ]
    };
    Sheet::lazy(
        "Findings",
        &headings,
        view.findings.len(),
        view.findings.iter().map(row),
    )
}

fn flow_sheet<'a>(flows: &FlowTable<'a>) -> Sheet<'a> {
    let flows = *flows;
    let headings = flows.headings();
    let of = headings.clone();
    let rows = (0..flows.len()).map(move |at| {
        let fields = of.iter().zip(flows.row(at));
        fields.map(|(heading, text)| field(heading, text)).collect()
    });
    Sheet::lazy("Flows", &headings, flows.len(), rows)
}

fn field(heading: &str, text: String) -> Value {
    match heading {
        _ if text.is_empty() => Value::Empty,
        "first" | "last" => time(&text),
        // Several marks, or values and packets: never a number.
        "expected" | "dscp" | "outer_dscp" | "src" | "dst" => text.into(),
        // Names that may be all digits, leading zeros among them.
        "point" | "class" | "site" | "rule" | "call_id" | "call_from" | "call_to" => text.into(),
        _ => text
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .map_or_else(|| text.into(), Value::Number),
    }
}

/// A time from seconds with nine decimals.
fn time(text: &str) -> Value {
    let digits: String = text.chars().filter(|one| *one != '.').collect();
    digits.parse().map_or_else(|_| text.into(), Value::Time)
}

fn series_sheet(all: &[SeriesView]) -> Sheet<'_> {
    let moments = || {
        all.iter().flat_map(|one| {
            let moments = one.moments.iter().enumerate();
            moments
                .filter_map(move |(index, moment)| Some((one, index, series::values(one, moment)?)))
        })
    };
    let rows = moments().map(|(one, index, values)| {
        let text = |text: &Option<String>| text.clone().map_or(Value::Empty, Value::Text);
        let mut row = vec![
            text(&one.point),
            one.class.clone().into(),
            text(&one.site),
            Value::Time(one.time(index)),
        ];
        row.extend(values.map(Value::number));
        row
    });
    Sheet::lazy("Series", &series::HEADINGS, moments().count(), rows)
}

fn segments(view: &View<'_>) -> Sheet<'static> {
    let headings = [
        "Segment",
        "Class",
        "Sent with",
        "Arrives with",
        "Packets",
        "Lost",
        "Loss %",
        "Late ms: half",
        "Late ms: 95 %",
        "Late ms: 99 %",
        "Late ms: most",
        "Remark",
    ];
    let mut rows = Vec::new();
    for segment in &view.segments {
        for row in &segment.rows {
            let marks: Vec<String> = row
                .arrive_with
                .iter()
                .map(|(mark, packets)| format!("{}: {packets}", mark.value()))
                .collect();
            let mut cells: Vec<Value> = vec![
                segment.title.clone().into(),
                row.class.clone().into(),
                Value::Number(row.sent_with.value().into()),
                marks.join(", ").into(),
                Value::Number(row.sent as f64),
                Value::Number(row.missing as f64),
                Value::number((row.sent > 0).then(|| 100.0 * row.missing as f64 / row.sent as f64)),
            ];
            let delays = row.delay.map_or([None; 4], |delay| delay.map(Some));
            cells.extend(delays.map(|ns| Value::number(ns.map(|ns| ns as f64 / 1e6))));
            rows.push(cells);
        }
        for note in &segment.notes {
            let mut row: Vec<Value> = vec![segment.title.clone().into()];
            row.resize(headings.len() - 1, Value::Empty);
            row.push(note.clone().into());
            rows.push(row);
        }
    }
    Sheet::new("Segments", &headings, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_numbers_times_or_text() {
        let read = |heading: &str, text: &str| field(heading, text.to_owned());
        assert_eq!(read("verdict", "ok"), "ok".into());
        assert_eq!(read("expected", "46"), "46".into());
        assert_eq!(read("src", "10.1"), "10.1".into());
        assert_eq!(read("src_port", "5060"), Value::Number(5060.0));
        assert_eq!(
            read("first", "1795308052.027182818"),
            Value::Time(1_795_308_052_027_182_818)
        );
        assert_eq!(read("dscp", "0:12"), "0:12".into());
        assert_eq!(read("outer_dscp", "46"), "46".into());
        assert_eq!(read("call_id", "0017"), "0017".into());
        assert_eq!(read("site", "1e3"), "1e3".into());
        assert_eq!(read("jitter_ms_mean", ""), Value::Empty);
    }

    #[test]
    fn where_rows_go_on_is_said() {
        let said = |rows| continued(&workbook::names("Flows", rows), rows);
        assert_eq!(said(workbook::MOST_ROWS - 1), None);
        assert_eq!(
            said(2 * workbook::MOST_ROWS).unwrap(),
            "the 2,097,152 rows of `Flows` go on up to `Flows 3`: a sheet of Excel has at most 1,048,576 rows"
        );
    }
}
