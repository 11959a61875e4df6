//! Live sockets, asked of the kernel (sock_diag(7)): anyone may see them all, with the marks that their owners asked for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use perhop_policy::Protocol;

use super::message::{DUMP, Message, Reply, attributes, number};

/// `SOCK_DIAG_BY_FAMILY`
const BY_FAMILY: u16 = 20;
const TOS: u16 = 5;
const TCLASS: u16 = 6;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// The fixed part of an answer: `struct inet_diag_msg`.
const BODY: usize = 72;

/// A socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// This end; the address is unspecified when the socket takes any.
    pub local: SocketAddr,
    /// The other end; port 0 when it is not connected.
    pub remote: SocketAddr,
    /// State as TCP numbers them: 1 established, 7 not connected, 10 listening.
    pub state: u8,
    /// Its inode, by which `/proc/PID/fd` names it.
    pub inode: u32,
    /// Its owner.
    pub uid: u32,
    /// DS field that the owner asked for on IPv4.
    pub tos: u8,
    /// DS field that the owner asked for on IPv6.
    pub traffic_class: u8,
}

/// Asks for all sockets of a family (`six`) and a protocol.
#[must_use]
pub fn request(six: bool, protocol: Protocol) -> Message {
    let mut body = vec![
        if six { AF_INET6 } else { AF_INET },
        match protocol {
            Protocol::Tcp => 6,
            Protocol::Udp => 17,
        },
        1 << (TOS - 1) | 1 << (TCLASS - 1),
        0,
    ];
    body.extend(u32::MAX.to_ne_bytes());
    body.extend([0; 48]);
    Message::new(BY_FAMILY, DUMP, &body)
}

/// The socket of an answer.
#[must_use]
pub fn read(reply: &Reply, protocol: Protocol) -> Option<Socket> {
    let body = reply.body.get(..BODY).filter(|_| reply.kind == BY_FAMILY)?;
    let end = |port: usize, address: usize| {
        let port = u16::from_be_bytes([body[port], body[port + 1]]);
        let address = if body[0] == AF_INET6 {
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&body[address..address + 16]);
            IpAddr::from(Ipv6Addr::from(bytes))
        } else {
            let mut bytes = [0; 4];
            bytes.copy_from_slice(&body[address..address + 4]);
            IpAddr::from(Ipv4Addr::from(bytes))
        };
        SocketAddr::new(address, port)
    };
    let rest = attributes(&reply.body[BODY..]);
    let byte = |kind| {
        let found = rest.iter().find(|(found, _)| *found == kind);
        found.and_then(|(_, value)| value.first().copied())
    };
    Some(Socket {
        protocol,
        local: end(4, 8),
        remote: end(6, 24),
        state: body[1],
        inode: number(body, 68)?,
        uid: number(body, 64)?,
        tos: byte(TOS).unwrap_or(0),
        traffic_class: byte(TCLASS).unwrap_or(0),
    })
}
