//! What every load keeps, whatever the text is. The fuzz target runs the same function.

use perhop_policy::{Diagnostic, FileId, Severity};

/// Loads bytes as a plan and holds the result against what a load promises.
///
/// # Panics
/// When it breaks its word.
pub(crate) fn keeps_its_word(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let loaded = perhop_plan::load(FileId(3), text);
    let errors = loaded
        .diagnostics
        .iter()
        .any(|one| one.severity == Severity::Error);
    assert_eq!(
        loaded.policy.is_none(),
        errors,
        "a policy exactly when there is no error"
    );
    let accepted = loaded.allowed.iter().map(|one| &one.diagnostic);
    for one in loaded.diagnostics.iter().chain(accepted) {
        well_formed(text, one);
    }
}

fn well_formed(text: &str, one: &Diagnostic) {
    let code = one.code;
    let mut known = perhop_plan::CODES.iter().chain(perhop_policy::set::CODES);
    assert!(known.any(|info| info.code == code), "{code} is in no list");
    assert!(
        !one.message.is_empty() && !one.message.ends_with('.'),
        "{code}: {}",
        one.message
    );
    assert!(
        !one.message.contains(['\n', '\r', '\0']),
        "{code}: {:?}",
        one.message
    );
    assert!(
        one.labels.iter().skip(1).all(|label| !label.primary),
        "{code}: primary comes first"
    );
    for label in &one.labels {
        let span = label.span;
        assert_eq!(span.file, FileId(3), "{code}: the file that was given");
        assert!(
            text.get(span.start..span.end).is_some(),
            "{code}: {span:?} of {}",
            text.len()
        );
    }
}
