//! Writing a folder of artifacts whole or not at all, over nothing but what an earlier run wrote.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use tempfile::TempDir;

use crate::failure::{Failure, cause};

/// The name of the list of files that every run writes.
const MANIFEST: &str = "manifest.json";

/// A larger manifest is not one of ours.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;

/// What is in the folder before anything is written.
#[derive(Debug, Default)]
pub(crate) struct Before {
    /// Paths that the manifest there lists and that are there, the manifest included.
    pub(crate) ours: BTreeSet<String>,
    /// Those of them whose bytes are not what the manifest says.
    pub(crate) edited: Vec<String>,
    /// Everything else.
    pub(crate) others: BTreeSet<String>,
}

impl Before {
    /// Looks at a folder; one that does not exist is empty.
    ///
    /// # Errors
    /// A folder that cannot be listed.
    pub(crate) fn look(folder: &Path) -> Result<Self, Failure> {
        let mut found = BTreeSet::new();
        match fs::metadata(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Failure::file("look at", folder, &error)),
            Ok(meta) if !meta.is_dir() => {
                return Err(Failure::wrong(format!(
                    "`{}` is a file; `--out` names a folder",
                    folder.display()
                )));
            }
            Ok(_) => list(folder, "", &mut found)
                .map_err(|error| Failure::file("list", folder, &error))?,
        }
        let listed = manifest(folder);
        let mut before = Self::default();
        for path in found {
            if path == MANIFEST && !listed.is_empty() {
                before.ours.insert(path);
            } else if let Some((_, digest)) = listed.iter().find(|(known, _)| *known == path) {
                let bytes = fs::read(folder.join(&path)).unwrap_or_default();
                if perhop_targets::manifest::sha256_hex(&bytes) != *digest {
                    before.edited.push(path.clone());
                }
                before.ours.insert(path);
            } else {
                before.others.insert(path);
            }
        }
        Ok(before)
    }

    /// Whether the folder is not there or has nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.ours.is_empty() && self.others.is_empty()
    }
}

/// Files that are written beside the folder until all of them are there.
pub(crate) struct Stage<'a> {
    folder: &'a Path,
    before: &'a Before,
    others: BTreeSet<String>,
    exists: bool,
    place: TempDir,
    paths: Vec<String>,
}

impl<'a> Stage<'a> {
    /// A stage for a folder in which that was before.
    ///
    /// # Errors
    /// A place that cannot be written to.
    pub(crate) fn open(folder: &'a Path, before: &'a Before) -> Result<Self, Failure> {
        let failed = |error| not_written(folder, &error);
        // In the folder itself when it is there, which may be a mount of its own; else beside it, and then renamed.
        let exists = folder.is_dir();
        let base = match folder.parent() {
            _ if exists => folder,
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(base).map_err(failed)?;
        let place = tempfile::Builder::new()
            .prefix(".perhop-")
            .tempdir_in(base)
            .map_err(failed)?;
        fs::create_dir(place.path().join(FRESH)).map_err(failed)?;
        let others = before.others.iter().map(|path| path.to_lowercase());
        Ok(Self {
            folder,
            before,
            others: others.collect(),
            exists,
            place,
            paths: Vec::new(),
        })
    }

    /// Writes a file there.
    ///
    /// # Errors
    /// A path that leaves the folder, a file of somebody else's in the way, and whatever the file system refuses.
    pub(crate) fn put(&mut self, path: &str, bytes: &[u8]) -> Result<(), Failure> {
        checked(path)?;
        if self.others.contains(&path.to_lowercase()) {
            return Err(Failure::wrong(format!(
                "`{}` is in the way, and perhop did not write it",
                self.folder.join(path).display()
            ))
            .help("move it away, or choose another folder"));
        }
        let fresh = self.place.path().join(FRESH);
        let target = fresh.join(path);
        fs::create_dir_all(target.parent().unwrap_or(&fresh))
            .and_then(|()| fs::write(&target, bytes))
            .map_err(|error| not_written(self.folder, &error))?;
        self.paths.push(path.to_owned());
        Ok(())
    }

    /// Puts all of them into the folder, or none. What was listed as ours before is replaced or removed; nothing else is
    /// touched.
    ///
    /// # Errors
    /// Whatever the file system refuses; then the folder is as it was.
    pub(crate) fn commit(self) -> Result<(), Failure> {
        let done = if self.exists {
            replace(self.folder, &self.paths, self.before, &self.place)
        } else {
            fs::rename(self.place.path().join(FRESH), self.folder)
        };
        done.map_err(|error| not_written(self.folder, &error))
    }
}

/// The folder of new files in the stage.
const FRESH: &str = "new";

fn not_written(folder: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!(
        "cannot write to `{}`: {}; nothing was changed",
        folder.display(),
        cause(error)
    ))
}

/// Moves old files out and new ones in; on the first error all of it is taken back.
fn replace(folder: &Path, paths: &[String], before: &Before, stage: &TempDir) -> io::Result<()> {
    let (fresh, old) = (stage.path().join(FRESH), stage.path().join("old"));
    let mut moved: Vec<(PathBuf, PathBuf)> = Vec::new();
    let mut go = |from: PathBuf, to: PathBuf| -> io::Result<()> {
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::rename(&from, &to)?;
        moved.push((from, to));
        Ok(())
    };
    let result = before
        .ours
        .iter()
        .try_for_each(|path| go(folder.join(path), old.join(path)))
        .and_then(|()| {
            paths
                .iter()
                .try_for_each(|path| go(fresh.join(path), inside(folder, path)?))
        });
    if let Err(error) = result {
        for (from, to) in moved.into_iter().rev() {
            let _ = fs::rename(to, from);
        }
        return Err(error);
    }
    for path in &before.ours {
        prune(folder, path);
    }
    Ok(())
}

/// The place of a path in the folder, refused when a link on the way leads elsewhere.
fn inside(folder: &Path, path: &str) -> io::Result<PathBuf> {
    let mut place = folder.to_path_buf();
    for part in path.split('/') {
        place.push(part);
        if fs::symlink_metadata(&place).is_ok_and(|meta| meta.is_symlink()) {
            return Err(io::Error::other(format!(
                "`{}` is a link that leads elsewhere",
                place.display()
            )));
        }
    }
    Ok(place)
}

/// Removes folders that the removal of a file left empty.
fn prune(folder: &Path, path: &str) {
    let mut place = Path::new(path).parent();
    while let Some(part) = place.filter(|part| *part != Path::new("")) {
        if fs::remove_dir(folder.join(part)).is_err() {
            return;
        }
        place = part.parent();
    }
}

/// A path that stays in its folder on every system: plain names only, none that Windows keeps for itself.
fn checked(path: &str) -> Result<(), Failure> {
    let plain = Path::new(path)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let portable = path.split('/').all(|part| {
        let stem = part
            .split('.')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        !part.is_empty()
            && !part.ends_with(['.', ' '])
            && !part.contains(['\\', ':', '<', '>', '"', '|', '?', '*'])
            && !part.chars().any(char::is_control)
            && !RESERVED.contains(&stem.as_str())
            && part.len() <= 200
    });
    if plain && portable {
        Ok(())
    } else {
        Err(Failure::failed(format!(
            "an artifact is named `{}`, which is not a plain path; nothing was written",
            path.escape_debug()
        ))
        .note("this is a fault of perhop"))
    }
}

/// Names that Windows keeps for devices.
const RESERVED: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// Every file below, by its path with `/`; links are not followed; an empty folder counts as something.
fn list(folder: &Path, prefix: &str, into: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            let count = into.len();
            list(&entry.path(), &format!("{name}/"), into)?;
            if into.len() == count {
                into.insert(name);
            }
        } else {
            into.insert(name);
        }
    }
    Ok(())
}

/// Paths and digests that the manifest in a folder lists; empty when there is none of ours.
fn manifest(folder: &Path) -> Vec<(String, String)> {
    let path = folder.join(MANIFEST);
    if !fs::metadata(&path).is_ok_and(|meta| meta.is_file() && meta.len() <= MAX_MANIFEST_BYTES) {
        return Vec::new();
    }
    let Some(value) = fs::read(&path)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok())
    else {
        return Vec::new();
    };
    if value["schema"] != perhop_targets::manifest::SCHEMA {
        return Vec::new();
    }
    let entries = value["files"].as_array().map_or(&[][..], Vec::as_slice);
    entries
        .iter()
        .filter_map(|entry| {
            let path = entry["path"].as_str()?;
            checked(path).ok()?;
            Some((path.to_owned(), entry["sha256"].as_str()?.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests;
