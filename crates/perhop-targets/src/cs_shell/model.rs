//! Entries of a script: one object, or all objects of a kind, with the values that it is to have.

use perhop_policy::{
    Diagnostic, Dscp, Family, Pcp, PortRange, Producer, ProducerKind, ProducerRange, Span, Subject,
};

use super::settings::{
    CONFERENCING, Counter, ENABLE_QOS, MEDIA, NOUNS, Noun, PHONE_DSCP, PHONE_PCP, PHONES, RANGES,
    RANGES_ENABLED, RangeSetting, TEAMS,
};
use crate::codes;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The kind of object, by the noun of its commands.
    pub(crate) noun: &'static str,
    /// Which objects of the kind.
    pub(crate) subject: Subject,
    /// Parameters and their values in order; a switch is 0 or 1.
    pub(crate) values: Vec<(&'static str, i64)>,
}

impl Entry {
    /// How scripts name the objects: `Global`, `site:NAME`, `service:ConferencingServer:FQDN`; among services `*`,
    /// `site:NAME` or the pool's name.
    pub(crate) fn identity(&self) -> String {
        match (&self.subject, self.kind().is_service) {
            (Subject::Global, false) => "Global".to_owned(),
            (Subject::Global, true) => "*".to_owned(),
            (Subject::Site(name), _) => format!("site:{name}"),
            (Subject::Service(name), false) => format!("service:ConferencingServer:{name}"),
            (Subject::Service(name), true) => name.clone(),
        }
    }

    /// The entry's kind of object.
    pub(crate) fn kind(&self) -> &'static Noun {
        noun(self.noun).expect("entries are made with known nouns only")
    }

    /// The ranges in the entry, as far as both parameters of a range are there.
    pub(crate) fn ranges(&self) -> Vec<ProducerRange> {
        RANGES
            .iter()
            .filter(|setting| setting.noun == self.noun)
            .filter_map(|setting| {
                let start = u16::try_from(self.value(setting.start)?).ok()?;
                let count = u32::try_from(self.value(setting.count)?).ok()?;
                Some(ProducerRange {
                    used_for: setting.used_for,
                    ports: PortRange::from_start_and_count(start, count)?,
                    origin: Span::default(),
                })
            })
            .collect()
    }

    /// The value of a parameter.
    pub(crate) fn value(&self, parameter: &str) -> Option<i64> {
        self.values
            .iter()
            .find(|(name, _)| *name == parameter)
            .map(|(_, value)| *value)
    }
}

/// The noun of that name.
pub(crate) fn noun(name: &str) -> Option<&'static Noun> {
    NOUNS.iter().find(|noun| noun.name == name)
}

/// The entries for a system's producers, in the order that works.
///
/// # Errors
/// Ranges and scopes for which the system has no setting, and ports that a setting does not take.
pub(crate) fn entries(
    family: Family,
    producers: &[Producer],
) -> Result<Vec<Entry>, Vec<Diagnostic>> {
    let mut out: Vec<Entry> = Vec::new();
    let mut problems = Vec::new();
    for producer in producers.iter().filter(|one| one.family == family) {
        let Some(noun) = noun_of(family, &producer.kind) else {
            problems.push(no_setting(producer));
            continue;
        };
        problems.extend(scope_problem(noun, producer));
        let mut values = Vec::new();
        for range in &producer.ranges {
            match range_values(noun, range) {
                Ok(both) => values.extend(both),
                Err(problem) => problems.push(problem),
            }
        }
        if producer.kind == ProducerKind::Clients && !values.is_empty() {
            values.insert(0, (RANGES_ENABLED, 1));
        }
        if producer.kind == ProducerKind::OtherDevices {
            values.extend(producer.marking.map(|on| (ENABLE_QOS, i64::from(on))));
        }
        if producer.kind == ProducerKind::Phones {
            let dscp = producer.dscp.map(|dscp| i64::from(dscp.value()));
            let pcp = producer.pcp.map(|pcp| i64::from(pcp.value()));
            values.extend(dscp.map(|value| (PHONE_DSCP, value)));
            values.extend(pcp.map(|value| (PHONE_PCP, value)));
        }
        if !values.is_empty() {
            add(&mut out, noun, &producer.subject, values);
        }
    }
    out.sort_by_key(|entry| NOUNS.iter().position(|noun| noun.name == entry.noun));
    if problems.is_empty() {
        Ok(out)
    } else {
        Err(problems)
    }
}

/// The producers that entries tell, without places.
pub(crate) fn producers(entries: &[Entry]) -> Vec<Producer> {
    let mut out = Vec::new();
    for entry in entries {
        let base = Producer {
            family: entry.kind().family,
            kind: entry.kind().kind.clone(),
            subject: entry.subject.clone(),
            ranges: entry.ranges(),
            dscp: byte(entry, PHONE_DSCP).and_then(Dscp::try_new),
            pcp: byte(entry, PHONE_PCP).and_then(Pcp::try_new),
            marking: None,
            origin: Span::default(),
        };
        let marking = entry.value(ENABLE_QOS).map(|on| on != 0);
        match entry.noun {
            MEDIA => out.push(Producer { marking, ..base }),
            TEAMS => {
                if !base.ranges.is_empty() {
                    out.push(base.clone());
                }
                if marking.is_some() {
                    out.push(Producer {
                        kind: ProducerKind::OtherDevices,
                        ranges: Vec::new(),
                        marking,
                        ..base
                    });
                }
            }
            _ => out.push(base),
        }
    }
    out
}

fn byte(entry: &Entry, parameter: &str) -> Option<u8> {
    u8::try_from(entry.value(parameter)?).ok()
}

fn noun_of(family: Family, kind: &ProducerKind) -> Option<&'static Noun> {
    if family == Family::Teams && *kind == ProducerKind::OtherDevices {
        return noun(TEAMS);
    }
    NOUNS
        .iter()
        .find(|noun| noun.family == family && noun.kind == *kind)
}

/// Adds to the entry of the same objects, when there is one.
fn add(
    out: &mut Vec<Entry>,
    noun: &'static Noun,
    subject: &Subject,
    values: Vec<(&'static str, i64)>,
) {
    let same = |entry: &&mut Entry| entry.noun == noun.name && entry.subject == *subject;
    match out.iter_mut().find(same) {
        Some(entry) => entry.values.extend(values),
        None => out.push(Entry {
            noun: noun.name,
            subject: subject.clone(),
            values,
        }),
    }
}

fn range_values(
    noun: &Noun,
    range: &ProducerRange,
) -> Result<[(&'static str, i64); 2], Diagnostic> {
    let what = range.used_for.as_str();
    let setting = RANGES
        .iter()
        .find(|setting| setting.noun == noun.name && setting.used_for == range.used_for)
        .ok_or_else(|| {
            Diagnostic::error(
                codes::NO_SUCH_RANGE,
                format!("{} have no setting for {what} ports", noun.title),
            )
            .primary(range.origin, format!("`Set-{}` cannot say it", noun.name))
            .help("remove this range")
        })?;
    check_numbers(setting, range)?;
    Ok([
        (setting.start, i64::from(range.ports.first())),
        (setting.count, i64::from(range.ports.count())),
    ])
}

/// Types and limits of the parameters: client ranges begin at 1024 or above; servers count in 16 bits (3.1, 3.2, 10.3).
fn check_numbers(setting: &RangeSetting, range: &ProducerRange) -> Result<(), Diagnostic> {
    let (first, count) = (range.ports.first(), range.ports.count());
    if matches!(setting.noun, CONFERENCING | TEAMS) && first < LOWEST_CLIENT_PORT {
        return Err(Diagnostic::error(
            codes::PORT_TOO_LOW,
            format!(
                "`{}` takes ports from {LOWEST_CLIENT_PORT}, not {first}",
                setting.start
            ),
        )
        .primary(range.origin, format!("begins at {first}"))
        .help(format!("begin at {LOWEST_CLIENT_PORT} or above")));
    }
    if setting.counter == Counter::Sixteen && count > u32::from(u16::MAX) {
        return Err(Diagnostic::error(
            codes::TOO_MANY_PORTS,
            format!(
                "`{}` counts to {}, and the range has {count} ports",
                setting.count,
                u16::MAX
            ),
        )
        .primary(range.origin, format!("{count} ports"))
        .help("begin at 1024 or above"));
    }
    Ok(())
}

fn scope_problem(noun: &Noun, producer: &Producer) -> Option<Diagnostic> {
    let (scope, note) = match &producer.subject {
        Subject::Global => return None,
        Subject::Site(_) if noun.has_sites => return None,
        Subject::Service(_) if noun.is_service || noun.name == CONFERENCING => return None,
        Subject::Site(name) => (
            format!("site `{name}`"),
            "there are no such objects for sites",
        ),
        Subject::Service(name) => (
            format!("service `{name}`"),
            match noun.name {
                MEDIA => {
                    "an object for one service belongs to one of three services of a pool, and the plan does not say which"
                }
                PHONES => "there are such objects for everyone and for sites only",
                _ => "there is one such object for everyone",
            },
        ),
    };
    Some(
        Diagnostic::error(
            codes::NO_SUCH_SCOPE,
            format!("`Set-{}` cannot say {} for {scope}", noun.name, noun.title),
        )
        .primary(producer.origin, "said here")
        .note(note)
        .help("say it for everyone or for a site"),
    )
}

fn no_setting(producer: &Producer) -> Diagnostic {
    Diagnostic::error(
        codes::NO_SUCH_RANGE,
        "the system has no setting for this producer of traffic",
    )
    .primary(producer.origin, "no command can say it")
    .help("remove it, or name a target that configures it")
}

/// uc-platforms 3.1 and 10.3: the minimum that the parameters enforce.
const LOWEST_CLIENT_PORT: u16 = 1024;
