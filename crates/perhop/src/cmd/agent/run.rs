//! `perhop agent run`: the loop.

use std::os::fd::{AsRawFd, RawFd};
use std::path::PathBuf;
use std::time::Duration;

use perhop_host::agent::pattern::matches;
use perhop_host::agent::{Agent, AgentError, Attach, Event, Extras, Settings, Unit, wait};
use perhop_host::interrupt::{Hangup, Interrupt};
use perhop_policy::{PolicySet, ScopeId};
use serde::Serialize;

use super::client::Done;
use super::control::{Control, Question};
use super::metrics::Metrics;
use super::sockets::Sockets;
use super::status::Status;
use super::watch::Watcher;
use super::{RunArgs, client, notify, shape};
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
    let extras = shape::extras(&policy, args)?;
    shape::tell(&policy, scope, args, ui);
    for what in client::sweep() {
        ui.tell(&format!("a killed agent had left {what}; it is gone\n"));
    }
    let (agent, events) = start(&policy, scope, extras, args, ui)?;
    let mut running = Running {
        agent,
        policy,
        scope,
        plan: args.plan.clone(),
        args,
        ui,
        is_ending: false,
    };
    let mut watcher = Watcher::default();
    watcher.tell(running.agent.traces(), ui);
    running.tell(&events);
    running.miss();
    running.lose();
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
        watcher.tell(running.agent.traces(), ui);
    }
    notify::tell("STOPPING=1");
    drop(running);
    watcher.finish(ui);
    ui.tell("ended; the kernel is as it was before\n");
    Ok(Outcome::AsPlanned)
}

/// Begins to mark: by programs, and by nftables where that is wanted or the kernel takes no programs.
fn start(
    policy: &PolicySet,
    scope: ScopeId,
    extras: Extras,
    args: &RunArgs,
    ui: &Ui,
) -> Result<(Agent, Vec<Event>), Failure> {
    let mut settings = Settings {
        interfaces: args.interface.clone(),
        forwarded: args.forwarded,
        keep_marks: args.keep_marks,
        attach: match args.attach {
            super::Attach::Auto => Attach::Auto,
            super::Attach::Tcx => Attach::Tcx,
            super::Attach::Clsact => Attach::Clsact,
        },
        units: args
            .unit
            .iter()
            .map(|(executable, group)| Unit {
                executable: executable.clone(),
                group: group.clone(),
            })
            .collect(),
        throttle: args.throttle,
        links: args.queues.clone(),
        without_programs: args.without_bpf,
    };
    let first = Agent::start(policy, scope, settings.clone(), extras.clone());
    let why = match first {
        Err(
            why @ (AgentError::NoKernelSupport { .. }
            | AgentError::NoControlGroups
            | AgentError::NoTypes(_)
            | AgentError::Types(_)
            | AgentError::Refused { .. }),
        ) if !args.without_bpf => why,
        done => return done.map_err(|error| super::refused(&error)),
    };
    settings.without_programs = true;
    let second = Agent::start(policy, scope, settings, extras);
    // Where nftables does not help either, what was wrong first is what is to be mended.
    let done = second.map_err(|_| super::refused(&why))?;
    ui.warn(&format!("{why}; marking with nftables instead"));
    Ok(done)
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
            if !there.iter().any(|(name, ..)| matches(pattern, name)) {
                self.ui.warn(&format!(
                    "no interface `{pattern}` is there now; it is marked at when it comes"
                ));
            }
        }
        for (pattern, _) in &self.args.queues {
            if !there.iter().any(|(name, ..)| matches(pattern, name)) {
                self.ui.warn(&format!(
                    "no interface `{pattern}` is marked at now, so there are no queues for it yet"
                ));
            }
        }
    }

    /// Says what nftables cannot keep to.
    fn lose(&self) {
        let [wider, absent] = self.agent.losses(&self.policy);
        if !wider.is_empty() {
            self.ui.warn(&format!(
                "without BPF executables are not told apart: every program on the ports of {} is marked",
                listed(&wider)
            ));
        }
        if !absent.is_empty() {
            self.ui.warn(&format!(
                "without BPF nothing is marked by {}, which would mark every program on every port",
                listed(&absent)
            ));
        }
        for group in self.agent.missing_groups() {
            self.ui.warn(&format!(
                "no control group `{group}` is there below /sys/fs/cgroup; its rules go by ports until a reload finds it"
            ));
        }
    }

    fn tell(&self, events: &[Event]) {
        for event in events {
            match event {
                Event::Attached(name) => self.ui.tell(&format!("marking at `{name}`\n")),
                Event::Queued(name) => self.ui.tell(&format!("queues at `{name}`\n")),
                Event::NotQueued(name, why) => {
                    self.ui.warn(&format!("no queues at `{name}`: {why}"));
                }
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
        let extras = shape::extras(&loaded.policy, self.args).map_err(said)?;
        shape::tell(&loaded.policy, scope, self.args, self.ui);
        let events = self
            .agent
            .reload(&loaded.policy, scope, extras)
            .map_err(|error| error.to_string())?;
        (self.policy, self.scope, self.plan) = (loaded.policy, scope, plan);
        self.tell(&events);
        self.lose();
        Ok(())
    }
}

fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(5)
        .map(|name| format!("`{name}`"))
        .collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
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
