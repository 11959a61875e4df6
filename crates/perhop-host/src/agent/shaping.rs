//! Throttles and queues: a tree of token buckets at the root of an interface.
//!
//! A packet of a throttled rule has its class in its priority, which the program that marks has set; the classes of a plan
//! go by the mark, whoever put it on. What has no class passes at once, or shares what the plan leaves where the link's
//! rate is given. A tree lives as long as its interface, not as long as a process.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use perhop_policy::{Dscp, PolicySet, Rate, RuleId, ScopeId};

use super::AgentError;
use crate::netlink;
use crate::netlink::queue::{self, Class, FAMILIES, HANDLE, Qdisc};

/// The class of the whole link.
const LINK: u16 = 1;
/// Numbers of throttled rules' classes begin here.
const THROTTLES: u16 = 0x1000;
/// So many there are, up to `0xfffe`.
const ROOM: usize = 0xffff - THROTTLES as usize;

/// A class of the plan at an interface whose rate is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkQueue {
    /// The number of its class, below `0x1000`.
    pub minor: u16,
    /// The share of the link that it is sure of, percent.
    pub share: u8,
    /// Lower is served first.
    pub urgency: u32,
    /// The marks that it takes; those of the rest are no other's.
    pub dscps: Vec<Dscp>,
}

/// What of a plan becomes queues.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Queues {
    /// The classes; the last one takes what has none of their marks. None where there is no link.
    pub classes: Vec<MarkQueue>,
}

/// The classes of throttled rules: each has a number for as long as the plan has the rule, so that a reload changes rates
/// in place. A number whose rule is gone is given anew when no other is left.
#[derive(Debug, Clone, Default)]
pub(super) struct Throttles {
    numbers: BTreeMap<String, u16>,
    now: Vec<(RuleId, Class)>,
}

impl Throttles {
    /// Takes the throttles of a scope's rules, when they are wanted.
    pub(super) fn take(&mut self, policy: &PolicySet, scope: ScopeId, wanted: bool) {
        self.now.clear();
        let throttled: Vec<_> = (0..)
            .map(RuleId)
            .zip(policy.rules())
            .filter(|(_, rule)| wanted && rule.scope == scope)
            .filter_map(|(id, rule)| Some((id, rule.name.as_str(), rule.throttle?)))
            .collect();
        let names: BTreeSet<&str> = throttled.iter().map(|(_, name, _)| *name).collect();
        for (id, name, rate) in throttled {
            let Some(minor) = self.number(name, &names) else {
                // More rules than there are numbers: no plan has so many.
                break;
            };
            let class = Class {
                minor,
                parent: 0,
                rate,
                ceil: rate,
                urgency: 2,
            };
            self.now.push((id, class));
        }
    }

    /// The number of a rule: the one it has, else one that was never given, else that of a rule that is gone, whose packets
    /// may still be on their way. `None` when all are in use.
    fn number(&mut self, name: &str, names: &BTreeSet<&str>) -> Option<u16> {
        if let Some(minor) = self.numbers.get(name) {
            return Some(*minor);
        }
        let given = self.numbers.len();
        let minor = if given < ROOM {
            THROTTLES + given as u16
        } else {
            let mut gone = self
                .numbers
                .keys()
                .filter(|one| !names.contains(one.as_str()));
            let gone = gone.next()?.clone();
            self.numbers.remove(&gone)?
        };
        self.numbers.insert(name.to_owned(), minor);
        Some(minor)
    }

    /// The priority that a rule's packets get.
    pub(super) fn priorities(&self) -> Vec<(RuleId, u32)> {
        let each = self.now.iter();
        each.map(|(id, class)| (*id, HANDLE | u32::from(class.minor)))
            .collect()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.now.is_empty()
    }
}

/// Makes the tree of an interface. `link`: its rate, where the plan's classes are wanted.
///
/// # Errors
/// Queues that somebody else set; what the kernel refuses, and then there is no tree.
pub(super) fn install(
    interface: u32,
    link: Option<Rate>,
    queues: &Queues,
    throttles: &Throttles,
    route: &mut netlink::Socket,
) -> Result<(), AgentError> {
    match root(interface, route)? {
        Some(found) if is_ours(&found) => ask(route, queue::remove_tree(interface))?,
        Some(found) if found.handle != 0 => {
            return Err(AgentError::OtherQueues { kind: found.kind });
        }
        _ => {}
    }
    let rest = link.and(queues.classes.last());
    ask(
        route,
        queue::add_tree(interface, rest.map_or(0, |class| class.minor)),
    )?;
    let made = update(interface, link, (None, queues), throttles, route);
    if made.is_err() {
        remove(interface, route);
    }
    made
}

/// Makes the tree of an interface what it is to be now. `queues`: those before, when there were any, and those now.
///
/// # Errors
/// What the kernel refuses.
pub(super) fn update(
    interface: u32,
    link: Option<Rate>,
    (before, queues): (Option<&Queues>, &Queues),
    throttles: &Throttles,
    route: &mut netlink::Socket,
) -> Result<(), AgentError> {
    if let (Some(link), true) = (link, before != Some(queues)) {
        marks(interface, link, queues, before.is_some(), route)?;
    }
    for (_, class) in &throttles.now {
        let mut class = *class;
        if let Some(link) = link {
            // It is sure of little, and may have its rate when others leave it.
            class.parent = LINK;
            class.ceil = class.ceil.min(link);
            class.rate = share(link, 1).min(class.ceil);
        }
        set(interface, &class, route)?;
    }
    Ok(())
}

fn marks(
    interface: u32,
    link: Rate,
    queues: &Queues,
    again: bool,
    route: &mut netlink::Socket,
) -> Result<(), AgentError> {
    let whole = Class {
        minor: LINK,
        parent: 0,
        rate: link,
        ceil: link,
        urgency: 0,
    };
    ask(route, queue::set_class(interface, &whole))?;
    if again {
        for six in FAMILIES {
            // There may be none.
            let _ = route.ask(queue::remove_filters(interface, six));
        }
    }
    for of in &queues.classes {
        let class = Class {
            minor: of.minor,
            parent: LINK,
            rate: share(link, of.share),
            ceil: link,
            urgency: of.urgency,
        };
        set(interface, &class, route)?;
        for &dscp in &of.dscps {
            for six in FAMILIES {
                ask(route, queue::add_filter(interface, six, dscp, of.minor))?;
            }
        }
    }
    Ok(())
}

fn set(interface: u32, class: &Class, route: &mut netlink::Socket) -> Result<(), AgentError> {
    ask(route, queue::set_class(interface, class))?;
    ask(route, queue::set_leaf(interface, class))
}

fn share(link: Rate, percent: u8) -> Rate {
    let bits = link.bits() / 100 * u64::from(percent);
    Rate::try_new(bits).unwrap_or(Rate::LEAST)
}

/// Takes the tree of an interface away, when it is ours; whether it was.
pub(super) fn remove(interface: u32, route: &mut netlink::Socket) -> bool {
    route.ask(queue::remove_tree(interface)).is_ok()
}

/// The interfaces that have a tree of an agent's.
///
/// # Errors
/// What the kernel refuses.
pub(super) fn trees(route: &mut netlink::Socket) -> io::Result<Vec<u32>> {
    let replies = route.ask(queue::request())?;
    let all = replies.iter().filter_map(queue::read);
    Ok(all
        .filter(|found| found.is_root && is_ours(found))
        .map(|found| found.interface)
        .collect())
}

fn is_ours(found: &Qdisc) -> bool {
    found.handle == HANDLE && found.kind == "htb"
}

fn root(interface: u32, route: &mut netlink::Socket) -> Result<Option<Qdisc>, AgentError> {
    let replies = route
        .ask(queue::request())
        .map_err(|error| AgentError::system("list the queues", error))?;
    let mut all = replies.iter().filter_map(queue::read);
    Ok(all.find(|found| found.interface == interface && found.is_root))
}

fn ask(route: &mut netlink::Socket, message: netlink::message::Message) -> Result<(), AgentError> {
    let done = route.ask(message).map(drop);
    done.map_err(|error| match error.raw_os_error() {
        Some(libc::EPERM) => AgentError::NoPrivilege {
            doing: "making queues",
            capability: "the capability CAP_NET_ADMIN",
        },
        Some(libc::ENOENT | libc::EOPNOTSUPP) => AgentError::NoKernelSupport {
            what: "token buckets or filters by mark (CONFIG_NET_SCH_HTB, CONFIG_NET_CLS_U32)",
            remedy: "a kernel with CONFIG_NET_SCH_HTB and CONFIG_NET_CLS_U32 has them; perhaps `modprobe sch_htb cls_u32`",
        },
        _ => AgentError::system("make queues", error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<'a>(all: &[&'a str]) -> BTreeSet<&'a str> {
        all.iter().copied().collect()
    }

    #[test]
    fn numbers_of_rules_that_are_gone_are_given_anew_when_no_other_is_left() {
        let mut throttles = Throttles::default();
        let kept = throttles.number("kept", &names(&["kept"])).unwrap();
        assert_eq!(kept, THROTTLES);
        let mut seen = BTreeSet::from([kept]);
        for reload in 0..3 * ROOM {
            let name = format!("rule {reload}");
            let now = names(&["kept", &name]);
            let minor = throttles.number(&name, &now).unwrap();
            assert!((THROTTLES + 1..0xffff).contains(&minor), "{minor:#x}");
            assert!(
                reload + 1 >= ROOM || seen.insert(minor),
                "given before it had to"
            );
            assert_eq!(throttles.number(&name, &now), Some(minor), "it keeps it");
        }
        assert_eq!(throttles.number("kept", &names(&["kept"])), Some(kept));
        assert_eq!(throttles.numbers.len(), ROOM);
    }

    #[test]
    fn no_number_is_given_twice() {
        let all: Vec<String> = (0..ROOM).map(|at| format!("rule {at}")).collect();
        let now: BTreeSet<&str> = all.iter().map(String::as_str).collect();
        let mut throttles = Throttles::default();
        let given: BTreeSet<u16> = all
            .iter()
            .filter_map(|name| throttles.number(name, &now))
            .collect();
        assert_eq!(given.len(), ROOM);
        assert_eq!(throttles.number("one more", &now), None);
    }
}
