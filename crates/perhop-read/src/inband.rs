//! In-band provisioning: what a client is sent at sign-in, alone or inside a client's log (uc-platforms 4).

use perhop_policy::{Dscp, Family, Pcp, PortRange, ProducerKind, RangeUse, Severity, Subject};
use perhop_targets::cs_shell::settings::{CONFERENCING, MEDIA, PHONES};

use crate::codes;
use crate::fact::{Fact, ObjectRange, ServiceObject, What};
use crate::finding::{Finding, Layer};
use crate::place::Place;
use crate::policy::values::tos;
use crate::reading::{FileRead, Format, shortened};

/// Whether a text holds such a group.
pub(crate) fn is_one(text: &str) -> bool {
    let bytes = text.as_bytes();
    find(bytes, 0, b"ServerConfiguration").is_some()
        && find(bytes, 0, b"<ucPortRangeEnabled").is_some()
        || find(bytes, 0, b"<provisionGroup").is_some()
}

/// Reads every group of a text. Elements are looked for one by one: logs have time stamps between lines and may end in
/// the middle.
pub(crate) fn read(index: usize, name: &str, text: &str) -> FileRead {
    let mut file = FileRead::new(name, Format::InBand);
    let starts = line_starts(text);
    let mut subject = Subject::Global;
    let mut identity = "sent to the client".to_owned();
    if let Some(users) = attribute(text, "users") {
        subject = group(&users);
        identity = users;
    }
    let mut groups: Vec<Group> = Vec::new();
    let mut at = 0;
    while let Some(found) = find(text.as_bytes(), at, b"<provisionGroup") {
        let end = find(text.as_bytes(), found, b"</provisionGroup>").unwrap_or(text.len());
        let body = &text[found..end];
        let head = &body[..body.find('>').unwrap_or(body.len())];
        if head
            .to_ascii_lowercase()
            .contains("\"serverconfiguration\"")
        {
            let group = group_of(index, body, found, &starts);
            // Logs repeat what has not changed.
            if groups.last().is_none_or(|last| !last.is_same(&group)) {
                groups.push(group);
            }
        }
        at = end.max(found + 1);
    }
    for group in &groups {
        facts(&mut file, group, &subject, &identity);
    }
    if groups.len() > 1 {
        file.leave(
            groups[0].place.clone(),
            format!("{} different groups", groups.len()),
            "the client was sent other values in the course of the log; the last ones are in force",
        );
        // The last one is in force.
        let last = groups
            .last()
            .map_or(0, |group| group.place.line.unwrap_or(0));
        file.facts
            .retain(|fact| fact.place.line.unwrap_or(0) >= last);
    }
    file
}

/// The elements of one group.
struct Group {
    place: Place,
    elements: Vec<(String, String, Place)>,
}

impl Group {
    fn is_same(&self, other: &Self) -> bool {
        let plain = |group: &Self| -> Vec<(String, String)> {
            let all = group.elements.iter();
            all.map(|(name, value, _)| (name.clone(), value.clone()))
                .collect()
        };
        plain(self) == plain(other)
    }

    fn get(&self, name: &str) -> Option<(&str, &Place)> {
        self.elements
            .iter()
            .rfind(|(known, ..)| known.eq_ignore_ascii_case(name))
            .map(|(_, value, place)| (value.as_str(), place))
    }
}

fn group_of(index: usize, body: &str, offset: usize, starts: &[usize]) -> Group {
    let place =
        |at: usize, name: &str| Place::line(index, line_of(starts, offset + at)).with_path(name);
    let mut elements = Vec::new();
    let mut at = 0;
    while let Some(open) = body[at..].find('<').map(|found| at + found) {
        let rest = &body[open + 1..];
        let Some(end) = rest.find('>') else { break };
        let name = &rest[..end];
        at = open + 1 + end + 1;
        let plain =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let value = body[at..].find('<').map(|found| &body[at..at + found]);
        let closes = value.is_some_and(|value| {
            body[at + value.len()..]
                .strip_prefix("</")
                .is_some_and(|rest| rest.starts_with(name))
        });
        if let Some(value) = value.filter(|_| plain && closes)
            && elements.len() < MOST_ELEMENTS
        {
            elements.push((name.to_owned(), value.trim().to_owned(), place(open, name)));
        }
    }
    Group {
        place: place(0, "ServerConfiguration"),
        elements,
    }
}

fn facts(file: &mut FileRead, group: &Group, subject: &Subject, identity: &str) {
    let object = |noun, kind| ServiceObject {
        noun,
        family: Family::LyncServer,
        kind,
        subject: subject.clone(),
        identity: identity.to_owned(),
        delivered: true,
        enabled: None,
        ranges: Vec::new(),
        dscp: None,
        pcp: None,
        marking: None,
    };
    let mut clients = object(CONFERENCING, ProducerKind::Clients);
    ranges(file, group, &mut clients);
    if clients.enabled.is_some() || !clients.ranges.is_empty() {
        push(file, &group.place, clients);
    }
    let mut phones = object(PHONES, ProducerKind::Phones);
    if let Some((value, place)) = group.get("ucDiffServVoice") {
        phones.dscp = phone_dscp(file, value, place).map(|dscp| (dscp, place.clone()));
    }
    if let Some((value, place)) = group.get("ucVoice802_1p") {
        let pcp = value.parse().ok().and_then(Pcp::try_new);
        phones.pcp = pcp.map(|pcp| (pcp, place.clone()));
    }
    if phones.dscp.is_some() || phones.pcp.is_some() {
        push(file, &group.place, phones);
    }
    let mut devices = object(MEDIA, ProducerKind::OtherDevices);
    devices.marking = group
        .get("qosEnabled")
        .and_then(|(value, place)| Some((value.parse().ok()?, place.clone())));
    if devices.marking.is_some() {
        push(file, &group.place, devices);
    }
}

/// The client ranges of a group, and whether they are in force.
fn ranges(file: &mut FileRead, group: &Group, clients: &mut ServiceObject) {
    let enabled = group.get("ucPortRangeEnabled");
    clients.enabled = enabled.map(|(value, _)| value.trim() == "true");
    for (used_for, word) in RANGES {
        let (low, high) = (format!("ucMin{word}Port"), format!("ucMax{word}Port"));
        let (Some((first, place)), Some((last, _))) = (group.get(&low), group.get(&high)) else {
            continue;
        };
        let both = first.parse().ok().zip(last.parse().ok());
        match both.and_then(|(first, last)| PortRange::try_new(first, last)) {
            Some(ports) => clients.ranges.push(ObjectRange {
                used_for,
                ports,
                place: place.clone(),
            }),
            None => file.findings.push(
                Finding::new(
                    Severity::Error,
                    Layer::Delivery,
                    codes::RANGE_END,
                    format!(
                        "`{low}` {} and `{high}` {} are no range of ports",
                        shortened(first),
                        shortened(last)
                    ),
                )
                .at(place)
                .help("look at the settings object that the server sends this from"),
            ),
        }
    }
    if clients.enabled == Some(false) {
        file.findings.push(
            Finding::new(
                Severity::Warning,
                Layer::Delivery,
                codes::RANGES_DISABLED,
                "the client was sent `ucPortRangeEnabled` false",
            )
            .at(enabled.map_or(&group.place, |(_, place)| place))
            .note("it uses any port from 1024 to 65535 then, whatever the ranges say")
            .command(format!(
                "Get-{CONFERENCING} | Set-{CONFERENCING} -ClientMediaPortRangeEnabled $true"
            )),
        );
    }
}

fn phone_dscp(file: &mut FileRead, value: &str, place: &Place) -> Option<Dscp> {
    let number: u32 = value.parse().ok()?;
    let dscp = u8::try_from(number).ok().and_then(Dscp::try_new);
    if let (None, Some(meant)) = (dscp, tos(number)) {
        file.findings.push(
            Finding::new(
                Severity::Error,
                Layer::Host,
                codes::TOS_FOR_DSCP,
                format!("`ucDiffServVoice` is {number}, and a DSCP is 0 to 63"),
            )
            .at(place)
            .help(format!("as a DSCP it is {}", meant.value())),
        );
    }
    dscp
}

fn push(file: &mut FileRead, place: &Place, object: ServiceObject) {
    file.facts.push(Fact {
        place: place.clone(),
        layer: Layer::Delivery,
        what: What::Object(object),
    });
}

/// The value of an attribute of the document that perhop writes.
fn attribute(text: &str, name: &str) -> Option<String> {
    let head = text.find("<expected ").map(|at| &text[at..])?;
    let head = &head[..head.find('>')?];
    let rest = &head[head.find(&format!(" {name}=\""))? + name.len() + 3..];
    Some(
        rest[..rest.find('"')?]
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&amp;", "&"),
    )
}

fn group(users: &str) -> Subject {
    match users.split_once(':') {
        Some(("site", name)) => Subject::Site(name.to_owned()),
        Some(("service", name)) => Subject::Service(name.to_owned()),
        _ => Subject::Global,
    }
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    bytes
        .get(from..)?
        .windows(what.len())
        .position(|window| window.eq_ignore_ascii_case(what))
        .map(|at| from + at)
}

fn line_starts(text: &str) -> Vec<usize> {
    let breaks = text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
    std::iter::once(0)
        .chain(breaks.map(|(at, _)| at + 1))
        .collect()
}

fn line_of(starts: &[usize], at: usize) -> usize {
    starts.partition_point(|start| *start <= at)
}

/// The words in the names of elements.
const RANGES: [(RangeUse, &str); 6] = [
    (RangeUse::Audio, "Audio"),
    (RangeUse::Video, "Video"),
    (RangeUse::AppSharing, "AppSharing"),
    (RangeUse::FileTransfer, "FileTransfer"),
    (RangeUse::LegacyMedia, "Media"),
    (RangeUse::Signaling, "SipDynamic"),
];

/// A group has some dozens.
const MOST_ELEMENTS: usize = 1000;
