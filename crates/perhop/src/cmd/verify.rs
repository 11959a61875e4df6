//! `perhop verify`.

mod files;
mod points;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::ValueEnum;
use perhop_policy::PolicySet;
use perhop_targets::CompileOptions;
use perhop_verify::attribute::media_ports;
use perhop_verify::engine::{Config, Ledger};
use perhop_verify::report::Report as Found;
use perhop_verify::source::FlowSource;
use perhop_verify::tolerance::{AcceptedLoss, Tolerances};
use serde::Serialize;

use crate::cmd;
use crate::cmd::explain::At;
use crate::cmd::flows::{analyse, at_least_one};
use crate::failure::{Failure, Outcome};
use crate::feed::{self, From, is_stdin};
use crate::json::call::JsonCalls;
use crate::json::capture::{JsonCapture, JsonTotals};
use crate::json::flow::{JsonFragmentRow, Listed};
use crate::json::verify::{JsonClass, JsonFinding, JudgedRow, Verdicts};
use crate::json::{self, Each};
use crate::report::{self, FlowTable, OverTime, Subject, View, junit, terminal};
use crate::table::csv::Csv;
use crate::ui::Ui;

/// Name and version of the JSON form.
const SCHEMA: &str = "perhop.verify/1";

/// Hold captures against a plan: is every flow marked as planned, and if not, why
///
/// The verdict comes first, then a line for each class and site, then what was found: the likely cause, the layer that
/// broke (plan, delivery, match, host, path), what to look at next and the plan's line. A capture is judged by where it
/// was taken; say so with --vantage, it is never guessed.
#[derive(Debug, clap::Args)]
#[command(mut_arg("capture", |arg| arg.required_unless_present_any(["live", "at"])))]
#[command(after_long_help = "Examples:
  perhop verify plan.toml call.pcapng
  perhop verify plan.toml call.pcapng --html report.html
  perhop verify plan.toml call.pcapng --xlsx report.xlsx --series series.csv
  perhop verify plan.toml client.pcapng --vantage sender
  perhop verify plan.toml ring_*.pcapng.gz --format json > verdict.json
  perhop verify plan.toml nightly.pcap --format junit > qos.xml
  perhop verify plan.toml --live eth0 --duration 10m
  perhop verify plan.toml --at sender pc.pcapng --at receiver server.pcapng

Exit status: 0 as planned, 1 findings, 2 the plan or the arguments are wrong,
3 a capture could not be read, or not to its end and nothing was found in what could be.")]
pub(crate) struct Args {
    /// The plan
    plan: PathBuf,
    #[command(flatten)]
    from: From,
    /// One of two capture points or more, in the order of the path: its name, and a capture or a folder. What became of
    /// the packets between is told. The same name again adds a capture to it
    #[arg(
        long,
        num_args = 2,
        value_names = ["NAME", "FILE"],
        conflicts_with_all = ["capture", "running"]
    )]
    at: Vec<OsString>,
    /// Where the captures were taken
    #[arg(long, value_enum, default_value_t = At::Path)]
    vantage: At,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Also write the report as one page with charts
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Also write it as a workbook for Excel: verdict, classes, findings, flows, series, segments
    #[arg(long, value_name = "FILE")]
    xlsx: Option<PathBuf>,
    /// Also write marks, rate, loss and jitter of each class and site over time as CSV
    #[arg(long, value_name = "FILE")]
    series: Option<PathBuf>,
    /// Keep at most so many flows in memory; the oldest idle ones make room
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000, value_parser = at_least_one)]
    max_flows: usize,
}

/// Forms of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// For programs (docs/schema/verify.json)
    Json,
    /// RFC 4180, one line a flow
    Csv,
    /// JUnit XML, a test case for each class and site
    Junit,
}

#[derive(Serialize)]
struct Report<'a, F, R> {
    schema: &'static str,
    as_planned: bool,
    plan: Plan<'a>,
    vantage: &'static str,
    captures: Vec<JsonCapture<'a>>,
    totals: JsonTotals<'a>,
    verdicts: Verdicts<'a>,
    classes: Vec<JsonClass<'a>>,
    findings: Vec<JsonFinding<'a>>,
    flows: F,
    calls: JsonCalls<'a>,
    fragments: R,
}

#[derive(Serialize)]
struct Plan<'a> {
    name: &'a str,
    file: &'a str,
    sha256: String,
}

impl<'a> Plan<'a> {
    fn of(subject: &Subject<'a>) -> Self {
        Self {
            name: subject.policy.name(),
            file: &subject.source.name,
            sha256: perhop_targets::manifest::sha256_hex(&subject.source.bytes),
        }
    }
}

/// Reads, judges, prints; writes the page.
///
/// # Errors
/// A plan that cannot be used, a capture that cannot be opened, a page that cannot be written.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Outcome, Failure> {
    if args.from.stdin_count() + usize::from(is_stdin(&args.plan)) > 1 {
        return Err(Failure::wrong("stdin, `-`, can be read once only"));
    }
    if !args.at.is_empty() {
        return points::run(args, ui);
    }
    let loaded = cmd::load(&args.plan, ui)?;
    let policy = &loaded.policy;
    let tolerances = Tolerances {
        accepted: accepted(policy),
        ..Tolerances::default()
    };
    let (captures, found) = analyse(&args.from, config(args, policy), None, ui)?;
    let flows = FlowSource::from(&found);
    let damaged = feed::complain(&captures, ui);
    let verdict = perhop_verify::report::verify(policy, args.vantage.into(), flows, &tolerances);
    let subject = Subject {
        source: &loaded.source,
        policy,
        captures: &captures,
        flows,
        tolerances: &tolerances,
        report: &verdict,
    };
    let mut over_time = OverTime::default();
    over_time.add(policy, &found, &verdict.flows, None);
    let unread = feed::all_unreadable(&captures);
    let json = |out: &mut dyn Write| write_json(out, &subject, &found, args.from.threads());
    print(
        args,
        &subject,
        &[],
        || report::view(&subject, over_time),
        json,
        unread,
        ui,
    )?;
    Ok(outcome(&verdict, damaged, unread))
}

/// What the engine is to look for.
fn config(args: &Args, policy: &PolicySet) -> Config {
    Config {
        max_flows: args.max_flows,
        media_ports: media_ports(policy),
        over_time: files::any(args),
        ..Config::default()
    }
}

/// Writes the files that were asked for, then prints; `points` are names and numbers of flows where there are several.
fn print<'a>(
    args: &Args,
    subject: &Subject<'a>,
    points: &'a [(&'a str, usize)],
    view: impl FnOnce() -> View<'a>,
    json: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    unread: bool,
    ui: &Ui,
) -> Result<(), Failure> {
    let people = matches!(args.format, Format::Human | Format::Junit);
    let view = (people || files::any(args)).then(view);
    let table = FlowTable {
        subject: *subject,
        points,
    };
    if let Some(view) = &view {
        files::write(args, view, &table)?;
    }
    match (args.format, &view) {
        (Format::Human, Some(view)) if !unread => ui.print(&terminal::render(view, ui.width()))?,
        (Format::Junit, Some(view)) => {
            let text = junit::render(view);
            ui.data(|out| out.write_all(text.as_bytes()))?;
        }
        (Format::Csv, _) => {
            let rows = (0..table.len()).map(|at| table.row(at));
            ui.data(|out| Csv::write(out, &table.headings(), rows))?;
        }
        (Format::Json, _) => ui.data(json)?,
        (Format::Human | Format::Junit, _) => {}
    }
    files::tell(args, ui);
    Ok(())
}

fn write_json(
    out: &mut dyn Write,
    subject: &Subject<'_>,
    found: &Ledger,
    threads: usize,
) -> io::Result<()> {
    let (policy, verdict) = (subject.policy, subject.report);
    let report = Report {
        schema: SCHEMA,
        as_planned: verdict.as_planned(),
        plan: Plan::of(subject),
        vantage: verdict.vantage.as_str(),
        captures: subject.captures.iter().map(JsonCapture::of).collect(),
        totals: JsonTotals::of(found.totals(), subject.captures),
        verdicts: Verdicts(&verdict.totals.verdicts),
        classes: verdict
            .classes
            .iter()
            .map(|row| JsonClass::of(policy, row))
            .collect(),
        findings: verdict
            .findings
            .iter()
            .map(|one| JsonFinding::of(subject, one))
            .collect(),
        flows: Listed {
            len: found.len(),
            threads,
            make: |number| JudgedRow {
                subject: *subject,
                number,
                point: None,
            },
        },
        calls: JsonCalls::of(found.calls(), found.flows().map(|flow| flow.call)),
        fragments: Each(found.fragments().iter().map(JsonFragmentRow::of)),
    };
    json::lines::write(out, &report)
}

/// What was found outweighs what could not be read; a clean result of a part is none.
fn outcome(verdict: &Found, damaged: bool, unread: bool) -> Outcome {
    match (verdict.as_planned(), damaged) {
        _ if unread => Outcome::Failed,
        (false, _) => Outcome::Findings,
        (true, true) => Outcome::Failed,
        (true, false) => Outcome::AsPlanned,
    }
}

/// Losses that the plan accepts for its targets; a plan that does not compile yet accepts none. Nothing is compiled when no
/// target of the plan is said to accept one.
fn accepted(policy: &PolicySet) -> Vec<AcceptedLoss> {
    if policy.targets().iter().all(|one| one.accept.is_empty()) {
        return Vec::new();
    }
    let compiled = perhop_targets::compile(policy, &CompileOptions::default());
    compiled.map_or_else(
        |_| Vec::new(),
        |compiled| {
            let losses = compiled.losses.iter().map(|loss| AcceptedLoss {
                rule: loss.rule,
                kind: loss.kind,
                target: loss.target.to_owned(),
            });
            losses.collect()
        },
    )
}
