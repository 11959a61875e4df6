//! Comma-separated values (RFC 4180) that a spreadsheet takes as text, never as a formula.

use std::io::{self, Write};

/// Lines of fields. Every line ends in CR LF.
#[derive(Debug, Default)]
pub(crate) struct Csv {
    text: String,
}

impl Csv {
    /// With a first line of headings.
    pub(crate) fn new<S: AsRef<str>>(headings: impl IntoIterator<Item = S>) -> Self {
        let mut csv = Self::default();
        csv.line(headings);
        csv
    }

    /// Adds a line.
    pub(crate) fn line<S: AsRef<str>>(&mut self, fields: impl IntoIterator<Item = S>) {
        for (index, field) in fields.into_iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            self.field(field.as_ref());
        }
        self.text.push_str("\r\n");
    }

    /// Writes headings and rows, each row passed on before there are many.
    ///
    /// # Errors
    /// The writer's.
    pub(crate) fn write(
        out: &mut dyn Write,
        headings: &[&str],
        rows: impl Iterator<Item = Vec<String>>,
    ) -> io::Result<()> {
        let mut csv = Self::new(headings);
        for row in rows {
            csv.line(row);
            if csv.text.len() > FULL {
                out.write_all(csv.text.as_bytes())?;
                csv.text.clear();
            }
        }
        out.write_all(csv.text.as_bytes())
    }

    /// The whole text.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    fn field(&mut self, value: &str) {
        // A spreadsheet runs a field that begins so; an apostrophe makes it text. Numbers stay numbers.
        let formula =
            value.starts_with(['=', '+', '-', '@', '\t', '\r']) && value.parse::<f64>().is_err();
        let guarded = if formula {
            format!("'{value}")
        } else {
            value.to_owned()
        };
        if guarded.contains(['"', ',', '\r', '\n'])
            || guarded.starts_with(' ')
            || guarded.ends_with(' ')
        {
            self.text.push('"');
            self.text.push_str(&guarded.replace('"', "\"\""));
            self.text.push('"');
        } else {
            self.text.push_str(&guarded);
        }
    }
}

/// The table of a plan.
pub(crate) fn render(table: &super::Table) -> String {
    let mut csv = Csv::new(table.headings());
    for row in &table.rows {
        csv.line(table.cells(row));
    }
    csv.into_text()
}

/// Text is passed on when there is so much.
const FULL: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_commas_and_line_ends() {
        let mut csv = Csv::new(["a", "b"]);
        csv.line(["x,y", "say \"hi\"\r\nnow"]);
        assert_eq!(
            csv.into_text(),
            "a,b\r\n\"x,y\",\"say \"\"hi\"\"\r\nnow\"\r\n"
        );
    }

    #[test]
    fn no_field_is_a_formula() {
        let mut csv = Csv::default();
        csv.line([
            "=1+1",
            "+cmd|' /C calc'!A0",
            "-2+3",
            "@SUM(A1)",
            "\t=1",
            "-12.5",
            "a=b",
        ]);
        assert_eq!(
            csv.into_text(),
            "'=1+1,'+cmd|' /C calc'!A0,'-2+3,'@SUM(A1),'\t=1,-12.5,a=b\r\n"
        );
    }
}
