//! Files that hold registry values: one list of rows, whatever the form.

pub(crate) mod backup;
pub(crate) mod lgpo;
pub(crate) mod pol;
pub(crate) mod reg;
mod rows;

pub(crate) use rows::{Action, Row, facts, nla_command};

/// The characters of UTF-16LE bytes without a last NUL; `None` when they are an odd number.
pub(crate) fn utf16(bytes: &[u8]) -> Option<String> {
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    let units = units.strip_suffix(&[0]).unwrap_or(&units);
    Some(String::from_utf16_lossy(units))
}

/// The name of a registry type.
pub(crate) const fn type_name(kind: u32) -> &'static str {
    match kind {
        0 => "REG_NONE",
        1 => "REG_SZ",
        2 => "REG_EXPAND_SZ",
        3 => "REG_BINARY",
        4 => "REG_DWORD",
        5 => "REG_DWORD_BIG_ENDIAN",
        7 => "REG_MULTI_SZ",
        11 => "REG_QWORD",
        _ => "an unknown type",
    }
}

/// Data of a registry type as text.
pub(crate) fn data_text(kind: u32, data: &[u8]) -> String {
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
    match (kind, data.len()) {
        (1 | 2, _) => utf16(data).unwrap_or_else(|| hex(data)),
        (4, 4) | (11, 8) => number(data).to_string(),
        (5, 4) => data
            .iter()
            .fold(0u64, |n, b| n << 8 | u64::from(*b))
            .to_string(),
        (7, _) => utf16(data)
            .map(|text| text.trim_end_matches('\0').replace('\0', "; "))
            .unwrap_or_else(|| hex(data)),
        _ => hex(data),
    }
}

fn hex(data: &[u8]) -> String {
    let mut out: String = data.iter().take(32).map(|b| format!("{b:02x}")).collect();
    if data.len() > 32 {
        out.push('\u{2026}');
    }
    out
}
