//! What every back-end is: one lowering pass to a program of its own, which is written out byte for byte.

use perhop_policy::{
    Diagnostic, Dscp, Fit, FlowKey, Loss, LossKind, PolicySet, Producer, RuleId, TargetRequest,
};

use crate::artifact::Artifact;
use crate::network::unit::Unit;

/// The type of an option's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionKind {
    /// Text.
    Text,
    /// A whole number between the two, inclusive.
    Integer(i64, i64),
    /// True or false.
    Boolean,
    /// A list of texts.
    List,
}

/// One key that a plan may write under `[target.NAME]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionSpec {
    /// The key.
    pub key: &'static str,
    /// Its type.
    pub kind: OptionKind,
    /// One sentence: what it does and what is done without it.
    pub doc: &'static str,
}

/// Something a person does, in order, as the runbook prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Position among the steps of all targets; lower first. See [`order`].
    pub order: u16,
    /// What is done, as a heading.
    pub title: String,
    /// Where: the kind of host, and with which rights.
    pub place: String,
    /// Commands, one a line, as typed there in the output folder: `.\lync-shell\apply.ps1`.
    pub commands: Vec<String>,
    /// How to see that it worked: sentences, commands in them between back-ticks.
    pub check: Vec<String>,
    /// How to take it back, written alike.
    pub undo: Vec<String>,
    /// What else to know, one sentence an entry, written alike.
    pub notes: Vec<String>,
}

/// Positions of steps, the order that works: ranges, restarts, clients, policies, override and restart, phones, network, wire.
pub mod order {
    /// Saving what is there now.
    pub const SAVE: u16 = 100;
    /// Port ranges of servers.
    pub const SERVER_RANGES: u16 = 200;
    /// Restart of services.
    pub const RESTART: u16 = 300;
    /// Port ranges of clients, signing out and in.
    pub const CLIENT_RANGES: u16 = 400;
    /// Policies on servers.
    pub const SERVER_POLICY: u16 = 500;
    /// Policies on edges.
    pub const EDGE_POLICY: u16 = 600;
    /// Policies on clients.
    pub const CLIENT_POLICY: u16 = 700;
    /// Phones and other devices.
    pub const DEVICES: u16 = 800;
    /// Marks and queues of routers and switches.
    pub const NETWORK: u16 = 900;
    /// Proof from packets.
    pub const PROOF: u16 = 1000;
}

/// A back-end. One file (or folder) each, and one line in [`crate::registry::TARGETS`].
pub trait Target: Sync {
    /// Its name in plans, output folders and commands: `windows-gpo`.
    fn id(&self) -> &'static str;
    /// One sentence: what comes out and for what.
    fn summary(&self) -> &'static str;
    /// Losses that its configuration language can cause; empty when it says every rule exactly.
    fn losses(&self) -> &'static [LossKind];
    /// The options that a plan may give it.
    fn options(&self) -> &'static [OptionSpec];
    /// The form in which it writes marks, where its own language has one.
    fn unit(&self) -> Option<Unit> {
        None
    }
    /// Whether it is made for this policy when the plan names no targets.
    fn is_default_for(&self, policy: &PolicySet) -> bool;
    /// Makes the program.
    ///
    /// # Errors
    /// Options that are wrong, and rules that cannot be written at all.
    fn lower(
        &self,
        policy: &PolicySet,
        request: &TargetRequest,
    ) -> Result<Box<dyn Program>, Vec<Diagnostic>>;
    /// Reads back what [`Program::emit`] wrote; need not understand more.
    ///
    /// # Errors
    /// Bytes that it did not write.
    fn read(&self, artifacts: &[Artifact]) -> Result<Box<dyn Program>, Vec<Diagnostic>>;
}

/// One target's version of a policy.
pub trait Program {
    /// For every rule of the policy, how well it is said here; after [`Target::read`] it is empty.
    fn fits(&self) -> &[(RuleId, Fit)];
    /// The files.
    fn emit(&self) -> Vec<Artifact>;
    /// What people do with them.
    fn steps(&self) -> Vec<Step>;
    /// The mark that this configuration gives a packet sent in the scope of that name, by the target's own semantics,
    /// written independently of the policy's. The outer `None`: this target configures no marks there.
    fn apply_to(&self, scope: &str, key: &FlowKey<'_>) -> Option<Option<Dscp>>;
    /// The producers that this configuration tells which ports to use; empty for targets that only mark.
    fn producers(&self) -> &[Producer] {
        &[]
    }
}

/// Losses of a fit, none for an exact one.
#[must_use]
pub fn losses_of(fit: &Fit) -> &[Loss] {
    match fit {
        Fit::Exact | Fit::Elsewhere => &[],
        Fit::Wider(losses) | Fit::Narrower(losses) => losses,
        Fit::Absent(loss) => std::slice::from_ref(loss),
    }
}
