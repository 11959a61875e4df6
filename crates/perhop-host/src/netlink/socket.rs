//! A netlink socket.
#![expect(
    unsafe_code,
    reason = "sockets of this family are made by calls of the C library"
)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::message::{DONE, DUMP, ERROR, Message, Reply};

/// Room for one datagram of the kernel, which are at most 32 KiB.
const ROOM: usize = 1 << 16;

/// A socket to the kernel.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Socket {
    /// Interfaces, queues, filters; hears the groups given as bits.
    ///
    /// # Errors
    /// What the system says.
    pub fn route(groups: u32) -> io::Result<Self> {
        Self::open(libc::NETLINK_ROUTE, groups)
    }

    /// Sockets.
    ///
    /// # Errors
    /// What the system says.
    pub fn diag() -> io::Result<Self> {
        Self::open(libc::NETLINK_SOCK_DIAG, 0)
    }

    fn open(protocol: i32, groups: u32) -> io::Result<Self> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
        // SAFETY: the call takes three numbers.
        let fd = unsafe { libc::socket(libc::AF_NETLINK, kind, protocol) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was made just now and nobody else has it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: a C struct of integers: all zero is a value of it.
        let mut address: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
        address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
        address.nl_groups = groups;
        let size = size_of::<libc::sockaddr_nl>() as libc::socklen_t;
        // SAFETY: the address is whole, of the size given, and outlives the call.
        let result = unsafe { libc::bind(fd.as_raw_fd(), (&raw const address).cast(), size) };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            fd,
            sequence: 0,
            buffer: vec![0; ROOM],
        })
    }

    /// Asks, and returns the answers.
    ///
    /// # Errors
    /// The error that the kernel answers with, or that the socket gives.
    pub fn ask(&mut self, message: Message) -> io::Result<Vec<Reply>> {
        self.sequence += 1;
        let bytes = message.finish(self.sequence);
        let several = u16::from_ne_bytes([bytes[6], bytes[7]]) & DUMP == DUMP;
        // SAFETY: the slice is readable for its length during the call.
        let sent =
            unsafe { libc::send(self.fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), 0) };
        if sent < 0 {
            return Err(io::Error::last_os_error());
        }
        let mut out = Vec::new();
        loop {
            for reply in self.receive(0)? {
                if reply.sequence != self.sequence {
                    continue;
                }
                if let Some(code) = reply.error() {
                    return Err(io::Error::from_raw_os_error(code));
                }
                match reply.kind {
                    ERROR | DONE => return Ok(out),
                    _ => out.push(reply),
                }
                if !several && !out.is_empty() {
                    return Ok(out);
                }
            }
        }
    }

    /// Takes what was told without being asked; whether there was anything.
    ///
    /// # Errors
    /// What the system says.
    pub fn drain(&mut self) -> io::Result<bool> {
        let mut any = false;
        loop {
            match self.receive(libc::MSG_DONTWAIT) {
                Ok(_) => any = true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(any),
                // Too much happened at once: that something happened is all that matters.
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => any = true,
                Err(error) => return Err(error),
            }
        }
    }

    fn receive(&mut self, flags: i32) -> io::Result<Vec<Reply>> {
        loop {
            let room = self.buffer.as_mut_ptr().cast();
            // SAFETY: the buffer is writable for the length given during the call.
            let got = unsafe { libc::recv(self.fd.as_raw_fd(), room, ROOM, flags) };
            if let Ok(got) = usize::try_from(got) {
                return Ok(Reply::all(&self.buffer[..got]));
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}
