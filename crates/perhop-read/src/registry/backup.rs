//! Folders of Group Policy backups: which object a file belongs to, and its preference items (windows-qos 3.2, 3.5).

use perhop_policy::Severity;

use super::{Action, Row, facts, pol::path, type_name};
use crate::codes;
use crate::finding::{Finding, Layer};
use crate::place::Place;
use crate::reading::{FileRead, Format};

/// Reads the registry items of a `Registry.xml`.
pub(crate) fn preferences(index: usize, name: &str, text: &str) -> FileRead {
    let mut file = FileRead::new(name, Format::Preferences);
    let document = match parse(text) {
        Ok(document) => document,
        Err(problem) => {
            file.findings.push(damaged(index, &problem));
            return file;
        }
    };
    let mut rows = Vec::new();
    for item in document
        .descendants()
        .filter(|node| node.has_tag_name("Properties"))
    {
        let get = |name: &str| item.attribute(name).unwrap_or_default();
        let line = document.text_pos_at(item.range().start).row as usize;
        let place = Place::line(index, line).with_path(path(get("key"), get("name")));
        let user = match get("hive") {
            "HKEY_LOCAL_MACHINE" => false,
            "HKEY_CURRENT_USER" => true,
            other => {
                file.leave(
                    place,
                    other,
                    "only HKEY_LOCAL_MACHINE and HKEY_CURRENT_USER hold policies",
                );
                continue;
            }
        };
        let kind = kind(get("type"));
        let action = if get("action") == "D" {
            Action::Delete
        } else {
            Action::Set {
                kind: type_name(kind),
                data: value(kind, get("value")),
            }
        };
        rows.push(Row {
            user,
            key: get("key").trim_matches('\\').to_owned(),
            name: get("name").to_owned(),
            action,
            place,
        });
    }
    facts(&mut file, rows);
    file
}

/// `Backup.xml`, `bkupInfo.xml` and `manifest.xml` hold names, no settings.
pub(crate) fn description(index: usize, name: &str, text: &str) -> FileRead {
    let mut file = FileRead::new(name, Format::GpoBackup);
    match parse(text) {
        Ok(document) if !document.root_element().has_tag_name("Backups") => {
            file.object = document
                .descendants()
                .find(|node| matches!(node.tag_name().name(), "GPODisplayName" | "DisplayName"))
                .and_then(|node| node.text())
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty());
        }
        Ok(_) => {}
        Err(problem) => file.findings.push(damaged(index, &problem)),
    }
    file
}

/// Gives each file of a backup the name of its object, from the descriptions in the folder above it.
pub(crate) fn name_objects(files: &mut [FileRead]) {
    let described: Vec<(String, String)> = files
        .iter()
        .filter(|file| file.format == Format::GpoBackup)
        .filter_map(|file| Some((folder(&file.name).to_owned(), file.object.clone()?)))
        .collect();
    for file in files {
        if file.object.is_some() {
            continue;
        }
        let mut above = folder(&file.name);
        while !above.is_empty() {
            if let Some((_, object)) = described.iter().find(|(known, _)| known == above) {
                file.object = Some(object.clone());
                break;
            }
            above = folder(above);
        }
    }
}

/// The folder of a path, without a separator at its end.
fn folder(path: &str) -> &str {
    path.rfind(['/', '\\']).map_or("", |at| &path[..at])
}

pub(crate) fn parse(text: &str) -> Result<roxmltree::Document<'_>, String> {
    let options = roxmltree::ParsingOptions {
        nodes_limit: MOST_NODES,
        ..roxmltree::ParsingOptions::default()
    };
    roxmltree::Document::parse_with_options(text, options).map_err(|error| error.to_string())
}

pub(crate) fn damaged(index: usize, problem: &str) -> Finding {
    Finding::new(
        Severity::Error,
        Layer::Delivery,
        codes::DAMAGED,
        format!("the XML is not well-formed: {problem}"),
    )
    .at(&Place::whole(index))
    .help("copy the backup again")
}

fn kind(name: &str) -> u32 {
    match name {
        "REG_SZ" => 1,
        "REG_EXPAND_SZ" => 2,
        "REG_BINARY" => 3,
        "REG_DWORD" => 4,
        "REG_MULTI_SZ" => 7,
        "REG_QWORD" => 11,
        _ => u32::MAX,
    }
}

/// Numbers are hexadecimal there.
fn value(kind: u32, text: &str) -> String {
    match kind {
        4 | 11 => u64::from_str_radix(text, 16).map_or_else(|_| text.to_owned(), |n| n.to_string()),
        _ => text.to_owned(),
    }
}

/// More elements than any file of settings has.
pub(crate) const MOST_NODES: u32 = 2_000_000;

#[cfg(test)]
mod tests {
    use perhop_targets::windows_policy::NLA_KEY;

    use super::*;
    use crate::fact::What;

    #[test]
    fn a_preference_item_is_a_registry_value() {
        let item = |kind: &str, value: &str| {
            format!(
                "<RegistrySettings><Registry><Properties action=\"U\" hive=\"HKEY_LOCAL_MACHINE\" key=\"{NLA_KEY}\" \
                 name=\"Do not use NLA\" type=\"{kind}\" value=\"{value}\"/></Registry></RegistrySettings>"
            )
        };
        let good = preferences(0, "Registry.xml", &item("REG_SZ", "1"));
        assert_eq!(good.facts[0].what, What::Nla(true));
        let bad = preferences(0, "Registry.xml", &item("REG_DWORD", "00000001"));
        assert_eq!(bad.facts[0].what, What::Nla(false));
        assert_eq!(bad.findings[0].code, codes::NLA_TYPE);
        assert_eq!(preferences(0, "x", "<a>").findings[0].code, codes::DAMAGED);
    }
}
