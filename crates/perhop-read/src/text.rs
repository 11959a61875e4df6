//! Bytes as text, by what Windows, PowerShell and editors write.

/// The text of a file: UTF-16 with a byte-order mark or looking like it, UTF-8 with or without one, else Windows-1252.
/// `None` for what is not text.
pub(crate) fn decode(bytes: &[u8]) -> Option<String> {
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ if is_utf16_without_mark(bytes) => utf16(bytes, u16::from_le_bytes),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|byte| windows_1252(*byte)).collect(),
        },
    };
    (!text.contains('\0')).then_some(text)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// Mostly ASCII in pairs with a zero byte second.
fn is_utf16_without_mark(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(512)];
    let pairs = head.len() / 2;
    let ascii = head
        .chunks_exact(2)
        .filter(|pair| pair[0] != 0 && pair[0] < 0x80 && pair[1] == 0)
        .count();
    pairs >= 4 && ascii * 10 >= pairs * 9
}

/// The characters of 0x80 to 0x9f; what the code page leaves open is the control character, as browsers have it.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}',
        '\u{2021}', '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}',
        '\u{8f}', '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}',
        '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}',
        '\u{178}',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// Text in which a mark and two hexadecimal digits stand for a byte.
pub(crate) fn unescaped(text: &str, mark: u8) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match hex {
            Some(byte) if bytes[at] == mark => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_that_windows_writes() {
        let text = "Größe = 1\r\n";
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [
            [b"\xff\xfe".as_slice(), &le].concat(),
            [b"\xfe\xff".as_slice(), &be].concat(),
            [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat(),
            text.as_bytes().to_vec(),
            b"Gr\xf6\xdfe = 1\r\n".to_vec(),
        ] {
            assert_eq!(decode(&bytes).as_deref(), Some(text));
        }
        let plain: Vec<u8> = "Windows"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(decode(&plain).as_deref(), Some("Windows"));
        assert_eq!(decode(b"\x93x\x94").as_deref(), Some("\u{201c}x\u{201d}"));
        assert_eq!(decode(b"a\0b\xffc"), None);
        assert_eq!(decode(b"\xff\xfea").as_deref(), Some(""));
    }

    #[test]
    fn escaped_bytes_are_read() {
        assert_eq!(unescaped("clients@A_20B", b'_'), "clients@A B");
        assert_eq!(unescaped("Z%C3%BCrich%", b'%'), "Z\u{fc}rich%");
        assert_eq!(unescaped("a_zz_2", b'_'), "a_zz_2");
    }
}
