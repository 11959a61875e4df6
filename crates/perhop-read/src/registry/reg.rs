//! `.reg` exports, both versions, as far as they can be read. Lines that are nothing are listed.

use perhop_policy::Severity;

use super::{Action, Row, data_text, facts, pol::path, type_name};
use crate::codes;
use crate::finding::{Finding, Layer};
use crate::place::Place;
use crate::reading::{FileRead, Format, shortened};

/// Reads all lines.
pub(crate) fn read(index: usize, name: &str, text: &str) -> FileRead {
    let mut file = FileRead::new(name, Format::RegFile);
    // In the older version, text in hexadecimal is in the system's code page.
    let wide = !text.trim_start().starts_with("REGEDIT4");
    let mut rows = Vec::new();
    let mut key: Option<(bool, String)> = None;
    let mut skipped = 0usize;
    for (number, line) in logical_lines(text)
        .into_iter()
        .skip_while(|(_, line)| line.trim().is_empty())
        .skip(1)
    {
        let place = Place::line(index, number);
        let line = line.trim();
        if line.is_empty() || line.starts_with(';') {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            key = match head(rest) {
                Head::Open(user, below) => Some((user, below.to_owned())),
                Head::Deleted(user, below) => {
                    rows.push(Row {
                        user,
                        key: below.to_owned(),
                        name: String::new(),
                        action: Action::DeleteAll,
                        place: place.with_path(below),
                    });
                    None
                }
                Head::Other => {
                    skipped += 1;
                    None
                }
                Head::Broken => {
                    damaged(&mut file, &place, "a key in brackets has no `]`", line);
                    None
                }
            };
            continue;
        }
        match (&key, entry(line, wide)) {
            (_, None) => damaged(&mut file, &place, "not a value, `\"name\"=data`", line),
            (None, Some(_)) => skipped += 1,
            (Some((user, key)), Some((name, action))) => rows.push(Row {
                user: *user,
                key: key.clone(),
                place: place.with_path(path(key, &name)),
                name,
                action,
            }),
        }
    }
    facts(&mut file, rows);
    if skipped > 0 {
        file.leave(
            Place::whole(index),
            format!("{skipped} lines of other hives"),
            "only HKEY_LOCAL_MACHINE and HKEY_CURRENT_USER hold policies",
        );
    }
    file
}

/// A line that begins with `[`.
enum Head<'a> {
    /// Values of this key follow.
    Open(bool, &'a str),
    /// This key is deleted.
    Deleted(bool, &'a str),
    /// It is below another hive.
    Other,
    /// It has no end.
    Broken,
}

fn head(rest: &str) -> Head<'_> {
    let Some(full) = rest.strip_suffix(']') else {
        return Head::Broken;
    };
    let (full, deleted) = match full.strip_prefix('-') {
        Some(full) => (full, true),
        None => (full, false),
    };
    match hive(full) {
        None => Head::Other,
        Some((user, below)) if deleted => Head::Deleted(user, below),
        Some((user, below)) => Head::Open(user, below),
    }
}

fn damaged(file: &mut FileRead, place: &Place, what: &str, line: &str) {
    if file.findings.len() < MOST_TOLD {
        file.findings.push(
            Finding::new(
                Severity::Error,
                Layer::Delivery,
                codes::DAMAGED,
                format!("{what}: `{}`", shortened(line)),
            )
            .at(place)
            .note("regedit passes such a line over without a word")
            .help("write the line anew, or export the key again"),
        );
    }
}

/// Whether a full key is a user's, and the key below its hive; `None` for other hives.
fn hive(full: &str) -> Option<(bool, &str)> {
    let (root, rest) = full.split_once('\\').unwrap_or((full, ""));
    match root.to_ascii_uppercase().as_str() {
        "HKEY_LOCAL_MACHINE" | "HKLM" => Some((false, rest)),
        "HKEY_CURRENT_USER" | "HKCU" => Some((true, rest)),
        // An export of another user's hive: S-1-5-21-...
        "HKEY_USERS" => rest.split_once('\\').map(|(_, rest)| (true, rest)),
        _ => None,
    }
}

/// Lines with their numbers; hexadecimal data that ends in `\` goes on in the next.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut out: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (number, line) in (1..).zip(text.lines()) {
        let hex = open || (line.contains("=hex") && !line.trim_start().starts_with(';'));
        match (open, out.last_mut()) {
            (true, Some((_, last))) => last.push_str(line.trim_start()),
            _ => out.push((number, line.to_owned())),
        }
        open = false;
        if let Some((_, last)) = out.last_mut()
            && hex
            && last.trim_end().ends_with('\\')
        {
            let length = last.trim_end().len() - 1;
            last.truncate(length);
            open = true;
        }
    }
    out
}

fn entry(line: &str, wide: bool) -> Option<(String, Action)> {
    let (name, rest) = match line.strip_prefix('@') {
        Some(rest) => (String::new(), rest),
        None => unquote(line)?,
    };
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    if rest == "-" {
        return Some((name, Action::Delete));
    }
    let (kind, data) = data(rest, wide)?;
    Some((name, Action::Set { kind, data }))
}

fn data(rest: &str, wide: bool) -> Option<(&'static str, String)> {
    let lower = rest.to_ascii_lowercase();
    if let Some(digits) = lower.strip_prefix("dword:") {
        let number = u32::from_str_radix(digits.trim(), 16).ok()?;
        return Some((type_name(4), number.to_string()));
    }
    if let Some(after) = lower.strip_prefix("hex") {
        let (kind, digits) = match after.strip_prefix('(') {
            None => (3, after.strip_prefix(':')?),
            Some(after) => {
                let (kind, digits) = after.split_once("):")?;
                (u32::from_str_radix(kind, 16).ok()?, digits)
            }
        };
        let bytes = hex(digits)?;
        let text = match (kind, wide) {
            (1 | 2 | 7, false) => {
                let bytes = bytes.strip_suffix(&[0]).unwrap_or(&bytes);
                bytes.iter().map(|byte| char::from(*byte)).collect()
            }
            _ => data_text(kind, &bytes),
        };
        return Some((type_name(kind), text));
    }
    let (text, rest) = unquote(rest)?;
    rest.trim().is_empty().then_some((type_name(1), text))
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.trim().trim_end_matches(',');
    if digits.is_empty() {
        return Some(Vec::new());
    }
    digits
        .split(',')
        .map(|pair| u8::from_str_radix(pair.trim(), 16).ok())
        .collect()
}

/// A quoted text at the beginning, and what follows it. A backslash before anything else stands for itself, as Wine
/// and people have it.
fn unquote(line: &str) -> Option<(String, &str)> {
    let body = line.strip_prefix('"')?;
    let mut text = String::new();
    let mut chars = body.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((text, &body[at + 1..])),
            '\\' => match chars.peek() {
                Some((_, next @ ('\\' | '"'))) => {
                    text.push(*next);
                    chars.next();
                }
                _ => text.push('\\'),
            },
            c => text.push(c),
        }
    }
    None
}

/// More damage than this is not an export.
const MOST_TOLD: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::What;

    #[test]
    fn every_type_of_data() {
        for (text, kind, wanted) in [
            (r#""46""#, "REG_SZ", "46"),
            (r#""a\\b \"c\"""#, "REG_SZ", "a\\b \"c\""),
            ("dword:0000002e", "REG_DWORD", "46"),
            ("hex(1):31,00,00,00", "REG_SZ", "1"),
            ("hex(b):2e,00,00,00,00,00,00,00", "REG_QWORD", "46"),
            ("hex:01,02", "REG_BINARY", "0102"),
            ("hex(2):25,00,00,00", "REG_EXPAND_SZ", "%"),
        ] {
            assert_eq!(data(text, true), Some((kind, wanted.to_owned())), "{text}");
        }
        assert_eq!(
            data("hex(1):31,00", false),
            Some(("REG_SZ", "1".to_owned()))
        );
        for bad in ["", "46", "\"46", "dword:xyz", "hex(1):zz", "\"a\" b"] {
            assert_eq!(data(bad, true), None, "{bad}");
        }
    }

    #[test]
    fn lines_that_are_nothing_are_told_with_their_number() {
        let text = "REGEDIT4\r\n\r\n[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\QoS]\r\n\
                    \"Do not use NLA\"=\"1\"\r\n\"broken\r\n";
        let file = read(0, "x.reg", text);
        assert_eq!(file.facts[0].what, What::Nla(true));
        assert_eq!(file.facts[0].place.line, Some(4));
        assert_eq!(file.findings[0].code, codes::DAMAGED);
        assert_eq!(file.findings[0].place.as_ref().unwrap().line, Some(5));
    }
}
