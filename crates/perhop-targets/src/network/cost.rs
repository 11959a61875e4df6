//! What ranges cost where hardware compares by value and mask (ternary memory, TCAM).

use std::collections::BTreeSet;

use perhop_policy::{PortMatch, PortRange};

use crate::network::entry::Entry;

/// Entries of ternary memory that a list takes where every range is expanded: for each address family and protocol, the
/// product of what both port ranges and both address lists take.
#[must_use]
pub fn of_entries(entries: &[Entry]) -> u64 {
    entries.iter().map(of_entry).sum()
}

/// Entries that one entry takes.
#[must_use]
pub fn of_entry(entry: &Entry) -> u64 {
    let families = entry.families().into_iter().filter(|is| *is).count();
    [
        families,
        entry.protocols().len(),
        entry.src.len().max(1),
        entry.dst.len().max(1),
    ]
    .into_iter()
    .map(|count| u64::try_from(count).expect("lists are short"))
    .chain([entry.src_ports, entry.dst_ports].map(of_ports))
    .product()
}

/// One line for each range that takes more than one entry, and one for all.
#[must_use]
pub fn lines(entries: &[Entry]) -> Vec<String> {
    let mut out: Vec<String> = dear(entries)
        .into_iter()
        .map(|range| format!("{range} expands to {} TCAM entries", range.mask_entries()))
        .collect();
    out.push(match of_entries(entries) {
        1 => "1 TCAM entry in all".to_owned(),
        count => format!("{count} TCAM entries in all, where ranges are expanded"),
    });
    out
}

/// Sentences for the runbook: what the ranges of these lists cost, and what would cost less.
#[must_use]
pub fn notes<'a>(lists: impl Iterator<Item = &'a [Entry]>) -> Vec<String> {
    let mut ranges = BTreeSet::new();
    let mut all = 0;
    for entries in lists {
        ranges.extend(dear(entries));
        all += of_entries(entries);
    }
    let mut out = Vec::new();
    if all > 0 {
        out.push(format!(
            "Hardware that compares by value and mask takes {all} TCAM entries for this on an interface."
        ));
    }
    let mut ranges: Vec<PortRange> = ranges.into_iter().collect();
    ranges.sort_by_key(|range| std::cmp::Reverse(range.mask_entries()));
    for range in ranges.into_iter().take(MOST) {
        let cheaper = range.aligned().map_or_else(String::new, |other| {
            format!("; a range that begins at a multiple of its size, such as {other}, takes 1")
        });
        out.push(format!(
            "The range {range} expands to {} TCAM entries{cheaper}.",
            range.mask_entries()
        ));
    }
    out
}

/// The ranges that take more than one entry.
fn dear(entries: &[Entry]) -> BTreeSet<PortRange> {
    entries
        .iter()
        .flat_map(|entry| [entry.src_ports, entry.dst_ports])
        .filter_map(PortMatch::range)
        .filter(|range| range.mask_entries() > 1)
        .collect()
}

fn of_ports(ports: PortMatch) -> u64 {
    ports.range().map_or(1, |range| range.mask_entries().into())
}

/// More ranges than this make a runbook unreadable.
const MOST: usize = 4;
