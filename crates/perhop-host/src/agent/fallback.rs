//! Marks without BPF: a table of nftables, loaded by the program `nft`, which is how nftables is told on every system.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use perhop_policy::{PolicySet, ScopeId};

use super::identity::control_groups;
use super::maps::Count;
use super::{AgentError, Unit};
use crate::mark::nft::{self, Group, Options, Ruleset, TABLE};
use crate::mark::table;

/// Where `nft` looks for control groups.
const GROUPS: &str = "/sys/fs/cgroup";
/// Folders in a folder that are looked at for a control group's name.
const DEPTH: usize = 8;

/// The table in the kernel.
#[derive(Debug)]
pub(super) struct Fallback {
    units: Vec<Unit>,
    forwarded: bool,
    interfaces: Vec<String>,
    now: Ruleset,
    names: Vec<String>,
}

impl Fallback {
    /// Loads the table; nothing is marked before there are interfaces.
    ///
    /// # Errors
    /// What `nft` refuses.
    pub(super) fn start(
        policy: &PolicySet,
        scope: ScopeId,
        (units, forwarded): (&[Unit], bool),
        options: table::Options,
    ) -> Result<Self, AgentError> {
        let mut out = Self {
            units: units.to_vec(),
            forwarded,
            interfaces: Vec::new(),
            now: Ruleset::default(),
            names: Vec::new(),
        };
        out.load(policy, scope, options)?;
        Ok(out)
    }

    /// Puts another plan's table in the place of the present one, as one change.
    ///
    /// # Errors
    /// What `nft` refuses; then all is as before.
    pub(super) fn load(
        &mut self,
        policy: &PolicySet,
        scope: ScopeId,
        table: table::Options,
    ) -> Result<(), AgentError> {
        let options = Options {
            table,
            groups: self.units.iter().filter_map(group).collect(),
            forwarded: self.forwarded,
            interfaces: self.interfaces.clone(),
        };
        let next = nft::ruleset(policy, scope, &options);
        run(&next.text)?;
        let names = next.rules.iter();
        self.names = names.map(|&id| policy.rule(id).name.clone()).collect();
        self.now = next;
        Ok(())
    }

    /// Marks at an interface from now on, or no more.
    ///
    /// # Errors
    /// What `nft` refuses.
    pub(super) fn set(&mut self, interface: &str, wanted: bool) -> Result<(), AgentError> {
        self.interfaces.retain(|name| name != interface);
        let word = if wanted { "add" } else { "delete" };
        if wanted {
            self.interfaces.push(interface.to_owned());
        }
        run(&format!(
            "{word} element inet {TABLE} interfaces {{ \"{interface}\" }}\n"
        ))
        .map(drop)
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Rules that mark every program on their ports, and rules that are left out.
    pub(super) fn losses(&self, policy: &PolicySet) -> [Vec<String>; 2] {
        [&self.now.wider, &self.now.absent].map(|rules| {
            rules
                .iter()
                .map(|&id| policy.rule(id).name.clone())
                .collect()
        })
    }

    /// Control groups that stand for executables and are not there.
    pub(super) fn missing(&self) -> Vec<&str> {
        let each = self.units.iter().filter(|unit| group(unit).is_none());
        each.map(|unit| unit.group.as_str()).collect()
    }

    /// What was counted; nftables does not count marks that were there already.
    ///
    /// # Errors
    /// What `nft` refuses.
    pub(super) fn counts(&self) -> Result<Vec<Count>, AgentError> {
        let text = run(&format!("list counters table inet {TABLE}\n"))?;
        let all = nft::counters(&text, self.names.len());
        Ok(all
            .into_iter()
            .map(|(packets, bytes)| Count {
                packets,
                bytes,
                ..Count::default()
            })
            .collect())
    }
}

impl Drop for Fallback {
    fn drop(&mut self) {
        remove();
    }
}

/// Whether a table is there.
pub(super) fn is_there() -> bool {
    run(&format!("list table inet {TABLE}\n")).is_ok()
}

/// Takes the table away; whether there was one.
pub(super) fn remove() -> bool {
    run(&format!("delete table inet {TABLE}\n")).is_ok()
}

/// Where a unit's control group is.
fn group(unit: &Unit) -> Option<Group> {
    let root = control_groups()?;
    let below = root.strip_prefix(GROUPS).ok()?;
    let found = find(&root, &unit.group, DEPTH)?;
    let inner = found.strip_prefix(&root).ok()?;
    Some(Group {
        executable: unit.executable.clone(),
        path: below.join(inner).to_str()?.to_owned(),
        level: inner.components().count(),
    })
}

fn find(folder: &Path, name: &str, depth: usize) -> Option<PathBuf> {
    let own = folder.join(name);
    if own.is_dir() {
        return Some(own);
    }
    if depth == 0 {
        return None;
    }
    let mut inner: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    inner.sort();
    inner
        .iter()
        .find_map(|folder| find(folder, name, depth - 1))
}

/// Gives commands to `nft`; what it prints.
fn run(commands: &str) -> Result<String, AgentError> {
    let mut child = Command::new("nft")
        .args(["-f", "-"])
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(AgentError::NoNft)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that ends early says why.
        let _ = stdin.write_all(commands.as_bytes());
    }
    let output = child.wait_with_output().map_err(AgentError::NoNft)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let why = text(&output.stderr);
    if why.contains("Operation not permitted") {
        return Err(AgentError::NoPrivilege {
            doing: "loading rules of nftables",
            capability: "the capability CAP_NET_ADMIN",
        });
    }
    Err(AgentError::NftRefused(
        why.lines().next().unwrap_or_default().to_owned(),
    ))
}
