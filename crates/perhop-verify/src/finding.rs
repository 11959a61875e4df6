//! Findings: what is not as planned, why that is likely, and what to look at next.

use perhop_policy::{ClassId, CodeInfo, RuleId, Severity, Span};

/// The five layers that fail independently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Ranges and marks do not fit together.
    Plan,
    /// The setting did not get there.
    Delivery,
    /// The policy does not hit the packet.
    Match,
    /// The system did not mark it.
    Host,
    /// The mark did not survive.
    Path,
}

impl Layer {
    /// The word that reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Delivery => "delivery",
            Self::Match => "match",
            Self::Host => "host",
            Self::Path => "path",
        }
    }
}

/// Why something is likely so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// A stable name for tests and filters, such as `ranges-not-enforced`.
    pub name: &'static str,
    /// The layer that likely broke.
    pub layer: Layer,
    /// One sentence that says "likely" unless the packets prove it.
    pub text: String,
    /// The packets that say so, with counts.
    pub evidence: Vec<String>,
    /// The next thing to check, with the command where one is known.
    pub check: String,
}

/// One thing that is not as planned, over all flows that show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `verify/kebab-slug`, the name of its page under `docs/codes/`.
    pub code: &'static str,
    /// Error: traffic of the plan is not marked as planned. Warning: other traffic harms it. Information: expected.
    pub severity: Severity,
    /// One line: lower case, no full stop.
    pub message: String,
    /// Indices of the flows, ascending.
    pub flows: Vec<usize>,
    /// The first rule that the flows are under.
    pub rule: Option<RuleId>,
    /// The service class.
    pub class: Option<ClassId>,
    /// Where the plan says what should be.
    pub origin: Option<Span>,
    /// The likeliest cause.
    pub cause: Cause,
    /// Other causes that fit, the likelier first.
    pub alternatives: Vec<Cause>,
}

/// Planned traffic without a mark.
pub const UNMARKED: &str = "verify/unmarked";
/// Planned traffic with another mark.
pub const REMARKED: &str = "verify/remarked";
/// Planned traffic whose mark changes within a flow.
pub const MIXED: &str = "verify/mixed";
/// Media outside every planned range.
pub const OUT_OF_RANGE: &str = "verify/out-of-range";
/// A planned mark on what the plan does not know.
pub const UNPLANNED_MARK: &str = "verify/unplanned-mark";
/// A mark that a tunnel's outer header does not show.
pub const TUNNEL_HIDES_MARK: &str = "verify/tunnel-hides-mark";
/// Media back from a relay or the outside that the plan does not mark.
pub const RETURN_NOT_MARKED: &str = "verify/return-not-marked";
/// Connectivity checks without a mark, in flows that carried no media.
pub const CHECKS_UNMARKED: &str = "verify/checks-unmarked";
/// Traffic one port past the end of a range.
pub const PAST_RANGE_END: &str = "verify/past-range-end";
/// Several rules with different marks may hold, and the packets do not tell which.
pub const AMBIGUOUS: &str = "verify/ambiguous";
/// What accepted losses explain.
pub const ACCEPTED_LOSS: &str = "verify/accepted-loss";
/// Nothing in the capture is under the plan.
pub const NOTHING_PLANNED: &str = "verify/nothing-planned";

/// Codes that this crate raises.
pub const CODES: &[CodeInfo] = &[
    info(UNMARKED, "traffic under a rule carries no mark"),
    info(
        REMARKED,
        "traffic under a rule carries another mark than planned",
    ),
    info(MIXED, "the mark changes within flows that are under a rule"),
    info(
        OUT_OF_RANGE,
        "media was recognised on ports that no planned range holds",
    ),
    info(
        UNPLANNED_MARK,
        "traffic that the plan does not know carries one of its marks",
    ),
    info(
        TUNNEL_HIDES_MARK,
        "a tunnel's outer header does not carry the mark of the packets inside",
    ),
    info(
        RETURN_NOT_MARKED,
        "media comes back from where the plan marks nothing, and is not marked",
    ),
    info(
        CHECKS_UNMARKED,
        "connectivity checks carry no mark, in flows that carried no media",
    ),
    CodeInfo {
        code: PAST_RANGE_END,
        rules: &["UC-19"],
        summary: "traffic uses the port right after a planned range",
    },
    info(
        AMBIGUOUS,
        "several rules with different marks may hold, so any of their marks was accepted",
    ),
    info(
        ACCEPTED_LOSS,
        "marks are not as planned in a way that the plan has accepted for a target",
    ),
    info(
        NOTHING_PLANNED,
        "no flow in the capture is under a rule of the plan",
    ),
];

const fn info(code: &'static str, summary: &'static str) -> CodeInfo {
    CodeInfo {
        code,
        rules: &[],
        summary,
    }
}
