//! The table for a terminal: nine columns where there is room, addresses over ports where there is not.

use crate::render::counted;
use crate::render::grid::{Column, Grid};
use crate::table::{Row, Table};
use crate::ui::{BOLD, paint};

/// The table with a line above and one below.
pub(crate) fn render(table: &Table, width: Option<usize>) -> String {
    let wide = wide(table);
    let body = match width {
        Some(columns) if wide.natural_width() > columns => {
            let narrow = narrow(table);
            if columns >= 120 { wide } else { narrow }.render(width)
        }
        _ => wide.render(None),
    };
    let scopes: std::collections::BTreeSet<&str> =
        table.rows.iter().map(|row| row.scope.as_str()).collect();
    format!(
        "{}\n\n{body}\n{} in {}; `both` is TCP and UDP\n",
        paint(BOLD, &crate::render::grid::clean(&table.plan)),
        counted(table.rows.len(), "rule"),
        counted(scopes.len(), "scope"),
    )
}

fn wide(table: &Table) -> Grid {
    let mut columns = vec![
        Column::text("Component", 16),
        Column::text("Type", 9),
        Column::text("Executable", 14),
        Column::text("DSCP", 0),
        Column::text("Protocol", 0),
        Column::text("Source IP", 10),
        Column::text("Destination IP", 10),
        Column::text("Source ports", 0),
        Column::text("Destination ports", 11),
    ];
    if table.throttled {
        columns.push(Column::text("Throttle", 0));
    }
    if table.scoped {
        columns.push(Column::text("Scope", 10));
    }
    let mut grid = Grid::new(columns);
    each(table, |row, component| {
        let mut cells = vec![
            component.into(),
            row.communication_type.clone().into(),
            row.executable.clone().into(),
            row.mark().into(),
            row.protocol.into(),
            row.source_ip.clone().into(),
            row.destination_ip.clone().into(),
            row.source_ports.clone().into(),
            row.destination_ports.clone().into(),
        ];
        if table.throttled {
            cells.push(row.rate().into());
        }
        if table.scoped {
            cells.push(row.scope.clone().into());
        }
        grid.row(cells);
    });
    grid
}

fn narrow(table: &Table) -> Grid {
    let mut grid = Grid::new([
        Column::text("Component", 12),
        Column::text("Type", 7),
        Column::text("Executable", 10),
        Column::text("DSCP", 0),
        Column::text("Prot.", 0),
        Column::text("From", 11),
        Column::text("To", 11),
    ]);
    each(table, |row, component| {
        let component = if table.scoped && !component.is_empty() {
            format!("{component}\n({})", row.scope)
        } else {
            component.to_owned()
        };
        let mark = match &row.throttle {
            Some(rate) => format!("{}\n{rate}", row.mark()),
            None => row.mark(),
        };
        grid.row(vec![
            component.into(),
            row.communication_type.clone().into(),
            row.executable.clone().into(),
            mark.into(),
            row.protocol.into(),
            end(&row.source_ip, &row.source_ports).into(),
            end(&row.destination_ip, &row.destination_ports).into(),
        ]);
    });
    grid
}

/// One end of a rule: the address, and the ports below it.
fn end(address: &str, ports: &str) -> String {
    match (address, ports) {
        ("any", ports) => ports.to_owned(),
        (address, "any") => address.to_owned(),
        (address, ports) => format!("{address}\n{ports}"),
    }
}

fn each(table: &Table, mut row: impl FnMut(&Row, &str)) {
    for group in table.groups() {
        for (index, one) in group.iter().enumerate() {
            row(one, if index == 0 { &one.component } else { "" });
        }
    }
}
