//! A process beside the agent, which takes away what stays in the kernel when the agent is killed.

use std::io::{self, BufRead, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use perhop_host::agent::traces::{self, Trace};
use perhop_host::interrupt::Interrupt;

use crate::ui::Ui;

/// The agent's side: tells what there is, whenever that changes.
#[derive(Debug, Default)]
pub(super) struct Watcher {
    child: Option<Child>,
    told: Vec<Trace>,
}

impl Watcher {
    /// Tells what would stay; there is no process before something would.
    pub(super) fn tell(&mut self, traces: Vec<Trace>, ui: &Ui) {
        if traces == self.told {
            return;
        }
        if self.child.is_none() {
            match start() {
                Ok(child) => self.child = Some(child),
                Err(error) => ui.warn(&format!(
                    "what stays in the kernel if this is killed will not be taken away at once: {error}; \
                     `perhop agent stop` takes it away"
                )),
            }
        }
        if let Some(stdin) = self.child.as_mut().and_then(|child| child.stdin.as_mut()) {
            let words: Vec<String> = traces.iter().map(Trace::to_string).collect();
            // Without a watcher, the next agent and `stop` take it away.
            let _ = writeln!(stdin, "{}", words.join(", "));
        }
        self.told = traces;
    }

    /// Nothing stays any more.
    pub(super) fn finish(mut self, ui: &Ui) {
        self.tell(Vec::new(), ui);
        if let Some(mut child) = self.child {
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}

fn start() -> io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args(["agent", "watch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        // What ends the agent from a terminal is not for this one.
        .process_group(0)
        .spawn()
}

/// The other side: waits for the agent's end.
pub(super) fn run() {
    // A service manager ends all processes of a service at once, the agent among them.
    let _ = Interrupt::install();
    let mut last = String::new();
    for line in io::stdin().lock().lines() {
        match line {
            Ok(line) => last = line,
            Err(_) => break,
        }
    }
    let left: Vec<Trace> = last.split(", ").filter_map(Trace::read).collect();
    if !left.is_empty() {
        let _ = traces::remove(&left);
    }
}
