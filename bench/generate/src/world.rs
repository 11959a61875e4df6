//! Where packets go: headers, payload, file and counts in one place.

use std::io::{self, Write};

use crate::message::{self, RTP_HEADER, RtpHeader};
use crate::path::{Ends, Marks, Path};
use crate::random::{Noise, Random};
use crate::shape::Shape;
use crate::sink::Sink;
use crate::truth::{Content, Label, Stream, Truth};

/// 5 January 2026, 09:00 UTC, in microseconds since 1970.
pub(crate) const EPOCH_US: u64 = 1_767_603_600_000_000;
/// From 1900 to 1970, in seconds.
pub(crate) const NTP_TO_UNIX: u64 = 2_208_988_800;

/// The capture that is being made.
#[derive(Debug)]
pub(crate) struct World<W: Write> {
    pub(crate) shape: Shape,
    pub(crate) random: Random,
    pub(crate) paths: Vec<Path>,
    pub(crate) truth: Truth,
    sink: Sink<W>,
    noise: Noise,
    frame: Vec<u8>,
    identification: u16,
}

/// One RTP packet of a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unit {
    /// Extended sequence number.
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    /// Payload bytes.
    pub(crate) len: usize,
}

impl<W: Write> World<W> {
    pub(crate) fn new(shape: Shape, out: W) -> Self {
        Self {
            shape,
            random: Random::new(shape.seed),
            paths: Vec::new(),
            truth: Truth::default(),
            sink: Sink::new(out, shape.snaplen, shape.pcapng),
            noise: Noise::new(shape.seed),
            frame: Vec::with_capacity(4096),
            identification: 0,
        }
    }

    /// Adds a flow; gives its number.
    pub(crate) fn add_path(&mut self, ends: Ends, marks: Marks, ecn: u8, label: Label) -> usize {
        self.paths.push(Path::new(ends, marks, ecn));
        self.truth.labels.push(label);
        self.paths.len() - 1
    }

    /// Adds an RTP stream on a flow; gives its number.
    pub(crate) fn add_stream(&mut self, path: usize, payload_type: u8, relayed: bool) -> usize {
        let ssrc = self.random.word();
        self.truth.streams.push(Stream {
            path,
            ssrc,
            payload_type,
            relayed,
            packets: 0,
            different: 0,
            late: 0,
            octets: 0,
            timestamp: 0,
            span: None,
        });
        self.truth.streams.len() - 1
    }

    /// Bytes of the file so far.
    pub(crate) fn size(&self) -> u64 {
        self.sink.size()
    }

    /// Sends a datagram whose payload `fill` writes. `now` is nanoseconds since the capture began.
    pub(crate) fn datagram(
        &mut self,
        now: u64,
        path: usize,
        content: Content,
        fill: impl FnOnce(&mut Vec<u8>, &mut Random),
    ) -> io::Result<()> {
        self.paths[path].begin(&mut self.frame);
        fill(&mut self.frame, &mut self.random);
        self.write(now, path, content)
    }

    /// Sends a TCP segment of `len` bytes that look like TLS application data.
    pub(crate) fn segment(
        &mut self,
        now: u64,
        path: usize,
        (sequence, acknowledgement): (u32, u32),
        flags: u8,
        (record, len): (u8, usize),
    ) -> io::Result<()> {
        self.paths[path].begin(&mut self.frame);
        self.paths[path].segment(&mut self.frame, sequence, acknowledgement, flags);
        if len >= 5 {
            let body = u16::try_from(len - 5)
                .expect("a segment is short")
                .to_be_bytes();
            self.frame
                .extend_from_slice(&[record, 3, 3, body[0], body[1]]);
            self.frame
                .extend_from_slice(self.noise.piece(len - 5, &mut self.random));
        }
        self.write(now, path, Content::Tcp)
    }

    /// Sends one RTP packet of a stream; in channel data when `channel` is given.
    pub(crate) fn rtp(
        &mut self,
        now: u64,
        stream: usize,
        channel: Option<u16>,
        unit: Unit,
        is_copy: bool,
    ) -> io::Result<()> {
        let counted = &mut self.truth.streams[stream];
        counted.count(unit.sequence, unit.timestamp, unit.len, is_copy);
        let (path, ssrc, payload_type) = (counted.path, counted.ssrc, counted.payload_type);
        self.paths[path].begin(&mut self.frame);
        if let Some(channel) = channel {
            message::channel_data(&mut self.frame, channel, RTP_HEADER + unit.len);
            self.truth.relayed += 1;
        }
        let low = unit.sequence.to_be_bytes();
        let sequence = u16::from_be_bytes([low[6], low[7]]);
        RtpHeader {
            marker: unit.marker,
            payload_type,
            sequence,
            timestamp: unit.timestamp,
            ssrc,
        }
        .write(&mut self.frame);
        self.frame
            .extend_from_slice(self.noise.piece(unit.len, &mut self.random));
        self.write(now, path, Content::Rtp)
    }

    /// Writes what is left; gives the file, the counts and the flows.
    pub(crate) fn finish(mut self) -> io::Result<(W, Truth, Vec<Path>)> {
        self.truth.file_bytes = self.size();
        Ok((self.sink.finish()?, self.truth, self.paths))
    }

    fn write(&mut self, now: u64, path: usize, content: Content) -> io::Result<()> {
        self.identification = self.identification.wrapping_add(1);
        let path = &mut self.paths[path];
        let sent = path.finish(&mut self.frame, self.identification);
        let at_us = EPOCH_US + now / 1000;
        let kept = self.sink.packet(at_us, &self.frame)?;
        if self.truth.packets == 0 {
            self.truth.first_us = at_us;
        }
        self.truth.last_us = at_us;
        self.truth.captured_bytes += u64::try_from(kept).expect("a length fits");
        self.truth.wire_bytes += u64::try_from(self.frame.len()).expect("a length fits");
        self.truth.count(path.ends(), sent, content);
        Ok(())
    }
}
