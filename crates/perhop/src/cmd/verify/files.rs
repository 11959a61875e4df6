//! Files that are written beside what is printed: the page, the workbook, the series.

use std::path::Path;

use super::Args;
use crate::cmd::table::save;
use crate::failure::Failure;
use crate::report::{FlowTable, View, page, series, xlsx};
use crate::ui::Ui;

/// Whether a file was asked for.
pub(super) fn any(args: &Args) -> bool {
    named(args).next().is_some()
}

/// Writes all that were asked for.
///
/// # Errors
/// A file that cannot be written.
pub(super) fn write(args: &Args, view: &View<'_>, flows: &FlowTable<'_>) -> Result<(), Failure> {
    if let Some(path) = &args.html {
        save(path, |out| out.write_all(page::render(view).as_bytes()))?;
    }
    if let Some(path) = &args.series {
        save(path, |out| {
            out.write_all(series::csv(&view.series).as_bytes())
        })?;
    }
    if let Some(path) = &args.xlsx {
        save(path, |out| xlsx::write(out, view, flows))?;
    }
    Ok(())
}

/// Says what was written.
pub(super) fn tell(args: &Args, ui: &Ui) {
    for path in named(args) {
        ui.tell(&format!("wrote `{}`\n", path.display()));
    }
}

fn named(args: &Args) -> impl Iterator<Item = &Path> {
    let files = [&args.html, &args.xlsx, &args.series];
    files.into_iter().flatten().map(AsRef::as_ref)
}
