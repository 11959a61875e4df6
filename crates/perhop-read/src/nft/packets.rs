//! The packets that come to a rule of nftables.

use std::net::IpAddr;

use ipnet::IpNet;
use perhop_policy::{Dscp, PortRange, Protocol};
use perhop_targets::network::model::Service;
use serde_json::Value;

use super::names::mark;
use crate::fact::NetMark;
use crate::meet;
use crate::reading::shortened;

const TWICE: &str = "two conditions of one kind";
const VALUE: &str = "a value that is not understood";

/// The packets that come to a rule; an empty list is no condition.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Packets {
    pub(super) v6: Option<bool>,
    pub(super) protocols: Vec<Protocol>,
    pub(super) src: Vec<IpNet>,
    pub(super) dst: Vec<IpNet>,
    pub(super) src_ports: Vec<PortRange>,
    pub(super) dst_ports: Vec<PortRange>,
    pub(super) interfaces: Vec<String>,
    pub(super) arriving: Vec<Dscp>,
    /// None at all.
    pub(super) none: bool,
}

impl Packets {
    pub(super) fn family(&mut self, v6: bool) {
        self.none |= self.v6.is_some_and(|own| own != v6);
        self.v6 = Some(v6);
    }

    pub(super) fn meta(&mut self, key: &str, values: &[&Value]) -> Result<(), &'static str> {
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

    pub(super) fn protocol(&mut self, values: &[&Value]) -> Result<(), &'static str> {
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

    pub(super) fn size(&self) -> usize {
        self.src.len()
            + self.dst.len()
            + self.src_ports.len()
            + self.dst_ports.len()
            + self.interfaces.len()
            + self.arriving.len()
    }

    pub(super) fn services_size(&self) -> usize {
        let (src, dst) = (self.src_ports.len().max(1), self.dst_ports.len().max(1));
        src.saturating_mul(dst)
            .saturating_mul(self.protocols.len().max(2))
    }

    pub(super) fn services(&self) -> Vec<Service> {
        let ports = [&self.src_ports[..], &self.dst_ports];
        meet::conditions(&self.protocols, ports, &[]).unwrap_or_default()
    }

    /// Leaves of the packets those with one of the values.
    pub(super) fn narrow(&mut self, left: &Value, values: &[&Value]) -> Result<(), &'static str> {
        let every = |known: bool| if known { Ok(()) } else { Err(TWICE) };
        if let Some(key) = left["meta"]["key"].as_str() {
            return self.meta(key, values);
        }
        match payload(left) {
            Some((family @ ("ip" | "ip6"), field @ ("saddr" | "daddr"))) => {
                self.family(family == "ip6");
                let own = if field == "saddr" {
                    &mut self.src
                } else {
                    &mut self.dst
                };
                every(own.is_empty())?;
                *own = values
                    .iter()
                    .map(|value| net(value))
                    .collect::<Option<_>>()
                    .ok_or(VALUE)?;
                Ok(())
            }
            Some((family @ ("ip" | "ip6"), "dscp")) => {
                self.family(family == "ip6");
                every(self.arriving.is_empty())?;
                let marks = values.iter().map(|value| mark(value));
                self.arriving = marks.collect::<Option<_>>().ok_or(VALUE)?;
                Ok(())
            }
            Some(("ip", "protocol")) => {
                self.family(false);
                self.protocol(values)
            }
            Some(("ip6", "nexthdr")) => {
                self.family(true);
                self.protocol(values)
            }
            Some((layer @ ("th" | "udp" | "tcp"), field @ ("sport" | "dport"))) => {
                if layer != "th" {
                    self.protocol(&[&Value::from(layer)])?;
                }
                let own = if field == "sport" {
                    &mut self.src_ports
                } else {
                    &mut self.dst_ports
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

    /// Whether a mark is on just these packets, but for the family.
    pub(super) fn are_of(&self, mark: &NetMark) -> bool {
        mark.src == self.src
            && mark.dst == self.dst
            && mark.interfaces == self.interfaces
            && mark.arriving == self.arriving
            && mark.services == self.services()
    }
}

pub(super) fn texts(values: &[&Value]) -> Option<Vec<String>> {
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
pub(super) fn payload(value: &Value) -> Option<(&str, &str)> {
    let payload = value.get("payload")?;
    Some((payload["protocol"].as_str()?, payload["field"].as_str()?))
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
