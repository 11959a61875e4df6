//! Names of folders: one for each scope, the same on every file system.

use sha2::{Digest, Sha256};

/// Longest folder name that is not shortened.
const LONGEST: usize = 80;

/// The folder of a scope: its name with everything but `A-Z a-z 0-9 . - @` written as `_` and two hexadecimal digits a
/// byte, so that different scopes have different folders. What Windows reserves (`con`, `nul` …) gets a `_` too.
#[must_use]
pub fn of_scope(scope: &str) -> String {
    let mut out = String::new();
    for byte in scope.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'@') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("_{byte:02x}"));
        }
    }
    let dots = out.starts_with('.') || out.ends_with('.');
    if out.len() > LONGEST || dots || out.is_empty() || is_reserved(&out) {
        let digest = Sha256::digest(scope.as_bytes());
        let hex: String = digest
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        out.truncate(LONGEST);
        out = format!("{}__{hex}", out.trim_matches('.'));
    }
    out
}

/// Device names of Windows, with any extension.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix)
            .is_some_and(|rest| rest.len() == 1 && rest.chars().all(|c| c.is_ascii_digit()))
    };
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usual_scopes_keep_their_names() {
        for scope in [
            "clients",
            "exchange-um",
            "clients@Redmond",
            "clients@pool01.contoso.com",
        ] {
            assert_eq!(of_scope(scope), scope);
        }
        assert_eq!(of_scope("clients@New York"), "clients@New_20York");
        assert_eq!(of_scope("clients@Z\u{fc}rich"), "clients@Z_c3_bcrich");
        assert_ne!(of_scope("a_20b"), of_scope("a b"));
        assert_ne!(of_scope("nul.x"), "nul.x");
        assert_eq!(of_scope("..").find('.'), None);
    }

    proptest! {
        #[test]
        fn a_folder_is_one_segment(scope in any::<String>(), other in any::<String>()) {
            let folder = of_scope(&scope);
            prop_assert!(!folder.is_empty() && folder.len() <= 100);
            prop_assert!(folder.chars().all(|c| c.is_ascii_alphanumeric() || "._-@".contains(c)));
            prop_assert!(!folder.starts_with('.') && !folder.ends_with('.'));
            prop_assert_eq!(folder == of_scope(&other), scope == other);
        }
    }
}
