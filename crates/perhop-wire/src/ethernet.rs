//! Ethernet II and 802.3 (IEEE 802.3), and what an `EtherType` leads to.

use crate::bytes::u16_at;
use crate::cursor::{Cursor, Next};
use crate::packet::{Layer, Reason, Undecoded};
use crate::{metadata, mpls, vlan};

/// `EtherType` of IPv4.
pub(crate) const IPV4: u16 = 0x0800;
/// `EtherType` of IPv6.
pub(crate) const IPV6: u16 = 0x86dd;
/// `EtherType` of PPP in GRE version 1 (RFC 2637).
pub(crate) const PPP: u16 = 0x880b;
/// `EtherType` of `PPPoE` session frames (RFC 2516).
pub(crate) const PPPOE_SESSION: u16 = 0x8864;
/// `EtherType` of a bridged Ethernet frame.
pub(crate) const BRIDGED: u16 = 0x6558;

/// An Ethernet header of 14 bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EthernetHeader<'a>(pub(crate) &'a [u8; 14]);

impl EthernetHeader<'_> {
    /// The `EtherType`, or the 802.3 length when below 1536.
    #[inline]
    pub(crate) const fn ether_type(self) -> u16 {
        u16_at(self.0, 12)
    }
}

/// Reads an Ethernet header.
pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Next, Undecoded> {
    let header = EthernetHeader(cursor.take(Layer::Link)?);
    Ok(Next::Type(header.ether_type()))
}

/// What follows a type field.
pub(crate) fn by_type(cursor: &mut Cursor<'_>, ether_type: u16) -> Result<Next, Undecoded> {
    match ether_type {
        IPV4 | IPV6 => Ok(Next::Ip),
        mpls::UNICAST | mpls::MULTICAST => Ok(Next::Mpls),
        PPPOE_SESSION => Ok(Next::PppoeSession),
        PPP => Ok(Next::Ppp),
        BRIDGED => Ok(Next::Ethernet),
        metadata::ETHER_TYPE => metadata::read(cursor),
        ..1536 => {
            // 802.3 length; SLL writes small codes here, LLC being 4, so a length that cannot hold LLC and SNAP is none.
            if ether_type >= 8 && u32::from(ether_type) <= cursor.wire() {
                cursor.limit(u32::from(ether_type));
            }
            Ok(Next::Llc)
        }
        tag if vlan::is_tag(tag) => Ok(Next::Type(tag)),
        other => Err(cursor.undecoded(Layer::Link, Reason::EtherType(other))),
    }
}
