//! Markdown (CommonMark with tables): every value is escaped, code is fenced so that nothing in it ends it.

use std::fmt::Write as _;

/// A document being written, LF lines.
#[derive(Debug, Clone, Default)]
pub struct Markdown {
    out: String,
}

impl Markdown {
    /// An empty document.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A heading of a level from 1 to 6.
    pub fn heading(&mut self, level: usize, text: &str) -> &mut Self {
        self.gap();
        let _ = writeln!(
            self.out,
            "{} {}",
            "#".repeat(level.clamp(1, 6)),
            escape(text)
        );
        self
    }

    /// A paragraph of plain text.
    pub fn paragraph(&mut self, text: &str) -> &mut Self {
        self.gap();
        self.out.push_str(&escape(text));
        self.out.push('\n');
        self
    }

    /// A paragraph whose mark-up is the program's own; values go in through [`escape`] and [`code`].
    pub fn marked_up(&mut self, text: &str) -> &mut Self {
        self.gap();
        self.out.push_str(text);
        self.out.push('\n');
        self
    }

    /// A list of texts in which back-ticks enclose code; see [`rich`].
    pub fn list<T: AsRef<str>>(&mut self, items: &[T]) -> &mut Self {
        if items.is_empty() {
            return self;
        }
        self.gap();
        for item in items {
            let _ = writeln!(self.out, "- {}", rich(item.as_ref()));
        }
        self
    }

    /// A block of code, lines as they stand.
    pub fn code_block<T: AsRef<str>>(&mut self, language: &'static str, lines: &[T]) -> &mut Self {
        self.gap();
        let longest = lines.iter().map(|line| longest_run(line.as_ref())).max();
        let fence = "`".repeat(longest.unwrap_or(0).max(2) + 1);
        let _ = writeln!(self.out, "{fence}{language}");
        for line in lines {
            self.out.push_str(&one_line(line.as_ref()));
            self.out.push('\n');
        }
        let _ = writeln!(self.out, "{fence}");
        self
    }

    /// A table; cells are mark-up made by [`escape`] and [`code`].
    pub fn table(&mut self, head: &[&str], rows: &[Vec<String>]) -> &mut Self {
        self.gap();
        let line = |cells: &mut dyn Iterator<Item = String>| {
            let cells: Vec<String> = cells.collect();
            format!("| {} |\n", cells.join(" | "))
        };
        self.out
            .push_str(&line(&mut head.iter().map(|cell| escape(cell))));
        self.out
            .push_str(&line(&mut head.iter().map(|_| "---".to_owned())));
        for row in rows {
            self.out
                .push_str(&line(&mut row.iter().map(|cell| cell_text(cell))));
        }
        self
    }

    /// The document.
    #[must_use]
    pub fn into_text(self) -> String {
        self.out
    }

    fn gap(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }
}

/// Plain text as mark-up that shows it, on one line.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, c) in one_line(text).chars().enumerate() {
        let special = matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&'
        );
        if special || (index == 0 && matches!(c, '#' | '-' | '+' | '=')) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Text in which back-ticks enclose code, as mark-up; when they do not pair, they are shown.
#[must_use]
pub fn rich(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escape(text);
    }
    let spans = parts.iter().enumerate().map(|(index, part)| {
        if index % 2 == 0 {
            escape(part)
        } else {
            code(part)
        }
    });
    spans.collect()
}

/// Text as a code span.
#[must_use]
pub fn code(text: &str) -> String {
    let ticks = "`".repeat(longest_run(text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.is_empty() {
        " "
    } else {
        ""
    };
    format!("{ticks}{pad}{}{pad}{ticks}", one_line(text))
}

/// A cell's mark-up on one line, every `|` in it escaped, in code too (GitHub Flavored Markdown 4.10).
fn cell_text(cell: &str) -> String {
    let mut out = String::with_capacity(cell.len());
    let mut escaped = false;
    for c in one_line(cell).chars() {
        if c == '|' && !escaped {
            out.push('\\');
        }
        escaped = c == '\\' && !escaped;
        out.push(c);
    }
    out
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
                ' '
            } else {
                c
            }
        })
        .collect()
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_become_mark_up() {
        assert_eq!(escape("a|b\n# `c` *d*"), "a\\|b # \\`c\\` \\*d\\*");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(rich("run `a|b` *now*"), "run `a|b` \\*now\\*");
        assert_eq!(cell_text("`a|b` a\\|b"), "`a\\|b` a\\|b");
        assert_eq!(rich("a ` b"), "a \\` b");
        assert_eq!(code("`"), "`` ` ``");
        let mut text = Markdown::new();
        text.heading(1, "A\nB")
            .code_block("powershell", &["```", "x"]);
        assert_eq!(text.into_text(), "# A B\n\n````powershell\n```\nx\n````\n");
    }
}
