//! Reads a workbook back: the ZIP and the XML in it, as far as a test needs them.

use std::collections::BTreeMap;
use std::io::Read;

/// Sheets by name, each with its rows; a field is its text, or its number as it is stored.
pub(crate) fn read(bytes: &[u8]) -> Vec<(String, Vec<Vec<String>>)> {
    let files = unzip(bytes);
    let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
    let book = text("xl/workbook.xml");
    let book = roxmltree::Document::parse(&book).unwrap();
    elements(&book, "sheet")
        .enumerate()
        .map(|(index, sheet)| {
            let name = sheet.attribute("name").unwrap().to_owned();
            let sheet = text(&format!("xl/worksheets/sheet{}.xml", index + 1));
            (name, rows(&sheet))
        })
        .collect()
}

fn rows(sheet: &str) -> Vec<Vec<String>> {
    let sheet = roxmltree::Document::parse(sheet).unwrap();
    elements(&sheet, "row")
        .map(|row| {
            let mut fields = Vec::new();
            for field in row.children().filter(|one| one.has_tag_name_local("c")) {
                let column = column(field.attribute("r").unwrap());
                fields.resize(column, String::new());
                let value = field.descendants().filter(roxmltree::Node::is_text);
                fields.push(value.filter_map(|one| one.text()).collect());
            }
            fields
        })
        .collect()
}

/// `C7` is column 2.
fn column(place: &str) -> usize {
    let letters = place.bytes().take_while(u8::is_ascii_uppercase);
    letters.fold(0, |sum, one| 26 * sum + usize::from(one - b'A') + 1) - 1
}

trait Local {
    fn has_tag_name_local(&self, name: &str) -> bool;
}

impl Local for roxmltree::Node<'_, '_> {
    fn has_tag_name_local(&self, name: &str) -> bool {
        self.tag_name().name() == name
    }
}

fn elements<'a, 'b>(
    document: &'a roxmltree::Document<'b>,
    name: &'a str,
) -> impl Iterator<Item = roxmltree::Node<'a, 'b>> {
    let all = document.descendants();
    all.filter(move |one| one.is_element() && one.tag_name().name() == name)
}

/// Files of an archive, by its central directory.
fn unzip(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let u16 = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let u32 = |at: usize| u16(at) | u16(at + 2) << 16;
    let end = bytes
        .windows(4)
        .rposition(|four| four == b"PK\x05\x06")
        .unwrap();
    let mut at = u32(end + 16);
    let mut files = BTreeMap::new();
    for _ in 0..u16(end + 10) {
        assert_eq!(&bytes[at..at + 4], b"PK\x01\x02");
        let (method, size, name) = (u16(at + 10), u32(at + 20), u16(at + 28));
        let local = u32(at + 42);
        let data = local + 30 + u16(local + 26) + u16(local + 28);
        let packed = &bytes[data..data + size];
        let mut file = Vec::new();
        match method {
            0 => file.extend(packed),
            8 => {
                let mut decoder = flate2::read::DeflateDecoder::new(packed);
                decoder.read_to_end(&mut file).unwrap();
            }
            other => panic!("method {other}"),
        }
        let name_bytes = bytes[at + 46..at + 46 + name].to_vec();
        files.insert(String::from_utf8(name_bytes).unwrap(), file);
        at += 46 + name + u16(at + 30) + u16(at + 32);
    }
    files
}
