//! `perhop agent dry-run`.

use super::sockets::Sockets;
use super::{DryRunArgs, Format};
use crate::cmd;
use crate::failure::{Failure, Outcome};
use crate::json;
use crate::ui::Ui;

/// Shows what would be marked.
///
/// # Errors
/// A plan that cannot be used; a kernel that does not list sockets.
pub(super) fn run(args: &DryRunArgs, ui: &Ui) -> Result<Outcome, Failure> {
    let loaded = cmd::load(&args.plan, ui)?;
    let scope = super::scope(&loaded.policy, args.scope.as_deref())?;
    let found = Sockets::of(&loaded.policy, scope, &args.unit)
        .map_err(|error| Failure::failed(format!("cannot list the sockets: {error}")))?;
    match args.format {
        Format::Human => ui.print(&found.render(args.all, ui.width()))?,
        Format::Json => ui.data(|out| json::write(out, &found))?,
    }
    Ok(Outcome::AsPlanned)
}
