//! Ports that something else commonly holds: UC-25.

use perhop_policy::{Diagnostic, PortRange};

use super::{Object, client_objects, server_objects, stated};
use crate::catalogue::{BusyPorts, Place, catalogue};
use crate::code;
use crate::plan::{Plan, Range};

/// Ranges that the plan chose itself. The vendor's own hold such ports too, and are shipped so.
pub(super) fn check(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let (clients, servers) = (client_objects(plan), server_objects(plan));
    for (objects, place) in [(&clients, Place::Clients), (&servers, Place::Servers)] {
        for (object, range) in stated(objects) {
            let held = held(range.ports, place);
            if !held.is_empty() && !vendors(plan, range) {
                out.push(own(object, range, &held));
            }
        }
    }
}

fn held(ports: PortRange, place: Place) -> Vec<&'static BusyPorts> {
    catalogue()
        .busy_ports
        .iter()
        .filter(|busy| busy.place == Place::Any || busy.place == place)
        .filter(|busy| busy.ports.intersection(ports).is_some())
        .collect()
}

fn own(object: &Object<'_>, range: &Range, held: &[&BusyPorts]) -> Diagnostic {
    let problem = Diagnostic::warning(
        code::BUSY_PORT,
        format!(
            "`{}` of {}, {}, holds ports of other services",
            range.medium.as_str(),
            object.called,
            range.ports
        ),
    )
    .primary(range.span, list(held))
    .help("choose a range without them, or accept it with [[allow]]");
    held.iter().fold(problem, |problem, busy| {
        problem.note(format!("{}: {}", busy_ports(busy), busy.name))
    })
}

/// Whether the range is one that the vendor has or recommends, or a part of it.
fn vendors(plan: &Plan, range: &Range) -> bool {
    let is =
        |known: Option<PortRange>| known.is_some_and(|known| known.contains_range(range.ports));
    let name = range.medium.as_str();
    plan.platforms.iter().any(|platform| {
        ["conferencing", "recommended", "clients"]
            .iter()
            .any(|of| is(platform.value.range(of, name)))
    })
}

fn busy_ports(busy: &BusyPorts) -> String {
    match busy.protocol {
        Some(protocol) => format!("{}/{}", busy.ports, protocol.as_str()),
        None => busy.ports.to_string(),
    }
}

fn list(hit: &[&BusyPorts]) -> String {
    let ports: Vec<String> = hit.iter().map(|busy| busy_ports(busy)).collect();
    format!("among them {}", ports.join(", "))
}
