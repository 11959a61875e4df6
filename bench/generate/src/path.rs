//! One unidirectional flow: its headers, its mark, and the frames made of them.

use std::net::IpAddr;

use crate::checksum::Sum;

/// Addresses, ports and tag of a flow.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    /// Sender.
    pub src: (IpAddr, u16),
    /// Receiver; of the same IP version as the sender.
    pub dst: (IpAddr, u16),
    /// TCP, or else UDP.
    pub tcp: bool,
    /// VLAN number, when tagged.
    pub vlan: Option<u16>,
}

impl Ends {
    /// The way back.
    #[must_use]
    pub const fn reverse(self) -> Self {
        Self {
            src: self.dst,
            dst: self.src,
            ..self
        }
    }

    /// The same hosts, one port up on both sides, as for RTCP.
    #[must_use]
    pub const fn next_ports(self) -> Self {
        Self {
            src: (self.src.0, self.src.1 + 1),
            dst: (self.dst.0, self.dst.1 + 1),
            ..self
        }
    }
}

/// The marks that a flow shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// DSCP of the first packets.
    pub first: u8,
    /// DSCP of the packets after `change_after`.
    pub then: u8,
    /// Packets with the first DSCP.
    pub change_after: u64,
}

impl Marks {
    /// One DSCP throughout.
    #[must_use]
    pub const fn always(dscp: u8) -> Self {
        Self {
            first: dscp,
            then: dscp,
            change_after: u64::MAX,
        }
    }
}

/// A flow with its headers ready.
#[derive(Debug, Clone)]
pub struct Path {
    ends: Ends,
    marks: Marks,
    ecn: u8,
    head: [u8; 78],
    network: usize,
    transport: usize,
    len: usize,
    sent: u64,
}

/// What one frame was.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// Its DSCP.
    pub dscp: u8,
    /// Bytes from the IP header on.
    pub ip_len: usize,
    /// The first of its flow.
    pub is_first: bool,
}

impl Path {
    /// A flow that has not sent yet. `ecn` is 0 to 3.
    #[must_use]
    pub fn new(ends: Ends, marks: Marks, ecn: u8) -> Self {
        let mut path = Self {
            ends,
            marks,
            ecn,
            head: [0; 78],
            network: 0,
            transport: 0,
            len: 0,
            sent: 0,
        };
        path.push(&[0x02, 0, 0, 0, 0, 0x01, 0x02, 0, 0, 0, 0, 0x02]);
        if let Some(vlan) = ends.vlan {
            let pcp = if marks.first == 46 { 5_u16 } else { 0 };
            path.push(&[0x81, 0]);
            path.push(&(pcp << 13 | vlan).to_be_bytes());
        }
        match (ends.src.0, ends.dst.0) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                path.push(&[0x08, 0x00]);
                path.network = path.len;
                path.push(&[0x45, 0, 0, 0, 0, 0, 0x40, 0, 62, path.protocol(), 0, 0]);
                path.push(&src.octets());
                path.push(&dst.octets());
            }
            (src, dst) => {
                path.push(&[0x86, 0xdd]);
                path.network = path.len;
                path.push(&[0x60, 0, 0, 0, 0, 0, path.protocol(), 62]);
                path.push(&v6(src));
                path.push(&v6(dst));
            }
        }
        path.transport = path.len;
        path.push(&ends.src.1.to_be_bytes());
        path.push(&ends.dst.1.to_be_bytes());
        path.push(if ends.tcp {
            &[0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0, 0x20, 0, 0, 0, 0, 0]
        } else {
            &[0; 4]
        });
        path
    }

    /// Addresses, ports and tag.
    #[must_use]
    pub const fn ends(&self) -> Ends {
        self.ends
    }

    /// Packets sent so far.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// Empties `frame` and writes the headers; the payload goes behind them.
    pub fn begin(&self, frame: &mut Vec<u8>) {
        frame.clear();
        frame.extend_from_slice(&self.head[..self.len]);
    }

    /// Writes the sequence number, acknowledgement and flags of a TCP segment that was begun.
    pub fn segment(&self, frame: &mut [u8], sequence: u32, acknowledgement: u32, flags: u8) {
        let header = &mut frame[self.transport..];
        header[4..8].copy_from_slice(&sequence.to_be_bytes());
        header[8..12].copy_from_slice(&acknowledgement.to_be_bytes());
        header[13] = flags;
    }

    /// Completes lengths, mark, identification and checksums.
    pub fn finish(&mut self, frame: &mut [u8], identification: u16) -> Sent {
        let dscp = if self.sent < self.marks.change_after {
            self.marks.first
        } else {
            self.marks.then
        };
        let is_first = self.sent == 0;
        self.sent += 1;
        let ds_field = dscp << 2 | self.ecn;
        let ip_len = frame.len() - self.network;
        let segment_len = frame.len() - self.transport;
        let (head, segment) = frame.split_at_mut(self.transport);
        let network = &mut head[self.network..];
        if self.is_v6() {
            network[0] = 0x60 | ds_field >> 4;
            network[1] = ds_field << 4;
            network[4..6].copy_from_slice(&sixteen(segment_len).to_be_bytes());
        } else {
            network[1] = ds_field;
            network[2..4].copy_from_slice(&sixteen(ip_len).to_be_bytes());
            network[4..6].copy_from_slice(&identification.to_be_bytes());
            let sum = Sum::default().add(network).finish();
            network[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        if !self.ends.tcp {
            segment[4..6].copy_from_slice(&sixteen(segment_len).to_be_bytes());
        }
        let addresses = if self.is_v6() {
            &network[8..40]
        } else {
            &network[12..20]
        };
        let pseudo = Sum::default()
            .add(addresses)
            .number(u32::from(self.protocol()));
        let sum = pseudo
            .number(u32::from(sixteen(segment_len)))
            .add(segment)
            .finish();
        let at = if self.ends.tcp { 16 } else { 6 };
        // RFC 768: a sum of 0 is sent as ffff, 0 means none.
        let sum = if sum == 0 { u16::MAX } else { sum };
        segment[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        Sent {
            dscp,
            ip_len,
            is_first,
        }
    }

    const fn is_v6(&self) -> bool {
        self.transport - self.network == 40
    }

    const fn protocol(&self) -> u8 {
        if self.ends.tcp { 6 } else { 17 }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.head[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
}

fn v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

fn sixteen(len: usize) -> u16 {
    u16::try_from(len).expect("no frame is longer than 2048 bytes")
}
