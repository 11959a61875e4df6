//! What of an agent does not end with its process: queues, filters of kernels without `tcx`, tables of nftables.
//!
//! An agent that ends takes it away. For one that is killed another process does, which is told all the time what there
//! is; and the next agent does.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use super::{fallback, shaping};
use crate::mark::nft::TABLE;
use crate::netlink::{self, filter, link};

/// Something that stays when a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trace {
    /// Queues at the interface with this number.
    Queues(u32),
    /// A filter at an interface.
    Filter {
        /// The interface's number.
        interface: u32,
        /// Whether the place of filters goes with it.
        made: bool,
    },
    /// The table of nftables.
    Table,
}

impl Trace {
    /// Reads what [`fmt::Display`] writes.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            ["queues", number] => Some(Self::Queues(number.parse().ok()?)),
            ["filter", number] => Some(Self::Filter {
                interface: number.parse().ok()?,
                made: false,
            }),
            ["filter", number, "made"] => Some(Self::Filter {
                interface: number.parse().ok()?,
                made: true,
            }),
            ["table"] => Some(Self::Table),
            _ => None,
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queues(interface) => write!(f, "queues {interface}"),
            Self::Filter {
                interface,
                made: false,
            } => write!(f, "filter {interface}"),
            Self::Filter { interface, .. } => write!(f, "filter {interface} made"),
            Self::Table => f.write_str("table"),
        }
    }
}

/// What there is in this network namespace of agents; it may be that of one that runs.
///
/// # Errors
/// What the kernel refuses.
pub fn find() -> io::Result<Vec<Trace>> {
    let mut route = netlink::Socket::route(0)?;
    let mut out: Vec<Trace> = shaping::trees(&mut route)?
        .into_iter()
        .map(Trace::Queues)
        .collect();
    let interfaces = route.ask(link::request())?;
    for interface in interfaces.iter().filter_map(link::read) {
        let mut filters = Vec::new();
        for parent in filter::PLACES {
            // Without a place for filters there are none.
            let found = route.ask(filter::request(interface.index, parent));
            filters.extend(found.unwrap_or_default().iter().filter_map(filter::read));
        }
        if filters.iter().any(filter::is_ours) {
            out.push(Trace::Filter {
                interface: interface.index,
                made: filters.iter().all(filter::is_ours),
            });
        }
    }
    if fallback::is_there() {
        out.push(Trace::Table);
    }
    Ok(out)
}

/// Takes it away; in words, what there was.
///
/// # Errors
/// What the kernel refuses.
pub fn remove(traces: &[Trace]) -> io::Result<Vec<String>> {
    let mut route = netlink::Socket::route(0)?;
    let interfaces = route.ask(link::request())?;
    let names: BTreeMap<u32, String> = interfaces
        .iter()
        .filter_map(link::read)
        .map(|interface| (interface.index, interface.name))
        .collect();
    let mut out = Vec::new();
    for trace in traces {
        let name = |interface: &u32| names.get(interface).cloned().unwrap_or_default();
        match trace {
            Trace::Queues(interface) if shaping::remove(*interface, &mut route) => {
                out.push(format!("queues at `{}`", name(interface)));
            }
            Trace::Filter { interface, made } => {
                if route.ask(filter::remove_filter(*interface)).is_ok() {
                    out.push(format!("a filter at `{}`", name(interface)));
                }
                if *made {
                    let _ = route.ask(filter::remove_clsact(*interface));
                }
            }
            Trace::Table if fallback::remove() => {
                out.push(format!("the table `inet {TABLE}` of nftables"));
            }
            Trace::Queues(_) | Trace::Table => {}
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_are_read_as_written() {
        for trace in [
            Trace::Queues(7),
            Trace::Filter {
                interface: 3,
                made: true,
            },
            Trace::Filter {
                interface: 4,
                made: false,
            },
            Trace::Table,
        ] {
            assert_eq!(Trace::read(&trace.to_string()), Some(trace));
        }
        assert_eq!(Trace::read("queues of v0"), None);
    }
}
