//! Rules of switches by VLAN: those of one, and those of every VLAN, in their common order.

use std::borrow::Cow;
use std::collections::BTreeSet;

use perhop_policy::{PolicySet, ScopeId};

use super::{List, Point, asked, told_or_alike};
use crate::fact::Syntax;
use crate::reading::FileRead;

/// A point for each VLAN that the rules or the plan name, and one for all others where rules are about every VLAN.
pub(super) fn points<'a>(
    policy: &PolicySet,
    file: &FileRead,
    index: usize,
    lists: Vec<List<'a>>,
) -> Vec<(Option<ScopeId>, Point<'a>)> {
    let planned = asked(policy, Syntax::Meraki.target()).options.access;
    let mut out = Vec::new();
    for list in lists {
        let named = list.marks.iter().flat_map(|(_, mark)| &mark.interfaces);
        let mut vlans: BTreeSet<Option<&str>> = named.map(|vlan| Some(vlan.as_str())).collect();
        vlans.extend(planned.iter().map(|(_, vlan)| Some(vlan.as_str())));
        vlans.insert(None);
        // More VLANs than anyone gives rules of their own are looked at as one.
        if vlans.len().saturating_mul(list.marks.len()) > MOST {
            vlans = [None].into();
        }
        for vlan in vlans {
            let of = |interfaces: &[String]| {
                interfaces.is_empty() || interfaces.iter().any(|one| Some(one.as_str()) == vlan)
            };
            let marks: Vec<_> = list
                .marks
                .iter()
                .filter(|(_, mark)| of(&mark.interfaces))
                .copied()
                .collect();
            if marks.is_empty() {
                continue;
            }
            let name = match vlan {
                Some(vlan) => Cow::Owned(format!("{} of VLAN {vlan}", list.name)),
                None => list.name.clone(),
            };
            let point = Point {
                file: index,
                syntax: Syntax::Meraki,
                lists: vec![List { name, marks }],
            };
            let own = planned.iter().find(|(_, one)| Some(one.as_str()) == vlan);
            let scope = match own {
                Some((scope, _)) => Some(*scope).filter(|scope| {
                    let name = &policy.scope(*scope).name;
                    file.scope.as_ref().is_none_or(|given| given == name)
                }),
                // Where the plan says whose VLANs are whose, others are nobody's.
                None => told_or_alike(policy, file, &point)
                    .filter(|scope| planned.iter().all(|(one, _)| one != scope)),
            };
            out.push((scope, point));
        }
    }
    out
}

/// Rules looked at, in all VLANs.
const MOST: usize = 1 << 18;
