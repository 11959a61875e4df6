//! A program read back from files: policies by folder, with Windows' own choice among them.

use perhop_policy::{Diagnostic, Dscp, Fit, FlowKey, RuleId};

use crate::artifact::Artifact;
use crate::codes;
use crate::syntax::regpol::{self, Record};
use crate::target::{Program, Step};
use crate::windows_policy::{NLA_KEY, POLICY_KEY, Policy, folder, lint, matching};

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBack {
    /// The files that were read.
    pub artifacts: Vec<Artifact>,
    /// Policies by folder of the scope.
    pub sections: Vec<(String, Vec<Policy>)>,
}

impl Program for ReadBack {
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
        let folder = folder::of_scope(scope);
        let (_, policies) = self.sections.iter().find(|(name, _)| *name == folder)?;
        Some(matching::mark(policies, key))
    }
}

/// Reads the section of every artifact that `folder_of` names a folder for, by `read`.
///
/// # Errors
/// Every file that does not read, each with its path.
pub fn sections(
    artifacts: &[Artifact],
    folder_of: impl Fn(&str) -> Option<&str>,
    read: impl Fn(&[u8]) -> Result<Vec<Policy>, String>,
) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
    let mut sections = Vec::new();
    let mut problems = Vec::new();
    for artifact in artifacts {
        let Some(folder) = folder_of(&artifact.path) else {
            continue;
        };
        match read(&artifact.bytes) {
            Ok(policies) if policies.is_empty() => {
                problems.push(unreadable(&artifact.path, "there is no policy in it"));
            }
            Ok(policies) => sections.push((folder.to_owned(), policies)),
            Err(text) => problems.push(unreadable(&artifact.path, &text)),
        }
    }
    if problems.is_empty() {
        Ok(Box::new(ReadBack {
            artifacts: artifacts.to_vec(),
            sections,
        }))
    } else {
        Err(problems)
    }
}

/// A file that the target did not write.
#[must_use]
pub fn unreadable(path: &str, text: &str) -> Diagnostic {
    Diagnostic::error(codes::UNREADABLE, format!("`{path}`: {text}"))
        .help("compile the plan again; files that were changed by hand are not read")
}

/// One value of a key below `HKEY_LOCAL_MACHINE`, as any of the registry formats gives it.
pub type Row = (String, String, String);

/// The policies of rows in any order; rows of the NLA switch are passed over.
///
/// # Errors
/// A row of another key, and a policy that is not sound.
pub fn policies(rows: &[Row]) -> Result<Vec<Policy>, String> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for (key, value, data) in rows {
        if key.eq_ignore_ascii_case(NLA_KEY) {
            continue;
        }
        let name = key
            .get(..POLICY_KEY.len())
            .filter(|prefix| prefix.eq_ignore_ascii_case(POLICY_KEY))
            .and_then(|_| key[POLICY_KEY.len()..].strip_prefix('\\'))
            .ok_or_else(|| format!("the key `{key}` is not one of a policy"))?;
        let entry = (value.clone(), data.clone());
        match found
            .iter_mut()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
        {
            Some((_, values)) => values.push(entry),
            None => found.push((name.to_owned(), vec![entry])),
        }
    }
    found
        .iter()
        .map(|(name, values)| {
            let eleven = lint::eleven(name, values)?;
            match lint::one(name, &eleven).into_iter().next() {
                Some(text) => Err(text),
                None => Policy::from_values(name, values),
            }
        })
        .collect()
}

/// The policies of a Registry.pol.
///
/// # Errors
/// As [`policies`], and bytes that are not a Registry.pol.
pub fn registry_pol(bytes: &[u8]) -> Result<Vec<Policy>, String> {
    let records = regpol::read(bytes).map_err(|error| error.to_string())?;
    let row = |record: &Record| {
        let data = record
            .as_text()
            .ok_or_else(|| format!("`{}` is not REG_SZ", record.value()))?;
        Ok((record.key().to_owned(), record.value().to_owned(), data))
    };
    policies(
        &records
            .iter()
            .map(row)
            .collect::<Result<Vec<Row>, String>>()?,
    )
}
