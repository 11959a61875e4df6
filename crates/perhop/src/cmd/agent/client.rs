//! Commands that ask the running agent.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use perhop_host::agent::traces;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::control::{self, Question};
use super::sockets::Sockets;
use super::status::Status;
use super::{AskArgs, Format, ReloadArgs};
use crate::failure::{Failure, Outcome};
use crate::ui::Ui;

/// What the agent says of a change.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Done {
    /// What was done.
    pub(super) done: Option<String>,
    /// Why it was not.
    pub(super) refused: Option<String>,
}

/// Shows counters.
///
/// # Errors
/// No agent.
pub(super) fn status(args: &AskArgs, ui: &Ui) -> Result<Outcome, Failure> {
    show(args, ui, &Question::Status, |status: &Status| {
        status.render(ui.width())
    })
}

/// Shows sockets.
///
/// # Errors
/// No agent.
pub(super) fn sockets(args: &AskArgs, ui: &Ui) -> Result<Outcome, Failure> {
    show(args, ui, &Question::Sockets, |sockets: &Sockets| {
        sockets.render(false, ui.width())
    })
}

/// Lets it read its plan again.
///
/// # Errors
/// No agent; a plan that it cannot use.
pub(super) fn reload(args: &ReloadArgs, ui: &Ui) -> Result<Outcome, Failure> {
    let plan = match &args.plan {
        Some(plan) => Some(
            plan.canonicalize()
                .map_err(|error| Failure::file("read", plan, &error))?,
        ),
        None => None,
    };
    change(&args.socket, &Question::Reload(plan), ui)
}

/// Lets it end.
///
/// # Errors
/// No agent.
pub(super) fn stop(args: &AskArgs, ui: &Ui) -> Result<Outcome, Failure> {
    if !control::is_there(&args.socket) {
        let left = sweep();
        if !left.is_empty() {
            ui.tell(&format!(
                "no agent answers; a killed one had left {}, now gone\n",
                left.join(", ")
            ));
            return Ok(Outcome::AsPlanned);
        }
    }
    change(&args.socket, &Question::Stop, ui)
}

/// Takes away what killed agents left in this network namespace, unless another agent runs here; in words, what it was.
pub(super) fn sweep() -> Vec<String> {
    if another_runs() {
        return Vec::new();
    }
    let left = traces::find().unwrap_or_default();
    if left.is_empty() {
        return Vec::new();
    }
    traces::remove(&left).unwrap_or_default()
}

/// Whether another process of this program is an agent in this network namespace.
fn another_runs() -> bool {
    let (Ok(own), Ok(here)) = (fs::read_link("/proc/self/exe"), namespace("self")) else {
        return false;
    };
    let Ok(processes) = fs::read_dir("/proc") else {
        return false;
    };
    let own_pid = std::process::id().to_string();
    processes.flatten().any(|entry| {
        let pid = entry.file_name();
        let Some(pid) = pid.to_str().filter(|pid| *pid != own_pid) else {
            return false;
        };
        let name = fs::read_link(entry.path().join("exe"));
        let same = name.is_ok_and(|path| path.file_name() == own.file_name());
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let mut words = words.split(|byte| *byte == 0).skip(1);
        same && (words.next(), words.next()) == (Some(b"agent"), Some(b"run"))
            && namespace(pid).is_ok_and(|there| there == here)
    })
}

fn namespace(pid: &str) -> io::Result<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/net"))
}

fn show<T: DeserializeOwned>(
    args: &AskArgs,
    ui: &Ui,
    question: &Question,
    render: impl FnOnce(&T) -> String,
) -> Result<Outcome, Failure> {
    let bytes = control::ask(&args.socket, question)?;
    match args.format {
        Format::Json => ui.data(|out| out.write_all(&bytes))?,
        Format::Human => ui.print(&render(&read(&args.socket, &bytes)?))?,
    }
    Ok(Outcome::AsPlanned)
}

fn change(socket: &Path, question: &Question, ui: &Ui) -> Result<Outcome, Failure> {
    let done: Done = read(socket, &control::ask(socket, question)?)?;
    if let Some(why) = done.refused {
        return Err(Failure::wrong(why).note("the agent goes on as before"));
    }
    ui.tell(&format!("{}\n", done.done.unwrap_or_default()));
    Ok(Outcome::AsPlanned)
}

fn read<T: DeserializeOwned>(socket: &Path, bytes: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes).map_err(|error| {
        Failure::failed(format!(
            "the agent at `{}` says what is not understood: {error}",
            socket.display()
        ))
        .help("it may be of another version: `perhop agent stop` and begin again")
    })
}
