//! Why planned traffic carries another mark.

use perhop_policy::{Class, ClassKind, Dscp, Family, Host, Role, Scope, Vantage};

use crate::cause::pattern::{self, Pattern};
use crate::cause::{Group, Ranking, list, next, plural};
use crate::finding::{Cause, Layer};

/// What Phone Edition marks until it is told otherwise, and what the XP packet scheduler gives guaranteed service.
const CS5: u8 = 40;

/// What the XP packet scheduler gives controlled load.
const CS3: u8 = 24;

/// A group of flows of one scope and class with one other mark.
#[derive(Debug)]
pub(crate) struct Remarked<'a> {
    pub(crate) group: Group<'a>,
    pub(crate) scope: &'a Scope,
    pub(crate) class: &'a Class,
    pub(crate) seen: Dscp,
}

impl Remarked<'_> {
    pub(crate) fn causes(&self) -> (Cause, Vec<Cause>) {
        let mut ranking = Ranking::default();
        self.swapped(&mut ranking);
        self.phone_default(&mut ranking);
        self.scheduler_default(&mut ranking);
        self.bits(&mut ranking);
        self.other_value(&mut ranking);
        ranking.finish()
    }

    /// The mark of another class of the plan.
    fn swapped(&self, ranking: &mut Ranking) {
        let context = self.group.context;
        let Some(other) = context
            .policy
            .classes()
            .iter()
            .find(|class| class.dscp == self.seen && class.name != self.class.name)
        else {
            return;
        };
        let evidence = self.evidence_of(other);
        let sharing = self.class.kind == ClassKind::AppSharing && other.kind == ClassKind::Video;
        if sharing && next::has(context.policy, Family::LyncServer) {
            ranking.add(
                92,
                Cause {
                    name: "video-based-sharing",
                    layer: Layer::Plan,
                    text: "sharing likely travels as video (video-based screen sharing), which is marked as video by design"
                        .to_owned(),
                    evidence: evidence.clone(),
                    check: "run `Get-CsMediaConfiguration` and look at `EnableVideoBasedSharing`, and `Get-CsConferencingPolicy` \
                            for `ApplicationSharingMode`; plan a video rule for the sharing service"
                        .to_owned(),
                },
            );
        }
        if self.looks_like(other) == self.group.flows.len() {
            ranking.add(
                93,
                Cause {
                    name: "ports-swapped",
                    layer: Layer::Delivery,
                    text: format!(
                        "the senders likely use the ports of `{}` for `{}`: they have other ranges than planned, or ranges \
                         overlap",
                        self.class.name, other.name
                    ),
                    evidence: evidence.clone(),
                    check: next::client_ranges(context.policy),
                },
            );
        }
        ranking.add(
            90,
            Cause {
                name: "classes-swapped",
                layer: Layer::Match,
                text: format!(
                    "the policy for `{}` likely also matches the ports of `{}`: ranges overlap, or a policy has the other \
                     class's mark",
                    other.name, self.class.name
                ),
                evidence,
                check: next::values(self.scope),
            },
        );
    }

    /// What the marks and the payload say of a swap with another class.
    fn evidence_of(&self, other: &Class) -> Vec<String> {
        let mut evidence = vec![format!(
            "{} of `{}` carry {}, the mark of `{}`",
            self.group.size(),
            self.class.name,
            self.seen,
            other.name
        )];
        let (other_like, own_like) = (self.looks_like(other), self.looks_like(self.class));
        if other_like > 0 {
            evidence.push(format!(
                "the payload of {} looks like {}, so ports rather than marks are likely wrong there",
                plural(other_like as u64, "flow"),
                other.kind.as_str()
            ));
        } else if own_like > 0 {
            evidence.push(format!(
                "the payload of {} looks like {}, as its ports say",
                plural(own_like as u64, "flow"),
                self.class.kind.as_str()
            ));
        }
        evidence
    }

    /// How many flows of the group carry audio or video as a class does.
    fn looks_like(&self, class: &Class) -> usize {
        if !matches!(class.kind, ClassKind::Audio | ClassKind::Video) {
            return 0;
        }
        let judged = self.group.context.judged;
        self.group.count(|at| judged[at].media == Some(class.kind))
    }

    /// Desk phones and their default tag.
    fn phone_default(&self, ranking: &mut Ranking) {
        let policy = self.group.context.policy;
        let lync = next::has(policy, Family::LyncServer);
        if self.class.kind != ClassKind::Audio || self.seen.value() != CS5 || !lync {
            return;
        }
        ranking.add(
            if self.scope.role == Role::Phone { 96 } else { 88 },
            Cause {
                name: "phone-default-mark",
                layer: Layer::Delivery,
                text: "the senders are likely desk phones that still mark audio with their default, 40 (CS5)".to_owned(),
                evidence: vec![format!(
                    "{} of `{}` carry 40, from {}",
                    self.group.size(),
                    self.class.name,
                    list(self.group.senders())
                )],
                check: next::phones(),
            },
        );
    }

    /// Windows XP and Server 2003 without the policy for service types.
    fn scheduler_default(&self, ranking: &mut Ranking) {
        let default = match self.class.kind {
            ClassKind::Audio => CS5,
            ClassKind::Video => CS3,
            ClassKind::AppSharing
            | ClassKind::FileTransfer
            | ClassKind::Signaling
            | ClassKind::Other => return,
        };
        let lync = next::has(self.group.context.policy, Family::LyncServer);
        if self.seen.value() != default || self.scope.host != Host::Windows || !lync {
            return;
        }
        let both = self.scheduler_marks_both();
        ranking.add(
            if both { 91 } else { 60 },
            Cause {
                name: "packet-scheduler-default",
                layer: Layer::Host,
                text: "the senders may be Windows XP or Server 2003, whose packet scheduler marks 40 for audio and 24 for \
                       video until a policy maps the service types"
                    .to_owned(),
                evidence: vec![if both {
                    "audio with 40 and video with 24 come from the same senders".to_owned()
                } else {
                    format!("{} carry {}", self.group.size(), self.seen)
                }],
                check: "on such a host look at the policy `DSCP value of conforming packets` of the QoS Packet Scheduler"
                    .to_owned(),
            },
        );
    }

    fn scheduler_marks_both(&self) -> bool {
        let context = self.group.context;
        let other = if self.seen.value() == CS5 { CS3 } else { CS5 };
        let senders = self.group.senders();
        let mut from_them = context
            .with(|one| one.is_planned() && one.seen.is_some_and(|seen| seen.value() == other));
        from_them.any(|at| {
            let one = &context.judged[at];
            senders.contains(&context.flows.key(at).src)
                && one.verdict == crate::verdict::Verdict::Remarked
                && one.attribution.is_some()
        })
    }

    /// Rules on bits that explain this one pair.
    fn bits(&self, ranking: &mut Ranking) {
        let context = self.group.context;
        if context.vantage == Vantage::Sender {
            return;
        }
        for rule in pattern::explaining(&[(self.class.dscp, self.seen)]) {
            if rule.is_structural() && self.class.dscp != self.seen {
                ranking.add(
                    70,
                    on_path(&self.group, rule, &[(self.class.dscp, self.seen)]),
                );
            }
        }
    }

    fn other_value(&self, ranking: &mut Ranking) {
        let context = self.group.context;
        let senders = self.group.senders();
        let evidence = vec![format!(
            "{} of `{}` carry {} instead of {}, from {}",
            self.group.size(),
            self.class.name,
            self.seen,
            self.class.dscp,
            list(&senders)
        )];
        ranking.add(
            50,
            Cause {
                name: "host-marks-otherwise",
                layer: Layer::Host,
                text: "the senders likely have another policy for these ports, or the application sets the mark by itself"
                    .to_owned(),
                evidence: evidence.clone(),
                check: next::values(self.scope),
            },
        );
        if context.vantage == Vantage::Sender {
            return;
        }
        let weight = if senders.len() > 1 { 58 } else { 45 };
        ranking.add(
            weight,
            Cause {
                name: "remarked-on-path",
                layer: Layer::Path,
                text:
                    "a device between the senders and the capture point may set this mark by policy"
                        .to_owned(),
                evidence,
                check: next::PATH.to_owned(),
            },
        );
    }
}

/// A bitwise rule at work on the path, shown by pairs of planned and seen marks.
pub(crate) fn on_path(group: &Group<'_>, rule: Pattern, pairs: &[(Dscp, Dscp)]) -> Cause {
    let (name, device) = match rule {
        Pattern::TosPrecedenceBleached | Pattern::SomeTosPrecedenceBleached => (
            "tos-precedence-bleached",
            "a device that knows only the old IP precedence field likely clears its three bits (ToS precedence bleaching)",
        ),
        Pattern::LowBitsCleared | Pattern::SomeLowBitsCleared => (
            "low-bits-cleared",
            "a device that knows only the old IP precedence field, or a Wi-Fi link that maps marks to priorities and \
             back, likely clears the three low bits",
        ),
        Pattern::PrecedenceReplaced(_) => (
            "tos-precedence-remarked",
            "a device likely writes another value into the old IP precedence bits and leaves the rest",
        ),
        Pattern::Bleached | Pattern::Fixed(_) => (
            "remarked-on-path",
            "a device on the path likely sets one mark for everything",
        ),
    };
    let shown = pairs
        .iter()
        .map(|(sent, seen)| format!("{} seen as {}", sent.value(), seen.value()));
    Cause {
        name,
        layer: Layer::Path,
        text: device.to_owned(),
        evidence: vec![format!("{}: {}", group.size(), list(shown))],
        check: next::PATH.to_owned(),
    }
}
