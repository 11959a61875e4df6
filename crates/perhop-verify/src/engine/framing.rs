//! RTP over TCP: frames of RFC 4571 followed across segments, in one direction of a connection.

use perhop_wire::rtp::Rtp;

/// Whether bytes can begin with a frame. `wire_len` is the segment's length in bytes.
pub(super) fn begins_with_frame(bytes: &[u8], wire_len: u32) -> bool {
    let Some(Frame { len, .. }) = Frame::read(bytes) else {
        return false;
    };
    let next = 2 + u32::from(len);
    match bytes.get(next as usize..) {
        Some(rest) if next < wire_len && rest.len() >= HEAD => Frame::read(rest).is_some(),
        _ => true,
    }
}

/// Whether bytes begin with a TLS record.
pub(super) fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [20..=23, 3, 0..=4, ..])
}

/// Where the frames of one direction of a connection lie.
#[derive(Debug, Clone, Default)]
pub(super) struct Framing {
    /// TCP sequence number of the next byte to look at: a frame's first, or the one after those in `begun`. `None` while
    /// it is not known.
    next: Option<u32>,
    /// A frame's first bytes, when a segment ended in its header.
    begun: Vec<u8>,
    failures: u8,
}

/// What stands at the start of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Frame {
    /// Length in bytes, without the length field.
    len: u16,
    /// `None` for RTCP, STUN and DTLS.
    rtp: Option<FramedRtp>,
}

/// The RTP header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FramedRtp {
    pub(super) ssrc: u32,
    pub(super) timestamp: u32,
    pub(super) sequence: u16,
    pub(super) mark_and_type: u8,
    pub(super) payload_len: u16,
}

impl Framing {
    /// Whether the connection was given up as not framed.
    pub(super) const fn is_dead(&self) -> bool {
        self.failures >= MOST_FAILURES
    }

    /// Takes a segment: its TCP sequence number, its captured bytes, its length on the wire. Gives the RTP headers that
    /// end in it. True when the segment lies among frames.
    pub(super) fn take(
        &mut self,
        sequence: u32,
        bytes: &[u8],
        wire_len: u32,
        give: impl FnMut(FramedRtp),
    ) -> bool {
        let ahead = self.next.map(|next| next.wrapping_sub(sequence));
        let begin = match ahead {
            Some(ahead) if ahead < wire_len => ahead,
            Some(ahead) if ahead.cast_signed() >= 0 => return true,
            _ => {
                self.lose();
                if !begins_with_frame(bytes, wire_len) {
                    self.failures = self.failures.saturating_add(1);
                    return false;
                }
                0
            }
        };
        let among = self.walk(sequence, begin, bytes, wire_len, give);
        if among {
            self.failures = 0;
        } else {
            self.lose();
        }
        among
    }

    fn lose(&mut self) {
        self.next = None;
        self.begun.clear();
    }

    /// Follows frames from an offset in the segment to its end; false when something is no frame or was not captured.
    fn walk(
        &mut self,
        sequence: u32,
        mut at: u32,
        bytes: &[u8],
        wire_len: u32,
        mut give: impl FnMut(FramedRtp),
    ) -> bool {
        while at < wire_len {
            let missing = head_len(&self.begun) - self.begun.len();
            if missing > 0 {
                let here = bytes.get(at as usize..).unwrap_or_default();
                let taken = here.get(..missing).unwrap_or(here);
                if taken.is_empty() {
                    return false;
                }
                self.begun.extend_from_slice(taken);
                at += taken.len() as u32;
                continue;
            }
            let Some(frame) = Frame::read(&self.begun) else {
                return false;
            };
            at += (2 + u32::from(frame.len)) - self.begun.len() as u32;
            self.begun.clear();
            if let Some(rtp) = frame.rtp {
                give(rtp);
            }
        }
        self.next = Some(sequence.wrapping_add(at));
        true
    }
}

impl Frame {
    /// Reads the first [`HEAD`] bytes of a frame, or the whole of a shorter one.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (len, head) = bytes.split_first_chunk::<2>()?;
        let len = u16::from_be_bytes(*len);
        let rtp = match head {
            [128..=191, 200..=207, ..] if len >= 8 && len % 4 == 0 => None,
            [128..=191, ..] => Some(FramedRtp::read(head, len)?),
            [0..=3, _, _, _, 0x21, 0x12, 0xa4, 0x42, ..] if len >= 20 => None,
            [20..=26, 0xfe, 0xfd..=0xff, ..] if len >= 13 => None,
            _ => return None,
        };
        Some(Self { len, rtp })
    }
}

impl FramedRtp {
    fn read(head: &[u8], len: u16) -> Option<Self> {
        let rtp = Rtp::new_checked(head, u32::from(len)).ok()?;
        let usable = matches!(rtp.payload_type(), 0..=34 | 96..=127);
        usable.then(|| Self {
            ssrc: rtp.ssrc(),
            timestamp: rtp.timestamp(),
            sequence: rtp.sequence(),
            mark_and_type: rtp.payload_type() | u8::from(rtp.marker()) << 7,
            payload_len: rtp.payload_len().unwrap_or(0) as u16,
        })
    }
}

/// How many bytes of a frame are needed, given those that are here: its length, then as much of an RTP header as it has.
fn head_len(begun: &[u8]) -> usize {
    match begun {
        [high, low, ..] => HEAD.min(2 + usize::from(u16::from_be_bytes([*high, *low]))),
        _ => 2,
    }
}

/// Length field and fixed RTP header.
const HEAD: usize = 14;
/// A connection is given up after so many segments in a row that are not framed.
const MOST_FAILURES: u8 = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(number: u16, body: usize) -> Vec<u8> {
        let mut frame = ((12 + body) as u16).to_be_bytes().to_vec();
        frame.extend([0x80, 127]);
        frame.extend(number.to_be_bytes());
        frame.extend([0, 0, 0, 9, 0x27, 0x1d, 0x97, 0x4f]);
        frame.resize(14 + body, 0x5a);
        frame
    }

    fn numbers(segments: &[(u32, Vec<u8>)]) -> Vec<u16> {
        let (mut framing, mut seen) = (Framing::default(), Vec::new());
        for (sequence, bytes) in segments {
            framing.take(*sequence, bytes, bytes.len() as u32, |rtp| {
                seen.push(rtp.sequence);
            });
        }
        seen
    }

    #[test]
    fn a_lost_segment_is_got_over_at_the_next_boundary() {
        let stream: Vec<u8> = (0..6).flat_map(|n| frame(n, 86)).collect();
        let piece = |from: usize, to: usize| (from as u32, stream[from..to].to_vec());
        let seen = numbers(&[
            piece(0, 150),
            piece(250, 300),
            piece(300, 450),
            piece(450, 600),
        ]);
        assert_eq!(seen, [0, 1, 3, 4, 5]);
    }

    #[test]
    fn a_segment_sent_again_counts_once() {
        let stream: Vec<u8> = (0..4).flat_map(|n| frame(n, 86)).collect();
        let piece = |from: usize, to: usize| (from as u32, stream[from..to].to_vec());
        assert_eq!(
            numbers(&[piece(0, 200), piece(0, 200), piece(100, 400)]),
            [0, 1, 2, 3]
        );
    }

    #[test]
    fn other_protocols_are_given_up() {
        let mut framing = Framing::default();
        for n in 0..100 {
            framing.take(n * 8, b"GET / HT", 8, |_| panic!("no RTP here"));
        }
        assert!(framing.is_dead());
        assert!(is_tls(&[22, 3, 1, 2, 0]) && !is_tls(b"GET"));
    }

    proptest! {
        /// However the stream is cut into segments, every frame is found once.
        #[test]
        fn segments_need_not_be_frames(
            bodies in proptest::collection::vec(0usize..300, 1..20),
            cuts in proptest::collection::vec(1usize..200, 1..60),
            start: u32,
        ) {
            let stream: Vec<u8> = (0..).zip(&bodies).flat_map(|(n, body)| frame(n, *body)).collect();
            let mut segments = Vec::new();
            let mut at = 0;
            for cut in [20].iter().chain(cuts.iter().cycle()) {
                let end = (at + cut).min(stream.len());
                segments.push((start.wrapping_add(at as u32), stream[at..end].to_vec()));
                at = end;
                if at == stream.len() {
                    break;
                }
            }
            let expected: Vec<u16> = (0..bodies.len() as u16).collect();
            prop_assert_eq!(numbers(&segments), expected);
        }

        #[test]
        fn no_bytes_panic(segments in proptest::collection::vec((any::<u32>(), proptest::collection::vec(any::<u8>(), 0..60), 0u32..80), 0..12)) {
            let mut framing = Framing::default();
            for (sequence, mut bytes, more) in segments {
                if bytes.len() > 3 {
                    (bytes[0], bytes[2], bytes[3]) = (0, 0x80, 0);
                }
                framing.take(sequence, &bytes, bytes.len() as u32 + more, |_| {});
            }
        }
    }
}
