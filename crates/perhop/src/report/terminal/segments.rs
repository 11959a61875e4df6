//! What happened between points, for a terminal.

use crate::render::grid::{Cell, Column, Grid, clean, wrap};
use crate::render::grouped;
use crate::report::Tone;
use crate::report::points::{SegmentRow, SegmentView};
use crate::ui::{BAD, BOLD, DIM, GOOD, WARN, paint};

/// One way of one segment: a table, and what is to be said of it.
pub(super) fn render(view: &SegmentView, width: usize, out: &mut String) {
    out.push_str(&format!("\n{}\n", paint(BOLD, &clean(&view.title))));
    if !view.rows.is_empty() {
        out.push_str(&table(&view.rows).render(Some(width)));
    }
    for note in &view.notes {
        for (index, line) in wrap(&clean(note), width.saturating_sub(2))
            .iter()
            .enumerate()
        {
            let sign = if index == 0 { "- " } else { "  " };
            out.push_str(&format!("{}\n", paint(DIM, &format!("{sign}{line}"))));
        }
    }
}

fn table(rows: &[SegmentRow]) -> Grid {
    let mut grid = Grid::new(vec![
        Column::text("Class", 9),
        Column::text("Sent with", 0),
        Column::text("Arrives with", 8),
        Column::number("Packets"),
        Column::number("Lost"),
        Column::number("Late: half"),
        Column::number("99 %"),
        Column::number("most"),
    ]);
    for row in rows {
        let style = match row.tone {
            Tone::Good | Tone::Info => GOOD,
            Tone::Warn => WARN,
            Tone::Bad => BAD,
        };
        let marks: Vec<String> = row
            .arrive_with
            .iter()
            .map(|(mark, packets)| match row.arrive_with.len() {
                1 => mark.to_string(),
                _ => format!("{} × {mark}", grouped(*packets)),
            })
            .collect();
        let marks = if marks.is_empty() {
            "-".to_owned()
        } else {
            marks.join(", ")
        };
        let [half, _, most_of, most] = row.delays().map(|text| text.replace('–', "-"));
        let arrives = if row.tone == Tone::Info {
            Cell::from(marks)
        } else {
            Cell::styled(marks, style)
        };
        grid.row(vec![
            Cell::from(row.class.clone()),
            Cell::from(row.sent_with.to_string()),
            arrives,
            Cell::from(grouped(row.sent)),
            Cell::from(row.lost()),
            Cell::from(half),
            Cell::from(most_of),
            Cell::from(most),
        ]);
    }
    grid
}
