//! How a command ends: its exit status, and the error that says place, cause and remedy.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// The documented exit statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// 0: as planned.
    AsPlanned,
    /// 1: something was found.
    Findings,
    /// 2: the plan or the arguments are wrong.
    Wrong,
    /// 3: a file or the machine failed.
    Failed,
}

impl Outcome {
    /// The number that the process returns.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::AsPlanned => 0,
            Self::Findings => 1,
            Self::Wrong => 2,
            Self::Failed => 3,
        }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome.code())
    }
}

/// An error that ends a command.
#[derive(Debug)]
pub(crate) struct Failure {
    /// [`Outcome::Wrong`] or [`Outcome::Failed`].
    pub(crate) outcome: Outcome,
    /// What happened where, in one line; `None` when everything has been said already.
    pub(crate) message: Option<String>,
    /// Why.
    pub(crate) notes: Vec<String>,
    /// What to do.
    pub(crate) helps: Vec<String>,
}

impl Failure {
    /// The plan or the arguments are wrong.
    pub(crate) fn wrong(message: impl Into<String>) -> Self {
        Self::new(Outcome::Wrong, Some(message.into()))
    }

    /// A file or the machine failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Outcome::Failed, Some(message.into()))
    }

    /// Ends the command after diagnostics that have been printed already.
    pub(crate) const fn said(outcome: Outcome) -> Self {
        Self::new(outcome, None)
    }

    /// A failed operation on a file: `doing` is such as `read`.
    pub(crate) fn file(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::failed(format!(
            "cannot {doing} `{}`: {}",
            path.display(),
            cause(error)
        ))
    }

    /// Adds a reason.
    pub(crate) fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds a remedy.
    pub(crate) fn help(mut self, text: impl Into<String>) -> Self {
        self.helps.push(text.into());
        self
    }

    const fn new(outcome: Outcome, message: Option<String>) -> Self {
        Self {
            outcome,
            message,
            notes: Vec::new(),
            helps: Vec::new(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(message) = &self.message else {
            return Ok(());
        };
        writeln!(f, "{message}")?;
        for note in &self.notes {
            writeln!(f, "  = note: {note}")?;
        }
        for help in &self.helps {
            writeln!(f, "  = help: {help}")?;
        }
        Ok(())
    }
}

/// An operating system's error in a few plain words, the same on every system where it can be.
pub(crate) fn cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder, not a file".to_owned(),
        io::ErrorKind::NotADirectory => "a part of the path is not a folder".to_owned(),
        io::ErrorKind::AlreadyExists => "it exists already".to_owned(),
        io::ErrorKind::StorageFull => "no space left on the disk".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        _ => error.to_string(),
    }
}
