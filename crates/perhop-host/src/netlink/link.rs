//! Interfaces: what there is.

use super::message::{DUMP, Message, Reply, attributes, number, text};
use crate::mark::program::Link;

/// `RTMGRP_LINK`: interfaces that come, change and go.
pub const GROUP: u32 = 1;

const NEW_LINK: u16 = 16;
const GET_LINK: u16 = 18;
const NAME: u16 = 3;
const MASTER: u16 = 10;
const LOOPBACK: u32 = 8;
const UP: u32 = 1;

/// An interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its number.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// `ARPHRD_…`
    pub kind: u16,
    /// Whether it is up.
    pub is_up: bool,
    /// Whether it leads back to this host.
    pub is_loopback: bool,
    /// Whether it is a part of a bridge or bond, through which packets go.
    pub has_master: bool,
}

impl Interface {
    /// What its packets begin with; `None` when that is not known.
    #[must_use]
    pub const fn link(&self) -> Option<Link> {
        match self.kind {
            // Ethernet, loopback.
            1 | 772 => Some(Link::Ethernet),
            // IP in IP, IPv6 tunnels, SIT, raw IP, and none at all (tun, WireGuard).
            768 | 769 | 776 | 519 | 65534 => Some(Link::None),
            _ => None,
        }
    }
}

/// Asks for all interfaces.
#[must_use]
pub fn request() -> Message {
    Message::new(GET_LINK, DUMP, &[0; 16])
}

/// The interface of an answer, when it is one.
#[must_use]
pub fn read(reply: &Reply) -> Option<Interface> {
    if reply.kind != NEW_LINK {
        return None;
    }
    let body = &reply.body;
    let flags = number(body, 8)?;
    let rest = attributes(body.get(16..)?);
    let find = |kind| rest.iter().find(|(found, _)| *found == kind);
    Some(Interface {
        index: number(body, 4)?,
        name: text(find(NAME)?.1),
        kind: u16::from_ne_bytes([body[2], body[3]]),
        is_up: flags & UP != 0,
        is_loopback: flags & LOOPBACK != 0,
        has_master: find(MASTER)
            .and_then(|(_, value)| number(value, 0))
            .is_some_and(|master| master != 0),
    })
}
