//! What a product is told for one application: ranges, marks and priorities by part, or why it cannot be.

use std::collections::BTreeMap;

use perhop_policy::{ClassKind, Diagnostic, Dscp, Pcp, PortRange};

use super::apps::{App, Entry, part_of};
use super::{Part, Ports, Product, Takes, Unit};
use crate::codes;

/// Values by part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Ports.
    pub(crate) ranges: BTreeMap<Part, PortRange>,
    /// Marks.
    pub(crate) marks: BTreeMap<Part, Dscp>,
    /// Layer-2 priorities.
    pub(crate) priorities: BTreeMap<Part, Pcp>,
    /// The voice VLAN, 1 to 4094, where the product is told one.
    pub(crate) vlan: Option<u16>,
}

impl Told {
    /// What the product is told for an application; problems are added.
    pub(crate) fn of(
        product: &Product,
        app: &App,
        vlan: Option<u16>,
        problems: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut out = Self {
            vlan,
            ..Self::default()
        };
        for entry in &app.entries {
            if let Some(ports) = entry.ports.filter(|_| entry.kind != ClassKind::Signaling) {
                problems.extend(out.take_range(product, app, entry, ports));
            }
            for part in parts(product, entry.kind, Kind::Mark) {
                out.marks.entry(part).or_insert(entry.dscp);
            }
            if let Some(pcp) = entry.pcp {
                for part in parts(product, entry.kind, Kind::Priority) {
                    out.priorities.entry(part).or_insert(pcp);
                }
            }
        }
        out
    }

    fn take_range(
        &mut self,
        product: &Product,
        app: &App,
        entry: &Entry,
        ports: PortRange,
    ) -> Option<Diagnostic> {
        let name = app.name.escape_debug();
        let kind = entry.kind.as_str();
        let Some(part) = parts(product, entry.kind, Kind::Ports).next() else {
            let reason = match product.ports {
                Ports::Elsewhere(_) => return None,
                Ports::None(reason) => reason.to_owned(),
                Ports::Told => format!("{} has no setting for the ports of {kind}", product.name),
            };
            return Some(
                Diagnostic::error(
                    codes::NO_SUCH_RANGE,
                    format!(
                        "`{}` cannot be told the {kind} ports of `{name}`",
                        product.id
                    ),
                )
                .primary(entry.origin, "no setting takes this")
                .note(reason)
                .help("remove the range, or choose the application's targets without this one"),
            );
        };
        if ports.first() < product.lowest {
            return Some(
                Diagnostic::error(
                    codes::PORT_TOO_LOW,
                    format!("{} takes no port below {}", product.name, product.lowest),
                )
                .primary(entry.origin, format!("begins at {}", ports.first()))
                .help(format!("begin the range at {} or above", product.lowest)),
            );
        }
        let single = product
            .settings()
            .any(|(_, setting)| setting.takes == Takes::Port(part));
        if single && ports.count() > 1 {
            return Some(
                Diagnostic::error(
                    codes::TOO_MANY_PORTS,
                    format!("{} has one port for {}", product.name, part.as_str()),
                )
                .primary(entry.origin, format!("{} ports", ports.count()))
                .help(format!("write one port, such as {}", ports.first())),
            );
        }
        let had = *self.ranges.entry(part).or_insert(ports);
        (had != ports).then(|| {
            Diagnostic::error(
                codes::NO_SUCH_RANGE,
                format!("{} has one range for {}", product.name, part.as_str()),
            )
            .primary(entry.origin, format!("{kind} of `{name}`"))
            .note(format!(
                "it has been told {}-{}; what it sends from there cannot be told apart by ports",
                had.first(),
                had.last()
            ))
            .help("give the application one range and one mark, or run one instance for each")
        })
    }

    /// The ports that traffic of a class is sent from, as far as the product is told.
    pub(crate) fn range(&self, kind: ClassKind) -> Option<PortRange> {
        lookup(&self.ranges, kind)
    }

    /// The mark of a class's traffic, as far as the product is told.
    pub(crate) fn mark(&self, kind: ClassKind) -> Option<Dscp> {
        lookup(&self.marks, kind)
    }

    /// VLAN, priority and DSCP as `lldpcli` takes them.
    fn advertised(&self, part: Part) -> Option<String> {
        let dscp = Unit::Number.write(*self.marks.get(&part)?);
        let vlan = self
            .vlan
            .map_or_else(String::new, |id| format!("tagged vlan {id} "));
        let priority = self.priorities.get(&part).map_or_else(String::new, |pcp| {
            format!("priority {} ", PRIORITIES[usize::from(pcp.value())])
        });
        Some(format!("{vlan}{priority}dscp {dscp}"))
    }

    /// Takes what [`Told::value`] wrote for a policy that is advertised; `None` for anything else.
    pub(crate) fn take_advertised(&mut self, part: Part, text: &str) -> Option<()> {
        let mut rest = text;
        if let Some(tagged) = rest.strip_prefix("tagged vlan ") {
            let (id, after) = tagged.split_once(' ')?;
            self.vlan = Some(id.parse().ok().filter(|id| (1..4095).contains(id))?);
            rest = after;
        }
        if let Some(priority) = rest.strip_prefix("priority ") {
            let (label, after) = priority.split_once(' ')?;
            let value = (0u8..)
                .zip(PRIORITIES)
                .find(|(_, known)| *known == label)?
                .0;
            self.priorities.insert(part, Pcp::try_new(value)?);
            rest = after;
        }
        self.marks
            .insert(part, Unit::Number.read(rest.strip_prefix("dscp ")?)?);
        Some(())
    }

    /// Takes what [`Told::value`] wrote for a VLAN with something else, which this adds; `None` for anything else.
    pub(crate) fn take_tagged(
        &mut self,
        text: &str,
        word: &str,
        mut add: impl FnMut(&mut Self, &str) -> Option<()>,
    ) -> Option<()> {
        let (id, value) = text.split_once(word)?;
        let id: u16 = id.parse().ok().filter(|id| (1..4095).contains(id))?;
        (*self.vlan.get_or_insert(id) == id).then_some(())?;
        add(self, value)
    }

    /// A setting's value as text; `None` when nothing is told for it, and for what is always the same.
    pub(crate) fn value(&self, takes: Takes) -> Option<String> {
        Some(match takes {
            Takes::Fixed(_) => return None,
            Takes::First(part) | Takes::Port(part) => self.ranges.get(&part)?.first().to_string(),
            Takes::Last(part) => self.ranges.get(&part)?.last().to_string(),
            Takes::Range(part) => {
                let range = self.ranges.get(&part)?;
                format!("{}-{}", range.first(), range.last())
            }
            Takes::Mark(part, unit) => unit.write(*self.marks.get(&part)?),
            Takes::Priority(part) => self.priorities.get(&part)?.value().to_string(),
            Takes::Advertised(part) => self.advertised(part)?,
            Takes::TaggedCos(part) => {
                let pcp = self.priorities.get(&part)?.value();
                format!("{} cos {pcp}", self.vlan?)
            }
            Takes::TaggedDscp(part) => {
                let dscp = Unit::Number.write(*self.marks.get(&part)?);
                format!("{} dscp {dscp}", self.vlan?)
            }
        })
    }
}

fn lookup<T: Copy>(values: &BTreeMap<Part, T>, kind: ClassKind) -> Option<T> {
    let own = part_of(kind).and_then(|part| values.get(&part));
    let all = values
        .get(&Part::Media)
        .filter(|_| kind != ClassKind::Signaling);
    own.or(all).copied()
}

/// Kinds of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ports,
    Mark,
    Priority,
}

/// The parts by which a product has settings of that kind for the traffic of a class: its own, then that of all media.
fn parts(product: &Product, class: ClassKind, kind: Kind) -> impl Iterator<Item = Part> + use<> {
    let has = |wanted: Part| {
        product
            .settings()
            .any(|(_, setting)| match (setting.takes, kind) {
                (
                    Takes::First(part) | Takes::Last(part) | Takes::Range(part) | Takes::Port(part),
                    Kind::Ports,
                )
                | (
                    Takes::Mark(part, _) | Takes::Advertised(part) | Takes::TaggedDscp(part),
                    Kind::Mark,
                )
                | (
                    Takes::Priority(part) | Takes::Advertised(part) | Takes::TaggedCos(part),
                    Kind::Priority,
                ) => part == wanted,
                _ => false,
            })
    };
    let own = part_of(class).filter(|part| has(*part));
    let all = (class != ClassKind::Signaling && has(Part::Media)).then_some(Part::Media);
    own.into_iter().chain(all)
}

/// The names of priorities 0 to 7 (IEEE 802.1D-2004, table G-2), as `lldpcli` has them.
const PRIORITIES: [&str; 8] = [
    "best-effort",
    "background",
    "excellent-effort",
    "critical-applications",
    "video",
    "voice",
    "internetwork-control",
    "network-control",
];
