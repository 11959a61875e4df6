//! Clocks of payload types: the registered, the usual, and the measured.

use std::borrow::Cow;

/// The clock of a stream's timestamps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StreamClock {
    /// Units a second; `None` when it is not known, and then nothing is given in milliseconds.
    pub rate: Option<u32>,
    /// How it is known.
    pub source: ClockSource,
    /// Units a second as timestamps and arrival times have it over the whole stream, when it lasted a second or more.
    /// More than 1 % from `rate` means that `rate` is wrong; less is the drift of the sender's clock and the jitter
    /// of two packets.
    pub measured: Option<f64>,
}

/// How a clock is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ClockSource {
    /// The payload type is registered (RFC 3551 section 6).
    Registered,
    /// SDP in the capture gives it.
    Announced,
    /// Measured on at least 50 packets over at least a second, and within 2 % of a usual rate.
    Measured,
    /// The usual clock of the payload type at Microsoft's and `WebRTC` endpoints, not contradicted by the packets.
    Assumed,
    /// Not known.
    Unknown,
}

/// A codec's name, and how it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codec {
    /// The encoding name as SDP writes it.
    pub name: Cow<'static, str>,
    /// How it is known; never [`ClockSource::Measured`].
    pub source: ClockSource,
}

/// Usual rates, with nanoseconds in a unit; 0 stands for "unknown".
pub(super) const CLOCKS: [(u32, f64); 11] = [
    (0, 0.0),
    (8000, 1e9 / 8000.0),
    (11_025, 1e9 / 11_025.0),
    (12_000, 1e9 / 12_000.0),
    (16_000, 1e9 / 16_000.0),
    (22_050, 1e9 / 22_050.0),
    (24_000, 1e9 / 24_000.0),
    (32_000, 1e9 / 32_000.0),
    (44_100, 1e9 / 44_100.0),
    (48_000, 1e9 / 48_000.0),
    (90_000, 1e9 / 90_000.0),
];

/// Index in [`CLOCKS`] of an unknown clock.
pub(super) const UNKNOWN: usize = 0;
/// Index in [`CLOCKS`] of the 90 kHz clock.
pub(super) const VIDEO: usize = 10;
/// Clocks that dynamic payload types have in practice: jitter is kept for each of them until one is settled. Where it is
/// another, jitter begins when it is settled.
pub(super) const LANES: [usize; 4] = [1, 4, 9, 10];

/// Index in [`CLOCKS`] of a rate.
pub(super) fn index_of(rate: u32) -> Option<usize> {
    let found = CLOCKS.iter().position(|(clock, _)| *clock == rate)?;
    (found != UNKNOWN).then_some(found)
}

/// Index in [`CLOCKS`] of the usual rate within 2 % of a measured one.
pub(super) fn snap(rate: f64) -> Option<usize> {
    (1..CLOCKS.len()).find(|clock| (rate / f64::from(CLOCKS[*clock].0) - 1.0).abs() <= 0.02)
}

/// Index in [`CLOCKS`] for a registered payload type (RFC 3551 section 6).
pub(super) fn registered(payload_type: u8) -> Option<usize> {
    let (_, rate) = static_type(payload_type)?;
    index_of(rate)
}

/// Encoding name and clock of a registered payload type (RFC 3551 section 6).
pub(super) const fn static_type(payload_type: u8) -> Option<(&'static str, u32)> {
    Some(match payload_type {
        0 => ("PCMU", 8000),
        3 => ("GSM", 8000),
        4 => ("G723", 8000),
        5 => ("DVI4", 8000),
        6 => ("DVI4", 16_000),
        7 => ("LPC", 8000),
        8 => ("PCMA", 8000),
        9 => ("G722", 8000),
        10 | 11 => ("L16", 44_100),
        12 => ("QCELP", 8000),
        13 => ("CN", 8000),
        14 => ("MPA", 90_000),
        15 => ("G728", 8000),
        16 => ("DVI4", 11_025),
        17 => ("DVI4", 22_050),
        18 => ("G729", 8000),
        25 => ("CelB", 90_000),
        26 => ("JPEG", 90_000),
        28 => ("nv", 90_000),
        31 => ("H261", 90_000),
        32 => ("MPV", 90_000),
        33 => ("MP2T", 90_000),
        34 => ("H263", 90_000),
        _ => return None,
    })
}

/// What a dynamic payload type usually is: at Microsoft's endpoints first ([MS-SDPEXT] 3.1.5.3), then elsewhere.
pub(super) const fn usual(payload_type: u8) -> &'static [(&'static str, u32)] {
    match payload_type {
        97 => &[("RED", 8000)],
        101 => &[("telephone-event", 8000)],
        103 => &[("SILK", 8000)],
        104 => &[("SILK", 16_000)],
        111 => &[("SIREN", 16_000), ("opus", 48_000)],
        112 => &[("G7221", 16_000)],
        114 => &[("x-msrta", 16_000)],
        115 => &[("x-msrta", 8000)],
        116 => &[("AAL2-G726-32", 8000)],
        117 => &[("G722", 8000)],
        118 => &[("CN", 16_000)],
        121 => &[("x-rtvc1", 90_000)],
        122 => &[("X-H264UC", 90_000)],
        123 => &[("x-ulpfecuc", 90_000)],
        127 => &[("x-data", 90_000)],
        _ => &[],
    }
}

/// Whether packets of this type and payload length are telephone events (RFC 4733): 4 bytes, or 4 and an SRTP tag where
/// the type is one used for them.
pub(crate) const fn is_event(payload_type: u8, payload_len: u16) -> bool {
    match payload_len {
        4 => payload_type >= 96,
        8 | 14 | 20 => matches!(payload_type, 101 | 110 | 126),
        _ => false,
    }
}

/// Whether the payload type is comfort noise beside `main`.
pub(super) const fn is_comfort_noise(payload_type: u8, main: u8, payload_len: u16) -> bool {
    payload_type != main && (payload_type == 13 || payload_type == 118 && payload_len <= 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_snap_within_two_per_cent() {
        let rate = |measured: f64| snap(measured).map(|clock| CLOCKS[clock].0);
        assert_eq!(rate(16_100.0), Some(16_000));
        assert_eq!(rate(47_100.0), Some(48_000));
        assert_eq!(rate(12_400.0), None);
        assert_eq!(rate(-8000.0), None);
    }

    #[test]
    fn every_known_clock_has_an_index() {
        for payload_type in 0..128 {
            if let Some((_, rate)) = static_type(payload_type) {
                assert!(index_of(rate).is_some(), "{payload_type}");
            }
            for (_, rate) in usual(payload_type) {
                let clock = index_of(*rate).unwrap();
                assert!(LANES.contains(&clock), "{payload_type}");
            }
        }
        assert_eq!(CLOCKS[VIDEO].0, 90_000);
        assert_eq!(
            LANES.map(|clock| CLOCKS[clock].0),
            [8000, 16_000, 48_000, 90_000]
        );
    }

    #[test]
    fn g722_counts_in_8000_though_it_samples_at_16000() {
        assert_eq!(static_type(9), Some(("G722", 8000)));
    }
}
