//! A program read back from files: policies by folder, with Windows' own choice among them.

use perhop_policy::{Diagnostic, Dscp, FlowKey};

use crate::artifact::Artifact;
use crate::read_back::{self, Marking};
use crate::syntax::regpol::{self, Record};
use crate::target::Program;
use crate::windows_policy::{NLA_KEY, POLICY_KEY, Policy, lint, matching};

impl Marking for Vec<Policy> {
    fn mark(&self, key: &FlowKey<'_>) -> Option<Dscp> {
        matching::mark(self, key)
    }
}

/// Reads the section of every artifact that `folder_of` names a folder for, by `read`.
///
/// # Errors
/// Every file that does not read or has no policy, each with its path.
pub fn sections(
    artifacts: &[Artifact],
    folder_of: impl Fn(&str) -> Option<&str>,
    read: impl Fn(&[u8]) -> Result<Vec<Policy>, String>,
) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
    let read = read_back::read(artifacts, folder_of, |bytes| match read(bytes) {
        Ok(policies) if policies.is_empty() => Err("there is no policy in it".to_owned()),
        read => read,
    })?;
    Ok(Box::new(read))
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
