//! Diagnostics as rustc prints them: the text of the plan, both places, the reason and the edit.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str};
use perhop_policy::{Diagnostic, Severity};

use crate::render::Tally;
use crate::source::Source;
use crate::ui::{BAD, WARN, paint};

/// Columns of a text that is not for a terminal.
const WIDTH: usize = 120;

/// All diagnostics, each followed by an empty line.
pub(crate) fn render(diagnostics: &[Diagnostic], source: &Source, width: Option<usize>) -> String {
    let renderer = Renderer::styled().term_width(width.unwrap_or(WIDTH));
    let mut out = String::new();
    for diagnostic in diagnostics {
        out.push_str(&renderer.render(&[group(diagnostic, source)]));
        out.push_str("\n\n");
    }
    out
}

/// A last line such as `2 errors, 1 warning: the plan cannot be used`; empty when there is nothing to sum up.
pub(crate) fn summary(diagnostics: &[Diagnostic], consequence: &str) -> String {
    let tally = Tally::of(diagnostics);
    tally.text().map_or_else(String::new, |text| {
        let style = if tally.errors > 0 { BAD } else { WARN };
        format!("{}: {consequence}\n", paint(style, &text))
    })
}

fn group<'a>(diagnostic: &'a Diagnostic, source: &'a Source) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let title = level
        .primary_title(normalize_untrusted_str(&diagnostic.message))
        .id(diagnostic.code);
    let mut group = Group::with_title(title);
    if !diagnostic.labels.is_empty() {
        let annotations = diagnostic.labels.iter().map(|label| {
            let kind = if label.primary {
                AnnotationKind::Primary
            } else {
                AnnotationKind::Context
            };
            kind.span(source.range(label.span))
                .label(normalize_untrusted_str(&label.text))
        });
        group = group.element(
            Snippet::source(source.text.as_str())
                .path(source.name.as_str())
                .fold(true)
                .annotations(annotations),
        );
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(normalize_untrusted_str(note)));
    }
    for help in &diagnostic.helps {
        group = group.element(Level::HELP.message(normalize_untrusted_str(help)));
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;
    use perhop_policy::Span;

    fn plain(text: &str, diagnostic: Diagnostic) -> String {
        let source = Source::new("site.toml".into(), text.into(), Vec::new());
        anstream::adapter::strip_str(&render(&[diagnostic], &source, None)).to_string()
    }

    fn find(text: &str, what: &str) -> Span {
        let at = text.find(what).unwrap();
        Span::new(at, at + what.len())
    }

    #[test]
    fn both_places_the_reason_and_the_edit() {
        let text = "[a]\nports = \"20000-20039\"\n\n\n\n\n\n[b]\nports = \"20030-20069\"\n";
        let shown = plain(
            text,
            Diagnostic::error("plan/port-overlap", "`b` and `a` share 10 source ports")
                .primary(find(text, "\"20030-20069\""), "20030 to 20039 are taken")
                .secondary(find(text, "\"20000-20039\""), "`a` has 20000 to 20039")
                .note("a shared port has no one mark")
                .help("start `b` at 20040"),
        );
        assert_eq!(
            shown,
            "\
error[plan/port-overlap]: `b` and `a` share 10 source ports
 --> site.toml:9:9
  |
2 | ports = \"20000-20039\"
  |         ------------- `a` has 20000 to 20039
...
9 | ports = \"20030-20069\"
  |         ^^^^^^^^^^^^^ 20030 to 20039 are taken
  |
  = note: a shared port has no one mark
  = help: start `b` at 20040

"
        );
    }

    #[test]
    fn carriage_returns_tabs_and_letters_stay_in_their_columns() {
        let text = "# größe\r\n\tports = \"1-2\" # 漢字 \u{202e}evil\r\nx = 1\r\n";
        let shown = plain(
            text,
            Diagnostic::warning("plan/x", "m").primary(find(text, "\"1-2\""), "here"),
        );
        assert!(shown.contains("--> site.toml:2:10"), "{shown}");
        let caret = shown.lines().find(|line| line.contains('^')).unwrap();
        let above = shown.lines().find(|line| line.contains("ports")).unwrap();
        assert_eq!(caret.find('^'), above.find('"'), "{shown}");
        assert!(
            !shown.contains('\r') && !shown.contains('\u{202e}'),
            "{shown}"
        );
    }

    #[test]
    fn spans_that_lie_do_not_panic() {
        let text = "é = \"x\"";
        for (start, end) in [(0, 0), (1, 1), (1, 2), (8, 8), (7, 9999), (9999, 3), (4, 1)] {
            let shown = plain(
                text,
                Diagnostic::error("plan/x", "m")
                    .primary(Span::new(start, end), "")
                    .secondary(Span::new(end, start), "b"),
            );
            assert!(shown.contains("plan/x"));
        }
        let shown = plain(
            "",
            Diagnostic::error("plan/x", "m").primary(Span::new(0, 0), "empty"),
        );
        assert!(shown.contains("empty"), "{shown}");
    }
}
