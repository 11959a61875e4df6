//! A program read back from files: a value of the target's own for each scope, by folder.

use perhop_policy::{Diagnostic, Dscp, Fit, FlowKey, RuleId};

use crate::artifact::Artifact;
use crate::codes;
use crate::target::{Program, Step};
use crate::windows_policy::folder;

/// What gives a packet its mark: a target's configuration of one scope.
pub trait Marking {
    /// The mark of a packet; `None` when it keeps the one that it has.
    fn mark(&self, key: &FlowKey<'_>) -> Option<Dscp>;
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBack<M> {
    /// The files that were read.
    pub artifacts: Vec<Artifact>,
    /// The configurations, in the order in which they mark, each with the folder of its scope.
    pub markings: Vec<(String, M)>,
}

impl<M: Marking> Program for ReadBack<M> {
    fn fits(&self) -> &[(RuleId, Fit)] {
        &[]
    }

    fn emit(&self) -> Vec<Artifact> {
        self.artifacts.clone()
    }

    fn steps(&self) -> Vec<Step> {
        Vec::new()
    }

    fn apply_to(&self, scope: &str, key: &FlowKey<'_>) -> Option<Option<Dscp>> {
        apply(&self.markings, scope, key)
    }
}

/// The mark that the configurations of a scope give, the last one that marks deciding; the outer `None` when there is no
/// configuration for the scope.
pub fn apply<M: Marking>(
    markings: &[(String, M)],
    scope: &str,
    key: &FlowKey<'_>,
) -> Option<Option<Dscp>> {
    let folder = folder::of_scope(scope);
    let mut own = markings
        .iter()
        .filter(|(name, _)| *name == folder)
        .peekable();
    own.peek()?;
    Some(own.filter_map(|(_, marking)| marking.mark(key)).last())
}

/// Reads every file that `folder_of` names a scope's folder for.
///
/// # Errors
/// Every file that does not read, each with its path.
pub fn read<M>(
    artifacts: &[Artifact],
    folder_of: impl Fn(&str) -> Option<&str>,
    read: impl Fn(&[u8]) -> Result<M, String>,
) -> Result<ReadBack<M>, Vec<Diagnostic>> {
    let mut markings = Vec::new();
    let mut problems = Vec::new();
    for artifact in artifacts {
        let Some(folder) = folder_of(&artifact.path) else {
            continue;
        };
        match read(&artifact.bytes) {
            Ok(marking) => markings.push((folder.to_owned(), marking)),
            Err(text) => problems.push(unreadable(&artifact.path, &text)),
        }
    }
    if problems.is_empty() {
        Ok(ReadBack {
            artifacts: artifacts.to_vec(),
            markings,
        })
    } else {
        Err(problems)
    }
}

/// The same for files of text.
///
/// # Errors
/// Every file that is not UTF-8 or does not read, each with its path.
pub fn read_text<M>(
    artifacts: &[Artifact],
    folder_of: impl Fn(&str) -> Option<&str>,
    of: impl Fn(&str) -> Result<M, String>,
) -> Result<ReadBack<M>, Vec<Diagnostic>> {
    read(artifacts, folder_of, |bytes| {
        str::from_utf8(bytes)
            .map_err(|error| format!("byte {} is not UTF-8", error.valid_up_to()))
            .and_then(&of)
    })
}

/// A file that the target did not write.
#[must_use]
pub fn unreadable(path: &str, text: &str) -> Diagnostic {
    Diagnostic::error(codes::UNREADABLE, format!("`{path}`: {text}"))
        .help("compile the plan again; files that were changed by hand are not read")
}
