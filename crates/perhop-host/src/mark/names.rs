//! File names as the kernel's tables have them: one entry for each way of writing a name in capital and small letters.
//!
//! The program that looks names up folds the letters A to Z and no others, since that is all it can do in few steps; the
//! plan compares names as Unicode does. The other letters' forms are entries of their own.

use std::sync::OnceLock;

use super::{NAME_BYTES, name_key};

/// More forms of one name than this are refused.
const MOST: usize = 256;

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameFault {
    /// It is longer than the kernel compares.
    Long,
    /// It can be written in more ways than the tables take.
    Forms,
}

/// The keys of a file name, one for each form of it.
///
/// # Errors
/// [`NameFault`]
pub fn keys(name: &str) -> Result<Vec<[u8; NAME_BYTES]>, NameFault> {
    let small = name.to_lowercase();
    let own = name_key(&small, false).ok_or(NameFault::Long)?;
    let letters: Vec<char> = small.chars().collect();
    let mut forms = vec![String::new()];
    let mut at = 0;
    while at < letters.len() {
        let mut ways = vec![letters[at].to_string()];
        let each = others().iter().filter(|(letter, _)| *letter == letters[at]);
        ways.extend(each.map(|(_, other)| other.to_string()));
        // The one capital letter that becomes two small ones.
        let dotted = letters[at] == 'i' && letters.get(at + 1) == Some(&'\u{307}');
        let mut next = longer(&forms, &ways);
        if dotted {
            let whole = ["i\u{307}".to_owned(), "\u{130}".to_owned()];
            next = longer(&forms, &whole);
            at += 1;
        }
        if next.len() > MOST {
            return Err(NameFault::Forms);
        }
        forms = next;
        at += 1;
    }
    let mut out = vec![own];
    for form in forms {
        // The last letter of a Greek word depends on where it stands.
        if form.to_lowercase() == small
            && let Some(key) = name_key(&form, true)
            && !out.contains(&key)
        {
            out.push(key);
        }
    }
    Ok(out)
}

fn longer(forms: &[String], ways: &[String]) -> Vec<String> {
    forms
        .iter()
        .flat_map(|form| ways.iter().map(move |way| format!("{form}{way}")))
        .collect()
}

/// Letters outside A to Z that have a small letter: small letter, the other.
fn others() -> &'static [(char, char)] {
    static ALL: OnceLock<Vec<(char, char)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut out = vec![('\u{3c2}', '\u{3a3}')];
        for letter in '\u{80}'..=char::MAX {
            let mut small = letter.to_lowercase();
            if let (Some(first), None) = (small.next(), small.next())
                && first != letter
            {
                out.push((first, letter));
            }
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use perhop_policy::AppMatch;
    use proptest::prelude::*;

    fn letter() -> impl Strategy<Value = char> {
        prop::sample::select(vec![
            'a', 'A', 'k', 'K', '\u{212a}', '\u{e9}', '\u{c9}', '\u{df}', '\u{1e9e}', '\u{3c3}',
            '\u{3c2}', '\u{3a3}', 'i', 'I', '\u{131}', '\u{130}', '\u{307}', '-',
        ])
    }

    #[test]
    fn a_plain_name_has_one_key() {
        assert_eq!(keys("Phone").unwrap(), [name_key("phone", true).unwrap()]);
        assert_eq!(keys(&"a".repeat(63)), Err(NameFault::Long));
        assert_eq!(keys(&"\u{e9}".repeat(9)), Err(NameFault::Forms));
    }

    proptest! {
        #[test]
        fn keys_agree_with_the_plan(
            name in prop::collection::vec(letter(), 1..4),
            file in prop::collection::vec(letter(), 1..4),
        ) {
            let (name, file): (String, String) = (name.iter().collect(), file.iter().collect());
            let found = keys(&name).unwrap().contains(&name_key(&file, true).unwrap());
            prop_assert_eq!(found, AppMatch::Name(name).matches(Some(&file)));
        }
    }
}
