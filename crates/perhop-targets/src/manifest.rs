//! `manifest.json`: every file with its digest and rules, every rule with its mark and fits, every accepted loss.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use perhop_policy::{AppMatch, Fit, Marker, PolicySet, Rule, RuleId};
use sha2::{Digest, Sha256};

use crate::compile::{Done, Listed};
use crate::losses::AcceptedLoss;
use crate::syntax::json::{Document, Json};
use crate::target::losses_of;

/// Name and version of the manifest's schema.
pub const SCHEMA: &str = "perhop.manifest/1";

/// SHA-256 in lower-case hexadecimal.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// The manifest of `files`, which do not include itself.
pub(crate) fn text(
    policy: &PolicySet,
    plan_digest: &str,
    made: &[Done],
    files: &[Listed],
    accepted: &[AcceptedLoss],
) -> String {
    let digest = if plan_digest.is_empty() {
        Json::Null
    } else {
        Json::text(plan_digest)
    };
    let fits: Vec<(&str, BTreeMap<RuleId, &Fit>)> = made
        .iter()
        .map(|one| {
            let own = one.fits.iter().map(|(rule, fit)| (*rule, fit));
            (one.chosen.target.id(), own.collect())
        })
        .collect();
    let rules = (0u32..).zip(policy.rules()).map(|(index, rule)| {
        let fits = fits.iter().map(|(id, own)| {
            let fit = own.get(&RuleId(index)).copied();
            ((*id).to_owned(), fit_entry(fit.unwrap_or(&Fit::Elsewhere)))
        });
        rule_entry(policy, rule, fits.collect())
    });
    let losses = accepted.iter().map(|loss| {
        Json::object([
            ("target", Json::text(loss.target)),
            ("rule", Json::text(&policy.rule(loss.rule).name)),
            ("loss", Json::text(loss.kind.as_str())),
            ("reason", Json::text(&loss.reason)),
        ])
    });
    let plan = [("name", Json::text(policy.name())), ("sha256", digest)];
    let mut out = Document::new();
    out.member("schema", &Json::text(SCHEMA));
    out.member("plan", &Json::object(plan));
    out.array("targets", made.iter().map(target_entry));
    out.array(
        "files",
        files.iter().map(|file| file_entry(policy, file, made)),
    );
    out.array("rules", rules);
    out.array("losses_accepted", losses);
    out.into_text()
}

fn target_entry(one: &Done) -> Json {
    let accept = one.chosen.request.accept.iter().map(|(name, _)| name);
    Json::object([
        ("id", Json::text(one.chosen.target.id())),
        ("summary", Json::text(one.chosen.target.summary())),
        ("accept", Json::texts(accept)),
    ])
}

fn file_entry(policy: &PolicySet, file: &Listed, made: &[Done]) -> Json {
    let folder = file.path.split('/').next().unwrap_or_default();
    let target = made
        .iter()
        .map(|one| one.chosen.target.id())
        .find(|id| *id == folder);
    let rules = file.rules.iter().map(|id| &policy.rule(*id).name);
    Json::object([
        ("path", Json::text(&file.path)),
        ("target", target.map_or(Json::Null, Json::text)),
        ("purpose", Json::text(file.purpose.as_str())),
        ("size", integer(file.size)),
        ("sha256", Json::text(&file.sha256)),
        ("rules", Json::texts(rules)),
    ])
}

fn rule_entry(policy: &PolicySet, rule: &Rule, fits: Vec<(String, Json)>) -> Json {
    let application = match &rule.app {
        AppMatch::Any => Json::Null,
        AppMatch::Name(_) | AppMatch::Path(_) => Json::text(rule.app.as_str()),
    };
    let marker = match rule.marker {
        Marker::HostPolicy => "host-policy",
        Marker::Sender => "sender",
        Marker::Network => "network",
    };
    Json::object([
        ("name", Json::text(&rule.name)),
        ("scope", Json::text(&policy.scope(rule.scope).name)),
        ("class", Json::text(&policy.class(rule.class).name)),
        ("application", application),
        ("dscp", Json::Integer(i64::from(rule.dscp.value()))),
        ("marker", Json::text(marker)),
        ("fits", Json::Object(fits)),
    ])
}

fn fit_entry(fit: &Fit) -> Json {
    let word = match fit {
        Fit::Exact => "exact",
        Fit::Wider(_) => "wider",
        Fit::Narrower(_) => "narrower",
        Fit::Absent(_) => "absent",
        Fit::Elsewhere => "elsewhere",
    };
    let losses = losses_of(fit);
    Json::object([
        ("fit", Json::text(word)),
        (
            "losses",
            Json::texts(losses.iter().map(|loss| loss.kind.as_str())),
        ),
    ])
}

fn integer(number: usize) -> Json {
    Json::Integer(i64::try_from(number).expect("a file in memory is smaller than 2^63 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_standards_test_vector() {
        assert_eq!(
            sha256_hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
