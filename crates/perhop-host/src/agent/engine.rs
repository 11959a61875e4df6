//! The agent: what is in the kernel now, and how it is changed.

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, RawFd};

use perhop_policy::{ClassId, PolicySet, Rate, ScopeId};

use super::fallback::Fallback;
use super::identity::Unit;
use super::maps::Count;
use super::marks::{Marks, Programs};
use super::place::{Attach, Place};
use super::shaping::{self, Queues, Throttles};
use super::traces::Trace;
use super::{AgentError, pattern};
use crate::mark::program::Link;
use crate::mark::table;
use crate::netlink::{self, link};

/// How to mark.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Names of interfaces, `*` for any letters; all that do not lead back and are no part of another when empty.
    pub interfaces: Vec<String>,
    /// Packets that came in at an interface are marked as well.
    pub forwarded: bool,
    /// A mark that an application put on by itself stays.
    pub keep_marks: bool,
    /// How programs are attached to interfaces.
    pub attach: Attach,
    /// Control groups that stand for executables.
    pub units: Vec<Unit>,
    /// Rules with a throttle are kept to it.
    pub throttle: bool,
    /// Interfaces (`*` for any letters) that get the plan's queues, and the rate of their links.
    pub links: Vec<(String, Rate)>,
    /// By nftables alone, without programs.
    pub without_programs: bool,
}

/// What the caller made of a plan beside the rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extras {
    /// The priority of a class' packets in the kernel.
    pub priorities: Vec<(ClassId, u32)>,
    /// Queues for links whose rate is known.
    pub queues: Queues,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Packets of an interface are marked from now on.
    Attached(String),
    /// An interface has queues of ours from now on.
    Queued(String),
    /// An interface has gone.
    Gone(String),
    /// An interface whose packets cannot be marked, and why.
    Skipped(String, String),
    /// An interface that is marked at and cannot have queues, and why.
    NotQueued(String, String),
}

#[derive(Debug)]
struct Held {
    name: String,
    link: Link,
    /// None where nftables marks.
    place: Option<Place>,
    /// Whether it has queues of ours.
    queued: bool,
}

/// Marks in the kernel, for as long as this lives.
#[derive(Debug)]
pub struct Agent {
    settings: Settings,
    marks: Marks,
    throttles: Throttles,
    queues: Queues,
    held: BTreeMap<u32, Held>,
    /// Interfaces that were told to be skipped, so that it is told once.
    skipped: BTreeMap<u32, String>,
    /// What plans before this one counted, by rule.
    before: BTreeMap<String, Count>,
    route: netlink::Socket,
    told: netlink::Socket,
}

impl Agent {
    /// Begins to mark.
    ///
    /// # Errors
    /// What the kernel refuses; then nothing is left in it.
    pub fn start(
        policy: &PolicySet,
        scope: ScopeId,
        settings: Settings,
        extras: Extras,
    ) -> Result<(Self, Vec<Event>), AgentError> {
        let socket = |groups| {
            netlink::Socket::route(groups)
                .map_err(|error| AgentError::system("ask the kernel for interfaces", error))
        };
        // Heard before the first look, so that nothing falls between.
        let told = socket(link::GROUP)?;
        let route = socket(0)?;
        let mut throttles = Throttles::default();
        throttles.take(policy, scope, settings.throttle);
        let options = options(&settings, &throttles, extras.priorities);
        let marks = if settings.without_programs {
            let more = (settings.units.as_slice(), settings.forwarded);
            Marks::Fallback(Fallback::start(policy, scope, more, options)?)
        } else {
            let programs = Programs::start(policy, scope, &settings, &options)?;
            programs.scan();
            Marks::Programs(Box::new(programs))
        };
        let mut agent = Self {
            settings,
            marks,
            throttles,
            queues: extras.queues,
            held: BTreeMap::new(),
            skipped: BTreeMap::new(),
            before: BTreeMap::new(),
            route,
            told,
        };
        let events = agent.look()?;
        Ok((agent, events))
    }

    /// Puts another plan in the place of the present one. No packet passes without a program; a plan that the kernel does
    /// not take changes nothing.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn reload(
        &mut self,
        policy: &PolicySet,
        scope: ScopeId,
        extras: Extras,
    ) -> Result<Vec<Event>, AgentError> {
        let mut throttles = self.throttles.clone();
        throttles.take(policy, scope, self.settings.throttle);
        let options = options(&self.settings, &throttles, extras.priorities);
        // Queues first: then there is a place for what the new rules put there.
        let before = std::mem::replace(&mut self.throttles, throttles);
        let last = std::mem::replace(&mut self.queues, extras.queues);
        let events = self.requeue(&last);
        let counted = match &mut self.marks {
            Marks::Programs(programs) => {
                let places = self.held.values();
                let places = places.filter_map(|held| Some((held.link, held.place.as_ref()?)));
                let how = (&self.settings, &options);
                programs.reload(policy, scope, how, places, &mut self.route)
            }
            Marks::Fallback(fallback) => {
                let names = fallback.names().to_vec();
                let counts = fallback.counts()?;
                let loaded = fallback.load(policy, scope, options);
                loaded.map(|()| names.into_iter().zip(counts).collect())
            }
        };
        let counted = match counted {
            Ok(counted) => counted,
            Err(error) => {
                self.throttles = before;
                let refused = std::mem::replace(&mut self.queues, last);
                self.requeue(&refused);
                return Err(error);
            }
        };
        for (name, count) in counted {
            let total = self.before.entry(name).or_default();
            *total = total.plus(count);
        }
        Ok(events)
    }

    /// What readiness to read of means that [`Self::turn`] has something to do.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.told.as_raw_fd()
    }

    /// Does what is due: interfaces that came or went, executables that were replaced. Once a second is often enough.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn turn(&mut self) -> Result<Vec<Event>, AgentError> {
        self.marks.find_files()?;
        let any = self
            .told
            .drain()
            .map_err(|error| AgentError::system("hear of interfaces", error))?;
        if any { self.look() } else { Ok(Vec::new()) }
    }

    /// Counters by rule, in the order of the plan.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn counts(&self) -> Result<Vec<(String, Count)>, AgentError> {
        let now = self.marks.counts()?;
        Ok(now
            .into_iter()
            .map(|(name, count)| {
                let before = self.before.get(&name).copied().unwrap_or_default();
                (name, before.plus(count))
            })
            .collect())
    }

    /// The interfaces whose packets are marked, how (`tcx`, `clsact` or `nftables`), and whether they have queues of ours.
    #[must_use]
    pub fn interfaces(&self) -> Vec<(&str, &'static str, bool)> {
        let each = self.held.values();
        each.map(|held| {
            let word = held.place.as_ref().map_or("nftables", Place::word);
            (held.name.as_str(), word, held.queued)
        })
        .collect()
    }

    /// Whether rewritten and kept marks are counted: nftables does not.
    #[must_use]
    pub const fn counts_marks(&self) -> bool {
        matches!(self.marks, Marks::Programs(_))
    }

    /// What stays in the kernel when this process is killed.
    #[must_use]
    pub fn traces(&self) -> Vec<Trace> {
        let mut out = Vec::new();
        for (&interface, held) in &self.held {
            if held.queued {
                out.push(Trace::Queues(interface));
            }
            if let Some(Place::Clsact { made, .. }) = held.place {
                out.push(Trace::Filter { interface, made });
            }
        }
        if matches!(self.marks, Marks::Fallback(_)) {
            out.push(Trace::Table);
        }
        out
    }

    /// Where nftables marks: rules that mark every program on their ports, and rules that are left out since they name an
    /// executable and no ports.
    #[must_use]
    pub fn losses(&self, policy: &PolicySet) -> [Vec<String>; 2] {
        match &self.marks {
            Marks::Programs(_) => Default::default(),
            Marks::Fallback(fallback) => fallback.losses(policy),
        }
    }

    /// Where nftables marks: control groups that were named and are not there, so that their rules go by ports.
    #[must_use]
    pub fn missing_groups(&self) -> Vec<&str> {
        match &self.marks {
            Marks::Programs(_) => Vec::new(),
            Marks::Fallback(fallback) => fallback.missing(),
        }
    }

    /// Compares what there is with what is held.
    fn look(&mut self) -> Result<Vec<Event>, AgentError> {
        let replies = self
            .route
            .ask(link::request())
            .map_err(|error| AgentError::system("list the interfaces", error))?;
        let there: BTreeMap<u32, link::Interface> = replies
            .iter()
            .filter_map(link::read)
            .map(|interface| (interface.index, interface))
            .collect();
        let mut events = Vec::new();
        self.skipped.retain(|index, _| there.contains_key(index));
        let gone: Vec<u32> = self
            .held
            .keys()
            .copied()
            .filter(|index| there.get(index).is_none_or(|found| !self.wants(found)))
            .collect();
        for index in gone {
            if let Some(held) = self.held.remove(&index) {
                events.push(Event::Gone(held.name.clone()));
                self.release(index, held);
            }
        }
        for (index, interface) in there {
            if let Some(held) = self.held.get_mut(&index) {
                let last = std::mem::replace(&mut held.name, interface.name.clone());
                if let (true, Marks::Fallback(table)) = (last != interface.name, &mut self.marks) {
                    // nftables knows interfaces by name; one that is gone need not be taken out.
                    let _ = table.set(&last, false);
                    table.set(&interface.name, true)?;
                }
            } else if self.wants(&interface) && !self.skipped.contains_key(&index) {
                self.hold(interface, &mut events);
            }
        }
        Ok(events)
    }

    fn wants(&self, interface: &link::Interface) -> bool {
        if self.settings.interfaces.is_empty() {
            return !interface.is_loopback && !interface.has_master;
        }
        let mut patterns = self.settings.interfaces.iter();
        patterns.any(|pattern| pattern::matches(pattern, &interface.name))
    }

    fn hold(&mut self, interface: link::Interface, events: &mut Vec<Event>) {
        let (index, name) = (interface.index, interface.name.clone());
        match self.place(&interface) {
            Ok((link, place)) => {
                let held = Held {
                    name: interface.name,
                    link,
                    place,
                    queued: false,
                };
                self.held.insert(index, held);
                events.push(Event::Attached(name));
                events.extend(self.queue(index));
            }
            Err(error) => {
                self.skipped.insert(index, name.clone());
                events.push(Event::Skipped(name, error.to_string()));
            }
        }
    }

    /// Lets packets of an interface be marked.
    fn place(&mut self, interface: &link::Interface) -> Result<(Link, Option<Place>), AgentError> {
        match &mut self.marks {
            Marks::Fallback(fallback) => {
                fallback.set(&interface.name, true)?;
                Ok((Link::None, None))
            }
            Marks::Programs(programs) => {
                let link = interface.link().ok_or_else(|| AgentError::UnknownLink {
                    name: interface.name.clone(),
                    kind: interface.kind,
                })?;
                let program = programs.program(link);
                let attach = self.settings.attach;
                let place = Place::new(program, interface.index, attach, &mut self.route)?;
                Ok((link, Some(place)))
            }
        }
    }

    fn release(&mut self, index: u32, held: Held) {
        if held.queued {
            shaping::remove(index, &mut self.route);
        }
        match (held.place, &mut self.marks) {
            (Some(place), _) => place.release(&mut self.route),
            (None, Marks::Fallback(fallback)) => {
                let _ = fallback.set(&held.name, false);
            }
            (None, Marks::Programs(_)) => {}
        }
    }

    /// The rate of an interface's link, where the plan's classes are wanted there.
    fn link(&self, name: &str) -> Option<Rate> {
        let mut links = self.settings.links.iter();
        let found = links.find(|(pattern, _)| pattern::matches(pattern, name));
        found.map(|(_, rate)| *rate)
    }

    /// Makes queues at an interface that has none, where some are wanted.
    fn queue(&mut self, index: u32) -> Option<Event> {
        let name = self.held.get(&index)?.name.clone();
        let link = self.link(&name);
        if link.is_none() && self.throttles.is_empty() {
            return None;
        }
        let made = shaping::install(index, link, &self.queues, &self.throttles, &mut self.route);
        Some(match made {
            Ok(()) => {
                self.held.get_mut(&index)?.queued = true;
                Event::Queued(name)
            }
            Err(error) => Event::NotQueued(name, error.to_string()),
        })
    }

    /// Makes the queues of all interfaces what they are to be now. `last`: the classes before.
    fn requeue(&mut self, last: &Queues) -> Vec<Event> {
        let mut events = Vec::new();
        let all: Vec<(u32, bool, String)> = self
            .held
            .iter()
            .map(|(&index, held)| (index, held.queued, held.name.clone()))
            .collect();
        for (index, queued, name) in all {
            if !queued {
                events.extend(self.queue(index));
                continue;
            }
            let (link, queues) = (self.link(&name), (Some(last), &self.queues));
            let made = shaping::update(index, link, queues, &self.throttles, &mut self.route);
            if let Err(error) = made {
                events.push(Event::NotQueued(name, error.to_string()));
            }
        }
        events
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        for (index, held) in std::mem::take(&mut self.held) {
            self.release(index, held);
        }
    }
}

fn options(
    settings: &Settings,
    throttles: &Throttles,
    priorities: Vec<(ClassId, u32)>,
) -> table::Options {
    table::Options {
        keep_marks: settings.keep_marks,
        priorities,
        throttles: throttles.priorities(),
    }
}
