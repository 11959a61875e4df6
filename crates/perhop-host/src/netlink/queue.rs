//! Queues at interfaces (tc-htb(8)), as messages: a tree of token buckets, its classes, and filters by mark.

use perhop_policy::{Dscp, Rate};

use super::message::{
    ACK, DUMP, EXCLUSIVE, Message, NEW, REPLACE, Reply, attributes, number, text,
};
use super::tc::{
    BODY, DEL_FILTER, DEL_QDISC, GET_QDISC, KIND, NEW_CLASS, NEW_FILTER, NEW_QDISC, OPTIONS, body,
};

/// `TC_H_ROOT`
const ROOT: u32 = u32::MAX;

/// The agent's queues have this handle, `7069:`; that of the `linux-tc` target is another.
pub const HANDLE: u32 = 0x7069_0000;
/// `TC_LINKLAYER_ETHERNET`: the kernel works out itself how long a packet takes.
const ETHERNET: u8 = 1;
/// Bytes of the largest frame without offloading, a little more.
const FRAME: u64 = 1600;
/// How long a class may send at once before it is slowed down.
const BURST_NS: u64 = 10_000_000;
/// Nanoseconds of the unit that the kernel counts bursts in (`PSCHED_SHIFT`).
const TICK_NS: u64 = 64;
/// What waits at most, in time; a bucket always takes a packet that a card is to cut.
const QUEUE_MS: u64 = 50;
const QUEUE_LEAST: u64 = 96 << 10;

/// A class of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// Its number below [`HANDLE`].
    pub minor: u16,
    /// Its parent's number; 0 for the tree itself.
    pub parent: u16,
    /// What it is sure of.
    pub rate: Rate,
    /// What it has at most.
    pub ceil: Rate,
    /// Lower is served first.
    pub urgency: u32,
}

/// A queue of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qdisc {
    /// The interface's number.
    pub interface: u32,
    /// Its handle; 0 when the kernel made it.
    pub handle: u32,
    /// Whether it is the interface's outermost.
    pub is_root: bool,
    /// `htb`, `fq_codel` and so on.
    pub kind: String,
}

/// Asks for the queues of all interfaces.
#[must_use]
pub fn request() -> Message {
    Message::new(GET_QDISC, DUMP, &body(0, 0, 0, 0))
}

/// The queue of an answer, when it is one.
#[must_use]
pub fn read(reply: &Reply) -> Option<Qdisc> {
    if reply.kind != NEW_QDISC {
        return None;
    }
    let rest = attributes(reply.body.get(BODY..)?);
    let kind = rest.iter().find(|(kind, _)| *kind == KIND)?.1;
    Some(Qdisc {
        interface: number(&reply.body, 4)?,
        handle: number(&reply.body, 8)?,
        is_root: number(&reply.body, 12)? == ROOT,
        kind: text(kind),
    })
}

/// Makes the tree at the root of an interface, in the place of the kernel's own queue. What no class takes goes to the
/// class `rest`, and at once when that is 0.
#[must_use]
pub fn add_tree(interface: u32, rest: u16) -> Message {
    let mut init = Vec::new();
    // Version, rate to quantum, class for the rest, two that only answers have.
    for number in [3, 10, u32::from(rest), 0, 0] {
        init.extend(u32::to_ne_bytes(number));
    }
    Message::new(
        NEW_QDISC,
        ACK | NEW | EXCLUSIVE,
        &body(interface, HANDLE, ROOT, 0),
    )
    .attribute(KIND, b"htb\0")
    .nested(OPTIONS, &[(2, init)])
}

/// Takes the tree away; the kernel then makes its own queue again.
#[must_use]
pub fn remove_tree(interface: u32) -> Message {
    Message::new(DEL_QDISC, ACK, &body(interface, HANDLE, ROOT, 0)).attribute(KIND, b"htb\0")
}

/// Makes a class, or changes it.
#[must_use]
pub fn set_class(interface: u32, class: &Class) -> Message {
    let bytes = |rate: Rate| rate.bits() / 8;
    let specification = |rate: Rate| {
        let mut out = vec![0, ETHERNET, 0, 0, 0, 0, 0, 0];
        let low = u32::try_from(bytes(rate)).unwrap_or(u32::MAX);
        out.extend(low.to_ne_bytes());
        out
    };
    let burst = |rate: Rate| {
        let frame = FRAME * 1_000_000_000 / bytes(rate);
        u32::try_from((BURST_NS + frame) / TICK_NS).unwrap_or(u32::MAX)
    };
    let quantum = (bytes(class.rate) / 100).clamp(FRAME, 60_000) as u32;
    let mut parameters = specification(class.rate);
    parameters.extend(specification(class.ceil));
    for number in [
        burst(class.rate),
        burst(class.ceil),
        quantum,
        0,
        class.urgency,
    ] {
        parameters.extend(number.to_ne_bytes());
    }
    let id = HANDLE | u32::from(class.minor);
    let parent = HANDLE | u32::from(class.parent);
    Message::new(NEW_CLASS, ACK | NEW, &body(interface, id, parent, 0))
        .attribute(KIND, b"htb\0")
        .nested(
            OPTIONS,
            &[
                (1, parameters),
                (6, bytes(class.rate).to_ne_bytes().to_vec()),
                (7, bytes(class.ceil).to_ne_bytes().to_vec()),
            ],
        )
}

/// Keeps what waits in a class short, in bytes: first in, first out.
#[must_use]
pub fn set_leaf(interface: u32, class: &Class) -> Message {
    let limit = (class.ceil.bits() / 8 * QUEUE_MS / 1000).max(QUEUE_LEAST);
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let parent = HANDLE | u32::from(class.minor);
    Message::new(
        NEW_QDISC,
        ACK | NEW | REPLACE,
        &body(interface, 0, parent, 0),
    )
    .attribute(KIND, b"bfifo\0")
    .attribute(OPTIONS, &limit.to_ne_bytes())
}

/// Packets of the two address families, whose filters have preferences of their own.
pub const FAMILIES: [bool; 2] = [false, true];

/// Puts packets with a mark into a class, whatever their ECN.
#[must_use]
pub fn add_filter(interface: u32, six: bool, dscp: Dscp, minor: u16) -> Message {
    // The first word of a header: the DS field is its second byte in IPv4, and begins after four bits in IPv6.
    let shift = if six { 20 } else { 16 };
    let [mask, value] = [0xfc, dscp.to_tos_octet()].map(|octet| u32::from(octet) << shift);
    // One key that decides; the other fields are for keys that depend on what was read.
    let mut selector = vec![1, 0, 1];
    selector.resize(16, 0);
    for word in [mask.to_be_bytes(), value.to_be_bytes(), [0; 4], [0; 4]] {
        selector.extend(word);
    }
    let class = (HANDLE | u32::from(minor)).to_ne_bytes().to_vec();
    Message::new(
        NEW_FILTER,
        ACK | NEW,
        &body(interface, 0, HANDLE, info(six)),
    )
    .attribute(KIND, b"u32\0")
    .nested(OPTIONS, &[(1, class), (5, selector)])
}

/// Takes all filters of a family away.
#[must_use]
pub fn remove_filters(interface: u32, six: bool) -> Message {
    Message::new(DEL_FILTER, ACK, &body(interface, 0, HANDLE, info(six))).attribute(KIND, b"u32\0")
}

/// Preference, and the protocol as it stands in a packet.
fn info(six: bool) -> u32 {
    let (preference, protocol) = if six { (2u32, 0x86ddu16) } else { (1, 0x0800) };
    preference << 16 | u32::from(protocol.to_be())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_read() {
        let bytes = add_tree(7, 0x90).finish(3);
        let reply = &Reply::all(&bytes)[0];
        let expected = Qdisc {
            interface: 7,
            handle: HANDLE,
            is_root: true,
            kind: "htb".to_owned(),
        };
        assert_eq!(read(reply), Some(expected));
    }

    #[test]
    fn a_class_says_its_rates() {
        let rate = |bits| Rate::try_new(bits).unwrap();
        let class = Class {
            minor: 0x1001,
            parent: 0,
            rate: rate(5_000_000),
            ceil: rate(80_000_000_000),
            urgency: 2,
        };
        let bytes = set_class(3, &class).finish(1);
        let reply = &Reply::all(&bytes)[0];
        let all = attributes(&reply.body[BODY..]);
        let options = attributes(all[1].1);
        let parameters = options[0].1;
        assert_eq!(
            (number(&reply.body, 8), parameters.len()),
            (Some(0x7069_1001), 44)
        );
        assert_eq!(number(parameters, 8), Some(625_000));
        // What does not fit in four bytes is in eight.
        assert_eq!(number(parameters, 20), Some(u32::MAX));
        assert_eq!(options[2].1, 10_000_000_000u64.to_ne_bytes());
    }
}
