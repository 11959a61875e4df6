//! Rulesets as text, as `nft list ruleset` prints and files have them: turned into the objects of `nft -j list ruleset`.
//!
//! What has no such form here becomes an object that no reader knows, with its text.

use serde_json::{Map, Value, json};

use super::names::{HOOKS, priority_of};

/// An object with the line where it begins, from 1, and its text.
pub(super) struct Item {
    pub(super) value: Value,
    pub(super) line: usize,
    pub(super) text: String,
}

/// Whether a text has lines of nftables.
pub(super) fn is_one(text: &str) -> bool {
    text.lines().any(|line| {
        let words: Vec<&str> = line.split_ascii_whitespace().take(4).collect();
        match words[..] {
            ["table", family, _, "{"] => FAMILIES.contains(&family),
            ["type", "filter" | "route", "hook", hook] => HOOKS.contains(&hook),
            _ => false,
        }
    })
}

/// Every object of a ruleset. Chains outside of a table are of fw4's, which OpenWrt includes them in.
pub(super) fn items(text: &str) -> Vec<Item> {
    let tokens = tokens(text);
    let mut parser = Parser {
        tokens: &tokens,
        at: 0,
        out: Vec::new(),
    };
    parser.block(("inet", "fw4"), 0);
    parser.out
}

const FAMILIES: [&str; 6] = ["ip", "ip6", "inet", "bridge", "netdev", "arp"];

/// A word, one of `{`, `}`, `,` and `;`, or the end of a line as an empty text; with its line.
struct Token {
    text: String,
    line: usize,
    quoted: bool,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        let mut letters = content.chars().peekable();
        let mut goes_on = false;
        while let Some(letter) = letters.next() {
            let mut text = String::new();
            let mut quoted = false;
            match letter {
                '#' => break,
                '\\' if letters.peek().is_none() => {
                    goes_on = true;
                    continue;
                }
                c if c.is_whitespace() => continue,
                '"' => {
                    quoted = true;
                    text.extend(letters.by_ref().take_while(|c| *c != '"'));
                }
                '{' | '}' | ',' | ';' => text.push(letter),
                letter => {
                    text.push(letter);
                    let is_word =
                        |c: &char| !c.is_whitespace() && !matches!(c, '{' | '}' | ',' | ';' | '"');
                    while let Some(letter) = letters.next_if(is_word) {
                        text.push(letter);
                    }
                }
            }
            out.push(Token { text, line, quoted });
        }
        if !goes_on {
            out.push(Token {
                text: String::new(),
                line,
                quoted: false,
            });
        }
    }
    out
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    out: Vec<Item>,
}

/// Family and table.
type Table<'a> = (&'a str, &'a str);

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    /// The tokens of a statement: up to the end of the line, a semicolon, or a brace that opens a block. Braces that stand
    /// in a statement of a chain are taken whole.
    fn statement(&mut self, whole: bool) -> &'a [Token] {
        let is_end = |token: &Token| !token.quoted && matches!(token.text.as_str(), "" | ";");
        while self.peek().is_some_and(is_end) {
            self.at += 1;
        }
        let begin = self.at;
        let mut depth = 0usize;
        while let Some(token) = self.peek() {
            if !token.quoted {
                match token.text.as_str() {
                    "" | ";" if depth == 0 => break,
                    "{" if !whole => break,
                    "{" => depth += 1,
                    "}" if depth == 0 => break,
                    "}" => depth -= 1,
                    _ => {}
                }
            }
            self.at += 1;
        }
        &self.tokens[begin..self.at]
    }

    /// Whether what comes next is this; it is taken then.
    fn takes(&mut self, text: &str) -> bool {
        let is = self
            .peek()
            .is_some_and(|one| !one.quoted && one.text == text);
        self.at += usize::from(is);
        is
    }

    fn push(&mut self, value: Value, of: &[Token]) {
        let text = texts(of).collect::<Vec<_>>().join(" ");
        let line = of.first().map_or(1, |token| token.line);
        self.out.push(Item { value, line, text });
    }

    /// What stands in a table, or outside of one.
    fn block(&mut self, table: Table<'a>, depth: usize) {
        while self.at < self.tokens.len() {
            let head = self.statement(false);
            let words: Vec<&'a str> = texts(head).collect();
            if !self.takes("{") {
                // Only one table is in another's place; a brace too much ends nothing.
                if self.takes("}") && depth > 0 {
                    return;
                }
                match words[..] {
                    [] | ["flags" | "comment" | "}", ..] => {}
                    [
                        "add" | "delete" | "destroy" | "create" | "flush",
                        "table",
                        ..,
                    ]
                    | ["flush", "ruleset"] => {}
                    _ => self.push(json!({ "line": null }), head),
                }
                continue;
            }
            let (family, name) = table;
            match words[..] {
                ["table", family, name] if depth == 0 && FAMILIES.contains(&family) => {
                    self.block((family, name), 1);
                }
                ["table", name] if depth == 0 => self.block(("ip", name), 1),
                ["chain", chain] => self.chain(table, chain, head),
                ["map" | "set", of] => {
                    let elements = self.elements();
                    let set =
                        json!({ "family": family, "table": name, "name": of, "elem": elements });
                    self.push(json!({ words[0]: set }), head);
                }
                ["counter", _] => self.skip(),
                _ => {
                    self.push(json!({ "block": null }), head);
                    self.skip();
                }
            }
        }
    }

    /// Passes a block over whose brace was taken.
    fn skip(&mut self) {
        let mut depth = 1usize;
        while let Some(token) = self.peek().filter(|_| depth > 0) {
            match token.text.as_str() {
                "{" if !token.quoted => depth += 1,
                "}" if !token.quoted => depth -= 1,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// The elements of a set or map, in a block whose brace was taken.
    fn elements(&mut self) -> Value {
        let mut found = Value::Null;
        while self.at < self.tokens.len() {
            let of = self.statement(true);
            let words: Vec<&str> = texts(of).take(2).collect();
            if words == ["elements", "="] {
                let mut given = value(&of[2..]).0;
                found = given.get_mut("set").map_or(Value::Null, Value::take);
            }
            if of.is_empty() && self.takes("}") {
                break;
            }
        }
        found
    }

    fn chain(&mut self, (family, table): Table<'a>, name: &str, head: &[Token]) {
        let mut chain = Map::new();
        let mut rules = Vec::new();
        while self.at < self.tokens.len() {
            let of = self.statement(true);
            let words: Vec<&str> = texts(of).collect();
            match words[..] {
                [] if self.takes("}") => break,
                [] | ["policy" | "comment" | "flags", ..] => {}
                ["type", _, "hook", hook, ref rest @ ..] => {
                    chain.insert("hook".to_owned(), json!(hook));
                    let at = rest.iter().position(|word| *word == "priority");
                    let priority = at.map_or(&[][..], |at| &rest[at + 1..]);
                    chain.insert("prio".to_owned(), json!(priority_of(priority)));
                }
                _ => rules.push(of),
            }
        }
        for key in [("family", family), ("table", table), ("name", name)] {
            chain.insert(key.0.to_owned(), json!(key.1));
        }
        self.push(json!({ "chain": chain }), head);
        for of in rules {
            let rule = json!({ "family": family, "table": table, "chain": name, "expr": rule(of) });
            self.push(json!({ "rule": rule }), of);
        }
    }
}

fn texts(tokens: &[Token]) -> impl Iterator<Item = &str> {
    tokens.iter().map(|token| token.text.as_str())
}

/// The expressions of a rule; the last one is of no known kind where something is not understood.
fn rule(mut tokens: &[Token]) -> Vec<Value> {
    let mut out = Vec::new();
    while !tokens.is_empty() {
        match expression(tokens) {
            Some((found, rest)) => {
                out.extend(found);
                tokens = rest;
            }
            None => {
                out.push(json!({ "unknown": null }));
                break;
            }
        }
    }
    out
}

/// The first expression, and what follows it.
fn expression(tokens: &[Token]) -> Option<(Option<Value>, &[Token])> {
    let words: Vec<&str> = texts(tokens).take(5).collect();
    let some = |value: Value, taken: usize| Some((Some(value), &tokens[taken..]));
    match words[..] {
        ["counter", "packets", _, "bytes", _] => some(json!({ "counter": null }), 5),
        ["counter", "name", _, ..] => some(json!({ "counter": null }), 3),
        ["counter", ..] => some(json!({ "counter": null }), 1),
        ["comment", _, ..] => Some((None, &tokens[2..])),
        ["log", "prefix" | "level" | "group", _, ..] => some(json!({ "log": null }), 3),
        ["log", ..] => some(json!({ "log": null }), 1),
        [verdict @ ("accept" | "drop" | "return"), ..] => some(json!({ verdict: null }), 1),
        [kind @ ("jump" | "goto"), target, ..] => some(json!({ kind: { "target": target } }), 2),
        _ => statement(tokens),
    }
}

/// A condition, a change or a verdict map.
fn statement(tokens: &[Token]) -> Option<(Option<Value>, &[Token])> {
    let (first, mut rest) = left(tokens)?;
    let mut parts = vec![first];
    while rest.first().is_some_and(|token| token.text == ".") {
        let (next, after) = left(&rest[1..])?;
        parts.push(next);
        rest = after;
    }
    let key = match parts.len() {
        1 => parts.remove(0),
        _ => json!({ "concat": parts }),
    };
    let word = rest.first()?;
    let (made, rest) = match word.text.as_str() {
        "set" => {
            let (value, rest) = value(&rest[1..]);
            (json!({ "mangle": { "key": key, "value": value } }), rest)
        }
        "vmap" => {
            let (value, rest) = value(&rest[1..]);
            (json!({ "vmap": { "key": key, "data": value } }), rest)
        }
        op @ ("==" | "!=" | "<" | ">" | "<=" | ">=" | "&" | "|" | "in") => {
            let (value, rest) = value(&rest[1..]);
            (
                json!({ "match": { "op": op, "left": key, "right": value } }),
                rest,
            )
        }
        _ => {
            let (value, rest) = value(rest);
            (
                json!({ "match": { "op": "==", "left": key, "right": value } }),
                rest,
            )
        }
    };
    Some((Some(made), rest))
}

/// What a condition looks at.
fn left(tokens: &[Token]) -> Option<(Value, &[Token])> {
    let words: Vec<&str> = texts(tokens).take(2).collect();
    Some(match words[..] {
        ["meta", key] => (json!({ "meta": { "key": key } }), &tokens[2..]),
        [key @ ("iifname" | "oifname" | "iif" | "oif" | "mark"), ..] => {
            (json!({ "meta": { "key": key } }), &tokens[1..])
        }
        ["ct", key] => (json!({ "ct": { "key": key } }), &tokens[2..]),
        [layer @ ("ip" | "ip6" | "udp" | "tcp" | "th"), field] => (
            json!({ "payload": { "protocol": layer, "field": field } }),
            &tokens[2..],
        ),
        _ => return None,
    })
}

/// A value: one, or a set in braces.
fn value(tokens: &[Token]) -> (Value, &[Token]) {
    let Some(first) = tokens.first() else {
        return (Value::Null, tokens);
    };
    if first.quoted || first.text != "{" {
        return (single(first), &tokens[1..]);
    }
    let mut depth = 0usize;
    let mut end = tokens.len();
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| !token.quoted) {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" if depth == 1 => {
                end = at;
                break;
            }
            "}" => depth -= 1,
            _ => {}
        }
    }
    let inside = tokens.get(1..end).unwrap_or_default();
    let elements: Vec<Value> = inside
        .split(|token| !token.quoted && token.text == ",")
        .filter_map(element)
        .collect();
    let rest = tokens.get(end + 1..).unwrap_or_default();
    (json!({ "set": elements }), rest)
}

/// `udp . 20000-20039 : goto mark_ef`, or a value.
fn element(tokens: &[Token]) -> Option<Value> {
    let plain: Vec<&Token> = tokens
        .iter()
        .filter(|token| token.quoted || !token.text.is_empty())
        .collect();
    let mut sides = plain.split(|token| !token.quoted && token.text == ":");
    let key = sides.next()?;
    let parts: Vec<Value> = key
        .split(|token| token.text == ".")
        .map(|part| match part {
            [one] => single(one),
            // What else stands there: counters, times.
            _ => Value::Null,
        })
        .collect();
    let of = match parts.len() {
        0 => return None,
        1 if key.is_empty() => return None,
        1 => parts.into_iter().next()?,
        _ => json!({ "concat": parts }),
    };
    let Some(verdict) = sides.next() else {
        return Some(of);
    };
    let verdict = match verdict {
        [kind, target] => json!({ kind.text.as_str(): { "target": target.text } }),
        [kind] => json!({ kind.text.as_str(): null }),
        _ => Value::Null,
    };
    Some(json!([of, verdict]))
}

/// A number, a range of numbers, a prefix, or a text.
fn single(token: &Token) -> Value {
    let text = token.text.as_str();
    if token.quoted {
        return json!(text);
    }
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse::<u64>().ok(),
    };
    if let Some(number) = number(text) {
        return json!(number);
    }
    if let Some((first, last)) = text.split_once('-')
        && let (Some(first), Some(last)) = (number(first), number(last))
    {
        return json!({ "range": [first, last] });
    }
    if let Some((address, length)) = text.split_once('/')
        && let Some(length) = number(length)
    {
        return json!({ "prefix": { "addr": address, "len": length } });
    }
    json!(text)
}
