//! Chains of RouterOS: what is before and behind the chain of a sender is for its packets too.

use perhop_policy::{PolicySet, ScopeId};

use super::{List, Point, by_name};
use crate::fact::Syntax;
use crate::reading::FileRead;

/// Adds a point for each sender that a chain is named for, with all that its packets come through. Lists that are left.
pub(super) fn lists<'a>(
    policy: &PolicySet,
    lists: Vec<List<'a>>,
    out: &mut Vec<(Option<ScopeId>, Point<'a>)>,
    (file, index): (&FileRead, usize),
) -> Vec<List<'a>> {
    let whose = |class: &str| by_name(policy, Syntax::MikroTik, class);
    let (passed, others): (Vec<List<'a>>, Vec<List<'a>>) = lists.into_iter().partition(|list| {
        matches!(
            &*list.marks[0].1.hook,
            "prerouting" | "forward" | "postrouting"
        )
    });
    let mut named: Vec<ScopeId> = Vec::new();
    for (_, mark) in passed.iter().flat_map(|list| &list.marks) {
        if let Some(scope) = whose(&mark.class).filter(|scope| !named.contains(scope)) {
            named.push(scope);
        }
    }
    if named.is_empty() {
        return [passed, others].concat();
    }
    for scope in named {
        let own = |class: &str| whose(class).is_none_or(|one| one == scope);
        let lists = passed.iter().filter_map(|list| {
            let marks = list.marks.iter().filter(|(_, mark)| own(&mark.class));
            let marks: Vec<_> = marks.copied().collect();
            let name = list.name.clone();
            (!marks.is_empty()).then_some(List { name, marks })
        });
        let point = Point {
            file: index,
            syntax: Syntax::MikroTik,
            lists: lists.collect(),
        };
        let name = &policy.scope(scope).name;
        let given = file.scope.as_ref().is_none_or(|given| given == name);
        out.push((given.then_some(scope), point));
    }
    others
}
