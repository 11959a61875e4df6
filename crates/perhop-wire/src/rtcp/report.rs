//! What RTCP reports: sender information, report blocks, extended reports.

/// Clocks and counts of a sender report (RFC 3550 section 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    /// NTP time: seconds since 1900 in the upper 32 bits, fractions in the lower.
    pub ntp: u64,
    /// The same instant on the RTP timestamp's clock.
    pub rtp_timestamp: u32,
    /// Packets sent since the stream began.
    pub packets: u32,
    /// Payload bytes sent since the stream began.
    pub octets: u32,
}

impl SenderInfo {
    /// The middle 32 bits of the NTP time, which a receiver returns as [`ReportBlock::last_sr`].
    #[must_use]
    pub const fn middle_ntp(&self) -> u32 {
        (self.ntp >> 16) as u32
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; 20] = bytes.first_chunk()?;
        Some(Self {
            ntp: u64::from(word(bytes, 0)) << 32 | u64::from(word(bytes, 4)),
            rtp_timestamp: word(bytes, 8),
            packets: word(bytes, 12),
            octets: word(bytes, 16),
        })
    }
}

/// What a receiver says of one source (RFC 3550 section 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source this is about.
    pub ssrc: u32,
    /// Share lost since the previous report, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the start; duplicates can make it negative.
    pub cumulative_lost: i32,
    /// Highest sequence number with its cycles in the upper 16 bits.
    pub highest_sequence: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time of the last sender report; 0 when there was none.
    pub last_sr: u32,
    /// Delay since that report in 1/65536 s.
    pub delay_since_last_sr: u32,
}

impl ReportBlock {
    fn read(bytes: &[u8; 24]) -> Self {
        let lost = word(bytes, 4);
        Self {
            ssrc: word(bytes, 0),
            fraction_lost: bytes[4],
            cumulative_lost: (lost << 8) as i32 >> 8,
            highest_sequence: word(bytes, 8),
            jitter: word(bytes, 12),
            last_sr: word(bytes, 16),
            delay_since_last_sr: word(bytes, 20),
        }
    }
}

/// Iterator over report blocks. What follows the counted blocks is an extension of the profile and is left out.
#[derive(Debug, Clone)]
pub struct ReportBlocks<'a> {
    rest: &'a [u8],
    left: u8,
}

impl<'a> ReportBlocks<'a> {
    pub(super) const fn new(rest: &'a [u8], left: u8) -> Self {
        Self { rest, left }
    }
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        self.left = self.left.checked_sub(1)?;
        let (block, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(ReportBlock::read(block))
    }
}

/// Iterator over the blocks of an extended report (RFC 3611 section 3).
#[derive(Debug, Clone)]
pub struct XrBlocks<'a> {
    rest: &'a [u8],
}

impl<'a> XrBlocks<'a> {
    pub(super) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }
}

impl<'a> Iterator for XrBlocks<'a> {
    type Item = XrBlock<'a>;

    fn next(&mut self) -> Option<XrBlock<'a>> {
        let (head, rest) = self.rest.split_first_chunk::<4>()?;
        let len = 4 * usize::from(u16::from_be_bytes([head[2], head[3]]));
        let body = rest.get(..len).unwrap_or(rest);
        self.rest = rest.get(len..).unwrap_or_default();
        Some(XrBlock {
            kind: head[0],
            body,
        })
    }
}

/// One block of an extended report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XrBlock<'a> {
    /// Block type: 4 receiver reference time, 5 delay since it, 6 statistics summary, 7 `VoIP` metrics.
    pub kind: u8,
    /// Captured bytes after the four-byte header.
    pub body: &'a [u8],
}

impl XrBlock<'_> {
    /// The metrics of block type 7; `None` for other types or when cut too short.
    #[must_use]
    pub fn voip_metrics(&self) -> Option<VoipMetrics> {
        let body: &[u8; 32] = self.body.first_chunk()?;
        (self.kind == 7).then(|| VoipMetrics::read(body))
    }
}

/// The `VoIP` metrics block (RFC 3611 section 4.7). A value that the endpoint does not know is `None` where the RFC
/// gives 127 that meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoipMetrics {
    /// The source this is about.
    pub ssrc: u32,
    /// Share lost on the network, in 1/256.
    pub loss_rate: u8,
    /// Share discarded by the jitter buffer, in 1/256.
    pub discard_rate: u8,
    /// Share lost or discarded within bursts, in 1/256.
    pub burst_density: u8,
    /// Share lost or discarded between bursts, in 1/256.
    pub gap_density: u8,
    /// Mean length of bursts in ms.
    pub burst_duration: u16,
    /// Mean length of gaps in ms.
    pub gap_duration: u16,
    /// Round trip in ms; 0 when unknown.
    pub round_trip: u16,
    /// Delay in the endpoint in ms.
    pub end_system_delay: u16,
    /// Signal level in dBm0.
    pub signal_level: Option<i8>,
    /// Noise level in dBm0.
    pub noise_level: Option<i8>,
    /// Residual echo return loss in dB.
    pub residual_echo_return_loss: Option<u8>,
    /// Packets that separate two bursts.
    pub gmin: u8,
    /// R factor of this segment.
    pub r_factor: Option<u8>,
    /// R factor of the network beyond.
    pub external_r_factor: Option<u8>,
    /// Listening quality, MOS times 10.
    pub mos_lq: Option<u8>,
    /// Conversational quality, MOS times 10.
    pub mos_cq: Option<u8>,
    /// Nominal delay of the jitter buffer in ms.
    pub jitter_buffer_nominal: u16,
    /// Longest delay the jitter buffer has had in ms.
    pub jitter_buffer_maximum: u16,
    /// Longest delay the jitter buffer can have in ms.
    pub jitter_buffer_absolute_maximum: u16,
}

impl VoipMetrics {
    fn read(body: &[u8; 32]) -> Self {
        let half = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
        let known = |at: usize| Some(body[at]).filter(|value| *value != UNAVAILABLE);
        let level = |at: usize| known(at).map(u8::cast_signed);
        Self {
            ssrc: word(body, 0),
            loss_rate: body[4],
            discard_rate: body[5],
            burst_density: body[6],
            gap_density: body[7],
            burst_duration: half(8),
            gap_duration: half(10),
            round_trip: half(12),
            end_system_delay: half(14),
            signal_level: level(16),
            noise_level: level(17),
            residual_echo_return_loss: known(18),
            gmin: body[19],
            r_factor: known(20),
            external_r_factor: known(21),
            mos_lq: known(22),
            mos_cq: known(23),
            jitter_buffer_nominal: half(26),
            jitter_buffer_maximum: half(28),
            jitter_buffer_absolute_maximum: half(30),
        }
    }
}

fn word<const N: usize>(bytes: &[u8; N], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// RFC 3611: "the value 127 indicates that this parameter is unavailable".
const UNAVAILABLE: u8 = 127;
