//! The eleven values of a policy, version 1.0, read with forbearance: what is wrong is told, and read as it was meant.

use std::net::IpAddr;

use ipnet::IpNet;
use perhop_policy::{
    AppMatch, Dscp, DstPorts, PortMatch, PortRange, Protocol, ProtocolMatch, Rate, Severity,
    SrcPorts,
};
use perhop_targets::suggest;
use perhop_targets::windows_policy::VALUE_NAMES;

use super::{Form, HostPolicy, Raw};
use crate::codes;
use crate::finding::{Finding, Layer};
use crate::place::Place;
use crate::throttle::Throttle;

/// The policy of a key's values, and what is wrong with it. Of a value that is there twice the last one counts, as in
/// Registry.pol.
pub(crate) fn policy(
    name: &str,
    user: bool,
    raws: Vec<Raw>,
    place: &Place,
) -> (HostPolicy, Vec<Finding>) {
    let mut maker = Maker {
        name,
        place,
        findings: Vec::new(),
        sound: true,
    };
    maker.unknown(&raws);
    let values: Vec<Option<&Raw>> = VALUE_NAMES
        .iter()
        .map(|known| {
            raws.iter()
                .rfind(|raw| raw.name.eq_ignore_ascii_case(known))
        })
        .collect();
    maker.missing(&values);
    maker.types(&values);
    if let Some(raw) = values[0]
        && raw.data != "1.0"
    {
        maker.invalid(raw, "Windows takes version `1.0` only", "write `1.0`");
    }
    let mut out = HostPolicy::new(name, Form::Registry);
    out.user = user;
    out.app = values[1].map_or(AppMatch::Any, |raw| AppMatch::parse(raw.data.trim()));
    out.protocol = maker.protocol(values[2]);
    out.src_ports = SrcPorts(maker.ports(values[3]));
    out.src = maker.address(values[4], values[5]);
    out.dst_ports = DstPorts(maker.ports(values[6]));
    out.dst = maker.address(values[7], values[8]);
    out.dscp = maker.dscp(values[9]);
    out.throttle = maker.throttle(values[10]);
    if values[9].is_some() && out.dscp.is_none() && out.throttle.is_none() && maker.sound {
        maker.no_action();
    }
    if user {
        maker.push(
            Finding::new(
                Severity::Info,
                Layer::Delivery,
                codes::USER_POLICY,
                format!("`{name}` is a policy of users, not of the computer"),
            )
            .note("it marks what that user's programs send, and nothing that a service sends"),
        );
    }
    out.sound = maker.sound;
    let findings = maker.findings;
    out.values = raws;
    (out, findings)
}

/// What reading gathers.
struct Maker<'a> {
    name: &'a str,
    place: &'a Place,
    findings: Vec<Finding>,
    sound: bool,
}

impl Maker<'_> {
    fn push(&mut self, finding: Finding) {
        let finding = if finding.place.is_none() {
            finding.at(self.place)
        } else {
            finding
        };
        self.findings.push(finding);
    }

    /// Something for which Windows does not apply the policy.
    fn wrong(&mut self, code: &'static str, message: String, place: &Place) -> &mut Finding {
        self.sound = false;
        self.findings
            .push(Finding::new(Severity::Error, Layer::Match, code, message).at(place));
        self.findings.last_mut().expect("one was pushed")
    }

    fn invalid(&mut self, raw: &Raw, why: &str, help: &str) {
        let message = format!("`{}` of `{}` is `{}`", raw.name, self.name, raw.data);
        let finding = self.wrong(codes::VALUE_INVALID, message, &raw.place);
        finding.notes.push(why.to_owned());
        finding.helps.push(help.to_owned());
    }

    fn unknown(&mut self, raws: &[Raw]) {
        for raw in raws {
            let known = |one: &&str| one.eq_ignore_ascii_case(&raw.name);
            if VALUE_NAMES.iter().any(known) {
                continue;
            }
            let mut finding = Finding::new(
                Severity::Warning,
                Layer::Match,
                codes::VALUE_UNKNOWN,
                format!(
                    "`{}` has the value `{}`, which Windows does not know",
                    self.name, raw.name
                ),
            )
            .at(&raw.place);
            let meant = VALUE_NAMES
                .iter()
                .copied()
                .find(|known| starts_with_no_case(known, &raw.name))
                .or_else(|| suggest::nearest(&raw.name, VALUE_NAMES));
            if let Some(meant) = meant {
                finding = finding.help(format!("`{meant}` is the name that Windows reads"));
            }
            self.findings.push(finding);
        }
    }

    fn missing(&mut self, values: &[Option<&Raw>]) {
        let missing: Vec<String> = VALUE_NAMES
            .iter()
            .zip(values)
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        if missing.is_empty() {
            return;
        }
        let message = format!("`{}` has no value {}", self.name, missing.join(", "));
        let place = self.place.clone();
        let finding = self.wrong(codes::VALUE_MISSING, message, &place);
        finding.notes.push(
            "Windows reads eleven values, and logs an error for a policy of which it cannot read one".to_owned(),
        );
        finding
            .helps
            .push("write all eleven; `*` stands for any, `-1` for no action".to_owned());
    }

    fn types(&mut self, values: &[Option<&Raw>]) {
        for raw in values.iter().flatten() {
            if raw.kind == "REG_SZ" {
                continue;
            }
            let message = format!(
                "`{}` of `{}` is {}, not REG_SZ",
                raw.name, self.name, raw.kind
            );
            let finding = self.wrong(codes::VALUE_TYPE, message, &raw.place);
            finding
                .notes
                .push("all eleven values are text, numbers too".to_owned());
            finding
                .helps
                .push(format!("write it as text: `{}`", raw.data));
        }
    }

    fn protocol(&mut self, raw: Option<&Raw>) -> ProtocolMatch {
        let Some(raw) = raw else {
            return ProtocolMatch::Both;
        };
        match raw.data.to_ascii_uppercase().as_str() {
            "*" => ProtocolMatch::Both,
            "TCP" => ProtocolMatch::Only(Protocol::Tcp),
            "UDP" => ProtocolMatch::Only(Protocol::Udp),
            _ => {
                self.invalid(
                    raw,
                    "a protocol is `TCP`, `UDP` or `*` for both",
                    "write one of them",
                );
                ProtocolMatch::Both
            }
        }
    }

    fn ports(&mut self, raw: Option<&Raw>) -> PortMatch {
        let Some(raw) = raw.filter(|raw| raw.data != "*") else {
            return PortMatch::Any;
        };
        if let Some(range) = range(&raw.data, ':') {
            return PortMatch::Range(range);
        }
        if let Some(meant) = range(&raw.data, '-') {
            let message = format!(
                "`{}` of `{}` is `{}`, with a hyphen",
                raw.name, self.name, raw.data
            );
            let finding = self.wrong(codes::PORT_HYPHEN, message, &raw.place);
            finding.notes.push(
                "ranges in the registry are written with a colon; the hyphen is mobile device management's".to_owned(),
            );
            finding
                .helps
                .push(format!("write `{}:{}`", meant.first(), meant.last()));
            return PortMatch::Range(meant);
        }
        self.invalid(
            raw,
            "ports are 1 to 65535: one, or the lower and the higher with a colon between",
            "write `20000:20039`, or `*` for any",
        );
        PortMatch::Any
    }

    fn address(&mut self, ip: Option<&Raw>, length: Option<&Raw>) -> Option<IpNet> {
        let raw = ip?;
        let length_text = length.map_or("*", |raw| raw.data.as_str());
        if raw.data == "*" && length_text == "*" {
            return None;
        }
        let net = raw.data.parse::<IpAddr>().ok().and_then(|ip| {
            let whole = if ip.is_ipv4() { 32 } else { 128 };
            let length = if length.is_none() {
                whole
            } else {
                length_text.parse().ok()?
            };
            IpNet::new(ip, length).ok()
        });
        match net {
            Some(net) if net.addr() == net.network() => Some(net),
            Some(net) => {
                self.invalid(
                    raw,
                    "the address has bits outside its prefix",
                    &format!("write `{}`", net.network()),
                );
                Some(net.trunc())
            }
            None => {
                self.invalid(
                    raw,
                    "an address comes with the length of its prefix, and any address is `*` in both",
                    "write an IPv4 or IPv6 address here, and its prefix length in the value below",
                );
                None
            }
        }
    }

    fn dscp(&mut self, raw: Option<&Raw>) -> Option<Dscp> {
        let raw = raw.filter(|raw| raw.data != "-1")?;
        let number: Option<u32> = raw.data.parse().ok();
        if let Some(dscp) = number
            .and_then(|number| u8::try_from(number).ok())
            .and_then(Dscp::try_new)
        {
            return Some(dscp);
        }
        if let Some(dscp) = number.and_then(tos) {
            let message = format!(
                "`{}` of `{}` is {}, which is a ToS octet",
                raw.name, self.name, raw.data
            );
            let finding = self.wrong(codes::TOS_FOR_DSCP, message, &raw.place);
            finding.notes.push(format!(
                "a DSCP is 0 to 63; {} as an octet is DSCP {dscp}",
                raw.data
            ));
            finding.helps.push(format!("write `{}`", dscp.value()));
            return Some(dscp);
        }
        let named = Dscp::from_name(&raw.data);
        let help = named.map_or_else(
            || "write a number from 0 to 63".to_owned(),
            |dscp| format!("write `{}`", dscp.value()),
        );
        self.invalid(
            raw,
            "a DSCP is a number from 0 to 63, or `-1` for none",
            &help,
        );
        named
    }

    fn throttle(&mut self, raw: Option<&Raw>) -> Option<Throttle> {
        let raw = raw.filter(|raw| raw.data != "-1")?;
        let throttle = raw.data.parse().ok().and_then(Throttle::from_units);
        if throttle.is_none() {
            let help = match Rate::from_text(&raw.data) {
                Some(meant) => format!("write `{}`", meant.windows_units()),
                None => "write the number of 1024 bytes a second, or `-1`".to_owned(),
            };
            self.invalid(
                raw,
                "a rate is a whole number of 1024 bytes a second from 2, or `-1` for none",
                &help,
            );
        }
        throttle
    }

    fn no_action(&mut self) {
        let message = format!("`{}` neither marks nor throttles", self.name);
        let place = self.place.clone();
        let finding = self.wrong(codes::NO_ACTION, message, &place);
        finding
            .notes
            .push("Windows logs a warning and leaves such a policy out (event 104)".to_owned());
        finding
            .helps
            .push("give `DSCP Value` a number from 0 to 63, or delete the policy".to_owned());
    }
}

/// The DSCP of a whole octet whose two low bits are 0; `None` below 64, where it could be a DSCP.
pub(crate) fn tos(number: u32) -> Option<Dscp> {
    let octet = u8::try_from(number).ok()?;
    (octet >= 64 && octet.is_multiple_of(4))
        .then(|| Dscp::try_new(octet >> 2))
        .flatten()
}

/// One port, or two with a mark between; 1 to 65535.
pub(crate) fn range(text: &str, between: char) -> Option<PortRange> {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<u16>().ok().filter(|port| digits && *port > 0)
    };
    match text.split_once(between) {
        None => Some(PortRange::single(number(text)?)),
        Some((first, last)) => PortRange::try_new(number(first)?, number(last)?),
    }
}

fn starts_with_no_case(long: &str, short: &str) -> bool {
    short.len() >= 4
        && long
            .get(..short.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(short))
}
