//! Reading back: the list of applications, and what each one's files tell.

use perhop_policy::{
    AppMatch, ClassKind, Diagnostic, Dscp, Fit, FlowKey, Host, Marker, PortRange, Producer,
    Protocol, ProtocolMatch, RuleId, Span,
};

use super::apps::{App, Entry};
use super::program::{apply, is_for, producers};
use super::told::Told;
use super::{Part, Product, Setting, Takes, text};
use crate::artifact::Artifact;
use crate::codes;
use crate::syntax::csv;
use crate::target::{Program, Step};
use crate::windows_policy::folder;

/// The file that says which folder is which application's.
pub(super) const INDEX: &str = "applications.csv";

/// The list of applications.
pub(super) fn index<'a>(apps: impl Iterator<Item = &'a App>) -> Vec<u8> {
    let mut rows = vec![HEAD.map(str::to_owned).to_vec()];
    for app in apps {
        for entry in &app.entries {
            let range = |range: PortRange| format!("{}-{}", range.first(), range.last());
            rows.push(vec![
                app.name.clone(),
                folder::of_scope(&app.name),
                if app.own { "application" } else { "phones" }.to_owned(),
                entry.scope.clone(),
                word(HOSTS, entry.host).to_owned(),
                entry.app.as_str().to_owned(),
                entry.kind.as_str().to_owned(),
                word(PROTOCOLS, entry.protocol).to_owned(),
                entry.ports.map(range).unwrap_or_default(),
                word(MARKERS, entry.marker).to_owned(),
            ]);
        }
    }
    csv::write(&rows)
}

/// What files of the product say.
pub(super) fn read(product: &Product, artifacts: &[Artifact]) -> Result<ReadBack, Vec<Diagnostic>> {
    let find = |path: &str| artifacts.iter().find(|one| one.path == path);
    let path = format!("{}/{INDEX}", product.id);
    let bytes = &find(&path)
        .ok_or_else(|| unreadable(&path, "it is not there"))?
        .bytes;
    let apps = applications(bytes).ok_or_else(|| unreadable(&path, "not a list that it writes"))?;
    let mut out = Vec::new();
    for app in apps {
        let folder = folder::of_scope(&app.name);
        let mut values = Values::default();
        for file in product.files.iter().filter(|file| is_for(file, &app)) {
            let path = format!("{}/{folder}/{}", product.id, file.name);
            let Some(artifact) = find(&path) else {
                continue;
            };
            let settings = text::read(file, &artifact.bytes).map_err(|found| {
                let place = format!("line {}: expected {}", found.line, found.expected);
                unreadable(&path, &place)
            })?;
            for (setting, value) in settings {
                values
                    .take(setting, &value)
                    .ok_or_else(|| unreadable(&path, &text::place(setting)))?;
            }
        }
        let told = values.told();
        out.push((
            app,
            told.ok_or_else(|| unreadable(&folder, "half a range"))?,
        ));
    }
    Ok(ReadBack {
        product: *product,
        artifacts: artifacts.to_vec(),
        producers: producers(&out),
        apps: out,
    })
}

/// What was read.
pub(super) struct ReadBack {
    product: Product,
    artifacts: Vec<Artifact>,
    apps: Vec<(App, Told)>,
    producers: Vec<Producer>,
}

impl Program for ReadBack {
    fn fits(&self) -> &[(RuleId, Fit)] {
        &[]
    }

    fn emit(&self) -> Vec<Artifact> {
        self.artifacts.clone()
    }

    fn steps(&self) -> Vec<Step> {
        Vec::new()
    }

    fn apply_to(&self, scope: &str, key: &FlowKey<'_>) -> Option<Option<Dscp>> {
        apply(&self.product, &self.apps, scope, key)
    }

    fn producers(&self) -> &[Producer] {
        &self.producers
    }
}

/// Values as they are found; a value that contradicts another is refused.
#[derive(Default)]
struct Values {
    told: Told,
    firsts: Vec<(Part, u16)>,
    lasts: Vec<(Part, u16)>,
}

impl Values {
    fn take(&mut self, setting: &Setting, value: &str) -> Option<()> {
        match setting.takes {
            Takes::Fixed(text) => (text == value).then_some(()),
            Takes::First(part) => put(&mut self.firsts, part, port(value)?),
            Takes::Last(part) => put(&mut self.lasts, part, port(value)?),
            Takes::Port(part) => {
                let range = PortRange::single(port(value)?);
                (*self.told.ranges.entry(part).or_insert(range) == range).then_some(())
            }
            Takes::Range(part) => {
                let range = range(value)?;
                (*self.told.ranges.entry(part).or_insert(range) == range).then_some(())
            }
            Takes::Mark(part, unit) => {
                let dscp = unit.read(value)?;
                (*self.told.marks.entry(part).or_insert(dscp) == dscp).then_some(())
            }
            Takes::Advertised(part) => self.told.take_advertised(part, value),
            Takes::TaggedCos(part) => self.told.take_tagged(value, " cos ", |told, value| {
                let pcp = perhop_policy::Pcp::try_new(value.parse().ok()?)?;
                (*told.priorities.entry(part).or_insert(pcp) == pcp).then_some(())
            }),
            Takes::TaggedDscp(part) => self.told.take_tagged(value, " dscp ", |told, value| {
                let dscp = super::Unit::Number.read(value)?;
                (*told.marks.entry(part).or_insert(dscp) == dscp).then_some(())
            }),
            Takes::Priority(part) => {
                let pcp = perhop_policy::Pcp::try_new(value.parse().ok()?)?;
                (*self.told.priorities.entry(part).or_insert(pcp) == pcp).then_some(())
            }
        }
    }

    /// All of it, ranges made of their ends; `None` when one end is missing or before the other.
    fn told(mut self) -> Option<Told> {
        if self.firsts.len() != self.lasts.len() {
            return None;
        }
        for (part, first) in self.firsts {
            let (_, last) = self.lasts.iter().find(|(other, _)| *other == part)?;
            let range = PortRange::try_new(first, *last)?;
            if *self.told.ranges.entry(part).or_insert(range) != range {
                return None;
            }
        }
        Some(self.told)
    }
}

fn put(list: &mut Vec<(Part, u16)>, part: Part, port: u16) -> Option<()> {
    match list.iter().find(|(other, _)| *other == part) {
        Some((_, other)) => (*other == port).then_some(()),
        None => {
            list.push((part, port));
            Some(())
        }
    }
}

fn port(text: &str) -> Option<u16> {
    let port: u16 = text.parse().ok()?;
    (port.to_string() == text).then_some(port)
}

fn range(text: &str) -> Option<PortRange> {
    let (first, last) = text.split_once('-')?;
    PortRange::try_new(port(first)?, port(last)?)
}

fn applications(bytes: &[u8]) -> Option<Vec<App>> {
    let rows = csv::read(bytes)?;
    let (head, rows) = rows.split_first()?;
    if head != &HEAD {
        return None;
    }
    let mut out: Vec<App> = Vec::new();
    for row in rows {
        let [
            name,
            of,
            own,
            scope,
            host,
            app,
            class,
            protocol,
            ports,
            marker,
        ] = &row[..]
        else {
            return None;
        };
        let own = match own.as_str() {
            "application" => true,
            "phones" => false,
            _ => return None,
        };
        let entry = Entry {
            rule: None,
            scope: scope.clone(),
            host: value(HOSTS, host)?,
            app: AppMatch::parse(app),
            kind: *KINDS.iter().find(|kind| kind.as_str() == class)?,
            protocol: value(PROTOCOLS, protocol)?,
            ports: if ports.is_empty() {
                None
            } else {
                Some(range(ports)?)
            },
            addresses: false,
            destination: false,
            dscp: Dscp::DF,
            pcp: None,
            marker: value(MARKERS, marker)?,
            origin: Span::default(),
        };
        if *of != folder::of_scope(name) {
            return None;
        }
        match out.iter_mut().find(|one| one.name == *name) {
            Some(one) => one.entries.push(entry),
            None => out.push(App {
                name: name.clone(),
                own,
                entries: vec![entry],
            }),
        }
    }
    Some(out)
}

fn unreadable(path: &str, what: &str) -> Vec<Diagnostic> {
    vec![
        Diagnostic::error(
            codes::UNREADABLE,
            format!("`{path}` is not what perhop writes: {what}"),
        )
        .help("compile the plan again"),
    ]
}

/// The word of a value; every value has one.
fn word<T: Copy + PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    let found = words.iter().find(|(_, one)| *one == value);
    found.map_or("", |(word, _)| word)
}

fn value<T: Copy>(words: &[(&'static str, T)], text: &str) -> Option<T> {
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, value)| *value)
}

const HEAD: [&str; 10] = [
    "application",
    "folder",
    "stated as",
    "scope",
    "hosts",
    "executable",
    "class",
    "protocol",
    "ports",
    "marked by",
];

const HOSTS: &[(&str, Host)] = &[
    ("Windows", Host::Windows),
    ("Linux", Host::Linux),
    ("macOS", Host::MacOs),
    ("device", Host::Appliance),
];

const PROTOCOLS: &[(&str, ProtocolMatch)] = &[
    ("both", ProtocolMatch::Both),
    ("tcp", ProtocolMatch::Only(Protocol::Tcp)),
    ("udp", ProtocolMatch::Only(Protocol::Udp)),
];

const MARKERS: &[(&str, Marker)] = &[
    ("host", Marker::HostPolicy),
    ("sender", Marker::Sender),
    ("network", Marker::Network),
];

const KINDS: [ClassKind; 6] = [
    ClassKind::Audio,
    ClassKind::Video,
    ClassKind::AppSharing,
    ClassKind::FileTransfer,
    ClassKind::Signaling,
    ClassKind::Other,
];
