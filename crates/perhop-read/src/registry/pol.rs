//! Registry.pol, as far as it can be read.

use perhop_policy::Severity;
use perhop_targets::syntax::regpol;

use super::{Action, Row, data_text, facts, type_name};
use crate::codes;
use crate::finding::{Finding, Layer};
use crate::place::Place;
use crate::reading::{FileRead, Format, Input};

/// Reads the records up to the first damage.
pub(crate) fn read(index: usize, input: &Input<'_>) -> FileRead {
    let mut file = FileRead::new(input.name, Format::RegistryPol);
    let (records, problem) = regpol::read_lossy(input.bytes);
    if let Some(problem) = problem {
        let mut finding = Finding::new(
            Severity::Error,
            Layer::Delivery,
            codes::DAMAGED,
            format!("the file cannot be read to its end: {problem}"),
        )
        .at(&Place::whole(index))
        .help("copy the file again; Windows would stop at the same place");
        if !records.is_empty() {
            finding = finding.note(format!("the {} records before it were read", records.len()));
        }
        file.findings.push(finding);
    }
    let user = is_user_half(input.name);
    let rows = records
        .into_iter()
        .map(|(offset, record)| row(index, user, offset, &record))
        .collect();
    facts(&mut file, rows);
    file
}

fn row(index: usize, user: bool, offset: usize, record: &regpol::Record) -> Row {
    let (action, name) = instruction(record.value());
    Row {
        user,
        key: record.key().to_owned(),
        name: name.to_owned(),
        action: action.unwrap_or_else(|| Action::Set {
            kind: type_name(record.kind()),
            data: data_text(record.kind(), record.data()),
        }),
        place: Place::offset(index, offset).with_path(path(record.key(), name)),
    }
}

/// Value names that are instructions ([MS-GPREG] 3.2.5.1), without case.
fn instruction(name: &str) -> (Option<Action>, &str) {
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("**soft.") {
        return (None, &name["**soft.".len()..]);
    }
    if lower.starts_with("**del.") {
        return (Some(Action::Delete), &name["**del.".len()..]);
    }
    if lower.starts_with("**delvals") {
        return (Some(Action::DeleteAll), "");
    }
    if lower.starts_with("**") {
        return (Some(Action::Other), name);
    }
    (None, name)
}

/// `HKLM` is implied for the computer's half of a Group Policy object, `HKCU` for the user's.
fn is_user_half(name: &str) -> bool {
    let parts: Vec<&str> = name.split(['/', '\\']).collect();
    parts.len() >= 2 && parts[parts.len() - 2].eq_ignore_ascii_case("user")
}

pub(super) fn path(key: &str, name: &str) -> String {
    if name.is_empty() {
        key.to_owned()
    } else {
        format!(r"{key}\{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_half_is_told_by_the_folder() {
        assert!(is_user_half("x/User/Registry.pol"));
        assert!(!is_user_half("x/Machine/registry.pol"));
        assert!(!is_user_half("user"));
    }
}
