//! The commands, one file each: `Args` and `run`.

pub(crate) mod agent;
pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod compile;
pub(crate) mod completions;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod flows;
pub(crate) mod new;
pub(crate) mod read;
pub(crate) mod schema;
pub(crate) mod table;
pub(crate) mod verify;

use std::path::Path;

use perhop_policy::{FileId, PolicySet};

use crate::args::Command;
use crate::failure::{Failure, Outcome};
use crate::render::{Tally, human};
use crate::source::Source;
use crate::ui::Ui;

/// Runs a command.
///
/// # Errors
/// What ended it before it had an outcome.
pub(crate) fn run(command: &Command, ui: &Ui) -> Result<Outcome, Failure> {
    match command {
        Command::Agent(args) => agent::run(args, ui),
        Command::New(args) => new::run(args, ui),
        Command::Read(args) => read::run(args, ui),
        Command::Audit(args) => audit::run(args, ui),
        Command::Diff(args) => diff::run(args, ui),
        Command::Flows(args) => flows::run(args, ui),
        Command::Verify(args) => verify::run(args, ui),
        Command::Schema(args) => schema::run(args, ui),
        Command::Check(args) => check::run(args, ui),
        Command::Table(args) => table::run(args, ui),
        Command::Compile(args) => compile::run(args, ui),
        Command::Explain(args) => explain::run(args, ui),
        Command::Completions(args) => completions::run(args, ui),
    }
}

/// A plan that can be used.
pub(crate) struct Loaded {
    /// Its text.
    pub(crate) source: Source,
    /// Its meaning.
    pub(crate) policy: PolicySet,
}

/// Reads a plan for a command that needs a sound one; problems go to stderr, of warnings only their number.
///
/// # Errors
/// A plan that cannot be read or used.
pub(crate) fn load(path: &Path, ui: &Ui) -> Result<Loaded, Failure> {
    let source = Source::read(path)?;
    let perhop_plan::Loaded {
        policy,
        diagnostics,
        ..
    } = perhop_plan::load(FileId(0), &source.text);
    let tally = Tally::of(&diagnostics);
    match policy {
        Some(policy) if tally.errors == 0 => {
            if tally.warnings > 0 {
                ui.warn(&format!(
                    "{} about `{}`; `perhop check` shows them",
                    crate::render::counted(tally.warnings, "warning"),
                    source.name
                ));
            }
            Ok(Loaded { source, policy })
        }
        _ => {
            ui.tell(&human::render(&diagnostics, &source, ui.width()));
            ui.tell(&human::summary(&diagnostics, "the plan cannot be used"));
            Err(Failure::said(Outcome::Wrong))
        }
    }
}
