//! What a capture holds, counted while it was written.

use std::fmt::Write as _;

use crate::path::{Ends, Path, Sent};

/// The part of a plan that a flow belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// RTP of audio and its RTCP.
    Audio,
    /// RTP of video and its RTCP.
    Video,
    /// A shared screen over TCP.
    Sharing,
    /// Nothing of the plan's.
    Other,
}

impl Role {
    const MEDIA: [Self; 3] = [Self::Audio, Self::Video, Self::Sharing];

    /// Its name in the truth.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Sharing => "app-sharing",
            Self::Other => "other",
        }
    }

    /// The mark that the plan wants.
    #[must_use]
    pub const fn planned(self) -> u8 {
        match self {
            Self::Audio => 46,
            Self::Video => 34,
            Self::Sharing => 24,
            Self::Other => 0,
        }
    }
}

/// What became of a flow's mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// As planned, in every packet.
    Right,
    /// 0 in every packet.
    Unmarked,
    /// The three precedence bits cleared (RFC 9435).
    Bleached,
    /// Another value in every packet.
    Other,
    /// Right at first, then 0.
    Changing,
}

impl MarkKind {
    const ALL: [Self; 5] = [
        Self::Right,
        Self::Unmarked,
        Self::Bleached,
        Self::Other,
        Self::Changing,
    ];

    /// Its name in the truth.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Unmarked => "unmarked",
            Self::Bleached => "bleached",
            Self::Other => "other",
            Self::Changing => "changing",
        }
    }
}

/// What a packet carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// RTP, also within channel data.
    Rtp,
    /// RTCP, also within channel data.
    Rtcp,
    /// STUN and TURN messages.
    Stun,
    /// DNS.
    Dns,
    /// TCP segments.
    Tcp,
}

impl Content {
    const ALL: [Self; 5] = [Self::Rtp, Self::Rtcp, Self::Stun, Self::Dns, Self::Tcp];
    const fn name(self) -> &'static str {
        match self {
            Self::Rtp => "rtp",
            Self::Rtcp => "rtcp",
            Self::Stun => "stun",
            Self::Dns => "dns",
            Self::Tcp => "tcp",
        }
    }
}

/// One RTP stream as it was written.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Number of its flow.
    pub path: usize,
    /// Synchronisation source.
    pub ssrc: u32,
    /// Payload type.
    pub payload_type: u8,
    /// Sent through a relay.
    pub relayed: bool,
    /// Packets, duplicates among them.
    pub packets: u64,
    /// Different sequence numbers.
    pub different: u64,
    /// Packets that came after one with a higher sequence number; duplicates do not count.
    pub late: u64,
    /// Payload bytes.
    pub octets: u64,
    /// Timestamp of the last packet.
    pub timestamp: u32,
    /// Lowest and highest extended sequence number.
    pub span: Option<(u64, u64)>,
}

impl Stream {
    /// Counts a packet; `is_copy` when its sequence number was sent before.
    pub fn count(&mut self, sequence: u64, timestamp: u32, octets: usize, is_copy: bool) {
        self.packets += 1;
        self.timestamp = timestamp;
        self.octets += u64::try_from(octets).expect("a length fits");
        if is_copy {
            return;
        }
        self.different += 1;
        let (low, high) = self.span.unwrap_or((sequence, sequence));
        self.late += u64::from(sequence < high);
        self.span = Some((low.min(sequence), high.max(sequence)));
    }

    /// Sequence numbers between the lowest and the highest that never came.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.span
            .map_or(0, |(low, high)| high - low + 1 - self.different)
    }

    /// Packets whose sequence number had come before.
    #[must_use]
    pub const fn duplicates(&self) -> u64 {
        self.packets - self.different
    }
}

/// The planned class of a flow and what its mark shows.
#[derive(Debug, Clone, Copy)]
pub struct Label {
    /// Class.
    pub role: Role,
    /// What was to become of its mark.
    pub mark: MarkKind,
    /// Packets after which it changes, for [`MarkKind::Changing`].
    pub change_after: u64,
}

impl Label {
    /// A flow that the plan does not know.
    pub const OTHER: Self = Self {
        role: Role::Other,
        mark: MarkKind::Right,
        change_after: u64::MAX,
    };

    /// What shows after `sent` packets: a mark that has not changed yet is right.
    #[must_use]
    pub const fn shown(self, sent: u64) -> MarkKind {
        match self.mark {
            MarkKind::Changing if sent <= self.change_after => MarkKind::Right,
            mark => mark,
        }
    }
}

/// Counts of the whole capture.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    /// Packets.
    pub packets: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Bytes of packets that the file holds.
    pub captured_bytes: u64,
    /// Bytes of packets on the wire.
    pub wire_bytes: u64,
    /// Bytes from the IP headers on.
    pub ip_bytes: u64,
    /// Microseconds since 1970 of the first packet.
    pub first_us: u64,
    /// Microseconds since 1970 of the last packet.
    pub last_us: u64,
    /// Packets of each DSCP.
    pub dscp: Vec<u64>,
    /// Unidirectional flows.
    pub flows: u64,
    /// Of these, over TCP.
    pub tcp_flows: u64,
    /// Of these, over IPv6.
    pub ipv6_flows: u64,
    /// Of these, with a VLAN tag.
    pub vlan_flows: u64,
    /// Packets by content, in the order of `Content::ALL`.
    contents: [u64; 5],
    /// Packets within TURN channel data.
    pub relayed: u64,
    /// Every flow's class, in the order of the paths.
    pub labels: Vec<Label>,
    /// RTP streams, the ones without a packet too.
    pub streams: Vec<Stream>,
}

impl Truth {
    /// Counts a packet of a flow.
    pub fn count(&mut self, ends: Ends, sent: Sent, content: Content) {
        self.packets += 1;
        self.ip_bytes += u64::try_from(sent.ip_len).expect("a length fits");
        self.dscp.resize(64, 0);
        self.dscp[usize::from(sent.dscp)] += 1;
        self.contents[Content::ALL
            .iter()
            .position(|one| *one == content)
            .expect("all are listed")] += 1;
        if sent.is_first {
            self.flows += 1;
            self.tcp_flows += u64::from(ends.tcp);
            self.ipv6_flows += u64::from(ends.src.0.is_ipv6());
            self.vlan_flows += u64::from(ends.vlan.is_some());
        }
    }

    /// The streams that have packets.
    pub fn heard(&self) -> impl Iterator<Item = &Stream> {
        self.streams.iter().filter(|stream| stream.packets > 0)
    }

    /// Packets of a content.
    #[must_use]
    pub fn of(&self, content: Content) -> u64 {
        self.contents[Content::ALL
            .iter()
            .position(|one| *one == content)
            .expect("all are listed")]
    }

    /// The summary as JSON.
    #[must_use]
    pub fn summary(&self, paths: &[Path]) -> String {
        let mut out = String::from("{\n  \"schema\": \"perhop-bench-truth/1\"");
        let mut number = |name: &str, value: u64| {
            write!(out, ",\n  \"{name}\": {value}").expect("writing to a string works");
        };
        number("packets", self.packets);
        number("file_bytes", self.file_bytes);
        number("captured_bytes", self.captured_bytes);
        number("wire_bytes", self.wire_bytes);
        number("ip_bytes", self.ip_bytes);
        number("first_us", self.first_us);
        number("last_us", self.last_us);
        number("flows", self.flows);
        number("tcp_flows", self.tcp_flows);
        number("ipv6_flows", self.ipv6_flows);
        number("vlan_flows", self.vlan_flows);
        number("relayed_packets", self.relayed);
        let dscp = self
            .dscp
            .iter()
            .enumerate()
            .filter(|(_, packets)| **packets > 0);
        let dscp = dscp.map(|(dscp, packets)| format!("\"{dscp}\": {packets}"));
        object(&mut out, "dscp", dscp);
        let contents = Content::ALL
            .iter()
            .map(|one| format!("\"{}\": {}", one.name(), self.of(*one)));
        object(&mut out, "contents", contents);
        let sum = |count: fn(&Stream) -> u64| self.heard().map(count).sum::<u64>();
        let rtp = [
            ("streams", self.heard().map(|_| 1).sum()),
            ("packets", sum(|stream| stream.packets)),
            ("lost", sum(Stream::lost)),
            ("duplicates", sum(Stream::duplicates)),
            ("late", sum(|stream| stream.late)),
        ];
        object(
            &mut out,
            "rtp",
            rtp.iter()
                .map(|(name, value)| format!("\"{name}\": {value}")),
        );
        let roles = Role::MEDIA.iter().map(|role| self.marks(*role, paths));
        out.push_str(",\n  \"marks\": {\n");
        out.push_str(&roles.collect::<Vec<_>>().join(",\n"));
        out.push_str("\n  }\n}\n");
        out
    }

    /// One line a stream, comma-separated, with a heading.
    #[must_use]
    pub fn stream_table(&self, paths: &[Path]) -> String {
        let mut out = String::from(
            "src,src_port,dst,dst_port,ssrc,payload_type,packets,lost,duplicates,late,class,mark,relayed\n",
        );
        for stream in self.heard() {
            let (path, label) = (&paths[stream.path], self.labels[stream.path]);
            let (src, dst) = (path.ends().src, path.ends().dst);
            writeln!(
                out,
                "{},{},{},{},0x{:08x},{},{},{},{},{},{},{},{}",
                src.0,
                src.1,
                dst.0,
                dst.1,
                stream.ssrc,
                stream.payload_type,
                stream.packets,
                stream.lost(),
                stream.duplicates(),
                stream.late,
                label.role.name(),
                label.shown(path.sent()).name(),
                stream.relayed
            )
            .expect("writing to a string works");
        }
        out
    }

    fn marks(&self, role: Role, paths: &[Path]) -> String {
        let kinds = MarkKind::ALL.iter().map(|kind| {
            let of_kind = paths.iter().zip(&self.labels).filter(|(path, label)| {
                path.sent() > 0 && label.role == role && label.shown(path.sent()) == *kind
            });
            let (flows, packets) = of_kind.fold((0_u64, 0), |(flows, packets), (path, _)| {
                (flows + 1, packets + path.sent())
            });
            format!(
                "\"{}\": {{\"flows\": {flows}, \"packets\": {packets}}}",
                kind.name()
            )
        });
        format!(
            "    \"{}\": {{{}}}",
            role.name(),
            kinds.collect::<Vec<_>>().join(", ")
        )
    }
}

fn object(out: &mut String, name: &str, members: impl Iterator<Item = String>) {
    let members = members.collect::<Vec<_>>().join(", ");
    write!(out, ",\n  \"{name}\": {{{members}}}").expect("writing to a string works");
}
