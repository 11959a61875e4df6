//! What a running agent says of itself.

use perhop_host::agent::{Agent, AgentError};
use perhop_policy::PolicySet;
use serde::{Deserialize, Serialize};

use crate::render::grid::{Column, Grid};
use crate::render::grouped;

/// Name and version of the JSON form.
const SCHEMA: &str = "perhop.agent-status/1";

/// The whole of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Status {
    schema: String,
    plan: String,
    pub(super) scope: String,
    pub(super) interfaces: Vec<Interface>,
    pub(super) rules: Vec<Rule>,
}

/// An interface at which packets are marked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Interface {
    pub(super) name: String,
    by: String,
    /// Whether it has queues of the agent's.
    #[serde(default)]
    queues: bool,
}

/// A rule and what it met.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) class: String,
    pub(super) dscp: u8,
    mark: String,
    /// The rate that its packets are to be kept to.
    #[serde(default)]
    throttle: Option<String>,
    pub(super) packets: u64,
    pub(super) bytes: u64,
    /// `None` where nftables marks, which does not count them.
    pub(super) rewritten: Option<u64>,
    pub(super) kept: Option<u64>,
}

impl Status {
    /// Asks the kernel.
    ///
    /// # Errors
    /// What it refuses.
    pub(super) fn of(agent: &Agent, policy: &PolicySet, scope: &str) -> Result<Self, AgentError> {
        let counts = agent.counts()?;
        let marks = agent.counts_marks();
        let rules = counts.into_iter().filter_map(|(name, count)| {
            let rule = policy.rules().iter().find(|rule| rule.name == name)?;
            Some(Rule {
                class: policy.class(rule.class).name.clone(),
                dscp: rule.dscp.value(),
                mark: rule.dscp.to_string(),
                throttle: rule.throttle.map(|rate| rate.to_string()),
                packets: count.packets,
                bytes: count.bytes,
                rewritten: marks.then_some(count.rewritten),
                kept: marks.then_some(count.kept),
                name,
            })
        });
        Ok(Self {
            schema: SCHEMA.to_owned(),
            plan: policy.name().to_owned(),
            scope: scope.to_owned(),
            rules: rules.collect(),
            interfaces: agent
                .interfaces()
                .into_iter()
                .map(|(name, by, queues)| Interface {
                    name: name.to_owned(),
                    by: by.to_owned(),
                    queues,
                })
                .collect(),
        })
    }

    /// For people.
    pub(super) fn render(&self, width: Option<usize>) -> String {
        let mut grid = Grid::new([
            Column::text("rule", 12),
            Column::text("mark", 0),
            Column::number("packets"),
            Column::number("bytes"),
            Column::number("rewritten"),
            Column::number("kept"),
        ]);
        for rule in &self.rules {
            grid.row(vec![
                rule.name.clone().into(),
                rule.throttle
                    .as_ref()
                    .map_or_else(
                        || rule.mark.clone(),
                        |rate| format!("{}, at most {rate}", rule.mark),
                    )
                    .into(),
                grouped(rule.packets).into(),
                grouped(rule.bytes).into(),
                rule.rewritten
                    .map_or_else(|| "-".to_owned(), grouped)
                    .into(),
                rule.kept.map_or_else(|| "-".to_owned(), grouped).into(),
            ]);
        }
        let interfaces: Vec<String> = self
            .interfaces
            .iter()
            .map(|interface| {
                let queues = if interface.queues { ", queues" } else { "" };
                format!("{} ({}{queues})", interface.name, interface.by)
            })
            .collect();
        let interfaces = if interfaces.is_empty() {
            "no interface".to_owned()
        } else {
            interfaces.join(", ")
        };
        format!(
            "plan `{}`, scope `{}`, at {interfaces}\n\n{}",
            self.plan,
            self.scope,
            grid.render(width)
        )
    }
}
