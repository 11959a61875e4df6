//! `linux-nft`: marks by nftables, on Linux hosts for what their programs send, and on Linux routers and bridges for
//! scopes that the network marks.
//!
//! Each scope has a table of its own, which is replaced as a whole and deleted as a whole; nothing else on the machine is
//! touched. nftables sees packets, not processes, so a rule for an executable is wider there.

pub mod table;
pub mod text;

use perhop_policy::{
    Diagnostic, Dscp, Fit, FlowKey, Host, LossKind, Marker, PolicySet, RuleId, TargetRequest,
};

use crate::artifact::{Artifact, Purpose};
use crate::linux_nft::table::{Hook, Table};
use crate::network::options::Options;
use crate::network::unit::Unit;
use crate::network::{self, Said, Section, options};
use crate::read_back::{self, Marking as _, ReadBack};
use crate::syntax::nft;
use crate::target::{OptionKind, OptionSpec, Program, Step, Target, order};
use crate::windows_policy::steps::order_of;

/// The target.
#[derive(Debug, Clone, Copy)]
pub struct LinuxNft;

const BRIDGE: OptionSpec = OptionSpec {
    key: "bridge",
    kind: OptionKind::Boolean,
    doc: "whether what is forwarded is bridged, not routed; false without it",
};

/// One file.
struct Part {
    section: Section,
    table: Table,
}

struct NftProgram {
    parts: Vec<Part>,
    fits: Vec<(RuleId, Fit)>,
}

impl Target for LinuxNft {
    fn id(&self) -> &'static str {
        "linux-nft"
    }

    fn summary(&self) -> &'static str {
        "Marks by nftables on Linux hosts, and on Linux routers and bridges for hosts that the network marks"
    }

    fn losses(&self) -> &'static [LossKind] {
        &[
            LossKind::WiderApplication,
            LossKind::NarrowerApplication,
            LossKind::AbsentThrottle,
        ]
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[network::MARK, network::ACCESS, network::UNPLANNED, BRIDGE]
    }

    fn unit(&self) -> Option<Unit> {
        Some(Unit::LowerName)
    }

    /// For Linux hosts whose rules can be said without loss.
    fn is_default_for(&self, policy: &PolicySet) -> bool {
        let (parts, said) = hosts(policy);
        !parts.is_empty() && said.iter().all(|(_, losses)| losses.is_empty())
    }

    fn lower(
        &self,
        policy: &PolicySet,
        request: &TargetRequest,
    ) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let options = options::read(policy, request)?;
        let (mut parts, mut said) = hosts(policy);
        let (sections, rules) = network::sections(policy, &options)?;
        let bridge = options::is_set(request, BRIDGE.key, false);
        let hook = if bridge { Hook::Bridge } else { Hook::Forward };
        parts.extend(
            sections
                .into_iter()
                // Where hosts are attached is not known, everything that is forwarded would be reset.
                .map(|one| {
                    let reset = options.reset && !one.interfaces.is_empty();
                    part(one, hook, reset)
                }),
        );
        said.extend(rules);
        Ok(Box::new(NftProgram {
            parts,
            fits: network::fits(policy, &said),
        }))
    }

    fn read(&self, artifacts: &[Artifact]) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let read: ReadBack<Table> = read_back::read_text(artifacts, folder_of, text::read)?;
        Ok(Box::new(read))
    }
}

impl Program for NftProgram {
    fn fits(&self) -> &[(RuleId, Fit)] {
        &self.fits
    }

    fn emit(&self) -> Vec<Artifact> {
        let mut out = Vec::new();
        for part in &self.parts {
            let mut file = |name: &str, purpose, bytes| {
                out.push(Artifact {
                    path: format!("{}/{name}", part.folder()),
                    bytes,
                    purpose,
                    rules: part.section.rules.clone(),
                });
            };
            let comments = part.comments();
            file(
                "apply.nft",
                Purpose::Apply,
                text::apply(&part.table, &comments),
            );
            file(
                "undo.nft",
                Purpose::Undo,
                text::undo(&part.table, &comments[..1]),
            );
        }
        out
    }

    fn steps(&self) -> Vec<Step> {
        self.parts.iter().map(Part::step).collect()
    }

    fn apply_to(&self, scope: &str, key: &FlowKey<'_>) -> Option<Option<Dscp>> {
        let mut own = self
            .parts
            .iter()
            .filter(|part| part.section.scope == scope)
            .peekable();
        own.peek()?;
        Some(own.filter_map(|part| part.table.mark(key)).next_back())
    }
}

/// The scope's folder in the path of a file that makes a table.
fn folder_of(path: &str) -> Option<&str> {
    let rest = path
        .strip_prefix("linux-nft/")?
        .strip_suffix("/apply.nft")?;
    let (kind, folder) = rest.split_once('/')?;
    matches!(kind, "hosts" | "router").then_some(folder)
}

/// The tables of Linux hosts that mark by policy.
fn hosts(policy: &PolicySet) -> (Vec<Part>, Said) {
    let (mut parts, mut said) = (Vec::new(), Said::new());
    for scope in policy.scope_ids() {
        let ours = |id| {
            policy.scope(scope).host == Host::Linux && policy.rule(id).marker == Marker::HostPolicy
        };
        let none = Options::default();
        if let Some((section, rules)) = network::section(policy, scope, &none, ours) {
            parts.push(part(section, Hook::Output, false));
            said.extend(rules);
        }
    }
    (parts, said)
}

fn part(section: Section, hook: Hook, reset: bool) -> Part {
    let name = format!("perhop_{}", nft::name(&section.label));
    let table = Table::new(name, hook, &section.interfaces, &section.entries, reset);
    Part { section, table }
}

impl Part {
    fn folder(&self) -> String {
        let kind = match self.table.hook {
            Hook::Output => "hosts",
            Hook::Forward | Hook::Bridge => "router",
        };
        format!("linux-nft/{kind}/{}", self.section.folder)
    }

    /// `inet perhop_clients`.
    fn table_name(&self) -> String {
        let family = match self.table.hook {
            Hook::Output | Hook::Forward => "inet",
            Hook::Bridge => "bridge",
        };
        format!("{family} {}", self.table.name)
    }

    fn comments(&self) -> Vec<String> {
        let scope = &self.section.scope;
        let what = match self.table.hook {
            Hook::Output => format!("What hosts of `{scope}` send gets its marks here."),
            Hook::Forward => {
                format!("What `{scope}` sends gets its marks here, on a router that forwards it.")
            }
            Hook::Bridge => {
                format!("What `{scope}` sends gets its marks here, on a bridge that forwards it.")
            }
        };
        vec![
            what,
            "The first two commands make it safe to load this again: the table is replaced as a whole.".to_owned(),
        ]
    }

    fn step(&self) -> Step {
        let (scope, folder, table) = (&self.section.scope, self.folder(), self.table_name());
        let own = self.table.hook == Hook::Output;
        let (place, position) = match self.table.hook {
            Hook::Output => (
                format!("every Linux host of `{scope}`, as root"),
                order_of(self.section.role),
            ),
            Hook::Forward => (
                format!("the Linux router that the packets of `{scope}` enter through, as root"),
                order::NETWORK,
            ),
            Hook::Bridge => (
                format!("the Linux bridge that the packets of `{scope}` enter through, as root"),
                order::NETWORK,
            ),
        };
        Step {
            order: position,
            title: format!("Mark what `{scope}` sends with nftables"),
            place,
            commands: vec![
                format!("nft -c -f ./{folder}/apply.nft"),
                format!("nft -f ./{folder}/apply.nft"),
            ],
            check: vec![
                format!("`nft list table {table}` shows the table"),
                format!("`nft list counters table {table}` counts up while a call is on"),
                "`tcpdump -v -n` at the next hop shows `tos 0xb8` where EF is planned, and `class 0xb8` for IPv6".to_owned(),
            ],
            undo: vec![format!(
                "`nft -f ./{folder}/undo.nft` deletes this table and no other; packets then leave as before"
            )],
            notes: self.notes(own),
        }
    }

    fn notes(&self, own: bool) -> Vec<String> {
        let mut out = vec![
            "`nft -c` only checks; it needs root too. Maps of protocols and port ranges need Linux 5.6 or later.".to_owned(),
            "Only the DSCP is written: ECN stays, and the IPv4 checksum is corrected by the kernel.".to_owned(),
            "The table is gone after a restart unless the system loads the file at boot, for example by an `include` in \
             `/etc/nftables.conf`."
                .to_owned(),
        ];
        if own {
            out.push("What programs mark themselves is marked over where the plan has a rule, and left alone elsewhere.".to_owned());
        } else if self.section.interfaces.is_empty() {
            out.push(format!(
                "It marks whatever is forwarded from these ports. Where other hosts' packets enter too, name the interfaces \
                 of `{}` in the option `access` and compile again; `unplanned` has no effect before.",
                self.section.scope
            ));
        }
        out
    }
}
