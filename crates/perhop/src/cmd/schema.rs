//! `perhop schema`.

use clap::ValueEnum;

use crate::failure::{Failure, Outcome};
use crate::ui::Ui;

/// Print a JSON Schema: of the plan for editors, or of what a command prints as JSON
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  perhop schema > plan.schema.json
      then `#:schema ./plan.schema.json` as the first line of a plan, for editors with Taplo
  perhop schema verify                             what `perhop verify --format json` prints")]
pub(crate) struct Args {
    /// Of what
    #[arg(value_enum, default_value_t = What::Plan)]
    what: What,
}

/// Things with a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// The plan file
    Plan,
    /// `check --format json`
    Check,
    /// `table --format json`
    Table,
    /// `flows --format json`
    Flows,
    /// `verify --format json`
    Verify,
    /// `read --format json`
    Read,
    /// `audit --format json`
    Audit,
    /// `diff --format json`
    Diff,
}

/// Prints it to stdout.
///
/// # Errors
/// A stdout that fails.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Outcome, Failure> {
    let text = match args.what {
        What::Plan => perhop_plan::schema(),
        What::Check => include_str!("../../../../docs/schema/check.json").to_owned(),
        What::Table => include_str!("../../../../docs/schema/table.json").to_owned(),
        What::Flows => include_str!("../../../../docs/schema/flows.json").to_owned(),
        What::Verify => include_str!("../../../../docs/schema/verify.json").to_owned(),
        What::Diff => include_str!("../../../../docs/schema/diff.json").to_owned(),
        What::Audit => include_str!("../../../../docs/schema/audit.json").to_owned(),
        What::Read => include_str!("../../../../docs/schema/read.json").to_owned(),
    };
    ui.data(|out| out.write_all(text.as_bytes()))?;
    Ok(Outcome::AsPlanned)
}
