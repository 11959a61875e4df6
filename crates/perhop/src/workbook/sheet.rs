//! One sheet as XML (ECMA-376 part 1, 18.3).

use std::fmt::Write as _;
use std::io::{self, Write};

use super::parts::{BODY, FORMATS, HEAD, HEADER, TIME};
use super::{Extent, Row, Value};

/// Writes a sheet: its first row and column stand still, every column can be filtered.
///
/// # Errors
/// The writer's.
pub(super) fn write(
    out: &mut dyn Write,
    extent: &Extent,
    headings: &[String],
    selected: bool,
    mut rows: impl Iterator<Item = Row>,
) -> io::Result<()> {
    let first: Vec<Row> = rows.by_ref().take(MEASURED).collect();
    let mut xml = beginning(extent, selected);
    columns(headings, &first, &mut xml);
    xml.push_str("<sheetData>");
    let letters: Vec<String> = (0..extent.columns).map(column).collect();
    xml.push_str("<row r=\"1\">");
    for (letters, heading) in letters.iter().zip(headings) {
        text(heading, letters, 1, HEAD, &mut xml);
    }
    xml.push_str("</row>");
    for (number, row) in (2..).zip(first.into_iter().chain(rows)) {
        let _ = write!(xml, "<row r=\"{number}\">");
        for (letters, value) in letters.iter().zip(&row) {
            cell(value, letters, number, &mut xml);
        }
        xml.push_str("</row>");
        if xml.len() >= BUFFER {
            out.write_all(xml.as_bytes())?;
            xml.clear();
        }
    }
    let range = extent.range(|at, row| format!("{}{row}", column(at)));
    let _ = write!(
        xml,
        "</sheetData><autoFilter ref=\"{range}\"/>\
         <pageMargins left=\"0.7\" right=\"0.7\" top=\"0.75\" bottom=\"0.75\" header=\"0.3\" footer=\"0.3\"/>\
         <pageSetup orientation=\"landscape\" fitToHeight=\"0\"/></worksheet>"
    );
    out.write_all(xml.as_bytes())
}

/// The letters of a column, counted from 0: `A`, `Z`, `AA`.
pub(super) fn column(mut number: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'A' + (number % 26) as u8));
        match number / 26 {
            0 => break,
            left => number = left - 1,
        }
    }
    letters.iter().rev().collect()
}

/// Text as XML. What XML cannot hold stands as Excel writes it, `_x0007_` (ECMA-376 part 1, 22.4.2.4).
pub(super) fn escape(text: &str, out: &mut String) {
    for (at, c) in text.char_indices() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '_' if is_escape(&text[at..]) => out.push_str("_x005F_"),
            '\t' | '\n' => out.push(c),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(out, "_x{:04X}_", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

/// Whether a text begins as [`escape`] writes a character.
fn is_escape(text: &str) -> bool {
    match text.as_bytes() {
        [b'_', b'x', a, b, c, d, b'_', ..] => {
            [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit())
        }
        _ => false,
    }
}

fn beginning(extent: &Extent, selected: bool) -> String {
    let range = extent.range(|at, row| format!("{}{row}", column(at)));
    let selected = if selected { " tabSelected=\"1\"" } else { "" };
    format!(
        "{HEADER}<worksheet xmlns=\"{FORMATS}/spreadsheetml/2006/main\">\
         <sheetPr><pageSetUpPr fitToPage=\"1\"/></sheetPr><dimension ref=\"{range}\"/>\
         <sheetViews><sheetView{selected} workbookViewId=\"0\">\
         <pane xSplit=\"1\" ySplit=\"1\" topLeftCell=\"B2\" activePane=\"bottomRight\" state=\"frozen\"/>\
         <selection pane=\"topRight\" activeCell=\"B1\" sqref=\"B1\"/>\
         <selection pane=\"bottomLeft\" activeCell=\"A2\" sqref=\"A2\"/>\
         <selection pane=\"bottomRight\"/></sheetView></sheetViews><sheetFormatPr defaultRowHeight=\"15\"/>"
    )
}

/// Columns as wide as what stands in the first rows.
fn columns(headings: &[String], first: &[Row], xml: &mut String) {
    if headings.is_empty() {
        return;
    }
    xml.push_str("<cols>");
    for (at, heading) in headings.iter().enumerate() {
        let longest = first
            .iter()
            .filter_map(|row| row.get(at))
            .map(width)
            .fold(heading.chars().count() + 3, usize::max);
        let (number, wide) = (at + 1, longest.min(WIDEST) + 1);
        // 0.71 of a character is the space at both sides.
        let _ = write!(
            xml,
            r#"<col min="{number}" max="{number}" width="{wide}.7109375" customWidth="1"/>"#
        );
    }
    xml.push_str("</cols>");
}

/// Characters that a field takes on its line.
fn width(value: &Value) -> usize {
    match value {
        Value::Text(text) => text
            .split(", ")
            .map(|part| part.chars().count())
            .max()
            .unwrap_or(0),
        Value::Number(number) => format!("{number:.0}").len().max(6),
        Value::Time(_) => 23,
        Value::Empty => 6,
    }
}

fn cell(value: &Value, letters: &str, row: usize, xml: &mut String) {
    match value {
        Value::Text(said) => text(said, letters, row, BODY, xml),
        Value::Number(said) => number(*said, letters, row, BODY, xml),
        Value::Time(time) => match serial(*time) {
            Some(days) => number(days, letters, row, TIME, xml),
            None => text(&crate::time::sheet(*time), letters, row, BODY, xml),
        },
        Value::Empty => {}
    }
}

fn number(number: f64, letters: &str, row: usize, style: u8, xml: &mut String) {
    let _ = write!(xml, "<c r=\"{letters}{row}\" s=\"{style}\"><v>");
    let _ = if number.fract() == 0.0 && number.abs() < EXACT {
        write!(xml, "{number}")
    } else {
        write!(xml, "{number:?}")
    };
    xml.push_str("</v></c>");
}

fn text(text: &str, letters: &str, row: usize, style: u8, xml: &mut String) {
    let text = cut(text);
    let _ = write!(
        xml,
        "<c r=\"{letters}{row}\" s=\"{style}\" t=\"inlineStr\"><is><t"
    );
    if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        xml.push_str(" xml:space=\"preserve\"");
    }
    xml.push('>');
    escape(text, xml);
    xml.push_str("</t></is></c>");
}

/// As much of a text as a field takes.
fn cut(text: &str) -> &str {
    if text.len() <= LONGEST {
        return text;
    }
    let mut units = 0;
    let end = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > LONGEST
    });
    end.map_or(text, |(at, _)| &text[..at])
}

/// Days since the last day of 1899, as Excel counts from March 1900 on; `None` for times before.
fn serial(nanoseconds: i64) -> Option<f64> {
    /// Nanoseconds of a day.
    const DAY: f64 = 86_400e9;
    let days = nanoseconds as f64 / DAY + 25_569.0;
    (days >= 61.0).then_some(days)
}

/// Units of UTF-16 that Excel takes in a field.
pub(super) const LONGEST: usize = 32_767;
/// Widest column, in characters.
const WIDEST: usize = 60;
/// Rows by which the width of columns is found.
const MEASURED: usize = 250;
/// Bytes of XML that are packed at a time.
const BUFFER: usize = 1 << 16;
/// Whole numbers below are written without an exponent.
const EXACT: f64 = 1e15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_days_and_old_ones_are_text() {
        assert_eq!(serial(0), Some(25_569.0));
        assert_eq!(serial(86_400_000_000_000 / 2), Some(25_569.5));
        assert_eq!(serial(i64::MIN), None);
    }

    #[test]
    fn columns_are_letters() {
        let letters = [0, 25, 26, 51, 52, 701, 702].map(column);
        assert_eq!(letters, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }

    #[test]
    fn every_character_has_a_form() {
        let escaped = |text: &str| {
            let mut out = String::new();
            escape(text, &mut out);
            out
        };
        assert_eq!(escaped("a<b>&\"\n\tß"), "a&lt;b&gt;&amp;\"\n\tß");
        assert_eq!(escaped("\0\r\x1b\u{ffff}"), "_x0000__x000D__x001B__xFFFF_");
        assert_eq!(escaped("_x0041_b"), "_x005F_x0041_b");
        assert_eq!(escaped("_x004_ _x00g1_ _x0041"), "_x004_ _x00g1_ _x0041");
        assert_eq!(escaped("_x00ää_"), "_x00ää_");
    }

    #[test]
    fn numbers_are_short_and_exact() {
        let written = |value: f64| {
            let mut xml = String::new();
            number(value, "A", 1, BODY, &mut xml);
            xml
        };
        let of = |text: &str| format!("<c r=\"A1\" s=\"2\"><v>{text}</v></c>");
        assert_eq!(written(46.0), of("46"));
        assert_eq!(written(0.1), of("0.1"));
        assert_eq!(written(f64::MAX), of("1.7976931348623157e308"));
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(cut(&"x".repeat(LONGEST + 1)).len(), LONGEST);
        // Each takes two units, so one unit is left over.
        assert_eq!(cut(&"😀".repeat(LONGEST)).chars().count(), LONGEST / 2);
        assert_eq!(cut(&"ß".repeat(LONGEST)).chars().count(), LONGEST);
    }
}
