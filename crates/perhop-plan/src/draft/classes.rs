//! Which class each range and mark is of.

use std::collections::BTreeMap;

use perhop_policy::{Dscp, Family, PortMatch, PortRange, ProducerKind, Subject};

use super::blocks::Blocks;
use super::{Draft, SeenRule, component, service, text};
use crate::catalogue::Role;

/// Ranges by class, each with where it comes from.
type Ranges = BTreeMap<&'static str, (PortRange, String)>;

/// Marks and ranges as far as they can be told.
pub(super) struct Classes {
    clients: Ranges,
    teams: Ranges,
    servers: Ranges,
    /// The mark of each class, where it comes from, and others that contradict it.
    marks: BTreeMap<String, (Dscp, String, Vec<String>)>,
}

/// The usual marks (uc-platforms 0 and 10.3), which tell the class where no range does.
const USUAL: [(u8, &str); 6] = [
    (46, "audio"),
    (34, "video"),
    (24, "app-sharing"),
    (18, "app-sharing"),
    (14, "file-transfer"),
    (10, "file-transfer"),
];

/// The marks of classes of which no policy says one.
const DEFAULTS: [(&str, u8); 4] = [
    ("audio", 46),
    ("video", 34),
    ("app-sharing", 24),
    ("file-transfer", 14),
];

impl Classes {
    pub(super) fn of(draft: &Draft) -> Self {
        let mut out = Self {
            clients: told(draft, Family::LyncServer),
            teams: told(draft, Family::Teams),
            servers: service(draft, &ProducerKind::ConferencingService)
                .map(|one| {
                    let ranges = one.producer.ranges.iter();
                    ranges
                        .map(|range| (range.used_for.as_str(), (range.ports, one.place.clone())))
                        .collect()
                })
                .unwrap_or_default(),
            marks: BTreeMap::new(),
        };
        for rule in &draft.rules {
            out.take(rule);
        }
        let with_ports: Vec<&str> = out
            .clients
            .keys()
            .chain(out.servers.keys())
            .chain(out.teams.keys())
            .copied()
            .collect();
        // Where there are policies, what they do not mark is not marked.
        for (class, dscp) in DEFAULTS {
            if draft.rules.is_empty() && with_ports.contains(&class) {
                let dscp = Dscp::try_new(dscp).expect("a usual mark");
                let place = "the usual mark; there is no policy in these files".to_owned();
                out.marks
                    .insert(class.to_owned(), (dscp, place, Vec::new()));
            }
        }
        // Marks that no class has get a class of their own, for applications.
        for rule in &draft.rules {
            if !out.marks.values().any(|(dscp, ..)| *dscp == rule.dscp) {
                let name = format!("mark-{}", rule.dscp.value());
                out.marks
                    .insert(name, (rule.dscp, rule.place.clone(), Vec::new()));
            }
        }
        out
    }

    pub(super) const fn clients(&self) -> &Ranges {
        &self.clients
    }

    pub(super) const fn servers(&self) -> &Ranges {
        &self.servers
    }

    /// Ranges of Teams, where they are not those of all clients.
    pub(super) fn teams(&self) -> Option<&Ranges> {
        (!self.teams.is_empty()).then_some(&self.teams)
    }

    /// The class of a mark.
    pub(super) fn name_of(&self, dscp: Dscp) -> String {
        let named = self.marks.iter().find(|(_, (mark, ..))| *mark == dscp);
        named.map_or_else(
            || format!("mark-{}", dscp.value()),
            |(name, _)| name.clone(),
        )
    }

    /// The table of classes.
    pub(super) fn write(&self, blocks: &mut Blocks) {
        if self.marks.is_empty() {
            return;
        }
        let block = blocks.add("class");
        for (class, (dscp, place, others)) in &self.marks {
            for other in others {
                block.comment(&format!("contradicts `{class}` below: {other}"));
            }
            block.key_from(
                &text(class),
                &format!("{{ dscp = {} }}", dscp.value()),
                place,
            );
        }
    }

    /// Takes a rule's ports and mark for a class, when it is a component's.
    fn take(&mut self, rule: &SeenRule) {
        let role = component(&rule.app, |_| true).map(|(_, one)| one.role);
        let (PortMatch::Range(ports), PortMatch::Any) = (rule.src_ports, rule.dst_ports) else {
            return;
        };
        let client = role == Some(Role::Client);
        // A plan throttles applications of its own only.
        if role.is_none() && rule.app.rank() > 0 || rule.throttle.is_some() {
            return;
        }
        let teams = component(&rule.app, |_| true).is_some_and(|(platform, _)| platform == "teams");
        let ranges = match (client, teams) {
            (true, true) => &mut self.teams,
            (true, false) => &mut self.clients,
            (false, _) => &mut self.servers,
        };
        let near = |range: &PortRange| {
            range.first() == ports.first()
                && (range.last() == ports.last()
                    || range.last().checked_add(1) == Some(ports.last()))
        };
        let known = ranges
            .iter()
            .find(|(_, (range, _))| near(range))
            .map(|(class, _)| *class);
        let usual = USUAL
            .iter()
            .find(|(mark, _)| *mark == rule.dscp.value())
            .map(|(_, class)| *class);
        let Some(class) = known.or(usual) else {
            return;
        };
        if known.is_none() && !ranges.contains_key(class) {
            ranges.insert(class, (ports, rule.place.clone()));
        } else if known.is_none() {
            // Another range for a class that has one: an application of its own.
            return;
        }
        match self.marks.get_mut(class) {
            None => {
                self.marks.insert(
                    class.to_owned(),
                    (rule.dscp, rule.place.clone(), Vec::new()),
                );
            }
            Some((dscp, _, others)) if *dscp != rule.dscp => {
                others.push(format!(
                    "{}: `{}` marks {}",
                    rule.place, rule.name, rule.dscp
                ));
            }
            Some(_) => {}
        }
    }
}

/// The global object's client ranges; what a client was sent when there is none.
fn told(draft: &Draft, family: Family) -> Ranges {
    draft
        .told
        .iter()
        .filter(|one| one.producer.family == family && one.producer.kind == ProducerKind::Clients)
        .find(|one| one.producer.subject == Subject::Global)
        .map(|one| {
            let ranges = one.producer.ranges.iter();
            ranges
                .map(|range| (range.used_for.as_str(), (range.ports, one.place.clone())))
                .collect()
        })
        .unwrap_or_default()
}
