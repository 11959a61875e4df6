//! What a file is, by what is in it.

use crate::reading::{FileRead, Format, Input};
use crate::shell::{self, clixml, csv, json, list, table};
use crate::{device, inband, intune, meraki, nft, registry, script, sheet, text};

/// Reads one file.
pub(crate) fn read(index: usize, input: &Input<'_>) -> FileRead {
    if input.bytes.starts_with(b"PReg") {
        return registry::pol::read(index, input);
    }
    if input.bytes.starts_with(b"PK\x03\x04") {
        return sheet::workbook(index, input.name, input.bytes);
    }
    let unknown = || FileRead::new(input.name, Format::Unknown);
    let Some(text) = text::decode(input.bytes) else {
        return unknown();
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let start = text.trim_start();
    if start.starts_with("Windows Registry Editor Version 5.00") || start.starts_with("REGEDIT4") {
        return registry::reg::read(index, input.name, text);
    }
    if registry::lgpo::is_one(text) {
        return registry::lgpo::read(index, input.name, text);
    }
    let found = if start.starts_with('<') {
        xml(index, input.name, text)
    } else if start.starts_with(['{', '[']) {
        document(index, input.name, start)
    } else {
        None
    };
    found
        .or_else(|| script::read(index, input.name, &text.replace("\r\n", "\n")))
        .or_else(|| inband::is_one(text).then(|| inband::read(index, input.name, text)))
        .or_else(|| nft::text(index, input.name, text))
        .or_else(|| device::is_one(text).then(|| device::read(index, input.name, text)))
        .or_else(|| lines(index, input.name, text))
        .unwrap_or_else(unknown)
}

fn xml(index: usize, name: &str, text: &str) -> Option<FileRead> {
    match root(text)? {
        "RegistrySettings" => Some(registry::backup::preferences(index, name, text)),
        "GroupPolicyBackupScheme" | "BackupInst" | "Backups" => {
            Some(registry::backup::description(index, name, text))
        }
        "SyncBody" | "SyncML" => Some(intune::syncml(index, name, text)),
        "Objs" => Some(objects(index, name, text)),
        _ => None,
    }
}

/// CLIXML, whatever is in it.
fn objects(index: usize, name: &str, text: &str) -> FileRead {
    let mut file = FileRead::new(name, Format::Clixml);
    match registry::backup::parse(text) {
        Ok(document) => shell::facts(&mut file, clixml::read(index, &document)),
        Err(problem) => file
            .findings
            .push(registry::backup::damaged(index, &problem)),
    }
    file
}

fn document(index: usize, name: &str, text: &str) -> Option<FileRead> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    nft::json(index, name, &value)
        .or_else(|| intune::json(index, name, &value))
        .or_else(|| meraki::json(index, name, &value))
        .or_else(|| shell::file(name, Format::ShellJson, json::read(index, &value)))
}

/// Text in lines: a list of settings, an export, a list or a table of PowerShell.
fn lines(index: usize, name: &str, text: &str) -> Option<FileRead> {
    if text.trim().is_empty() {
        return None;
    }
    let first = text.lines().find(|line| !line.trim().is_empty())?;
    if first.contains([',', ';', '\t']) || first.starts_with("#TYPE ") {
        if let Some(file) = sheet::list(index, name, text) {
            return Some(file);
        }
        if let Some(file) = intune::list(index, name, text) {
            return Some(file);
        }
        if let Some(file) = shell::file(name, Format::ShellCsv, csv::read(index, text)) {
            return Some(file);
        }
    }
    let (objects, strange) = list::read(index, text);
    let rows = table::read(index, text);
    let mut file = if rows.iter().any(shell::is_known) {
        let mut file = FileRead::new(name, Format::ShellTable);
        shell::facts(&mut file, rows);
        // Output of several commands may have lists too.
        shell::facts(
            &mut file,
            objects.into_iter().filter(shell::is_known).collect(),
        );
        return Some(file);
    } else {
        shell::file(name, Format::ShellList, objects)?
    };
    for (number, line) in strange {
        file.leave(
            crate::place::Place::line(index, number),
            line,
            "not a property, `Name : Value`",
        );
    }
    Some(file)
}

/// The name of the root element, without its prefix.
fn root(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        rest = &rest[rest.find('<')? + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = &comment[comment.find("-->")? + 3..];
        } else if !rest.starts_with(['?', '!']) {
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))?;
            let name = &rest[..end];
            return Some(name.rsplit(':').next().unwrap_or(name));
        }
    }
}
