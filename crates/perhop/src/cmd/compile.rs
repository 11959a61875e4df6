//! `perhop compile`.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use perhop_targets::{CompileOptions, Written};

use crate::cmd;
use crate::failure::{Failure, Outcome};
use crate::outdir::{Before, Stage};
use crate::render::{counted, human};
use crate::ui::{DIM, Ui, paint};

/// Write every configuration that makes the plan true, with its undo and a runbook
///
/// Each target gets a folder of its own below DIR; RUNBOOK.md says what to do with the files and in which order, and
/// manifest.json lists every file, its digest, the rules in it and the losses that the plan accepts. All files are
/// written or none. What a target cannot say is an error until the plan accepts it by name.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  perhop compile plan.toml --out qos
  perhop compile plan.toml --out qos --target windows-gpo --target lync-shell
  perhop compile plan.toml --out qos --dry-run     what would be written, and nothing is
  perhop compile plan.toml --out qos --force       replace what an earlier run wrote

Exit status: 0 written, 2 the plan or the arguments are wrong, 3 DIR could not be written.")]
pub(crate) struct Args {
    /// The plan; `-` is stdin
    plan: PathBuf,
    /// Folder to write to; it must be new, empty, or (with --force) written by perhop
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only this target, whatever the plan lists; may be repeated
    #[arg(long, value_name = "TARGET", value_parser = targets())]
    target: Vec<String>,
    /// Replace the files that an earlier run wrote; nothing else is touched
    #[arg(long)]
    force: bool,
    /// Say what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Every target by name.
fn targets() -> PossibleValuesParser {
    let known = perhop_targets::TARGETS.iter();
    PossibleValuesParser::new(
        known.map(|target| PossibleValue::new(target.id()).help(target.summary())),
    )
}

/// Compiles and writes.
///
/// # Errors
/// A plan that is wrong, losses that are not accepted, a folder that is not free or not writable.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Outcome, Failure> {
    let loaded = cmd::load(&args.plan, ui)?;
    let before = Before::look(&args.out)?;
    refuse(args, &before)?;
    let digest = perhop_targets::manifest::sha256_hex(&loaded.source.bytes);
    let options = CompileOptions {
        only: &args.target,
        plan_digest: &digest,
    };
    let prepared = match perhop_targets::prepare(&loaded.policy, &options) {
        Ok(prepared) => prepared,
        Err(diagnostics) => {
            ui.tell(&human::render(&diagnostics, &loaded.source, ui.width()));
            ui.tell(&human::summary(&diagnostics, "nothing was written"));
            return Err(Failure::said(Outcome::Wrong));
        }
    };
    ui.tell(&human::render(
        prepared.warnings(),
        &loaded.source,
        ui.width(),
    ));
    let mut stage = match args.dry_run {
        true => None,
        false => Some(Stage::open(&args.out, &before)?),
    };
    let written = prepared.write(|artifact| match &mut stage {
        Some(stage) => stage.put(&artifact.path, &artifact.bytes),
        None => Ok(()),
    })?;
    if let Some(stage) = stage {
        stage.commit()?;
    }
    leftovers(args, &before, ui);
    ui.print(&listing(args, &written))?;
    Ok(Outcome::AsPlanned)
}

/// A folder with something in it is not written to unasked.
fn refuse(args: &Args, before: &Before) -> Result<(), Failure> {
    if before.is_empty() || args.dry_run {
        return Ok(());
    }
    let out = args.out.display();
    if before.ours.is_empty() {
        return Err(Failure::wrong(format!(
            "`{out}` is not empty, and perhop did not write what is in it"
        ))
        .note(some(&before.others))
        .help("choose a new folder"));
    }
    if args.force {
        return Ok(());
    }
    Err(Failure::wrong(format!(
        "`{out}` holds {} of an earlier run",
        counted(before.ours.len(), "file")
    ))
    .help("`--force` replaces them and leaves everything else alone"))
}

/// Says what else is in the folder, and which edits of ours are lost.
fn leftovers(args: &Args, before: &Before, ui: &Ui) {
    if !before.edited.is_empty() {
        let verb = if args.dry_run {
            "would replace"
        } else {
            "replaced"
        };
        ui.warn(&format!(
            "{verb} {} that had been changed since perhop wrote them: {}",
            counted(before.edited.len(), "file"),
            some(&before.edited)
        ));
    }
    if !before.others.is_empty() {
        ui.warn(&format!(
            "`{}` also holds {} that perhop did not write and left alone: {}",
            args.out.display(),
            counted(before.others.len(), "file"),
            some(&before.others)
        ));
    }
}

/// A few names of many.
fn some<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    const SHOWN: usize = 5;
    let names: Vec<&String> = names.into_iter().collect();
    let mut text: Vec<String> = names
        .iter()
        .take(SHOWN)
        .map(|name| format!("`{name}`"))
        .collect();
    if names.len() > SHOWN {
        text.push(format!("and {} more", names.len() - SHOWN));
    }
    text.join(", ")
}

/// Every file with what it is for.
fn listing(args: &Args, written: &Written) -> String {
    let mut out = String::new();
    for file in &written.files {
        let purpose = format!("{:7}", file.purpose.as_str());
        out.push_str(&format!("{}  {}\n", paint(DIM, &purpose), file.path));
    }
    let verb = if args.dry_run { "would write" } else { "wrote" };
    out.push_str(&format!(
        "\n{verb} {} for {} to `{}`",
        counted(written.files.len(), "file"),
        counted(written.targets.len(), "target"),
        args.out.display()
    ));
    if !written.losses.is_empty() {
        out.push_str(&format!(
            "; {} that the plan accepts, listed in manifest.json",
            counted(written.losses.len(), "loss").replace("losss", "losses")
        ));
    }
    if !args.dry_run {
        out.push_str(&format!(
            "\nbegin with {}",
            args.out.join("RUNBOOK.md").display()
        ));
    }
    out.push('\n');
    out
}
