//! Audio or video: told by the clock of the timestamps first, because no codec of sound in a dynamic payload type counts
//! in 90 kHz and none of pictures in anything else (RFC 3551 sections 4 and 5).

use super::MediaType;
use super::clock::{self, CLOCKS, ClockSource};

/// What a stream's packets show.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signs {
    /// The type of most packets.
    pub(super) payload_type: u8,
    /// The clock as an index of [`CLOCKS`], and how it is known.
    pub(super) clock: (usize, ClockSource),
    /// Timestamp units a second over the stream, roughly.
    pub(super) crude: Option<f64>,
    /// Several packets shared a timestamp.
    pub(super) frames: bool,
    /// Mean payload in bytes.
    pub(super) mean: u64,
}

/// What the packets tell; `None` when they leave it open.
pub(super) fn told_by(signs: &Signs) -> Option<MediaType> {
    match signs.payload_type {
        0..=23 => return Some(MediaType::Audio),
        25..=34 => return Some(MediaType::Video),
        _ => {}
    }
    let (clock, source) = signs.clock;
    match source {
        ClockSource::Registered | ClockSource::Announced | ClockSource::Measured => {
            return Some(by_clock(clock));
        }
        ClockSource::Assumed | ClockSource::Unknown => {}
    }
    if signs.frames {
        return Some(MediaType::Video);
    }
    if let Some(found) = signs.crude.and_then(by_rate) {
        return Some(found);
    }
    if signs.mean > LARGE {
        return Some(MediaType::Video);
    }
    // Type 127 is shared data at Microsoft's endpoints and anything elsewhere.
    let habit = source == ClockSource::Assumed && signs.payload_type != 127;
    habit.then(|| by_clock(clock))
}

const fn by_clock(clock: usize) -> MediaType {
    if clock == clock::VIDEO {
        MediaType::Video
    } else {
        MediaType::Audio
    }
}

/// The kind of the usual clock that lies nearest, if it is near.
fn by_rate(rate: f64) -> Option<MediaType> {
    let distance = |clock: usize| (rate / f64::from(CLOCKS[clock].0)).ln().abs();
    let nearest = (1..CLOCKS.len()).min_by(|a, b| distance(*a).total_cmp(&distance(*b)))?;
    (distance(nearest) <= NEAR).then(|| by_clock(nearest))
}

/// A rough rate is taken from so many packets on.
pub(super) const LEAST_PACKETS: u32 = 10;
/// A rough rate is taken over at least so many nanoseconds.
pub(super) const LEAST_LASTED: i64 = 150_000_000;
/// A payload larger than this on average is video, where no clock tells.
const LARGE: u64 = 600;
/// A rough rate may be so far from a clock: a factor of 1.25, as a natural logarithm. 48 and 90 kHz are 1.9 apart.
const NEAR: f64 = 0.223;

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Signs = Signs {
        payload_type: 98,
        clock: (clock::UNKNOWN, ClockSource::Unknown),
        crude: None,
        frames: false,
        mean: 120,
    };

    fn index(rate: u32) -> usize {
        clock::index_of(rate).unwrap()
    }

    #[test]
    fn small_packets_of_a_90_khz_clock_are_video() {
        for source in [ClockSource::Measured, ClockSource::Announced] {
            let signs = Signs {
                clock: (clock::VIDEO, source),
                ..OPEN
            };
            assert_eq!(told_by(&signs), Some(MediaType::Video));
        }
        let crude = |rate| {
            told_by(&Signs {
                crude: Some(rate),
                ..OPEN
            })
        };
        assert_eq!(crude(86_000.0), Some(MediaType::Video));
        assert_eq!(crude(49_000.0), Some(MediaType::Audio));
        assert_eq!(crude(8300.0), Some(MediaType::Audio));
        assert_eq!(crude(64_000.0), None, "between 48 and 90 kHz");
        assert_eq!(crude(-90_000.0), None);
        assert_eq!(crude(0.0), None);
    }

    #[test]
    fn large_or_shared_timestamps_are_video_only_where_no_clock_tells() {
        let frames = Signs {
            frames: true,
            ..OPEN
        };
        let large = Signs { mean: 1100, ..OPEN };
        for signs in [frames, large] {
            assert_eq!(told_by(&signs), Some(MediaType::Video));
            let clocked = Signs {
                clock: (index(48_000), ClockSource::Measured),
                ..signs
            };
            assert_eq!(told_by(&clocked), Some(MediaType::Audio));
        }
    }

    #[test]
    fn what_packets_leave_open_stays_open() {
        assert_eq!(told_by(&OPEN), None);
        let assumed = |payload_type, rate| Signs {
            payload_type,
            clock: (index(rate), ClockSource::Assumed),
            ..OPEN
        };
        assert_eq!(told_by(&assumed(104, 16_000)), Some(MediaType::Audio));
        assert_eq!(told_by(&assumed(122, 90_000)), Some(MediaType::Video));
        assert_eq!(told_by(&assumed(127, 90_000)), None);
    }
}
