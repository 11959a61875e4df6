//! Verdicts: what a flow's marks are, held against what they should be. `docs/VERDICTS.md` has the definitions.

use perhop_policy::{
    Class, ClassKind, Dscp, LossKind, PolicySet, Protocol, ProtocolMatch, Vantage,
};

use crate::attribute::{Attribution, Attributor, Basis, Outside};
use crate::flow::DscpCounts;
use crate::seen::{Carried, Payload, Seen, Tuple};
use crate::tolerance::Tolerances;

mod judged;
mod note;
pub use judged::JudgedFlows;
pub use note::Note;

/// Voice-admit (RFC 5865): with EF, what networks give a priority queue.
const VOICE_ADMIT: u8 = 44;

/// Marks that call signalling usually carries: CS3, AF31, CS5 (uc-platforms section 11).
const SIGNALING_MARKS: [u8; 3] = [24, 26, 40];

/// SIP and SIP over TLS.
const SIP_PORTS: std::ops::RangeInclusive<u16> = 5060..=5061;

/// What a flow is, held against the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Every judged packet carries a planned mark.
    Ok,
    /// Every judged packet carries 0, and 0 is not planned.
    Unmarked,
    /// Every judged packet carries one other mark that is not planned.
    Remarked,
    /// Judged packets carry several marks, at least one of them not planned.
    Mixed,
    /// Media that no planned range holds.
    OutOfRange,
    /// Not under the plan, but with one of its marks or a priority mark.
    UnplannedMark,
    /// Not under the plan.
    Unplanned,
}

impl Verdict {
    /// Every verdict, in the order of reports.
    pub const ALL: [Self; 7] = [
        Self::Ok,
        Self::Unmarked,
        Self::Remarked,
        Self::Mixed,
        Self::OutOfRange,
        Self::UnplannedMark,
        Self::Unplanned,
    ];

    /// The word that reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unmarked => "unmarked",
            Self::Remarked => "remarked",
            Self::Mixed => "mixed",
            Self::OutOfRange => "out-of-range",
            Self::UnplannedMark => "unplanned-mark",
            Self::Unplanned => "unplanned",
        }
    }
}

/// How a flow's marks lie over its packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// One mark throughout.
    Steady,
    /// The first packets lack the mark, all others have it.
    LateStart {
        /// How many packets lack it.
        packets: u64,
    },
    /// One or two changes, with runs between them.
    Changed {
        /// Index, from 0, of the packet that showed the first change.
        at: u64,
        /// The mark before.
        from: Dscp,
        /// The mark after.
        to: Dscp,
    },
    /// Marks alternate.
    Interleaved,
}

/// One flow, judged.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// How the marks lie over the packets.
    pub shape: Shape,
    /// The rules it is under; `None` when none holds it.
    pub attribution: Option<Attribution>,
    /// Marks that count as planned, ascending; empty when no rule holds it.
    pub expected: Vec<Dscp>,
    /// The mark of most packets that the verdict rests on.
    pub seen: Option<Dscp>,
    /// Audio or video, when its streams tell.
    pub media: Option<ClassKind>,
    /// What it carries.
    pub payload: Payload,
    /// What else is worth saying.
    pub notes: Vec<Note>,
}

impl Judged {
    /// Whether the plan accepted what is wrong here.
    #[must_use]
    pub fn accepted(&self) -> Option<usize> {
        self.notes.iter().find_map(|note| match note {
            Note::AcceptedLoss(index) => Some(*index),
            _ => None,
        })
    }

    /// Whether a note is there.
    #[must_use]
    pub fn has(&self, note: Note) -> bool {
        self.notes.contains(&note)
    }

    /// The mark of the first TCP segment of a flow under a rule, when it differs from all others.
    pub(crate) fn handshake(&self) -> Option<Dscp> {
        self.notes.iter().find_map(|note| match note {
            Note::HandshakeDiffers(mark) => Some(*mark),
            _ => None,
        })
    }

    /// Whether the flow is under a rule as it is sent, so that its marks count for the rule's class.
    #[must_use]
    pub fn is_planned(&self) -> bool {
        self.attribution
            .as_ref()
            .is_some_and(|one| one.basis != Basis::Return)
    }
}

/// Judges the flows of one capture.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    policy: &'a PolicySet,
    vantage: Vantage,
    tolerances: &'a Tolerances,
    attributor: Attributor<'a>,
}

impl<'a> Judge<'a> {
    /// For a plan, a vantage and what is tolerated.
    #[must_use]
    pub const fn new(policy: &'a PolicySet, vantage: Vantage, tolerances: &'a Tolerances) -> Self {
        Self {
            policy,
            vantage,
            tolerances,
            attributor: Attributor::new(policy, vantage, tolerances),
        }
    }

    /// Judges one flow. `reverse` gives what the flow of the other direction carries, when the capture has it.
    #[must_use]
    pub fn judge(&self, seen: &Seen, reverse: impl Fn() -> Option<Carried>) -> Judged {
        let attribution = match self.attributor.attribute(seen, reverse) {
            Ok(attribution) => attribution,
            Err(outside) => return self.outside(seen, outside),
        };
        let expected = attribution.expected(self.policy, self.vantage);
        let judged = if seen.judged.is_empty() {
            &seen.all
        } else {
            &seen.judged
        };
        let verdict = compare(judged, &expected);
        if let Some(tuple) = seen.tuple
            && verdict != Verdict::Ok
            && self.attributor.may_be_another_program(tuple, &attribution)
        {
            let rule = attribution.rule();
            return self.unplanned(seen, vec![Note::MaybeAnotherProgram(rule)]);
        }
        let shape = self.shape(seen, judged, &expected);
        let mut notes = self.notes(seen, &attribution, judged, &expected);
        if verdict != Verdict::Ok {
            notes.extend(
                seen.tuple
                    .and_then(|tuple| self.marked_less(tuple, &attribution)),
            );
            if judged.total() < self.tolerances.min_packets {
                notes.push(Note::FewPackets);
            }
        }
        Judged {
            verdict,
            shape,
            attribution: Some(attribution),
            expected,
            seen: judged.most(),
            media: seen.media,
            payload: seen.payload,
            notes,
        }
    }

    fn outside(&self, seen: &Seen, outside: Outside) -> Judged {
        match outside {
            Outside::NoRule if seen.payload == Payload::Media => {
                let mut out = bare(seen, Verdict::OutOfRange, Vec::new());
                if seen.judged.total() < self.tolerances.min_packets {
                    out.notes.push(Note::FewPackets);
                }
                out
            }
            Outside::NoRule if seen.payload == Payload::Rtcp => {
                bare(seen, Verdict::Unplanned, vec![Note::RtcpAlone])
            }
            Outside::NoRule => self.unplanned(seen, Vec::new()),
            Outside::Network => self.unplanned(seen, vec![Note::OutsideNetwork]),
            Outside::NoPorts => bare(seen, Verdict::Unplanned, vec![Note::NoPorts]),
        }
    }

    fn unplanned(&self, seen: &Seen, mut notes: Vec<Note>) -> Judged {
        let mut taken = DscpCounts::new();
        for (dscp, packets) in seen.all.iter().filter(|(dscp, _)| self.is_of_plan(*dscp)) {
            taken.add(dscp, packets);
        }
        let Some(most) = taken.most() else {
            return bare(seen, Verdict::Unplanned, notes);
        };
        if is_signaling(seen)
            && taken
                .iter()
                .all(|(dscp, _)| SIGNALING_MARKS.contains(&dscp.value()))
        {
            notes.push(Note::SignalingMark);
            return bare(seen, Verdict::Unplanned, notes);
        }
        notes.extend(self.marked_more(&taken));
        if taken.total() < self.tolerances.min_packets {
            notes.push(Note::FewPackets);
        }
        Judged {
            seen: Some(most),
            ..bare(seen, Verdict::UnplannedMark, notes)
        }
    }

    /// Whether traffic with this mark shares a queue with traffic of the plan, or takes the priority queue.
    fn is_of_plan(&self, dscp: Dscp) -> bool {
        is_priority(dscp)
            || (dscp != Dscp::DF
                && (self.policy.classes().iter().any(|class| class.dscp == dscp)
                    || self.policy.rules().iter().any(|rule| rule.dscp == dscp)))
    }

    fn notes(
        &self,
        seen: &Seen,
        attribution: &Attribution,
        judged: &DscpCounts,
        expected: &[Dscp],
    ) -> Vec<Note> {
        let mut notes = Vec::new();
        match attribution.basis {
            Basis::AsSent => {}
            Basis::PastEnd => notes.push(Note::PastEnd),
            Basis::Return => notes.push(Note::Returning),
        }
        if attribution.is_ambiguous() {
            notes.push(Note::Ambiguous);
        }
        match seen.payload {
            Payload::Unknown => notes.push(Note::PayloadUnknown),
            Payload::Checks => notes.push(Note::ChecksOnly),
            Payload::Media | Payload::Rtcp | Payload::Signaling => {}
        }
        let class = self
            .policy
            .class(self.policy.rule(attribution.rule()).class);
        if let Some(media) = seen.media
            && media != class.kind
            && matches!(class.kind, ClassKind::Audio | ClassKind::Video)
            && (seen.announced || compare(judged, expected) != Verdict::Ok)
        {
            notes.push(Note::OtherModality(media));
        }
        notes.extend(layer_two(class, seen));
        let beside: u64 = seen
            .beside
            .iter()
            .filter(|(dscp, _)| !expected.contains(dscp) && judged.get(*dscp) == 0)
            .map(|(_, packets)| packets)
            .sum();
        if seen.handshake.is_none() && beside > 0 {
            notes.push(Note::BesideDiffers(beside));
        }
        notes.extend(seen.handshake.map(Note::HandshakeDiffers));
        notes
    }

    fn shape(&self, seen: &Seen, judged: &DscpCounts, expected: &[Dscp]) -> Shape {
        if judged.values() < 2 {
            return Shape::Steady;
        }
        match seen.first_change {
            Some((at, from, to))
                if seen.changes == 1
                    && at <= self.tolerances.late_start_packets
                    && !expected.contains(&from)
                    && expected.contains(&to) =>
            {
                Shape::LateStart { packets: at }
            }
            Some((at, from, to)) if seen.changes <= 2 => Shape::Changed { at, from, to },
            _ => Shape::Interleaved,
        }
    }

    fn marked_less(&self, tuple: Tuple, attribution: &Attribution) -> Option<Note> {
        self.tolerances
            .accepted
            .iter()
            .position(|loss| {
                let covers = match loss.kind {
                    LossKind::NarrowerProtocol => {
                        tuple.protocol == Protocol::Tcp
                            || self.policy.rule(loss.rule).protocol != ProtocolMatch::Both
                    }
                    _ => loss.marks_less(),
                };
                covers && attribution.rules.iter().any(|one| one.rule == loss.rule)
            })
            .map(Note::AcceptedLoss)
    }

    fn marked_more(&self, taken: &DscpCounts) -> Option<Note> {
        let only = taken.only()?;
        self.tolerances
            .accepted
            .iter()
            .position(|loss| loss.marks_more() && self.policy.rule(loss.rule).dscp == only)
            .map(Note::AcceptedLoss)
    }
}

/// Whether networks usually give the mark a priority queue: EF and voice-admit.
#[must_use]
pub fn is_priority(dscp: Dscp) -> bool {
    dscp == Dscp::EF || dscp.value() == VOICE_ADMIT
}

fn compare(judged: &DscpCounts, expected: &[Dscp]) -> Verdict {
    if judged.iter().all(|(dscp, _)| expected.contains(&dscp)) {
        return Verdict::Ok;
    }
    match judged.only() {
        Some(Dscp::DF) => Verdict::Unmarked,
        Some(_) => Verdict::Remarked,
        None => Verdict::Mixed,
    }
}

/// Priorities of the link layer that do not go with the class; worth a note, not a verdict.
fn layer_two(class: &Class, seen: &Seen) -> Option<Note> {
    let ef_as_video = seen.wifi_priorities & 1 << 5 != 0 && seen.wifi_priorities & 1 << 6 == 0;
    if let Some(pcp) = class.pcp
        && seen.pcps != 0
        && seen.pcps != 1 << pcp.value()
    {
        Some(Note::PriorityDiffers(seen.pcps))
    } else if class.dscp == Dscp::EF && ef_as_video {
        Some(Note::WifiPriority)
    } else {
        None
    }
}

fn bare(seen: &Seen, verdict: Verdict, notes: Vec<Note>) -> Judged {
    let judged = if seen.judged.is_empty() {
        &seen.all
    } else {
        &seen.judged
    };
    Judged {
        verdict,
        shape: match (judged.values(), seen.changes, seen.first_change) {
            (0 | 1, _, _) => Shape::Steady,
            (_, 1 | 2, Some((at, from, to))) => Shape::Changed { at, from, to },
            _ => Shape::Interleaved,
        },
        attribution: None,
        expected: Vec::new(),
        seen: judged.most(),
        media: seen.media,
        payload: seen.payload,
        notes,
    }
}

fn is_signaling(seen: &Seen) -> bool {
    seen.payload == Payload::Signaling
        || seen.tuple.is_some_and(|tuple| {
            SIP_PORTS.contains(&tuple.src_port) || SIP_PORTS.contains(&tuple.dst_port)
        })
}
