//! Filters at interfaces (tc(8)), as messages.

use super::message::{
    ACK, DUMP, EXCLUSIVE, Message, NEW, REPLACE, Reply, attributes, number, text,
};
use super::tc::{
    BODY, DEL_FILTER, DEL_QDISC, GET_FILTER, KIND, NEW_FILTER, NEW_QDISC, OPTIONS, body,
};

const CLSACT: u32 = 0xffff_fff1;
const CLSACT_INGRESS: u32 = 0xffff_fff2;
const CLSACT_EGRESS: u32 = 0xffff_fff3;
/// Where an interface may have filters: its way in and its way out.
pub const PLACES: [u32; 2] = [CLSACT_INGRESS, CLSACT_EGRESS];
/// The name of the program of a filter of ours.
const NAME: &[u8] = b"perhop_mark";
/// The preference of perhop's filter among those of an interface: `ph`.
const PREFERENCE: u32 = 0x7068;
/// `ETH_P_ALL` as it stands in a packet.
const ALL_PROTOCOLS: u32 = 3u16.to_be() as u32;

/// Makes the place for filters at an interface's ways in and out; `EEXIST` when it is there.
#[must_use]
pub fn add_clsact(interface: u32) -> Message {
    let body = body(interface, 0xffff_0000, CLSACT, 0);
    Message::new(NEW_QDISC, ACK | NEW | EXCLUSIVE, &body).attribute(KIND, b"clsact\0")
}

/// Takes the place for filters away.
#[must_use]
pub fn remove_clsact(interface: u32) -> Message {
    let body = body(interface, 0xffff_0000, CLSACT, 0);
    Message::new(DEL_QDISC, ACK, &body).attribute(KIND, b"clsact\0")
}

/// Puts a program at the way out, in the place of the one before.
#[must_use]
pub fn set_filter(interface: u32, program: i32) -> Message {
    let info = PREFERENCE << 16 | ALL_PROTOCOLS;
    let direct_action = 1u32.to_ne_bytes().to_vec();
    Message::new(
        NEW_FILTER,
        ACK | NEW | REPLACE,
        &body(interface, 1, CLSACT_EGRESS, info),
    )
    .attribute(KIND, b"bpf\0")
    .nested(
        OPTIONS,
        &[
            (6, program.to_ne_bytes().to_vec()),
            (7, [NAME, b"\0"].concat()),
            (8, direct_action),
        ],
    )
}

/// Takes the program away.
#[must_use]
pub fn remove_filter(interface: u32) -> Message {
    let info = PREFERENCE << 16 | ALL_PROTOCOLS;
    Message::new(DEL_FILTER, ACK, &body(interface, 1, CLSACT_EGRESS, info))
        .attribute(KIND, b"bpf\0")
}

/// A filter that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Its preference.
    pub preference: u16,
    /// `bpf`, `u32` and so on.
    pub kind: String,
    /// The name of its program; empty when it has none.
    pub program: String,
}

/// Asks for the filters at one of the [`PLACES`] of an interface.
#[must_use]
pub fn request(interface: u32, place: u32) -> Message {
    Message::new(GET_FILTER, DUMP, &body(interface, 0, place, 0))
}

/// The filter of an answer, when it is one.
#[must_use]
pub fn read(reply: &Reply) -> Option<Filter> {
    if reply.kind != NEW_FILTER {
        return None;
    }
    let all = attributes(reply.body.get(BODY..)?);
    let find = |kind| all.iter().find(|(found, _)| *found == kind);
    let inner = find(OPTIONS).map_or_else(Vec::new, |(_, value)| attributes(value));
    let program = inner.iter().find(|(kind, _)| *kind == 7);
    Some(Filter {
        preference: (number(&reply.body, 16)? >> 16) as u16,
        kind: text(find(KIND)?.1),
        program: program.map_or_else(String::new, |(_, name)| text(name)),
    })
}

/// Whether an agent put it there.
#[must_use]
pub fn is_ours(filter: &Filter) -> bool {
    u32::from(filter.preference) == PREFERENCE
        && filter.kind == "bpf"
        && (filter.program.is_empty() || filter.program.as_bytes() == NAME)
}
