//! Holds a tree against the table of fields: unknown keys, wrong types, wrong values, missing keys, all of them at once.

use perhop_policy::{Diagnostic, FileId, Span};

use crate::ast::{Node, Table, Value};
use crate::code;
use crate::field::{Field, Shape};
use crate::leaf;
use crate::suggest::did_you_mean;

/// Every way in which the tree is not what the table of fields says.
#[must_use]
pub fn check(file: FileId, root: &Table, fields: &'static [Field]) -> Vec<Diagnostic> {
    let mut walk = Walk {
        problems: Vec::new(),
    };
    walk.fields("", root, fields, None, start_of(file));
    walk.problems
}

/// The place of what is missing from the text as a whole.
pub(crate) const fn start_of(file: FileId) -> Span {
    Span {
        file,
        start: 0,
        end: 0,
    }
}

struct Walk {
    problems: Vec<Diagnostic>,
}

/// What keys beyond the fixed ones are called, and what they hold.
type Rest = (&'static str, &'static Shape);

impl Walk {
    fn fields(
        &mut self,
        path: &str,
        table: &Table,
        fields: &'static [Field],
        rest: Option<Rest>,
        place: Span,
    ) {
        for entry in &table.entries {
            let key = entry.key.value.as_str();
            let inner = join(path, key);
            if let Some(field) = fields.iter().find(|field| field.key == key) {
                self.value(&inner, &entry.node, &field.shape);
            } else if let Some((called, shape)) = rest {
                self.made_up(called, &inner, &entry.key.value, entry.key.span);
                self.value(&inner, &entry.node, shape);
            } else {
                let hint = self.problems.len() < HINTS;
                self.problems
                    .push(unknown(path, key, entry.key.span, fields, hint));
            }
        }
        for field in fields.iter().filter(|field| field.required) {
            if table.get(field.key).is_none() {
                self.problems.push(missing(path, field, place));
            }
        }
    }

    fn value(&mut self, path: &str, node: &Node, shape: &Shape) {
        match (shape, &node.value) {
            (Shape::Table(fields), Value::Table(table)) => {
                self.fields(path, table, fields, None, node.span);
            }
            (Shape::Open(fields, called, of), Value::Table(table)) => {
                self.fields(path, table, fields, Some((called, of)), node.span);
            }
            (Shape::Map(called, of), Value::Table(table)) => {
                self.fields(path, table, &[], Some((called, of)), node.span);
            }
            (Shape::List(of), Value::List(items)) => {
                for item in items {
                    self.value(path, item, of);
                }
            }
            (Shape::Tables(fields), Value::List(items)) => {
                for item in items {
                    match &item.value {
                        Value::Table(table) => {
                            self.fields(path, table, fields, None, item.span);
                        }
                        _ => self.problems.push(leaf::wrong_type(path, item, "a table")),
                    }
                }
            }
            _ => self.problems.extend(scalar(path, node, shape).err()),
        }
    }

    fn made_up(&mut self, called: &str, path: &str, name: &str, span: Span) {
        if let Some(fault) = leaf::name_fault(name) {
            let shown = if name.is_empty() { called } else { path };
            self.problems.push(leaf::bad_name(shown, name, fault, span));
        }
    }
}

fn scalar(path: &str, node: &Node, shape: &Shape) -> Result<(), Diagnostic> {
    let wrong = || Err(leaf::wrong_type(path, node, &shape.expected()));
    match (shape, &node.value) {
        (Shape::Name, _) => leaf::name(path, node).map(drop),
        (Shape::Dscp, _) => leaf::dscp(path, node).map(drop),
        (Shape::DscpOrNone, Value::Text(text)) if text == "none" => Ok(()),
        (Shape::DscpOrNone, _) => leaf::dscp(path, node).map(drop),
        (Shape::Pcp, _) => leaf::pcp(path, node).map(drop),
        (Shape::Ports, _) => leaf::ports(path, node).map(drop),
        (Shape::Prefix, _) => leaf::prefix(path, node).map(drop),
        (Shape::Rate, _) => leaf::rate(path, node).map(drop),
        (Shape::Word(words), Value::Text(text)) => word(path, node, text, &words()),
        (Shape::Integer(low, high), Value::Integer(number)) => {
            if (low..=high).contains(&number) {
                Ok(())
            } else {
                wrong()
            }
        }
        (Shape::Text, Value::Text(_)) | (Shape::Boolean, Value::Boolean(_)) => Ok(()),
        (Shape::Option, Value::Text(_) | Value::Integer(_) | Value::Boolean(_)) => Ok(()),
        (Shape::Option, Value::List(items)) => items
            .iter()
            .find(|item| item.as_text().is_none())
            .map_or(Ok(()), |item| {
                Err(leaf::wrong_type(path, item, "text in quotes"))
            }),
        _ => wrong(),
    }
}

fn word(path: &str, node: &Node, text: &str, words: &[&'static str]) -> Result<(), Diagnostic> {
    if words.contains(&text) {
        return Ok(());
    }
    let problem = Diagnostic::error(
        code::UNKNOWN_WORD,
        format!("`{path}` does not know `{}`", text.escape_debug()),
    )
    .primary(node.span, "unknown");
    let all = format!("known are {}", quoted(words));
    Err(match did_you_mean(text, words.iter().copied()) {
        Some(hint) => problem.note(all).help(hint),
        None => problem.help(all),
    })
}

fn unknown(path: &str, key: &str, span: Span, fields: &[Field], hint: bool) -> Diagnostic {
    let place = if path.is_empty() {
        "a plan".to_owned()
    } else {
        format!("`{path}`")
    };
    let problem = Diagnostic::error(
        code::UNKNOWN_KEY,
        format!("{place} has no key `{}`", key.escape_debug()),
    )
    .primary(span, "unknown");
    if !hint {
        return problem;
    }
    let keys: Vec<&str> = fields.iter().map(|field| field.key).collect();
    match did_you_mean(key, keys.iter().copied()) {
        Some(hint) => problem.help(hint),
        None => problem.help(format!("its keys are {}", quoted(&keys))),
    }
}

fn missing(path: &str, field: &Field, place: Span) -> Diagnostic {
    let table = if path.is_empty() {
        "the plan".to_owned()
    } else {
        format!("`{path}`")
    };
    let problem = Diagnostic::error(code::MISSING_KEY, format!("{table} lacks `{}`", field.key))
        .primary(place, format!("no `{}` here", field.key))
        .note(field.doc);
    problem.help(format!(
        "add `{} = ...`: {}",
        field.key,
        field.shape.expected()
    ))
}

fn quoted(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

/// A dotted path; keys that need quotes get them.
pub(crate) fn join(path: &str, key: &str) -> String {
    let bare = !key.is_empty()
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let shown: String = key.chars().take(leaf::MAX_NAME).collect();
    let shown = if bare {
        shown
    } else {
        format!("\"{}\"", shown.escape_debug())
    };
    if path.is_empty() {
        shown
    } else {
        format!("{path}.{shown}")
    }
}

/// Problems after which no more suggestions are looked for; fewer than these are told.
const HINTS: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language;
    use crate::source;

    #[test]
    fn everything_wrong_is_told_at_once() {
        let text = "plans = 1\n[clients]\nport = 2\n[edge]\nexternal = 3\n[[expect]]\n";
        let (table, _) = source::parse(FileId(0), text);
        let codes: Vec<&str> = check(FileId(0), &table, language::PLAN)
            .iter()
            .map(|one| one.code)
            .collect();
        let expected = [
            code::UNKNOWN_KEY,
            code::UNKNOWN_KEY,
            code::WRONG_TYPE,
            code::MISSING_KEY,
            code::MISSING_KEY,
            code::MISSING_KEY,
            code::MISSING_KEY,
        ];
        assert_eq!(codes, expected);
    }

    #[test]
    fn paths_are_written_as_toml_writes_them() {
        assert_eq!(join("", "site"), "site");
        assert_eq!(join("site", "Redmond-1_a"), "site.Redmond-1_a");
        assert_eq!(join("site", "S\u{e3}o Paulo"), "site.\"S\u{e3}o Paulo\"");
        assert_eq!(join("site", ""), "site.\"\"");
        assert_eq!(join("site", "a\"b\n"), "site.\"a\\\"b\\n\"");
    }
}
