//! RTP over TCP: frames of RFC 4571, or TURN messages (RFC 8656 section 12.5), followed across segments in one direction
//! of a connection.

use perhop_wire::media::{self, Content};
use perhop_wire::rtp::Rtp;

/// Whether bytes can begin with a frame. `wire_len` is the segment's length in bytes.
pub(super) fn begins_with_frame(bytes: &[u8], wire_len: u32) -> bool {
    Form::of(bytes, wire_len).is_some()
}

/// Whether bytes begin with a TLS record.
pub(super) fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [20..=23, 3, 0..=4, ..])
}

/// Where the frames of one direction of a connection lie.
#[derive(Debug, Clone, Default)]
pub(super) struct Framing {
    /// Where reading goes on; `None` while no frame boundary is known.
    front: Option<Cursor>,
    /// Places behind the front where a segment is still missing.
    holes: Vec<Cursor>,
    /// The lowest TCP sequence number among frames.
    lowest: u32,
    saw_stun: bool,
    failures: u8,
}

/// How a connection is divided into frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Two bytes of length, then RTP, RTCP, STUN or DTLS (RFC 4571, RFC 6544).
    Rfc4571,
    /// STUN messages, and `ChannelData` padded to four bytes.
    Turn,
}

/// A place in the byte stream.
#[derive(Debug, Clone)]
struct Cursor {
    form: Form,
    /// TCP sequence number of the next byte to look at: a frame's first, or the one after those in `begun`.
    next: u32,
    /// A frame's first bytes, when a segment ended in its header.
    begun: Vec<u8>,
    /// The segment that starts here was seen already.
    end: u32,
    saw_stun: bool,
}

/// What stands at the start of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Frame {
    /// Length in bytes with everything before and after the content.
    len: u32,
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

    /// Whether there was STUN or TURN among the frames.
    pub(super) const fn saw_stun(&self) -> bool {
        self.saw_stun
    }

    /// Takes a segment: its TCP sequence number, its captured bytes, its length on the wire. Gives the RTP headers that
    /// end in it. True when the segment lies among frames.
    pub(super) fn take(
        &mut self,
        sequence: u32,
        bytes: &[u8],
        wire_len: u32,
        mut give: impl FnMut(FramedRtp),
    ) -> bool {
        let holds = |cursor: &Cursor| cursor.next.wrapping_sub(sequence) < wire_len;
        if let Some(at) = self.holes.iter().position(holds) {
            let mut hole = self.holes.swap_remove(at);
            let whole = hole.walk(sequence, bytes, wire_len, &mut give);
            if whole && hole.end.wrapping_sub(hole.next).cast_signed() > 0 {
                self.holes.push(hole);
            }
            return true;
        }
        let mut front = match self.front.take() {
            Some(front) if holds(&front) => front,
            Some(front) if front.next.wrapping_sub(sequence).cast_signed() >= 0 => {
                self.front = Some(front);
                self.take_early(sequence, bytes, wire_len, &mut give);
                return true;
            }
            behind => {
                self.leave_hole(behind, sequence);
                let Some(form) = Form::of(bytes, wire_len) else {
                    self.failures = self.failures.saturating_add(1);
                    return false;
                };
                if self.holes.is_empty() {
                    self.lowest = sequence;
                }
                Cursor::at(sequence, form)
            }
        };
        let whole = front.walk(sequence, bytes, wire_len, &mut give);
        if whole {
            self.saw_stun |= front.saw_stun;
            self.failures = 0;
            self.front = Some(front);
        }
        whole
    }

    /// Takes a segment from before the first that was understood.
    fn take_early(
        &mut self,
        sequence: u32,
        bytes: &[u8],
        wire_len: u32,
        give: &mut impl FnMut(FramedRtp),
    ) {
        let end = sequence.wrapping_add(wire_len);
        if self.lowest.wrapping_sub(end).cast_signed() < 0 {
            return;
        }
        if let Some(form) = Form::of(bytes, wire_len) {
            self.lowest = sequence;
            Cursor::at(sequence, form).walk(sequence, bytes, wire_len, give);
        }
    }

    /// Remembers where a segment is missing, for when it comes late.
    fn leave_hole(&mut self, behind: Option<Cursor>, end: u32) {
        if let Some(hole) = behind {
            if self.holes.len() >= MOST_HOLES {
                self.holes.remove(0);
            }
            self.holes.push(Cursor { end, ..hole });
        }
    }
}

impl Cursor {
    const fn at(sequence: u32, form: Form) -> Self {
        Self {
            form,
            next: sequence,
            begun: Vec::new(),
            end: sequence,
            saw_stun: matches!(form, Form::Turn),
        }
    }

    /// Follows frames through a segment that holds the place; false when something is no frame or was not captured.
    fn walk(
        &mut self,
        sequence: u32,
        bytes: &[u8],
        wire_len: u32,
        give: &mut impl FnMut(FramedRtp),
    ) -> bool {
        let mut at = self.next.wrapping_sub(sequence);
        loop {
            let missing = self.form.head_len(&self.begun) - self.begun.len();
            if missing == 0 {
                let Some(frame) = self.form.read(&self.begun) else {
                    return false;
                };
                at += frame.len - self.begun.len() as u32;
                self.saw_stun |= matches!(*self.begun, [_, _, 0..=3, ..]);
                self.begun.clear();
                if let Some(rtp) = frame.rtp {
                    give(rtp);
                }
            } else if at >= wire_len {
                break;
            } else {
                let here = bytes.get(at as usize..).unwrap_or_default();
                let taken = here.get(..missing).unwrap_or(here);
                if taken.is_empty() {
                    return false;
                }
                self.begun.extend_from_slice(taken);
                at += taken.len() as u32;
            }
        }
        self.next = sequence.wrapping_add(at);
        true
    }
}

impl Form {
    /// The form of a connection in which a segment begins with a frame.
    fn of(bytes: &[u8], wire_len: u32) -> Option<Self> {
        let form = match bytes {
            [0..=1, _, _, _, 0x21, 0x12, 0xa4, 0x42, ..] | [0x40..=0x4f, ..] => Self::Turn,
            _ => Self::Rfc4571,
        };
        let first = form.read(bytes)?;
        let after = bytes.get(first.len as usize..).unwrap_or_default();
        let sound = match (form, after.len() >= form.head_len(after)) {
            (_, true) if first.len < wire_len => form.read(after).is_some(),
            (Self::Rfc4571, _) => true,
            (Self::Turn, _) => bytes[0] < 4 || first.rtp.is_some(),
        };
        sound.then_some(form)
    }

    /// How many bytes of a frame are needed to judge it, given those that are here.
    fn head_len(self, begun: &[u8]) -> usize {
        match (self, begun) {
            (Self::Rfc4571, [high, low, ..]) => {
                RFC_4571_HEAD.min(2 + usize::from(u16::from_be_bytes([*high, *low])))
            }
            (Self::Rfc4571, _) => 2,
            (Self::Turn, [kind, _, high, low, ..]) => {
                TURN_HEAD.min(turn_len(*kind, [*high, *low]) as usize)
            }
            (Self::Turn, _) => 4,
        }
    }

    /// Reads the first [`Form::head_len`] bytes of a frame.
    fn read(self, bytes: &[u8]) -> Option<Frame> {
        match self {
            Self::Rfc4571 => {
                let (len, head) = bytes.split_first_chunk::<2>()?;
                let len = u16::from_be_bytes(*len);
                let rtp = content(head, len)?;
                let len = 2 + u32::from(len);
                Some(Frame { len, rtp })
            }
            Self::Turn => {
                let [kind, _, high, low] = *bytes.first_chunk::<4>()?;
                let message = match kind {
                    0..=3 => bytes.get(4..8)? == [0x21, 0x12, 0xa4, 0x42],
                    0x40..=0x4f => true,
                    _ => false,
                };
                let len = turn_len(kind, [high, low]);
                let rtp = match media::peel(bytes, len).content {
                    Content::Rtp(rtp) => FramedRtp::of(&rtp),
                    _ => None,
                };
                message.then_some(Frame { len, rtp })
            }
        }
    }
}

/// Bytes of a TURN message on a stream.
fn turn_len(kind: u8, len: [u8; 2]) -> u32 {
    let len = u32::from(u16::from_be_bytes(len));
    if kind < 4 {
        20 + len
    } else {
        4 + len.next_multiple_of(4)
    }
}

/// The RTP header at the start of a frame's content; `None` within for RTCP, STUN and DTLS, without for anything else.
fn content(head: &[u8], len: u16) -> Option<Option<FramedRtp>> {
    match head {
        [128..=191, 200..=207, ..] if len >= 8 && len.is_multiple_of(4) => Some(None),
        [128..=191, ..] => {
            let rtp = Rtp::new_checked(head, u32::from(len)).ok()?;
            FramedRtp::of(&rtp).map(Some)
        }
        [0..=3, _, _, _, 0x21, 0x12, 0xa4, 0x42, ..] if len >= 20 => Some(None),
        [20..=26, 0xfe, 0xfd..=0xff, ..] if len >= 13 => Some(None),
        _ => None,
    }
}

impl FramedRtp {
    fn of(rtp: &Rtp<'_>) -> Option<Self> {
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

/// Length field and fixed RTP header.
const RFC_4571_HEAD: usize = 14;
/// A Data indication from an IPv6 peer, and the RTP header in it.
const TURN_HEAD: usize = 64;
/// A connection is given up after so many segments in a row that are not framed.
const MOST_FAILURES: u8 = 16;
/// Missing segments that are remembered.
const MOST_HOLES: usize = 4;

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
    fn segments_out_of_order_lose_nothing() {
        let stream: Vec<u8> = (0..6).flat_map(|n| frame(n, 86)).collect();
        let piece = |from: usize, to: usize| (from as u32, stream[from..to].to_vec());
        let seen = numbers(&[
            piece(0, 100),
            piece(200, 300),
            piece(400, 500),
            piece(100, 200),
            piece(300, 350),
            piece(350, 400),
            piece(500, 600),
        ]);
        assert_eq!(seen, [0, 2, 4, 1, 3, 5]);
    }

    #[test]
    fn turn_messages_are_frames_too() {
        let rtp = &frame(7, 21)[2..];
        let mut stream = vec![0x40, 1, 0, 33];
        stream.extend(rtp);
        stream.extend([0; 3]);
        stream.extend([0, 0x17, 0, 52, 0x21, 0x12, 0xa4, 0x42]);
        stream.extend([9; 12]);
        stream.extend([0, 0x12, 0, 8, 0, 1, 0x25, 0xf9, 1, 2, 3, 4]);
        stream.extend([0, 0x13, 0, 33]);
        stream.extend(&frame(8, 21)[2..]);
        stream.extend([0; 3]);
        stream.extend([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]);
        stream.extend([7; 12]);
        for cut in 41..stream.len() {
            let (one, two) = stream.split_at(cut);
            let seen = numbers(&[(5, one.to_vec()), (5 + cut as u32, two.to_vec())]);
            assert_eq!(seen, [7, 8], "cut at {cut}");
        }
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
