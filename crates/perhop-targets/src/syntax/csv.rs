//! Comma-separated values (RFC 4180): every cell quoted, CRLF lines, UTF-8 with BOM so that Excel reads it as such.

/// What a cell that is not plain text to Excel begins with; the apostrophe is what makes it plain.
const SPECIAL: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];

/// The file. A cell that Excel would take for a formula is preceded by an apostrophe.
#[must_use]
pub fn write(rows: &[Vec<String>]) -> Vec<u8> {
    let mut out = String::from('\u{feff}');
    for row in rows {
        for (index, cell) in row.iter().enumerate() {
            out.push_str(if index == 0 { "\"" } else { ",\"" });
            if cell.starts_with(SPECIAL) {
                out.push('\'');
            }
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        }
        out.push_str("\r\n");
    }
    out.into_bytes()
}

/// The rows of a file that [`write`] wrote; `None` for anything else.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Vec<Vec<String>>> {
    let text = str::from_utf8(bytes).ok()?;
    let mut rest = text.strip_prefix('\u{feff}')?;
    let mut rows = Vec::new();
    let mut row = Vec::new();
    while !rest.is_empty() {
        rest = rest.strip_prefix('"')?;
        let mut cell = String::new();
        loop {
            let (plain, after) = rest.split_once('"')?;
            cell.push_str(plain);
            rest = after;
            match rest.strip_prefix('"') {
                Some(after) => {
                    cell.push('"');
                    rest = after;
                }
                None => break,
            }
        }
        let plain = cell
            .strip_prefix('\'')
            .filter(|rest| rest.starts_with(SPECIAL));
        row.push(plain.map_or(cell.clone(), str::to_owned));
        if let Some(after) = rest.strip_prefix("\r\n") {
            rows.push(std::mem::take(&mut row));
            rest = after;
        } else {
            rest = rest.strip_prefix(',')?;
        }
    }
    row.is_empty().then_some(rows)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_are_not() {
        let bytes = write(&[vec!["a\"b,\n".into(), "=1+1".into()]]);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "\u{feff}\"a\"\"b,\n\",\"'=1+1\"\r\n"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            rows in proptest::collection::vec(proptest::collection::vec("[a-z\", \r\n'=-]{0,8}", 1..4), 0..4)
        ) {
            prop_assert_eq!(read(&write(&rows)).unwrap(), rows);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = read(&bytes);
        }
    }
}
