//! A program's place at the way out of an interface.

use std::io;
use std::os::fd::AsRawFd;

use super::AgentError;
use crate::bpf::sys::{Attached, Program, attach_type};
use crate::netlink::{self, filter};

/// How programs are attached to interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Attach {
    /// `tcx`, and where the kernel does not have it (before 6.6), `clsact`.
    #[default]
    Auto,
    /// Held by a descriptor: it goes when the process does.
    Tcx,
    /// A filter, which stays when the process is killed; the next run takes its place.
    Clsact,
}

/// A program at an interface.
#[derive(Debug)]
pub(super) enum Place {
    Tcx(Attached),
    Clsact { interface: u32, made: bool },
}

impl Place {
    pub(super) fn new(
        program: &Program,
        interface: u32,
        attach: Attach,
        route: &mut netlink::Socket,
    ) -> Result<Self, AgentError> {
        if attach != Attach::Clsact {
            match Attached::new(program, interface, attach_type::TCX_EGRESS) {
                Ok(attached) => return Ok(Self::Tcx(attached)),
                Err(error)
                    if attach == Attach::Auto && error.raw_os_error() == Some(libc::EINVAL) => {}
                Err(error) => return Err(super::maps::refused("attach to an interface", error)),
            }
        }
        let made = match route.ask(filter::add_clsact(interface)) {
            Ok(_) => true,
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => false,
            Err(error) => return Err(filter_failed(error)),
        };
        let place = Self::Clsact { interface, made };
        place.replace(program, route)?;
        Ok(place)
    }

    /// Puts another program into the place.
    pub(super) fn replace(
        &self,
        program: &Program,
        route: &mut netlink::Socket,
    ) -> Result<(), AgentError> {
        match self {
            Self::Tcx(attached) => attached
                .replace(program)
                .map_err(|error| AgentError::system("replace the program of an interface", error)),
            Self::Clsact { interface, .. } => route
                .ask(filter::set_filter(*interface, program.as_raw_fd()))
                .map(drop)
                .map_err(filter_failed),
        }
    }

    /// Leaves the place; an interface that is gone has none.
    pub(super) fn release(self, route: &mut netlink::Socket) {
        if let Self::Clsact { interface, made } = self {
            let _ = route.ask(filter::remove_filter(interface));
            if made {
                let _ = route.ask(filter::remove_clsact(interface));
            }
        }
    }

    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Tcx(_) => "tcx",
            Self::Clsact { .. } => "clsact",
        }
    }
}

fn filter_failed(error: io::Error) -> AgentError {
    match error.raw_os_error() {
        Some(libc::EPERM) => AgentError::NoPrivilege {
            doing: "attaching a filter",
            capability: "the capability CAP_NET_ADMIN",
        },
        Some(libc::ENOENT | libc::EOPNOTSUPP) => AgentError::NoKernelSupport {
            what: "filters by programs at interfaces",
            remedy: "a kernel from 6.6 on has tcx; older ones need CONFIG_NET_CLS_BPF and CONFIG_NET_SCH_INGRESS",
        },
        _ => AgentError::system("attach a filter", error),
    }
}
