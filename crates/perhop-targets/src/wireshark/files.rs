//! The files of a Wireshark profile (Wireshark User's Guide, appendix "Configuration Files and Plugin Folders").

use std::fmt::Write as _;

use super::filters::{Filter, Shows};

/// `dfilters` or `cfilters`: `"name" filter`, one a line; quotes and backslashes in names are escaped.
pub(super) fn saved_filters<'a>(filters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::new();
    for (name, filter) in filters {
        let name = plain(name).replace('\\', "\\\\").replace('"', "\\\"");
        let _ = writeln!(out, "\"{name}\" {filter}");
    }
    out
}

/// Names and filters of a file that [`saved_filters`] wrote; the line, from 1, that is none.
pub(super) fn read_saved(text: &str) -> Result<Vec<(String, String)>, usize> {
    (1..)
        .zip(text.lines())
        .map(|(number, line)| read_line(line).ok_or(number))
        .collect()
}

fn read_line(line: &str) -> Option<(String, String)> {
    let rest = line.strip_prefix('"')?;
    let mut name = String::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => name.push(chars.next()?.1),
            '"' => {
                let filter = rest[at + 1..].strip_prefix(' ')?;
                return (!filter.is_empty()).then(|| (name, filter.to_owned()));
            }
            c => name.push(c),
        }
    }
    None
}

/// `colorfilters`: `@name@filter@[background][foreground]`, colours as three numbers to 65535. The first that matches
/// colours a packet, so what is wrong comes first.
pub(super) fn coloring(filters: &[Filter]) -> String {
    let mut out =
        String::from("# Coloring rules of a plan. The first rule that matches colours a packet.\n");
    for shows in [Shows::WrongMark, Shows::NotPlanned] {
        for filter in filters
            .iter()
            .filter(|one| one.shows == shows && one.class.is_none())
        {
            let colour = if shows == Shows::WrongMark {
                RED
            } else {
                AMBER
            };
            write_rule(&mut out, filter, colour);
        }
    }
    let right: Vec<&Filter> = filters
        .iter()
        .filter(|one| one.shows == Shows::AsPlanned)
        .collect();
    let by_class = right.iter().any(|one| one.class.is_some());
    for filter in right {
        match &filter.class {
            Some((index, _)) => write_rule(&mut out, filter, CLASSES[index % CLASSES.len()]),
            None if !by_class => write_rule(&mut out, filter, CLASSES[0]),
            None => {}
        }
    }
    out
}

/// Names and filters of a file that [`coloring`] wrote; the line, from 1, that is no rule.
pub(super) fn read_coloring(text: &str) -> Result<Vec<(String, String)>, usize> {
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.starts_with('#'))
        .map(|(number, line)| {
            let parts: Vec<&str> = line.split('@').collect();
            match parts.as_slice() {
                ["", name, filter, colours] if colours.starts_with('[') => {
                    Ok(((*name).to_owned(), (*filter).to_owned()))
                }
                _ => Err(number),
            }
        })
        .collect()
}

/// `preferences`: the usual columns, with the mark of either address family among them.
pub(super) const PREFERENCES: &str = "\
# Columns of the packet list, with the DSCP of IPv4 and IPv6.
gui.column.format: \n\
\t\"No.\", \"%m\",\n\
\t\"Time\", \"%t\",\n\
\t\"Source\", \"%s\",\n\
\t\"Src port\", \"%uS\",\n\
\t\"Destination\", \"%d\",\n\
\t\"Dst port\", \"%uD\",\n\
\t\"Protocol\", \"%p\",\n\
\t\"DSCP\", \"%Cus:ip.dsfield.dscp or ipv6.tclass.dscp:0:U\",\n\
\t\"Length\", \"%L\",\n\
\t\"Info\", \"%i\"\n";

type Colour = [u16; 3];

fn write_rule(out: &mut String, filter: &Filter, (back, fore): (Colour, Colour)) {
    let name = plain(&filter.name).replace('@', " at ");
    let text = |colour: Colour| format!("[{},{},{}]", colour[0], colour[1], colour[2]);
    let _ = writeln!(out, "@{name}@{}@{}{}", filter.text, text(back), text(fore));
}

/// A name on one line.
fn plain(name: &str) -> String {
    let one_line = |c: char| {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            ' '
        } else {
            c
        }
    };
    name.chars().map(one_line).collect()
}

const BLACK: Colour = [0, 0, 0];
const WHITE: Colour = [65535, 65535, 65535];

/// Wrong marks: white on dark red.
const RED: (Colour, Colour) = ([42148, 0, 0], WHITE);
/// Stolen marks: black on amber.
const AMBER: (Colour, Colour) = ([65535, 49152, 16384], BLACK);

/// Classes in turn: pale backgrounds that differ in brightness too.
const CLASSES: [(Colour, Colour); 6] = [
    ([51400, 62965, 51400], BLACK),
    ([50372, 58596, 65535], BLACK),
    ([59624, 55512, 65535], BLACK),
    ([65535, 61166, 51400], BLACK),
    ([46774, 60652, 60652], BLACK),
    ([57311, 57311, 57311], BLACK),
];
