//! `perhop table`.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::Serialize;

use crate::cmd;
use crate::failure::{Failure, Outcome};
use crate::json;
use crate::table::{Row, Table, csv, markup, terminal, xlsx};
use crate::ui::Ui;

/// Name and version of the JSON form.
const SCHEMA: &str = "perhop.table/1";

/// Print the comprehensive table: which component's traffic gets which mark
///
/// One row for each component and communication type: executable, DSCP, protocol, addresses and ports of both ends.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  perhop table plan.toml
  perhop table plan.toml --format markdown >> README.md
  perhop table plan.toml --xlsx qos.xlsx           a workbook: the rules, and who is told which ports

Exit status: 0 printed, 2 the plan is wrong, 3 a file could not be read or written.")]
pub(crate) struct Args {
    /// The plan; `-` is stdin
    plan: PathBuf,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Write a workbook for Excel instead of printing
    #[arg(long, value_name = "FILE", conflicts_with = "format")]
    xlsx: Option<PathBuf>,
}

/// Forms of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal
    Human,
    /// RFC 4180; no cell is taken for a formula
    Csv,
    /// A GitHub table
    Markdown,
    /// A page of its own
    Html,
    /// For programs (docs/schema/table.json)
    Json,
}

#[derive(Debug, Serialize)]
struct Json<'a> {
    schema: &'static str,
    plan: &'a str,
    rows: &'a [Row],
}

/// Prints the table to stdout, or writes the workbook.
///
/// # Errors
/// A plan that cannot be used, a file that cannot be written.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Outcome, Failure> {
    let loaded = cmd::load(&args.plan, ui)?;
    let table = Table::of(&loaded.policy);
    if let Some(path) = &args.xlsx {
        save(path, |out| xlsx::write(out, &table, &loaded.policy))?;
        ui.tell(&format!("wrote `{}`\n", path.display()));
        return Ok(Outcome::AsPlanned);
    }
    match args.format {
        Format::Human => ui.print(&terminal::render(&table, ui.width()))?,
        Format::Csv => raw(ui, &csv::render(&table))?,
        Format::Markdown => raw(ui, &markup::markdown(&table))?,
        Format::Html => raw(ui, &markup::html(&table))?,
        Format::Json => {
            let json = Json {
                schema: SCHEMA,
                plan: &table.plan,
                rows: &table.rows,
            };
            ui.data(|out| json::write(out, &json))?;
        }
    }
    Ok(Outcome::AsPlanned)
}

fn raw(ui: &Ui, text: &str) -> Result<(), Failure> {
    ui.data(|out| out.write_all(text.as_bytes()))
}

/// Writes a file that was named on the command line, whole or not at all, as it is made.
///
/// # Errors
/// Whatever the file system refuses.
pub(crate) fn save(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::file("write", path, &error);
    let buffered = |file: &mut dyn Write| {
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        out.flush()
    };
    // What is no plain file, such as a pipe, cannot be replaced but can be written to.
    if fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
        let mut file = File::options().write(true).open(path).map_err(failed)?;
        return buffered(&mut file).map_err(failed);
    }
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut temporary = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        temporary.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = temporary
        .prefix(".perhop-")
        .tempfile_in(folder)
        .map_err(failed)?;
    buffered(&mut file).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
