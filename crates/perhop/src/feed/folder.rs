//! Folders of captures, as `dumpcap -b` and `tcpdump -C`, `-G`, `-W` write them.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use perhop_wire::capture::{CaptureReader, Damage, Step};

use super::from::is_stdin;
use crate::failure::{Failure, cause};
use crate::input::Input;
use crate::render::counted;
use crate::ui::Ui;

/// Files that are named when they are left out.
const NAMED: usize = 3;

/// The paths, each folder replaced by the captures in it, by name. Their order in time is told by their packets.
///
/// # Errors
/// A folder that cannot be read, or without any capture.
pub(super) fn expand(paths: &[PathBuf], ui: &Ui) -> Result<Vec<PathBuf>, Failure> {
    let mut all = Vec::new();
    for path in paths {
        if is_stdin(path) || !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        let (captures, others): (Vec<_>, Vec<_>) = files(path)
            .map_err(|error| unreadable(path, &error))?
            .into_iter()
            .partition(|file| may_be_capture(file));
        if captures.is_empty() {
            let failure = Failure::failed(format!(
                "there is no capture in the folder `{}`",
                path.display()
            ));
            return Err(failure.help("`--follow` waits until one is written"));
        }
        if !others.is_empty() {
            ui.warn(&left_out(path, &others));
        }
        all.extend(captures);
    }
    let mut known = BTreeSet::new();
    all.retain(|path| {
        let is_new =
            is_stdin(path) || fs::canonicalize(path).map_or(true, |place| known.insert(place));
        if !is_new {
            ui.warn(&format!(
                "`{}` is given twice; it counts once",
                path.display()
            ));
        }
        is_new
    });
    Ok(all)
}

/// The files of a folder that could be captures by what they are: no folders, nothing hidden, nothing empty, no second
/// name of one of them, such as a link to the latest; by name.
///
/// # Errors
/// A folder that cannot be read.
pub(super) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        // What goes while it is listed is not there.
        let Ok(meta) = fs::metadata(entry.path()) else {
            continue;
        };
        let is_file = meta.is_file() && meta.len() > 0;
        if is_file && !hidden && !is_second_name(&entry, folder) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Whether it is a link to a file that is in the folder itself, and not hidden there.
fn is_second_name(entry: &fs::DirEntry, folder: &Path) -> bool {
    let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
    let (true, Ok(target), Ok(folder)) = (
        is_link,
        fs::canonicalize(entry.path()),
        fs::canonicalize(folder),
    ) else {
        return false;
    };
    let hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
    target.parent() == Some(&*folder) && !target.file_name().is_some_and(hidden)
}

/// A folder that cannot be read.
pub(super) fn unreadable(folder: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!(
        "cannot read the folder `{}`: {}",
        folder.display(),
        cause(error)
    ))
}

/// Whether a file begins as a capture does. What cannot be opened may be one, so that the reading says why not.
fn may_be_capture(file: &Path) -> bool {
    let Ok(input) = Input::open(file) else {
        return true;
    };
    let mut magic = Vec::new();
    // A damaged compressed file gives an error, and may be a capture too.
    let read = input.take(4).read_to_end(&mut magic);
    let step = CaptureReader::new().next(&magic, true);
    let other = matches!(step, Step::Damaged { error, .. } if matches!(error.damage, Damage::NotACapture { .. }));
    read.is_err() || !other
}

fn left_out(folder: &Path, files: &[PathBuf]) -> String {
    let names = files.iter().take(NAMED).filter_map(|file| file.file_name());
    let mut names: Vec<String> = names.map(|name| format!("`{}`", name.display())).collect();
    if files.len() > NAMED {
        names.push("…".to_owned());
    }
    let verb = if files.len() == 1 {
        "is no capture and was"
    } else {
        "are no captures and were"
    };
    format!(
        "{} in `{}` {verb} left out: {}",
        counted(files.len(), "file"),
        folder.display(),
        names.join(", ")
    )
}
