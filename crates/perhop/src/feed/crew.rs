//! Threads on one capture: each reads stretches of the file of its own, and every lane of the engine takes all
//! stretches in their order.
//!
//! Where a stretch begins is guessed by plausible records, and proved when the stretch before it ends exactly there. At the
//! first that cannot be proved, or that has anything but whole packets of known interfaces, the threads stop, and the one
//! reader that the capture has anyway goes on from there. So the answer is the answer of one thread.

use std::collections::VecDeque;
use std::fs::File;
use std::hint;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use perhop_host::mapped::Mapped;
use perhop_verify::engine::{Block, Config, Engine, Lane, Reader};
use perhop_wire::capture::{CaptureReader, Search, Step};

use super::times::Span;

/// What the threads are to read.
#[derive(Debug)]
pub(super) struct Job<'a> {
    file: &'a File,
    /// The file as memory, when that is worth it.
    mapped: Option<Mapped>,
    /// The capture's reader, at the start of a record.
    reader: &'a CaptureReader,
    /// Bytes of the file.
    size: u64,
    /// A packet later than this is not read.
    until: i64,
}

/// Whether records are so long that copying them costs more than waiting for their headers.
fn has_long_records(mapped: &Mapped, reader: &CaptureReader) -> bool {
    let file = mapped.bytes();
    let (mut bytes, mut records) = (0, 0);
    for place in 1..=SAMPLES {
        let from = file.len() / (SAMPLES + 1) * place;
        let seen = reader.measure(&file[from..file.len().min(from + SAMPLE)]);
        (bytes, records) = (bytes + seen.0, records + seen.1);
    }
    records > 0 && bytes / records >= LONG && !mapped.is_cut()
}

/// What they have read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ran {
    /// Where the next record begins.
    pub(super) to: u64,
    pub(super) packets: u64,
    pub(super) times: Span,
}

/// Threads and the engine that they feed.
#[derive(Debug)]
pub(crate) struct Crew<'a> {
    engine: &'a mut Engine,
    threads: usize,
    /// Bytes that one thread reads at a time.
    stretch: u64,
}

impl<'a> Crew<'a> {
    /// So many threads.
    pub(crate) const fn new(engine: &'a mut Engine, threads: usize) -> Self {
        Self {
            engine,
            threads,
            stretch: STRETCH,
        }
    }

    /// The rest of a file of so many bytes, up to packets of the time `until`, when it is worth the threads. One is, where
    /// nothing is copied; else the capture's reader does as well alone.
    pub(super) fn job<'j>(
        &self,
        file: &'j File,
        size: u64,
        reader: &'j CaptureReader,
        until: i64,
    ) -> Option<Job<'j>> {
        if size.saturating_sub(reader.position()) < LEAST * self.stretch {
            return None;
        }
        let mapped = Mapped::new(file, size).ok();
        let mapped = mapped.filter(|mapped| has_long_records(mapped, reader));
        (self.threads > 1 || mapped.is_some()).then_some(Job {
            file,
            mapped,
            reader,
            size,
            until,
        })
    }

    /// Reads as far as that goes; `tick` hears now and then how far it is.
    pub(super) fn run(self, job: &Job<'_>, tick: &mut dyn FnMut(Ran)) -> Ran {
        let parts = self.engine.parts();
        let begin = job.reader.position();
        let stretch = match job.mapped {
            Some(_) => self.stretch * MAPPED,
            None => self.stretch,
        };
        let shared = Shared {
            job,
            config: parts.config,
            stretch,
            first: begin / stretch,
            count: job.size.div_ceil(stretch) - begin / stretch,
            threads: self.threads,
            lanes: parts.lanes.len(),
            window: Mutex::new(Window::new(begin, *parts.frames)),
            changed: Condvar::new(),
        };
        let lanes = Mutex::new(parts.lanes.iter_mut().collect::<Vec<_>>());
        let take = |count: usize| {
            let mut lanes = lanes.lock().unwrap_or_else(PoisonError::into_inner);
            let left = lanes.len() - count.min(lanes.len());
            lanes.split_off(left)
        };
        thread::scope(|scope| {
            let mut lanes_left = shared.lanes;
            for _ in 1..self.threads {
                let own = lanes_left.min(1);
                let (shared, take) = (&shared, &take);
                let work = move || shared.work(take(own), &mut |_| {});
                // A machine that gives no more threads has to do with those it gave.
                if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                    break;
                }
                lanes_left -= own;
            }
            shared.work(take(lanes_left), tick);
        });
        let ran = shared.lock().ran;
        *parts.frames += ran.packets;
        ran
    }
}

struct Shared<'a> {
    job: &'a Job<'a>,
    config: &'a Config,
    stretch: u64,
    /// Stretches of the file before the first that is read, and those that are.
    first: u64,
    count: u64,
    threads: usize,
    lanes: usize,
    window: Mutex<Window>,
    changed: Condvar,
}

/// The stretches that are under way.
struct Window {
    /// Number of the first that some lane has not taken.
    first: u64,
    open: VecDeque<Open>,
    /// Number of the next to be read, and of the next to be proved.
    next: u64,
    proved: u64,
    /// What was proved; and packets before it.
    ran: Ran,
    before: u64,
    /// No more is proved.
    over: bool,
    spare: Vec<Block>,
}

#[derive(Default)]
struct Open {
    read: Option<Arc<Stretch>>,
    frames_before: u64,
    /// Lanes that have taken it.
    taken: usize,
}

/// A stretch that was read.
struct Stretch {
    block: Block,
    /// Where its first record begins; `None` when none seems to.
    from: Option<u64>,
    /// Where its last record ends.
    to: u64,
    /// Where the stretch ends.
    end: u64,
    /// Nothing in it was left to the capture's reader.
    is_whole: bool,
    times: Span,
}

impl Stretch {
    /// No record begins in these bytes.
    fn without_records(block: Block, begin: u64, end: u64) -> Self {
        Self {
            block,
            from: None,
            to: begin,
            end,
            is_whole: true,
            times: Span::default(),
        }
    }
}

enum Turn {
    Take(Arc<Stretch>, u64),
    Read(u64, Block),
    Over,
}

impl Shared<'_> {
    /// What each thread does: takes what is proved, reads what is next.
    fn work(&self, mut lanes: Vec<&mut Lane>, tick: &mut dyn FnMut(Ran)) {
        let _guard = Guard(self);
        let mut worker = Worker {
            shared: self,
            reader: self.config.reader(),
            buffer: Vec::new(),
            begin: 0,
            held: 0,
        };
        let mut taken = 0;
        loop {
            match self.turn(taken, lanes.is_empty()) {
                Turn::Take(stretch, frames_before) => {
                    for lane in &mut lanes {
                        lane.apply(&stretch.block, frames_before);
                    }
                    self.took(taken, stretch, lanes.len());
                    taken += 1;
                }
                Turn::Read(number, block) => {
                    let stretch = worker.read(number, block);
                    tick(self.publish(number, stretch));
                }
                Turn::Over => return,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, taken: u64, only_reads: bool) -> Turn {
        let mut window = self.lock();
        loop {
            if !only_reads && taken < window.proved {
                let open = &window.open[(taken - window.first) as usize];
                if let Some(stretch) = &open.read {
                    return Turn::Take(Arc::clone(stretch), open.frames_before);
                }
            }
            let ahead = window.next - window.first < (AHEAD * self.threads) as u64;
            if !window.over && ahead && window.next < self.count {
                let number = window.next;
                window.next += 1;
                window.open.push_back(Open::default());
                let spare = window.spare.pop();
                return Turn::Read(number, spare.unwrap_or_else(|| self.config.block()));
            }
            if window.over {
                return Turn::Over;
            }
            window = self
                .changed
                .wait(window)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Puts a stretch that was read in its place, and proves what can be proved.
    fn publish(&self, number: u64, stretch: Stretch) -> Ran {
        let mut window = self.lock();
        let at = (number - window.first) as usize;
        window.open[at].read = Some(Arc::new(stretch));
        let before = (window.proved, window.over);
        window.prove(self.count);
        if before != (window.proved, window.over) {
            self.changed.notify_all();
        }
        window.ran
    }

    /// Some lanes have taken a stretch; the last one gives its memory back.
    fn took(&self, number: u64, stretch: Arc<Stretch>, lanes: usize) {
        let mut window = self.lock();
        drop(stretch);
        let at = (number - window.first) as usize;
        window.open[at].taken += lanes;
        let first = window.first;
        while window
            .open
            .front()
            .is_some_and(|open| open.taken == self.lanes)
        {
            let open = window.open.pop_front();
            window.first += 1;
            if let Some(stretch) = open.and_then(|open| Arc::into_inner(open.read?)) {
                let mut block = stretch.block;
                block.clear();
                window.spare.push(block);
            }
        }
        if window.first != first {
            self.changed.notify_all();
        }
    }
}

impl Window {
    fn new(position: u64, frames: u64) -> Self {
        Self {
            first: 0,
            open: VecDeque::new(),
            next: 0,
            proved: 0,
            ran: Ran {
                to: position,
                packets: 0,
                times: Span::default(),
            },
            before: frames,
            over: false,
            spare: Vec::new(),
        }
    }

    fn prove(&mut self, count: u64) {
        while !self.over {
            let at = (self.proved - self.first) as usize;
            let Some(open) = self.open.get_mut(at) else {
                break;
            };
            let Some(stretch) = &open.read else { break };
            let follows = match stretch.from {
                Some(from) => from == self.ran.to,
                None => stretch.end <= self.ran.to,
            };
            if !follows {
                self.over = true;
                break;
            }
            open.frames_before = self.before + self.ran.packets;
            self.ran.to = self.ran.to.max(stretch.to);
            self.ran.packets += u64::from(stretch.block.packets());
            self.ran.times.merge(stretch.times);
            self.proved += 1;
            self.over = !stretch.is_whole || self.proved == count;
        }
    }
}

/// Lets the others end when a thread panics.
struct Guard<'a>(&'a Shared<'a>);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let mut window = self.0.lock();
            window.over = true;
            window.proved = 0;
            self.0.changed.notify_all();
        }
    }
}

/// What a thread reads with.
struct Worker<'a> {
    shared: &'a Shared<'a>,
    reader: Reader,
    /// A copy of what is held, when the file is not mapped.
    buffer: Vec<u8>,
    /// Where what is held begins in the file, and its bytes.
    begin: u64,
    held: usize,
}

impl Worker<'_> {
    /// Reads the records that begin in a stretch.
    fn read(&mut self, number: u64, block: Block) -> Stretch {
        let (job, stretch) = (self.shared.job, self.shared.stretch);
        let start = (self.shared.first + number) * stretch;
        let begin = start.max(job.reader.position());
        let end = (start + stretch).min(job.size);
        let within = (end - begin) as usize;
        (self.begin, self.held) = (begin, 0);
        self.hold(within + TAIL);
        let skip = if number == 0 {
            Some(0)
        } else {
            self.find_start(within)
        };
        let read = match skip {
            Some(skip) => self.records(end, skip, block),
            None => Stretch::without_records(block, begin, end),
        };
        let Some(mapped) = &job.mapped else {
            return read;
        };
        if mapped.is_cut() {
            // The capture's reader will meet it again, and tell it.
            let mut block = read.block;
            block.clear();
            return Stretch {
                is_whole: false,
                ..Stretch::without_records(block, begin, begin)
            };
        }
        // The record that ends in the next stretch was looked at too.
        mapped.release(begin..begin + self.held as u64);
        read
    }

    /// Reads the records that begin `skip` bytes from the start of what is held and before `end`.
    fn records(&mut self, end: u64, skip: usize, mut block: Block) -> Stretch {
        let (job, begin) = (self.shared.job, self.begin);
        let within = (end - begin) as usize;
        let mut capture = job.reader.at(begin + skip as u64, 0);
        let (mut used, mut times, mut is_whole) = (skip, Span::default(), true);
        if job.mapped.is_some() {
            let held = self.bytes();
            hint::black_box(capture.look_ahead(&held[skip..within.min(held.len())]));
        }
        while used < within {
            let mut run = Vec::with_capacity(CaptureReader::RUN);
            let held = self.bytes();
            let held = &held[..within.min(held.len())];
            loop {
                used += capture.run(&held[used..], job.until, &mut run);
                if run.is_empty() {
                    break;
                }
                times.add_all(&run);
                self.reader.read(&run, &mut block);
            }
            if used >= within {
                break;
            }
            match capture.next(&self.bytes()[used..], false) {
                Step::Packet(packet) if packet.time_ns.is_none_or(|time| time <= job.until) => {
                    times.add(packet.time_ns);
                    self.reader.read(&[packet], &mut block);
                    used += packet.consumed;
                }
                Step::NeedMore { at_least } => {
                    is_whole = self.hold(used + at_least);
                    if !is_whole {
                        break;
                    }
                }
                Step::Skipped { consumed } if same_interfaces(&capture, job.reader) => {
                    used += consumed;
                }
                _ => {
                    is_whole = false;
                    break;
                }
            }
        }
        Stretch {
            block,
            from: Some(begin + skip as u64),
            to: begin + used as u64,
            end,
            is_whole,
            times,
        }
    }

    /// Bytes before the first record that seems to begin in a stretch.
    fn find_start(&mut self, within: usize) -> Option<usize> {
        let mut skip = 0;
        while skip < within.min(self.held) {
            let job = self.shared.job;
            let last = self.begin + self.held as u64 >= job.size;
            match job.reader.find_start(&self.bytes()[skip..], last) {
                Search::Found(more) => return Some(skip + more).filter(|skip| *skip < within),
                Search::NotIn(more) => skip += more,
                Search::NeedMore(more) if self.hold(skip + more) => {}
                Search::NeedMore(_) | Search::Nowhere => return None,
            }
        }
        None
    }

    /// What is held of the file.
    fn bytes(&self) -> &[u8] {
        match &self.shared.job.mapped {
            Some(mapped) => &mapped.bytes()[self.begin as usize..][..self.held],
            None => &self.buffer[..self.held],
        }
    }

    /// Holds so many bytes of the file; false when that cannot be.
    fn hold(&mut self, wanted: usize) -> bool {
        let job = self.shared.job;
        if job.mapped.is_some() {
            let left = usize::try_from(job.size - self.begin).unwrap_or(wanted);
            self.held = wanted.min(left).max(self.held);
            return self.held >= wanted;
        }
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        while self.held < wanted {
            let at = self.begin + self.held as u64;
            match read_at(job.file, &mut self.buffer[self.held..wanted], at) {
                Ok(0) => return false,
                Ok(count) => self.held += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The capture's reader will meet it again, and tell it.
                Err(_) => return false,
            }
        }
        true
    }
}

/// Whether a reader still has the section and the interfaces that another has.
fn same_interfaces(one: &CaptureReader, other: &CaptureReader) -> bool {
    one.is_between_records()
        && one.interfaces().len() == other.interfaces().len()
        && one.first_interface() == other.first_interface()
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

#[cfg(not(any(unix, windows)))]
fn read_at(_: &File, _: &mut [u8], _: u64) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Bytes that one thread reads at a time: they and what they become stay in the second-level cache.
const STRETCH: u64 = 1 << 19;
/// Stretches that are worth several threads.
const LEAST: u64 = 4;
/// Stretches that may be under way for each thread.
const AHEAD: usize = 2;
/// Stretches of a mapped file are so many times longer, since only the headers in them get into the cache. Systems put files
/// into memory in pages of up to this size.
const MAPPED: u64 = 4;
/// Bytes of records so long that copying them costs more than waiting for their headers.
const LONG: usize = 256;
/// Bytes that are looked at in each of the places that tell how long records are, and how many these places are.
const SAMPLE: usize = 1 << 16;
const SAMPLES: usize = 4;
/// Bytes read beyond a stretch, for the record that begins in it and ends after it.
const TAIL: usize = 4096;

#[cfg(test)]
mod tests;
