//! Captures as one run of packets in time order: several files, pipes and compressed ones, damaged ones as far as they go,
//! folders that are still being written, interfaces.

mod crew;
mod cursor;
mod folder;
mod follow;
mod from;
mod live;
mod progress;
mod remedy;
mod status;
mod times;

use std::path::PathBuf;

use perhop_wire::capture::{CaptureError, CapturedPacket};

use crate::failure::Failure;
use crate::input::Input;
use crate::render::counted_u64;
use crate::ui::Ui;

pub(crate) use crew::Crew;
use cursor::Cursor;
use from::Stop;
pub(crate) use from::{From, is_stdin};
use progress::Progress;
use remedy::remedy;

/// Files that are open at a time; of more, all but the ones being read are closed until their turn.
const OPEN: usize = 32;

/// Takes the packets.
pub(crate) trait Sink {
    /// Takes the next ones.
    fn packets(&mut self, packets: &[CapturedPacket<'_>]);

    /// Flows so far, for whoever watches.
    fn flows(&mut self) -> u64;

    /// The engine that takes the packets, when several threads may feed it.
    fn crew(&mut self) -> Option<Crew<'_>> {
        None
    }
}

/// What was read of one capture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Capture {
    /// The path as it was given, or `<stdin>`, or `<eth0>` of an interface.
    pub(crate) name: String,
    /// `gzip`, `zstd` or `lz4`.
    pub(crate) compression: Option<&'static str>,
    /// Packets read.
    pub(crate) packets: u64,
    /// Bytes read, uncompressed.
    pub(crate) bytes: u64,
    /// Earliest and latest time in nanoseconds since 1970.
    pub(crate) time: Option<(i64, i64)>,
    /// Packets that the capture itself, or the kernel for it, says were lost.
    pub(crate) dropped: u64,
    /// What was wrong, with the offset, in order; at most [`Capture::DAMAGE_KEPT`].
    pub(crate) damage: Vec<String>,
    /// How much was wrong in all.
    pub(crate) damages: u64,
    /// What to do about a file that is no capture at all.
    pub(crate) remedy: Option<String>,
}

impl Capture {
    /// How many faults are kept.
    pub(crate) const DAMAGE_KEPT: usize = 20;

    fn damaged(&mut self, text: String) {
        self.damages += 1;
        if self.damage.len() < Self::DAMAGE_KEPT {
            self.damage.push(text);
        }
    }

    fn damaged_by(&mut self, error: &CaptureError) {
        if self.packets == 0 && self.damages == 0 {
            self.remedy = remedy(&self.name, error.damage);
        }
        self.damaged(error.to_string());
    }
}

/// Reads all that the arguments name, in time order, into `sink`.
///
/// # Errors
/// A capture or a folder that cannot be opened, an interface that cannot be captured from; then nothing was read.
pub(crate) fn read(from: &From, ui: &Ui, sink: &mut dyn Sink) -> Result<Vec<Capture>, Failure> {
    if let Some(interface) = &from.live {
        return Ok(vec![live::read(interface, from.duration, ui, sink)?]);
    }
    if from.follow {
        return follow::read(from.followed()?, Stop::new(from.duration)?, ui, sink);
    }
    let paths = folder::expand(&from.capture, ui)?;
    read_files(&paths, ui, sink)
}

/// Reads all captures.
///
/// Packets of one capture stay in their order. A capture begins where its first packet's time is; between captures the
/// earlier time goes first. A damaged capture gives what can be read of it.
fn read_files(paths: &[PathBuf], ui: &Ui, sink: &mut dyn Sink) -> Result<Vec<Capture>, Failure> {
    let mut progress = Progress::new(ui);
    let mut cursors = Vec::new();
    for path in paths {
        let input = Input::open(path)?;
        progress.add(&input);
        let mut cursor = Cursor::new(path.clone(), input);
        if paths.len() > 1 {
            // The time of the first packet says when the capture's turn is.
            cursor.prime(&mut progress);
        }
        if paths.len() > OPEN {
            cursor.park();
        }
        cursors.push(cursor);
    }
    loop {
        let mut waiting: Vec<(i64, usize)> = cursors
            .iter()
            .enumerate()
            .filter_map(|(index, cursor)| Some((cursor.next_time()?, index)))
            .collect();
        waiting.sort_unstable();
        let Some((_, index)) = waiting.first().copied() else {
            break;
        };
        let until = waiting.get(1).map_or(i64::MAX, |(time, _)| *time);
        cursors[index].run(until, sink, &mut progress);
    }
    progress.finish();
    Ok(cursors.into_iter().map(Cursor::into_capture).collect())
}

/// Packets that passed and are not in the captures, by the captures' own counters.
pub(crate) fn dropped(captures: &[Capture]) -> u64 {
    captures.iter().map(|capture| capture.dropped).sum()
}

/// Says on stderr what was wrong with the captures; true when something was.
pub(crate) fn complain(captures: &[Capture], ui: &Ui) -> bool {
    for capture in captures.iter().filter(|capture| capture.dropped > 0) {
        ui.warn(&format!(
            "`{}`: {} passed and could not be captured; loss in the streams may be theirs",
            capture.name,
            counted_u64(capture.dropped, "packet")
        ));
    }
    for capture in captures.iter().filter(|capture| capture.damages > 0) {
        let name = &capture.name;
        if capture.packets == 0 {
            let why = capture.damage.first().map_or("", String::as_str);
            let failure = Failure::failed(format!("cannot read the capture `{name}`: {why}"));
            ui.fail(&match &capture.remedy {
                Some(remedy) => failure.help(remedy),
                None => failure,
            });
            continue;
        }
        for damage in &capture.damage {
            ui.warn(&format!("`{name}` is damaged: {damage}"));
        }
        let more = capture.damages - capture.damage.len() as u64;
        if more > 0 {
            ui.warn(&format!("`{name}`: and {more} more faults"));
        }
        let read = counted_u64(capture.packets, "packet");
        let counts = if capture.packets == 1 {
            "it counts"
        } else {
            "they count"
        };
        ui.warn(&format!(
            "`{name}`: {read} could be read; {counts} in what follows"
        ));
    }
    captures.iter().any(|capture| capture.damages > 0)
}

/// Whether not one of the captures could be read at all.
pub(crate) fn all_unreadable(captures: &[Capture]) -> bool {
    captures
        .iter()
        .all(|capture| capture.packets == 0 && capture.damages > 0)
}

#[cfg(test)]
mod tests;
