//! Back-ends: from a policy to everything that must be configured, exactly, with its undo.
//!
//! Invariant: what a target emits, read back by that target's own semantics, marks every packet as the policy does, but
//! for losses that the plan accepts by name. This crate never sees a plan, a clock, a file or a hash map.
#![forbid(unsafe_code)]

pub mod arista_eos;
pub mod artifact;
pub mod aruba_cx;
mod choose;
pub mod cisco_ios;
pub mod cisco_nxos;
mod codes;
pub mod compile;
pub mod cs_shell;
pub mod fortios;
pub mod home_routers;
pub mod intune_csp;
pub mod junos;
pub mod linux_nft;
pub mod linux_tc;
mod losses;
pub mod lync_inband;
pub mod lync_shell;
pub mod macos_profile;
pub mod manifest;
pub mod meraki;
pub mod mikrotik;
pub mod network;
pub mod openwrt;
pub mod products;
pub mod read_back;
pub mod registry;
mod runbook;
pub mod software;
pub mod suggest;
mod support;
pub mod syntax;
pub mod target;
pub mod teams_shell;
#[cfg(test)]
mod testing;
pub mod vyos;
pub mod wifi_map;
pub mod windows_gpo;
pub mod windows_lgpo;
pub mod windows_netqos;
pub mod windows_policy;
pub mod windows_psched;
pub mod windows_reg;
pub mod wireshark;

pub use artifact::{Artifact, Purpose};
pub use codes::CODES;
pub use compile::{CompileOptions, Compiled, Listed, Prepared, Written, compile, prepare};
pub use losses::AcceptedLoss;
pub use registry::TARGETS;
pub use support::support_table;
pub use target::{OptionKind, OptionSpec, Program, Step, Target};
