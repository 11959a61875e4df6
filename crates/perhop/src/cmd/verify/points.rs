//! `perhop verify --at`: several points, judged each, and compared.

mod together;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use perhop_policy::Vantage;
use perhop_verify::flow::FlowKey;
use perhop_verify::points::{Collector, Limits};
use perhop_verify::source::FlowSource;
use perhop_verify::tolerance::Tolerances;
use perhop_wire::capture::CapturedPacket;
use serde::Serialize;

use super::{Args, Plan, SCHEMA, accepted, config, outcome, print};
use crate::cmd;
use crate::cmd::flows::{analyse, seed};
use crate::failure::{Failure, Outcome};
use crate::feed::{self, From, is_stdin};
use crate::json::call::JsonCalls;
use crate::json::capture::{JsonCapture, JsonTotals};
use crate::json::flow::{JsonFragmentRow, Listed};
use crate::json::points::{JsonPoint, JsonSegment};
use crate::json::verify::{JsonClass, JsonFinding, JudgedRow, Verdicts};
use crate::json::{self, Each};
use crate::report::points::{Compared, view};
use crate::report::table::point_of;
use crate::report::{OverTime, Subject};
use crate::ui::Ui;
use together::{Read, Together, Told, compared};

/// Reads all points, judges and compares them, prints; writes the page.
///
/// # Errors
/// As for one capture, and fewer than two points.
pub(super) fn run(args: &Args, ui: &Ui) -> Result<Outcome, Failure> {
    let points = named(&args.at)?;
    let files = points.iter().flat_map(|(_, files)| files);
    let stdin = files.filter(|path| is_stdin(path)).count();
    if stdin + usize::from(is_stdin(&args.plan)) > 1 {
        return Err(Failure::wrong("stdin, `-`, can be read once only"));
    }
    let loaded = cmd::load(&args.plan, ui)?;
    let policy = &loaded.policy;
    let tolerances = Tolerances {
        accepted: accepted(policy),
        ..Tolerances::default()
    };
    let limits = Limits {
        flows: args.max_flows,
        seed: seed(),
        ..Limits::default()
    };
    let mut read = Vec::new();
    for (name, files) in &points {
        let mut collector = Collector::new(policy, limits);
        let from = From::stored(files.clone());
        let mut beside = |packet: &CapturedPacket<'_>| collector.observe(packet);
        let (captures, found) = analyse(&from, config(args, policy), Some(&mut beside), ui)?;
        let vantage = vantage(name, args.vantage.into());
        let report = perhop_verify::report::verify(policy, vantage, &found, &tolerances);
        read.push(Read {
            name,
            captures,
            found,
            trace: collector.finish(),
            report,
        });
    }
    let segments = compared(policy, &mut read, &tolerances);
    let mut over_time = OverTime::default();
    for one in &read {
        over_time.add(policy, &one.found, &one.report.flows, Some(one.name));
    }
    let all = Together::of(policy, read, segments, &tolerances);
    let damaged = feed::complain(&all.captures, ui);
    let subject = Subject {
        source: &loaded.source,
        policy,
        captures: &all.captures,
        flows: FlowSource::from(&all.found[..]),
        tolerances: &tolerances,
        report: &all.report,
    };
    finish(args, &subject, &all, damaged, over_time, ui)
}

fn finish(
    args: &Args,
    subject: &Subject<'_>,
    all: &Together<'_>,
    damaged: bool,
    over_time: OverTime,
    ui: &Ui,
) -> Result<Outcome, Failure> {
    let heads: Vec<(&str, usize, usize)> = all
        .points
        .iter()
        .map(|point| (point.name, point.classes, point.flows.len()))
        .collect();
    let point_notes: Vec<Vec<String>> =
        all.points.iter().map(|point| point.notes.clone()).collect();
    let compared = Compared {
        subject: *subject,
        points: &heads,
        segments: &all.segments,
        segment_notes: &all.segment_notes,
        point_notes: &point_notes,
        explained: all.told.iter().filter(|told| told.explained).count(),
    };
    let counts = all.flow_counts();
    let unread = feed::all_unreadable(&all.captures);
    let json = |out: &mut dyn Write| write_json(out, args, subject, all);
    let view = || view(&compared, over_time);
    print(args, subject, &counts, view, json, unread, ui)?;
    Ok(outcome(&all.report, damaged, unread))
}

/// Points by name, in the order in which the names first come, with their files.
fn named(at: &[OsString]) -> Result<Vec<(String, Vec<PathBuf>)>, Failure> {
    let mut points: Vec<(String, Vec<PathBuf>)> = Vec::new();
    for pair in at.chunks_exact(2) {
        let name = pair[0].to_string_lossy().trim().to_owned();
        if name.is_empty() {
            return Err(Failure::wrong("a point needs a name: `--at NAME FILE`"));
        }
        let file = PathBuf::from(&pair[1]);
        match points.iter_mut().find(|(known, _)| *known == name) {
            Some((_, files)) => files.push(file),
            None => points.push((name, vec![file])),
        }
    }
    if let [(name, _)] = &points[..] {
        return Err(Failure::wrong(format!("`{name}` is the only point, there is nothing to compare it with"))
            .help("give `--at NAME FILE` once for each point, in the order of the path; or the files alone, without `--at`"));
    }
    Ok(points)
}

/// What a point's name says of its place, else what `--vantage` says.
fn vantage(name: &str, usual: Vantage) -> Vantage {
    match name.to_lowercase().as_str() {
        "sender" => Vantage::Sender,
        "receiver" => Vantage::Receiver,
        _ => usual,
    }
}

#[derive(Serialize)]
struct Report<'a, F, R> {
    schema: &'static str,
    as_planned: bool,
    plan: Plan<'a>,
    vantage: &'static str,
    captures: Vec<At<'a, JsonCapture<'a>>>,
    totals: JsonTotals<'a>,
    verdicts: Verdicts<'a>,
    points: Vec<JsonPoint<'a>>,
    segments: Vec<JsonSegment<'a>>,
    classes: Vec<At<'a, JsonClass<'a>>>,
    findings: Vec<JsonTold<'a>>,
    flows: F,
    calls: JsonCalls<'a>,
    fragments: R,
}

/// What belongs to a point.
#[derive(Serialize)]
struct At<'a, T> {
    point: &'a str,
    #[serde(flatten)]
    row: T,
}

#[derive(Serialize)]
struct JsonTold<'a> {
    point: Option<&'a str>,
    segment: Option<usize>,
    explained: bool,
    #[serde(flatten)]
    finding: JsonFinding<'a>,
}

fn write_json(
    out: &mut dyn Write,
    args: &Args,
    subject: &Subject<'_>,
    all: &Together<'_>,
) -> io::Result<()> {
    let policy = subject.policy;
    let names: Vec<&str> = all.points.iter().map(|point| point.name).collect();
    let indices = all.indices();
    let place = |point: usize, key: &FlowKey| all.place(&indices, point, key);
    let counts = all.flow_counts();
    let flows = Listed {
        len: subject.flows.len(),
        threads: args.from.threads(),
        make: |number| JudgedRow {
            subject: *subject,
            number,
            point: point_of(&counts, number),
        },
    };
    let calls = (0..subject.flows.len()).map(|number| subject.flows.flow(number).call.clone());
    let report = Report {
        schema: SCHEMA,
        as_planned: all.report.as_planned(),
        plan: Plan::of(subject),
        vantage: Vantage::from(args.vantage).as_str(),
        captures: all
            .by_point(&all.captures, |point| point.captures.clone())
            .map(|(point, capture)| At {
                point,
                row: JsonCapture::of(capture),
            })
            .collect(),
        totals: JsonTotals::of(&all.totals, subject.captures),
        verdicts: Verdicts(&all.report.totals.verdicts),
        points: all.points.iter().map(|point| point.json(all)).collect(),
        segments: all
            .segments
            .iter()
            .zip(&all.segment_notes)
            .map(|(segment, notes)| JsonSegment::of(policy, segment, &names, notes, &place))
            .collect(),
        classes: all
            .by_point(&all.report.classes, |point| point.class_rows.clone())
            .map(|(point, row)| At {
                point,
                row: JsonClass::of(policy, row),
            })
            .collect(),
        findings: all
            .told
            .iter()
            .map(|told| JsonTold::of(subject, told, &names))
            .collect(),
        flows,
        calls: JsonCalls::of(&all.calls, calls),
        fragments: Each(fragments(all)),
    };
    json::lines::write(out, &report)
}

/// Later fragments, by point.
fn fragments<'a>(
    all: &'a Together<'_>,
) -> impl Iterator<Item = At<'a, JsonFragmentRow<'a>>> + Clone {
    let points = all.points.iter().zip(&all.found);
    points.flat_map(|(point, found)| {
        found.fragments().iter().map(|row| At {
            point: point.name,
            row: JsonFragmentRow::of(row),
        })
    })
}

impl<'a> JsonTold<'a> {
    fn of(subject: &Subject<'a>, told: &'a Told, names: &[&'a str]) -> Self {
        Self {
            point: told.segment.is_none().then(|| names[told.point]),
            segment: told.segment,
            explained: told.explained,
            finding: JsonFinding::of(subject, &told.finding),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_keep_their_order_and_collect_their_files() {
        let at = ["b", "1.pcap", "a", "2.pcap", "b", "3.pcap"].map(OsString::from);
        let points = named(&at).unwrap();
        assert_eq!(
            points[0],
            ("b".to_owned(), vec!["1.pcap".into(), "3.pcap".into()])
        );
        assert_eq!(points[1], ("a".to_owned(), vec!["2.pcap".into()]));
        for wrong in [&["a", "1", "a", "2"][..], &[" ", "1", "b", "2"]] {
            let at: Vec<OsString> = wrong.iter().map(OsString::from).collect();
            assert_eq!(named(&at).unwrap_err().outcome, Outcome::Wrong);
        }
    }

    #[test]
    fn two_names_say_where_they_are() {
        assert_eq!(vantage("Sender", Vantage::Path), Vantage::Sender);
        assert_eq!(vantage("receiver", Vantage::Path), Vantage::Receiver);
        assert_eq!(vantage("core switch", Vantage::Path), Vantage::Path);
    }
}
