//! Back-ends: from a policy to everything that must be configured, exactly, with its undo.
//!
//! Invariant: what a target emits, read back by that target's own semantics, marks every packet as the policy does, but
//! for losses that the plan accepts by name. This crate never sees a plan, a clock, a file or a hash map.
#![forbid(unsafe_code)]

pub mod artifact;
pub mod registry;
pub mod syntax;
pub mod target;

pub use artifact::{Artifact, Purpose};
pub use registry::TARGETS;
pub use target::{OptionKind, OptionSpec, Program, Step, Target};
