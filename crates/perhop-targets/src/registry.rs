//! The one table of targets.

use crate::target::Target;

/// Every target, in the order that reports list them.
pub static TARGETS: &[&dyn Target] = &[
    &crate::lync_shell::LyncShell,
    &crate::teams_shell::TeamsShell,
];

/// The target of that id.
#[must_use]
pub fn find(id: &str) -> Option<&'static dyn Target> {
    TARGETS.iter().copied().find(|target| target.id() == id)
}
