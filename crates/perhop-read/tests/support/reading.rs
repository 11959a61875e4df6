//! The check of any bytes, shared with the fuzz target.

use perhop_read::{Input, Reading, Words, audit};

/// Reads bytes as a file of any form, and holds what reading promises.
pub(crate) fn keeps_its_word(bytes: &[u8]) {
    let words = Words {
        executables: vec!["lync.exe".to_owned(), "AttendantConsole.exe".to_owned()],
        misspelt: Vec::new(),
    };
    let input = Input {
        name: "file",
        bytes,
    };
    let reading = Reading::of(&[input], &words);
    assert_eq!(reading.files.len(), 1);
    let file = &reading.files[0];
    assert!(file.left.len() <= perhop_read::reading::MAX_LEFT);
    for finding in reading.findings() {
        assert!(!finding.message.is_empty());
        assert!(finding.place.as_ref().is_none_or(|place| place.file == 0));
    }
    for fact in reading.facts() {
        assert_eq!(fact.place.file, 0);
    }
    let policy = perhop_policy::PolicySet::try_new(perhop_policy::set::Parts::default());
    let audit = audit::audit(&policy.expect("nothing contradicts nothing"), &reading);
    assert!(audit.rules.is_empty());
}
