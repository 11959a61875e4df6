//! Captures as one run of packets in time order: several files, pipes and compressed ones, damaged ones as far as they go.

mod cursor;
mod progress;

use std::path::PathBuf;

use perhop_wire::capture::CapturedPacket;

use crate::failure::Failure;
use crate::input::Input;
use crate::render::counted_u64;
use crate::ui::Ui;

use cursor::Cursor;
use progress::Progress;

/// What was read of one capture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Capture {
    /// The path as it was given, or `<stdin>`.
    pub(crate) name: String,
    /// `gzip`, `zstd` or `lz4`.
    pub(crate) compression: Option<&'static str>,
    /// Packets read.
    pub(crate) packets: u64,
    /// Bytes read, uncompressed.
    pub(crate) bytes: u64,
    /// Earliest and latest time in nanoseconds since 1970.
    pub(crate) time: Option<(i64, i64)>,
    /// Packets that the capture itself says it lost.
    pub(crate) dropped: u64,
    /// What was wrong, with the offset, in order; at most [`Capture::DAMAGE_KEPT`].
    pub(crate) damage: Vec<String>,
    /// How much was wrong in all.
    pub(crate) damages: u64,
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
}

/// Reads all captures, in time order, into `sink`.
///
/// Packets of one capture stay in their order. A capture begins where its first packet's time is; between captures the
/// earlier time goes first. A damaged capture gives what can be read of it.
///
/// # Errors
/// A capture that cannot be opened; then nothing was read.
pub(crate) fn read(
    paths: &[PathBuf],
    ui: &Ui,
    sink: &mut dyn FnMut(&CapturedPacket<'_>),
) -> Result<Vec<Capture>, Failure> {
    let inputs: Vec<Input> = paths
        .iter()
        .map(|path| Input::open(path))
        .collect::<Result<_, _>>()?;
    let mut progress = Progress::new(&inputs, ui);
    let mut cursors: Vec<Cursor> = inputs.into_iter().map(Cursor::new).collect();
    if cursors.len() > 1 {
        // The time of each first packet says when the capture's turn is.
        for cursor in &mut cursors {
            cursor.prime(&mut progress);
        }
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

/// Says on stderr what was wrong with the captures; true when something was.
pub(crate) fn complain(captures: &[Capture], ui: &Ui) -> bool {
    for capture in captures.iter().filter(|capture| capture.damages > 0) {
        let name = &capture.name;
        if capture.packets == 0 {
            let why = capture.damage.first().map_or("", String::as_str);
            ui.fail(&Failure::failed(format!(
                "cannot read the capture `{name}`: {why}"
            )));
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
        ui.warn(&format!(
            "`{name}`: {read} could be read; they count in what follows"
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
