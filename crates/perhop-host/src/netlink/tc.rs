//! What all messages of traffic control have in common (rtnetlink(7)).

pub(super) const NEW_QDISC: u16 = 36;
pub(super) const DEL_QDISC: u16 = 37;
pub(super) const GET_QDISC: u16 = 38;
pub(super) const NEW_CLASS: u16 = 40;
pub(super) const NEW_FILTER: u16 = 44;
pub(super) const DEL_FILTER: u16 = 45;
pub(super) const GET_FILTER: u16 = 46;

/// `TCA_KIND`
pub(super) const KIND: u16 = 1;
/// `TCA_OPTIONS`
pub(super) const OPTIONS: u16 = 2;

/// Bytes of `struct tcmsg`.
pub(super) const BODY: usize = 20;

/// `struct tcmsg`
pub(super) fn body(interface: u32, handle: u32, parent: u32, info: u32) -> Vec<u8> {
    let mut out = vec![0; 4];
    for number in [interface, handle, parent, info] {
        out.extend(number.to_ne_bytes());
    }
    out
}
