//! Rulesets of nftables.

use perhop_read::Finding;
use perhop_read::audit::{Audit, State};

use crate::audited::{audited, grave, states};
use crate::switches::PLAN;

/// A ruleset of one chain where packets are forwarded, and of others that it goes to.
fn ruleset(rules: &[(&str, &str)]) -> String {
    let chain = |name: &str, hook: &str| {
        format!(r#"{{"chain":{{"family":"inet","table":"t","name":"{name}"{hook}}}}}"#)
    };
    let mut items = vec![
        chain(
            "forward",
            r#","type":"filter","hook":"forward","prio":-150,"policy":"accept""#,
        ),
        chain("other", ""),
    ];
    items.extend(rules.iter().map(|(chain, expr)| {
        format!(
            r#"{{"rule":{{"family":"inet","table":"t","chain":"{chain}","handle":1,"expr":[{expr}]}}}}"#
        )
    }));
    format!(r#"{{"nftables":[{}]}}"#, items.join(","))
}

const NFT_EF: &str = r#"{"match":{"op":"==","left":{"meta":{"key":"l4proto"}},"right":{"set":["udp","tcp"]}}},{"match":{"op":"==","left":{"payload":{"protocol":"th","field":"sport"}},"right":{"range":[50000,50019]}}}"#;

fn nft_set(mark: &str) -> String {
    ["ip", "ip6"]
        .map(|family| {
            format!(
                r#"{{"mangle":{{"key":{{"payload":{{"protocol":"{family}","field":"dscp"}}}},"value":"{mark}"}}}}"#
            )
        })
        .join(",")
}

/// The plan with audio only, marked by a Linux router.
fn nft_plan() -> String {
    PLAN.replace("app-sharing = { dscp = \"AF21\" }\n", "")
        .replace("app-sharing = \"50040-50059\"\n", "")
        .replace("video = { dscp = \"AF41\" }\n", "")
        .replace("video = \"50020-50039\"\n", "")
        .replace("cisco-ios", "linux-nft")
        .replace("access = [\"clients=GigabitEthernet1/0/1\"]\n", "")
        .replace("unplanned = \"reset\"\n", "")
}

/// Rules that mark audio, IPv4 and IPv6: a rule marks in one family at a time.
fn nft_rules() -> [String; 2] {
    let set = nft_set("ef");
    let (v4, v6) = set.split_once("},{").unwrap_or_default();
    [format!("{NFT_EF},{v4}}}"), format!("{NFT_EF},{{{v6}")]
}

const ACCEPT: &str = r#"{"accept":null}"#;
const JUMP: &str = r#"{"jump":{"target":"other"}}"#;
const RETURN: &str = r#"{"return":null}"#;

fn audited_rules(rules: &[(&str, String)]) -> Audit {
    let rules: Vec<(&str, &str)> = rules.iter().map(|(a, b)| (*a, b.as_str())).collect();
    audited(&nft_plan(), &ruleset(&rules))
}

fn other_mark(expr: &str) -> String {
    expr.replace("\"ef\"", "\"af11\"")
}

/// The mark that is put on last is the one that packets leave with; `accept` ends the list, `return` a chain.
#[test]
fn packets_of_nftables_leave_with_their_last_mark() {
    let [v4, v6] = nft_rules();
    let ok: [Vec<(&str, String)>; 4] = [
        vec![("forward", v4.clone()), ("forward", v6.clone())],
        // Marked otherwise before.
        vec![
            ("forward", other_mark(&v4)),
            ("forward", v4.clone()),
            ("forward", v6.clone()),
        ],
        // Done before it is marked otherwise.
        vec![
            ("forward", v4.clone()),
            ("forward", v6.clone()),
            ("forward", format!("{NFT_EF},{ACCEPT}")),
            ("forward", other_mark(&v4)),
        ],
        // In a chain that comes back.
        vec![
            ("forward", JUMP.to_owned()),
            ("other", v4.clone()),
            ("other", v6.clone()),
            ("other", RETURN.to_owned()),
        ],
    ];
    for rules in &ok {
        let audit = audited_rules(rules);
        assert_eq!(grave(&audit), Vec::<&Finding>::new(), "{rules:?}");
        assert_eq!(states(&audit), [State::Ok]);
    }
}

#[test]
fn packets_of_nftables_that_leave_otherwise_are_told() {
    let [v4, v6] = nft_rules();
    let wrong: [(Vec<(&str, String)>, &str); 3] = [
        (
            vec![
                ("forward", v4.clone()),
                ("forward", v6.clone()),
                ("forward", other_mark(&v4)),
            ],
            "audit/other-mark",
        ),
        (
            vec![
                ("forward", format!("{NFT_EF},{ACCEPT}")),
                ("forward", v4.clone()),
                ("forward", v6.clone()),
            ],
            "audit/unmarked",
        ),
        // What comes back is marked again.
        (
            vec![
                ("forward", JUMP.to_owned()),
                ("forward", other_mark(&v6)),
                ("other", v4.clone()),
                ("other", v6.clone()),
                ("other", RETURN.to_owned()),
            ],
            "audit/other-mark",
        ),
    ];
    for (rules, code) in &wrong {
        let audit = audited_rules(rules);
        let found = grave(&audit);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0].code, *code, "{found:#?}");
    }
    // What is missing is put before everything.
    let audit = audited_rules(&[("forward", v4.replace("50019", "50010")), ("forward", v6)]);
    let found = grave(&audit);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(
        found[0].commands,
        [
            "nft insert rule inet t forward meta l4proto udp th sport 50000-50019 ip dscp set 0x2e",
            "nft insert rule inet t forward meta l4proto tcp th sport 50000-50019 ip dscp set 0x2e",
            "nft insert rule inet t forward meta l4proto udp th sport 50000-50019 ip6 dscp set 0x2e",
            "nft insert rule inet t forward meta l4proto tcp th sport 50000-50019 ip6 dscp set 0x2e",
        ]
    );
}
