//! GUIDs that depend on nothing but what they stand for.

use sha2::{Digest, Sha256};

/// A GUID of version 8 (RFC 9562 section 5.8) from the SHA-256 of the parts, in braces and upper case as Group Policy
/// writes them. Different parts give different GUIDs.
pub(super) fn derive(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    hash.update(b"perhop windows-gpo");
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let mut hex = String::new();
    for (index, byte) in digest.iter().take(16).enumerate() {
        let byte = match index {
            6 => byte & 0x0f | 0x80,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        if matches!(index, 4 | 6 | 8 | 10) {
            hex.push('-');
        }
        hex.push_str(&format!("{byte:02X}"));
    }
    format!("{{{hex}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_are_stable_and_differ() {
        let one = derive(&["Contoso", "clients", "backup"]);
        assert_eq!(one, derive(&["Contoso", "clients", "backup"]));
        assert_ne!(one, derive(&["Contoso", "client", "sbackup"]));
        assert_eq!(one.len(), 38);
        assert_eq!(&one[15..16], "8");
        assert!(matches!(&one[20..21], "8" | "9" | "A" | "B"));
    }
}
