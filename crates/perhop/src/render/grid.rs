//! Tables of text in columns that fit the terminal: the widest columns are wrapped first.

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use crate::ui::{BOLD, paint};

/// Spaces between columns.
const GAP: usize = 2;

/// A column of a [`Grid`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Its heading.
    pub(crate) title: &'static str,
    /// Numbers stand right.
    pub(crate) right: bool,
    /// It is not made narrower than this when the table has to shrink; 0 for never.
    pub(crate) floor: usize,
}

impl Column {
    /// Text that may be wrapped down to `floor` columns; never, when that is 0.
    pub(crate) const fn text(title: &'static str, floor: usize) -> Self {
        Self {
            title,
            right: false,
            floor,
        }
    }

    /// A number.
    pub(crate) const fn number(title: &'static str) -> Self {
        Self {
            title,
            right: true,
            floor: 0,
        }
    }
}

/// One field of a row. Line feeds in the text begin new lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    text: String,
    style: Option<Style>,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self {
            text: clean(&text.into()),
            style: None,
        }
    }
}

impl Cell {
    /// A field in a style.
    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self {
            style: Some(style),
            ..text.into().into()
        }
    }
}

/// Rows under headings.
#[derive(Debug)]
pub(crate) struct Grid {
    needs: Needs,
    rows: Vec<Vec<Cell>>,
}

impl Grid {
    /// An empty table.
    pub(crate) fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self {
            needs: Needs::new(columns),
            rows: Vec::new(),
        }
    }

    /// Adds a row; as many cells as columns.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.needs.add(&cells);
        self.rows.push(cells);
    }

    /// Columns needed without wrapping.
    pub(crate) fn natural_width(&self) -> usize {
        total(&self.needs.natural(UnicodeWidthStr::width))
    }

    /// The table, every line ended; wrapped to `width` columns as far as the floors allow.
    pub(crate) fn render(&self, width: Option<usize>) -> String {
        let layout = self.needs.layout(width);
        let mut out = layout.head();
        for row in &self.rows {
            layout.row(row, &mut out);
        }
        out
    }
}

/// How much room the cells of a table need: for tables that are not held, whose rows are made once to be added here, and
/// once more to be written.
#[derive(Debug, Clone)]
pub(crate) struct Needs {
    columns: Vec<Column>,
    /// The longest line of each column.
    lines: Vec<usize>,
    /// The longest piece of each column that is not broken gladly.
    words: Vec<usize>,
}

impl Needs {
    /// Of no rows yet.
    pub(crate) fn new(columns: impl Into<Vec<Column>>) -> Self {
        let columns = columns.into();
        Self {
            lines: vec![0; columns.len()],
            words: vec![0; columns.len()],
            columns,
        }
    }

    /// Adds a row; as many cells as columns.
    pub(crate) fn add(&mut self, cells: &[Cell]) {
        debug_assert_eq!(cells.len(), self.columns.len());
        for (at, cell) in cells.iter().enumerate() {
            for line in cell.text.split('\n') {
                self.lines[at] = self.lines[at].max(line.width());
                for word in pieces(line, 0) {
                    self.words[at] = self.words[at].max(word.trim_end().width());
                }
            }
        }
    }

    /// The columns as wide as they need to be, or as far as the floors allow such that all fit.
    pub(crate) fn layout(&self, width: Option<usize>) -> Layout {
        Layout {
            widths: self.fit(width),
            columns: self.columns.clone(),
        }
    }

    /// Widths without wrapping any cell; `title` is how wide a heading has to be.
    fn natural(&self, title: impl Fn(&str) -> usize) -> Vec<usize> {
        let columns = self.columns.iter().zip(&self.lines);
        columns
            .map(|(column, longest)| title(column.title).max(*longest))
            .collect()
    }

    fn fit(&self, width: Option<usize>) -> Vec<usize> {
        let mut widths = self.natural(UnicodeWidthStr::width);
        let Some(limit) = width.filter(|limit| total(&widths) > *limit) else {
            return widths;
        };
        let longest_word = |title: &str| {
            title
                .split(' ')
                .map(UnicodeWidthStr::width)
                .max()
                .unwrap_or(0)
        };
        widths = self.natural(longest_word);
        while total(&widths) > limit {
            let widest = |least: &dyn Fn(usize) -> usize| {
                (0..widths.len())
                    .filter(|index| {
                        self.columns[*index].floor > 0 && widths[*index] > least(*index)
                    })
                    .max_by_key(|index| widths[*index])
            };
            // First where a cell breaks between words, then within words.
            let gives = widest(&|index| self.columns[index].floor.max(self.words[index]))
                .or_else(|| widest(&|index| self.columns[index].floor));
            match gives {
                Some(index) => widths[index] -= 1,
                None => break,
            }
        }
        widths
    }
}

/// Columns whose widths are settled.
#[derive(Debug)]
pub(crate) struct Layout {
    columns: Vec<Column>,
    widths: Vec<usize>,
}

impl Layout {
    /// The headings, and a rule below.
    pub(crate) fn head(&self) -> String {
        let mut out = String::new();
        let head: Vec<Cell> = self
            .columns
            .iter()
            .map(|column| Cell::styled(column.title, BOLD))
            .collect();
        self.row(&head, &mut out);
        let rules: Vec<Cell> = self
            .widths
            .iter()
            .map(|width| "-".repeat(*width).into())
            .collect();
        self.row(&rules, &mut out);
        out
    }

    /// Adds the lines of a row.
    pub(crate) fn row(&self, cells: &[Cell], out: &mut String) {
        let wrapped: Vec<Vec<String>> = cells
            .iter()
            .zip(&self.widths)
            .map(|(cell, width)| wrap(&cell.text, *width))
            .collect();
        let height = wrapped.iter().map(Vec::len).max().unwrap_or(1);
        for line in 0..height {
            let mut pending = 0;
            for (index, width) in self.widths.iter().enumerate() {
                let piece = wrapped[index].get(line).map_or("", String::as_str);
                let space = width.saturating_sub(piece.width());
                let (before, after) = if self.columns[index].right {
                    (space, 0)
                } else {
                    (0, space)
                };
                if !piece.is_empty() {
                    out.push_str(&" ".repeat(pending + before));
                    pending = 0;
                    match cells[index].style {
                        Some(style) => out.push_str(&paint(style, piece)),
                        None => out.push_str(piece),
                    }
                    pending += after + GAP;
                } else {
                    pending += width + GAP;
                }
            }
            out.push('\n');
        }
    }
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

/// Text without control characters but for line feeds, so that no value moves the cursor or changes colours.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' => '\n',
            '\t' => ' ',
            c if c.is_control() || is_bidi(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

const fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Breaks after spaces; a word that is longer than a line also after joints such as `-` and `,`, and anywhere when
/// nothing else helps.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for piece in pieces(paragraph, width) {
            if line.width() + piece.trim_end().width() > width && !line.is_empty() {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
            }
            if piece.trim_end().width() <= width {
                line.push_str(piece);
                continue;
            }
            hard_wrap(piece, width, &mut line, &mut lines);
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// Breaks a word that is longer than a line: before a capital or a full stop where it can, else anywhere.
fn hard_wrap(word: &str, width: usize, line: &mut String, lines: &mut Vec<String>) {
    let mut before = ' ';
    let mut joint = None;
    for c in word.chars() {
        if c == '.' || (c.is_uppercase() && before.is_lowercase()) {
            joint = Some(line.len()).filter(|at| *at > 0);
        }
        while !line.is_empty() && format!("{line}{c}").width() > width {
            let rest = joint
                .take()
                .map_or_else(String::new, |at| line.split_off(at));
            lines.push(std::mem::replace(line, rest));
        }
        line.push(c);
        before = c;
    }
}

/// The parts of a text after which a line of this width may end.
fn pieces(text: &str, width: usize) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ').flat_map(move |word| {
        let is_long = word.trim_end().width() > width;
        word.split_inclusive(move |c| is_long && matches!(c, '-' | ',' | '/' | '\\' | '@'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn the_widest_column_gives_way_first() {
        let mut grid = Grid::new([
            Column::text("Name", 8),
            Column::text("Ports", 0),
            Column::number("DSCP"),
        ]);
        grid.row(vec![
            "A/V Conferencing service".into(),
            "49152-57499".into(),
            "46".into(),
        ]);
        grid.row(vec!["".into(), "any".into(), "0".into()]);
        assert_eq!(
            plain(&grid.render(Some(36))),
            "\
Name               Ports        DSCP
-----------------  -----------  ----
A/V Conferencing   49152-57499    46
service
                   any             0
"
        );
        assert_eq!(plain(&grid.render(None)).lines().nth(2).unwrap().len(), 43);
    }

    #[test]
    fn long_words_and_wide_letters_wrap_anywhere() {
        assert_eq!(
            wrap("MediationServerSvc.exe", 10),
            ["Mediation", "ServerSvc", ".exe"]
        );
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("漢字漢字", 4), ["漢字", "漢字"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("a b", 0), ["a", "b"]);
    }

    #[test]
    fn a_word_is_broken_only_when_it_is_longer_than_a_line() {
        assert_eq!(
            wrap("run `Get-NetQosPolicy -PolicyStore ActiveStore`", 24),
            ["run `Get-NetQosPolicy", "-PolicyStore", "ActiveStore`"]
        );
        assert_eq!(wrap("1 out-of-range", 12), ["1", "out-of-range"]);
        assert_eq!(wrap("1 out-of-range", 8), ["1 out-", "of-range"]);
    }

    #[test]
    fn no_value_moves_the_cursor() {
        assert_eq!(clean("a\u{1b}[2Jb\tc\u{202e}"), "a\u{fffd}[2Jb c\u{fffd}");
    }

    proptest::proptest! {
        #[test]
        fn no_line_is_wider_than_asked(text in "\\PC{0,60}", width in 2..20usize) {
            for line in wrap(&text, width) {
                proptest::prop_assert!(line.width() <= width, "{line:?}");
            }
        }
    }
}
