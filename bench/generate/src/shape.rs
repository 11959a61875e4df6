//! What a capture should look like.

/// The kinds of capture that are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Whole packets: calls, video, shared screens, bulk TCP, DNS and TLS; about 760 bytes a packet.
    Full,
    /// The same cut to 96 bytes, with more packets and flows for the same size.
    Snap,
    /// Cut to 96 bytes, four times the flows of `Snap`.
    Many,
    /// Whole packets, nearly all of them audio; about 220 bytes a packet.
    Voice,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Full, Self::Snap, Self::Many, Self::Voice];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Snap => "snap",
            Self::Many => "many",
            Self::Voice => "voice",
        }
    }

    /// Unidirectional flows in a file of 1 GB.
    const fn flows_per_gigabyte(self) -> u64 {
        match self {
            Self::Full => 12_000,
            Self::Snap => 64_000,
            Self::Many => 270_000,
            Self::Voice => 11_000,
        }
    }

    /// How many of 1000 sessions are of each kind, in the order of [`crate::session::Kind::ALL`].
    #[must_use]
    pub const fn mix(self) -> [u64; 7] {
        match self {
            Self::Full => [84, 84, 24, 30, 82, 246, 450],
            Self::Snap | Self::Many => [250, 80, 50, 30, 90, 150, 350],
            Self::Voice => [780, 2, 60, 2, 4, 52, 100],
        }
    }
}

/// Everything that decides the bytes of a capture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Which kind.
    pub profile: Profile,
    /// Bytes of the file; it ends with the first packet at or past them (a very small one may
    /// end somewhat earlier, with its last conversation).
    pub size: u64,
    /// Captured bytes a packet, at most.
    pub snaplen: u32,
    /// Unidirectional flows to aim at.
    pub flows: u64,
    /// Another seed, another capture.
    pub seed: u64,
    /// Share of sessions on IPv6, 0 to 1.
    pub ipv6: f64,
    /// Share of sessions with a VLAN tag, 0 to 1.
    pub vlan: f64,
    /// Share of media flows whose mark is not the planned one, 0 to 1.
    pub wrong_marks: f64,
    /// Share of RTP packets that are lost, 0 to 0.25; a quarter of the streams lose them all.
    pub loss: f64,
    /// Share of RTP packets that arrive after their successor, 0 to 1.
    pub late: f64,
    /// Share of RTP packets that arrive twice, 0 to 1.
    pub duplicates: f64,
    /// pcapng in place of pcap.
    pub pcapng: bool,
}

impl Shape {
    /// The usual capture of a profile at a size in bytes.
    #[must_use]
    pub fn new(profile: Profile, size: u64) -> Self {
        let flows = u128::from(profile.flows_per_gigabyte()) * u128::from(size) / 1_000_000_000;
        Self {
            profile,
            size,
            snaplen: match profile {
                Profile::Full | Profile::Voice => 262_144,
                Profile::Snap | Profile::Many => 96,
            },
            flows: u64::try_from(flows)
                .expect("fewer flows than bytes")
                .max(40),
            seed: 1,
            ipv6: 0.08,
            vlan: 0.30,
            wrong_marks: 0.15,
            loss: 0.005,
            late: 0.001,
            duplicates: 0.0005,
            pcapng: false,
        }
    }
}
