//! What marks: programs and tables of our own, or a table of nftables where the kernel takes no programs.

use std::os::fd::AsRawFd;

use perhop_policy::{PolicySet, ScopeId};

use super::AgentError;
use super::engine::Settings;
use super::fallback::Fallback;
use super::identity::Identity;
use super::maps::{Count, Maps};
use super::place::Place;
use super::processes::{Process, copy};
use crate::bpf::sys::Program;
use crate::mark::program::{AppSource, Link, Options};
use crate::mark::table::{self, Tables, applications};
use crate::netlink;

/// Either of them.
#[derive(Debug)]
pub(super) enum Marks {
    Programs(Box<Programs>),
    Fallback(Fallback),
}

/// Programs that tell applications apart, and those that mark.
#[derive(Debug)]
pub(super) struct Programs {
    identity: Identity,
    now: Generation,
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

impl Programs {
    /// Gives a plan to the kernel.
    ///
    /// # Errors
    /// What it refuses.
    pub(super) fn start(
        policy: &PolicySet,
        scope: ScopeId,
        settings: &Settings,
        options: &table::Options,
    ) -> Result<Self, AgentError> {
        let mut identity = Identity::new(&settings.units)?;
        identity.register(applications(policy, scope))?;
        let now = generation(policy, scope, &identity, settings, options)?;
        identity.publish()?;
        Ok(Self { identity, now })
    }

    /// The program for packets that begin so.
    pub(super) const fn program(&self, link: Link) -> &Program {
        self.now.program(link)
    }

    /// Puts another plan in the place of the present one; what the one before counted.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub(super) fn reload<'a>(
        &mut self,
        policy: &PolicySet,
        scope: ScopeId,
        (settings, options): (&Settings, &table::Options),
        places: impl Iterator<Item = (Link, &'a Place)>,
        route: &mut netlink::Socket,
    ) -> Result<Vec<(String, Count)>, AgentError> {
        self.identity.register(applications(policy, scope))?;
        let next = generation(policy, scope, &self.identity, settings, options)?;
        for (link, place) in places {
            place.replace(next.program(link), route)?;
        }
        let last = std::mem::replace(&mut self.now, next);
        // Applications that the plan before did not know.
        self.identity.publish()?;
        self.scan();
        Ok(last.names.into_iter().zip(last.maps.counts()?).collect())
    }

    /// Writes into the sockets that exist which application they belong to; how many there were.
    pub(super) fn scan(&self) -> usize {
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
}

impl Marks {
    /// What was counted since the last plan, by rule.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub(super) fn counts(&self) -> Result<Vec<(String, Count)>, AgentError> {
        let (names, counts) = match self {
            Self::Programs(programs) => {
                (programs.now.names.as_slice(), programs.now.maps.counts()?)
            }
            Self::Fallback(fallback) => (fallback.names(), fallback.counts()?),
        };
        Ok(names.iter().cloned().zip(counts).collect())
    }

    /// Looks where the files of executables are now.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub(super) fn find_files(&mut self) -> Result<(), AgentError> {
        match self {
            Self::Programs(programs) => programs.identity.find_files(),
            Self::Fallback(_) => Ok(()),
        }
    }
}

fn generation(
    policy: &PolicySet,
    scope: ScopeId,
    identity: &Identity,
    settings: &Settings,
    options: &table::Options,
) -> Result<Generation, AgentError> {
    let tables = Tables::new(policy, scope, identity.apps(), options)?;
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
