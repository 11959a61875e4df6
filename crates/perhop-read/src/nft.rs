//! `nft -j list ruleset`: which packets the rules of Linux' packet filter mark.
//!
//! Chains that packets come in by are followed through jumps and verdict maps to the rules that set a mark. A rule with
//! anything in it that has no form here is listed.

mod names;
mod packets;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use perhop_policy::Dscp;
use serde_json::Value;

use self::names::{HOOKS, mark, priority};
use self::packets::{Packets, payload, texts};
use crate::fact::{Fact, NetMark, Syntax, What};
use crate::finding::Layer;
use crate::place::Place;
use crate::reading::{FileRead, Format, shortened};

/// Chains that go into each other deeper than this are not followed.
const DEEPEST: usize = 16;
/// Rules and elements looked at, and addresses and services written out, in all.
const MOST: usize = 1 << 18;

/// Reads a ruleset; `None` for JSON that is none.
pub(crate) fn json(index: usize, name: &str, value: &Value) -> Option<FileRead> {
    let items = value["nftables"].as_array()?;
    let file = FileRead::new(name, Format::NftJson);
    Some(read(index, file, items, &[]))
}

/// Reads a ruleset as text; `None` for text that is none.
pub(crate) fn text(index: usize, name: &str, text: &str) -> Option<FileRead> {
    if !text::is_one(text) {
        return None;
    }
    let (mut values, mut places) = (Vec::new(), Vec::new());
    for item in text::items(text) {
        values.push(item.value);
        places.push((item.line, item.text));
    }
    let file = FileRead::new(name, Format::NftText);
    Some(read(index, file, &values, &places))
}

/// Reads objects, with the lines that they stand in where they are of a text.
fn read(index: usize, file: FileRead, items: &[Value], lines: &[(usize, String)]) -> FileRead {
    let mut reader = Reader {
        index,
        file,
        lines,
        rules: BTreeMap::new(),
        elements: BTreeMap::new(),
        seen: BTreeSet::new(),
        left: BTreeSet::new(),
        hook: "",
        spent: 0,
    };
    let mut begins = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let Some((kind, body)) = item.as_object().and_then(|object| object.iter().next()) else {
            reader.leave(at, item, "not an object of nftables");
            continue;
        };
        let key = |name: &str| {
            let text = |name: &str| body[name].as_str().unwrap_or_default();
            (text("family"), text("table"), text(name))
        };
        match kind.as_str() {
            "metainfo" | "table" | "counter" => {}
            "chain" => {
                if let Some(hook) = body["hook"].as_str() {
                    let place = HOOKS.iter().position(|one| *one == hook);
                    begins.push((place, priority(&body["prio"]), at, hook, key("name")));
                }
            }
            "rule" => reader
                .rules
                .entry(key("chain"))
                .or_default()
                .push((at, body)),
            "map" | "set" => {
                reader.elements.insert(key("name"), &body["elem"]);
            }
            _ => reader.leave(at, item, "its effect on marks is not known"),
        }
    }
    // As packets meet them.
    begins.sort();
    for (_, _, _, hook, key) in begins {
        reader.hook = hook;
        let list = format!("{} {} {}", key.0, key.1, key.2);
        reader.chain(&list, key, &mut Packets::default(), Way::BEGIN);
    }
    let rules: Vec<(usize, &Value)> = reader.rules.values().flatten().copied().collect();
    for (at, rule) in rules {
        if !reader.seen.contains(&at) {
            reader.leave(
                at,
                &rule["expr"],
                "no packets come here by what is understood",
            );
        }
    }
    reader.file.left.sort_by_key(|left| left.place.line);
    reader.file
}

const TAKES: &str = "it takes packets from the rules below it";
const TOO_MANY: &str = "more ways lead here than are followed";

/// Family, table and name.
type Key<'a> = (&'a str, &'a str, &'a str);

struct Reader<'a> {
    index: usize,
    file: FileRead,
    /// Line and text of each object, where they are of a text.
    lines: &'a [(usize, String)],
    rules: BTreeMap<Key<'a>, Vec<(usize, &'a Value)>>,
    /// Of sets and maps.
    elements: BTreeMap<Key<'a>, &'a Value>,
    /// Rules that were looked at.
    seen: BTreeSet<usize>,
    /// What was left.
    left: BTreeSet<usize>,
    /// Where packets come to the list that is being followed.
    hook: &'a str,
    spent: usize,
}

/// How packets came to a chain.
#[derive(Clone, Copy)]
struct Way {
    depth: usize,
    /// Whether packets that leave the chain are done with the whole list.
    ends: bool,
}

impl Way {
    const BEGIN: Self = Self {
        depth: 0,
        ends: true,
    };
}

/// What becomes of the packets that a rule takes.
#[derive(Clone, Copy, PartialEq)]
enum After {
    /// They come to the next rule.
    GoOn,
    /// They leave the chain.
    Leave,
    /// They are done with the whole list.
    End,
}

impl<'a> Reader<'a> {
    fn place(&self, at: usize) -> Place {
        match self.lines.get(at) {
            Some((line, _)) => Place::line(self.index, *line),
            None => Place::whole(self.index).with_path(format!("nftables[{at}]")),
        }
    }

    fn leave(&mut self, at: usize, what: &Value, why: &str) {
        if self.left.insert(at) {
            let text = match self.lines.get(at) {
                Some((_, text)) => text.clone(),
                None => what.to_string(),
            };
            self.file.leave(self.place(at), text, why);
        }
    }

    fn affords(&mut self, more: usize) -> bool {
        self.spent = self.spent.saturating_add(more).min(MOST + 1);
        self.spent <= MOST
    }

    /// Follows packets through a chain. Whether all of them are done with the list in it.
    fn chain(&mut self, list: &str, key: Key<'a>, packets: &mut Packets, way: Way) -> bool {
        let length = self.rules.get(&key).map_or(0, Vec::len);
        if !self.affords(length) {
            // Its rules are listed as not come to, unless they were.
            return false;
        }
        let rules = self.rules.get(&key).cloned().unwrap_or_default();
        let first = self.file.facts.len();
        for (at, rule) in rules {
            self.seen.insert(at);
            if way.depth > DEEPEST || !self.affords(1 + packets.size()) {
                self.leave(at, &rule["expr"], TOO_MANY);
                return false;
            }
            let Some(parts) = rule["expr"].as_array() else {
                self.leave(at, rule, "a rule without expressions");
                continue;
            };
            // The rest is for what comes in there.
            if packets.interfaces.is_empty()
                && let Some(names) = other_interfaces(parts)
            {
                packets.interfaces = names;
                continue;
            }
            let mut taken = packets.clone();
            let begin = self.file.facts.len();
            let mut after = match self.rule(list, key, at, parts, &mut taken, way) {
                Ok(after) => after,
                Err(why) => {
                    self.leave(at, &rule["expr"], why);
                    continue;
                }
            };
            if after == After::Leave && way.ends {
                after = After::End;
            }
            let all = taken == *packets;
            match after {
                After::GoOn => {}
                After::Leave if all => return false,
                After::Leave => self.leave(at, &rule["expr"], TAKES),
                After::End => {
                    // Nothing comes after where no list goes on.
                    let ended = all && way.depth == 0;
                    self.end(
                        list,
                        key,
                        at,
                        &taken,
                        if all { first } else { begin },
                        ended,
                    );
                    if all {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Says of the marks since `first` that they are the last ones of their packets, and that packets without one have none.
    fn end(
        &mut self,
        list: &str,
        key: Key<'a>,
        at: usize,
        packets: &Packets,
        first: usize,
        is_end: bool,
    ) {
        let mut marked = [false; 2];
        // What stands before another mark is not the last one.
        for fact in self.file.facts[first..].iter_mut().rev() {
            let What::Mark(mark) = &mut fact.what else {
                break;
            };
            let again = mark.families[0] && marked[0] || mark.families[1] && marked[1];
            if again || !packets.are_of(mark) {
                break;
            }
            mark.last = true;
            marked[0] |= mark.families[0];
            marked[1] |= mark.families[1];
        }
        let all = match packets.v6 {
            None => marked[0] && marked[1],
            Some(v6) => marked[usize::from(v6)],
        };
        if !all && !is_end && self.fact(list, key.2, at, packets, None).is_err() {
            self.leave(at, &Value::from(key.2), TAKES);
        }
    }

    /// One rule: what becomes of its packets.
    fn rule(
        &mut self,
        list: &str,
        key: Key<'a>,
        at: usize,
        parts: &'a [Value],
        taken: &mut Packets,
        way: Way,
    ) -> Result<After, &'static str> {
        for part in parts {
            let after = self.part(list, key, at, part, taken, way)?;
            if after != After::GoOn {
                return Ok(after);
            }
        }
        Ok(After::GoOn)
    }

    /// One expression of a rule: what becomes of its packets.
    fn part(
        &mut self,
        list: &str,
        key: Key<'a>,
        at: usize,
        part: &'a Value,
        packets: &mut Packets,
        way: Way,
    ) -> Result<After, &'static str> {
        let unknown = "it has a form that is not understood";
        let (kind, body) = part
            .as_object()
            .filter(|object| object.len() == 1)
            .and_then(|object| object.iter().next())
            .ok_or(unknown)?;
        match kind.as_str() {
            "counter" | "log" => Ok(After::GoOn),
            "match" => {
                if !matches!(body["op"].as_str(), Some("==" | "in")) {
                    return Err("a match other than by being equal");
                }
                let values = self.values(key, &body["right"])?;
                packets.narrow(&body["left"], &values)?;
                Ok(After::GoOn)
            }
            // Marks of the kernel's own are none of the packet's.
            "mangle" if body["key"].get("meta").or(body["key"].get("ct")).is_some() => {
                Ok(After::GoOn)
            }
            "mangle" => {
                let v6 = match payload(&body["key"]) {
                    Some(("ip", "dscp")) => false,
                    Some(("ip6", "dscp")) => true,
                    _ => return Err("it changes something other than the mark"),
                };
                let dscp = mark(&body["value"]).ok_or("its mark is no number or name of one")?;
                let mut marked = packets.clone();
                marked.family(v6);
                self.fact(list, key.2, at, &marked, Some(dscp))?;
                Ok(After::GoOn)
            }
            "accept" | "drop" => Ok(After::End),
            "return" => Ok(After::Leave),
            "goto" | "jump" => self.follow(list, key, kind, body, packets, way),
            "vmap" => {
                self.verdicts(list, key, body, packets, way)?;
                Ok(After::GoOn)
            }
            _ => Err(unknown),
        }
    }

    /// Follows the packets of each element of a verdict map to its chain.
    fn verdicts(
        &mut self,
        list: &str,
        key: Key<'a>,
        body: &'a Value,
        packets: &Packets,
        way: Way,
    ) -> Result<(), &'static str> {
        let elements = self.values(key, &body["data"])?;
        let parts = match body["key"]["concat"].as_array() {
            Some(parts) => parts.iter().collect(),
            None => vec![&body["key"]],
        };
        for element in elements {
            let (of, verdict) = match element.as_array().map(Vec::as_slice) {
                Some([of, verdict]) => (unwrapped(of), verdict),
                _ => return Err("a verdict map with an element of another form"),
            };
            let values: Vec<&Value> = match of["concat"].as_array() {
                Some(values) => values.iter().collect(),
                None => vec![of],
            };
            if values.len() != parts.len() {
                return Err("a verdict map with an element of another form");
            }
            let mut some = packets.clone();
            for (part, value) in parts.iter().zip(values) {
                some.narrow(part, &[value])?;
            }
            let found = ["goto", "jump"]
                .into_iter()
                .find_map(|kind| Some((kind, verdict.get(kind)?)));
            let (kind, target) = found.ok_or("a verdict map with a verdict that is no chain")?;
            // An element takes its packets from no other element: what is after the map is for all.
            self.follow(list, key, kind, target, &some, way)?;
        }
        Ok(())
    }

    /// Follows packets into another chain: what becomes of them.
    fn follow(
        &mut self,
        list: &str,
        key: Key<'a>,
        kind: &str,
        body: &'a Value,
        packets: &Packets,
        way: Way,
    ) -> Result<After, &'static str> {
        let target = body["target"].as_str().ok_or("it goes to no chain")?;
        if !self.affords(1 + packets.size()) {
            return Err(TOO_MANY);
        }
        let goes = kind == "goto";
        let into = Way {
            depth: way.depth + 1,
            ends: goes && way.ends,
        };
        let target = (key.0, key.1, target);
        let first = self.file.facts.len();
        let ended = self.chain(list, target, &mut packets.clone(), into);
        if ended {
            // Its own rules have said so.
            return Ok(After::GoOn);
        }
        if into.ends {
            let at = self
                .rules
                .get(&target)
                .and_then(|rules| Some(rules.last()?.0));
            self.end(list, target, at.unwrap_or_default(), packets, first, false);
        }
        Ok(if goes && !way.ends {
            After::Leave
        } else {
            After::GoOn
        })
    }

    /// The values of a set, by name or written out, or the one value.
    fn values(&mut self, key: Key<'a>, value: &'a Value) -> Result<Vec<&'a Value>, &'static str> {
        let named = value.as_str().and_then(|text| text.strip_prefix('@'));
        let all = match named {
            Some(name) => self
                .elements
                .get(&(key.0, key.1, name))
                .ok_or("a set that is not in the file")?,
            None => value.get("set").unwrap_or(value),
        };
        let out: Vec<&Value> = match all.as_array() {
            Some(items) => items.iter().map(unwrapped).collect(),
            None if all.is_null() => return Err("a set without elements"),
            None => vec![unwrapped(all)],
        };
        if self.affords(out.len()) {
            Ok(out)
        } else {
            Err(TOO_MANY)
        }
    }

    fn fact(
        &mut self,
        list: &str,
        class: &str,
        at: usize,
        packets: &Packets,
        dscp: Option<Dscp>,
    ) -> Result<(), &'static str> {
        if packets.none {
            return Ok(());
        }
        let services = packets.services_size();
        if !self.affords(services.saturating_add(packets.size())) {
            return Err("more packets are marked here than are listed");
        }
        let new = NetMark::new(Syntax::Nft, &shortened(list), &shortened(class), dscp);
        let mark = NetMark {
            hook: shortened(self.hook),
            families: packets.v6.map_or([true; 2], |v6| [!v6, v6]),
            src: packets.src.clone(),
            dst: packets.dst.clone(),
            services: packets.services(),
            last: dscp.is_none(),
            arriving: packets.arriving.clone(),
            interfaces: packets.interfaces.clone(),
            ..new
        };
        // Rules set the mark of one family each.
        if let Some(Fact {
            what: What::Mark(last),
            ..
        }) = self.file.facts.last_mut()
            && last.families == [true, false]
            && mark.families == [false, true]
            && *last
                == (NetMark {
                    families: last.families,
                    ..mark.clone()
                })
        {
            last.families = [true; 2];
            return Ok(());
        }
        self.file.facts.push(Fact {
            place: self.place(at),
            layer: Layer::Match,
            what: What::Mark(mark),
        });
        Ok(())
    }
}

/// `iifname != { … } accept`: the interfaces that it is not about.
fn other_interfaces(parts: &[Value]) -> Option<Vec<String>> {
    let [only, end] = parts else {
        return None;
    };
    end.get("accept").or_else(|| end.get("return"))?;
    let body = only.get("match")?;
    if body["op"] != "!=" || body["left"]["meta"]["key"] != "iifname" {
        return None;
    }
    match body["right"]["set"].as_array() {
        Some(names) => texts(&names.iter().collect::<Vec<_>>()),
        None => texts(&[&body["right"]]),
    }
}

/// An element without the counter or comment that it has.
fn unwrapped(value: &Value) -> &Value {
    value
        .get("elem")
        .and_then(|elem| elem.get("val"))
        .unwrap_or(value)
}
