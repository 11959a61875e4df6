//! `nft -j list ruleset`: which packets the rules of Linux' packet filter mark.
//!
//! Chains that packets come in by are followed through jumps and verdict maps to the rules that set a mark. A rule with
//! anything in it that has no form here is listed, and so is one that takes packets away from the rules below it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use perhop_policy::{Dscp, PortRange, Protocol};
use perhop_targets::network::model::Service;
use serde_json::Value;

use crate::fact::{Fact, NetMark, What};
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
    let mut reader = Reader {
        index,
        file: FileRead::new(name, Format::NftJson),
        rules: BTreeMap::new(),
        elements: BTreeMap::new(),
        seen: BTreeSet::new(),
        left: BTreeSet::new(),
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
                if body["hook"].is_string() {
                    begins.push(key("name"));
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
    for key in begins {
        let list = format!("{} {} {}", key.0, key.1, key.2);
        reader.chain(&list, key, &mut Packets::default(), 0);
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
    Some(reader.file)
}

const TWICE: &str = "two conditions of one kind";
const VALUE: &str = "a value that is not understood";

/// Family, table and name.
type Key<'a> = (&'a str, &'a str, &'a str);

struct Reader<'a> {
    index: usize,
    file: FileRead,
    rules: BTreeMap<Key<'a>, Vec<(usize, &'a Value)>>,
    /// Of sets and maps.
    elements: BTreeMap<Key<'a>, &'a Value>,
    /// Rules that were looked at.
    seen: BTreeSet<usize>,
    /// What was left.
    left: BTreeSet<usize>,
    spent: usize,
}

/// The packets that come to a rule; an empty list is no condition.
#[derive(Clone, Default, PartialEq)]
struct Packets {
    v6: Option<bool>,
    protocols: Vec<Protocol>,
    src: Vec<IpNet>,
    dst: Vec<IpNet>,
    src_ports: Vec<PortRange>,
    dst_ports: Vec<PortRange>,
    interfaces: Vec<String>,
    /// None at all.
    none: bool,
}

/// What becomes of the packets that a rule takes.
#[derive(PartialEq)]
enum After {
    GoOn,
    Gone,
}

impl<'a> Reader<'a> {
    fn place(&self, at: usize) -> Place {
        Place::whole(self.index).with_path(format!("nftables[{at}]"))
    }

    fn leave(&mut self, at: usize, what: &Value, why: &str) {
        if self.left.insert(at) {
            self.file.leave(self.place(at), what.to_string(), why);
        }
    }

    fn affords(&mut self, more: usize) -> bool {
        self.spent = self.spent.saturating_add(more).min(MOST + 1);
        self.spent <= MOST
    }

    /// Follows packets through a chain.
    fn chain(&mut self, list: &str, key: Key<'a>, packets: &mut Packets, depth: usize) {
        let length = self.rules.get(&key).map_or(0, Vec::len);
        if !self.affords(length) {
            // Its rules are listed as not come to, unless they were.
            return;
        }
        let rules = self.rules.get(&key).cloned().unwrap_or_default();
        for (at, rule) in rules {
            self.seen.insert(at);
            if depth > DEEPEST || !self.affords(1 + packets.size()) {
                self.leave(at, &rule["expr"], "more ways lead here than are followed");
                return;
            }
            let Some(parts) = rule["expr"].as_array() else {
                self.leave(at, rule, "a rule without expressions");
                continue;
            };
            // `iifname != { … } accept`: the rest is for what comes in there.
            if let [only, end] = &parts[..]
                && (end.get("accept").is_some() || end.get("return").is_some())
                && packets.interfaces.is_empty()
                && let Some(names) = other_interfaces(only)
            {
                packets.interfaces = names;
                continue;
            }
            let mut taken = packets.clone();
            let mut after = After::GoOn;
            let mut marks = false;
            for part in parts {
                match self.part(list, key, at, part, &mut taken, depth) {
                    Ok((now, marked)) => {
                        after = now;
                        marks |= marked;
                    }
                    Err(why) => {
                        self.leave(at, &rule["expr"], why);
                        break;
                    }
                }
                if after == After::Gone {
                    break;
                }
            }
            if after == After::Gone {
                if taken == *packets {
                    break;
                }
                if !marks {
                    self.leave(
                        at,
                        &rule["expr"],
                        "it takes packets from the rules below it",
                    );
                }
            }
        }
    }

    /// One expression of a rule: what becomes of its packets, and whether they were marked.
    fn part(
        &mut self,
        list: &str,
        key: Key<'a>,
        at: usize,
        part: &'a Value,
        packets: &mut Packets,
        depth: usize,
    ) -> Result<(After, bool), &'static str> {
        let unknown = "it has a form that is not understood";
        let (kind, body) = part
            .as_object()
            .filter(|object| object.len() == 1)
            .and_then(|object| object.iter().next())
            .ok_or(unknown)?;
        match kind.as_str() {
            "counter" => Ok((After::GoOn, false)),
            "match" => {
                if !matches!(body["op"].as_str(), Some("==" | "in")) {
                    return Err("a match other than by being equal");
                }
                let values = self.values(key, &body["right"])?;
                self.narrow(packets, &body["left"], &values)?;
                Ok((After::GoOn, false))
            }
            "mangle" => {
                let field = payload(&body["key"]);
                let v6 = match field {
                    Some(("ip", "dscp")) => false,
                    Some(("ip6", "dscp")) => true,
                    _ => return Err("it changes something other than the mark"),
                };
                let dscp = mark(&body["value"]).ok_or("its mark is no number or name of one")?;
                let mut marked = packets.clone();
                marked.family(v6);
                self.fact(list, key.2, at, &marked, dscp)?;
                Ok((After::GoOn, true))
            }
            "accept" | "drop" | "return" => Ok((After::Gone, false)),
            "goto" | "jump" => {
                let gone = kind == "goto";
                self.follow(list, key, body, packets, depth)?;
                Ok((if gone { After::Gone } else { After::GoOn }, true))
            }
            "vmap" => {
                self.verdicts(list, key, body, packets, depth)?;
                Ok((After::GoOn, true))
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
        depth: usize,
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
                self.narrow(&mut some, part, &[value])?;
            }
            let target = verdict.get("goto").or_else(|| verdict.get("jump"));
            let target = target.ok_or("a verdict map with a verdict that is no chain")?;
            self.follow(list, key, target, &some, depth)?;
        }
        Ok(())
    }

    fn follow(
        &mut self,
        list: &str,
        key: Key<'a>,
        body: &'a Value,
        packets: &Packets,
        depth: usize,
    ) -> Result<(), &'static str> {
        let target = body["target"].as_str().ok_or("it goes to no chain")?;
        if !self.affords(1 + packets.size()) {
            return Err("more ways lead here than are followed");
        }
        let target = (key.0, key.1, target);
        self.chain(list, target, &mut packets.clone(), depth + 1);
        Ok(())
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
            Err("more ways lead here than are followed")
        }
    }

    /// Leaves of the packets those with one of the values.
    fn narrow(
        &mut self,
        packets: &mut Packets,
        left: &Value,
        values: &[&Value],
    ) -> Result<(), &'static str> {
        let every = |known: bool| if known { Ok(()) } else { Err(TWICE) };
        if let Some(key) = left["meta"]["key"].as_str() {
            return packets.meta(key, values);
        }
        match payload(left) {
            Some((family @ ("ip" | "ip6"), field @ ("saddr" | "daddr"))) => {
                packets.family(family == "ip6");
                let own = if field == "saddr" {
                    &mut packets.src
                } else {
                    &mut packets.dst
                };
                every(own.is_empty())?;
                *own = values
                    .iter()
                    .map(|value| net(value))
                    .collect::<Option<_>>()
                    .ok_or(VALUE)?;
                Ok(())
            }
            Some(("ip", "protocol")) => {
                packets.family(false);
                packets.protocol(values)
            }
            Some(("ip6", "nexthdr")) => {
                packets.family(true);
                packets.protocol(values)
            }
            Some((layer @ ("th" | "udp" | "tcp"), field @ ("sport" | "dport"))) => {
                if layer != "th" {
                    packets.protocol(&[&Value::from(layer)])?;
                }
                let own = if field == "sport" {
                    &mut packets.src_ports
                } else {
                    &mut packets.dst_ports
                };
                every(own.is_empty())?;
                *own = values
                    .iter()
                    .map(|value| ports(value))
                    .collect::<Option<_>>()
                    .ok_or(VALUE)?;
                Ok(())
            }
            _ => Err("a condition that is not understood"),
        }
    }

    fn fact(
        &mut self,
        list: &str,
        class: &str,
        at: usize,
        packets: &Packets,
        dscp: Dscp,
    ) -> Result<(), &'static str> {
        if packets.none {
            return Ok(());
        }
        let services = packets.services_size();
        if !self.affords(services.saturating_add(packets.size())) {
            return Err("more packets are marked here than are listed");
        }
        let mark = NetMark {
            list: shortened(list),
            class: shortened(class),
            families: packets.v6.map_or([true; 2], |v6| [!v6, v6]),
            src: packets.src.clone(),
            dst: packets.dst.clone(),
            services: packets.services(),
            dscp,
            interfaces: packets.interfaces.clone(),
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

impl Packets {
    fn family(&mut self, v6: bool) {
        self.none |= self.v6.is_some_and(|own| own != v6);
        self.v6 = Some(v6);
    }

    fn meta(&mut self, key: &str, values: &[&Value]) -> Result<(), &'static str> {
        match key {
            "l4proto" => self.protocol(values),
            "iifname" if self.interfaces.is_empty() => {
                self.interfaces = texts(values).ok_or(VALUE)?;
                Ok(())
            }
            "iifname" => Err(TWICE),
            "nfproto" => {
                let v6 = match values {
                    [one] if **one == "ipv4" => false,
                    [one] if **one == "ipv6" => true,
                    _ => return Err(VALUE),
                };
                self.family(v6);
                Ok(())
            }
            _ => Err("a condition that is not understood"),
        }
    }

    fn protocol(&mut self, values: &[&Value]) -> Result<(), &'static str> {
        let mut some = Vec::new();
        for value in values {
            some.push(match (value.as_str(), value.as_u64()) {
                (Some("udp"), _) | (_, Some(17)) => Protocol::Udp,
                (Some("tcp"), _) | (_, Some(6)) => Protocol::Tcp,
                _ => return Err("a protocol other than UDP and TCP"),
            });
        }
        if !self.protocols.is_empty() {
            some.retain(|one| self.protocols.contains(one));
            self.none |= some.is_empty();
        }
        self.protocols = some;
        Ok(())
    }

    fn size(&self) -> usize {
        self.src.len()
            + self.dst.len()
            + self.src_ports.len()
            + self.dst_ports.len()
            + self.interfaces.len()
    }

    fn services_size(&self) -> usize {
        let (src, dst) = (self.src_ports.len().max(1), self.dst_ports.len().max(1));
        src.saturating_mul(dst)
            .saturating_mul(self.protocols.len().max(2))
    }

    fn services(&self) -> Vec<Service> {
        let any = |ports: &[PortRange]| -> Vec<Option<PortRange>> {
            if ports.is_empty() {
                vec![None]
            } else {
                ports.iter().copied().map(Some).collect()
            }
        };
        if self.protocols.is_empty() && self.src_ports.is_empty() && self.dst_ports.is_empty() {
            return Vec::new();
        }
        let protocols = if self.protocols.is_empty() {
            &[Protocol::Udp, Protocol::Tcp][..]
        } else {
            &self.protocols
        };
        let mut out = Vec::new();
        for protocol in protocols {
            for src in any(&self.src_ports) {
                for dst in any(&self.dst_ports) {
                    out.push(Service {
                        protocol: *protocol,
                        src,
                        dst,
                    });
                }
            }
        }
        out
    }
}

/// The interfaces that a match by `!=` is not about.
fn other_interfaces(part: &Value) -> Option<Vec<String>> {
    let body = part.get("match")?;
    if body["op"] != "!=" || body["left"]["meta"]["key"] != "iifname" {
        return None;
    }
    match body["right"]["set"].as_array() {
        Some(names) => texts(&names.iter().collect::<Vec<_>>()),
        None => texts(&[&body["right"]]),
    }
}

fn texts(values: &[&Value]) -> Option<Vec<String>> {
    let mut names = values.iter().map(|value| value.as_str());
    if values.is_empty()
        || names
            .clone()
            .any(|name| name.is_none_or(|name| name.starts_with('@')))
    {
        return None;
    }
    names.by_ref().map(|name| name.map(shortened)).collect()
}

/// Protocol and field.
fn payload(value: &Value) -> Option<(&str, &str)> {
    let payload = value.get("payload")?;
    Some((payload["protocol"].as_str()?, payload["field"].as_str()?))
}

/// An element without the counter or comment that it has.
fn unwrapped(value: &Value) -> &Value {
    value
        .get("elem")
        .and_then(|elem| elem.get("val"))
        .unwrap_or(value)
}

fn mark(value: &Value) -> Option<Dscp> {
    match value.as_str() {
        Some("be" | "df" | "cs0") => Some(Dscp::DF),
        Some("lephb") => Dscp::try_new(1),
        Some(name) => Dscp::from_name(name),
        None => Dscp::try_new(u8::try_from(value.as_u64()?).ok()?),
    }
}

fn net(value: &Value) -> Option<IpNet> {
    if let Some(text) = value.as_str() {
        return text.parse::<IpAddr>().ok().map(IpNet::from);
    }
    let prefix = value.get("prefix")?;
    let address: IpAddr = prefix["addr"].as_str()?.parse().ok()?;
    IpNet::new(address, u8::try_from(prefix["len"].as_u64()?).ok()?).ok()
}

fn ports(value: &Value) -> Option<PortRange> {
    let port = |value: &Value| u16::try_from(value.as_u64()?).ok();
    if let Some([first, last]) = value["range"].as_array().map(Vec::as_slice) {
        return PortRange::try_new(port(first)?, port(last)?);
    }
    Some(PortRange::single(port(value)?))
}
