//! `perhop read`.

use std::path::PathBuf;

use clap::ValueEnum;
use perhop_policy::{AppMatch, ProtocolMatch, Severity};
use perhop_read::fact::{NetMark, ServiceObject};
use perhop_read::policy::HostPolicy;
use perhop_read::{Fact, FileRead, Finding, Place, What};
use serde_json::json;

use crate::draft;
use crate::failure::{Failure, Outcome};
use crate::json;
use crate::json::read as facts;
use crate::observed::{self, Named, Observed};
use crate::render::grid::{Cell, Column, Grid, clean};
use crate::render::{counted, findings};
use crate::ui::{BAD, BOLD, DIM, Ui, paint};

/// Name and version of the JSON form.
const SCHEMA: &str = "perhop.read/1";

/// Say what is configured now: policies, port ranges and marks in files that Windows and the service write
///
/// Files are recognised by what is in them: Registry.pol, .reg exports, LGPO text, Group Policy backups, output of
/// Get-NetQosPolicy and Get-Cs... as list, table, CSV, JSON or CLIXML, in-band provisioning in a client's log, Intune
/// profiles, SyncML; configurations of Cisco, Arista, Aruba and Juniper devices, exports of RouterOS and VyOS, rules of
/// Meraki switches, rulesets of nftables. What is not understood is listed, and what is wrong in itself is told.
/// docs/READING.md says how to make each.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  perhop read client.reg
  perhop read '{1261D17C-17CE-86A1-B110-9F37023732A8}'      the folder of a Group Policy backup
  perhop read policies.xml conferencing.xml                  Export-Clixml of Get-NetQosPolicy, Get-CsConferencingConfiguration
  perhop read Lync-UccApi-0.UccApilog --format json
  perhop read qos.reg conferencing.xml --plan > plan.toml    a plan for a network that was set up by hand

Exit status: 0 read, 1 something in it is an error, 2 a file is none that perhop reads, 3 a file cannot be read.")]
pub(crate) struct Args {
    /// Files, or folders of them; `-` is stdin
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Write the plan that these amount to, with comments where they contradict each other
    #[arg(long, conflicts_with = "format")]
    plan: bool,
}

/// Forms of the facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// For programs (docs/schema/read.json)
    Json,
}

/// Reads and prints to stdout.
///
/// # Errors
/// What cannot be read, or is nothing known.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Outcome, Failure> {
    let paths: Vec<Named> = args.files.iter().map(|path| Named::parse(path)).collect();
    let observed = observed::read(&paths)?;
    let reading = &observed.reading;
    if args.plan {
        return plan(&observed, ui);
    }
    match args.format {
        Format::Human => ui.print(&text(&observed, ui))?,
        Format::Json => {
            let shown = reading.files.iter().filter(|file| observed::is_shown(file));
            let value = json!({
                "schema": SCHEMA,
                "summary": facts::summary(reading.findings()),
                "files": shown.map(|file| facts::file(file, reading)).collect::<Vec<_>>(),
                "passed_over": observed.passed,
                "findings": reading
                    .findings()
                    .map(|one| facts::finding(one, reading, None))
                    .collect::<Vec<_>>(),
            });
            ui.data(|out| json::write(out, &value))?;
        }
    }
    let wrong = reading
        .findings()
        .any(|finding| finding.severity == Severity::Error);
    Ok(if wrong {
        Outcome::Findings
    } else {
        Outcome::AsPlanned
    })
}

/// Writes the plan to stdout; what is wrong in the files goes to stderr.
fn plan(observed: &Observed, ui: &Ui) -> Result<Outcome, Failure> {
    let reading = &observed.reading;
    let draft = draft::of(observed);
    if draft.rules.is_empty() && draft.told.is_empty() {
        return Err(
            Failure::wrong("there is no policy and no port range in these files")
                .note("marks of the network alone make no plan: devices see neither applications nor what a service tells")
                .help("`perhop read` without `--plan` lists what there is"),
        );
    }
    ui.tell(&findings::render(reading.findings(), reading, None));
    let text = perhop_plan::draft::write(&draft).map_err(|(text, why)| {
        ui.tell(&text);
        Failure::wrong(format!("no sound plan comes of these files: {why}"))
            .note("what was tried is above")
            .help("give fewer files, such as those of one kind of host")
    })?;
    ui.data(|out| out.write_all(text.as_bytes()))?;
    Ok(Outcome::AsPlanned)
}

fn text(observed: &Observed, ui: &Ui) -> String {
    let reading = &observed.reading;
    let mut out = String::new();
    for file in reading.files.iter().filter(|file| observed::is_shown(file)) {
        listing(&mut out, file, ui.width());
    }
    out.push_str(&findings::render(reading.findings(), reading, None));
    let found: Vec<&Finding> = reading.findings().collect();
    if let Some(first) = found.first() {
        out.push_str(&format!("`perhop explain {}` says more\n", first.code));
    }
    if !observed.passed.is_empty() {
        let text = format!(
            "{} passed over: nothing that perhop reads\n",
            counted(observed.passed.len(), "file")
        );
        out.push_str(&paint(DIM, &text));
    }
    out.push_str(&tally(&found, &counts(reading.files.iter())));
    out
}

/// `2 errors, 1 warning` and what was read.
fn tally(found: &[&Finding], read: &str) -> String {
    let of = |severity| found.iter().filter(|one| one.severity == severity).count();
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    if errors + warnings == 0 {
        return format!("read: {read}\n");
    }
    let text = format!(
        "{}, {}",
        counted(errors, "error"),
        counted(warnings, "warning")
    );
    format!("{} in what was read: {read}\n", paint(BAD, &text))
}

fn counts<'a>(files: impl Iterator<Item = &'a FileRead>) -> String {
    let (mut policies, mut marks, mut objects, mut others) = (0, 0, 0, 0);
    for fact in files.flat_map(|file| &file.facts) {
        match fact.what {
            What::Policy(_) => policies += 1,
            What::Mark(_) => marks += 1,
            What::Object(_) => objects += 1,
            _ => others += 1,
        }
    }
    let policies = match policies {
        1 => "1 policy".to_owned(),
        n => format!("{n} policies"),
    };
    let marks = match marks {
        0 => String::new(),
        n => format!(", {} of the network", counted(n, "mark")),
    };
    format!(
        "{policies}{marks}, {}, {}",
        counted(objects, "settings object"),
        counted(others, "other setting")
    )
}

/// What is in one file.
fn listing(out: &mut String, file: &FileRead, width: Option<usize>) {
    let object = file
        .object
        .as_ref()
        .map_or_else(String::new, |name| format!(" of `{}`", clean(name)));
    out.push_str(&format!(
        "{}{}\n\n",
        paint(BOLD, &clean(&file.name)),
        paint(DIM, &format!(": {}{object}", file.format.title()))
    ));
    let policies: Vec<&HostPolicy> = file.policies().map(|(_, policy)| policy).collect();
    if !policies.is_empty() {
        out.push_str(&policy_table(&policies).render(width));
        out.push('\n');
    }
    let marks: Vec<(&Fact, &NetMark)> = file
        .facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Mark(mark) => Some((fact, mark)),
            _ => None,
        })
        .collect();
    if !marks.is_empty() {
        out.push_str(&mark_table(&marks).render(width));
        out.push('\n');
    }
    let objects: Vec<&ServiceObject> = file
        .facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Object(object) => Some(object),
            _ => None,
        })
        .collect();
    if !objects.is_empty() {
        out.push_str(&object_table(&objects).render(width));
        out.push('\n');
    }
    let before = out.len();
    others(out, file);
    if out.len() > before {
        out.push('\n');
    }
}

/// Settings that are neither policies nor objects, and what was not understood.
fn others(out: &mut String, file: &FileRead) {
    for fact in &file.facts {
        match &fact.what {
            What::Nla(on) => {
                let state = if *on {
                    "on"
                } else {
                    "there, but without effect"
                };
                out.push_str(&format!("Do not use NLA: {state}\n"));
            }
            What::Setting {
                name,
                data,
                meaning,
            } => {
                out.push_str(&format!("{} = {} ({meaning})\n", clean(name), clean(data)));
            }
            What::Removed { what } => out.push_str(&format!("removes {}\n", clean(what))),
            What::Policy(_) | What::Mark(_) | What::Object(_) => {}
        }
    }
    for left in &file.left {
        let text = format!(
            "not understood: {}: {}: {}\n",
            at(&left.place),
            clean(&left.text),
            left.why
        );
        out.push_str(&paint(DIM, &text));
    }
    if file.left_more > 0 {
        out.push_str(&paint(DIM, &format!("and {} more\n", file.left_more)));
    }
    if file.facts.is_empty() {
        out.push_str(if file.format.is_of_network() {
            "no mark that is understood\n"
        } else {
            "nothing about QoS\n"
        });
    }
}

/// `line 14`, the path in a file that has no lines, or else the place as it is.
fn at(place: &Place) -> String {
    if place.line.is_none() && place.offset.is_none() && !place.path.is_empty() {
        return clean(&place.path);
    }
    place.in_file("line").replace("line:", "line ")
}

fn mark_table(marks: &[(&Fact, &NetMark)]) -> Grid {
    let mut grid = Grid::new([
        Column::text("List", 16),
        Column::text("Class", 12),
        Column::text("Family", 0),
        Column::text("Source", 12),
        Column::text("Destination", 12),
        Column::text("Packets", 16),
        Column::text("DSCP", 0),
        Column::text("At", 0),
    ]);
    let side = |nets: &[ipnet::IpNet]| match nets {
        [] => "any".to_owned(),
        nets => {
            let nets: Vec<String> = nets.iter().map(ToString::to_string).collect();
            nets.join(", ")
        }
    };
    for (fact, mark) in marks {
        grid.row(vec![
            mark.list.as_str().into(),
            mark.class.as_str().into(),
            mark.family_text().into(),
            side(&mark.src).into(),
            side(&mark.dst).into(),
            mark.services_text().into(),
            mark.dscp_text().into(),
            at(&fact.place).into(),
        ]);
    }
    grid
}

fn policy_table(policies: &[&HostPolicy]) -> Grid {
    let throttled = policies.iter().any(|policy| policy.throttle.is_some());
    let mut columns = vec![
        Column::text("Policy", 16),
        Column::text("Application", 12),
        Column::text("Protocol", 0),
        Column::text("Source", 12),
        Column::text("Destination", 12),
        Column::text("DSCP", 0),
    ];
    if throttled {
        columns.push(Column::text("At most", 0));
    }
    columns.push(Column::text("", 0));
    let mut grid = Grid::new(columns);
    for policy in policies {
        let app = match &policy.app {
            AppMatch::Any => "any".to_owned(),
            AppMatch::Name(app) | AppMatch::Path(app) => app.clone(),
        };
        let protocol = match policy.protocol {
            ProtocolMatch::Both => "both",
            ProtocolMatch::Only(one) => one.as_str(),
        };
        let side =
            |net: Option<ipnet::IpNet>, ports: Option<perhop_policy::PortRange>| match (net, ports)
            {
                (None, None) => "any".to_owned(),
                (Some(net), None) => net.to_string(),
                (None, Some(ports)) => ports.to_string(),
                (Some(net), Some(ports)) => format!("{net} {ports}"),
            };
        let mut says = Vec::new();
        if policy.user {
            says.push("user's");
        }
        if !policy.sound {
            says.push("not applied");
        }
        let mut cells: Vec<Cell> = vec![
            policy.name.as_str().into(),
            app.into(),
            protocol.into(),
            side(policy.src, policy.src_ports.0.range()).into(),
            side(policy.dst, policy.dst_ports.0.range()).into(),
            policy
                .dscp
                .map_or_else(|| "none".to_owned(), |dscp| dscp.to_string())
                .into(),
        ];
        if throttled {
            let rate = policy.throttle.map(|throttle| throttle.to_string());
            cells.push(rate.unwrap_or_default().into());
        }
        cells.push(Cell::styled(says.join(", "), BAD));
        grid.row(cells);
    }
    grid
}

fn object_table(objects: &[&ServiceObject]) -> Grid {
    let mut grid = Grid::new([
        Column::text("Object", 16),
        Column::text("Identity", 12),
        Column::text("Setting", 12),
        Column::text("Value", 10),
    ]);
    for object in objects {
        let noun = if object.delivered {
            format!("{} (as sent)", object.noun)
        } else {
            object.noun.to_owned()
        };
        let mut rows: Vec<(String, Cell)> = Vec::new();
        if let Some(on) = object.enabled {
            let value = if on {
                Cell::from("on")
            } else {
                Cell::styled("off", BAD)
            };
            rows.push(("ranges in force".to_owned(), value));
        }
        for range in &object.ranges {
            rows.push((
                format!("{} ports", range.used_for.as_str()),
                range.ports.to_string().into(),
            ));
        }
        if let Some((dscp, _)) = &object.dscp {
            rows.push(("DSCP".to_owned(), dscp.to_string().into()));
        }
        if let Some((pcp, _)) = &object.pcp {
            rows.push(("802.1p".to_owned(), pcp.value().to_string().into()));
        }
        if let Some((on, _)) = &object.marking {
            rows.push((
                "devices mark".to_owned(),
                if *on { "yes" } else { "no" }.into(),
            ));
        }
        if rows.is_empty() {
            rows.push(("no range".to_owned(), "".into()));
        }
        for (index, (setting, value)) in rows.into_iter().enumerate() {
            let (noun, identity) = if index == 0 {
                (noun.as_str(), object.identity.as_str())
            } else {
                ("", "")
            };
            grid.row(vec![noun.into(), identity.into(), setting.into(), value]);
        }
    }
    grid
}
