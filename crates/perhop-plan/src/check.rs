//! Whether a plan is sound: the validity rules that a plan alone can decide, one file a subject.

use std::collections::BTreeSet;

use perhop_policy::{Diagnostic, PortRange};

use crate::catalogue::Medium;
use crate::code;
use crate::plan::{Plan, Range};
use crate::to_policy::{client_groups, server_groups};

mod aligned;
mod apps;
mod busy;
mod clients;
mod edge;
mod limits;
mod marks;
mod names;
mod places;
mod ranges;
mod servers;
mod unused;

pub(crate) use limits::check as limits;

/// Everything about the plan that is wrong, doubtful or worth knowing.
#[must_use]
pub fn check(plan: &Plan) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    names::check(plan, &mut out);
    places::check(plan, &mut out);
    ranges::check(plan, &mut out);
    servers::check(plan, &mut out);
    clients::check(plan, &mut out);
    marks::check(plan, &mut out);
    edge::check(plan, &mut out);
    busy::check(plan, &mut out);
    apps::check(plan, &mut out);
    aligned::check(plan, &mut out);
    unused::check(plan, &mut out);
    out
}

/// The plan has no error, and no rule either.
pub(crate) fn no_rules(plan: &Plan) -> Diagnostic {
    Diagnostic::warning(code::NO_RULES, "the plan marks nothing: it makes no rule")
        .primary(plan.name.span, "this plan")
        .note("rules come from classes that have ports, on the platforms of the plan or in applications of one's own")
        .help("give media ports, such as `audio = \"20000-20039\"` under [clients.ports]")
}

/// Ranges that belong to one settings object, or to objects that one policy covers.
struct Object<'a> {
    /// What it is for people, such as ``clients of `Redmond` ``.
    called: String,
    /// Its ranges.
    ranges: &'a [Range],
}

/// Every object that clients are told: the plan's, sites' and services', and Teams'.
fn client_objects(plan: &Plan) -> Vec<Object<'_>> {
    let mut out: Vec<Object<'_>> = client_groups(plan)
        .into_iter()
        .map(|group| Object {
            called: group
                .of
                .map_or("clients".to_owned(), |of| format!("clients of `{of}`")),
            ranges: group.ranges,
        })
        .collect();
    out.push(Object {
        called: "Teams clients".to_owned(),
        ranges: &plan.teams,
    });
    out
}

/// Every role of every server object.
fn server_objects(plan: &Plan) -> Vec<Object<'_>> {
    let mut out = Vec::new();
    for group in server_groups(plan) {
        for (_, _, ranges) in group.roles.all() {
            out.push(Object {
                called: group
                    .of
                    .map_or("servers".to_owned(), |of| format!("servers of `{of}`")),
                ranges,
            });
        }
    }
    if let Some(pools) = plan
        .servers
        .as_ref()
        .and_then(|servers| servers.pools.as_ref())
    {
        out.push(Object {
            called: "application pools".to_owned(),
            ranges: &pools.ranges,
        });
    }
    out
}

/// Every range that the plan states, once, with the object that it is first seen in.
fn stated<'a>(objects: &'a [Object<'a>]) -> Vec<(&'a Object<'a>, &'a Range)> {
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for object in objects {
        for range in object.ranges {
            if range.stated && seen.insert(range.span) {
                out.push((object, range));
            }
        }
    }
    out
}

/// A range of so many ports that overlaps none of `taken`: the first from `near` upwards, else the first
/// from where client ranges usually are.
fn free_range(count: u32, near: u32, taken: &[PortRange]) -> Option<PortRange> {
    let mut taken = taken.to_vec();
    taken.sort_unstable();
    let from = |start: u32| {
        let mut start = start.max(FIRST_PORT);
        for range in &taken {
            if start + count > u32::from(range.first()) {
                start = start.max(u32::from(range.last()) + 1);
            }
        }
        PortRange::from_start_and_count(u16::try_from(start).ok()?, count)
    };
    from(near).or_else(|| from(USUAL_PORT))
}

/// How many, with the unit.
fn count_of(count: u32, unit: &str) -> String {
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// A range and where it is from: `20000-20039`, or ``the default 49152-57499``.
fn shown(range: &Range) -> String {
    if range.stated {
        format!("`{}` has {}", range.medium.as_str(), range.ports)
    } else {
        format!(
            "`{}` has the default {}",
            range.medium.as_str(),
            range.ports
        )
    }
}

/// Media whose marks must differ.
const MEDIA: [Medium; 4] = [
    Medium::Audio,
    Medium::Video,
    Medium::AppSharing,
    Medium::FileTransfer,
];

/// Findings of one kind after which the rest is not looked for.
const ENOUGH: usize = 50;

/// Below the dynamic ports of every system, and far from ports of other services.
const USUAL_PORT: u32 = 20_000;

/// Ports below are for well-known services; the parameters of clients refuse them.
const FIRST_PORT: u32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_range_is_near_whole_and_free() {
        let range = |first, last| PortRange::try_new(first, last).unwrap();
        let free = |count, near, taken: &[PortRange]| {
            free_range(count, near, taken).map(|range| range.to_string())
        };
        let (a, b) = (range(20000, 20039), range(20050, 20069));
        assert_eq!(free(10, 20040, &[a, b]).as_deref(), Some("20040-20049"));
        assert_eq!(free(11, 20040, &[b, a]).as_deref(), Some("20070-20080"));
        assert_eq!(free(1, 20000, &[a]).as_deref(), Some("20040"));
        assert_eq!(free(20, 65530, &[]).as_deref(), Some("20000-20019"));
        assert_eq!(free(20, 0, &[]).as_deref(), Some("1024-1043"));
        assert_eq!(free(20, 65530, &[range(20000, 65535)]), None);
        assert_eq!(free(65536, 0, &[]), None);
    }
}
