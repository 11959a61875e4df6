//! What a target can and cannot say, and what a plan asks of it.

use crate::diag::Span;

/// How well a target's configuration says what a rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// The same packets, the same mark.
    Exact,
    /// More packets are marked than the rule says.
    Wider(Vec<Loss>),
    /// Fewer packets are marked than the rule says.
    Narrower(Vec<Loss>),
    /// The rule is not in this target's output at all.
    Absent(Loss),
    /// The rule is about hosts that this target does not configure; another target's business.
    Elsewhere,
}

/// What is lost. Plans accept losses by these names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LossKind {
    /// Processes other than the rule's are marked too.
    WiderApplication,
    /// Addresses other than the rule's are marked too.
    WiderAddress,
    /// Ports other than the rule's are marked too.
    WiderPorts,
    /// Another transport protocol is marked too.
    WiderProtocol,
    /// Some of the rule's packets get the mark of a rule for another process.
    NarrowerApplication,
    /// Some of the rule's packets are not marked.
    NarrowerProtocol,
    /// The target cannot say the rule at all.
    AbsentRule,
    /// The packets are marked, and not throttled.
    AbsentThrottle,
}

impl LossKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::WiderApplication,
        Self::WiderAddress,
        Self::WiderPorts,
        Self::WiderProtocol,
        Self::NarrowerApplication,
        Self::NarrowerProtocol,
        Self::AbsentRule,
        Self::AbsentThrottle,
    ];

    /// The name that a plan writes under `accept`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WiderApplication => "wider.application",
            Self::WiderAddress => "wider.address",
            Self::WiderPorts => "wider.ports",
            Self::WiderProtocol => "wider.protocol",
            Self::NarrowerApplication => "narrower.application",
            Self::NarrowerProtocol => "narrower.protocol",
            Self::AbsentRule => "absent.rule",
            Self::AbsentThrottle => "absent.throttle",
        }
    }
}

/// One thing lost, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// What.
    pub kind: LossKind,
    /// Why, in one sentence without a full stop.
    pub reason: String,
}

/// A value under `[target.NAME]`; the target that is named says which keys and types it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionValue {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// A list of texts.
    List(Vec<String>),
}

/// What the plan asks of one target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetRequest {
    /// The target's id, such as `windows-gpo`.
    pub id: String,
    /// Where the plan names it.
    pub origin: Span,
    /// Whether the plan's list of targets names it. A request that is only settings (`[target.NAME]` without a list)
    /// does not choose; when no request is listed, the targets that fit the policy are made.
    pub listed: bool,
    /// Losses accepted by name.
    pub accept: Vec<(String, Span)>,
    /// The target's own options, by key.
    pub options: Vec<(String, OptionValue, Span)>,
}
