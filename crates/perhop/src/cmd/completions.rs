//! `perhop completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::failure::{Failure, Outcome};
use crate::ui::Ui;

/// Print the completions of a shell
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  perhop completions bash > ~/.local/share/bash-completion/completions/perhop
  perhop completions powershell >> $PROFILE")]
pub(crate) struct Args {
    /// Which shell
    shell: Shell,
}

/// Prints them to stdout.
///
/// # Errors
/// A stdout that fails.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Outcome, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "perhop", &mut text);
    ui.data(|out| out.write_all(&text))?;
    Ok(Outcome::AsPlanned)
}
