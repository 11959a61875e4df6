//! `.reg` files, version 5.00: UTF-16LE with BOM, CRLF lines.

use std::fmt::Write as _;

use thiserror::Error;

const HEADER: &str = "Windows Registry Editor Version 5.00";

/// A part of the file about one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBlock {
    /// The key with its full root name, `HKEY_LOCAL_MACHINE\...`.
    pub key: String,
    /// What happens to it.
    pub action: KeyAction,
}

/// What happens to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyAction {
    /// It is made when it is not there, and these values are set.
    Set(Vec<(String, Data)>),
    /// It is deleted with all below it.
    Delete,
}

/// The data of a value. The empty name is the key's default value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// REG_SZ.
    Text(String),
    /// REG_DWORD.
    Dword(u32),
    /// The value is deleted.
    Delete,
}

/// Why a file cannot be written or read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RegFileError {
    /// A key or value name with a line break in it cannot be written.
    #[error("the registry name `{0}` has a control character in it, which a .reg file cannot hold")]
    Name(String),
    /// The bytes are not UTF-16LE with BOM.
    #[error("not UTF-16LE with a byte order mark")]
    Encoding,
    /// A line is not what the format has there.
    #[error("line {line}: expected {expected}")]
    Expected {
        /// Line, from 1.
        line: usize,
        /// What the format has there.
        expected: &'static str,
    },
}

/// The file.
///
/// # Errors
/// Names with control characters; text in data may be anything.
pub fn write(comments: &[&str], blocks: &[KeyBlock]) -> Result<Vec<u8>, RegFileError> {
    let mut out = format!("{HEADER}\r\n\r\n");
    for comment in comments {
        let clean: String = comment
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let _ = write!(out, "; {}\r\n", clean.trim_end_matches(['\\', ' ']));
    }
    if !comments.is_empty() {
        out.push_str("\r\n");
    }
    for block in blocks {
        let key = checked(&block.key)?;
        match &block.action {
            KeyAction::Delete => {
                let _ = write!(out, "[-{key}]\r\n");
            }
            KeyAction::Set(values) => {
                let _ = write!(out, "[{key}]\r\n");
                for (name, data) in values {
                    let name = checked(name)?;
                    if name.is_empty() {
                        out.push('@');
                    } else {
                        quote(&mut out, name);
                    }
                    out.push('=');
                    write_data(&mut out, data);
                    out.push_str("\r\n");
                }
            }
        }
        out.push_str("\r\n");
    }
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(out.encode_utf16().flat_map(u16::to_le_bytes));
    Ok(bytes)
}

/// The blocks of a file: what [`write`] writes, with hexadecimal text over several lines too.
///
/// # Errors
/// The first line that is something else.
pub fn read(bytes: &[u8]) -> Result<Vec<KeyBlock>, RegFileError> {
    let text = decode(bytes).ok_or(RegFileError::Encoding)?;
    let mut lines = logical_lines(&text).into_iter();
    if lines.next().is_none_or(|(_, line)| line != HEADER) {
        return Err(RegFileError::Expected {
            line: 1,
            expected: "`Windows Registry Editor Version 5.00`",
        });
    }
    let mut blocks: Vec<KeyBlock> = Vec::new();
    for (number, line) in lines {
        let fail = |expected| RegFileError::Expected {
            line: number,
            expected,
        };
        if line.is_empty() || line.starts_with(';') {
            continue;
        }
        if let Some(key) = line.strip_prefix('[') {
            let key = key
                .strip_suffix(']')
                .ok_or_else(|| fail("`]` at the end"))?;
            blocks.push(match key.strip_prefix('-') {
                Some(key) => KeyBlock {
                    key: key.to_owned(),
                    action: KeyAction::Delete,
                },
                None => KeyBlock {
                    key: key.to_owned(),
                    action: KeyAction::Set(Vec::new()),
                },
            });
            continue;
        }
        let entry = read_entry(&line).ok_or_else(|| fail("a value, `\"name\"=data`"))?;
        match blocks.last_mut().map(|block| &mut block.action) {
            Some(KeyAction::Set(values)) => values.push(entry),
            _ => return Err(fail("a key in brackets before values")),
        }
    }
    Ok(blocks)
}

fn checked(name: &str) -> Result<&str, RegFileError> {
    if name.contains(char::is_control) {
        return Err(RegFileError::Name(name.escape_default().to_string()));
    }
    Ok(name)
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        if matches!(c, '\\' | '"') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

/// Text with control characters has no quoted form and is written as the bytes of a REG_SZ.
fn write_data(out: &mut String, data: &Data) {
    match data {
        Data::Text(text) if !text.contains(char::is_control) => quote(out, text),
        Data::Text(text) => {
            out.push_str("hex(1):");
            for (index, byte) in text
                .encode_utf16()
                .chain([0])
                .flat_map(u16::to_le_bytes)
                .enumerate()
            {
                let comma = if index == 0 { "" } else { "," };
                let _ = write!(out, "{comma}{byte:02x}");
            }
        }
        Data::Dword(number) => {
            let _ = write!(out, "dword:{number:08x}");
        }
        Data::Delete => out.push('-'),
    }
}

fn decode(bytes: &[u8]) -> Option<String> {
    let body = bytes.strip_prefix(&[0xff, 0xfe])?;
    if !body.len().is_multiple_of(2) {
        return None;
    }
    let units: Vec<u16> = body
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    String::from_utf16(&units).ok()
}

/// Lines with their numbers; a hexadecimal line that ends in `\` goes on in the next.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut out: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (index, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let hex = open || (line.contains("=hex") && !line.starts_with(';'));
        match (open, out.last_mut()) {
            (true, Some((_, last))) => last.push_str(line.trim_start()),
            _ => out.push((index + 1, line.to_owned())),
        }
        open = false;
        if let Some((_, last)) = out.last_mut()
            && hex
            && last.ends_with('\\')
        {
            last.pop();
            open = true;
        }
    }
    out
}

fn read_entry(line: &str) -> Option<(String, Data)> {
    let (name, rest) = match line.strip_prefix('@') {
        Some(rest) => (String::new(), rest),
        None => unquote(line)?,
    };
    let rest = rest.strip_prefix('=')?;
    let data = if rest == "-" {
        Data::Delete
    } else if let Some(hex) = rest.strip_prefix("dword:") {
        if hex.len() != 8 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        Data::Dword(u32::from_str_radix(hex, 16).ok()?)
    } else if let Some(hex) = rest.strip_prefix("hex(1):") {
        Data::Text(hex_text(hex)?)
    } else {
        let (text, rest) = unquote(rest)?;
        if !rest.is_empty() {
            return None;
        }
        Data::Text(text)
    };
    Some((name, data))
}

/// A quoted text at the beginning, and what follows it.
fn unquote(line: &str) -> Option<(String, &str)> {
    let body = line.strip_prefix('"')?;
    let mut text = String::new();
    let mut chars = body.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((text, &body[at + 1..])),
            '\\' => match chars.next()?.1 {
                c @ ('\\' | '"') => text.push(c),
                _ => return None,
            },
            c => text.push(c),
        }
    }
    None
}

fn hex_text(hex: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = hex
        .split(',')
        .map(|pair| {
            let pair = pair.trim();
            if pair.len() != 2 || !pair.bytes().all(|b| b.is_ascii_hexdigit()) {
                return None;
            }
            u8::from_str_radix(pair, 16).ok()
        })
        .collect();
    let bytes = bytes?;
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    String::from_utf16(units.strip_suffix(&[0])?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text_of(blocks: &[KeyBlock]) -> String {
        decode(&write(&["c\nd"], blocks).unwrap()).unwrap()
    }

    #[test]
    fn values_are_quoted() {
        let blocks = [
            KeyBlock {
                key: r"HKEY_LOCAL_MACHINE\A]".into(),
                action: KeyAction::Set(vec![
                    (String::new(), Data::Text(r#"a\b"c"#.into())),
                    ("n\"\\".into(), Data::Dword(46)),
                    ("old".into(), Data::Delete),
                    ("two".into(), Data::Text("a\nb".into())),
                ]),
            },
            KeyBlock {
                key: "HKEY_LOCAL_MACHINE\\B".into(),
                action: KeyAction::Delete,
            },
        ];
        assert_eq!(
            text_of(&blocks),
            "Windows Registry Editor Version 5.00\r\n\r\n; c d\r\n\r\n[HKEY_LOCAL_MACHINE\\A]]\r\n\
             @=\"a\\\\b\\\"c\"\r\n\"n\\\"\\\\\"=dword:0000002e\r\n\"old\"=-\r\n\
             \"two\"=hex(1):61,00,0a,00,62,00,00,00\r\n\r\n[-HKEY_LOCAL_MACHINE\\B]\r\n\r\n"
        );
        assert_eq!(read(&write(&[], &blocks).unwrap()).unwrap(), blocks);
        assert!(
            write(
                &[],
                &[KeyBlock {
                    key: "a\nb".into(),
                    action: KeyAction::Delete
                }]
            )
            .is_err()
        );
    }

    #[test]
    fn what_is_not_understood_is_said_with_its_line() {
        let file = |body: &str| {
            let mut bytes = vec![0xff, 0xfe];
            let text = format!("{HEADER}\r\n{body}");
            bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
            read(&bytes)
        };
        assert!(matches!(
            file("\r\n[A\r\n"),
            Err(RegFileError::Expected { line: 3, .. })
        ));
        assert!(matches!(
            file("\"a\"=\"b\"\r\n"),
            Err(RegFileError::Expected { line: 2, .. })
        ));
        for bad in [
            "\"a\"=\"b",
            "\"a\"=\"\\P\"",
            "\"a\"=dword:123456789",
            "\"a\"=hex(1):6",
        ] {
            assert!(file(&format!("[A]\r\n{bad}\r\n")).is_err(), "{bad}");
        }
        let folded = file("[A]\r\n\"a\"=hex(1):61,00,\\\r\n  00,00\r\n").unwrap();
        assert_eq!(
            folded[0].action,
            KeyAction::Set(vec![("a".into(), Data::Text("a".into()))])
        );
        assert_eq!(read(b"REGEDIT4"), Err(RegFileError::Encoding));
    }

    fn data() -> impl Strategy<Value = Data> {
        prop_oneof![
            any::<String>().prop_map(Data::Text),
            any::<u32>().prop_map(Data::Dword),
            Just(Data::Delete),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            rows in proptest::collection::vec(
                ("[^\\pC-]\\PC{0,20}", proptest::option::of(proptest::collection::vec(("\\PC{0,10}", data()), 0..5))),
                0..4,
            )
        ) {
            let blocks: Vec<KeyBlock> = rows
                .into_iter()
                .map(|(key, values)| KeyBlock {
                    key,
                    action: values.map_or(KeyAction::Delete, KeyAction::Set),
                })
                .collect();
            prop_assert_eq!(read(&write(&["x"], &blocks).unwrap()).unwrap(), blocks);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60), text in "\\PC{0,60}") {
            let _ = read(&bytes);
            let mut framed = vec![0xff, 0xfe];
            framed.extend(format!("{HEADER}\r\n[a]\r\n{text}").encode_utf16().flat_map(u16::to_le_bytes));
            let _ = read(&framed);
        }
    }
}
