//! `perhop audit`.

use std::path::PathBuf;

use clap::ValueEnum;
use perhop_policy::{CodeInfo, PolicySet, Severity};
use perhop_read::audit::{self, Audit, By, State};
use perhop_read::{Finding, Layer, Reading};
use serde_json::{Value, json};

use crate::cmd;
use crate::codes;
use crate::failure::{Failure, Outcome};
use crate::json;
use crate::json::read as facts;
use crate::observed::{self, Named, Observed};
use crate::render::grid::clean;
use crate::render::junit::{self, Case, Failed};
use crate::render::{counted, findings, sarif};
use crate::source::Source;
use crate::ui::{BAD, BOLD, DIM, GOOD, Ui, WARN, paint};

/// Name and version of the JSON form.
const SCHEMA: &str = "perhop.audit/1";

/// Hold what is configured against a plan: what differs, in which layer, and the command that mends it
///
/// Takes the files that `perhop read` takes. Which policies of Windows win for each planned flow is worked out by
/// Windows' own order of precedence, over all ports, addresses and applications. Which hosts a file is of is told by
/// its policies; `clients=FILE` says it.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  perhop audit plan.toml client.reg conferencing.xml
  perhop audit plan.toml edge=edge01.reg                     the export is of an edge
  perhop audit plan.toml backups --format junit > audit.xml
  perhop explain audit/hidden                                what a code means

Exit status: 0 as planned, 1 something differs, 2 the plan is wrong or a file is none that perhop reads, 3 a file \
cannot be read.")]
pub(crate) struct Args {
    /// The plan; `-` is stdin
    plan: PathBuf,
    /// Files, or folders of them; `SCOPE=FILE` says whose they are
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How to print what differs
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// Forms of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// For programs (docs/schema/audit.json)
    Json,
    /// For build servers
    Junit,
    /// SARIF 2.1.0, for code hosts and editors
    Sarif,
}

/// Compares and prints to stdout.
///
/// # Errors
/// A plan that cannot be used, files that cannot be read, and a sender that the plan does not have.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Outcome, Failure> {
    let cmd::Loaded { source, policy } = cmd::load(&args.plan, ui)?;
    let paths: Vec<Named> = args.files.iter().map(|path| Named::parse(path)).collect();
    for named in &paths {
        if let Some(scope) = &named.scope {
            known(&policy, scope)?;
        }
    }
    let observed = observed::read(&paths)?;
    let audit = audit::audit(&policy, &observed.reading);
    match args.format {
        Format::Human => ui.print(&text(&policy, &source, &observed, &audit))?,
        Format::Json => {
            let value = value(&policy, &source, &observed.reading, &audit);
            ui.data(|out| json::write(out, &value))?;
        }
        Format::Junit => {
            let cases = cases(&policy, &source, &observed.reading, &audit);
            let xml = junit::render("perhop audit", policy.name(), &cases);
            ui.data(|out| out.write_all(xml.as_bytes()))?;
        }
        Format::Sarif => {
            let all: Vec<CodeInfo> = codes::all().copied().collect();
            let log = sarif::audit(&audit.findings, &observed.reading, &source, &all);
            ui.data(|out| json::write(out, &log))?;
        }
    }
    Ok(if audit.is_as_planned() {
        Outcome::AsPlanned
    } else {
        Outcome::Findings
    })
}

fn known(policy: &PolicySet, scope: &str) -> Result<(), Failure> {
    let names: Vec<&str> = policy
        .scopes()
        .iter()
        .map(|scope| scope.name.as_str())
        .collect();
    if names.contains(&scope) {
        return Ok(());
    }
    Err(
        Failure::wrong(format!("the plan has no sender `{}`", clean(scope)))
            .help(format!("its senders are {}", names.join(", "))),
    )
}

fn text(policy: &PolicySet, source: &Source, observed: &Observed, audit: &Audit) -> String {
    let reading = &observed.reading;
    let mut out = String::new();
    for (file, scopes) in reading.files.iter().zip(&audit.scopes) {
        if !observed::is_shown(file) || file.facts.is_empty() {
            continue;
        }
        let whose = if scopes.is_empty() {
            String::new()
        } else {
            format!(", held against {}", clean(&scopes.join(", ")))
        };
        out.push_str(&format!(
            "{}: {}{whose}\n",
            paint(BOLD, &clean(&file.name)),
            file.format.title()
        ));
    }
    out.push('\n');
    for layer in Layer::ALL {
        let mut of: Vec<&Finding> = audit
            .findings
            .iter()
            .filter(|one| one.layer == layer && one.severity > Severity::Info)
            .collect();
        if of.is_empty() {
            continue;
        }
        of.sort_by_key(|one| std::cmp::Reverse(one.severity));
        out.push_str(&paint(BOLD, &format!("{} layer\n\n", layer.as_str())));
        out.push_str(&findings::render(of, reading, Some(source)));
    }
    let infos: Vec<&Finding> = audit
        .findings
        .iter()
        .filter(|one| one.severity == Severity::Info)
        .collect();
    out.push_str(&findings::render(infos, reading, Some(source)));
    out.push_str(&verdict(policy, audit));
    out
}

fn verdict(policy: &PolicySet, audit: &Audit) -> String {
    let of = |state| {
        audit
            .rules
            .iter()
            .filter(|rule| rule.state == state)
            .count()
    };
    let (right, wrong, open) = (of(State::Ok), of(State::Differs), of(State::NotCovered));
    let found = |severity| {
        audit
            .findings
            .iter()
            .filter(|one| one.severity == severity)
            .count()
    };
    let (errors, warnings) = (found(Severity::Error), found(Severity::Warning));
    let state = if audit.is_as_planned() {
        paint(GOOD, "as planned")
    } else {
        paint(
            if errors > 0 { BAD } else { WARN },
            &format!(
                "{}, {}",
                counted(errors, "error"),
                counted(warnings, "warning")
            ),
        )
    };
    let mut out = format!(
        "{}: {state}; of {} that {}, {right} as planned, {wrong} not, {open} without a file\n",
        clean(policy.name()),
        counted(audit.rules.len(), "rule"),
        puts_on(audit),
    );
    if let Some(first) = audit.findings.first() {
        out.push_str(&paint(
            DIM,
            &format!("`perhop explain {}` says more\n", first.code),
        ));
    }
    out
}

/// Who puts the marks on that are compared.
fn puts_on(audit: &Audit) -> &'static str {
    let any = |by| audit.rules.iter().any(|rule| rule.by == by);
    match (any(By::Windows), any(By::Network)) {
        (false, true) => "the network puts on",
        (true, true) => "Windows or the network puts on",
        _ => "Windows puts on",
    }
}

fn value(policy: &PolicySet, source: &Source, reading: &Reading, audit: &Audit) -> Value {
    let files: Vec<Value> = reading
        .files
        .iter()
        .zip(&audit.scopes)
        .filter(|(file, _)| observed::is_shown(file))
        .map(|(file, scopes)| {
            json!({
                "file": file.name,
                "format": file.format.as_str(),
                "object": file.object,
                "scopes": scopes,
            })
        })
        .collect();
    let rules: Vec<Value> = audit
        .rules
        .iter()
        .map(|state| {
            let rule = policy.rule(state.rule);
            json!({
                "rule": rule.name,
                "scope": policy.scope(rule.scope).name,
                "by": state.by.as_str(),
                "state": state.state.as_str(),
                "policies": state.policies,
            })
        })
        .collect();
    let found: Vec<Value> = audit
        .findings
        .iter()
        .map(|one| facts::finding(one, reading, Some(source)))
        .collect();
    json!({
        "schema": SCHEMA,
        "plan": { "file": source.name, "name": policy.name() },
        "as_planned": audit.is_as_planned(),
        "summary": facts::summary(&audit.findings),
        "files": files,
        "rules": rules,
        "findings": found,
    })
}

/// Whose marks a finding is about.
fn by(reading: &Reading, finding: &Finding) -> By {
    let place = finding.place.as_ref();
    let file = place.and_then(|place| reading.files.get(place.file));
    match file {
        Some(file) if file.format.is_of_network() => By::Network,
        _ => By::Windows,
    }
}

/// A test case for each rule, and one for each layer's other findings.
fn cases(policy: &PolicySet, source: &Source, reading: &Reading, audit: &Audit) -> Vec<Case> {
    let failing = || {
        let all = audit.findings.iter();
        all.filter(|one| one.severity > Severity::Info)
    };
    let failed = |finding: &Finding| {
        let text = findings::render([finding], reading, Some(source));
        Failed {
            code: finding.code,
            message: finding.message.clone(),
            text: anstream::adapter::strip_str(&text).to_string(),
        }
    };
    let mut cases: Vec<Case> = audit
        .rules
        .iter()
        .map(|state| {
            let name = &policy.rule(state.rule).name;
            let failures: Vec<Failed> = failing()
                .filter(|one| one.rule.as_ref() == Some(name) || one.also.contains(name))
                .filter(|one| by(reading, one) == state.by)
                .map(failed)
                .collect();
            let is_open = state.state == State::NotCovered && failures.is_empty();
            Case {
                name: match state.by {
                    By::Windows => format!("{name} is marked as planned"),
                    By::Network => format!("{name} is marked as planned by the network"),
                },
                skipped: is_open.then_some("no file is about its sender"),
                failures,
            }
        })
        .collect();
    cases.extend(Layer::ALL.map(|layer| {
        Case {
            name: format!("{} layer", layer.as_str()),
            skipped: None,
            failures: failing()
                .filter(|one| one.rule.is_none() && one.layer == layer)
                .map(failed)
                .collect(),
        }
    }));
    cases
}
