//! Writing the scripts: the plan's values quoted, the rest as it stands beside this file.

use perhop_policy::{RuleId, Subject};

use super::model::Entry;
use super::settings::{documented_default, is_switch};
use crate::artifact::{Artifact, Purpose};
use crate::syntax::powershell::{Command, Script, Value};

/// The parts of a system's scripts that differ from the other's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flavour {
    /// The first line: which PowerShell it needs.
    pub(crate) requires: &'static str,
    /// What `apply.ps1` is for, as comment-based help.
    pub(crate) about_apply: &'static str,
    /// What `undo.ps1` is for.
    pub(crate) about_undo: &'static str,
    /// What `check.ps1` is for.
    pub(crate) about_check: &'static str,
    /// Declaration of the parameter that chooses a part of the plan, with its comma; or a line that sets it.
    pub(crate) only: Only,
    /// Functions of the system's own.
    pub(crate) functions: &'static str,
}

/// Whether parts of the plan can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Only {
    /// `-Only Servers`, `Clients`, `Devices` or `All`.
    Parts,
    /// The plan is one part.
    Whole,
}

/// The three scripts of a target, as files.
pub(crate) fn files(
    id: &str,
    flavour: &Flavour,
    plan: &str,
    entries: &[Entry],
    rules: &[RuleId],
) -> Vec<Artifact> {
    let file = |name, purpose, bytes| Artifact {
        path: format!("{id}/{name}"),
        bytes,
        purpose,
        rules: rules.to_vec(),
    };
    vec![
        file("apply.ps1", Purpose::Apply, apply(flavour, plan, entries)),
        file("check.ps1", Purpose::Check, check(flavour, plan, entries)),
        file("undo.ps1", Purpose::Undo, undo(flavour, plan, entries)),
    ]
}

/// `apply.ps1`.
pub(crate) fn apply(flavour: &Flavour, plan: &str, entries: &[Entry]) -> Vec<u8> {
    let mut out = begin(flavour, flavour.about_apply, plan);
    out.code("[CmdletBinding(SupportsShouldProcess = $true)]");
    parameters(
        &mut out,
        flavour,
        "[string] $SaveIn = '',\n[switch] $SaveOnly",
    );
    body(&mut out, flavour, plan, entries);
    out.code("if ($SaveIn -eq '') {\n    $SaveIn = Join-Path $here 'saved'\n}");
    out.code(include_str!("apply.ps1"));
    out.into_bytes()
}

/// `undo.ps1`.
pub(crate) fn undo(flavour: &Flavour, plan: &str, entries: &[Entry]) -> Vec<u8> {
    let mut out = begin(flavour, flavour.about_undo, plan);
    out.code("[CmdletBinding(SupportsShouldProcess = $true)]");
    parameters(
        &mut out,
        flavour,
        "[string] $SavedIn = '',\n[switch] $Defaults",
    );
    body(&mut out, flavour, plan, entries);
    out.comment("Defaults as documented, for values that were never saved.");
    out.assign("$documented = ", &defaults(entries));
    out.blank();
    out.code(include_str!("undo.ps1"));
    out.into_bytes()
}

/// `check.ps1`.
pub(crate) fn check(flavour: &Flavour, plan: &str, entries: &[Entry]) -> Vec<u8> {
    let mut out = begin(flavour, flavour.about_check, plan);
    out.code("[CmdletBinding()]");
    parameters(&mut out, flavour, "");
    body(&mut out, flavour, plan, entries);
    out.code(include_str!("check.ps1"));
    out.into_bytes()
}

/// `restart.ps1`: the Windows services of `services`, by short name and in words.
pub(crate) fn restart(
    about: &'static str,
    plan: &str,
    services: &[(&'static str, &'static str)],
) -> Vec<u8> {
    let mut out = Script::new();
    out.code("#Requires -Version 2.0").code(about);
    out.comment(&format!("Plan: {plan}"));
    out.code("[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]");
    out.code("param(\n    [string] $ComputerName = '',\n    [switch] $Restart\n)");
    let rows: Vec<Value> = services
        .iter()
        .map(|(name, what)| {
            Value::Table(vec![
                ("Name".to_owned(), Value::text(*name)),
                ("What".to_owned(), Value::text(*what)),
            ])
        })
        .collect();
    out.list("$services = @(", &rows);
    out.code(include_str!("restart.ps1"));
    out.into_bytes()
}

fn begin(flavour: &Flavour, about: &'static str, plan: &str) -> Script {
    let mut out = Script::new();
    out.code(flavour.requires).code(about);
    out.comment(&format!("Plan: {plan}"));
    out
}

fn parameters(out: &mut Script, flavour: &Flavour, own: &'static str) {
    match flavour.only {
        Only::Parts => {
            out.open("param(");
            out.code("[ValidateSet('All', 'Servers', 'Clients', 'Devices')]");
            out.code(if own.is_empty() {
                "[string] $Only = 'All'"
            } else {
                "[string] $Only = 'All',"
            });
            out.code(own).close(")");
        }
        Only::Whole => {
            out.open("param(").code(own).close(")");
            out.code("$Only = 'All'");
        }
    }
}

/// Functions, then the plan.
fn body(out: &mut Script, flavour: &Flavour, plan: &str, entries: &[Entry]) {
    out.assign("$planName = ", &Value::text(plan));
    out.code(include_str!("common.ps1")).blank();
    out.code(flavour.functions).blank();
    out.comment(PLAN_BEGINS);
    for entry in entries {
        out.comment(&describe(entry));
        let values = entry
            .values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value_of(name, *value)))
            .collect();
        out.command(
            &Command::new(ADD)
                .argument(&Value::text(entry.noun))
                .argument(&Value::text(entry.identity()))
                .argument(&Value::Table(values)),
        );
    }
    out.comment(PLAN_ENDS).blank();
}

fn describe(entry: &Entry) -> String {
    let who = match &entry.subject {
        Subject::Global if entry.kind().is_service => "every one".to_owned(),
        Subject::Global => "everyone".to_owned(),
        Subject::Site(name) => format!("site {name}"),
        Subject::Service(name) => name.clone(),
    };
    let ranges: Vec<String> = entry
        .ranges()
        .iter()
        .map(|range| format!("{} {}", range.used_for.as_str(), range.ports))
        .collect();
    let tail = if ranges.is_empty() {
        String::new()
    } else {
        format!(": {}", ranges.join(", "))
    };
    format!("{}, {who}{tail}", entry.kind().title)
}

/// The documented defaults of every parameter that the entries set, by kind of object.
fn defaults(entries: &[Entry]) -> Value {
    let mut out: Vec<(String, Vec<(String, Value)>)> = Vec::new();
    for entry in entries {
        let at = out.iter().position(|(noun, _)| noun == entry.noun);
        let at = at.unwrap_or_else(|| {
            out.push((entry.noun.to_owned(), Vec::new()));
            out.len() - 1
        });
        for (name, _) in &entry.values {
            let known = &mut out[at].1;
            if known.iter().all(|(other, _)| other != name) {
                let default = documented_default(entry.noun, name);
                known.extend(default.map(|value| ((*name).to_owned(), value_of(name, value))));
            }
        }
    }
    let tables = out.into_iter();
    Value::Table(
        tables
            .map(|(noun, values)| (noun, Value::Table(values)))
            .collect(),
    )
}

fn value_of(parameter: &str, value: i64) -> Value {
    if is_switch(parameter) {
        Value::Boolean(value != 0)
    } else {
        Value::Integer(value)
    }
}

/// The function that holds an entry.
pub(crate) const ADD: &str = "Add-Planned";
/// Comment before the entries.
pub(crate) const PLAN_BEGINS: &str = "The plan begins.";
/// Comment after the entries.
pub(crate) const PLAN_ENDS: &str = "The plan ends.";
