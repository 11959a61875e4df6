//! Reading values back: what the writer writes, and no more of the language.

use crate::syntax::powershell::{Value, is_single_quote};

/// Deeper nesting than any script of ours has.
const MAX_DEPTH: usize = 8;

/// The value that a line consists of, white space around it apart; `None` for anything that the writer does not write.
#[must_use]
pub fn parse(line: &str) -> Option<Value> {
    let (value, rest) = value(line.trim_start(), 0)?;
    rest.trim().is_empty().then_some(value)
}

/// The value at the beginning of a text, and what follows it.
#[must_use]
pub fn parse_prefix(text: &str) -> Option<(Value, &str)> {
    value(text, 0)
}

fn value(text: &str, depth: usize) -> Option<(Value, &str)> {
    if depth > MAX_DEPTH {
        return None;
    }
    if let Some(rest) = text.strip_prefix("@(") {
        return array(rest, depth + 1);
    }
    if let Some(rest) = text.strip_prefix("@{") {
        return table(rest, depth + 1);
    }
    if let Some(rest) = text.strip_prefix('(') {
        return joined(rest);
    }
    if text.starts_with('\'') {
        let (text, rest) = quoted(text)?;
        return Some((Value::Text(text), rest));
    }
    for (word, value) in [
        ("$true", Value::Boolean(true)),
        ("$false", Value::Boolean(false)),
        ("$null", Value::Null),
    ] {
        if let Some(rest) = text.strip_prefix(word) {
            return Some((value, rest));
        }
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let length = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    let (number, rest) = text.split_at(text.len() - digits.len() + length);
    Some((Value::Integer(number.parse().ok()?), rest))
}

fn array(text: &str, depth: usize) -> Option<(Value, &str)> {
    let mut values = Vec::new();
    let mut rest = text.trim_start();
    loop {
        if let Some(rest) = rest.strip_prefix(')') {
            return Some((Value::Array(values), rest));
        }
        if !values.is_empty() {
            rest = rest.strip_prefix(',')?.trim_start();
        }
        let (one, after) = value(rest, depth)?;
        values.push(one);
        rest = after.trim_start();
    }
}

fn table(text: &str, depth: usize) -> Option<(Value, &str)> {
    let mut entries = Vec::new();
    let mut rest = text.trim_start();
    loop {
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((Value::Table(entries), rest));
        }
        if !entries.is_empty() {
            rest = rest.strip_prefix(';')?.trim_start();
        }
        let (key, after) = if rest.starts_with('\'') {
            quoted(rest)?
        } else {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric())?;
            (rest[..end].to_owned(), &rest[end..])
        };
        let after = after.trim_start().strip_prefix('=')?.trim_start();
        let (one, after) = value(after, depth)?;
        entries.push((key, one));
        rest = after.trim_start();
    }
}

/// `'a' + [char]0x0a + 'b')`, the opening bracket being gone.
fn joined(text: &str) -> Option<(Value, &str)> {
    let mut out = String::new();
    let mut rest = text;
    loop {
        if let Some(hex) = rest.strip_prefix("[char]0x") {
            let end = hex.find(|c: char| !c.is_ascii_hexdigit())?;
            out.push(char::from_u32(u32::from_str_radix(&hex[..end], 16).ok()?)?);
            rest = &hex[end..];
        } else {
            let (text, after) = quoted(rest)?;
            out.push_str(&text);
            rest = after;
        }
        if let Some(rest) = rest.strip_prefix(')') {
            return Some((Value::Text(out), rest));
        }
        rest = rest.strip_prefix(" + ")?;
    }
}

/// A single-quoted string: of each pair of quotes, whatever their shape, the second one is the character.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    chars.next().filter(|(_, c)| is_single_quote(*c))?;
    while let Some((at, c)) = chars.next() {
        if is_single_quote(c) {
            let rest = &text[at + c.len_utf8()..];
            match rest.chars().next() {
                Some(second) if is_single_quote(second) => {
                    out.push(second);
                    chars.next();
                }
                _ => return Some((out, rest)),
            }
        } else {
            out.push(c);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<String>().prop_map(Value::Text),
            "['\u{2018}-\u{201e}\r\n$`\" ;})]{0,6}".prop_map(Value::Text),
            any::<i64>().prop_map(Value::Integer),
            any::<bool>().prop_map(Value::Boolean),
            Just(Value::Null),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                proptest::collection::vec(("[a-z]{1,3}|\\PC{0,4}", inner), 0..4)
                    .prop_map(Value::Table),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(value in any_value()) {
            let source = value.source();
            prop_assert!(!source.contains(['\n', '\r']));
            prop_assert_eq!(parse(&source), Some(value));
        }

        #[test]
        fn no_text_panics(text in any::<String>(), tail in "[@(){}'=;,$ +0-9a-z\\[\\]]{0,30}") {
            let _ = parse(&text);
            let _ = parse(&tail);
        }
    }

    #[test]
    fn only_values_are_read() {
        for text in [
            "",
            "'a",
            "Get-Item",
            "@(1",
            "@{a}",
            "1 2",
            "$env:PATH",
            "('a' 'b')",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        let deep = "@(".repeat(100_000);
        assert_eq!(parse(&deep), None);
    }
}
