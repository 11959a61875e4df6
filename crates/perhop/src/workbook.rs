//! Excel workbooks (ECMA-376), written row by row: a row is made, packed and forgotten. The same content gives the same
//! bytes.
//!
//! A workbook is a ZIP archive of XML parts. Text stands in its cell and not in a table of shared strings, which would
//! have to be held until the last row is known. Libraries that hold a workbook until it is saved need some 700 MB for the
//! flows of a large capture, or temporary files of that size; the limit is 74 MB.

mod parts;
mod sheet;

use std::io::{self, Write};

use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

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

/// A row of a sheet.
pub(crate) type Row = Vec<Value>;

/// Rows under headings. More rows than Excel takes go on in further sheets, `NAME 2` and so on.
pub(crate) struct Sheet<'a> {
    name: &'static str,
    headings: Vec<String>,
    /// How many rows there are.
    len: usize,
    rows: Box<dyn Iterator<Item = Row> + 'a>,
}

impl<'a> Sheet<'a> {
    /// A sheet of rows that are there; its name has at most 24 characters.
    pub(crate) fn new(name: &'static str, headings: &[&str], rows: Vec<Row>) -> Self {
        Self::lazy(name, headings, rows.len(), rows.into_iter())
    }

    /// A sheet of so many rows, each made when it is written.
    pub(crate) fn lazy(
        name: &'static str,
        headings: &[&str],
        len: usize,
        rows: impl Iterator<Item = Row> + 'a,
    ) -> Self {
        Self {
            name,
            headings: headings.iter().map(|one| (*one).to_owned()).collect(),
            len,
            rows: Box::new(rows.take(len)),
        }
    }

    /// How many rows there are, without that of the headings.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The names of the sheets that the rows take.
    pub(crate) fn names(&self) -> Vec<String> {
        names(self.name, self.len)
    }
}

/// Rows of a sheet in Excel, that of the headings among them.
pub(crate) const MOST_ROWS: usize = 1 << 20;

/// How hard the packing tries, 1 to 9: half the time of the usual 6 for a file that is a seventh larger.
const LEVEL: i64 = 4;

/// The names of the sheets that so many rows take.
pub(crate) fn names(name: &str, rows: usize) -> Vec<String> {
    names_within(name, rows, MOST_ROWS)
}

fn names_within(name: &str, rows: usize, most: usize) -> Vec<String> {
    let sheets = rows.div_ceil(most - 1).max(1);
    let further = (2..=sheets).map(|number| format!("{name} {number}"));
    std::iter::once(name.to_owned()).chain(further).collect()
}

/// Writes the whole file.
///
/// # Errors
/// The writer's; a sheet whose XML is larger than 4 GiB.
pub(crate) fn write(out: &mut dyn Write, title: &str, sheets: Vec<Sheet<'_>>) -> io::Result<()> {
    write_within(out, title, sheets, MOST_ROWS)
}

/// With another limit of rows than Excel's.
fn write_within(
    out: &mut dyn Write,
    title: &str,
    sheets: Vec<Sheet<'_>>,
    most: usize,
) -> io::Result<()> {
    let mut extents = Vec::new();
    for sheet in &sheets {
        let mut left = sheet.len;
        for name in names_within(sheet.name, sheet.len, most) {
            let rows = left.min(most - 1);
            left -= rows;
            extents.push(Extent {
                name,
                columns: sheet.headings.len().max(1),
                rows: rows + 1,
            });
        }
    }
    let mut archive = Archive(ZipWriter::new_stream(out));
    archive.part("[Content_Types].xml", &parts::content_types(extents.len()))?;
    archive.part("_rels/.rels", parts::RELATIONS)?;
    archive.part("docProps/core.xml", &parts::core(title))?;
    archive.part("xl/workbook.xml", &parts::workbook(&extents))?;
    archive.part("xl/_rels/workbook.xml.rels", &parts::book(extents.len()))?;
    archive.part("xl/styles.xml", parts::STYLES)?;
    let mut number = 0;
    for mut sheet in sheets {
        for _ in names_within(sheet.name, sheet.len, most) {
            number += 1;
            archive.start(&format!("xl/worksheets/sheet{number}.xml"))?;
            let rows = sheet.rows.by_ref().take(most - 1);
            let extent = &extents[number - 1];
            sheet::write(&mut archive.0, extent, &sheet.headings, number == 1, rows)?;
        }
    }
    archive.0.finish()?;
    Ok(())
}

/// How large a sheet is.
struct Extent {
    name: String,
    columns: usize,
    /// With that of the headings.
    rows: usize,
}

impl Extent {
    /// `A1:D20`, each place made by a function of column from 0 and row from 1.
    fn range(&self, place: fn(usize, usize) -> String) -> String {
        format!("{}:{}", place(0, 1), place(self.columns - 1, self.rows))
    }
}

struct Archive<'a>(ZipWriter<StreamWriter<&'a mut dyn Write>>);

impl Archive<'_> {
    fn start(&mut self, name: &str) -> io::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(LEVEL));
        Ok(self.0.start_file(name, options)?)
    }

    fn part(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.start(name)?;
        self.0.write_all(text.as_bytes())
    }
}

#[cfg(test)]
mod tests;
