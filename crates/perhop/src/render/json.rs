//! Diagnostics as JSON; `docs/schema/check.json` says what is in it.

use perhop_policy::{Diagnostic, Span};
use serde::Serialize;

use crate::render::Tally;
use crate::source::Source;

/// The name and version of what is written.
pub(crate) const SCHEMA: &str = "perhop.check/1";

/// One diagnostic.
#[derive(Debug, Serialize)]
pub(crate) struct JsonDiagnostic<'a> {
    code: &'a str,
    severity: &'static str,
    message: &'a str,
    labels: Vec<JsonLabel<'a>>,
    notes: &'a [String],
    helps: &'a [String],
}

#[derive(Debug, Serialize)]
struct JsonLabel<'a> {
    file: &'a str,
    start: JsonPosition,
    end: JsonPosition,
    text: &'a str,
    primary: bool,
}

#[derive(Debug, Serialize)]
struct JsonPosition {
    byte: usize,
    line: usize,
    column: usize,
}

/// How many of each severity.
#[derive(Debug, Serialize)]
pub(crate) struct JsonTally {
    errors: usize,
    warnings: usize,
    notes: usize,
}

impl From<Tally> for JsonTally {
    fn from(tally: Tally) -> Self {
        Self {
            errors: tally.errors,
            warnings: tally.warnings,
            notes: tally.infos,
        }
    }
}

/// The diagnostics with their places.
pub(crate) fn diagnostics<'a>(
    diagnostics: &'a [Diagnostic],
    source: &'a Source,
) -> Vec<JsonDiagnostic<'a>> {
    diagnostics
        .iter()
        .map(|one| JsonDiagnostic {
            code: one.code,
            severity: one.severity.as_str(),
            message: &one.message,
            labels: one
                .labels
                .iter()
                .map(|label| JsonLabel {
                    file: &source.name,
                    start: position(source, label.span, false),
                    end: position(source, label.span, true),
                    text: &label.text,
                    primary: label.primary,
                })
                .collect(),
            notes: &one.notes,
            helps: &one.helps,
        })
        .collect()
}

fn position(source: &Source, span: Span, end: bool) -> JsonPosition {
    let range = source.range(span);
    let byte = if end { range.end } else { range.start };
    let at = source.position(byte);
    JsonPosition {
        byte,
        line: at.line,
        column: at.column,
    }
}
