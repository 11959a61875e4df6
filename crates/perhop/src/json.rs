//! JSON that leaves the process.

use std::io::{self, Write};

use serde::Serialize;

/// Writes a value, indented, with a line feed at the end.
///
/// # Errors
/// The writer's.
pub(crate) fn write(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value).map_err(io::Error::from)?;
    out.write_all(b"\n")
}
