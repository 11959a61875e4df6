//! The validity rules of the field, UC-01 to UC-32: what each says and where it is decided.

use crate::code;

/// Where a rule is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decided {
    /// By a check of the plan; the codes that name the rule.
    Here,
    /// A plan cannot say it otherwise; how.
    ByConstruction(&'static str),
    /// A plan does not know it; who does.
    Elsewhere(&'static str),
}

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldRule {
    /// Its id.
    pub id: &'static str,
    /// What it says.
    pub text: &'static str,
    /// Where it is decided.
    pub decided: Decided,
}

impl FieldRule {
    /// The codes that implement it.
    pub fn codes(&self) -> impl Iterator<Item = &'static str> + use<> {
        let id = self.id;
        code::CODES
            .iter()
            .filter(move |info| info.rules.contains(&id))
            .map(|info| info.code)
    }
}

/// Every rule, in order.
pub const RULES: &[FieldRule] = &[
    here("UC-01", "a range starts at 1024 or above"),
    here(
        "UC-02",
        "a range has at least one port and ends at 65535 or below",
    ),
    here(
        "UC-03",
        "ranges of different media in one settings object do not overlap",
    ),
    here("UC-04", "clients that are given ranges must keep to them"),
    here(
        "UC-05",
        "settings of a site or service hide the global ones",
    ),
    here(
        "UC-06",
        "audio has one range on the Conferencing, Application and Mediation roles",
    ),
    here(
        "UC-07",
        "a medium's range on one role is no other medium's on another role",
    ),
    here(
        "UC-08",
        "a client range is inside the servers' range of its medium, or the Edge has policies for it",
    ),
    here(
        "UC-09",
        "a client range is not inside the servers' range of another medium",
    ),
    here(
        "UC-10",
        "clients have at least 20 ports for audio and 20 for video",
    ),
    here(
        "UC-11",
        "clients have at least 20 ports for files and 4 for application sharing",
    ),
    here("UC-12", "legacy media has at least 40 ports"),
    here(
        "UC-13",
        "legacy media is needed only where Lync 2010 pools serve Communicator 2007 R2",
    ),
    here("UC-14", "client ranges are contiguous"),
    here(
        "UC-15",
        "media that must be distinguished have different marks, from 0 to 63",
    ),
    here("UC-16", "phones, clients and servers mark audio alike"),
    FieldRule {
        id: "UC-17",
        text: "server policies go by source port, Edge policies by destination port",
        decided: Decided::ByConstruction(
            "rules of servers and of the Edge are made so; a plan has no way to say it",
        ),
    },
    here("UC-18", "no rule covers the Edge's external side"),
    elsewhere(
        "UC-19",
        "configured policies have the configured ranges",
        "reading back what a host or a group policy has",
    ),
    here(
        "UC-20",
        "an executable is one that exists for the client's generation, spelled right",
    ),
    elsewhere(
        "UC-21",
        "server policies are linked to servers, client policies to clients",
        "the runbook, when policies are linked",
    ),
    elsewhere(
        "UC-22",
        "marked hosts have the text value that lifts the restriction to domain networks",
        "the runbook and the artifacts, which bring it",
    ),
    here(
        "UC-23",
        "video-based screen sharing has the exact ranges it needs, and a policy",
    ),
    here("UC-24", "the Edge's external relay range is left alone"),
    here("UC-25", "a range holds no ports of other services"),
    elsewhere(
        "UC-26",
        "IPsec exempts media ranges",
        "the runbook: a plan does not know of IPsec",
    ),
    here(
        "UC-27",
        "client ranges are outside Windows' dynamic ports, or reserved",
    ),
    elsewhere(
        "UC-28",
        "services are restarted, users signed in again, phones rebooted",
        "the runbook, as steps",
    ),
    here(
        "UC-29",
        "the Web service and trusted application pools are checked like the other roles",
    ),
    here("UC-30", "marks hold on Microsoft peering and with Teams"),
    here("UC-31", "the Edge marks every medium that can cross it"),
    elsewhere(
        "UC-32",
        "a class on a link is at least as large as call admission control allows",
        "sizing: a plan does not know of links",
    ),
];

const fn here(id: &'static str, text: &'static str) -> FieldRule {
    FieldRule {
        id,
        text,
        decided: Decided::Here,
    }
}

const fn elsewhere(id: &'static str, text: &'static str, who: &'static str) -> FieldRule {
    FieldRule {
        id,
        text,
        decided: Decided::Elsewhere(who),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_there_and_has_codes_exactly_when_it_is_decided_here() {
        let ids: Vec<String> = (1..=32).map(|n| format!("UC-{n:02}")).collect();
        assert!(
            RULES
                .iter()
                .map(|rule| rule.id)
                .eq(ids.iter().map(String::as_str))
        );
        for rule in RULES {
            let has_codes = rule.codes().next().is_some();
            assert_eq!(has_codes, rule.decided == Decided::Here, "{}", rule.id);
        }
        let known: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
        for info in code::CODES {
            for rule in info.rules {
                assert!(known.contains(rule), "{rule} of {}", info.code);
            }
        }
    }
}
