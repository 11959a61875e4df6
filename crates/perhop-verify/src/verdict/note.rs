//! Notes on a flow: what is worth saying beside its verdict.

use perhop_policy::{ClassKind, Dscp, PolicySet, RuleId};

use crate::tolerance::Tolerances;

/// What is worth saying about a flow beside its verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Note {
    /// RTCP, connectivity checks or key exchange carry other marks than the media.
    BesideDiffers(u64),
    /// The TCP handshake carries another mark than the data.
    HandshakeDiffers(Dscp),
    /// The payload was not recognised; ports and addresses alone put the flow under its rule.
    PayloadUnknown,
    /// The flow carried connectivity checks or key exchange, no media.
    ChecksOnly,
    /// The payload looks like another modality than the rule's.
    OtherModality(ClassKind),
    /// The port is right after the end of the rule's range.
    PastEnd,
    /// The rule is that of the other direction.
    Returning,
    /// Several rules with different marks may hold; any of them was accepted.
    Ambiguous,
    /// RTCP whose stream is not in this flow, outside every planned range: its marks are not held against it.
    RtcpAlone,
    /// The class has a priority code point in the plan; these were seen, bit n for priority n.
    PriorityDiffers(u8),
    /// Voice was sent with Wi-Fi user priority 5 (video) instead of 6 (RFC 8325).
    WifiPriority,
    /// Too few packets for a finding.
    FewPackets,
    /// The port is in the range of a rule, but nothing else says that the rule was meant.
    MaybeAnotherProgram(RuleId),
    /// The sender is outside the network that the plan is for.
    OutsideNetwork,
    /// Neither UDP nor TCP, or the ports cannot be seen.
    NoPorts,
    /// Call signalling with a mark that is usual for it; the plan has no rule for signalling.
    SignalingMark,
    /// The plan accepted for a target what is seen here.
    AcceptedLoss(usize),
}

impl Note {
    /// One sentence without a full stop.
    #[must_use]
    pub fn text(&self, policy: &PolicySet, tolerances: &Tolerances) -> String {
        match self {
            Self::BesideDiffers(packets) => format!(
                "{packets} packets of RTCP, connectivity checks or key exchange carry other marks than the media"
            ),
            Self::HandshakeDiffers(mark) => {
                format!("the first TCP segment carries {mark}, unlike all others")
            }
            Self::OtherModality(kind) => format!("the payload looks like {}", kind.as_str()),
            Self::PriorityDiffers(seen) => {
                let seen: Vec<String> = (0..8u8)
                    .filter(|bit| seen & (1 << bit) != 0)
                    .map(|bit| bit.to_string())
                    .collect();
                format!("802.1p priorities seen: {}", seen.join(", "))
            }
            Self::MaybeAnotherProgram(rule) => format!(
                "a port in the range of `{}`, but nothing else says that this is its traffic",
                policy.rule(*rule).name
            ),
            Self::AcceptedLoss(index) => {
                let loss = &tolerances.accepted[*index];
                format!(
                    "the plan accepts `{}` for `{}`",
                    loss.kind.as_str(),
                    loss.target
                )
            }
            Self::PayloadUnknown => {
                fixed("the payload was not recognised; judged by addresses and ports")
            }
            Self::ChecksOnly => fixed("connectivity checks or key exchange without media"),
            Self::PastEnd => fixed("the port is right after the end of the range"),
            Self::Returning => fixed("judged by the rule of the other direction"),
            Self::Ambiguous => {
                fixed("rules with different marks may hold; any of their marks was accepted")
            }
            Self::RtcpAlone => fixed("RTCP without its stream, outside every planned range"),
            Self::WifiPriority => {
                fixed("sent with Wi-Fi user priority 5 (video); RFC 8325 has 6 (voice) for EF")
            }
            Self::FewPackets => fixed("too few packets for a finding"),
            Self::OutsideNetwork => fixed("the sender is outside the network that the plan is for"),
            Self::NoPorts => fixed("neither UDP nor TCP, or without visible ports"),
            Self::SignalingMark => fixed("call signalling with a mark that is usual for it"),
        }
    }
}

fn fixed(text: &str) -> String {
    text.to_owned()
}
