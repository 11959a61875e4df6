//! Names that every consumer takes: registry keys, PowerShell names, MDM nodes.

/// Longest name, with room for a number at its end; a registry key has at most 255 characters.
const LONGEST: usize = 240;

/// The text with only `A-Z a-z 0-9 space . _ -` in it: punctuation and quotes are left out, runs of other characters
/// become one `-`.
///
/// Never empty, never with a space, a dot or a hyphen at an end.
#[must_use]
pub fn safe(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().filter(|c| !is_left_out(*c)) {
        let c = if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') {
            c
        } else if c.is_whitespace() {
            ' '
        } else {
            '-'
        };
        let repeats = matches!(c, ' ' | '-') && out.ends_with(c);
        if !repeats && out.len() < LONGEST {
            out.push(c);
        }
    }
    let trimmed = out.trim_matches([' ', '.', '-']);
    if trimmed.is_empty() {
        "plan".to_owned()
    } else {
        trimmed.to_owned()
    }
}

fn is_left_out(c: char) -> bool {
    matches!(
        c,
        ',' | ';' | ':' | '!' | '?' | '\'' | '"' | '`' | '(' | ')' | '[' | ']' | '{' | '}'
    ) || matches!(c, '\u{2018}'..='\u{201f}')
}

/// Gives names out once.
#[derive(Debug, Clone, Default)]
pub struct Names {
    taken: Vec<String>,
}

impl Names {
    /// The name, or the name with the first free number from 2; names are the same without case.
    pub fn unique(&mut self, base: &str) -> String {
        let mut name = base.to_owned();
        let mut number = 2u32;
        while self.taken.contains(&name.to_ascii_lowercase()) {
            name = format!("{base} {number}");
            number += 1;
        }
        self.taken.push(name.to_ascii_lowercase());
        name
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_stay_readable() {
        assert_eq!(
            safe("Contoso edge A/V Edge service audio"),
            "Contoso edge A-V Edge service audio"
        );
        assert_eq!(safe("clients@Redmond"), "clients-Redmond");
        assert_eq!(safe("Lync's \"2013\", audio"), "Lyncs 2013 audio");
        assert_eq!(
            safe(" Z\u{fc}rich \u{2019}x\u{2019} $(rm) "),
            "Z-rich x -rm"
        );
        assert_eq!(safe("\u{2014}"), "plan");
        let mut names = Names::default();
        assert_eq!(names.unique("a"), "a");
        assert_eq!(names.unique("A"), "A 2");
        assert_eq!(names.unique("a"), "a 3");
    }

    proptest! {
        #[test]
        fn every_name_is_safe(text in any::<String>()) {
            let name = safe(&text);
            prop_assert!(!name.is_empty() && name.len() <= LONGEST);
            prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || " ._-".contains(c)));
            prop_assert_eq!(name.trim_matches([' ', '.', '-']), name.as_str());
            prop_assert_eq!(safe(&name), name);
        }
    }
}
