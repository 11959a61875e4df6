//! The name that was probably meant.

/// The known name nearest to `given`, when it is near enough to be a slip of the hand.
#[must_use]
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given: Vec<char> = given.to_lowercase().chars().take(MAX_LENGTH).collect();
    let limit = (given.len() / 3).max(2);
    known
        .into_iter()
        .map(|name| (distance(&given, &name.chars().collect::<Vec<_>>()), name))
        .filter(|(far, name)| *far <= limit && *far < name.chars().count())
        .min_by_key(|(far, _)| *far)
        .map(|(_, name)| name)
}

/// `help` text for an unknown name: the nearest one, or all of them.
#[must_use]
pub fn help(given: &str, known: &[&str]) -> String {
    match nearest(given, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None if known.is_empty() => "there are none; remove it".to_owned(),
        None => {
            let all: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            format!("the known ones are {}", all.join(", "))
        }
    }
}

/// Levenshtein's distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Longer names than this are cut before they are compared.
const MAX_LENGTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let known = ["lync-shell", "windows-gpo", "wireshark"];
        assert_eq!(nearest("lync-shel", known), Some("lync-shell"));
        assert_eq!(nearest("Windows-GOP", known), Some("windows-gpo"));
        assert_eq!(nearest("wireshrak", known), Some("wireshark"));
        assert_eq!(nearest("cisco", known), None);
        assert_eq!(help("cisco", &["a", "b"]), "the known ones are `a`, `b`");
        assert_eq!(nearest("", known), None);
    }
}
