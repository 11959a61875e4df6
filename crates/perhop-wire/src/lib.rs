//! Bytes to fields and back: link, network, transport and media headers, capture framing.
#![forbid(unsafe_code)]

pub mod field;
pub mod link;
pub mod packet;

mod bytes;
mod cursor;
mod ethernet;
mod ipv4;
mod ipv6;
mod llc;
mod loopback;
mod mpls;
mod nflog;
mod ppp;
mod sll;
mod tcp;
mod tunnel;
mod udp;
mod vlan;
mod wifi;
pub mod media;
pub mod rtcp;
pub mod rtp;
pub mod stun;
pub mod turn;
