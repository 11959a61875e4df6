//! The filters of a policy, by name.

use perhop_policy::{Class, ClassId, Dscp, PolicySet, Region, Role};

use super::boxes::packets;
use super::expr::Expr;

/// What a display filter shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shows {
    /// Packets of the plan with their planned mark.
    AsPlanned,
    /// Packets of the plan with another mark, or none.
    WrongMark,
    /// Packets that are not of the plan, with a mark of the plan.
    NotPlanned,
}

/// A display filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter {
    /// What it shows.
    pub(super) shows: Shows,
    /// Its class and the class's place among all, when it is about one.
    pub(super) class: Option<(usize, String)>,
    /// Who sends, when it is about one kind of host.
    pub(super) side: Option<Role>,
    /// Its name.
    pub(super) name: String,
    /// The filter.
    pub(super) text: String,
}

/// All display filters: the three about the whole plan first, then each class and side.
pub(super) fn display(policy: &PolicySet) -> Vec<Filter> {
    let marks = marks(policy);
    let right_all = right(policy, &|_| true);
    let planned_all = planned(policy, &|_| true);
    let mut out = vec![
        whole(Shows::AsPlanned, "as planned", right_all.clone()),
        whole(
            Shows::WrongMark,
            "wrong mark",
            planned_all.clone().but_not(right_all.clone()),
        ),
        whole(
            Shows::NotPlanned,
            "marked and not planned",
            Expr::Dscp(marks).but_not(planned_all),
        ),
    ];
    if packets(policy, &|_| true).len() > MOST_BOXES {
        return out;
    }
    for (index, class) in policy.classes().iter().enumerate() {
        let id = ClassId(u16::try_from(index).expect("classes are counted in 16 bits"));
        for side in SIDES {
            let chosen = |region: &Region| {
                let rule = policy.rule(region.rule);
                rule.class == id && policy.scope(rule.scope).role == side
            };
            let marks = marks_of(policy, &chosen);
            if marks.is_empty() {
                continue;
            }
            let who = side_name(side);
            let about = |shows, what: String, expr: Expr| Filter {
                shows,
                class: Some((index, class.name.clone())),
                side: Some(side),
                name: format!("{} from {who}: {what}", class.name),
                text: seen(expr),
            };
            out.push(about(
                Shows::AsPlanned,
                format!("as planned, {}", numbers(&marks)),
                right(policy, &chosen),
            ));
            out.push(about(
                Shows::WrongMark,
                "wrong mark".to_owned(),
                planned(policy, &chosen).but_not(right_all.clone()),
            ));
        }
        out.extend(not_planned(policy, id, class, index));
    }
    out
}

/// The capture filter: packets of the plan, and packets with a mark of the plan.
pub(super) fn capture(policy: &PolicySet) -> String {
    let all = planned(policy, &|_| true);
    Expr::Or(vec![all, Expr::Dscp(marks(policy))]).capture()
}

/// The same for frames with or without an 802.1Q tag.
pub(super) fn capture_tagged(policy: &PolicySet) -> String {
    let plain = capture(policy);
    format!("({plain}) or (vlan and ({plain}))")
}

/// Whom a side is called.
pub(super) const fn side_name(side: Role) -> &'static str {
    match side {
        Role::Client => "clients",
        Role::Phone => "phones",
        Role::Server => "servers",
        Role::Edge => "edge servers",
        Role::VoiceMail => "voice-mail servers",
    }
}

/// With more boxes of addresses and ports than this, filters of single classes would be too long to use.
const MOST_BOXES: usize = 500;

const SIDES: [Role; 5] = [
    Role::Client,
    Role::Phone,
    Role::Server,
    Role::Edge,
    Role::VoiceMail,
];

fn whole(shows: Shows, what: &str, expr: Expr) -> Filter {
    Filter {
        shows,
        class: None,
        side: None,
        name: format!("all: {what}"),
        text: seen(expr),
    }
}

/// A class's mark on packets that no rule with that mark is about.
fn not_planned(policy: &PolicySet, id: ClassId, class: &Class, index: usize) -> Option<Filter> {
    let own = marks_of(policy, &|region| policy.rule(region.rule).class == id);
    let own: Vec<u8> = own.into_iter().filter(|mark| *mark != 0).collect();
    if own.is_empty() {
        return None;
    }
    let planned = planned(policy, &|region| own.contains(&region.dscp.value()));
    Some(Filter {
        shows: Shows::NotPlanned,
        class: Some((index, class.name.clone())),
        side: None,
        name: format!("{}: marked {} and not planned", class.name, numbers(&own)),
        text: seen(Expr::Dscp(own).but_not(planned)),
    })
}

/// ICMP messages quote packets, so that their fields would be taken for the message's own.
fn seen(expr: Expr) -> String {
    let icmp = Expr::Or(vec![Expr::Icmp { v6: false }, Expr::Icmp { v6: true }]);
    expr.but_not(icmp).display()
}

fn planned(policy: &PolicySet, chosen: &dyn Fn(&Region) -> bool) -> Expr {
    Expr::of(&packets(policy, chosen))
}

/// Packets that have the mark of a rule that may be theirs.
fn right(policy: &PolicySet, chosen: &dyn Fn(&Region) -> bool) -> Expr {
    let each = marks_of(policy, chosen).into_iter().map(|mark| {
        let own = |region: &Region| chosen(region) && region.dscp.value() == mark;
        Expr::Dscp(vec![mark]).and(planned(policy, &own))
    });
    Expr::Or(each.collect())
}

/// The marks of the plan other than 0, ascending.
fn marks(policy: &PolicySet) -> Vec<u8> {
    let mut out = marks_of(policy, &|region| region.dscp != Dscp::DF);
    out.dedup();
    out
}

fn marks_of(policy: &PolicySet, chosen: &dyn Fn(&Region) -> bool) -> Vec<u8> {
    let regions = policy.scope_ids().flat_map(|scope| policy.regions(scope));
    let mut out: Vec<u8> = regions
        .filter(|region| chosen(region))
        .map(|region| region.dscp.value())
        .collect();
    out.sort_unstable();
    out.dedup();
    out
}

fn numbers(marks: &[u8]) -> String {
    let texts: Vec<String> = marks.iter().map(u8::to_string).collect();
    texts.join(" or ")
}
