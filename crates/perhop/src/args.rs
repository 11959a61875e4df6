//! The command line.

use clap::{Parser, Subcommand};

use crate::cmd;
use crate::ui::When;

/// One plan for real-time media, made true from the plan to the packet.
///
/// Checks a plan of port ranges and DSCP marks for Lync, Skype for Business, Teams and your own software; writes the
/// configuration that makes it true; and proves from packet captures whether the marks are there.
#[derive(Debug, Parser)]
#[command(
    name = "perhop",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    disable_help_subcommand = true,
    after_help = EXIT_STATUS,
    after_long_help = concat!(
        "Examples:\n",
        "  perhop new --platform lync-2013 > plan.toml    a commented plan to begin with\n",
        "  perhop check plan.toml                         is it sound?\n",
        "  perhop table plan.toml --xlsx qos.xlsx         the table of what is marked how\n",
        "  perhop compile plan.toml --out qos             PowerShell, Group Policy, .reg, Intune, runbook\n",
        "  perhop flows call.pcapng                       what is in a capture, no plan needed\n",
        "  perhop verify plan.toml call.pcapng --html report.html\n",
        "  perhop read client.reg                         what a host has now\n",
        "  perhop audit plan.toml client.reg              is that what was planned?\n",
        "  perhop diff plan.toml new.toml                 which flows would change their mark?\n",
        "  perhop agent dry-run plan.toml                 what Linux would mark, socket by socket\n",
        "\n",
        "Exit status:\n",
        "  0  as planned\n",
        "  1  something was found: a flow not marked, a setting not as planned\n",
        "  2  the plan or the arguments are wrong\n",
        "  3  a file or the machine failed: not found, damaged, not writable\n",
    )
)]
pub(crate) struct Cli {
    /// When to colour what is printed; meaning never rests on colour
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, value_name = "WHEN", hide_possible_values = true)]
    pub(crate) color: When,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Shown by `-h`.
const EXIT_STATUS: &str = "Exit status: 0 as planned, 1 findings, 2 plan or arguments wrong, 3 file or machine failed.\n\
    `--help` shows examples; every command has its own `--help`.";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    New(cmd::new::Args),
    Check(cmd::check::Args),
    Table(cmd::table::Args),
    Compile(cmd::compile::Args),
    Explain(cmd::explain::Args),
    Flows(cmd::flows::Args),
    Verify(cmd::verify::Args),
    Read(cmd::read::Args),
    Audit(cmd::audit::Args),
    Diff(cmd::diff::Args),
    Agent(cmd::agent::Args),
    Schema(cmd::schema::Args),
    Completions(cmd::completions::Args),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_has_more_flags_of_its_own_than_a_screen_shows() {
        for command in Cli::command().get_subcommands() {
            let flags = command
                .get_arguments()
                .filter(|arg| !arg.is_positional() && !arg.is_global_set())
                .count();
            assert!(flags <= 12, "{} has {flags}", command.get_name());
        }
    }

    #[test]
    fn every_command_teaches_by_example() {
        for command in Cli::command().get_subcommands() {
            let help = command.clone().render_long_help().to_string();
            assert!(help.contains("perhop "), "{}", command.get_name());
            assert!(help.contains("Exampl"), "{}", command.get_name());
        }
    }
}
