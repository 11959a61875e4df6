//! JSON documents (RFC 8259): keys in the order given, two spaces of indentation, ASCII only.

use std::fmt::Write as _;

/// A value in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
    /// `[...]`.
    Array(Vec<Json>),
    /// `{...}`.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// An object from its members in order.
    #[must_use]
    pub fn object<const N: usize>(members: [(&str, Self); N]) -> Self {
        Self::Object(
            members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        )
    }

    /// An array.
    #[must_use]
    pub fn array(values: impl IntoIterator<Item = Self>) -> Self {
        Self::Array(values.into_iter().collect())
    }

    /// An array of texts.
    #[must_use]
    pub fn texts<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Self {
        Self::array(values.into_iter().map(Self::text))
    }

    /// The document, ended by a line feed.
    #[must_use]
    pub fn to_document(&self) -> String {
        let mut out = String::new();
        write_value(&mut out, self, 0);
        out.push('\n');
        out
    }
}

/// A document that is an object, written member by member, so that long arrays are never held as values.
#[derive(Debug, Clone)]
pub struct Document {
    out: String,
    members: usize,
}

impl Default for Document {
    fn default() -> Self {
        Self::new()
    }
}

impl Document {
    /// An object without members.
    #[must_use]
    pub fn new() -> Self {
        Self {
            out: "{".to_owned(),
            members: 0,
        }
    }

    fn key(&mut self, key: &str) {
        new_line(&mut self.out, self.members, 1);
        self.members += 1;
        write_text(&mut self.out, key);
        self.out.push_str(": ");
    }

    /// A member.
    pub fn member(&mut self, key: &str, value: &Json) {
        self.key(key);
        write_value(&mut self.out, value, 1);
    }

    /// A member that is an array, of values that are made one by one.
    pub fn array(&mut self, key: &str, values: impl Iterator<Item = Json>) {
        self.key(key);
        self.out.push('[');
        let mut count = 0;
        for value in values {
            new_line(&mut self.out, count, 2);
            write_value(&mut self.out, &value, 2);
            count += 1;
        }
        if count > 0 {
            new_line(&mut self.out, 0, 1);
        }
        self.out.push(']');
    }

    /// The text, as [`Json::to_document`] writes the same object.
    #[must_use]
    pub fn into_text(mut self) -> String {
        if self.members > 0 {
            new_line(&mut self.out, 0, 0);
        }
        self.out.push_str("}\n");
        self.out
    }
}

fn write_value(out: &mut String, value: &Json, depth: usize) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Integer(number) => {
            let _ = write!(out, "{number}");
        }
        Json::Text(text) => write_text(out, text),
        Json::Array(values) if values.is_empty() => out.push_str("[]"),
        Json::Object(members) if members.is_empty() => out.push_str("{}"),
        Json::Array(values) => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                new_line(out, index, depth + 1);
                write_value(out, value, depth + 1);
            }
            new_line(out, 0, depth);
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (index, (key, value)) in members.iter().enumerate() {
                new_line(out, index, depth + 1);
                write_text(out, key);
                out.push_str(": ");
                write_value(out, value, depth + 1);
            }
            new_line(out, 0, depth);
            out.push('}');
        }
    }
}

fn new_line(out: &mut String, index: usize, depth: usize) {
    if index > 0 {
        out.push(',');
    }
    out.push('\n');
    for _ in 0..depth {
        out.push_str("  ");
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_written_alike_in_pieces() {
        let values = [Json::Integer(1), Json::texts(["a", "b"])];
        let mut pieces = Document::new();
        pieces.member("a", &Json::object([("x", Json::Null)]));
        pieces.array("b", values.clone().into_iter());
        pieces.array("c", std::iter::empty());
        let whole = Json::object([
            ("a", Json::object([("x", Json::Null)])),
            ("b", Json::array(values)),
            ("c", Json::array([])),
        ]);
        assert_eq!(pieces.into_text(), whole.to_document());
        assert_eq!(
            Document::new().into_text(),
            Json::Object(vec![]).to_document()
        );
    }

    #[test]
    fn every_text_is_escaped() {
        let json = Json::object([
            ("a\"\\", Json::text("\n\u{2028}é😀\u{7f}")),
            (
                "b",
                Json::array([Json::Integer(-1), Json::Null, Json::Boolean(true)]),
            ),
            ("c", Json::array([])),
            ("d", Json::Object(vec![])),
        ]);
        assert_eq!(
            json.to_document(),
            "{\n  \"a\\\"\\\\\": \"\\u000a\\u2028\\u00e9\\ud83d\\ude00\\u007f\",\n  \"b\": [\n    -1,\n    \
             null,\n    true\n  ],\n  \"c\": [],\n  \"d\": {}\n}\n"
        );
    }
}
