//! Bytes to fields and back: link, network, transport and media headers, capture framing.
//!
//! Everything is a view over bytes that the caller holds. No bytes make it panic, nothing is allocated per packet, and
//! a length that a header claims is never believed beyond the bytes at hand. It knows no file, socket or clock, and it
//! judges nothing: which mark a packet should have is not its business.
#![forbid(unsafe_code)]

pub mod capture;
pub mod field;
pub mod link;
pub mod packet;
pub mod pcap;
pub mod pcapng;

mod bytes;
mod cursor;
mod ethernet;
mod ipv4;
mod ipv6;
mod llc;
mod loopback;
pub mod media;
mod metadata;
mod mpls;
mod nflog;
mod ppp;
pub mod rtcp;
pub mod rtp;
mod sll;
pub mod stun;
mod tcp;
mod tunnel;
pub mod turn;
mod udp;
mod vlan;
mod wifi;
