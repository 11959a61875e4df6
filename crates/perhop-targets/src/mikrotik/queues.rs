//! Queues: a packet mark for each kind by its DSCP, and a tree of queues on each uplink.

use perhop_policy::ClassKind;

use crate::network::program::{Plan, leading_comments, same};
use crate::network::queues::Queues;
use crate::syntax::ios::{self, Config, Word};

const MENUS: [&str; 2] = ["/ip firewall mangle", "/ipv6 firewall mangle"];
const COMMENT: &str = "PHQ";
const REST: &str = "rest";

/// Priorities as RouterOS has them, 1 first; they count above what each queue is sure of.
const fn priority(kind: ClassKind) -> u64 {
    match kind {
        ClassKind::Audio => 1,
        ClassKind::Video => 2,
        ClassKind::Signaling => 3,
        ClassKind::AppSharing => 4,
        ClassKind::Other => 5,
        ClassKind::FileTransfer => 6,
    }
}

fn packet_mark(kind: ClassKind) -> String {
    format!("PHQ-{}", kind.as_str())
}

/// The file that makes them.
pub(super) fn apply(plan: &Plan) -> Vec<u8> {
    let mut out = Config::hash();
    out.comment("Queues by mark, where packets leave.");
    for text in plan.queues.comments() {
        out.comment(&text);
    }
    remove(&mut out);
    for menu in MENUS {
        for queue in &plan.queues.list {
            let mark = packet_mark(queue.kind);
            for dscp in &queue.dscps {
                let words = [
                    Word::Own(menu),
                    Word::Own("add chain=postrouting"),
                    Word::Joined("dscp=", &dscp.value().to_string()),
                    Word::Own("action=mark-packet"),
                    Word::Joined("new-packet-mark=", &mark),
                    Word::Own("passthrough=no"),
                    Word::Joined("comment=", COMMENT),
                ];
                out.line(0, &words);
            }
        }
    }
    for interface in &plan.uplinks {
        tree(&mut out, plan, interface);
    }
    out.into_bytes()
}

/// The queues of one interface; each may have what others leave.
fn tree(out: &mut Config, plan: &Plan, interface: &str) {
    let rate = plan.rate.unwrap_or_default() * 1000;
    let most = rate.to_string();
    let root = format!("PHQ-{interface}");
    let mut words = add(&root);
    words.extend([
        Word::Joined("parent=", interface),
        Word::Joined("max-limit=", &most),
        Word::Joined("comment=", COMMENT),
    ]);
    out.line(0, &words);
    let mut queue = |name: &str, mark: &str, urgency: u64, share: u8| {
        let name = format!("{root}-{name}");
        let (least, urgency) = (rate / 100 * u64::from(share), urgency.to_string());
        let least = least.to_string();
        let mut words = add(&name);
        words.extend([
            Word::Joined("parent=", &root),
            Word::Joined("packet-mark=", mark),
            Word::Joined("priority=", &urgency),
            Word::Joined("limit-at=", &least),
            Word::Joined("max-limit=", &most),
            Word::Joined("comment=", COMMENT),
        ]);
        out.line(0, &words);
    };
    for one in &plan.queues.list {
        let (name, mark) = (one.kind.as_str(), packet_mark(one.kind));
        queue(name, &mark, priority(one.kind), one.share);
    }
    queue(REST, "no-mark", 8, plan.queues.rest());
}

fn add(name: &str) -> Vec<Word<'_>> {
    vec![Word::Own("/queue tree add"), Word::Joined("name=", name)]
}

/// The file that takes them away.
pub(super) fn undo(_plan: &Plan) -> Vec<u8> {
    let mut out = Config::hash();
    remove(&mut out);
    out.into_bytes()
}

/// What has our comment goes, and nothing else; queues before the marks that they go by.
fn remove(out: &mut Config) {
    for menu in ["/queue tree", MENUS[0], MENUS[1]] {
        let words = [
            Word::Own(menu),
            Word::Own("remove [find"),
            Word::Joined("comment=", COMMENT),
            Word::Own("]"),
        ];
        out.line(0, &words);
    }
}

/// What is entered by hand where the plan does not say which interfaces are uplinks.
pub(super) fn by_hand(plan: &Plan) -> Vec<String> {
    let mut out = Config::hash();
    tree(&mut out, plan, "INTERFACE");
    let text = String::from_utf8(out.into_bytes()).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Reads a file that [`apply`] wrote.
pub(super) fn read(text: &str) -> Result<Plan, String> {
    let mut plan = Plan {
        queues: Queues::from_comments(&leading_comments(text, "# "))
            .ok_or("the queues are not named")?,
        ..Plan::default()
    };
    for node in &ios::read(text)? {
        let value = |key: &str| node.words.iter().find_map(|word| word.strip_prefix(key));
        let (Some("tree"), Some(parent)) = (node.words.get(1).copied(), value("parent=")) else {
            continue;
        };
        if !parent.starts_with("PHQ-") {
            plan.uplinks.push(parent.to_owned());
            let most: Option<u64> = value("max-limit=").and_then(|text| text.parse().ok());
            plan.rate = most.map(|most| most / 1000);
        }
    }
    let again = apply(&plan);
    same(text, &again, plan)
}
