//! `openwrt`: marks for OpenWrt with its nftables firewall (fw4), as files that it includes in its own table, and queues by
//! SQM.

mod qosify;
mod queues;

use perhop_policy::Dscp;

use crate::network::model::{Policy, Term};
use crate::network::program::{
    Besides, Device, Language, Limits, Plan, Queueing, When, Words, leading_comments, same,
};
use crate::network::unit::Unit;
use crate::network::values::Texts;
use crate::network::{self, Section};
use crate::syntax::nft::{self, Nft, Word};
use crate::target::{OptionKind, OptionSpec};

/// The target.
pub static OPENWRT: Device = Device {
    language: &LANGUAGE,
    summary: "Marks and queues for OpenWrt 22.03 and later: files that its nftables firewall (fw4) includes, SQM with cake, qosify where it can",
    options: &[
        network::MARK,
        network::ACCESS,
        network::UPLINKS,
        network::UNPLANNED,
        network::RATE,
        QOSIFY,
    ],
    unit: Unit::LowerName,
    policy_of: |section, queues, reset| {
        // Where hosts are attached is not known, everything that is forwarded would be reset.
        Policy::flat(section, queues, reset && !section.interfaces.is_empty())
    },
};

static LANGUAGE: Language = Language {
    id: "openwrt",
    extension: "nft",
    marks: apply,
    undo_marks: undo,
    read_marks: read,
    marks_step,
    tcam: false,
    limits: Limits::NONE,
    queues: Some(Queueing {
        extension: "uci",
        apply: queues::apply,
        undo: queues::undo,
        read: queues::read,
        step: queues_step,
        when: When::Rated,
    }),
    besides: Some(Besides {
        option: &QOSIFY,
        check: qosify::check,
        files: qosify::files,
        step: qosify::step,
    }),
};

const QOSIFY: OptionSpec = OptionSpec {
    key: "qosify",
    kind: OptionKind::Boolean,
    doc: "whether a map for qosify is written too, on `uplinks` at `rate`; an error where it cannot say the plan, false without it",
};

const HOOK: &str = "type filter hook forward priority mangle; policy accept;";
const FAMILIES: [[&str; 5]; 2] = [
    ["ipv4", "ip saddr", "ip daddr", "th sport", "th dport"],
    ["ipv6", "ip6 saddr", "ip6 daddr", "th sport", "th dport"],
];
const SET: [&str; 2] = ["ip dscp set", "ip6 dscp set"];

fn chain_name(policy: &Policy) -> String {
    format!("PH_{}", nft::name(&policy.label))
}

fn apply(policy: &Policy, comments: &[String]) -> Vec<u8> {
    let mut out = Nft::new();
    for text in comments {
        out.comment(text);
    }
    out.open(&[Word::Own("chain"), Word::Name(&chain_name(policy))]);
    out.line(&[Word::Own(HOOK)]);
    if !policy.interfaces.is_empty() {
        let names = policy.interfaces.iter().map(|name| Word::Text(name));
        let names = Word::Set(names.collect());
        out.line(&[Word::Own("iifname !="), names, Word::Own("accept")]);
    }
    for (family, v6) in [false, true].into_iter().enumerate() {
        for (dscp, term) in policy.rules(v6) {
            rule(&mut out, family, dscp, term);
        }
    }
    if policy.reset {
        for set in SET {
            out.line(&[Word::Own(set), Word::Dscp(Dscp::DF), Word::Own("counter")]);
        }
    }
    out.close();
    out.into_bytes()
}

fn rule(out: &mut Nft, family: usize, dscp: Dscp, term: &Term) {
    let [family_name, saddr, daddr, sport, dport] = FAMILIES[family];
    let service = term.services[0];
    let mut words = vec![
        Word::Own("meta nfproto"),
        Word::Own(family_name),
        Word::Own("meta l4proto"),
        Word::Protocol(service.protocol),
    ];
    for (key, nets) in [(saddr, &term.src), (daddr, &term.dst)] {
        words.extend(
            nets.iter()
                .flat_map(|net| [Word::Own(key), Word::Net(*net)]),
        );
    }
    for (key, ports) in [(sport, service.src), (dport, service.dst)] {
        words.extend(
            ports
                .into_iter()
                .flat_map(|range| [Word::Own(key), Word::Ports(range)]),
        );
    }
    words.extend([
        Word::Own(SET[family]),
        Word::Dscp(dscp),
        Word::Own("counter accept"),
    ]);
    out.line(&words);
}

fn undo(policy: &Policy) -> Vec<u8> {
    let mut out = Nft::new();
    out.comment("Empty on purpose: put in the place of the file with the marks, or delete that.");
    out.comment(&chain_name(policy));
    out.into_bytes()
}

fn read(text: &str) -> Result<Policy, String> {
    let mut rules = [Vec::new(), Vec::new()];
    let mut label = None;
    let (mut reset, mut interfaces) = (false, Vec::new());
    for (number, line) in (1..).zip(text.lines()) {
        let wrong = || format!("line {number} is not one that is written here");
        let line = line.trim();
        if line.starts_with('#') || line == HOOK || line == "}" {
            continue;
        }
        if let Some(rest) = line.strip_prefix("chain PH_") {
            label = Some(rest.strip_suffix(" {").ok_or_else(wrong)?);
        } else if let Some(rest) = line.strip_prefix("iifname != ") {
            let names = rest.split('"').skip(1).step_by(2);
            interfaces = names.map(str::to_owned).collect();
        } else if line.starts_with("meta nfproto ") {
            let (family, dscp, term) = read_rule(line).ok_or_else(wrong)?;
            rules[family].push((dscp, term));
        } else if SET.iter().any(|set| line.starts_with(set)) {
            reset = true;
        } else {
            return Err(wrong());
        }
    }
    // `_` in a chain's name may have been `-` in the label; the chain is called alike.
    let mut policy = Policy::from_rules(label.ok_or("there is no chain")?, rules);
    (policy.reset, policy.interfaces) = (reset, interfaces);
    let again = apply(&policy, &leading_comments(text, "# "));
    same(text, &again, policy)
}

fn read_rule(line: &str) -> Option<(usize, Dscp, Term)> {
    let words: Vec<&str> = line.split(' ').collect();
    let value = |key: &str| {
        let at = words.windows(2).position(|two| two.join(" ") == key)?;
        words.get(at + 2).copied()
    };
    let family = FAMILIES
        .iter()
        .position(|family| Some(family[0]) == value("meta nfproto"))?;
    let mark = words.iter().rev().nth(2)?;
    let dscp = nft::read_dscp(mark)?;
    let [_, saddr, daddr, sport, dport] = FAMILIES[family];
    let term = Texts::read(["meta l4proto", saddr, daddr, sport, dport], value)?.term('-')?;
    let mut nets = term.src.iter().chain(&term.dst);
    let family_is = |net: &ipnet::IpNet| usize::from(net.addr().is_ipv6()) == family;
    let fits = nets.all(family_is);
    fits.then_some((family, dscp, term))
}

fn marks_step(section: &Section, policy: &Policy, folder: &str) -> Words {
    let (scope, file) = (
        &section.scope,
        format!("/etc/nftables.d/{}.nft", chain_name(policy)),
    );
    let mut notes = vec![
        "The firewall includes the file in its own table, so it holds a chain and no table; it stays over restarts and belongs in the list of files that an upgrade keeps.".to_owned(),
        "Connections that are offloaded never reach this chain: turn flow offloading off for media, or altogether.".to_owned(),
        "SQM and qosify can undo marks: SQM's `diffserv3` puts AF41 with best effort, and without `squash_dscp=0` it clears marks; qosify gives every packet that its map does not have its own default mark.".to_owned(),
    ];
    if policy.interfaces.is_empty() {
        notes.push(format!(
            "It marks whatever is forwarded from these ports. Where other hosts' packets enter too, name the interfaces of `{scope}` in the option `access` and compile again; `unplanned` has no effect before."
        ));
    }
    Words {
        place: format!("the OpenWrt router that packets of `{scope}` enter through, as root"),
        commands: vec![
            format!(
                "scp ./{}/apply.nft root@ROUTER:{file}",
                folder.trim_start_matches("./")
            ),
            "ssh root@ROUTER fw4 check".to_owned(),
            "ssh root@ROUTER fw4 reload".to_owned(),
        ],
        check: vec![format!(
            "`nft list chain inet fw4 {}` shows counters that go up while a call is on",
            chain_name(policy)
        )],
        undo: vec![format!(
            "`rm {file}` and `fw4 reload` on the router; or put `{folder}/undo.nft` in its place, which is empty, and reload"
        )],
        notes,
    }
}

fn queues_step(plan: &Plan, folder: &str) -> Words {
    let mut commands = vec![
        "ssh root@ROUTER uci export sqm > sqm-before.txt".to_owned(),
        format!("ssh root@ROUTER uci batch < {folder}/apply.uci"),
        "ssh root@ROUTER /etc/init.d/sqm restart".to_owned(),
    ];
    if plan.uplinks.is_empty() {
        commands.insert(
            0,
            format!("# write the device of the uplink for INTERFACE in {folder}/apply.uci"),
        );
    }
    Words {
        place: "the OpenWrt router that packets leave through a link that can be full, with the package sqm-scripts, as root".to_owned(),
        commands,
        check: vec!["`tc -s qdisc show` shows cake with `diffserv4`; its tin Voice counts up while a call is on, and drops nothing".to_owned()],
        undo: vec![format!("`uci batch` with `{folder}/undo.uci` and a restart of sqm: the sections `PHQ_` go, and no other")],
        notes: vec![
            "An interface has one shaper: turn other sections of SQM and qosify off for it, and keep `sqm-before.txt`.".to_owned(),
            "cake has four tins with thresholds of its own (bulk 6.25 %, video 50 %, voice 25 %); the plan's shares are not used. The file says which tin each mark is in.".to_owned(),
            "Only what leaves is shaped. What comes in has the marks that the provider left; it is queued where it leaves the provider.".to_owned(),
        ],
    }
}
