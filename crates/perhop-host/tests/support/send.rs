//! Known packets.

use std::io;
use std::mem::size_of;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// A socket whose packets carry a DSCP.
pub(crate) fn marked(from: &str, dscp: u8) -> UdpSocket {
    let socket = UdpSocket::bind(from).unwrap();
    let (level, option) = match socket.local_addr().unwrap() {
        SocketAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_TOS),
        SocketAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_TCLASS),
    };
    let value = libc::c_int::from(dscp) << 2;
    // SAFETY: the value outlives the call, and its size is its own.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
    socket
}

/// An RTP packet of G.711 (RFC 3550 section 5.1).
pub(crate) fn rtp(sequence: u16, ssrc: u32) -> Vec<u8> {
    let mut bytes = vec![0x80, 0];
    bytes.extend(sequence.to_be_bytes());
    bytes.extend((u32::from(sequence) * 160).to_be_bytes());
    bytes.extend(ssrc.to_be_bytes());
    bytes.resize(172, 0xd5);
    bytes
}

/// Frames sent as they are.
pub(crate) struct Raw {
    fd: OwnedFd,
    interface: i32,
}

impl Raw {
    pub(crate) fn new(interface: &std::ffi::CStr) -> Self {
        // SAFETY: three numbers.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0) };
        assert!(fd >= 0, "{}", io::Error::last_os_error());
        // SAFETY: a string that ends with 0.
        let interface = unsafe { libc::if_nametoindex(interface.as_ptr()) } as i32;
        assert!(interface > 0);
        // SAFETY: a new descriptor that nobody else has.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Self { fd, interface }
    }

    pub(crate) fn send(&self, frame: &[u8]) {
        // SAFETY: a C struct of integers.
        let mut to: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        to.sll_family = libc::AF_PACKET as u16;
        to.sll_ifindex = self.interface;
        // SAFETY: the frame and the address outlive the call, and their sizes are their own.
        let sent = unsafe {
            libc::sendto(
                self.fd.as_raw_fd(),
                frame.as_ptr().cast(),
                frame.len(),
                0,
                (&raw const to).cast(),
                size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            )
        };
        assert_eq!(sent, frame.len() as isize, "{}", io::Error::last_os_error());
    }
}

/// An Ethernet frame with these tags (EtherType, control information) and a UDP datagram over IPv4 in it. It is addressed
/// to neither end of the pair.
pub(crate) fn frame(tags: &[(u16, u16)], dscp: u8, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 7];
    for (kind, control) in tags {
        bytes.extend(kind.to_be_bytes());
        bytes.extend(control.to_be_bytes());
    }
    bytes.extend([8, 0, 0x45, dscp << 2]);
    bytes.extend((28 + payload.len() as u16).to_be_bytes());
    bytes.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    bytes.extend(Ipv4Addr::new(192, 0, 2, 7).octets());
    bytes.extend(Ipv4Addr::new(192, 0, 2, 2).octets());
    bytes.extend(ports.0.to_be_bytes());
    bytes.extend(ports.1.to_be_bytes());
    bytes.extend((8 + payload.len() as u16).to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(payload);
    bytes
}

/// An IPv6 packet with a UDP datagram.
pub(crate) fn ipv6(dscp: u8, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let mut bytes = (0x6000_0000 | u32::from(dscp) << 22).to_be_bytes().to_vec();
    bytes.extend((8 + payload.len() as u16).to_be_bytes());
    bytes.extend([17, 64]);
    bytes.extend(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7).octets());
    bytes.extend(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2).octets());
    bytes.extend(ports.0.to_be_bytes());
    bytes.extend(ports.1.to_be_bytes());
    bytes.extend((8 + payload.len() as u16).to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(payload);
    bytes
}

/// An interface without link headers, whose packets a program takes and gives.
pub(crate) struct Tun(OwnedFd);

impl Tun {
    /// Makes `tun0`; `None` when this system has no such thing.
    pub(crate) fn new() -> Option<Self> {
        let file = std::fs::File::options()
            .read(true)
            .write(true)
            .open("/dev/net/tun")
            .ok()?;
        // SAFETY: a C struct of integers, for which all zero is a value.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        for (to, from) in request.ifr_name.iter_mut().zip(b"tun0") {
            *to = *from as libc::c_char;
        }
        request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
        // SAFETY: TUNSETIFF takes an `ifreq`, which is whole and outlives the call.
        let result = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
        (result == 0).then(|| Self(file.into()))
    }

    /// A packet that leaves.
    pub(crate) fn receive(&self) -> Vec<u8> {
        use std::io::Read as _;
        let mut file = std::fs::File::from(self.0.try_clone().unwrap());
        let mut packet = vec![0; 2048];
        let length = file.read(&mut packet).unwrap();
        packet.truncate(length);
        packet
    }

    /// Lets a packet come in.
    pub(crate) fn send(&self, packet: &[u8]) {
        use std::io::Write as _;
        let mut file = std::fs::File::from(self.0.try_clone().unwrap());
        file.write_all(packet).unwrap();
    }
}
