//! From facts to what a plan is written from.

use std::collections::BTreeSet;

use perhop_plan::draft::{Draft, SeenRule, Told};
use perhop_policy::{Producer, ProducerRange, Span, Subject};
use perhop_read::fact::ServiceObject;
use perhop_read::policy::HostPolicy;
use perhop_read::{Throttle, What};

use crate::observed::{self, Observed};

/// Everything that a plan can say of what was read.
pub(crate) fn of(observed: &Observed) -> Draft {
    let reading = &observed.reading;
    let mut draft = Draft {
        name: "Read back".to_owned(),
        sources: reading
            .files
            .iter()
            .filter(|file| observed::is_shown(file))
            .map(|file| file.name.clone())
            .collect(),
        ..Draft::default()
    };
    let mut known: BTreeSet<(String, String)> = BTreeSet::new();
    for file in &reading.files {
        for (place, policy) in file.policies() {
            // The same policy in several files is one.
            let words = format!("{} {}", policy.conditions(), policy.action());
            if !policy.sound || !known.insert((policy.name.to_lowercase(), words)) {
                continue;
            }
            let at = reading.place(place);
            let throttle = policy.throttle.and_then(Throttle::rate);
            draft
                .unsaid
                .extend(unsaid(policy).map(|what| format!("{at}: {what}")));
            let Some(dscp) = policy.dscp else {
                continue;
            };
            draft.rules.push(SeenRule {
                name: policy.name.clone(),
                place: at,
                app: policy.app.clone(),
                protocol: policy.protocol,
                src: policy.src,
                dst: policy.dst,
                src_ports: policy.src_ports.0,
                dst_ports: policy.dst_ports.0,
                dscp,
                throttle,
            });
        }
    }
    let objects = || {
        reading.facts().filter_map(|fact| match &fact.what {
            What::Object(object) => Some((&fact.place, object)),
            _ => None,
        })
    };
    // What a client was sent counts where the object itself is not there.
    for (place, object) in objects().filter(|(_, object)| !object.delivered) {
        draft.told.push(told(reading.place(place), object));
    }
    for (place, object) in objects().filter(|(_, object)| object.delivered) {
        let same =
            |one: &Told| one.producer.kind == object.kind && one.producer.subject == object.subject;
        if !draft.told.iter().any(same) {
            draft.told.push(told(reading.place(place), object));
        }
    }
    draft
}

/// What of a policy's rate no plan says.
fn unsaid(policy: &HostPolicy) -> Option<String> {
    let (name, throttle) = (&policy.name, policy.throttle?);
    if policy.dscp.is_none() {
        return Some(format!(
            "`{name}` keeps {} to {throttle} without a mark, which no plan says.",
            policy.conditions()
        ));
    }
    throttle.rate().is_none().then(|| {
        format!("`{name}` throttles to {throttle}, which no plan says; it is written without.")
    })
}

fn told(name: String, object: &ServiceObject) -> Told {
    let every = Subject::Service("*".to_owned());
    Told {
        place: name,
        enforced: object.enabled,
        producer: Producer {
            family: object.family,
            kind: object.kind.clone(),
            subject: if object.subject == every {
                Subject::Global
            } else {
                object.subject.clone()
            },
            ranges: object
                .ranges
                .iter()
                .map(|range| ProducerRange {
                    used_for: range.used_for,
                    ports: range.ports,
                    origin: Span::default(),
                })
                .collect(),
            dscp: object.dscp.as_ref().map(|(dscp, _)| *dscp),
            pcp: object.pcp.as_ref().map(|(pcp, _)| *pcp),
            marking: object.marking.as_ref().map(|(on, _)| *on),
            origin: Span::default(),
        },
    }
}
