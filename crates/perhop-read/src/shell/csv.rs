//! Comma-separated values as spreadsheets and `Export-Csv` write them.

use super::Object;
use crate::place::Place;

/// Rows of fields, each row with the line it begins on. Quotes, line breaks in quotes, and whichever of comma, semicolon
/// and tab the first row uses.
pub(crate) fn rows(text: &str) -> Vec<(usize, Vec<String>)> {
    let separator = separator(text);
    let mut out = Vec::new();
    let mut row: Vec<String> = Vec::new();
    let mut field = String::new();
    let (mut line, mut begins) = (1, 1);
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                field.push('"');
                chars.next();
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            '\n' => {
                line += 1;
                if quoted {
                    field.push('\n');
                    continue;
                }
                row.push(std::mem::take(&mut field));
                out.push((begins, std::mem::take(&mut row)));
                begins = line;
            }
            '\r' if !quoted && matches!(chars.peek(), Some('\n') | None) => {}
            c if c == separator && !quoted => row.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(field);
        out.push((begins, row));
    }
    out.retain(|(_, row)| row.iter().any(|field| !field.is_empty()));
    out
}

/// The objects of an export, with the type of its first line.
pub(crate) fn read(index: usize, text: &str) -> Vec<Object> {
    let (types, body, skipped) = match text.strip_prefix("#TYPE ") {
        Some(rest) => {
            let (first, body) = rest.split_once('\n').unwrap_or((rest, ""));
            (vec![first.trim().to_owned()], body, 1)
        }
        None => (Vec::new(), text, 0),
    };
    let mut rows = rows(body).into_iter();
    let Some((_, names)) = rows.next() else {
        return Vec::new();
    };
    rows.map(|(line, fields)| {
        let place = Place::line(index, line + skipped);
        let mut object = Object::new(place.clone());
        object.types.clone_from(&types);
        for (name, value) in names.iter().zip(fields) {
            object.push(name.trim(), value.trim(), place.clone());
        }
        object
    })
    .collect()
}

/// Whichever occurs most in the first line outside quotes.
fn separator(text: &str) -> char {
    let first = text
        .lines()
        .find(|line| !line.starts_with("#TYPE ") && !line.is_empty())
        .unwrap_or_default();
    let mut quoted = false;
    let mut counts = [(',', 0usize), (';', 0), ('\t', 0)];
    for c in first.chars() {
        quoted ^= c == '"';
        if !quoted && let Some((_, count)) = counts.iter_mut().find(|(one, _)| *one == c) {
            *count += 1;
        }
    }
    let mut best = counts[0];
    for one in counts {
        if one.1 > best.1 {
            best = one;
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_lines_and_cultures() {
        let got = rows("a;\"b;\"\"c\r\nd\"\r\n1;2\r\n\r\nx");
        assert_eq!(
            got,
            [
                (1, vec!["a".to_owned(), "b;\"c\r\nd".to_owned()]),
                (3, vec!["1".to_owned(), "2".to_owned()]),
                (5, vec!["x".to_owned()]),
            ]
        );
        let objects = read(
            0,
            "#TYPE Selected.X\r\n\"Identity\",\"N\"\r\n\"EdgeServer:e\",\"50000\"\r\n",
        );
        assert_eq!(objects[0].types, ["Selected.X"]);
        assert_eq!(objects[0].place.line, Some(3));
        assert_eq!(objects[0].properties[1].value, "50000");
    }
}
