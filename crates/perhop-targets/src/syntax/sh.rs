//! POSIX shell scripts: words that are the program's own are `&'static str`, everything else is a number or quoted.

use std::fmt::Write as _;

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word<'a> {
    /// The program's own, as it stands.
    Own(&'static str),
    /// A number, in decimal, joined to the program's own text before and after it.
    Number(&'static str, u64, &'static str),
    /// An octet, in hexadecimal: `0xb8`.
    Octet(u8),
    /// Anything else, quoted.
    Text(&'a str),
}

/// A script being written: LF lines.
#[derive(Debug, Clone, Default)]
pub struct Script {
    out: String,
}

impl Script {
    /// A script with its first line.
    #[must_use]
    pub fn new() -> Self {
        Self {
            out: "#!/bin/sh\n".to_owned(),
        }
    }

    /// A comment; control characters in it become spaces.
    pub fn comment(&mut self, text: &str) -> &mut Self {
        let clean: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let _ = writeln!(self.out, "# {}", clean.trim_end());
        self
    }

    /// Lines of the program's own, as they stand.
    pub fn code(&mut self, lines: &'static str) -> &mut Self {
        for line in lines.lines() {
            self.out.push_str(line);
            self.out.push('\n');
        }
        self
    }

    /// A command.
    pub fn command(&mut self, words: &[Word<'_>]) -> &mut Self {
        for (index, word) in words.iter().enumerate() {
            self.out.push_str(if index == 0 { "" } else { " " });
            let _ = match word {
                Word::Own(text) => write!(self.out, "{text}"),
                Word::Number(before, number, after) => {
                    write!(self.out, "{before}{number}{after}")
                }
                Word::Octet(octet) => write!(self.out, "0x{octet:02x}"),
                Word::Text(text) => write!(self.out, "{}", quote(text)),
            };
        }
        self.out.push('\n');
        self
    }

    /// The script.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.out.into_bytes()
    }
}

/// Text as one word: single quotes around it, and none left inside.
#[must_use]
pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_one_word() {
        let mut script = Script::new();
        script.comment("x\nreboot");
        script.command(&[
            Word::Own("echo"),
            Word::Text("it's $(x) `y`\n"),
            Word::Octet(0xb8),
        ]);
        assert_eq!(
            String::from_utf8(script.into_bytes()).unwrap(),
            "#!/bin/sh\n# x reboot\necho 'it'\\''s $(x) `y`\n' 0xb8\n"
        );
    }
}
