//! `perhop agent run`: the loop.

use std::os::fd::{AsRawFd, RawFd};
use std::path::PathBuf;
use std::time::Duration;

use perhop_host::agent::pattern::matches;
use perhop_host::agent::{Agent, Event, Settings, Unit, wait};
use perhop_host::interrupt::{Hangup, Interrupt};
use perhop_policy::{ClassId, PolicySet, ScopeId};
use serde::Serialize;

use super::client::Done;
use super::control::{Control, Question};
use super::metrics::Metrics;
use super::sockets::Sockets;
use super::status::Status;
use super::{RunArgs, notify};
use crate::cmd;
use crate::failure::{Failure, Outcome};
use crate::json;
use crate::ui::Ui;

/// How often files of executables are looked at.
const PACE: Duration = Duration::from_secs(1);

/// A running agent with its plan.
struct Running<'a> {
    agent: Agent,
    policy: PolicySet,
    scope: ScopeId,
    plan: PathBuf,
    args: &'a RunArgs,
    ui: &'a Ui,
    is_ending: bool,
}

/// Marks until it is told to end.
///
/// # Errors
/// A plan that cannot be used, a kernel that refuses, a socket that is taken.
pub(super) fn run(args: &RunArgs, ui: &Ui) -> Result<Outcome, Failure> {
    let loaded = cmd::load(&args.plan, ui)?;
    let policy = loaded.policy;
    let scope = super::scope(&policy, args.scope.as_deref())?;
    let failed = |error: std::io::Error| Failure::failed(format!("cannot hear signals: {error}"));
    let interrupt = Interrupt::install().map_err(failed)?;
    let hangup = Hangup::install().map_err(failed)?;
    let control = Control::listen(&args.socket)?;
    let metrics = args.metrics.as_deref().map(Metrics::listen).transpose()?;
    let settings = Settings {
        interfaces: args.interface.clone(),
        forwarded: args.forwarded,
        keep_marks: args.keep_marks,
        units: args
            .unit
            .iter()
            .map(|(executable, group)| Unit {
                executable: executable.clone(),
                group: group.clone(),
            })
            .collect(),
        priorities: priorities(&policy),
        ..Settings::default()
    };
    let (agent, events) =
        Agent::start(&policy, scope, settings).map_err(|error| super::refused(&error))?;
    let mut running = Running {
        agent,
        policy,
        scope,
        plan: args.plan.clone(),
        args,
        ui,
        is_ending: false,
    };
    running.tell(&events);
    running.miss();
    running.ready();
    let mut descriptors: Vec<RawFd> = vec![control.as_raw_fd(), running.agent.descriptor()];
    descriptors.extend(metrics.as_ref().map(AsRawFd::as_raw_fd));
    while !interrupt.is_raised() && !running.is_ending {
        wait(&descriptors, PACE)
            .map_err(|error| Failure::failed(format!("cannot wait for events: {error}")))?;
        if hangup.take() {
            let done = running.reload(None);
            running.say(&done);
        }
        control.serve(|question| running.answer(question));
        if let Some(metrics) = &metrics {
            metrics.serve(|| running.status().ok());
        }
        let events = running
            .agent
            .turn()
            .map_err(|error| super::refused(&error))?;
        running.tell(&events);
    }
    notify::tell("STOPPING=1");
    ui.tell("ended; the kernel is as it was before\n");
    Ok(Outcome::AsPlanned)
}

/// The layer-2 priority of the classes that state one, which VLAN interfaces map.
fn priorities(policy: &PolicySet) -> Vec<(ClassId, u32)> {
    (0..)
        .zip(policy.classes())
        .filter_map(|(index, class)| Some((ClassId(index), u32::from(class.pcp?.value()))))
        .collect()
}

impl Running<'_> {
    fn ready(&self) {
        let text = format!(
            "marking by {} of `{}` at {}",
            crate::render::counted(self.agent.counts().map_or(0, |counts| counts.len()), "rule"),
            self.policy.scope(self.scope).name,
            crate::render::counted(self.agent.interfaces().len(), "interface")
        );
        notify::tell(&format!("READY=1\nSTATUS={text}"));
        self.ui.tell(&format!("{text}\n"));
    }

    /// Says which interfaces that were named are not there yet.
    fn miss(&self) {
        let there = self.agent.interfaces();
        for pattern in &self.args.interface {
            if !there.iter().any(|(name, _)| matches(pattern, name)) {
                self.ui.warn(&format!(
                    "no interface `{pattern}` is there now; it is marked at when it comes"
                ));
            }
        }
    }

    fn tell(&self, events: &[Event]) {
        for event in events {
            match event {
                Event::Attached(name) => self.ui.tell(&format!("marking at `{name}`\n")),
                Event::Gone(name) => self.ui.tell(&format!("`{name}` has gone\n")),
                Event::Skipped(name, why) => self.ui.warn(&format!("not at `{name}`: {why}")),
            }
        }
    }

    fn say(&self, done: &Done) {
        match &done.refused {
            Some(why) => self.ui.warn(&format!("{why}; going on as before")),
            None => self
                .ui
                .tell(&format!("{}\n", done.done.as_deref().unwrap_or_default())),
        }
    }

    fn status(&self) -> Result<Status, String> {
        let name = &self.policy.scope(self.scope).name;
        Status::of(&self.agent, &self.policy, name).map_err(|error| error.to_string())
    }

    fn answer(&mut self, question: &Question) -> Vec<u8> {
        match question {
            Question::Status => bytes(self.status()),
            Question::Sockets => bytes(
                Sockets::of(&self.policy, self.scope, &self.args.unit)
                    .map_err(|error| error.to_string()),
            ),
            Question::Reload(plan) => {
                let done = self.reload(plan.clone());
                self.say(&done);
                bytes(Ok(done))
            }
            Question::Stop => {
                self.is_ending = true;
                bytes(Ok(Done {
                    done: Some("the agent ends".to_owned()),
                    refused: None,
                }))
            }
        }
    }

    fn reload(&mut self, plan: Option<PathBuf>) -> Done {
        notify::tell("RELOADING=1");
        let result = self.take(plan.unwrap_or_else(|| self.plan.clone()));
        notify::tell("READY=1");
        match result {
            Ok(()) => Done {
                done: Some(format!("marking by `{}`", self.plan.display())),
                refused: None,
            },
            Err(why) => Done {
                done: None,
                refused: Some(why),
            },
        }
    }

    fn take(&mut self, plan: PathBuf) -> Result<(), String> {
        let said = |failure: Failure| {
            let text = failure.message;
            text.unwrap_or_else(|| "the plan cannot be used; `perhop check` says why".to_owned())
        };
        let loaded = cmd::load(&plan, self.ui).map_err(said)?;
        let scope = super::scope(&loaded.policy, self.args.scope.as_deref()).map_err(said)?;
        self.agent
            .reload(&loaded.policy, scope, priorities(&loaded.policy))
            .map_err(|error| error.to_string())?;
        (self.policy, self.scope, self.plan) = (loaded.policy, scope, plan);
        Ok(())
    }
}

fn bytes(value: Result<impl Serialize, String>) -> Vec<u8> {
    let mut out = Vec::new();
    let written = match value {
        Ok(value) => json::write(&mut out, &value),
        Err(refused) => json::write(
            &mut out,
            &Done {
                done: None,
                refused: Some(refused),
            },
        ),
    };
    // Writing to memory does not fail.
    let _ = written;
    out
}
