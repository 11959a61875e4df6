//! A device's language, as a table of functions, and what they are given.

use crate::artifact::Purpose;
use crate::network::Section;
use crate::network::model::Policy;
use crate::network::queues::Queues;
use crate::target::OptionSpec;

/// A device's language.
pub struct Language {
    /// The target's id.
    pub id: &'static str,
    /// The extension of its files.
    pub extension: &'static str,
    /// The file that makes marks, with comments before.
    pub marks: fn(&Policy, &[String]) -> Vec<u8>,
    /// The file that takes them away.
    pub undo_marks: fn(&Policy) -> Vec<u8>,
    /// Reads a file of marks.
    pub read_marks: fn(&str) -> Result<Policy, String>,
    /// What people do with marks.
    pub marks_step: fn(&Section, &Policy, &str) -> Words,
    /// Whether hardware may compare by value and mask, so that ranges cost entries.
    pub tcam: bool,
    /// What it cannot hold.
    pub limits: Limits,
    /// Its queues, where they are written.
    pub queues: Option<Queueing>,
    /// What it can have besides.
    pub besides: Option<Besides>,
}

/// What marks the packets of one scope, and the scope.
pub type Part = (Section, Policy);

/// A file: its name, what it is for and its bytes.
pub type Named = (&'static str, Purpose, Vec<u8>);

/// Files in a form of another program on the device, for plans that can be said in it.
pub struct Besides {
    /// The option that asks for it, and the name of its folder.
    pub option: &'static OptionSpec,
    /// What it cannot say of a plan.
    pub check: fn(&[Part], &Plan) -> Result<(), String>,
    /// Its files.
    pub files: fn(&[Part], &Plan) -> Vec<Named>,
    /// What people do with them.
    pub step: fn(&str) -> Words,
}

/// What a device's rules cannot hold.
pub struct Limits {
    /// Whether rules may go by addresses. Where they may not, rules of the plan that do are absent.
    pub addresses: bool,
    /// Why a text is not one of its interfaces.
    pub interface: fn(&str) -> Result<(), &'static str>,
    /// How many rules it takes.
    pub rules: Option<Count>,
    /// Whether rules also say which interfaces packets leave through.
    pub towards: bool,
}

/// How many rules a device takes.
pub struct Count {
    /// How many of its rules a scope's policy is.
    pub of: fn(&Policy) -> usize,
    /// The most, where one is known.
    pub most: Option<usize>,
    /// The option by which a plan gives the most.
    pub option: Option<&'static OptionSpec>,
}

impl Limits {
    /// None but those of all devices.
    pub const NONE: Self = Self {
        addresses: true,
        interface: |_| Ok(()),
        rules: None,
        towards: false,
    };
}

/// A device's language for queues.
pub struct Queueing {
    /// The extension of its files.
    pub extension: &'static str,
    /// The file that makes them.
    pub apply: fn(&Plan) -> Vec<u8>,
    /// The file that takes them away.
    pub undo: fn(&Plan) -> Vec<u8>,
    /// Reads the file that makes them.
    pub read: fn(&str) -> Result<Plan, String>,
    /// What people do with them.
    pub step: fn(&Plan, &str) -> Words,
    /// When they are written.
    pub when: When,
}

/// When a device's queues are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// When the plan has a mark that has a queue.
    Queued,
    /// Then, and when there are marks, which name what is made with the queues.
    Named,
    /// When the plan has such a mark, and says what the links carry.
    Rated,
}

/// Queues, and the interfaces that go by the mark.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The queues.
    pub queues: Queues,
    /// Interfaces with queues.
    pub uplinks: Vec<String>,
    /// Interfaces where hosts that mark by themselves are attached.
    pub trusted: Vec<String>,
    /// Whether marks that the plan does not have are set to DF there.
    pub reset: bool,
    /// Whether the device is a switch, where its language differs for these.
    pub switch: bool,
    /// What the links carry, in kbit/s.
    pub rate: Option<u64>,
}

/// The parts of a step that differ between languages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// Where: the kind of device, and with which rights.
    pub place: String,
    /// See [`Step::commands`].
    pub commands: Vec<String>,
    /// See [`Step::check`].
    pub check: Vec<String>,
    /// See [`Step::undo`].
    pub undo: Vec<String>,
    /// See [`Step::notes`].
    pub notes: Vec<String>,
}
