//! Filters at interfaces (tc(8)), as messages.

use super::message::{ACK, EXCLUSIVE, Message, NEW, REPLACE};

const NEW_QDISC: u16 = 36;
const DEL_QDISC: u16 = 37;
const NEW_FILTER: u16 = 44;
const DEL_FILTER: u16 = 45;

const KIND: u16 = 1;
const OPTIONS: u16 = 2;
const CLSACT: u32 = 0xffff_fff1;
const CLSACT_EGRESS: u32 = 0xffff_fff3;
/// The preference of perhop's filter among those of an interface: `ph`.
const PREFERENCE: u32 = 0x7068;
/// `ETH_P_ALL` as it stands in a packet.
const ALL_PROTOCOLS: u32 = 3u16.to_be() as u32;

/// `struct tcmsg`
fn body(interface: u32, handle: u32, parent: u32, info: u32) -> Vec<u8> {
    let mut out = vec![0; 4];
    for number in [interface, handle, parent, info] {
        out.extend(number.to_ne_bytes());
    }
    out
}

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
            (7, b"perhop_mark\0".to_vec()),
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
