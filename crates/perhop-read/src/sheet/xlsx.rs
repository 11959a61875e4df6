//! Workbooks (ECMA-376), as far as a table of text and numbers needs: a ZIP archive of XML parts, read within bounds.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::registry::backup::parse;

/// A sheet: its name and its rows, each with its number from 1.
pub(crate) struct Sheet {
    pub(crate) name: String,
    pub(crate) rows: Vec<(usize, Vec<String>)>,
}

/// The sheets of a workbook.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Sheet>, String> {
    let archive = ZipArchive::new(Cursor::new(bytes));
    let mut archive = archive.map_err(|error| format!("it is not a whole ZIP archive: {error}"))?;
    let mut part = |name: &str| part(&mut archive, name);
    let book = part("xl/workbook.xml")?.ok_or("it has no `xl/workbook.xml`")?;
    let relations = part("xl/_rels/workbook.xml.rels")?.unwrap_or_default();
    let strings = match part("xl/sharedStrings.xml")? {
        Some(text) => shared_strings(&text)?,
        None => Vec::new(),
    };
    let mut out = Vec::new();
    for (name, path) in sheets(&book, &relations)? {
        if out.len() >= MOST_SHEETS {
            break;
        }
        if let Some(text) = part(&path)? {
            out.push(Sheet {
                name,
                rows: rows(&text, &strings)?,
            });
        }
    }
    Ok(out)
}

/// The text of one file of the archive; `None` when there is no such file.
fn part(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> Result<Option<String>, String> {
    let file = match archive.by_name(name) {
        Ok(file) => file,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(format!("`{name}`: {error}")),
    };
    let mut data = Vec::new();
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut data)
        .map_err(|error| format!("`{name}` is damaged: {error}"))?;
    if data.len() as u64 > MOST_BYTES {
        return Err(format!("`{name}` is larger than {} MiB", MOST_BYTES >> 20));
    }
    let text = String::from_utf8(data).map_err(|_| format!("`{name}` is not UTF-8"))?;
    Ok(Some(text))
}

/// Names and paths of sheets.
fn sheets(book: &str, relations: &str) -> Result<Vec<(String, String)>, String> {
    let book = parse(book)?;
    let mut targets: Vec<(String, String)> = Vec::new();
    if !relations.is_empty() {
        for node in parse(relations)?.descendants() {
            if let (Some(id), Some(target)) = (node.attribute("Id"), node.attribute("Target")) {
                let path = match target.strip_prefix('/') {
                    Some(whole) => whole.to_owned(),
                    None => format!("xl/{target}"),
                };
                targets.push((id.to_owned(), path));
            }
        }
    }
    Ok(book
        .descendants()
        .filter(|node| node.tag_name().name() == "sheet")
        .filter_map(|node| {
            let id = node
                .attributes()
                .find(|attribute| attribute.name() == "id" && attribute.namespace().is_some())?;
            let (_, path) = targets.iter().find(|(known, _)| known == id.value())?;
            Some((node.attribute("name")?.to_owned(), path.clone()))
        })
        .collect())
}

fn shared_strings(text: &str) -> Result<Vec<String>, String> {
    Ok(parse(text)?
        .root_element()
        .children()
        .filter(|node| node.tag_name().name() == "si")
        .map(texts)
        .collect())
}

/// The text of all `t` below a node, without phonetic readings.
fn texts(node: roxmltree::Node<'_, '_>) -> String {
    node.descendants()
        .filter(|one| one.tag_name().name() == "t")
        .filter(|one| {
            one.parent()
                .is_none_or(|above| above.tag_name().name() != "rPh")
        })
        .filter_map(|one| one.text())
        .collect()
}

fn rows(text: &str, strings: &[String]) -> Result<Vec<(usize, Vec<String>)>, String> {
    let document = parse(text)?;
    let mut out: Vec<(usize, Vec<String>)> = Vec::new();
    for row in document
        .descendants()
        .filter(|node| node.tag_name().name() == "row")
    {
        let number = row
            .attribute("r")
            .and_then(|text| text.parse().ok())
            .unwrap_or(out.len() + 1);
        let mut cells: Vec<String> = Vec::new();
        for cell in row.children().filter(|node| node.tag_name().name() == "c") {
            let column = cell.attribute("r").and_then(column).unwrap_or(cells.len());
            if column >= MOST_COLUMNS {
                continue;
            }
            if cells.len() <= column {
                cells.resize(column + 1, String::new());
            }
            cells[column] = value(cell, strings);
        }
        if cells.iter().any(|cell| !cell.is_empty()) {
            out.push((number, cells));
        }
    }
    Ok(out)
}

fn value(cell: roxmltree::Node<'_, '_>, strings: &[String]) -> String {
    let plain = cell
        .children()
        .find(|node| node.tag_name().name() == "v")
        .and_then(|node| node.text())
        .unwrap_or_default();
    match cell.attribute("t") {
        Some("s") => plain
            .trim()
            .parse::<usize>()
            .ok()
            .and_then(|index| strings.get(index).cloned())
            .unwrap_or_default(),
        Some("inlineStr") => texts(cell),
        _ => plain.trim().to_owned(),
    }
}

/// `C7` is column 2.
fn column(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_uppercase);
    let number = letters
        .take(4)
        .fold(0usize, |n, letter| n * 26 + usize::from(letter - b'A') + 1);
    number.checked_sub(1)
}

/// Bytes of one part, unpacked.
const MOST_BYTES: u64 = 64 << 20;
/// Sheets that are looked at.
const MOST_SHEETS: usize = 50;
/// Columns that are looked at.
const MOST_COLUMNS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_letters() {
        assert_eq!(column("A1"), Some(0));
        assert_eq!(column("Z9"), Some(25));
        assert_eq!(column("AB12"), Some(27));
        assert_eq!(column("7"), None);
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        assert!(read(b"PK\x03\x04").is_err());
        assert!(read(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff\0\0").is_err());
    }
}
