//! PowerShell scripts: words that are the program's own are `&'static str`, everything else is quoted.
//!
//! PowerShell takes five characters as a single quote (U+0027, U+2018 to U+201B); inside a single-quoted string each is
//! written twice. Control characters are written as `[char]` expressions, so that every string stays on its line.

mod read;

use std::fmt::Write as _;

pub use read::{parse, parse_prefix};

/// A value in a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text, quoted whatever is in it.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// `$true` or `$false`.
    Boolean(bool),
    /// `$null`.
    Null,
    /// An expression of the program's own, such as `$policyStore`, as it stands.
    Expression(&'static str),
    /// `@(...)`.
    Array(Vec<Value>),
    /// `@{...}`, on one line, in the order given; keys are quoted too.
    Table(Vec<(String, Value)>),
}

impl Value {
    /// Text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A number.
    #[must_use]
    pub fn number(number: impl Into<i64>) -> Self {
        Self::Integer(number.into())
    }

    /// The source text of the value, on one line.
    #[must_use]
    pub fn source(&self) -> String {
        let mut out = String::new();
        write_value(&mut out, self);
        out
    }
}

/// Quotes text as one PowerShell expression: `'it''s'`, or `('a' + [char]0x0a + 'b')`.
#[must_use]
pub fn quote(text: &str) -> String {
    if !text.contains(is_control) {
        return single_quoted(text);
    }
    let mut out = String::from("(");
    let mut rest = text;
    while let Some(at) = rest.find(is_control) {
        let (plain, after) = rest.split_at(at);
        let control = after.chars().next().unwrap_or_default();
        let _ = write!(
            out,
            "{} + [char]0x{:02x} + ",
            single_quoted(plain),
            u32::from(control)
        );
        rest = &after[control.len_utf8()..];
    }
    out.push_str(&single_quoted(rest));
    out.push(')');
    out
}

/// A script being written: CRLF lines, UTF-8 with BOM, as Windows PowerShell 5.1 reads without guessing.
#[derive(Debug, Clone, Default)]
pub struct Script {
    out: String,
    depth: usize,
}

impl Script {
    /// An empty script.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A comment; line breaks and control characters in it become spaces, long text is not folded.
    pub fn comment(&mut self, text: &str) -> &mut Self {
        let clean: String = text
            .chars()
            .map(|c| if is_control(c) { ' ' } else { c })
            .collect();
        self.indent();
        self.out.push('#');
        if !clean.is_empty() {
            self.out.push(' ');
            self.out.push_str(clean.trim_end());
        }
        self.end_line()
    }

    /// An empty line.
    pub fn blank(&mut self) -> &mut Self {
        self.end_line()
    }

    /// Lines of the program's own, as they stand but for indentation.
    pub fn code(&mut self, lines: &'static str) -> &mut Self {
        for line in lines.lines() {
            if !line.is_empty() {
                self.indent();
            }
            self.out.push_str(line);
            self.end_line();
        }
        self
    }

    /// `prefix` and a value, such as `$name = ` and its text.
    pub fn assign(&mut self, prefix: &'static str, value: &Value) -> &mut Self {
        self.indent();
        self.out.push_str(prefix);
        write_value(&mut self.out, value);
        self.end_line()
    }

    /// `head` and values, one a line, closed with `)`: `$all = @(` and so on.
    pub fn list(&mut self, head: &'static str, values: &[Value]) -> &mut Self {
        self.code(head);
        self.depth += 1;
        for value in values {
            self.assign("", value);
        }
        self.depth -= 1;
        self.code(")")
    }

    /// Begins a block: the line ends in `{` of the caller's; what follows is indented by four more spaces.
    pub fn open(&mut self, line: &'static str) -> &mut Self {
        self.code(line);
        self.depth += 1;
        self
    }

    /// Ends a block with its own line, such as `}` or `} else {` (then [`Script::deeper`]).
    pub fn close(&mut self, line: &'static str) -> &mut Self {
        self.depth = self.depth.saturating_sub(1);
        self.code(line)
    }

    /// Indents what follows by four more spaces.
    pub fn deeper(&mut self) -> &mut Self {
        self.depth += 1;
        self
    }

    /// A command, its name and parameter names being the program's own.
    pub fn command(&mut self, command: &Command) -> &mut Self {
        self.indent();
        self.out.push_str(&command.source);
        self.end_line()
    }

    /// The script's text with CRLF lines, without BOM.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.out
    }

    /// The script as a file.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        let mut bytes = vec![0xef, 0xbb, 0xbf];
        bytes.extend_from_slice(self.out.as_bytes());
        bytes
    }

    fn indent(&mut self) {
        for _ in 0..self.depth {
            self.out.push_str("    ");
        }
    }

    fn end_line(&mut self) -> &mut Self {
        self.out.push_str("\r\n");
        self
    }
}

/// One command with its parameters, on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    source: String,
}

impl Command {
    /// A command without parameters. Also for `$x = Get-Thing`: the text is the program's own.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            source: name.to_owned(),
        }
    }

    /// `-Name value`. A Boolean is written `-Name:$true`, which switches and Boolean parameters both take.
    #[must_use]
    pub fn parameter(mut self, name: &'static str, value: &Value) -> Self {
        self.source.push_str(" -");
        self.source.push_str(name);
        self.source.push(if matches!(value, Value::Boolean(_)) {
            ':'
        } else {
            ' '
        });
        write_value(&mut self.source, value);
        self
    }

    /// `-Name`.
    #[must_use]
    pub fn switch(mut self, name: &'static str) -> Self {
        self.source.push_str(" -");
        self.source.push_str(name);
        self
    }

    /// Further words of the program's own, such as `-WhatIf:$WhatIfPreference` or `| Out-Null`.
    #[must_use]
    pub fn with(mut self, words: &'static str) -> Self {
        self.source.push(' ');
        self.source.push_str(words);
        self
    }

    /// A value without a parameter name.
    #[must_use]
    pub fn argument(mut self, value: &Value) -> Self {
        self.source.push(' ');
        write_value(&mut self.source, value);
        self
    }

    /// The command line.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Text(text) => out.push_str(&quote(text)),
        Value::Integer(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Boolean(true) => out.push_str("$true"),
        Value::Boolean(false) => out.push_str("$false"),
        Value::Null => out.push_str("$null"),
        Value::Expression(text) => out.push_str(text),
        Value::Array(values) => {
            out.push_str("@(");
            for (index, value) in values.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_value(out, value);
            }
            out.push(')');
        }
        Value::Table(entries) => {
            out.push_str("@{");
            for (index, (key, value)) in entries.iter().enumerate() {
                out.push_str(if index == 0 { " " } else { "; " });
                out.push_str(&if is_word(key) {
                    key.clone()
                } else {
                    quote(key)
                });
                out.push_str(" = ");
                write_value(out, value);
            }
            out.push_str(" }");
        }
    }
}

fn single_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        if is_single_quote(c) {
            out.push(c);
        }
        out.push(c);
    }
    out.push('\'');
    out
}

/// The characters that PowerShell takes as a single quote (PowerShell language specification 2.3.5.2).
const fn is_single_quote(c: char) -> bool {
    matches!(c, '\'' | '\u{2018}'..='\u{201b}')
}

/// C0, DEL, C1 and the Unicode line breaks.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quote_is_doubled_and_nothing_else_is_special() {
        assert_eq!(quote("it's"), "'it''s'");
        assert_eq!(
            quote("\u{2018}a\u{2019}\u{201a}\u{201b}"),
            "'\u{2018}\u{2018}a\u{2019}\u{2019}\u{201a}\u{201a}\u{201b}\u{201b}'"
        );
        assert_eq!(
            quote("$(x) `n \"q\" \u{201c}d\u{201d} \u{2013}f \u{2014} & ]]>"),
            "'$(x) `n \"q\" \u{201c}d\u{201d} \u{2013}f \u{2014} & ]]>'"
        );
        assert_eq!(quote(""), "''");
    }

    #[test]
    fn control_characters_leave_the_string() {
        assert_eq!(
            quote("a\r\nb"),
            "('a' + [char]0x0d + '' + [char]0x0a + 'b')"
        );
        assert_eq!(quote("\0"), "('' + [char]0x00 + '')");
    }

    #[test]
    fn commands_take_values_only_quoted() {
        let command = Command::new("Set-X")
            .parameter("Identity", &Value::text("site:Cafe's"))
            .parameter("Enabled", &Value::Boolean(true))
            .parameter(
                "Names",
                &Value::Array(vec![Value::text("a"), Value::number(3)]),
            )
            .with("-WhatIf:$WhatIfPreference");
        assert_eq!(
            command.source(),
            "Set-X -Identity 'site:Cafe''s' -Enabled:$true -Names @('a', 3) -WhatIf:$WhatIfPreference"
        );
        let table = Value::Table(vec![
            ("DSCP".into(), Value::number(46)),
            ("a b".into(), Value::Null),
        ]);
        assert_eq!(table.source(), "@{ DSCP = 46; 'a b' = $null }");
    }

    #[test]
    fn a_comment_stays_on_its_line() {
        let mut script = Script::new();
        script.comment("plan \"A\nRemove-Item C:\\\"");
        script.open("if ($x) {").comment("").close("}");
        assert_eq!(
            script.text(),
            "# plan \"A Remove-Item C:\\\"\r\nif ($x) {\r\n    #\r\n}\r\n"
        );
        assert!(script.into_bytes().starts_with(&[0xef, 0xbb, 0xbf]));
    }
}
