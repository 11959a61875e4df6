//! Commands of RouterOS: lines with their menus, keys and values.

use crate::reading::shortened;

/// One command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command<'a> {
    /// The line where it begins, from 1.
    pub(super) line: usize,
    /// The words of its menu, such as `ip firewall mangle`.
    menu: Vec<String>,
    /// `add`, `set`, `remove`.
    pub(super) verb: &'a str,
    /// Keys and values; words without a value are keys.
    pub(super) pairs: Vec<(String, String)>,
}

impl Command<'_> {
    /// Whether it is about IPv6, and which part of the packet filter it is about.
    pub(super) fn menu(&self) -> Option<(bool, &str)> {
        match &self.menu[..] {
            [family, firewall, part] if firewall == "firewall" => match family.as_str() {
                "ip" => Some((false, part)),
                "ipv6" => Some((true, part)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The value of a key.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(one, _)| one == key);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether it makes something that is not in force.
    pub(super) fn is_off(&self) -> bool {
        self.value("disabled") == Some("yes")
    }

    /// The command in one line.
    pub(super) fn text(&self) -> String {
        let pairs = self.pairs.iter().map(|(key, value)| {
            if value.is_empty() {
                key.clone()
            } else {
                format!("{key}={value}")
            }
        });
        let words: Vec<String> = std::iter::once(self.verb.to_owned()).chain(pairs).collect();
        shortened(&words.join(" "))
    }
}

/// What can be done in a menu.
const VERBS: [&str; 10] = [
    "add",
    "set",
    "remove",
    "disable",
    "enable",
    "move",
    "print",
    "export",
    "unset",
    "reset-counters",
];

/// Every command of a text. Lines that end in a backslash go on in the next one.
pub(super) fn commands(text: &str) -> Vec<Command<'static>> {
    let mut out = Vec::new();
    let mut menu: Vec<String> = Vec::new();
    let mut whole = String::new();
    let mut begins = 0;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_start_matches('\u{feff}');
        let part = if whole.is_empty() {
            begins = number;
            line
        } else {
            line.trim_start()
        };
        if let Some(part) = part.strip_suffix('\\') {
            whole.push_str(part);
            // A lone backslash goes on too.
            if whole.is_empty() {
                whole.push(' ');
            }
            continue;
        }
        whole.push_str(part);
        let line = std::mem::take(&mut whole);
        out.extend(command(begins, &line, &mut menu));
    }
    out.extend(command(begins, &whole, &mut menu));
    out
}

fn command(line: usize, text: &str, menu: &mut Vec<String>) -> Option<Command<'static>> {
    let text = text.trim();
    if text.is_empty() || text.starts_with('#') {
        return None;
    }
    let mut words = words(text).into_iter().peekable();
    if text.starts_with('/') {
        menu.clear();
        // `/ip firewall mangle add`, and `/ip/firewall/mangle/add` of version 7.
        let place = |(word, value): &(String, String)| value.is_empty() && verb(word).is_none();
        while let Some((word, _)) = words.next_if(place) {
            let parts = word.split('/').filter(|part| !part.is_empty());
            menu.extend(parts.map(str::to_owned));
            if let Some(verb) = menu.last().and_then(|last| verb(last)) {
                menu.pop();
                return Some(Command {
                    line,
                    menu: menu.clone(),
                    verb,
                    pairs: words.collect(),
                });
            }
        }
    }
    let verb = verb(&words.next()?.0)?;
    Some(Command {
        line,
        menu: menu.clone(),
        verb,
        pairs: words.collect(),
    })
}

fn verb(word: &str) -> Option<&'static str> {
    VERBS.into_iter().find(|verb| *verb == word)
}

/// Words with their values: `key=value`, `key="a value"`, and `[ ... ]` as one word.
fn words(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut letters = text.chars().peekable();
    while letters.next_if(|c| c.is_whitespace()).is_some() || letters.peek().is_some() {
        let (mut key, mut value) = (String::new(), None::<String>);
        let (mut quoted, mut depth) = (false, 0usize);
        while let Some(letter) = letters.next_if(|c| quoted || depth > 0 || !c.is_whitespace()) {
            match letter {
                '"' => {
                    quoted = !quoted;
                    continue;
                }
                '[' if !quoted => depth += 1,
                ']' if !quoted => depth = depth.saturating_sub(1),
                '=' if !quoted && depth == 0 && value.is_none() => {
                    value = Some(String::new());
                    continue;
                }
                _ => {}
            }
            let letter = match letter {
                '\\' if quoted => letters.next().unwrap_or('\\'),
                letter => letter,
            };
            value.as_mut().unwrap_or(&mut key).push(letter);
        }
        if !key.is_empty() || value.is_some() {
            out.push((key, value.unwrap_or_default()));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_are_taken_apart() {
        let text = "# by RouterOS 7.1\n/ip firewall mangle\nadd action=change-dscp chain=forward \\\n    comment=\"a \\\"b\\\" = \\\\\" new-dscp=46\n\
                    /ipv6/firewall/mangle/add chain=x\n/ip firewall mangle remove [find comment=\"x y\" ]\nadd disabled=yes\n";
        let found = commands(text);
        let shown: Vec<_> = found
            .iter()
            .map(|one| (one.line, one.menu(), one.text()))
            .collect();
        assert_eq!(
            shown,
            [
                (
                    3,
                    Some((false, "mangle")),
                    "add action=change-dscp chain=forward comment=a \"b\" = \\ new-dscp=46"
                        .to_owned()
                ),
                (5, Some((true, "mangle")), "add chain=x".to_owned()),
                (
                    6,
                    Some((false, "mangle")),
                    "remove [find comment=x y ]".to_owned()
                ),
                (7, Some((false, "mangle")), "add disabled=yes".to_owned()),
            ]
        );
        assert!(found[3].is_off());
    }
}
