//! From text to [`Table`]: TOML with every syntax error found, and a tree whatever the text is.

use std::ops::Range;

use perhop_policy::{Diagnostic, FileId, Span};
use toml::de::{DeInteger, DeTable, DeValue};

use crate::ast::{At, Entry, Node, Table, Value};
use crate::code;

/// Longest text that is read, in bytes. A plan of a thousand sites is a tenth of it.
pub const MAX_BYTES: usize = 4 << 20;

/// Most syntax errors told; the ones after them are mostly their echoes.
const MAX_ERRORS: usize = 20;

/// Parses a text. The tree holds what could be understood; with any error it must not be acted on.
#[must_use]
pub fn parse(file: FileId, text: &str) -> (Table, Vec<Diagnostic>) {
    if text.len() > MAX_BYTES {
        let problem = Diagnostic::error(
            code::TOO_LARGE,
            format!(
                "the plan has {} bytes, more than the {MAX_BYTES} that are read",
                text.len()
            ),
        )
        .primary(crate::shape::start_of(file), "this text")
        .help("check that this is the plan; split a plan this large by region");
        return (Table::default(), vec![problem]);
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    let place = |range: Range<usize>| Span {
        file,
        start: range.start.min(text.len()),
        end: range.end.clamp(range.start, text.len().max(range.start)),
    };
    let problems = errors
        .iter()
        .take(MAX_ERRORS)
        .map(|error| {
            let span = place(error.span().unwrap_or(0..0));
            let problem = Diagnostic::error(code::SYNTAX, one_line(error.message()))
                .primary(span, "not TOML here")
                .note("a plan is TOML: `key = value` lines under `[table]` headers");
            if error.message().contains("unquoted key") {
                problem.help("put keys with blanks or other letters in quotes, such as `[site.\"São Paulo\"]`")
            } else if error.message().contains("must be quoted") {
                problem.help("put texts in quotes, such as `audio = \"20000-20039\"`")
            } else {
                problem
            }
        })
        .collect();
    (table(file, root.get_ref()), problems)
}

fn table(file: FileId, table: &DeTable<'_>) -> Table {
    let entries = table
        .iter()
        .map(|(key, value)| Entry {
            key: At::new(key.get_ref().to_string(), span(file, key.span())),
            node: node(file, value.get_ref(), span(file, value.span())),
        })
        .collect();
    Table { entries }
}

fn node(file: FileId, value: &DeValue<'_>, place: Span) -> Node {
    let value = match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => Value::Integer(integer(number)),
        DeValue::Float(_) => Value::Float,
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Datetime(_) => Value::Datetime,
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| node(file, item.get_ref(), span(file, item.span())))
                .collect(),
        ),
        DeValue::Table(inner) => Value::Table(self::table(file, inner)),
    };
    At::new(value, place)
}

fn integer(number: &DeInteger<'_>) -> i64 {
    let text = number.as_str();
    i64::from_str_radix(text, number.radix()).unwrap_or(if text.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    })
}

const fn span(file: FileId, range: Range<usize>) -> Span {
    Span {
        file,
        start: range.start,
        end: range.end,
    }
}

/// The parser's message as one line in the house's form.
fn one_line(message: &str) -> String {
    let mut text: String = message.replace('\n', "; ");
    if text.ends_with('.') {
        text.pop();
    }
    let capital = text.starts_with(|c: char| c.is_ascii_uppercase())
        && !text[1..].starts_with(|c: char| c.is_ascii_uppercase());
    if capital {
        text[..1].make_ascii_lowercase();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_text() {
        let text = "a = 1\n[t.\"ü\"]\nb = [\"x\", 2]\n";
        let (table, problems) = parse(FileId(7), text);
        assert!(problems.is_empty());
        let shown = |span: Span| &text[span.start..span.end];
        assert_eq!(shown(table.entries[0].key.span), "a");
        assert_eq!(shown(table.entries[0].node.span), "1");
        let inner = table.get("t").and_then(|t| t.node.as_table()).unwrap();
        let entry = inner.get("ü").unwrap();
        assert_eq!(shown(entry.key.span), "\"ü\"");
        assert_eq!(entry.node.span.file, FileId(7));
        let list = entry
            .node
            .as_table()
            .unwrap()
            .get("b")
            .unwrap()
            .node
            .as_list()
            .unwrap();
        assert_eq!(
            list.iter().map(|one| shown(one.span)).collect::<Vec<_>>(),
            ["\"x\"", "2"]
        );
    }

    #[test]
    fn numbers_past_64_bits_stay_numbers() {
        let (table, _) = parse(
            FileId(0),
            "a = 99999999999999999999\nb = -99999999999999999999\nc = 0xFF\n",
        );
        let value = |key| table.get(key).unwrap().node.value.clone();
        assert_eq!(value("a"), Value::Integer(i64::MAX));
        assert_eq!(value("b"), Value::Integer(i64::MIN));
        assert_eq!(value("c"), Value::Integer(255));
    }

    #[test]
    fn several_errors_are_told_and_the_rest_is_read() {
        let (table, problems) = parse(FileId(0), "a = x\nb = 2\nc = y\n");
        assert_eq!(problems.len(), 2);
        assert!(table.get("b").is_some());
        let (_, problems) = parse(FileId(0), &"a = x\n".repeat(100));
        assert_eq!(problems.len(), MAX_ERRORS);
    }
}
