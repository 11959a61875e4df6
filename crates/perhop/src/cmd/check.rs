//! `perhop check`.

use std::path::PathBuf;

use clap::ValueEnum;
use perhop_policy::{CodeInfo, FileId, PolicySet};
use serde::Serialize;

use crate::codes;
use crate::failure::{Failure, Outcome};
use crate::json;
use crate::render::grid::clean;
use crate::render::json::{JsonDiagnostic, JsonTally, SCHEMA, diagnostics};
use crate::render::{Tally, counted, human, sarif};
use crate::source::Source;
use crate::ui::{DIM, GOOD, HELP, Ui, WARN, paint};

/// As many senders are named; a plan of many sites has thousands.
const SENDERS_SHOWN: usize = 12;

/// Say what is wrong with a plan, where, why, and what to do about it
///
/// Besides the form of the plan: ranges that overlap or are too small, ranges on top of the ports of well-known
/// services, marks that disagree between senders, packets with two answers, `[[expect]]` lines that do not hold.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  perhop check plan.toml
  perhop check plan.toml --deny-warnings           for a build that must be clean
  perhop check plan.toml --format sarif > plan.sarif
  perhop explain plan/port-overlap                 what a code means

Exit status: 0 no error, 1 warnings (with --deny-warnings only), 2 the plan is wrong, 3 it cannot be read.")]
pub(crate) struct Args {
    /// The plan; `-` is stdin
    plan: PathBuf,
    /// How to print what is found
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Exit with 1 when there are warnings
    #[arg(long)]
    deny_warnings: bool,
}

/// Forms of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people, with the plan's text
    Human,
    /// For programs (docs/schema/check.json)
    Json,
    /// SARIF 2.1.0, for code hosts and editors
    Sarif,
}

/// The JSON form.
#[derive(Debug, Serialize)]
struct Report<'a> {
    schema: &'static str,
    plan: Plan<'a>,
    summary: JsonTally,
    checked: Option<Checked>,
    expectations: usize,
    accepted: Vec<Accepted<'a>>,
    diagnostics: Vec<JsonDiagnostic<'a>>,
}

#[derive(Debug, Serialize)]
struct Plan<'a> {
    file: &'a str,
    sha256: String,
    name: Option<&'a str>,
}

/// A warning that the plan accepts.
#[derive(Debug, Serialize)]
struct Accepted<'a> {
    code: &'a str,
    message: &'a str,
    reason: &'a str,
}

/// What a sound plan holds.
#[derive(Debug, Serialize)]
struct Checked {
    components: usize,
    classes: usize,
    rules: usize,
    scopes: usize,
}

impl Checked {
    fn of(policy: &PolicySet) -> Self {
        let mut components: Vec<&str> = policy
            .rules()
            .iter()
            .map(|rule| rule.component.as_str())
            .collect();
        components.sort_unstable();
        components.dedup();
        Self {
            components: components.len(),
            classes: policy.classes().len(),
            rules: policy.rules().len(),
            scopes: policy.scopes().len(),
        }
    }
}

/// Checks and prints to stdout.
///
/// # Errors
/// A plan that cannot be read.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Outcome, Failure> {
    let source = Source::read(&args.plan)?;
    let loaded = perhop_plan::load(FileId(0), &source.text);
    let tally = Tally::of(&loaded.diagnostics);
    match args.format {
        Format::Human => ui.print(&text(&loaded, &source, ui))?,
        Format::Json => {
            let report = Report {
                schema: SCHEMA,
                plan: Plan {
                    file: &source.name,
                    sha256: perhop_targets::manifest::sha256_hex(&source.bytes),
                    name: loaded.policy.as_ref().map(PolicySet::name),
                },
                summary: tally.into(),
                checked: loaded.policy.as_ref().map(Checked::of),
                expectations: loaded.expectations,
                accepted: loaded
                    .allowed
                    .iter()
                    .map(|one| Accepted {
                        code: one.diagnostic.code,
                        message: &one.diagnostic.message,
                        reason: &one.reason,
                    })
                    .collect(),
                diagnostics: diagnostics(&loaded.diagnostics, &source),
            };
            ui.data(|out| json::write(out, &report))?;
        }
        Format::Sarif => {
            let all: Vec<CodeInfo> = codes::all().copied().collect();
            let log = sarif::log(&loaded.diagnostics, &source, &all);
            ui.data(|out| json::write(out, &log))?;
        }
    }
    Ok(match (&loaded.policy, tally) {
        (None, _) | (_, Tally { errors: 1.., .. }) => Outcome::Wrong,
        (_, Tally { warnings: 1.., .. }) if args.deny_warnings => Outcome::Findings,
        _ => Outcome::AsPlanned,
    })
}

fn text(loaded: &perhop_plan::Loaded, source: &Source, ui: &Ui) -> String {
    let mut out = human::render(&loaded.diagnostics, source, ui.width());
    if loaded.policy.is_none() {
        out.push_str(&human::summary(
            &loaded.diagnostics,
            "the plan cannot be used",
        ));
    }
    if let Some(first) = loaded.diagnostics.first() {
        out.push_str(&paint(
            HELP,
            &format!("`perhop explain {}` says more\n", first.code),
        ));
    }
    if let Some(policy) = &loaded.policy {
        let checked = Checked::of(policy);
        let verdict = if Tally::of(&loaded.diagnostics).warnings == 0 {
            "is sound"
        } else {
            "can be used"
        };
        out.push_str(&format!(
            "{} {}: {}, {}, {}; no packet has two answers\n",
            source.name,
            paint(GOOD, verdict),
            counted(checked.components, "component"),
            counted(checked.rules, "rule"),
            counted(checked.scopes, "scope"),
        ));
        if loaded.expectations > 0 {
            let verb = if loaded.expectations == 1 {
                "holds"
            } else {
                "hold"
            };
            out.push_str(&format!(
                "{} {verb}\n",
                counted(loaded.expectations, "expectation")
            ));
        }
        for allowed in &loaded.allowed {
            let (code, reason) = (allowed.diagnostic.code, clean(&allowed.reason));
            out.push_str(&format!("accepted: {code}, because {reason}\n"));
        }
        if let Some(tally) = Tally::of(&loaded.diagnostics).text() {
            out.push_str(&format!("{}\n", paint(WARN, &tally)));
        }
        let names: Vec<&str> = policy
            .scopes()
            .iter()
            .map(|scope| scope.name.as_str())
            .collect();
        let (shown, more) = names.split_at(names.len().min(SENDERS_SHOWN));
        let mut senders = shown.join(", ");
        if !more.is_empty() {
            senders.push_str(&format!(", and {} more", more.len()));
        }
        out.push_str(&paint(DIM, &format!("senders: {senders}\n")));
    }
    out
}
