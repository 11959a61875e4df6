//! Which of two statements that match one packet applies: the order that Windows documents.
//!
//! windows-qos 1.10 (Microsoft, "Manage QoS Policy"): a full path outranks a file name, which outranks none; then more
//! network conditions win; then the first differing condition in the order source address, destination address, source
//! port, destination port, protocol; then the longer prefix. Port ranges of different width do not decide: that is not
//! documented, so a plan may not rest on it.

use std::cmp::Ordering;

use crate::ports::PortMatch;
use crate::rule::Statement;
use crate::selector::ProtocolMatch;

/// Compares two statements of one scope. `Equal` means that precedence does not settle it.
#[must_use]
pub fn compare(a: &Statement, b: &Statement) -> Ordering {
    let conditions = |s: &Statement| {
        [
            s.src.is_some(),
            s.dst.is_some(),
            s.src_ports.0 != PortMatch::Any,
            s.dst_ports.0 != PortMatch::Any,
            s.protocol != ProtocolMatch::Both,
        ]
    };
    let (ca, cb) = (conditions(a), conditions(b));
    let count = |c: &[bool; 5]| c.iter().filter(|set| **set).count();
    a.app
        .rank()
        .cmp(&b.app.rank())
        .then_with(|| count(&ca).cmp(&count(&cb)))
        .then_with(|| ca.cmp(&cb))
        .then_with(|| prefixes(a, b))
}

/// The longer prefix wins; when one side says so and the other side the opposite, neither does.
fn prefixes(a: &Statement, b: &Statement) -> Ordering {
    let length = |net: Option<ipnet::IpNet>| net.map_or(0, |net| net.prefix_len());
    let src = length(a.src).cmp(&length(b.src));
    let dst = length(a.dst).cmp(&length(b.dst));
    match (src, dst) {
        (Ordering::Equal, other) | (other, Ordering::Equal) => other,
        (one, other) if one == other => one,
        _ => Ordering::Equal,
    }
}
