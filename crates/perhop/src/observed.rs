//! Files of configuration: from paths and folders to what is in them.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use perhop_read::{FileRead, Format, Input, Reading, Words};

use crate::failure::{Failure, cause};

/// A file larger than this is not configuration.
const MAX_FILE: u64 = 128 << 20;
/// All files together.
const MAX_ALL: u64 = 512 << 20;
/// More files than any compiled plan or backup has.
const MAX_FILES: usize = 20_000;
/// Folders below folders.
const MAX_DEPTH: usize = 16;

/// A path with what the user said it is for: `clients=FILE`.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    /// The sender, when the user says so.
    pub(crate) scope: Option<String>,
    /// The file or folder.
    pub(crate) path: PathBuf,
}

impl Named {
    /// `SCOPE=PATH` or `PATH`; a path that is there as it stands is one.
    pub(crate) fn parse(text: &Path) -> Self {
        let whole = || Self {
            scope: None,
            path: text.to_path_buf(),
        };
        if text.exists() {
            return whole();
        }
        match text.to_str().and_then(|text| text.split_once('=')) {
            Some((scope, path)) if !scope.is_empty() && !path.is_empty() => Self {
                scope: Some(scope.to_owned()),
                path: PathBuf::from(path),
            },
            _ => whole(),
        }
    }
}

/// What is in some files.
pub(crate) struct Observed {
    /// Their facts.
    pub(crate) reading: Reading,
    /// Files of folders that are nothing known, by name.
    pub(crate) passed: Vec<String>,
}

/// Reads files, and all files of folders that are something known.
///
/// # Errors
/// What cannot be read, and a file given by name that is nothing known.
pub(crate) fn read(paths: &[Named]) -> Result<Observed, Failure> {
    let mut found: Vec<(PathBuf, bool, Option<String>)> = Vec::new();
    for named in paths {
        if named.path != Path::new("-") && named.path.is_dir() {
            let mut inside = Vec::new();
            walk(&named.path, 0, &mut inside)?;
            inside.sort();
            found.extend(
                inside
                    .into_iter()
                    .map(|path| (path, false, named.scope.clone())),
            );
        } else {
            found.push((named.path.clone(), true, named.scope.clone()));
        }
    }
    let mut contents = Vec::with_capacity(found.len());
    let mut left = MAX_ALL;
    for (path, ..) in &found {
        let bytes = content(path, left.min(MAX_FILE))?;
        left = left.saturating_sub(bytes.len() as u64);
        contents.push((display(path), bytes));
    }
    let inputs: Vec<Input<'_>> = contents
        .iter()
        .map(|(name, bytes)| Input { name, bytes })
        .collect();
    let mut reading = Reading::of(&inputs, &words());
    for (file, (_, _, scope)) in reading.files.iter_mut().zip(&found) {
        if scope.is_some() {
            file.scope.clone_from(scope);
        }
    }
    let mut passed = Vec::new();
    for (file, (path, given, _)) in reading.files.iter().zip(&found) {
        if file.format != Format::Unknown {
            continue;
        }
        if *given {
            return Err(unknown(path));
        }
        passed.push(file.name.clone());
    }
    Ok(Observed { reading, passed })
}

/// Hands all files of a folder on, each with its path and bytes.
///
/// # Errors
/// What cannot be read.
pub(crate) fn with_folder<T>(
    folder: &Path,
    then: impl FnOnce(&[Input<'_>]) -> T,
) -> Result<T, Failure> {
    let mut paths = Vec::new();
    walk(folder, 0, &mut paths)?;
    paths.sort();
    let mut contents = Vec::with_capacity(paths.len());
    let mut left = MAX_ALL;
    for path in &paths {
        let bytes = content(path, left.min(MAX_FILE))?;
        left = left.saturating_sub(bytes.len() as u64);
        let below = path.strip_prefix(folder).unwrap_or(path);
        contents.push((display(below), bytes));
    }
    let inputs: Vec<Input<'_>> = contents
        .iter()
        .map(|(name, bytes)| Input { name, bytes })
        .collect();
    Ok(then(&inputs))
}

/// Whether a file is worth a word: known, and not only names.
pub(crate) fn is_shown(file: &FileRead) -> bool {
    !matches!(file.format, Format::Unknown | Format::GpoBackup)
}

/// The names that lints look executables up in.
fn words() -> Words {
    let catalogue = perhop_plan::catalogue::catalogue();
    let mut executables: Vec<String> = catalogue
        .components()
        .filter_map(|(_, component)| component.executable.clone())
        .collect();
    executables.sort();
    executables.dedup();
    Words {
        executables,
        misspelt: catalogue
            .misspellings
            .iter()
            .map(|one| (one.wrong.clone(), one.right.clone()))
            .collect(),
    }
}

fn walk(folder: &Path, depth: usize, into: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |error: &io::Error| {
        Failure::failed(format!(
            "cannot list `{}`: {}",
            folder.display(),
            cause(error)
        ))
    };
    if depth > MAX_DEPTH {
        return Ok(());
    }
    for entry in fs::read_dir(folder).map_err(|error| failed(&error))? {
        let entry = entry.map_err(|error| failed(&error))?;
        let kind = entry.file_type().map_err(|error| failed(&error))?;
        if kind.is_dir() {
            walk(&entry.path(), depth + 1, into)?;
        } else if kind.is_file() {
            into.push(entry.path());
        }
        if into.len() > MAX_FILES {
            return Err(Failure::wrong(format!(
                "`{}` holds more than {MAX_FILES} files",
                folder.display()
            ))
            .help("give the files or the folder of one backup"));
        }
    }
    Ok(())
}

fn content(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let result = if path == Path::new("-") {
        io::stdin().lock().take(most + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes))
    };
    result.map_err(|error| Failure::file("read", path, &error))?;
    if bytes.len() as u64 > most {
        return Err(Failure::wrong(format!(
            "`{}` is too large: {} MiB a file, {} MiB together are read",
            path.display(),
            MAX_FILE >> 20,
            MAX_ALL >> 20
        )));
    }
    Ok(bytes)
}

/// A path with `/` between folders, as reports and places have it.
fn display(path: &Path) -> String {
    if path == Path::new("-") {
        return "<stdin>".to_owned();
    }
    let text = path.display().to_string();
    if cfg!(windows) {
        text.replace('\\', "/")
    } else {
        text
    }
}

fn unknown(path: &Path) -> Failure {
    Failure::wrong(format!(
        "`{}` is not a file that perhop reads",
        path.display()
    ))
    .note("files are recognised by what is in them, not by their names")
    .help("it reads Registry.pol, .reg, LGPO text, Group Policy backups, output of `Get-NetQosPolicy` and `Get-Cs...`, in-band provisioning, Intune profiles, configurations of network devices, rules of Meraki, nftables rulesets, and its own tables; docs/READING.md says how to make each")
}
