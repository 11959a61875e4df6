//! A group of users that receive the same values.

use perhop_policy::{
    Dscp, Family, Pcp, PortRange, Producer, ProducerKind, ProducerRange, RangeUse, Span, Subject,
};

use super::ID;
use super::elements::{ELEMENTS, Element, Source};

/// What a group of users receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// Everyone, a site's users, or a service's.
    pub(super) subject: Subject,
    /// The ranges in force; empty when the plan decides none.
    pub(super) ranges: Vec<(RangeUse, PortRange)>,
    /// Whether devices mark.
    pub(super) marking: Option<bool>,
    /// DSCP of phones.
    pub(super) dscp: Option<Dscp>,
    /// Layer-2 priority of phones.
    pub(super) pcp: Option<Pcp>,
}

impl Group {
    /// A group about which nothing is decided.
    pub(super) fn new(subject: Subject) -> Self {
        Self {
            subject,
            ranges: Vec::new(),
            marking: None,
            dscp: None,
            pcp: None,
        }
    }

    /// What is in force for a subject: its own object, else its site's, else everyone's; a whole object hides another.
    pub(super) fn in_force(subject: Subject, site: Option<&str>, told: &[&Producer]) -> Self {
        let mut levels = vec![subject.clone()];
        levels.extend(site.map(|name| Subject::Site(name.to_owned())));
        levels.push(Subject::Global);
        let find = |kind: ProducerKind| {
            levels.iter().find_map(|level| {
                told.iter()
                    .find(|one| one.kind == kind && one.subject == *level)
            })
        };
        let phones = find(ProducerKind::Phones);
        Self {
            subject,
            ranges: find(ProducerKind::Clients)
                .map(|clients| {
                    let ranges = clients.ranges.iter();
                    ranges.map(|range| (range.used_for, range.ports)).collect()
                })
                .unwrap_or_default(),
            marking: find(ProducerKind::OtherDevices).and_then(|devices| devices.marking),
            dscp: phones.and_then(|phones| phones.dscp),
            pcp: phones.and_then(|phones| phones.pcp),
        }
    }

    /// Whether the plan decides nothing for the group.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::new(self.subject.clone())
    }

    /// The text of an element; `None` when the plan does not decide it.
    pub(super) fn value(&self, element: &Element) -> Option<String> {
        let range = |use_: RangeUse| {
            let found = self.ranges.iter().find(|(known, _)| *known == use_);
            found.map(|(_, ports)| *ports)
        };
        match element.source {
            Source::Enabled => (!self.ranges.is_empty()).then(|| "true".to_owned()),
            Source::First(use_) => range(use_).map(|ports| ports.first().to_string()),
            Source::Last(use_) => range(use_).map(|ports| ports.last().to_string()),
            Source::Marking => self.marking.map(|on| on.to_string()),
            Source::Dscp => self.dscp.map(|dscp| dscp.value().to_string()),
            Source::Pcp => self.pcp.map(|pcp| pcp.value().to_string()),
        }
    }

    /// Takes an element's text in; `None` when it cannot be that element's.
    pub(super) fn set(&mut self, element: &Element, text: &str) -> Option<()> {
        match element.source {
            Source::Enabled => (text == "true").then_some(())?,
            Source::First(use_) => {
                let first = text.parse().ok()?;
                self.ranges
                    .push((use_, PortRange::try_new(first, u16::MAX)?));
            }
            Source::Last(use_) => {
                let (_, ports) = self.ranges.iter_mut().find(|(known, _)| *known == use_)?;
                *ports = PortRange::try_new(ports.first(), text.parse().ok()?)?;
            }
            Source::Marking => self.marking = Some(text.parse().ok()?),
            Source::Dscp => self.dscp = Some(Dscp::try_new(text.parse().ok()?)?),
            Source::Pcp => self.pcp = Some(Pcp::try_new(text.parse().ok()?)?),
        }
        Some(())
    }

    /// The group as producers.
    pub(super) fn producers(&self) -> Vec<Producer> {
        let base = |kind| Producer {
            family: Family::LyncServer,
            kind,
            subject: self.subject.clone(),
            ranges: Vec::new(),
            dscp: None,
            pcp: None,
            marking: None,
            origin: Span::default(),
        };
        let mut out = Vec::new();
        if !self.ranges.is_empty() {
            let in_order = ELEMENTS.iter().filter_map(|element| match element.source {
                Source::First(use_) => self.ranges.iter().find(|(known, _)| *known == use_),
                _ => None,
            });
            out.push(Producer {
                ranges: in_order
                    .map(|(used_for, ports)| ProducerRange {
                        used_for: *used_for,
                        ports: *ports,
                        origin: Span::default(),
                    })
                    .collect(),
                ..base(ProducerKind::Clients)
            });
        }
        if self.dscp.is_some() || self.pcp.is_some() {
            out.push(Producer {
                dscp: self.dscp,
                pcp: self.pcp,
                ..base(ProducerKind::Phones)
            });
        }
        if self.marking.is_some() {
            out.push(Producer {
                marking: self.marking,
                ..base(ProducerKind::OtherDevices)
            });
        }
        out
    }

    /// How files name the group: `global`, `site:NAME`, `service:NAME`.
    pub(super) fn users(&self) -> String {
        match &self.subject {
            Subject::Global => "global".to_owned(),
            Subject::Site(name) => format!("site:{name}"),
            Subject::Service(name) => format!("service:{name}"),
        }
    }
}

/// The subject that [`Group::users`] wrote.
pub(super) fn subject(users: &str) -> Option<Subject> {
    if users == "global" {
        return Some(Subject::Global);
    }
    let (kind, name) = users.split_once(':')?;
    match kind {
        "site" => Some(Subject::Site(name.to_owned())),
        "service" => Some(Subject::Service(name.to_owned())),
        _ => None,
    }
}

/// A path for each group, unique without regard to case, of letters, digits, `.`, `-` and `_`.
pub(super) fn paths(groups: &[Group]) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for group in groups {
        let plain: String = group
            .users()
            .chars()
            .take(LONGEST_NAME)
            .map(|c| match c {
                ':' => '-',
                c if c.is_ascii_alphanumeric() || c == '.' || c == '-' => c,
                _ => '_',
            })
            .collect();
        let path = (1..)
            .map(|number: u32| match number {
                1 => format!("{ID}/{plain}.xml"),
                n => format!("{ID}/{plain}-{n}.xml"),
            })
            .find(|path| !taken.iter().any(|other| other.eq_ignore_ascii_case(path)))
            .expect("there are more numbers than groups");
        taken.push(path);
    }
    taken
}

/// Longer names are cut; a number keeps them apart.
const LONGEST_NAME: usize = 80;
