//! Packets from a few words: `traffic.txt` of a case becomes a capture.
//!
//! One line a flow: protocol, sender, `>`, receiver, what it carries, marks as `MARKxPACKETS` joined by commas, then
//! options: `times=N` repeats the marks, `ttl=N`, `gre=MARK` puts the packets into a tunnel with that outer mark.

use std::net::{IpAddr, SocketAddr};

/// Nanoseconds between two packets of a flow, and between the starts of two flows.
const STEP: u64 = 20_000_000;
const STAGGER: u64 = 1_000_000;

/// A line of traffic.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    tcp: bool,
    src: SocketAddr,
    dst: SocketAddr,
    what: String,
    marks: Vec<u8>,
    ttl: u8,
    gre: Option<u8>,
}

impl Line {
    pub(crate) fn parse(text: &str) -> Self {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [protocol, src, ">", dst, what, marks, options @ ..] = &words[..] else {
            panic!("not a line of traffic: {text}");
        };
        let option = |name: &str| {
            options
                .iter()
                .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
                .map(|value| value.parse::<u16>().unwrap())
        };
        let once: Vec<u8> = marks
            .split(',')
            .flat_map(|run| {
                let (mark, packets) = run.split_once('x').unwrap();
                let mark: u8 = mark.parse().unwrap();
                std::iter::repeat_n(mark, packets.parse().unwrap())
            })
            .collect();
        let times = usize::from(option("times").unwrap_or(1));
        Self {
            tcp: *protocol == "tcp",
            src: src.parse().unwrap(),
            dst: dst.parse().unwrap(),
            what: (*what).to_owned(),
            marks: once.repeat(times),
            ttl: u8::try_from(option("ttl").unwrap_or(126)).unwrap(),
            gre: option("gre").map(|mark| u8::try_from(mark).unwrap()),
        }
    }

    fn packet(&self, number: usize, ssrc: u32) -> Vec<u8> {
        let payload = match self.what.as_str() {
            "audio" => rtp(0, number, number * 160, ssrc, 160),
            "video" => rtp(122, number, number / 3 * 5400, ssrc, 900),
            "stun" => stun(),
            "rtcp" => rtcp(ssrc),
            "sip" => b"OPTIONS sip:a@b SIP/2.0\r\n\r\n".to_vec(),
            "data" => vec![7; 200],
            other => panic!("no payload `{other}`"),
        };
        let mut transport = Vec::new();
        transport.extend(self.src.port().to_be_bytes());
        transport.extend(self.dst.port().to_be_bytes());
        if self.tcp {
            let sequence = u32::try_from(number * payload.len()).unwrap();
            transport.extend(sequence.to_be_bytes());
            transport.extend([0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
        } else {
            let len = u16::try_from(payload.len() + 8).unwrap();
            transport.extend(len.to_be_bytes());
            transport.extend([0, 0]);
        }
        transport.extend(payload);
        let protocol = if self.tcp { 6 } else { 17 };
        let mark = self.marks[number];
        let inner = ip(
            self.src.ip(),
            self.dst.ip(),
            protocol,
            mark,
            self.ttl,
            &transport,
        );
        let Some(outer) = self.gre else { return inner };
        let mut gre = vec![0, 0, 8, 0];
        gre.extend(inner);
        let end = |last| IpAddr::from([198, 18, 0, last]);
        ip(end(1), end(2), 47, outer, 60, &gre)
    }
}

/// A capture (pcap, Ethernet, nanoseconds) of some traffic.
pub(crate) fn capture(lines: &[Line]) -> Vec<u8> {
    let mut packets: Vec<(u64, Vec<u8>)> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let start = at as u64 * STAGGER;
        for number in 0..line.marks.len() {
            let ssrc = 0x1000 + u32::try_from(at).unwrap();
            packets.push((start + number as u64 * STEP, line.packet(number, ssrc)));
        }
    }
    packets.sort_by_key(|(time, _)| *time);
    let mut out = Vec::new();
    out.extend(0xa1b2_3c4du32.to_le_bytes());
    out.extend([
        2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0,
    ]);
    for (time, packet) in packets {
        let len = u32::try_from(packet.len() + 14).unwrap();
        let seconds = u32::try_from(1_700_000_000 + time / 1_000_000_000).unwrap();
        let nanos = u32::try_from(time % 1_000_000_000).unwrap();
        for word in [seconds, nanos, len, len] {
            out.extend(word.to_le_bytes());
        }
        out.extend([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]);
        out.extend(if packet[0] >> 4 == 4 {
            [8, 0]
        } else {
            [0x86, 0xdd]
        });
        out.extend(packet);
    }
    out
}

fn ip(src: IpAddr, dst: IpAddr, protocol: u8, mark: u8, ttl: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).unwrap();
    let mut out = Vec::new();
    match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            out.extend([0x45, mark << 2]);
            out.extend((len + 20).to_be_bytes());
            out.extend([0, 0, 0x40, 0, ttl, protocol, 0, 0]);
            out.extend(src.octets());
            out.extend(dst.octets());
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            let octet = mark << 2;
            out.extend([0x60 | octet >> 4, octet << 4, 0, 0]);
            out.extend(len.to_be_bytes());
            out.extend([protocol, ttl]);
            out.extend(src.octets());
            out.extend(dst.octets());
        }
        _ => panic!("two families"),
    }
    out.extend(payload);
    out
}

fn rtp(kind: u8, number: usize, timestamp: usize, ssrc: u32, len: usize) -> Vec<u8> {
    let mut out = vec![0x80, kind];
    out.extend(u16::try_from(1000 + number).unwrap().to_be_bytes());
    out.extend(u32::try_from(timestamp).unwrap().to_be_bytes());
    out.extend(ssrc.to_be_bytes());
    out.resize(12 + len, 0x55);
    out
}

fn rtcp(ssrc: u32) -> Vec<u8> {
    let mut out = vec![0x80, 201, 0, 1];
    out.extend(ssrc.to_be_bytes());
    out
}

fn stun() -> Vec<u8> {
    let mut out = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    out.extend([9; 12]);
    out
}
