//! A place in one capture, and the buffer around it.

use std::io::{self, Read};
use std::ops::Range;
use std::path::PathBuf;

use perhop_wire::capture::{CaptureReader, CapturedPacket, Step};
use perhop_wire::packet::{Direction, LinkType};

use crate::feed::progress::Progress;
use crate::feed::times::Span;
use crate::feed::{Capture, Sink};
use crate::input::Input;

/// Bytes read before a capture's turn has come.
const FIRST: usize = 1 << 16;
/// Bytes held of a capture that is being read.
const USUAL: usize = 1 << 19;
/// One capture being read.
pub(super) struct Cursor {
    path: PathBuf,
    /// Closed when nothing more is to be read of it.
    input: Option<Input>,
    reader: CaptureReader,
    buffer: Vec<u8>,
    held: Range<usize>,
    ended: bool,
    broken: bool,
    pending: Option<Pending>,
    /// Time of the first packet, while the file is closed until its turn.
    parked: Option<i64>,
    /// The end of the file is not the end of the capture.
    growing: bool,
    refills: u64,
    /// Several threads are tried after so many refills, and not for packets of other captures' times.
    crew_after: u64,
    only_to_end: bool,
    told: u64,
    over: bool,
    capture: Capture,
}

/// A packet that was read before its time; its bytes are in the buffer.
struct Pending {
    time_ns: Option<i64>,
    link: LinkType,
    data: Range<usize>,
    wire_len: u32,
    interface: u32,
    direction: Direction,
    consumed: usize,
}

impl Cursor {
    /// At the start of an opened capture.
    pub(super) fn new(path: PathBuf, input: Input) -> Self {
        let capture = Capture {
            name: input.name.clone(),
            compression: input.compression,
            ..Capture::default()
        };
        Self {
            path,
            input: Some(input),
            reader: CaptureReader::new(),
            buffer: Vec::new(),
            held: 0..0,
            ended: false,
            broken: false,
            pending: None,
            parked: None,
            growing: false,
            refills: 0,
            crew_after: 1,
            only_to_end: false,
            told: 0,
            over: false,
            capture,
        }
    }

    /// When the next packet is; `None` at the end, the earliest time when nothing is known.
    pub(super) fn next_time(&self) -> Option<i64> {
        if self.over {
            return None;
        }
        let pending = self.pending.as_ref();
        let next = pending.map_or(self.parked, |packet| packet.time_ns);
        Some(next.unwrap_or(i64::MIN))
    }

    /// Reads up to the first packet and keeps it, so that its time is known.
    pub(super) fn prime(&mut self, progress: &mut Progress<'_>) {
        while self.pending.is_none() && !self.over {
            self.step(None, &mut Nowhere, FIRST, progress);
        }
    }

    /// Closes a primed file until its turn, so that many can wait. A pipe stays open.
    pub(super) fn park(&mut self) {
        let Some(input) = self.input.take_if(|input| input.size.is_some()) else {
            return;
        };
        // All of it will be read again.
        input.counter().set(0);
        let next = self.next_time();
        *self = Self {
            parked: next,
            ..Self::new(std::mem::take(&mut self.path), input)
        };
        self.input = None;
    }

    /// Opens a parked file again.
    fn unpark(&mut self, progress: &mut Progress<'_>) {
        self.parked = None;
        match Input::open(&self.path) {
            Ok(input) => {
                progress.count(&input);
                self.input = Some(input);
            }
            Err(failure) => {
                self.over = true;
                self.capture.damaged(failure.message.unwrap_or_default());
            }
        }
    }

    /// Takes the file as one that is still being written, from now on or no longer.
    pub(super) const fn set_growing(&mut self, growing: bool) {
        self.growing = growing;
    }

    /// Reads what there is, a buffer at most; false when there was nothing more.
    pub(super) fn advance(&mut self, sink: &mut dyn Sink, progress: &mut Progress<'_>) -> bool {
        let (before, held) = (
            self.refills,
            self.reader.position() + self.held.len() as u64,
        );
        while self.refills == before && !self.over {
            self.step(Some(i64::MAX), sink, USUAL, progress);
        }
        self.over || self.reader.position() + self.held.len() as u64 > held
    }

    /// Ends the capture here, though its file may go on; a record of which only a part was written is not damaged.
    pub(super) fn leave(&mut self, sink: &mut dyn Sink, progress: &mut Progress<'_>) {
        (self.ended, self.broken) = (true, true);
        while !self.over {
            self.step(Some(i64::MAX), sink, USUAL, progress);
        }
    }

    /// Whether all of it has been read.
    pub(super) const fn is_over(&self) -> bool {
        self.over
    }

    /// What is known so far.
    pub(super) const fn capture(&self) -> &Capture {
        &self.capture
    }

    /// Reads on, up to and with packets of the time `until`. A packet without a time goes with the one before it.
    pub(super) fn run(&mut self, until: i64, sink: &mut dyn Sink, progress: &mut Progress<'_>) {
        if self.parked.is_some() {
            self.unpark(progress);
        }
        if let Some(pending) = self.pending.take() {
            if pending.time_ns.is_some_and(|time| time > until) {
                self.pending = Some(pending);
                return;
            }
            let packet = pending.packet(&self.buffer);
            self.capture.take(&[packet], sink);
            self.held.start += pending.consumed;
        }
        while self.pending.is_none() && !self.over {
            if self.refills >= self.crew_after {
                self.run_crew(until, sink, progress);
            }
            self.step(Some(until), sink, USUAL, progress);
        }
    }

    /// Lets several threads read on, when the sink has them and the file is worth it.
    fn run_crew(&mut self, until: i64, sink: &mut dyn Sink, progress: &mut Progress<'_>) {
        let Some((file, size)) = self.input.as_ref().and_then(Input::plain_file) else {
            self.crew_after = u64::MAX;
            return;
        };
        let ready = self.reader.packets() > 0 && self.reader.is_between_records() && !self.growing;
        if !ready || until < i64::MAX && self.only_to_end {
            return;
        }
        let crew = sink.crew();
        let worth = crew.and_then(|crew| Some((crew.job(file, size, &self.reader, until)?, crew)));
        let Some((job, crew)) = worth else {
            self.crew_after = u64::MAX;
            return;
        };
        let (counter, before) = (self.input.as_ref().map(Input::counter), self.told);
        let mut told = before;
        let ran = crew.run(&job, &mut |ran| {
            if let Some(counter) = &counter {
                counter.set(ran.to);
            }
            progress.tick(before + ran.packets - told);
            told = before + ran.packets;
        });
        self.told = told;
        self.capture.add(ran.packets, ran.times);
        self.reader = self.reader.at(ran.to, self.reader.packets() + ran.packets);
        self.held = 0..0;
        // What stopped the threads is read by one; they are tried again later and later.
        self.crew_after = self.refills + 2 * (self.crew_after + 1);
        self.only_to_end = true;
        if let Some(input) = &mut self.input
            && let Err(error) = input.go_to(ran.to)
        {
            self.ended = true;
            self.broken = true;
            self.capture.damaged(error.to_string());
        }
    }

    /// One step of the reader; a packet later than `until`, or any packet without it, becomes the pending one.
    #[inline]
    fn step(
        &mut self,
        until: Option<i64>,
        sink: &mut dyn Sink,
        size: usize,
        progress: &mut Progress<'_>,
    ) {
        if let Some(until) = until {
            let mut run = Vec::with_capacity(CaptureReader::RUN);
            loop {
                let held = &self.buffer[self.held.clone()];
                self.held.start += self.reader.run(held, until, &mut run);
                if run.is_empty() {
                    break;
                }
                self.capture.take(&run, sink);
            }
        }
        match self
            .reader
            .next(&self.buffer[self.held.clone()], self.ended)
        {
            Step::Packet(packet) => {
                let later =
                    until.is_none_or(|until| packet.time_ns.is_some_and(|time| time > until));
                if later {
                    self.pending = Some(Pending::of(&packet, &self.buffer));
                    return;
                }
                self.capture.take(&[packet], sink);
                self.held.start += packet.consumed;
            }
            Step::NeedMore { at_least } => self.refill(at_least, size, progress),
            Step::Skipped { consumed } | Step::Statistics { consumed, .. } => {
                self.held.start += consumed;
            }
            Step::Damaged { error, consumed } => {
                self.held.start += consumed;
                // A stream that broke off has been told already.
                if !(self.broken && error.is_cut()) {
                    self.capture.damaged_by(&error);
                }
            }
            Step::Resynchronised { offset, lost } => self.capture.damaged(format!(
                "records go on at byte {offset}, {lost} bytes were given up"
            )),
            Step::End => {
                self.over = true;
                self.tell_cut();
                self.input = None;
                self.capture.bytes = self.reader.position();
                self.capture.dropped = self.reader.dropped();
                self.buffer = Vec::new();
                self.held = 0..0;
            }
        }
    }

    /// Tells when a file ended, between two records, before the size that it had.
    fn tell_cut(&mut self) {
        let size = self.input.as_ref().and_then(Input::plain_file);
        let size = size.map_or(0, |(_, size)| size);
        let position = self.reader.position();
        if position < size && !self.broken && !self.growing && self.capture.damages == 0 {
            self.capture.damaged(format!(
                "the file was cut while it was read: it had {size} bytes, and no more than {position} could be read"
            ));
        }
    }

    /// What was read.
    pub(super) fn into_capture(self) -> Capture {
        self.capture
    }

    /// Makes the buffer hold at least so many bytes, unless the capture ends first.
    fn refill(&mut self, at_least: usize, size: usize, progress: &mut Progress<'_>) {
        self.refills += 1;
        progress.tick(self.capture.packets - self.told);
        self.told = self.capture.packets;
        let size = if at_least <= size {
            size
        } else {
            at_least.max(2 * CaptureReader::LOOKAHEAD)
        };
        if self.held.start + at_least > self.buffer.len() {
            self.buffer.copy_within(self.held.clone(), 0);
            self.held = 0..self.held.len();
        }
        if self.buffer.len() < size {
            self.buffer.resize(size, 0);
        }
        while self.held.len() < at_least && !self.ended {
            let Some(input) = &mut self.input else {
                self.ended = true;
                break;
            };
            match input.read(&mut self.buffer[self.held.end..]) {
                Ok(0) if self.growing => break,
                Ok(0) => self.ended = true,
                Ok(count) => self.held.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    self.broken = true;
                    self.capture.damaged(error.to_string());
                }
            }
        }
    }
}

impl Pending {
    fn of(packet: &CapturedPacket<'_>, buffer: &[u8]) -> Self {
        let start = packet.data.as_ptr() as usize - buffer.as_ptr() as usize;
        Self {
            time_ns: packet.time_ns,
            link: packet.link,
            data: start..start + packet.data.len(),
            wire_len: packet.wire_len,
            interface: packet.interface,
            direction: packet.direction,
            consumed: packet.consumed,
        }
    }

    fn packet<'a>(&self, buffer: &'a [u8]) -> CapturedPacket<'a> {
        CapturedPacket {
            time_ns: self.time_ns,
            link: self.link,
            data: &buffer[self.data.clone()],
            wire_len: self.wire_len,
            interface: self.interface,
            direction: self.direction,
            consumed: self.consumed,
        }
    }
}

impl Capture {
    /// Counts a packet and gives it on.
    pub(super) fn take(&mut self, packets: &[CapturedPacket<'_>], sink: &mut dyn Sink) {
        let mut times = Span::default();
        times.add_all(packets);
        self.add(packets.len() as u64, times);
        sink.packets(packets);
    }

    /// Counts packets and their times.
    pub(super) fn add(&mut self, packets: u64, mut times: Span) {
        self.packets += packets;
        if let Some((first, last)) = self.time {
            times.add(Some(first));
            times.add(Some(last));
        }
        self.time = times.get();
    }
}

/// Takes nothing: to look at a capture's beginning.
struct Nowhere;

impl Sink for Nowhere {
    fn packets(&mut self, _: &[CapturedPacket<'_>]) {}

    fn flows(&mut self) -> u64 {
        0
    }
}
