//! Workbooks (ECMA-376), as far as a table of text and numbers needs: a ZIP archive of XML parts, read within bounds.

use std::io::Read;

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
    let entries = directory(bytes).ok_or("it is not a whole ZIP archive")?;
    let part = |name: &str| -> Result<Option<String>, String> {
        let Some(entry) = entries.iter().find(|entry| entry.name == name) else {
            return Ok(None);
        };
        let data = entry.data(bytes)?;
        let text = String::from_utf8(data).map_err(|_| format!("`{name}` is not UTF-8"))?;
        Ok(Some(text))
    };
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

/// One file of the archive.
struct Entry {
    name: String,
    method: u16,
    packed: usize,
    unpacked: usize,
    header: usize,
}

impl Entry {
    fn data(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let damaged = || format!("`{}` is damaged", self.name);
        let header = bytes
            .get(self.header..)
            .filter(|rest| rest.starts_with(b"PK\x03\x04"))
            .ok_or_else(damaged)?;
        let names = number(header, 26, 2).zip(number(header, 28, 2));
        let (name, extra) = names.ok_or_else(damaged)?;
        let begins = 30 + name + extra;
        let packed = header
            .get(begins..begins.saturating_add(self.packed))
            .ok_or_else(damaged)?;
        if self.unpacked > MOST_BYTES {
            return Err(format!(
                "`{}` is larger than {} MiB",
                self.name,
                MOST_BYTES >> 20
            ));
        }
        match self.method {
            0 => Ok(packed.to_vec()),
            8 => {
                let mut out = Vec::new();
                let limit = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX) + 1;
                flate2::read::DeflateDecoder::new(packed)
                    .take(limit)
                    .read_to_end(&mut out)
                    .map_err(|_| damaged())?;
                if out.len() > MOST_BYTES {
                    return Err(format!(
                        "`{}` is larger than {} MiB",
                        self.name,
                        MOST_BYTES >> 20
                    ));
                }
                Ok(out)
            }
            method => Err(format!("`{}` is packed by method {method}", self.name)),
        }
    }
}

/// The central directory, found from the end (APPNOTE 4.3.16).
fn directory(bytes: &[u8]) -> Option<Vec<Entry>> {
    let tail = bytes.len().saturating_sub(65_557);
    let end = bytes[tail..]
        .windows(4)
        .rposition(|window| window == b"PK\x05\x06")?
        + tail;
    let count = number(&bytes[end..], 10, 2)?;
    let mut at = number(&bytes[end..], 16, 4)?;
    let mut out = Vec::new();
    for _ in 0..count {
        let head = bytes.get(at..)?;
        if !head.starts_with(b"PK\x01\x02") {
            return None;
        }
        let (name, extra, comment) = (
            number(head, 28, 2)?,
            number(head, 30, 2)?,
            number(head, 32, 2)?,
        );
        out.push(Entry {
            name: String::from_utf8_lossy(head.get(46..46 + name)?).into_owned(),
            method: u16::try_from(number(head, 10, 2)?).ok()?,
            packed: number(head, 20, 4)?,
            unpacked: number(head, 24, 4)?,
            header: number(head, 42, 4)?,
        });
        at += 46 + name + extra + comment;
    }
    Some(out)
}

fn number(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + length)?;
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |n, byte| n << 8 | usize::from(*byte)),
    )
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
const MOST_BYTES: usize = 64 << 20;
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
