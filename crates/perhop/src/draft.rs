//! From facts to what a plan is written from.

use std::collections::BTreeSet;

use perhop_plan::draft::{Draft, SeenRule, Told};
use perhop_policy::{Producer, ProducerRange, Span, Subject};
use perhop_read::What;
use perhop_read::fact::ServiceObject;

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
            let Some(dscp) = policy.dscp.filter(|_| policy.sound) else {
                continue;
            };
            // The same policy in several files is one.
            let words = format!("{} {dscp}", policy.conditions());
            if !known.insert((policy.name.to_lowercase(), words)) {
                continue;
            }
            draft.rules.push(SeenRule {
                name: policy.name.clone(),
                place: reading.place(place),
                app: policy.app.clone(),
                protocol: policy.protocol,
                src: policy.src,
                dst: policy.dst,
                src_ports: policy.src_ports.0,
                dst_ports: policy.dst_ports.0,
                dscp,
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
