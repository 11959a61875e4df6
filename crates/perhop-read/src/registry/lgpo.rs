//! LGPO text: what `LGPO.exe /parse` prints and `/t` takes (windows-qos 3.4).

use perhop_policy::Severity;

use super::{Action, Row, facts, pol::path, type_name};
use crate::codes;
use crate::finding::{Finding, Layer};
use crate::place::Place;
use crate::reading::{FileRead, Format, shortened};

/// Whether a text begins as one: after comments a half, then a key.
pub(crate) fn is_one(text: &str) -> bool {
    let mut lines = lines(text);
    let half = lines.next().is_some_and(|(_, line)| half(line).is_some());
    half && lines.next().is_some_and(|(_, line)| line.contains('\\'))
}

/// Reads groups of four lines.
pub(crate) fn read(index: usize, name: &str, text: &str) -> FileRead {
    let mut file = FileRead::new(name, Format::LgpoText);
    let mut rows = Vec::new();
    let all: Vec<(usize, &str)> = lines(text).collect();
    let mut rest = all.as_slice();
    while let [(number, first), after @ ..] = rest {
        let Some(user) = half(first) else {
            damaged(
                &mut file,
                index,
                *number,
                "expected `Computer` or `User`",
                first,
            );
            // The next half begins the next setting.
            let next = after.iter().position(|(_, line)| half(line).is_some());
            rest = next.map_or(&[], |next| &after[next..]);
            continue;
        };
        let [(_, key), (_, value), (last, action), after @ ..] = after else {
            damaged(
                &mut file,
                index,
                *number,
                "expected four lines a setting",
                first,
            );
            break;
        };
        rest = after;
        let Some(action) = read_action(action) else {
            damaged(
                &mut file,
                index,
                *last,
                "expected `SZ:text`, `DWORD:number`, `DELETE` or their like",
                action,
            );
            continue;
        };
        rows.push(Row {
            user,
            key: (*key).to_owned(),
            name: if *value == "*" {
                String::new()
            } else {
                (*value).to_owned()
            },
            action,
            place: Place::line(index, *last).with_path(path(key, value)),
        });
    }
    facts(&mut file, rows);
    file
}

/// Lines that say something, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..)
        .zip(text.lines())
        .map(|(number, line)| (number, line.trim_end()))
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with(';'))
}

fn half(line: &str) -> Option<bool> {
    match line.trim().to_ascii_lowercase().as_str() {
        "computer" => Some(false),
        "user" => Some(true),
        _ => None,
    }
}

fn read_action(line: &str) -> Option<Action> {
    match line.trim() {
        "DELETE" => return Some(Action::Delete),
        "DELETEALLVALUES" | "CLEAR" => return Some(Action::DeleteAll),
        "CREATEKEY" => return Some(Action::Other),
        _ => {}
    }
    let (kind, data) = line.split_once(':')?;
    let kind = match kind {
        "SZ" => 1,
        "EXSZ" => 2,
        "BINARY" => 3,
        "DWORD" => 4,
        "MULTISZ" => 7,
        "QWORD" => 11,
        _ => return None,
    };
    Some(Action::Set {
        kind: type_name(kind),
        data: data.to_owned(),
    })
}

fn damaged(file: &mut FileRead, index: usize, number: usize, what: &str, line: &str) {
    if file.findings.len() < MOST_TOLD {
        file.findings.push(
            Finding::new(
                Severity::Error,
                Layer::Delivery,
                codes::DAMAGED,
                format!("{what}, found `{}`", shortened(line)),
            )
            .at(&Place::line(index, number))
            .help("a setting is four lines: `Computer`, the key, the value's name, and such as `SZ:46`"),
        );
    }
}

/// More damage than this is not LGPO text.
const MOST_TOLD: usize = 50;
