//! Captures that are still being written: a file that grows, or a folder in which the writer goes from file to file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fs, io, thread};

use super::cursor::Cursor;
use super::from::Stop;
use super::progress::Progress;
use super::status::{Counts, Status};
use super::{Capture, Sink, folder};
use crate::failure::Failure;
use crate::input::Input;
use crate::ui::Ui;

/// Time between two looks at a file that has nothing more, or at a folder.
const LOOK: Duration = Duration::from_millis(100);

/// Reads what has been written and what is being written, file after file in the order of their first packets, until it
/// is time.
///
/// # Errors
/// A file or a folder that cannot be read at the beginning.
pub(super) fn read(
    path: &Path,
    stop: Stop,
    ui: &Ui,
    sink: &mut dyn Sink,
) -> Result<Vec<Capture>, Failure> {
    let mut files = Files::new(path);
    files
        .look()
        .map_err(|error| Failure::file("follow", path, &error))?;
    if !path.is_dir() {
        Input::open(path)?;
    }
    let mut follower = Follower {
        status: Status::new(&format!("following `{}`", path.display()), &stop, ui),
        progress: Progress::silent(),
        stop,
        sink,
        captures: Vec::new(),
        packets: 0,
    };
    while !follower.stop.is_due() {
        match files.next() {
            Some((first, path)) => {
                files.reached = Some(first);
                follower.file(&path, &mut files);
            }
            None => {
                follower.rest();
                // A folder that cannot be read for a moment may be there again at the next look.
                let _ = files.look();
            }
        }
    }
    follower.status.clear();
    let mut captures = follower.captures;
    captures.extend(files.missed());
    Ok(captures)
}

/// What stays the same from file to file.
struct Follower<'a> {
    stop: Stop,
    status: Status<'a>,
    progress: Progress<'a>,
    sink: &'a mut dyn Sink,
    captures: Vec<Capture>,
    packets: u64,
}

impl Follower<'_> {
    /// Reads one file, until a later one has begun and this one has no more.
    fn file(&mut self, path: &Path, files: &mut Files) {
        let input = match Input::open(path) {
            Ok(input) => input,
            Err(failure) => return files.failed(path, &failure),
        };
        let taken = input.counter();
        let mut cursor = Cursor::new(path.to_owned(), input);
        cursor.set_growing(true);
        loop {
            let more = cursor.advance(self.sink, &mut self.progress);
            self.tick(cursor.capture());
            if cursor.is_over() {
                break;
            }
            if self.stop.is_due() {
                cursor.leave(self.sink, &mut self.progress);
                break;
            }
            if more {
                continue;
            }
            // A writer that begins a file anew leaves less in it than was read.
            let anew = fs::metadata(path).is_ok_and(|meta| meta.len() < taken.get());
            let looked = files.look().is_ok();
            if anew || looked && files.next().is_some() {
                // What was written before the next file began is there by now.
                cursor.set_growing(false);
                continue;
            }
            self.rest();
        }
        self.packets += cursor.capture().packets;
        self.captures.push(cursor.into_capture());
    }

    fn tick(&mut self, now: &Capture) {
        let packets = self.packets + now.packets;
        let sink = &mut self.sink;
        self.status.tick(&self.stop, || Counts {
            packets,
            flows: sink.flows(),
            ..Counts::default()
        });
    }

    fn rest(&mut self) {
        self.tick(&Capture::default());
        thread::sleep(self.stop.wait(LOOK));
    }
}

/// The files that are known, and when each begins.
struct Files {
    path: PathBuf,
    known: BTreeMap<PathBuf, Known>,
    /// Files that could not be read, and why.
    missed: Vec<(PathBuf, String)>,
    /// Time of the first packet of the file that is being read.
    reached: Option<i64>,
}

/// A file as it was at the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    size: u64,
    modified: Option<SystemTime>,
    /// Time of the first packet, once there is one.
    first: Option<i64>,
}

impl Files {
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            known: BTreeMap::new(),
            missed: Vec::new(),
            reached: None,
        }
    }

    /// The earliest file that begins after the one that is being read.
    fn next(&self) -> Option<(i64, PathBuf)> {
        self.known
            .iter()
            .filter_map(|(path, known)| Some((known.first?, path)))
            .filter(|(first, _)| self.is_later(*first))
            .min()
            .map(|(first, path)| (first, path.clone()))
    }

    fn is_later(&self, first: i64) -> bool {
        self.reached.is_none_or(|reached| first > reached)
    }

    /// Looks again at what has changed.
    fn look(&mut self) -> io::Result<()> {
        let paths = if self.path.is_dir() {
            folder::files(&self.path)?
        } else {
            fs::metadata(&self.path)?;
            vec![self.path.clone()]
        };
        let mut before = std::mem::take(&mut self.known);
        for path in paths {
            let Ok(meta) = fs::metadata(&path) else {
                continue;
            };
            let old = before.remove(&path);
            let mut now = Known {
                size: meta.len(),
                modified: meta.modified().ok(),
                first: old.and_then(|old| old.first),
            };
            if old != Some(now) {
                match first_time(&path, now.modified) {
                    Ok(first) => now.first = first,
                    Err(failure) if old.is_none() => self.failed(&path, &failure),
                    Err(_) => {}
                }
            }
            if old.is_some_and(|old| old.first != now.first) {
                self.gone(&path, old);
            }
            self.known.insert(path, now);
        }
        for (path, old) in before {
            self.gone(&path, Some(old));
        }
        Ok(())
    }

    /// A file cannot be opened.
    fn failed(&mut self, path: &Path, failure: &Failure) {
        let why = failure.message.clone().unwrap_or_default();
        self.missed.push((path.to_owned(), why));
    }

    /// A file is not there any more, or not the same.
    fn gone(&mut self, path: &Path, old: Option<Known>) {
        let first = old.and_then(|old| old.first);
        if first.is_some_and(|first| self.is_later(first)) {
            let why = "it was removed or written over before it was its turn";
            self.missed.push((path.to_owned(), why.to_owned()));
        }
    }

    /// The files that could not be read.
    fn missed(self) -> impl Iterator<Item = Capture> {
        self.missed.into_iter().map(|(path, why)| {
            let mut capture = Capture {
                name: path.display().to_string(),
                ..Capture::default()
            };
            capture.damaged(why);
            capture
        })
    }
}

/// When a capture begins; a packet without a time is as old as the file. `None` when it has no packet yet or is no capture.
fn first_time(path: &Path, modified: Option<SystemTime>) -> Result<Option<i64>, Failure> {
    let mut cursor = Cursor::new(path.to_owned(), Input::open(path)?);
    cursor.prime(&mut Progress::silent());
    Ok(match cursor.next_time() {
        Some(i64::MIN) => modified
            .and_then(|modified| modified.duration_since(UNIX_EPOCH).ok())
            .and_then(|since| i64::try_from(since.as_nanos()).ok()),
        first => first,
    })
}

#[cfg(test)]
mod tests;
