//! Netlink: messages made and read by hand, and a socket (RFC 3549; rtnetlink(7), sock_diag(7)).

pub mod diag;
pub mod filter;
pub mod link;
pub mod message;
pub mod queue;
mod tc;

#[cfg(target_os = "linux")]
mod socket;
#[cfg(target_os = "linux")]
pub use socket::Socket;
