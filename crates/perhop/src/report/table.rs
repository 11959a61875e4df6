//! The flows as a table, one row each: what CSV and the workbook list.

use perhop_verify::report::site_of;

use super::{Subject, class_of};
use crate::listing;

/// Headings and rows of the flows; a row is made when it is asked for.
#[derive(Clone, Copy)]
pub(crate) struct FlowTable<'a> {
    /// What it is about.
    pub(crate) subject: Subject<'a>,
    /// Names of the points and numbers of their flows, where there are several: then each row says where.
    pub(crate) points: &'a [(&'a str, usize)],
}

impl FlowTable<'_> {
    /// Names of the columns.
    pub(crate) fn headings(&self) -> Vec<&'static str> {
        let mut headings = vec!["verdict", "class", "site", "rule", "expected"];
        if !self.points.is_empty() {
            headings.insert(0, "point");
        }
        headings.extend(listing::FLOW_HEADINGS);
        headings.push("notes");
        headings
    }

    /// How many rows there are.
    pub(crate) const fn len(&self) -> usize {
        self.subject.flows.len()
    }

    /// The row of a flow.
    pub(crate) fn row(&self, at: usize) -> Vec<String> {
        let (policy, judged) = (self.subject.policy, &self.subject.report.flows[at]);
        let rule = judged
            .attribution
            .as_ref()
            .map(|one| policy.rule(one.rule()));
        let class = class_of(policy, judged).map(|id| policy.class(id));
        let site = site_of(policy, &self.subject.flows.key(at));
        let expected: Vec<String> = judged
            .expected
            .iter()
            .map(|dscp| dscp.value().to_string())
            .collect();
        let notes: Vec<String> = judged
            .notes
            .iter()
            .map(|note| note.text(policy, self.subject.tolerances))
            .collect();
        let mut cells = vec![
            judged.verdict.as_str().to_owned(),
            class.map_or_else(String::new, |class| class.name.clone()),
            site.map_or_else(String::new, |at| policy.sites()[at].name.clone()),
            rule.map_or_else(String::new, |rule| rule.name.clone()),
            expected.join(" "),
        ];
        if let Some(point) = point_of(self.points, at) {
            cells.insert(0, point.to_owned());
        }
        cells.extend(listing::flow_cells(&self.subject.flows.flow(at)));
        cells.push(notes.join("; "));
        cells
    }
}

/// The point that a flow is of, by the names of points and the numbers of their flows.
pub(crate) fn point_of<'a>(points: &[(&'a str, usize)], mut at: usize) -> Option<&'a str> {
    for (name, flows) in points {
        if at < *flows {
            return Some(name);
        }
        at -= flows;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flow_is_of_its_point() {
        let points = [("a", 2), ("b", 0), ("c", 1)];
        let of: Vec<_> = (0..4).map(|at| point_of(&points, at)).collect();
        assert_eq!(of, [Some("a"), Some("a"), Some("c"), None]);
    }
}
