//! Packets before and after a path whose every fact is known.

use std::net::SocketAddr;

/// Nanoseconds.
pub(crate) const MS: i64 = 1_000_000;
pub(crate) const SECOND: i64 = 1_000_000_000;
/// When captures begin, by the first clock.
pub(crate) const START: i64 = 1_700_000_000 * SECOND;

/// One packet as a point sees it.
#[derive(Debug, Clone)]
pub(crate) struct Packet {
    pub(crate) time: i64,
    pub(crate) src: SocketAddr,
    pub(crate) dst: SocketAddr,
    pub(crate) dscp: u8,
    pub(crate) ttl: u8,
    pub(crate) id: u16,
    /// Sequence number, when it is TCP.
    pub(crate) tcp: Option<u32>,
    pub(crate) payload: Vec<u8>,
}

impl Packet {
    /// The IP packet.
    fn bytes(&self) -> Vec<u8> {
        let mut transport = Vec::new();
        transport.extend(self.src.port().to_be_bytes());
        transport.extend(self.dst.port().to_be_bytes());
        match self.tcp {
            Some(sequence) => {
                transport.extend(sequence.to_be_bytes());
                transport.extend([0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
            }
            None => {
                let len = u16::try_from(self.payload.len() + 8).unwrap();
                transport.extend(len.to_be_bytes());
                transport.extend([0, 0]);
            }
        }
        transport.extend(&self.payload);
        let (SocketAddr::V4(src), SocketAddr::V4(dst)) = (self.src, self.dst) else {
            panic!("IPv4 only");
        };
        let mut out = vec![0x45, self.dscp << 2];
        out.extend(u16::try_from(transport.len() + 20).unwrap().to_be_bytes());
        out.extend(self.id.to_be_bytes());
        out.extend([
            0x40,
            0,
            self.ttl,
            if self.tcp.is_some() { 6 } else { 17 },
            0,
            0,
        ]);
        out.extend(src.ip().octets());
        out.extend(dst.ip().octets());
        out.extend(transport);
        out
    }
}

/// A capture (pcap, raw IP, nanoseconds), in the order given.
pub(crate) fn capture(packets: &[Packet]) -> Vec<u8> {
    cut(packets, usize::MAX)
}

/// The same, of which each packet keeps so many bytes.
pub(crate) fn cut(packets: &[Packet], snap: usize) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(0xa1b2_3c4du32.to_le_bytes());
    out.extend([
        2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 101, 0, 0, 0,
    ]);
    for packet in packets {
        let bytes = packet.bytes();
        let kept = bytes.len().min(snap);
        let words = [
            u32::try_from(packet.time / SECOND).unwrap(),
            u32::try_from(packet.time % SECOND).unwrap(),
            u32::try_from(kept).unwrap(),
            u32::try_from(bytes.len()).unwrap(),
        ];
        for word in words {
            out.extend(word.to_le_bytes());
        }
        out.extend(&bytes[..kept]);
    }
    out
}

/// The packets of one flow.
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    pub(crate) src: SocketAddr,
    pub(crate) dst: SocketAddr,
    pub(crate) dscp: u8,
    pub(crate) packets: usize,
    /// From packet to packet, in nanoseconds.
    pub(crate) step: i64,
    pub(crate) kind: Kind,
}

/// What a flow carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// RTP.
    Audio,
    /// TCP segments that follow each other.
    Stream,
    /// The same bytes in every packet; whether IPv4 identifications count on.
    Constant { ids: bool },
}

pub(crate) fn flow(src: &str, dst: &str, dscp: u8, packets: usize) -> Flow {
    Flow {
        src: src.parse().unwrap(),
        dst: dst.parse().unwrap(),
        dscp,
        packets,
        step: 20 * MS,
        kind: Kind::Audio,
    }
}

impl Flow {
    pub(crate) fn of(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// As its sender sends it, the time to live being 64.
    pub(crate) fn sent(&self) -> Vec<Packet> {
        let number = u32::from(self.src.port());
        (0..self.packets)
            .map(|at| {
                let count = u32::try_from(at).unwrap();
                let mut payload = vec![0x80, 0];
                payload.extend(700u16.wrapping_add(count as u16).to_be_bytes());
                payload.extend((count * 160).to_be_bytes());
                payload.extend((number + 0x1000).to_be_bytes());
                payload.resize(172, 0x55);
                let (tcp, ids) = match self.kind {
                    Kind::Audio => (None, true),
                    Kind::Stream => (Some(count * 172), true),
                    Kind::Constant { ids } => (None, ids),
                };
                if self.kind != Kind::Audio {
                    payload = vec![7; 172];
                }
                Packet {
                    time: START + i64::from(number) * 1000 + self.step * at as i64,
                    src: self.src,
                    dst: self.dst,
                    dscp: self.dscp,
                    ttl: 64,
                    id: if ids {
                        (count as u16).wrapping_add(1)
                    } else {
                        0
                    },
                    tcp,
                    payload,
                }
            })
            .collect()
    }
}

/// What lies between two points.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    /// Least delay in nanoseconds.
    pub(crate) delay: i64,
    pub(crate) hops: u8,
    /// Second clock less first clock at [`START`], in nanoseconds.
    pub(crate) offset: i64,
    pub(crate) drift_ppm: f64,
}

impl Path {
    /// A short path whose ends read one clock.
    pub(crate) const SHORT: Self = Self {
        delay: 5 * MS,
        hops: 1,
        offset: 0,
        drift_ppm: 0.0,
    };

    /// A moment of the first clock by the second one.
    pub(crate) fn second_clock(&self, time: i64) -> i64 {
        time + self.offset + (self.drift_ppm * 1e-6 * (time - START) as f64).round() as i64
    }

    /// A packet that goes from the first point to the second, as the second sees it; `late` nanoseconds over the least delay.
    pub(crate) fn forward(&self, sent: &Packet, late: i64) -> Packet {
        Packet {
            time: self.second_clock(sent.time + self.delay + late),
            ttl: sent.ttl - self.hops,
            ..sent.clone()
        }
    }

    /// A packet that goes the other way: as the second point and as the first sees it.
    pub(crate) fn backward(&self, sent: &Packet, late: i64) -> (Packet, Packet) {
        let at_second = Packet {
            time: self.second_clock(sent.time),
            ..sent.clone()
        };
        let at_first = Packet {
            time: sent.time + self.delay + late,
            ttl: sent.ttl - self.hops,
            ..sent.clone()
        };
        (at_second, at_first)
    }
}

/// In order of time.
pub(crate) fn in_time(mut packets: Vec<Packet>) -> Vec<Packet> {
    packets.sort_by_key(|packet| packet.time);
    packets
}
