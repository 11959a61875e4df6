//! Tables: headings, a line of hyphens below each, rows; strings to the left, numbers to the right.

use super::Object;
use crate::place::Place;

/// The objects of every table in a text, and whether there is a table at all.
pub(crate) fn read(index: usize, text: &str) -> Vec<Object> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut objects = Vec::new();
    let mut at = 0;
    while at + 1 < lines.len() {
        let columns = columns(lines[at], lines[at + 1]);
        if columns.is_empty() {
            at += 1;
            continue;
        }
        at += 2;
        while at < lines.len() && !lines[at].is_empty() {
            objects.push(row(index, at + 1, lines[at], &columns));
            at += 1;
        }
    }
    objects
}

/// A heading, and where its hyphens begin and end, in characters.
struct Column {
    name: String,
    first: usize,
    last: usize,
}

fn columns(heads: &str, rules: &str) -> Vec<Column> {
    let is_rule = rules.contains("--") && rules.chars().all(|c| matches!(c, '-' | ' '));
    let names: Vec<&str> = heads.split_whitespace().collect();
    let runs: Vec<(usize, usize)> = runs(rules, |c| c == '-');
    if !is_rule || names.is_empty() || names.len() != runs.len() {
        return Vec::new();
    }
    names
        .into_iter()
        .zip(runs)
        .map(|(name, (first, last))| Column {
            name: name.to_owned(),
            first,
            last,
        })
        .collect()
}

fn row(index: usize, number: usize, line: &str, columns: &[Column]) -> Object {
    let mut object = Object::new(Place::line(index, number));
    let words = runs(line, |c| c != ' ');
    let chars: Vec<char> = line.chars().collect();
    let text = |first: usize, last: usize| -> String { chars[first..=last].iter().collect() };
    let mut cells: Vec<String> = vec![String::new(); columns.len()];
    // Words belong to the column whose hyphens they stand under; else to the one they begin behind.
    for (first, last) in words {
        let under = columns
            .iter()
            .position(|column| column.first <= last && first <= column.last)
            .or_else(|| columns.iter().rposition(|column| column.first <= first))
            .unwrap_or(0);
        if !cells[under].is_empty() {
            cells[under].push(' ');
        }
        cells[under].push_str(&text(first, last));
    }
    for (column, cell) in columns.iter().zip(cells) {
        object.push(column.name.clone(), cell, Place::line(index, number));
    }
    object
}

/// First and last position of each run of characters.
fn runs(line: &str, is_in: impl Fn(char) -> bool) -> Vec<(usize, usize)> {
    let mut out: Vec<(usize, usize)> = Vec::new();
    let mut before = false;
    for (at, c) in line.chars().enumerate() {
        let now = is_in(c);
        match (before, now, out.last_mut()) {
            (true, true, Some(last)) => last.1 = at,
            (_, true, _) => out.push((at, at)),
            _ => {}
        }
        before = now;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_right_and_names_have_blanks() {
        let text = "\nIdentity                              AudioPortStart AudioPortCount\n\
                    --------                              -------------- --------------\n\
                    MediationServer:pool01.example.test            49152           8348\n\
                    site:New York                                                  8348\n\n";
        let objects = read(0, text);
        let values: Vec<Vec<&str>> = objects
            .iter()
            .map(|object| {
                object
                    .properties
                    .iter()
                    .map(|one| one.value.as_str())
                    .collect()
            })
            .collect();
        assert_eq!(
            values,
            [
                vec!["MediationServer:pool01.example.test", "49152", "8348"],
                vec!["site:New York", "", "8348"]
            ]
        );
        assert_eq!(objects[1].place.line, Some(5));
    }
}
