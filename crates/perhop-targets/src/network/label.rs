//! Short names for devices: what a scope's access list and policy are called there.

use sha2::{Digest, Sha256};

/// Longest label.
pub const LONGEST: usize = 20;

/// The label of a scope: its name when that has only letters, digits and `-`, and is short; else the beginning of what
/// is left of it with eight hexadecimal digits of its SHA-256.
#[must_use]
pub fn of_scope(scope: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let whole = scope.chars().all(plain)
        && (1..=LONGEST).contains(&scope.len())
        && scope.starts_with(|c: char| c.is_ascii_alphabetic());
    if whole {
        return scope.to_owned();
    }
    let digest = Sha256::digest(scope.as_bytes());
    let hex: String = digest
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let kept: String = scope
        .chars()
        .map(|c| if plain(c) { c } else { '-' })
        .take(LONGEST - 9)
        .collect();
    let kept = kept.trim_matches(|c: char| !c.is_ascii_alphabetic());
    if kept.is_empty() {
        format!("x-{hex}")
    } else {
        format!("{kept}-{hex}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usual_scopes_keep_their_names() {
        for scope in ["clients", "exchange-um", "mac-clients"] {
            assert_eq!(of_scope(scope), scope);
        }
        assert_ne!(of_scope("clients@A"), of_scope("clients@B"));
        assert!(of_scope("clients@Redmond").starts_with("clients-Red-"));
    }

    proptest! {
        #[test]
        fn a_label_is_plain(scope in any::<String>()) {
            let label = of_scope(&scope);
            prop_assert!(label.len() <= LONGEST && label.starts_with(|c: char| c.is_ascii_alphabetic()));
            prop_assert!(label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
        }
    }
}
