//! Excel workbooks, sheet by sheet. The same content gives the same bytes.

use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet,
    XlsxError,
};

/// A field of a sheet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Text; what Excel does not take is cut off.
    Text(String),
    /// A number.
    Number(f64),
    /// Nanoseconds since 1970, shown as a time in UTC.
    Time(i64),
    /// Nothing.
    Empty,
}

impl<T: Into<String>> From<T> for Value {
    fn from(text: T) -> Self {
        Self::Text(text.into())
    }
}

impl Value {
    /// A number, or nothing.
    pub(crate) fn number(number: Option<f64>) -> Self {
        number
            .map(|number| (number * 1e6).round() / 1e6)
            .filter(|number| number.is_finite())
            .map_or(Self::Empty, Self::Number)
    }
}

/// One sheet: rows under headings.
#[derive(Debug)]
pub(crate) struct Sheet {
    /// Its name, at most 31 characters.
    pub(crate) name: &'static str,
    /// Headings of the columns.
    pub(crate) headings: Vec<String>,
    /// The rows.
    pub(crate) rows: Vec<Vec<Value>>,
}

/// Characters that Excel takes in a field.
const LONGEST: usize = 32_767;
/// Widest column, in characters.
const WIDEST: usize = 60;
/// Rows by which the width of columns is found.
const MEASURED: usize = 1000;

/// The whole file.
///
/// # Errors
/// What the writer of the format refuses, such as two sheets of one name.
pub(crate) fn render(title: &str, sheets: &[Sheet]) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let created = ExcelDateTime::from_ymd(2000, 1, 1)?;
    workbook.set_properties(
        &DocProperties::new()
            .set_title(title)
            .set_comment("made by perhop")
            .set_creation_datetime(&created),
    );
    let formats = Formats::new();
    for sheet in sheets {
        write(workbook.add_worksheet(), sheet, &formats)?;
    }
    workbook.save_to_buffer()
}

struct Formats {
    head: Format,
    body: Format,
    time: Format,
}

impl Formats {
    fn new() -> Self {
        let body = Format::new().set_text_wrap().set_align(FormatAlign::Top);
        Self {
            head: Format::new()
                .set_bold()
                .set_text_wrap()
                .set_align(FormatAlign::Top)
                .set_background_color(Color::RGB(0xe8_ec_f1))
                .set_border_bottom(FormatBorder::Thin),
            time: body.clone().set_num_format("yyyy-mm-dd hh:mm:ss.000"),
            body,
        }
    }
}

fn write(out: &mut Worksheet, sheet: &Sheet, formats: &Formats) -> Result<(), XlsxError> {
    out.set_name(sheet.name)?;
    for (column, heading) in (0u16..).zip(&sheet.headings) {
        out.write_string_with_format(0, column, heading, &formats.head)?;
        let fields = sheet.rows.iter().take(MEASURED);
        let longest = fields
            .filter_map(|row| row.get(usize::from(column)))
            .map(width)
            .fold(heading.chars().count() + 3, usize::max);
        let width = u32::try_from(longest.min(WIDEST)).expect("at most WIDEST");
        out.set_column_width(column, f64::from(width) + 1.0)?;
    }
    for (index, row) in (1u32..).zip(&sheet.rows) {
        for (column, value) in (0u16..).zip(row) {
            match value {
                Value::Text(text) => {
                    let text: String = text.chars().take(LONGEST).collect();
                    out.write_string_with_format(index, column, text, &formats.body)?
                }
                Value::Number(number) => {
                    out.write_number_with_format(index, column, *number, &formats.body)?
                }
                Value::Time(time) => match serial(*time) {
                    Some(days) => {
                        out.write_number_with_format(index, column, days, &formats.time)?
                    }
                    None => out.write_string(index, column, crate::time::sheet(*time))?,
                },
                Value::Empty => out.write_blank(index, column, &formats.body)?,
            };
        }
    }
    let last_row = u32::try_from(sheet.rows.len()).unwrap_or(u32::MAX);
    let last_column = u16::try_from(sheet.headings.len().max(1) - 1).unwrap_or(u16::MAX);
    out.set_freeze_panes(1, 1)?;
    out.autofilter(0, 0, last_row, last_column)?;
    out.set_landscape();
    out.set_repeat_rows(0, 0)?;
    out.set_print_fit_to_pages(1, 0);
    Ok(())
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

/// Days since the last day of 1899, as Excel counts from March 1900 on; `None` for times before.
fn serial(nanoseconds: i64) -> Option<f64> {
    /// Nanoseconds of a day.
    const DAY: f64 = 86_400e9;
    let days = nanoseconds as f64 / DAY + 25_569.0;
    (days >= 61.0).then_some(days)
}

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
    fn the_same_content_gives_the_same_bytes_and_nothing_is_refused() {
        let sheets = || {
            let rows = vec![
                vec!["x".repeat(40_000).into(), Value::Number(f64::MAX)],
                vec![Value::Time(i64::MIN), Value::number(Some(f64::NAN))],
                vec!["=1+1".into()],
            ];
            [Sheet {
                name: "One",
                headings: vec!["a".into(), "b".into()],
                rows,
            }]
        };
        let bytes = render("t", &sheets()).unwrap();
        assert!(bytes.starts_with(b"PK"));
        assert_eq!(bytes, render("t", &sheets()).unwrap());
        let empty = Sheet {
            name: "Empty",
            headings: Vec::new(),
            rows: Vec::new(),
        };
        assert!(render("t", &[empty]).is_ok());
    }
}
