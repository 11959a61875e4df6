//! `cisco-ios`: marks and queues for Cisco IOS and IOS XE, routers and Catalyst switches.
//!
//! Modular QoS: object groups and access lists in class maps, marks in an input policy where hosts are attached, a strict
//! queue (LLQ) and shares (CBWFQ) in an output policy. First matching class wins.

mod marks;
mod queues;

use perhop_policy::{Diagnostic, LossKind, PolicySet, TargetRequest};

use crate::artifact::Artifact;
use crate::network::model::Policy;
use crate::network::options;
use crate::network::program::{self, Language, Limits, Plan, Queueing, When, Words, take_back};
use crate::network::unit::Unit;
use crate::network::{self, Section};
use crate::target::{OptionKind, OptionSpec, Program, Target};

/// The target.
#[derive(Debug, Clone, Copy)]
pub struct CiscoIos;

const GROUPS: OptionSpec = OptionSpec {
    key: "object-groups",
    kind: OptionKind::Boolean,
    doc: "whether access lists of IPv4 use object groups; true without it",
};

const PLATFORM: OptionSpec = OptionSpec {
    key: "platform",
    kind: OptionKind::Text,
    doc: "`router` or `catalyst-9000`, whose queues are written differently; `router` without it",
};

static LANGUAGE: Language = Language {
    id: "cisco-ios",
    extension: "ios",
    marks: marks::apply,
    undo_marks: marks::undo,
    read_marks: marks::read,
    marks_step,
    tcam: true,
    limits: Limits::NONE,
    queues: Some(Queueing {
        extension: "ios",
        apply: queues::apply,
        undo: queues::undo,
        read: queues::read,
        step: queues_step,
        when: When::Queued,
    }),
    besides: None,
};

/// How its files are written.
#[must_use]
pub fn language() -> &'static Language {
    &LANGUAGE
}

impl Target for CiscoIos {
    fn id(&self) -> &'static str {
        LANGUAGE.id
    }

    fn summary(&self) -> &'static str {
        "Marks and queues for Cisco IOS and IOS XE: object groups, access lists, class maps and policy maps"
    }

    fn losses(&self) -> &'static [LossKind] {
        program::LOSSES
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[
            network::MARK,
            network::ACCESS,
            network::UPLINKS,
            network::UNPLANNED,
            network::SHARES,
            GROUPS,
            PLATFORM,
        ]
    }

    fn unit(&self) -> Option<Unit> {
        Some(Unit::LowerName)
    }

    fn is_default_for(&self, _policy: &PolicySet) -> bool {
        false
    }

    fn lower(
        &self,
        policy: &PolicySet,
        request: &TargetRequest,
    ) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let switch = match options::text(request, PLATFORM.key) {
            None | Some(("router", _)) => false,
            Some(("catalyst-9000", _)) => true,
            Some((text, span)) => {
                let why = "is neither `router` nor `catalyst-9000`";
                return Err(vec![options::wrong(&PLATFORM, text, span, why)]);
            }
        };
        let form = if options::is_set(request, GROUPS.key, true) {
            Policy::of
        } else {
            Policy::flat
        };
        program::lower(&LANGUAGE, policy, request, switch, form)
    }

    fn read(&self, artifacts: &[Artifact]) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        program::read(&LANGUAGE, artifacts)
    }
}

fn marks_step(section: &Section, policy: &Policy, folder: &str) -> Words {
    let scope = &section.scope;
    let name = format!("PH-{}", policy.label);
    let mut commands = entering(&format!("{folder}/apply.ios"));
    let first = section.interfaces.first();
    if first.is_none() {
        commands.extend(by_hand("input", &name));
    }
    commands.extend(leaving());
    let interface = first.map_or("INTERFACE", String::as_str);
    let class = policy.class_names().into_iter().next().unwrap_or_default();
    let mut words = Words {
        place: format!("every switch or router where hosts of `{scope}` are attached, privileged"),
        commands,
        check: vec![
            format!("`show policy-map interface {interface} input` shows the classes; `Packets marked` or the packets of a class count up while a call is on"),
            format!("`show access-lists {name}-{class}-V4` counts hits where the platform counts them; `clear counters {interface}` begins anew"),
        ],
        undo: vec![take_back(&format!("{folder}/undo.ios"))],
        notes: vec![
            "Where an older version of this plan is on the device, take it back first, with the `undo.ios` that came with it.".to_owned(),
            "An interface takes one input policy: where it has another, the device refuses this one.".to_owned(),
            "A class takes what matches first; packets of no class keep their mark, unless `unplanned = \"reset\"`.".to_owned(),
        ],
    };
    if first.is_none() {
        let undo = format!(
            "before that, `no service-policy input {name}` on each interface where it was entered by hand"
        );
        words.undo.insert(0, undo);
    }
    if policy.groups {
        words.notes.push(
            "Object groups stand in access lists of IPv4 only. A platform that refuses them in class maps takes plain lists: `object-groups = false`.".to_owned(),
        );
    }
    words.notes.push(
        "Catalyst 9000 takes marking policies on input only, and logs rather than refuses what its TCAM does not hold: read the log after attaching."
            .to_owned(),
    );
    words
}

fn queues_step(plan: &Plan, folder: &str) -> Words {
    let mut commands = entering(&format!("{folder}/apply.ios"));
    if plan.uplinks.is_empty() {
        commands.extend(by_hand("output", "PHQ-OUT"));
    }
    commands.extend(leaving());
    let interface = plan.uplinks.first().map_or("INTERFACE", String::as_str);
    let mut undo = vec![take_back(&format!("{folder}/undo.ios"))];
    if plan.uplinks.is_empty() {
        undo.insert(0, "before that, `no service-policy output PHQ-OUT` on each interface where it was entered by hand".to_owned());
    }
    let mut notes = vec![
        "Where an older version of this plan is on the device, take it back first, with the `undo.ios` that came with it.".to_owned(),
        "The strict queue is policed to its share when the link is full: give audio the share that all calls at once need.".to_owned(),
        "IOS XE keeps the DSCP of packets that come in. Catalyst 2960, 3560 and 3750 do not once `mls qos` is on: enter `mls qos trust dscp` on uplinks, and queue by `mls qos srr-queue`.".to_owned(),
    ];
    if !plan.switch {
        notes.push(
            "Where the link is slower than the interface, nest the policy: `policy-map PHQ-SHAPE`, `class class-default`, `shape average BITS`, `service-policy PHQ-OUT`, and attach `PHQ-SHAPE` instead."
                .to_owned(),
        );
        notes.push("In tunnels the DSCP must be copied to the outer header, or packets be classified before encryption: `qos pre-classify`.".to_owned());
    }
    if plan.reset && plan.trusted.is_empty() {
        notes.push("`service-policy input PHT-IN` on interfaces of hosts that mark themselves sets every mark that the plan does not have to DF.".to_owned());
    }
    Words {
        place:
            "every router and switch that packets leave through a link that can be full, privileged"
                .to_owned(),
        commands,
        check: vec![format!(
            "`show policy-map interface {interface} output` shows the queues; packets of `PHQ-audio` count up while a call is on, and its drops do not"
        )],
        undo,
        notes,
    }
}

/// Saves what is there and enters the lines of a file.
fn entering(path: &str) -> Vec<String> {
    vec![
        "copy running-config flash:before-perhop.cfg".to_owned(),
        "configure terminal".to_owned(),
        format!("! the lines of {path}"),
    ]
}

fn by_hand(direction: &str, policy: &str) -> Vec<String> {
    vec![
        "interface INTERFACE".to_owned(),
        format!(" service-policy {direction} {policy}"),
    ]
}

fn leaving() -> Vec<String> {
    vec![
        "end".to_owned(),
        "copy running-config startup-config".to_owned(),
    ]
}
