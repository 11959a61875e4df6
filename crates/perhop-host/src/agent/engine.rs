//! The agent: what is in the kernel now, and how it is changed.

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, RawFd};

use perhop_policy::{ClassId, PolicySet, ScopeId};

use super::identity::{Identity, Unit};
use super::maps::{Count, Maps};
use super::place::{Attach, Place};
use super::processes::{Process, copy};
use super::{AgentError, pattern};
use crate::bpf::sys::Program;
use crate::mark::program::{AppSource, Link, Options};
use crate::mark::table::{self, Tables, applications};
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
    /// The priority of a class' packets in the kernel.
    pub priorities: Vec<(ClassId, u32)>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Packets of an interface are marked from now on.
    Attached(String),
    /// An interface has gone.
    Gone(String),
    /// An interface whose packets cannot be marked, and why.
    Skipped(String, String),
}

/// The tables and programs of one plan.
#[derive(Debug)]
struct Generation {
    maps: Maps,
    names: Vec<String>,
    ethernet: Program,
    bare: Program,
}

impl Generation {
    const fn program(&self, link: Link) -> &Program {
        match link {
            Link::Ethernet => &self.ethernet,
            Link::None => &self.bare,
        }
    }
}

#[derive(Debug)]
struct Held {
    name: String,
    link: Link,
    place: Place,
}

/// Marks in the kernel, for as long as this lives.
#[derive(Debug)]
pub struct Agent {
    settings: Settings,
    identity: Identity,
    now: Generation,
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
    ) -> Result<(Self, Vec<Event>), AgentError> {
        let socket = |groups| {
            netlink::Socket::route(groups)
                .map_err(|error| AgentError::system("ask the kernel for interfaces", error))
        };
        // Heard before the first look, so that nothing falls between.
        let told = socket(link::GROUP)?;
        let route = socket(0)?;
        let mut identity = Identity::new(&settings.units)?;
        identity.register(applications(policy, scope))?;
        let now = generation(policy, scope, &identity, &settings)?;
        identity.publish()?;
        let mut agent = Self {
            settings,
            identity,
            now,
            held: BTreeMap::new(),
            skipped: BTreeMap::new(),
            before: BTreeMap::new(),
            route,
            told,
        };
        agent.scan();
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
        priorities: Vec<(ClassId, u32)>,
    ) -> Result<(), AgentError> {
        let mut settings = self.settings.clone();
        settings.priorities = priorities;
        self.identity.register(applications(policy, scope))?;
        let next = generation(policy, scope, &self.identity, &settings)?;
        for held in self.held.values() {
            held.place
                .replace(next.program(held.link), &mut self.route)?;
        }
        let last = std::mem::replace(&mut self.now, next);
        self.settings = settings;
        for (name, count) in last.names.iter().zip(last.maps.counts()?) {
            let total = self.before.entry(name.clone()).or_default();
            *total = total.plus(count);
        }
        // Applications that the plan before did not know.
        self.identity.publish()?;
        self.scan();
        Ok(())
    }

    /// Writes into the sockets that exist which application they belong to; how many there were.
    pub fn scan(&self) -> usize {
        let mut count = 0;
        for process in Process::all() {
            let number = self.identity.number(&process.executable, &process.groups());
            if number == 0 {
                continue;
            }
            for (descriptor, _) in process.sockets() {
                let socket = copy(process.pid, descriptor);
                let tagged = socket.and_then(|fd| self.identity.tag(fd.as_raw_fd(), number));
                count += usize::from(tagged.is_ok());
            }
        }
        count
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
        self.identity.find_files()?;
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
        let now = self.now.maps.counts()?;
        let names = self.now.names.iter().cloned();
        Ok(names
            .zip(now)
            .map(|(name, count)| {
                let before = self.before.get(&name).copied().unwrap_or_default();
                (name, before.plus(count))
            })
            .collect())
    }

    /// The interfaces whose packets are marked, and how: `tcx` or `clsact`.
    #[must_use]
    pub fn interfaces(&self) -> Vec<(&str, &'static str)> {
        let each = self.held.values();
        each.map(|held| (held.name.as_str(), held.place.word()))
            .collect()
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
                held.place.release(&mut self.route);
                events.push(Event::Gone(held.name));
            }
        }
        for (index, interface) in there {
            if let Some(held) = self.held.get_mut(&index) {
                held.name = interface.name;
            } else if self.wants(&interface) && !self.skipped.contains_key(&index) {
                events.push(self.hold(interface));
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

    fn hold(&mut self, interface: link::Interface) -> Event {
        let name = interface.name.clone();
        let Some(link) = interface.link() else {
            let kind = interface.kind;
            let error = AgentError::UnknownLink {
                name: name.clone(),
                kind,
            };
            self.skipped.insert(interface.index, name.clone());
            return Event::Skipped(name, error.to_string());
        };
        let program = self.now.program(link);
        match Place::new(
            program,
            interface.index,
            self.settings.attach,
            &mut self.route,
        ) {
            Ok(place) => {
                let held = Held {
                    name: interface.name,
                    link,
                    place,
                };
                self.held.insert(interface.index, held);
                Event::Attached(name)
            }
            Err(error) => {
                self.skipped.insert(interface.index, name.clone());
                Event::Skipped(name, error.to_string())
            }
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        for (_, held) in std::mem::take(&mut self.held) {
            held.place.release(&mut self.route);
        }
    }
}

fn generation(
    policy: &PolicySet,
    scope: ScopeId,
    identity: &Identity,
    settings: &Settings,
) -> Result<Generation, AgentError> {
    let options = table::Options {
        keep_marks: settings.keep_marks,
        priorities: settings.priorities.clone(),
    };
    let tables = Tables::new(policy, scope, identity.apps(), &options)?;
    let maps = Maps::new(&tables)?;
    let program = |link| {
        let options = Options {
            link,
            app: AppSource::Socket,
            forwarded: settings.forwarded,
        };
        maps.program(&tables, identity.tags(), &options)
    };
    let (ethernet, bare) = (program(Link::Ethernet)?, program(Link::None)?);
    let names = tables.rules.iter();
    let names = names.map(|&id| policy.rule(id).name.clone()).collect();
    Ok(Generation {
        maps,
        names,
        ethernet,
        bare,
    })
}
