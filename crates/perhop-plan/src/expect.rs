//! Expectations: each is a packet that the policy set itself is asked about.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use perhop_policy::{Answer, Diagnostic, Dscp, FlowKey, PolicySet, ScopeId, Vantage};

use crate::code;
use crate::plan::{Expect, Plan};
use crate::suggest::did_you_mean;

/// The expectations that do not hold.
#[must_use]
pub fn check(plan: &Plan, policy: &PolicySet) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    for expect in &plan.expects {
        match scopes(expect, policy) {
            Err(problem) => out.push(problem),
            Ok(scopes) => {
                out.extend(
                    scopes
                        .into_iter()
                        .find_map(|scope| fails(expect, policy, scope)),
                );
            }
        }
    }
    out
}

/// The scopes that an expectation is about.
fn scopes(expect: &Expect, policy: &PolicySet) -> Result<Vec<ScopeId>, Diagnostic> {
    let named = |name: &str| policy.scope_ids().find(|id| policy.scope(*id).name == name);
    let names = || policy.scopes().iter().map(|scope| scope.name.as_str());
    let all = || {
        let names: Vec<String> = names().map(|name| format!("`{name}`")).collect();
        format!("the plan has {}", names.join(", "))
    };
    if let Some(scope) = &expect.scope {
        return named(&scope.value).map(|id| vec![id]).ok_or_else(|| {
            let problem = Diagnostic::error(
                code::EXPECT_SCOPE,
                format!("the plan has no hosts `{}`", scope.value.escape_debug()),
            )
            .primary(scope.span, "unknown");
            match did_you_mean(&scope.value, names()) {
                Some(hint) => problem.note(all()).help(hint),
                None => problem.help(all()),
            }
        });
    }
    let app = expect.app.as_deref();
    let about = |id: &ScopeId| {
        let known = |rule: &perhop_policy::Rule| rule.app.rank() > 0 && rule.app.matches(app);
        policy
            .rules()
            .iter()
            .any(|rule| rule.scope == *id && known(rule))
    };
    let found: Vec<ScopeId> = policy.scope_ids().filter(about).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    named("clients").map(|id| vec![id]).ok_or_else(|| {
        Diagnostic::error(code::EXPECT_SCOPE, "the expectation does not say who sends")
            .primary(expect.span, "no `scope` here")
            .help(format!("add `scope = ...` to `flow`: {}", all()))
    })
}

fn fails(expect: &Expect, policy: &PolicySet, scope: ScopeId) -> Option<Diagnostic> {
    let (src, dst) = addresses(expect, policy, scope);
    let key = FlowKey {
        scope,
        app: expect.app.as_deref(),
        protocol: expect.protocol,
        src,
        src_port: expect.source_port,
        dst,
        dst_port: expect.destination_port,
    };
    let answer = policy.classify(&key, Vantage::Path);
    let is = match answer {
        Answer::Unplanned => None,
        Answer::Marked { dscp, .. } => Some(dscp),
    };
    if is == expect.dscp.value {
        return None;
    }
    let name = &policy.scope(scope).name;
    let shown = |dscp: Option<Dscp>| dscp.map_or("no mark".to_owned(), |dscp| dscp.to_string());
    let problem = Diagnostic::error(
        code::EXPECTATION,
        format!(
            "expected {} from `{name}`, but the plan gives {}",
            shown(expect.dscp.value),
            shown(is)
        ),
    )
    .primary(expect.dscp.span, format!("the plan gives {}", shown(is)));
    let problem = problem.note(format!(
        "the packet: {} {}, {src} port {} to {dst} port {}",
        expect.app.as_deref().unwrap_or("no known program"),
        expect.protocol.as_str(),
        expect.source_port,
        expect.destination_port
    ));
    Some(match answer {
        Answer::Marked { rule, .. } => {
            let rule = policy.rule(rule);
            problem.secondary(rule.origin, format!("rule `{}`", rule.name))
        }
        Answer::Unplanned => problem.note("no rule is about it"),
    })
}

/// The packet's addresses, in one family. Where the expectation gives none: one of the sender's, and a receiver that no
/// rule names.
fn addresses(expect: &Expect, policy: &PolicySet, scope: ScopeId) -> (IpAddr, IpAddr) {
    let given = |net: &Option<crate::ast::At<IpNet>>| net.as_ref().map(|net| net.value.addr());
    let (src, dst) = (given(&expect.source), given(&expect.destination));
    let wanted = src.or(dst);
    let family = |address: &IpAddr| wanted.is_none_or(|one| one.is_ipv4() == address.is_ipv4());
    let own = policy
        .scope(scope)
        .addresses
        .iter()
        .map(IpNet::addr)
        .find(family);
    let (sender, receiver) = if own.or(wanted).is_none_or(|one| one.is_ipv4()) {
        let in_v4 = |last| IpAddr::V4(Ipv4Addr::new(192, 0, 0, last));
        (in_v4(8), in_v4(9))
    } else {
        let in_v6 = |last| IpAddr::V6(Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, last));
        (in_v6(8), in_v6(9))
    };
    (src.or(own).unwrap_or(sender), dst.unwrap_or(receiver))
}
