//! "Did you mean": the nearest of the names that would have been right.

/// The candidate nearest to `word` by edits, when it is near enough to be meant.
///
/// Case is no edit. Equal distances go to the first in order of the candidates.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_within(word, candidates, 1 + word.chars().count().min(LONGEST) / 4)
}

/// The candidate nearest to `word`, at most so many edits away.
#[must_use]
pub fn nearest_within<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    most: usize,
) -> Option<&'a str> {
    let word: Vec<char> = word
        .chars()
        .take(LONGEST)
        .flat_map(char::to_lowercase)
        .collect();
    candidates
        .into_iter()
        .map(|candidate| {
            let other: Vec<char> = candidate.chars().flat_map(char::to_lowercase).collect();
            (edits(&word, &other), candidate)
        })
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// ``did you mean `x`?``, or nothing.
#[must_use]
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(word, candidates).map(|found| format!("did you mean `{found}`?"))
}

/// Insertions, deletions, substitutions and swaps of neighbours.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(x != y))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// Names are short; longer words cannot be near one.
const LONGEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_offered_and_far_ones_are_not() {
        let names = ["audio", "video", "app-sharing"];
        assert_eq!(nearest("adio", names), Some("audio"));
        assert_eq!(nearest("Audio", names), Some("audio"));
        assert_eq!(nearest("vdieo", names), Some("video"));
        assert_eq!(nearest("appsharing", names), Some("app-sharing"));
        assert_eq!(nearest("telephony", names), None);
        assert_eq!(nearest("", names), None);
        assert_eq!(nearest(&"x".repeat(100_000), names), None);
    }
}
