//! `perhop new`.

use crate::failure::{Failure, Outcome};
use crate::render::grid::clean;
use crate::ui::Ui;

/// Print a commented plan to begin with
///
/// It checks clean as it is; every line that has to be decided says so.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  perhop new --platform lync-2013 > plan.toml
  perhop check plan.toml

Platforms: lync-2010, lync-2013, sfb-2015, sfb-2019 (sfb-se alike), teams.")]
pub(crate) struct Args {
    /// The platform that the plan is for
    #[arg(long, value_name = "PLATFORM")]
    platform: String,
}

/// Prints the plan to stdout.
///
/// # Errors
/// A platform that is not known.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Outcome, Failure> {
    let Some(text) = perhop_plan::template(&args.platform) else {
        let known = perhop_plan::platforms();
        let failure = Failure::wrong(format!("there is no platform `{}`", clean(&args.platform)));
        return Err(
            match perhop_plan::suggest::nearest(&args.platform, known.iter().copied()) {
                Some(near) => failure.help(format!("did you mean `{near}`?")),
                None => failure.help(format!("the platforms are {}", known.join(", "))),
            },
        );
    };
    ui.data(|out| out.write_all(text.as_bytes()))?;
    Ok(Outcome::AsPlanned)
}
