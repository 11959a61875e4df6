//! `perhop agent`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use perhop_policy::{Host, PolicySet, ScopeId};

use crate::failure::{Failure, Outcome};
use crate::ui::Ui;

#[cfg(target_os = "linux")]
mod client;
#[cfg(target_os = "linux")]
mod control;
#[cfg(target_os = "linux")]
mod dry_run;
#[cfg(target_os = "linux")]
mod metrics;
#[cfg(target_os = "linux")]
mod notify;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod shape;
#[cfg(target_os = "linux")]
mod sockets;
#[cfg(target_os = "linux")]
mod status;
mod unit;
#[cfg(target_os = "linux")]
mod watch;

/// Mark what this Linux host sends, by executable, protocol, address and port, as the plan says
///
/// Policy-based QoS as Windows has it: the rules of the plan's Linux scope are given to the kernel as eBPF programs and
/// tables. Every packet on its way out gets the DSCP of its rule; ECN stays. Nothing is written to disk, queues change only
/// when asked, and when the agent ends, however it ends, the kernel is as it was before. Needs Linux 6.6 or later and root,
/// or the capabilities CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON and CAP_SYS_PTRACE; `dry-run` needs neither.
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_long_help = "Examples:
  perhop agent dry-run plan.toml                  what would be marked now, socket by socket
  sudo perhop agent run plan.toml                 mark, until Ctrl-C
  sudo perhop agent status                        packets and bytes of each rule
  sudo perhop agent reload                        read the plan again; no packet goes unmarked meanwhile
  perhop agent unit /etc/perhop/plan.toml | sudo tee /etc/systemd/system/perhop-agent.service

Exit status: 0 done, 2 the plan or the arguments are wrong, 3 the machine failed. docs/AGENT.md is the manual."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(RunArgs),
    DryRun(DryRunArgs),
    /// Show what the running agent marked: packets, bytes, rewritten and kept marks of each rule
    Status(AskArgs),
    /// Show every live socket: its process, what it asked for, and what the running agent makes of it
    Sockets(AskArgs),
    /// Let the running agent read its plan again, or another; no packet goes unmarked meanwhile
    #[command(visible_alias = "apply")]
    Reload(ReloadArgs),
    /// Let the running agent end, or take away what a killed one left; the kernel is then as it was before
    Stop(AskArgs),
    Unit(unit::UnitArgs),
    /// Take away what stays of an agent when it has ended: it tells what by stdin
    #[command(hide = true)]
    Watch,
}

/// Mark packets until Ctrl-C or `perhop agent stop`; tells systemd when it is ready
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  sudo perhop agent run plan.toml --interface eth0 --interface 'tun*'
  sudo perhop agent run plan.toml --unit recorder.py=recorder.service
  sudo perhop agent run plan.toml --metrics 127.0.0.1:9466
  sudo perhop agent run plan.toml --throttle --queues eth0=18mbit

Of interfaces that come later, those that fit are marked too. SIGHUP reads the plan again.")]
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "the agent runs on Linux")
)]
struct RunArgs {
    /// The plan
    plan: PathBuf,
    /// Mark at this interface, `*` for any letters; may be repeated [default: all but loopback and parts of bridges]
    #[arg(long, value_name = "NAME")]
    interface: Vec<String>,
    /// Whose rules apply here [default: the plan's only scope on Linux]
    #[arg(long, value_name = "NAME")]
    scope: Option<String>,
    /// Take what runs in a systemd unit or control group for an executable of the plan: how scripts are told apart
    #[arg(long, value_name = "EXECUTABLE=UNIT", value_parser = stand_in)]
    unit: Vec<(String, String)>,
    /// Mark also what passes through this host from elsewhere, such as containers, by rules without executable
    #[arg(long)]
    forwarded: bool,
    /// Leave a mark other than 0 that an application put on by itself
    #[arg(long)]
    keep_marks: bool,
    /// Keep rules with a `throttle` to their rate; replaces the root queue of the interfaces until the agent ends
    #[arg(long)]
    throttle: bool,
    /// Give an interface the plan's queues, at a little less than its link carries; may be repeated
    #[arg(long, value_name = "NAME=RATE", value_parser = link)]
    queues: Vec<(String, perhop_policy::Rate)>,
    /// Mark with nftables, by ports, addresses and `--unit` alone: executables are not told apart
    #[arg(long)]
    without_bpf: bool,
    /// How programs are put at interfaces
    #[arg(long, value_enum, default_value_t = Attach::Auto, hide_short_help = true)]
    attach: Attach,
    /// Give counters to Prometheus at this address or socket, such as 127.0.0.1:9466
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<String>,
    /// Where `status`, `reload` and the like find this agent
    #[arg(long, value_name = "PATH", default_value = SOCKET)]
    socket: PathBuf,
}

/// Show what would be marked: every live socket, its process, and the rule that applies; needs no privilege
///
/// Without privilege the processes of other users are not seen; their sockets are shown without one.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  perhop agent dry-run plan.toml
  sudo perhop agent dry-run plan.toml --format json | jq '.sockets[] | select(.rules != [])'")]
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "the agent runs on Linux")
)]
struct DryRunArgs {
    /// The plan
    plan: PathBuf,
    /// Whose rules apply here [default: the plan's only scope on Linux]
    #[arg(long, value_name = "NAME")]
    scope: Option<String>,
    /// Take what runs in a systemd unit or control group for an executable of the plan
    #[arg(long, value_name = "EXECUTABLE=UNIT", value_parser = stand_in)]
    unit: Vec<(String, String)>,
    /// Show also the sockets that no rule is about
    #[arg(long)]
    all: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Debug, clap::Args)]
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "the agent runs on Linux")
)]
struct AskArgs {
    /// Where the running agent is found
    #[arg(long, value_name = "PATH", default_value = SOCKET)]
    socket: PathBuf,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Debug, clap::Args)]
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "the agent runs on Linux")
)]
struct ReloadArgs {
    /// Another plan in the place of the present one
    plan: Option<PathBuf>,
    /// Where the running agent is found
    #[arg(long, value_name = "PATH", default_value = SOCKET)]
    socket: PathBuf,
}

/// Forms of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// For programs (docs/AGENT.md)
    Json,
}

/// Ways to put a program at an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Attach {
    /// tcx, or clsact before Linux 6.6
    Auto,
    /// Held by the process
    Tcx,
    /// A filter
    Clsact,
}

/// Where an agent is found unless told otherwise.
const SOCKET: &str = "/run/perhop/agent.sock";

/// Does what is asked.
///
/// # Errors
/// A plan that cannot be used, a kernel that refuses, no agent where one is asked.
#[cfg(target_os = "linux")]
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Outcome, Failure> {
    match &args.command {
        Command::Run(args) => run::run(args, ui),
        Command::DryRun(args) => dry_run::run(args, ui),
        Command::Status(args) => client::status(args, ui),
        Command::Sockets(args) => client::sockets(args, ui),
        Command::Reload(args) => client::reload(args, ui),
        Command::Stop(args) => client::stop(args, ui),
        Command::Unit(args) => unit::run(args, ui),
        Command::Watch => {
            watch::run();
            Ok(Outcome::AsPlanned)
        }
    }
}

/// Says that there is no agent here.
///
/// # Errors
/// Always, but for `unit`.
#[cfg(not(target_os = "linux"))]
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Outcome, Failure> {
    match &args.command {
        Command::Unit(args) => unit::run(args, ui),
        _ => Err(refused(&perhop_host::agent::AgentError::NotSupported)),
    }
}

/// What the agent says, with what helps.
fn refused(error: &perhop_host::agent::AgentError) -> Failure {
    use perhop_host::agent::AgentError;
    let failure = match error {
        AgentError::NoInterface { .. } | AgentError::LongName(_) | AgentError::NameForms(_) => {
            Failure::wrong(error.to_string())
        }
        _ => Failure::failed(error.to_string()),
    };
    error.remedies().into_iter().fold(failure, Failure::help)
}

/// The scope whose rules apply on this host.
///
/// # Errors
/// No such scope, or several to choose from.
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "the agent runs on Linux")
)]
fn scope(policy: &PolicySet, name: Option<&str>) -> Result<ScopeId, Failure> {
    let names = |ids: &[ScopeId]| -> String {
        let names: Vec<String> = ids
            .iter()
            .map(|&id| format!("`{}`", policy.scope(id).name))
            .collect();
        names.join(", ")
    };
    let all: Vec<ScopeId> = policy.scope_ids().collect();
    if let Some(name) = name {
        let found = all.iter().find(|&&id| policy.scope(id).name == name);
        return found.copied().ok_or_else(|| {
            Failure::wrong(format!("the plan has no scope `{name}`"))
                .help(format!("these exist: {}", names(&all)))
        });
    }
    let linux: Vec<ScopeId> = all
        .iter()
        .copied()
        .filter(|&id| policy.scope(id).host == Host::Linux)
        .collect();
    match linux.as_slice() {
        [only] => Ok(*only),
        [] => Err(Failure::wrong("the plan has no rules for Linux hosts")
            .help("give an application `on = \"linux\"` or `on = \"linux-clients\"`")
            .help(format!(
                "or take another scope's with `--scope`: {}",
                names(&all)
            ))),
        several => Err(
            Failure::wrong("the plan has rules for several kinds of Linux host")
                .help(format!("choose with `--scope`: {}", names(several))),
        ),
    }
}

/// Reads `NAME=RATE`.
fn link(text: &str) -> Result<(String, perhop_policy::Rate), String> {
    let read = text.split_once('=').and_then(|(name, rate)| {
        let rate = perhop_policy::Rate::from_text(rate)?;
        (!name.is_empty()).then(|| (name.to_owned(), rate))
    });
    read.ok_or_else(|| {
        "expected an interface, `=`, and a rate such as `18mbit` or `\"18 Mbit/s\"`".to_owned()
    })
}

/// Reads `EXECUTABLE=UNIT`.
fn stand_in(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((executable, unit)) if !executable.is_empty() && !unit.is_empty() => {
            Ok((executable.to_owned(), unit.to_owned()))
        }
        _ => Err("expected the executable as the plan names it, `=`, and a unit such as `recorder.service`".to_owned()),
    }
}
