//! `linux-tc`: queues by mark on an interface of a Linux host or router, as a tree of token buckets (HTB).
//!
//! It marks nothing: every rule is [`Fit::Elsewhere`].

use perhop_policy::{
    ClassKind, Diagnostic, Dscp, Fit, FlowKey, LossKind, PolicySet, RuleId, TargetRequest,
};

use crate::artifact::{Artifact, Purpose};
use crate::network;
use crate::network::options::{self, KINDS};
use crate::network::queues::{self, Queue, Queues};
use crate::network::unit::Unit;
use crate::read_back::unreadable;
use crate::syntax::sh::{Script, Word};
use crate::target::{OptionSpec, Program, Step, Target, order};

/// The target.
#[derive(Debug, Clone, Copy)]
pub struct LinuxTc;

struct TcProgram {
    queues: Queues,
    fits: Vec<(RuleId, Fit)>,
}

/// A class of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeClass {
    /// Its number below the tree's handle, as `tc` shows it in hexadecimal.
    pub minor: u16,
    /// The share of the link that it is sure of, percent.
    pub share: u8,
    /// Lower is served first.
    pub urgency: u8,
    /// The marks that it takes, ascending.
    pub dscps: Vec<Dscp>,
}

/// The classes that the scripts make, with the shares that the plan gives this target; last the one for the rest, which
/// takes no mark.
///
/// # Errors
/// Shares that starve somebody.
pub fn tree(policy: &PolicySet) -> Result<Vec<TreeClass>, Vec<Diagnostic>> {
    let own = policy.targets().iter().find(|one| one.id == LinuxTc.id());
    let options = match own {
        Some(request) => options::read(policy, request)?,
        None => options::Options::default(),
    };
    let queues = queues::queues(policy, &options)?;
    let class = |number: u64, share, urgency, dscps: &[Dscp]| TreeClass {
        // `tc` reads the script's digits as hexadecimal ones.
        minor: (number / 10 * 16) as u16,
        share,
        urgency,
        dscps: dscps.to_vec(),
    };
    let mut out: Vec<TreeClass> = queues
        .list
        .iter()
        .map(|queue| {
            let urgency = u8::from(!queue.is_strict());
            class(number(queue.kind), queue.share, urgency, &queue.dscps)
        })
        .collect();
    out.push(class(REST, queues.rest(), 2, &[]));
    Ok(out)
}

impl Target for LinuxTc {
    fn id(&self) -> &'static str {
        "linux-tc"
    }

    fn summary(&self) -> &'static str {
        "Queues by mark on an interface of a Linux host or router, as shell scripts for tc (HTB)"
    }

    fn losses(&self) -> &'static [LossKind] {
        &[]
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[network::SHARES]
    }

    fn unit(&self) -> Option<Unit> {
        Some(Unit::HexOctet)
    }

    fn is_default_for(&self, _policy: &PolicySet) -> bool {
        false
    }

    fn lower(
        &self,
        policy: &PolicySet,
        request: &TargetRequest,
    ) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let options = options::read(policy, request)?;
        Ok(Box::new(TcProgram {
            queues: queues::queues(policy, &options)?,
            fits: network::fits(policy, &[]),
        }))
    }

    fn read(&self, artifacts: &[Artifact]) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let mut queues = Queues::default();
        for artifact in artifacts {
            if artifact.path == "linux-tc/apply.sh" {
                queues = read(&artifact.bytes)
                    .map_err(|text| vec![unreadable(&artifact.path, &text)])?;
            }
        }
        Ok(Box::new(TcProgram {
            queues,
            fits: Vec::new(),
        }))
    }
}

impl Program for TcProgram {
    fn fits(&self) -> &[(RuleId, Fit)] {
        &self.fits
    }

    fn emit(&self) -> Vec<Artifact> {
        if self.queues.list.is_empty() {
            return Vec::new();
        }
        let file = |name: &str, purpose, bytes| Artifact {
            path: format!("linux-tc/{name}"),
            bytes,
            purpose,
            rules: Vec::new(),
        };
        vec![
            file("apply.sh", Purpose::Apply, apply(&self.queues)),
            file("undo.sh", Purpose::Undo, undo()),
            file("check.sh", Purpose::Check, check()),
        ]
    }

    fn steps(&self) -> Vec<Step> {
        if self.queues.list.is_empty() {
            return Vec::new();
        }
        vec![step(&self.queues)]
    }

    fn apply_to(&self, _scope: &str, _key: &FlowKey<'_>) -> Option<Option<Dscp>> {
        None
    }
}

/// The number of a kind's class below the tree's handle, and of the class for the rest.
const REST: u64 = 90;
const fn number(kind: ClassKind) -> u64 {
    match kind {
        ClassKind::Audio => 10,
        ClassKind::Video => 20,
        ClassKind::Signaling => 30,
        ClassKind::AppSharing => 40,
        ClassKind::FileTransfer => 50,
        ClassKind::Other => 60,
    }
}

fn apply(queues: &Queues) -> Vec<u8> {
    let mut out = Script::new();
    out.comment("Queues by mark on one interface: apply.sh INTERFACE KBIT");
    out.comment("KBIT is a little less than what the link carries, so that packets wait here and not in a modem.");
    out.code(ARGUMENTS).code(ROOT).code(BEFORE);
    let add = [
        Word::Own("tc qdisc add dev \"$dev\" root handle 7068: htb default"),
        Word::Number("", REST, ""),
    ];
    out.command(&add);
    out.code(r#"tc class add dev "$dev" parent 7068: classid 7068:1 htb rate "${kbit}kbit""#);
    for queue in &queues.list {
        class(
            &mut out,
            queue.kind.as_str(),
            number(queue.kind),
            queue.share,
            u64::from(!queue.is_strict()),
        );
        for dscp in &queue.dscps {
            filter(&mut out, *dscp, number(queue.kind));
        }
    }
    class(&mut out, "the rest", REST, queues.rest(), 2);
    out.into_bytes()
}

/// A class with its share; it may have what others leave.
fn class(out: &mut Script, name: &'static str, number: u64, share: u8, priority: u64) {
    out.comment(name);
    out.command(&[
        Word::Own("tc class add dev \"$dev\" parent 7068:1"),
        Word::Number("classid 7068:", number, ""),
        Word::Number("htb rate \"$((kbit * ", share.into(), " / 100))kbit\""),
        Word::Own("ceil \"${kbit}kbit\""),
        Word::Number("prio ", priority, ""),
    ]);
}

/// The mark of both address families, whatever ECN says.
fn filter(out: &mut Script, dscp: Dscp, number: u64) {
    for family in [
        "tc filter add dev \"$dev\" parent 7068: protocol ip prio 1 u32 match ip dsfield",
        "tc filter add dev \"$dev\" parent 7068: protocol ipv6 prio 2 u32 match ip6 priority",
    ] {
        out.command(&[
            Word::Own(family),
            Word::Octet(dscp.to_tos_octet()),
            Word::Own("0xfc"),
            Word::Number("flowid 7068:", number, ""),
        ]);
    }
}

fn undo() -> Vec<u8> {
    let mut out = Script::new();
    out.comment("Takes the queues of apply.sh away, and no others: undo.sh INTERFACE");
    out.code(INTERFACE).code(ROOT).code(
        r#"case $root in
"qdisc htb 7068: root "*) tc qdisc del dev "$dev" root ;;
*) echo "$dev does not have these queues" ;;
esac"#,
    );
    out.into_bytes()
}

fn check() -> Vec<u8> {
    let mut out = Script::new();
    out.comment("Shows the queues of apply.sh with what went through them: check.sh INTERFACE");
    out.code(INTERFACE).code(ROOT).code(
        r#"case $root in
"qdisc htb 7068: root "*) ;;
*) echo "$dev does not have these queues" >&2; exit 1 ;;
esac
tc filter show dev "$dev" parent 7068:
tc -s class show dev "$dev""#,
    );
    out.into_bytes()
}

const ARGUMENTS: &str = r#"set -eu
if [ $# -ne 2 ]; then
	echo "usage: $0 INTERFACE KBIT" >&2
	exit 2
fi
dev=$1
kbit=$2
case $kbit in
'' | ? | ?? | 0* | *[!0-9]* | ??????????*) echo "$kbit is not a rate in kbit/s" >&2; exit 2 ;;
esac"#;

const INTERFACE: &str = r#"set -eu
if [ $# -ne 1 ]; then
	echo "usage: $0 INTERFACE" >&2
	exit 2
fi
dev=$1"#;

const ROOT: &str = r#"root=$(tc qdisc show dev "$dev" root)"#;

/// The kernel's own queues have the handle `0:`; any other was set by somebody, and is not ours to replace.
const BEFORE: &str = r#"case $root in
"qdisc htb 7068: root "*) tc qdisc del dev "$dev" root ;;
'' | "qdisc "*" 0: root "*) ;;
*)
	echo "$dev has queues that somebody else set:" >&2
	echo "$root" >&2
	exit 1
	;;
esac"#;

/// Reads a script that [`apply`] wrote, as the queues that it makes.
fn read(bytes: &[u8]) -> Result<Queues, String> {
    let text = str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let mut queues = Queues::default();
    let number_after = |line: &str, before: &str| -> Option<u64> {
        let rest = &line[line.find(before)? + before.len()..];
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        rest[..end].parse().ok()
    };
    let kind = |number: u64| KINDS.into_iter().find(|kind| self::number(*kind) == number);
    for line in text.lines() {
        if let (Some(classid), Some(share)) = (
            number_after(line, "classid 7068:"),
            number_after(line, "kbit * "),
        ) {
            let share = u8::try_from(share).map_err(|_| format!("`{share}` is not a share"))?;
            if let Some(kind) = kind(classid) {
                queues.list.push(Queue {
                    kind,
                    dscps: Vec::new(),
                    share,
                });
            }
        }
        let octet = line
            .split_once("match ip dsfield 0x")
            .and_then(|(_, rest)| u8::from_str_radix(rest.get(..2)?, 16).ok());
        if let (Some(octet), Some(queue)) = (octet, queues.list.last_mut()) {
            queue.dscps.push(Dscp::from_octet(octet));
        }
    }
    if queues
        .list
        .iter()
        .map(|queue| u32::from(queue.share))
        .sum::<u32>()
        > 100
    {
        return Err("the shares are more than the link".to_owned());
    }
    let again = apply(&queues);
    let differs = |(a, b): (&str, &str)| a != b;
    match text
        .lines()
        .zip(String::from_utf8_lossy(&again).lines())
        .position(differs)
    {
        None if again == bytes => Ok(queues),
        None => Err("the file ends too early or too late".to_owned()),
        Some(at) => Err(format!("line {} is not one that is written here", at + 1)),
    }
}

fn step(queues: &Queues) -> Step {
    let mut notes = vec![
        "KBIT is what the link carries, less a little: above it packets wait in the modem, where no mark counts.".to_owned(),
        "Shares are what each class is sure of; what one leaves, the others take.".to_owned(),
        "It goes by the mark alone. On Linux hosts that mark, `linux-nft` marks before these queues see the packet.".to_owned(),
        "The queues are gone after a restart or when the interface is made anew: run the script from what brings it up.".to_owned(),
        "Only what leaves through the interface waits here; what comes in is queued by who sends it.".to_owned(),
    ];
    notes.extend(network::shared_queue_notes(queues));
    Step {
        order: order::NETWORK,
        title: "Give marks their queues on Linux interfaces".to_owned(),
        place: "every Linux router, or host with a slow link, as root".to_owned(),
        commands: vec!["sh ./linux-tc/apply.sh INTERFACE KBIT".to_owned()],
        check: vec![
            "`sh ./linux-tc/check.sh INTERFACE` shows the classes; while a call is on, `Sent` of class `7068:10` counts up"
                .to_owned(),
        ],
        undo: vec![
            "`sh ./linux-tc/undo.sh INTERFACE` takes these queues away; the interface then has the kernel's own again, \
             which is what it had: the script refuses to replace any other"
                .to_owned(),
        ],
        notes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_read_back() {
        let queue = |kind, dscps: &[u8], share| Queue {
            kind,
            dscps: dscps
                .iter()
                .map(|dscp| Dscp::try_new(*dscp).unwrap())
                .collect(),
            share,
        };
        let queues = Queues {
            list: vec![
                queue(ClassKind::Audio, &[40, 46], 20),
                queue(ClassKind::Video, &[34], 30),
                queue(ClassKind::Other, &[1], 5),
            ],
            shared: vec![],
        };
        let bytes = apply(&queues);
        assert_eq!(read(&bytes).unwrap(), queues);
        let text = String::from_utf8(bytes).unwrap();
        for (good, bad) in [
            ("0xfc", "0xff"),
            ("rate", "burst"),
            ("0xb8", "0xb9"),
            ("* 20 /", "* 99 /"),
        ] {
            assert!(
                read(text.replacen(good, bad, 1).as_bytes()).is_err(),
                "{bad}"
            );
        }
        assert!(read(b"").is_err());
    }
}
