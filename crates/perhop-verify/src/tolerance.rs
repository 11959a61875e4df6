//! What is let pass, as data: nothing is tolerated in silence.

use perhop_policy::{LossKind, RuleId};

/// Limits and accepted losses. The defaults are those of `docs/VERDICTS.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tolerances {
    /// Source ports past the end of a range that still count as inside it, reported as information.
    ///
    /// Microsoft's own policies are written one port wider than the ranges that they are for (49152:57500 for
    /// 49152-57499), so the default is 1.
    pub ports_past_end: u16,
    /// Packets that a flow needs before a verdict against it becomes a finding; the verdict itself is always given.
    pub min_packets: u64,
    /// First packets of a flow that may lack the mark and are told apart as a late start.
    pub late_start_packets: u64,
    /// What the plan has accepted that its targets cannot say.
    pub accepted: Vec<AcceptedLoss>,
}

impl Default for Tolerances {
    fn default() -> Self {
        Self {
            ports_past_end: 1,
            min_packets: 3,
            late_start_packets: 10,
            accepted: Vec::new(),
        }
    }
}

/// A loss that the plan accepts by name: what it explains is expected, not a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AcceptedLoss {
    /// The rule that the target cannot say as it is.
    pub rule: RuleId,
    /// What is lost.
    pub kind: LossKind,
    /// The target, such as `windows-psched`.
    pub target: String,
}

impl AcceptedLoss {
    /// Whether the loss puts the rule's mark on packets that the rule does not hold.
    #[must_use]
    pub const fn marks_more(&self) -> bool {
        matches!(
            self.kind,
            LossKind::WiderApplication
                | LossKind::WiderAddress
                | LossKind::WiderPorts
                | LossKind::WiderProtocol
        )
    }

    /// Whether the loss leaves packets of the rule without its mark.
    #[must_use]
    pub const fn marks_less(&self) -> bool {
        matches!(
            self.kind,
            LossKind::NarrowerApplication | LossKind::NarrowerProtocol | LossKind::AbsentRule
        )
    }
}
