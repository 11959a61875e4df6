//! Reading the documents back.

use perhop_policy::Diagnostic;

use super::ID;
use super::elements::ELEMENTS;
use super::group::{self, Group};
use super::page::ROOT;
use crate::artifact::Artifact;
use crate::codes;

/// The plan's name and the groups of all documents among the files.
pub(super) fn groups(artifacts: &[Artifact]) -> Result<(String, Vec<Group>), Vec<Diagnostic>> {
    let mut plan = String::new();
    let mut groups = Vec::new();
    let mut problems = Vec::new();
    let own = |file: &&Artifact| {
        file.path
            .strip_prefix(ID)
            .is_some_and(|rest| rest.starts_with('/') && rest.ends_with(".xml"))
    };
    for file in artifacts.iter().filter(own) {
        match document(&file.bytes) {
            Ok((name, group)) => {
                plan = name;
                groups.push(group);
            }
            Err((line, problem)) => problems.push(Diagnostic::error(
                codes::UNREADABLE,
                format!("`{}`, line {line}: {problem}", file.path),
            )),
        }
    }
    if problems.is_empty() {
        Ok((plan, groups))
    } else {
        Err(problems)
    }
}

type Problem = (usize, String);

fn document(bytes: &[u8]) -> Result<(String, Group), Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| (1, "it is not UTF-8".to_owned()))?;
    let mut head: Option<(String, Group)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        let problem = |what: &str| (number, what.to_owned());
        if let Some(rest) = line.strip_prefix('<').and_then(|l| l.strip_prefix(ROOT)) {
            let (plan, users) = attributes(rest).ok_or(problem("`plan` and `users` expected"))?;
            let subject =
                group::subject(&users).ok_or_else(|| problem("`users` names no group of users"))?;
            head = Some((plan, Group::new(subject)));
            continue;
        }
        let Some((name, value)) = leaf(line) else {
            continue;
        };
        let element = ELEMENTS
            .iter()
            .find(|element| element.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| problem(&format!("`{name}` is not a known element")))?;
        let (_, group) = head
            .as_mut()
            .ok_or_else(|| problem(&format!("`{name}` comes before `{ROOT}`")))?;
        group
            .set(element, value)
            .ok_or_else(|| problem(&format!("`{value}` cannot be the value of `{name}`")))?;
    }
    head.ok_or((text.lines().count().max(1), format!("there is no `{ROOT}`")))
}

/// `<name>value</name>`; the values are numbers and switches, so nothing in them is escaped.
fn leaf(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.strip_prefix('<')?.split_once('>')?;
    let (value, end) = rest.split_once("</")?;
    (end.strip_suffix('>') == Some(name)).then_some((name, value))
}

/// ` plan="…" users="…">`.
fn attributes(text: &str) -> Option<(String, String)> {
    let rest = text.strip_prefix(" plan=\"")?;
    let (plan, rest) = rest.split_once('"')?;
    let (users, rest) = rest.strip_prefix(" users=\"")?.split_once('"')?;
    (rest == ">").then(|| (unescape(plan), unescape(users)))
}

/// Takes back what the writer of attributes escapes.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (plain, after) = rest.split_at(at);
        out.push_str(plain);
        let known = ESCAPES.iter().find(|(escape, _)| after.starts_with(escape));
        let (length, c) = known.map_or((1, '&'), |(escape, c)| (escape.len(), *c));
        out.push(c);
        rest = &after[length..];
    }
    out.push_str(rest);
    out
}

const ESCAPES: [(&str, char); 7] = [
    ("&amp;", '&'),
    ("&lt;", '<'),
    ("&gt;", '>'),
    ("&quot;", '"'),
    ("&#9;", '\t'),
    ("&#10;", '\n'),
    ("&#13;", '\r'),
];
