//! Queueing disciplines, classes and filters (tc(8)), as messages.

use super::message::{ACK, EXCLUSIVE, Message, NEW, REPLACE};

const NEW_QDISC: u16 = 36;
const DEL_QDISC: u16 = 37;
const NEW_CLASS: u16 = 40;
const NEW_FILTER: u16 = 44;
const DEL_FILTER: u16 = 45;

const KIND: u16 = 1;
const OPTIONS: u16 = 2;
const CLSACT: u32 = 0xffff_fff1;
const CLSACT_EGRESS: u32 = 0xffff_fff3;
const ROOT: u32 = 0xffff_ffff;
/// The preference of perhop's filter among those of an interface: `ph`.
const PREFERENCE: u32 = 0x7068;
/// `ETH_P_ALL` as it stands in a packet.
const ALL_PROTOCOLS: u32 = 3u16.to_be() as u32;

/// The handle of perhop's queues, `7068:`; a class' packets have it as their priority with the class' number.
pub const HANDLE: u32 = PREFERENCE << 16;

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

/// A class of a queue by rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// Its number, 1 to 65535.
    pub number: u16,
    /// Number of the class above; 0 for the root.
    pub parent: u16,
    /// Bytes per second that it has for itself.
    pub rate: u64,
    /// Bytes per second that it may take when others leave them.
    pub ceiling: u64,
    /// Who is asked first when there is more: 0 before 7.
    pub priority: u32,
}

/// Makes HTB the interface's root queue; packets that no class is named for go to class `default`.
#[must_use]
pub fn set_root(interface: u32, default: u16) -> Message {
    let mut glob = Vec::new();
    for number in [3u32, 10, u32::from(default), 0, 0] {
        glob.extend(number.to_ne_bytes());
    }
    let body = body(interface, HANDLE, ROOT, 0);
    Message::new(NEW_QDISC, ACK | NEW | REPLACE, &body)
        .attribute(KIND, b"htb\0")
        .nested(OPTIONS, &[(2, glob)])
}

/// Gives the interface back the root queue that it begins with.
#[must_use]
pub fn remove_root(interface: u32) -> Message {
    Message::new(DEL_QDISC, ACK, &body(interface, HANDLE, ROOT, 0))
}

/// Adds a class.
#[must_use]
pub fn add_class(interface: u32, class: &Class) -> Message {
    let parent = HANDLE | u32::from(class.parent);
    let body = body(interface, HANDLE | u32::from(class.number), parent, 0);
    let mut options = rate_spec(class.rate);
    options.extend(rate_spec(class.ceiling));
    for rate in [class.rate, class.ceiling] {
        options.extend(ticks(burst(rate), rate).to_ne_bytes());
    }
    // A turn's bytes, the level, and who is asked first.
    for number in [quantum(class.rate), 0, class.priority] {
        options.extend(number.to_ne_bytes());
    }
    let mut nested = vec![(1, options)];
    for (kind, rate) in [(6, class.rate), (7, class.ceiling)] {
        if u32::try_from(rate).is_err() {
            nested.push((kind, rate.to_ne_bytes().to_vec()));
        }
    }
    Message::new(NEW_CLASS, ACK | NEW | EXCLUSIVE, &body)
        .attribute(KIND, b"htb\0")
        .nested(OPTIONS, &nested)
}

/// Puts a queue of at most so many packets into a class.
#[must_use]
pub fn set_leaf(interface: u32, class: u16, packets: u32) -> Message {
    let parent = HANDLE | u32::from(class);
    let handle = (PREFERENCE + u32::from(class)) << 16;
    Message::new(
        NEW_QDISC,
        ACK | NEW | REPLACE,
        &body(interface, handle, parent, 0),
    )
    .attribute(KIND, b"pfifo\0")
    .attribute(OPTIONS, &packets.to_ne_bytes())
}

/// `struct tc_ratespec` of Ethernet frames.
fn rate_spec(rate: u64) -> Vec<u8> {
    let mut out = vec![0, 1, 0, 0, 0, 0, 0, 0];
    out.extend(u32::try_from(rate).unwrap_or(u32::MAX).to_ne_bytes());
    out
}

/// What may go at once: a millisecond's, at least two large frames.
fn burst(rate: u64) -> u64 {
    (rate / 1000).max(3200)
}

/// Time to send so many bytes in the kernel's ticks of 64 ns.
fn ticks(bytes: u64, rate: u64) -> u32 {
    let ticks = u128::from(bytes) * 1_000_000_000 / 64 / u128::from(rate.max(1));
    u32::try_from(ticks).unwrap_or(u32::MAX)
}

fn quantum(rate: u64) -> u32 {
    (rate / 10).clamp(1514, 60_000) as u32
}
