//! Scripts that perhop itself wrote: the tables in them, and nothing else of the language.

use perhop_targets::syntax::powershell::{Value, parse, parse_prefix};

use crate::place::Place;
use crate::reading::{FileRead, Format};
use crate::shell::{self, Object};

/// Reads a script, when it is one of perhop's that sets something.
pub(crate) fn read(index: usize, name: &str, text: &str) -> Option<FileRead> {
    if text.contains("\n$wanted = @(") && text.contains("\n# Makes the QoS policies of: ") {
        let mut file = FileRead::new(name, Format::Script);
        file.scope = text
            .lines()
            .find_map(|line| line.strip_prefix("# Makes the QoS policies of: "))
            .map(|scope| scope.trim().to_owned());
        shell::facts(&mut file, tables(index, text));
        return Some(file);
    }
    if text.contains("\n# The plan begins.")
        && text.contains("\nAdd-Planned '")
        && text.contains(".SYNOPSIS\nSets ")
    {
        let mut file = FileRead::new(name, Format::Script);
        let objects = planned(index, text, &mut file);
        shell::facts(&mut file, objects);
        return Some(file);
    }
    None
}

/// `@{ Name = 'x'; … }`, one a line.
fn tables(index: usize, text: &str) -> Vec<Object> {
    let mut out = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.starts_with("@{ Name = ")
            && let Some(Value::Table(entries)) = parse(line)
        {
            out.push(object(index, number, entries));
        }
    }
    out
}

/// `Add-Planned 'CsConferenceServer' '*' @{ … }`, one a line.
fn planned(index: usize, text: &str, file: &mut FileRead) -> Vec<Object> {
    let mut out = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let Some(rest) = line.strip_prefix("Add-Planned ") else {
            continue;
        };
        let Some((noun, identity, entries)) = arguments(rest) else {
            file.leave(Place::line(index, number), line, "not as perhop writes it");
            continue;
        };
        let mut object = object(index, number, entries);
        let role = ROLES.iter().find(|(known, _)| *known == noun);
        let identity = match role {
            Some((_, role)) => format!("{role}:{identity}"),
            None => identity,
        };
        object.types.push(noun);
        object.push("Identity", identity, Place::line(index, number));
        out.push(object);
    }
    out
}

/// A table's keys and values.
type Entries = Vec<(String, Value)>;

fn arguments(rest: &str) -> Option<(String, String, Entries)> {
    let (noun, rest) = parse_prefix(rest)?;
    let (identity, rest) = parse_prefix(rest.strip_prefix(' ')?)?;
    match (noun, identity, parse(rest.strip_prefix(' ')?)?) {
        (Value::Text(noun), Value::Text(identity), Value::Table(entries)) => {
            Some((noun, identity, entries))
        }
        _ => None,
    }
}

fn object(index: usize, number: usize, entries: Entries) -> Object {
    let mut out = Object::new(Place::line(index, number));
    for (name, value) in entries {
        let text = match value {
            Value::Text(text) => text,
            Value::Integer(number) => number.to_string(),
            Value::Boolean(true) => "True".to_owned(),
            Value::Boolean(false) => "False".to_owned(),
            _ => String::new(),
        };
        out.push(name, text, Place::line(index, number));
    }
    out
}

/// Roles in identities, by the nouns of their commands.
const ROLES: [(&str, &str); 6] = [
    ("CsConferenceServer", "ConferencingServer"),
    ("CsApplicationServer", "ApplicationServer"),
    ("CsMediationServer", "MediationServer"),
    ("CsWebServer", "WebServer"),
    ("CsTrustedApplicationPool", "TrustedApplicationPool"),
    ("CsEdgeServer", "EdgeServer"),
];
