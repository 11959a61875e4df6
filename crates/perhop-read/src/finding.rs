//! Findings: what is wrong with what is configured, or differs from the plan.

use perhop_policy::{Severity, Span};

use crate::place::Place;

/// Which part of the chain something belongs to. The layers fail independently of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Whether ranges and marks fit together.
    Plan,
    /// Whether the setting gets to where it works.
    Delivery,
    /// Whether the policy takes the packets that it is for.
    Match,
    /// Whether the system puts the mark on.
    Host,
}

impl Layer {
    /// Every layer, in the order in which packets meet them.
    pub const ALL: [Self; 4] = [Self::Plan, Self::Delivery, Self::Match, Self::Host];

    /// The word that reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Delivery => "delivery",
            Self::Match => "match",
            Self::Host => "host",
        }
    }
}

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `read/slug` or `audit/slug`.
    pub code: &'static str,
    /// How bad.
    pub severity: Severity,
    /// Which part of the chain.
    pub layer: Layer,
    /// One line: lower case, no full stop, names between back-ticks.
    pub message: String,
    /// Where in the files.
    pub place: Option<Place>,
    /// The plan's rule that it is about.
    pub rule: Option<String>,
    /// Other rules of the plan that it is about in the same way.
    pub also: Vec<String>,
    /// Where the plan says otherwise.
    pub plan: Option<Span>,
    /// Reasons.
    pub notes: Vec<String>,
    /// What to do, in words.
    pub helps: Vec<String>,
    /// What to do, as commands.
    pub commands: Vec<String>,
}

impl Finding {
    /// A finding without places.
    #[must_use]
    pub fn new(
        severity: Severity,
        layer: Layer,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity,
            layer,
            message: message.into(),
            place: None,
            rule: None,
            also: Vec::new(),
            plan: None,
            notes: Vec::new(),
            helps: Vec::new(),
            commands: Vec::new(),
        }
    }

    /// Says where in the files.
    #[must_use]
    pub fn at(mut self, place: &Place) -> Self {
        self.place = Some(place.clone());
        self
    }

    /// Says which rule of the plan, and where.
    #[must_use]
    pub fn rule(mut self, name: &str, plan: Span) -> Self {
        self.rule = Some(name.to_owned());
        self.plan = Some(plan);
        self
    }

    /// Adds a reason.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds a remedy.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.helps.push(text.into());
        self
    }

    /// Adds the commands that mend it, a line each, when there are any.
    #[must_use]
    pub(crate) fn lines(mut self, text: Option<&str>) -> Self {
        self.commands
            .extend(text.into_iter().flat_map(str::lines).map(str::to_owned));
        self
    }

    /// Adds a command that mends it.
    #[must_use]
    pub fn command(mut self, text: impl Into<String>) -> Self {
        self.commands.push(text.into());
        self
    }
}
