//! qosify: a map of ports to marks. Where packets leave, it looks at the receiver's port alone; whatever its map does not
//! have gets its default mark, also when it came in marked. So it is written only for plans that it can say whole.

use perhop_policy::{Dscp, PortRange};

use crate::artifact::Purpose;
use crate::network::model::Term;
use crate::network::program::{Named, Part, Plan, Words};
use crate::syntax::ios::{Config, Word};

/// What it cannot say of a plan.
pub(super) fn check(parts: &[Part], plan: &Plan) -> Result<(), String> {
    if plan.uplinks.is_empty() || plan.rate.is_none() {
        return Err(
            "qosify shapes as well as it marks, so it has to know `uplinks` and `rate`".to_owned(),
        );
    }
    for (section, policy) in parts {
        for (_, term) in [false, true].into_iter().flat_map(|v6| policy.rules(v6)) {
            if ports(term).is_none() {
                return Err(format!(
                    "packets of `{}` are told by more than the receiver's ports, which is all that qosify looks at where they leave; \
                     what its map does not have loses its mark",
                    section.scope
                ));
            }
        }
    }
    if parts.len() > 1 {
        return Err(
            "qosify does not know whose packets it sees, and this marks those of several scopes"
                .to_owned(),
        );
    }
    Ok(())
}

/// The receiver's ports, where they are all that a term says. Port 65535 is not taken, nor 0.
fn ports(term: &Term) -> Option<PortRange> {
    let service = term.services[0];
    let plain = term.src.is_empty() && term.dst.is_empty() && service.src.is_none();
    let range = service.dst.filter(|_| plain)?;
    (range.first() > 0 && range.last() < u16::MAX).then_some(range)
}

const SECTION: &str = "qosify.PHQ_";

/// The map, and the lines that turn it on and off.
pub(super) fn files(parts: &[Part], plan: &Plan) -> Vec<Named> {
    let mut map = Config::hash();
    map.comment("Receiver's ports and the mark of packets that leave towards them; senders' ports of packets that come in.");
    let mut lines: Vec<(String, Dscp)> = Vec::new();
    for (dscp, term) in parts.iter().flat_map(|(_, policy)| policy.rules(false)) {
        let Some(range) = ports(term) else { continue };
        let key = format!("{}:{range}", term.services[0].protocol.as_str());
        // A later line for a port would replace an earlier one; here the first holds.
        lines.push((key, dscp));
    }
    for (key, dscp) in lines.iter().rev() {
        map.line(0, &[Word::Name(key), Word::Number(dscp.value().into())]);
    }
    let mut on = Config::hash();
    let mut off = Config::hash();
    let rate = format!("{}kbit", plan.rate.unwrap_or_default());
    for (interface, number) in plan.uplinks.iter().zip(1..) {
        let mut set = |key: &'static str, value: &str| {
            let text = Word::Numbered(SECTION, number, key, value);
            on.line(0, &[Word::Own("set"), text]);
        };
        set("=", "device");
        set(".name=", interface);
        set(".disabled=", "0");
        set(".bandwidth_up=", &rate);
        set(".ingress=", "0");
        set(".egress=", "1");
        set(".mode=", "diffserv4");
        let section = Word::Numbered(SECTION, number, "", "");
        off.line(0, &[Word::Own("delete"), section]);
    }
    for out in [&mut on, &mut off] {
        out.line(0, &[Word::Own("commit qosify")]);
    }
    vec![
        ("90-perhop.conf", Purpose::Support, map.into_bytes()),
        ("apply.uci", Purpose::Apply, on.into_bytes()),
        ("undo.uci", Purpose::Undo, off.into_bytes()),
    ]
}

/// What people do with them.
pub(super) fn step(folder: &str) -> Words {
    Words {
        place: "the OpenWrt router, as root, instead of SQM: an interface has one shaper".to_owned(),
        commands: vec![
            format!("scp {folder}/90-perhop.conf root@ROUTER:/etc/qosify/"),
            format!("ssh root@ROUTER uci batch < {folder}/apply.uci"),
            "ssh root@ROUTER /etc/init.d/qosify restart".to_owned(),
        ],
        check: vec!["`ubus call qosify status` and `tc -s qdisc show` on the router show cake with counters".to_owned()],
        undo: vec![format!(
            "`rm /etc/qosify/90-perhop.conf`, `uci batch` with `{folder}/undo.uci` and a restart of qosify"
        )],
        notes: vec![
            "qosify gives every packet that its maps do not have its own default mark, also packets that hosts marked: `dscp_default_udp` and the maps in `/etc/qosify` that are there already say which.".to_owned(),
            "Marks 16 to 31 and 48 to 63 are set on packets without a mark only, as its source has it.".to_owned(),
            "Marks are numbers, because its names differ between versions (AF23 was missing).".to_owned(),
        ],
    }
}
