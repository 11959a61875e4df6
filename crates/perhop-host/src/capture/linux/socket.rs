//! The packet socket: the calls that set it up, and what it tells.
#![expect(unsafe_code, reason = "system calls")]

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use super::CaptureError;
use crate::capture::Fanout;

/// A packet socket that keeps link headers.
#[derive(Debug)]
pub(super) struct Socket(OwnedFd);

impl Socket {
    /// A socket that hears nothing yet.
    pub(super) fn open() -> Result<Self, CaptureError> {
        // Protocol 0: until it is bound it hears nothing, so no packet of another interface gets into the ring.
        // SAFETY: three numbers.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if fd >= 0 {
            // SAFETY: a new file descriptor that nobody else has.
            return Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }));
        }
        let error = io::Error::last_os_error();
        Err(match error.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => CaptureError::NoPrivilege,
            Some(libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT) => CaptureError::NoPacketSockets,
            _ => CaptureError::system("open a packet socket", error),
        })
    }

    /// Listens on an interface from now on; 0 for all.
    pub(super) fn bind(&self, index: i32) -> Result<(), CaptureError> {
        // SAFETY: a C struct of integers, for which all zero is a value.
        let mut address: libc::sockaddr_ll = unsafe { zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
        address.sll_ifindex = index;
        // SAFETY: the address is whole, its size is its own, and the call copies it.
        let result = unsafe {
            libc::bind(
                self.fd(),
                (&raw const address).cast(),
                size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            )
        };
        checked(result, "listen on the interface")
    }

    /// Keeps at most so many bytes of every packet; 0 takes no packet at all.
    pub(super) fn keep(&self, bytes: u32) -> Result<(), CaptureError> {
        // A classic BPF program of one instruction: return this number.
        let mut code = libc::sock_filter {
            code: (libc::BPF_RET | libc::BPF_K) as u16,
            jt: 0,
            jf: 0,
            k: bytes,
        };
        let program = libc::sock_fprog {
            len: 1,
            filter: &raw mut code,
        };
        self.set(
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            &program,
            "set the snap length",
        )
    }

    /// Asks the interface for packets to others too, until the socket is closed.
    pub(super) fn be_promiscuous(&self, index: i32) -> Result<(), CaptureError> {
        let request = libc::packet_mreq {
            mr_ifindex: index,
            mr_type: libc::PACKET_MR_PROMISC as u16,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        let doing = "put the interface into promiscuous mode";
        self.set_packet(libc::PACKET_ADD_MEMBERSHIP, &request, doing)
    }

    /// Joins a group.
    pub(super) fn join(&self, fanout: Fanout) -> Result<(), CaptureError> {
        let request = u32::from(fanout.group) | libc::PACKET_FANOUT_HASH << 16;
        self.set_packet(libc::PACKET_FANOUT, &request, "join the fanout group")
    }

    /// Sets an option of packet sockets; `T` is the C type that packet(7) has for it.
    pub(super) fn set_packet<T: Copy>(
        &self,
        option: libc::c_int,
        value: &T,
        doing: &'static str,
    ) -> Result<(), CaptureError> {
        self.set(libc::SOL_PACKET, option, value, doing)
    }

    /// What was counted since the last question.
    pub(super) fn statistics(&self) -> Result<libc::tpacket_stats_v3, CaptureError> {
        let none = libc::tpacket_stats_v3 {
            tp_packets: 0,
            tp_drops: 0,
            tp_freeze_q_cnt: 0,
        };
        self.get(libc::SOL_PACKET, libc::PACKET_STATISTICS, none)
            .map_err(|error| CaptureError::system("read the counters of the kernel", error))
    }

    /// The error that waits at the socket, taken away.
    pub(super) fn take_error(&self) -> Option<i32> {
        match self.get(libc::SOL_SOCKET, libc::SO_ERROR, 0) {
            Ok(0) => None,
            Ok(error) => Some(error),
            Err(error) => error.raw_os_error(),
        }
    }

    /// Waits until there is a block, an error or a signal; true when the socket has an error.
    pub(super) fn wait(&self, wait: Duration) -> Result<bool, CaptureError> {
        let mut poll = libc::pollfd {
            fd: self.fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        let ms = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: one entry, which outlives the call.
        if unsafe { libc::poll(&raw mut poll, 1, ms) } >= 0 {
            return Ok(poll.revents & (libc::POLLERR | libc::POLLHUP | libc::POLLNVAL) != 0);
        }
        match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            error => Err(CaptureError::system("wait for packets", error)),
        }
    }

    pub(super) fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    fn set<T: Copy>(
        &self,
        level: libc::c_int,
        option: libc::c_int,
        value: &T,
        doing: &'static str,
    ) -> Result<(), CaptureError> {
        // SAFETY: the value outlives the call, which reads no more than its size; what `value` points to, if anything,
        // outlives it too, as the callers hold it.
        let result = unsafe {
            libc::setsockopt(
                self.fd(),
                level,
                option,
                std::ptr::from_ref(value).cast(),
                size_of::<T>() as libc::socklen_t,
            )
        };
        checked(result, doing)
    }

    /// Asks for an option; `T` is a C type of integers.
    fn get<T: Copy>(&self, level: libc::c_int, option: libc::c_int, none: T) -> io::Result<T> {
        let mut value = none;
        let mut size = size_of::<T>() as libc::socklen_t;
        // SAFETY: the value outlives the call, which writes no more than the size it is told; integers have no value that
        // is not allowed.
        let result = unsafe {
            libc::getsockopt(
                self.fd(),
                level,
                option,
                (&raw mut value).cast(),
                &raw mut size,
            )
        };
        if result == 0 {
            Ok(value)
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

fn checked(result: libc::c_int, doing: &'static str) -> Result<(), CaptureError> {
    if result == 0 {
        return Ok(());
    }
    Err(CaptureError::system(doing, io::Error::last_os_error()))
}
