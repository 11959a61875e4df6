//! What comes out: whole files as bytes.

use perhop_policy::RuleId;

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Makes the configuration.
    Apply,
    /// Takes it back.
    Undo,
    /// Shows whether it is there.
    Check,
    /// Goes with another file, or is to be read by people.
    Support,
}

impl Purpose {
    /// The word that the manifest uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Undo => "undo",
            Self::Check => "check",
            Self::Support => "support",
        }
    }
}

/// One file of a target's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Path below the output folder, with `/`, beginning with the target's id: `windows-reg/clients/apply.reg`.
    pub path: String,
    /// The whole content.
    pub bytes: Vec<u8>,
    /// What it is for.
    pub purpose: Purpose,
    /// The rules that are in it, ascending; empty for files about ports only.
    pub rules: Vec<RuleId>,
}
