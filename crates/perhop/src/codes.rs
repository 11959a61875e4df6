//! Every code that any stage raises, and its page.

use perhop_policy::CodeInfo;

include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// All codes, in the order of the stages.
pub(crate) fn all() -> impl Iterator<Item = &'static CodeInfo> {
    [
        perhop_plan::CODES,
        perhop_policy::set::CODES,
        perhop_targets::CODES,
        perhop_read::CODES,
        perhop_verify::CODES,
        perhop_verify::points::CODES,
    ]
    .into_iter()
    .flatten()
}

/// The page of a code.
pub(crate) fn page(code: &str) -> Option<&'static str> {
    PAGES
        .binary_search_by_key(&code, |(known, _)| known)
        .ok()
        .map(|index| PAGES[index].1)
}

/// The codes that a name means: a code, a code without its stage, or a rule such as `UC-03`. Case does not matter.
pub(crate) fn find(name: &str) -> Vec<&'static CodeInfo> {
    let name = name.trim().to_lowercase();
    all()
        .filter(|info| {
            let slug = info
                .code
                .split_once('/')
                .map_or(info.code, |(_, slug)| slug);
            info.code == name
                || slug == name
                || info.rules.iter().any(|rule| rule.to_lowercase() == name)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let codes: BTreeSet<&str> = all().map(|info| info.code).collect();
        let pages: BTreeSet<&str> = PAGES.iter().map(|(code, _)| *code).collect();
        let missing: Vec<_> = codes.difference(&pages).collect();
        let stale: Vec<_> = pages.difference(&codes).collect();
        assert!(
            missing.is_empty() && stale.is_empty(),
            "missing {missing:?}, stale {stale:?}"
        );
    }

    #[test]
    fn codes_are_said_once() {
        let codes: Vec<&str> = all().map(|info| info.code).collect();
        let once: BTreeSet<&str> = codes.iter().copied().collect();
        assert_eq!(codes.len(), once.len());
    }

    #[test]
    fn every_page_begins_with_its_code() {
        for (code, page) in PAGES {
            let first = page.lines().next().unwrap_or_default();
            assert!(
                first.starts_with('#') && first.contains(code),
                "{code}: {first}"
            );
        }
    }
}
