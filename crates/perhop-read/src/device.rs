//! Configurations of network devices: what their policies mark.

mod ios;
mod junos;
mod lists;
mod routeros;
mod vyos;

use crate::reading::{FileRead, Format};

/// Whether a text has lines that only such configurations begin with.
pub(crate) fn is_one(text: &str) -> bool {
    junos::is_one(text)
        || routeros::is_one(text)
        || vyos::is_one(text)
        || text.lines().any(|line| {
            let words: Vec<&str> = line.split_ascii_whitespace().take(5).collect();
            match words[..] {
                ["class-map", "match-any" | "match-all" | "type", _, ..] | ["class-map", _] => true,
                ["policy-map", _] | ["policy-map", "type", _, _] => true,
                ["ip", "access-list", "extended" | "standard", _] => true,
                ["service-policy", "input" | "output", _] => true,
                ["ip" | "ipv6", "access-list", _] => line.starts_with("ip"),
                ["object-group", "network" | "service", _] => line.starts_with("object-group"),
                ["class", "ip" | "ipv6", _] => line.starts_with("class"),
                _ => false,
            }
        })
}

/// Lists what the policies mark, and what of them is not understood.
pub(crate) fn read(index: usize, name: &str, text: &str) -> FileRead {
    let mut file = FileRead::new(name, Format::DeviceConfig);
    if junos::is_one(text) {
        junos::read(&mut file, index, text);
    } else if routeros::is_one(text) {
        routeros::read(&mut file, index, text);
    } else if vyos::is_one(text) {
        vyos::read(&mut file, index, text);
    } else {
        ios::read(&mut file, index, text);
    }
    file
}
