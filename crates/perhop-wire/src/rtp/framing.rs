//! RTP and RTCP over a byte stream: two bytes of length before each packet (RFC 4571), and RTSP's interleaving
//! (RFC 7826 section 14).

/// A frame of a byte stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Length of the frame in bytes as its header says, without the header.
    pub len: u16,
    /// The bytes of it that are here; fewer than `len` for the last frame of a segment.
    pub bytes: &'a [u8],
    /// Channel number of an RTSP interleaved frame.
    pub channel: Option<u8>,
}

impl Frame<'_> {
    /// Whether all bytes of the frame are here.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.bytes.len() == usize::from(self.len)
    }
}

/// Iterator over the frames of RFC 4571 in bytes that start at a frame boundary.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    rest: &'a [u8],
}

impl<'a> Frames<'a> {
    /// Starts at the first byte of a length field.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What no frame was made of yet: less than a length field, once the iterator has ended.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let (head, rest) = self.rest.split_first_chunk::<2>()?;
        let len = u16::from_be_bytes(*head);
        let bytes = rest.get(..usize::from(len)).unwrap_or(rest);
        self.rest = rest.get(usize::from(len)..).unwrap_or_default();
        Some(Frame {
            len,
            bytes,
            channel: None,
        })
    }
}

/// Reads an RTSP interleaved frame (`$`, channel, length) at the start of the bytes.
#[must_use]
pub fn interleaved(bytes: &[u8]) -> Option<Frame<'_>> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    if head[0] != b'$' {
        return None;
    }
    let len = u16::from_be_bytes([head[2], head[3]]);
    Some(Frame {
        len,
        bytes: rest.get(..usize::from(len)).unwrap_or(rest),
        channel: Some(head[1]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn frames_follow_their_lengths() {
        let bytes = [0, 2, 7, 8, 0, 0, 0, 3, 9, 9];
        let frames: Vec<_> = Frames::new(&bytes).collect();
        assert_eq!(frames.len(), 3);
        assert!(frames[0].is_whole() && frames[0].bytes == [7, 8]);
        assert!(frames[1].is_whole() && frames[1].bytes.is_empty());
        assert!(!frames[2].is_whole() && frames[2].bytes == [9, 9]);
    }

    #[test]
    fn half_a_length_is_left_over() {
        let mut frames = Frames::new(&[0, 1, 5, 0]);
        assert!(frames.next().unwrap().is_whole());
        assert_eq!(frames.next(), None);
        assert_eq!(frames.rest(), [0]);
    }

    #[test]
    fn rtsp_frames_begin_with_a_dollar() {
        let frame = interleaved(&[b'$', 1, 0, 2, 5, 6, 7]).unwrap();
        assert_eq!((frame.channel, frame.bytes), (Some(1), &[5, 6][..]));
        assert_eq!(interleaved(b"RTSP/1.0 200 OK"), None);
    }

    proptest! {
        #[test]
        fn framing_reads_back(packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..8)) {
            let mut stream = Vec::new();
            for packet in &packets {
                stream.extend((packet.len() as u16).to_be_bytes());
                stream.extend(packet);
            }
            let read: Vec<_> = Frames::new(&stream).map(|frame| frame.bytes.to_vec()).collect();
            prop_assert_eq!(read, packets);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Frames::new(&bytes).count();
            let _ = interleaved(&bytes);
        }
    }
}
