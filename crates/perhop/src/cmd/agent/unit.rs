//! `perhop agent unit`.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};
use crate::ui::Ui;

/// Print a systemd unit that runs the agent
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  perhop agent unit /etc/perhop/plan.toml | sudo tee /etc/systemd/system/perhop-agent.service
  sudo systemctl daemon-reload && sudo systemctl enable --now perhop-agent")]
pub(super) struct UnitArgs {
    /// The plan's path on the host
    #[arg(default_value = "/etc/perhop/plan.toml")]
    plan: PathBuf,
}

/// Prints the unit.
///
/// # Errors
/// A stdout that fails.
pub(super) fn run(args: &UnitArgs, ui: &Ui) -> Result<Outcome, Failure> {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/usr/bin/perhop"));
    let text = text(&program, &args.plan);
    ui.data(|out| out.write_all(text.as_bytes()))?;
    Ok(Outcome::AsPlanned)
}

fn text(program: &Path, plan: &Path) -> String {
    let (program, plan) = (quoted(program), quoted(plan));
    format!(
        "[Unit]
Description=Marks of real-time media by plan (perhop)
Documentation=man:systemd.service(5)
After=network-pre.target
Before=network.target
Wants=network-pre.target

[Service]
Type=notify
ExecStart={program} agent run {plan}
ExecReload=/bin/kill -HUP $MAINPID
ExecStopPost=-{program} agent stop
Restart=on-failure
RuntimeDirectory=perhop
RuntimeDirectoryMode=0700
CapabilityBoundingSet=CAP_BPF CAP_NET_ADMIN CAP_PERFMON CAP_SYS_PTRACE CAP_DAC_READ_SEARCH
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
RestrictAddressFamilies=AF_NETLINK AF_UNIX AF_INET AF_INET6
LockPersonality=yes
MemoryDenyWriteExecute=yes

[Install]
WantedBy=multi-user.target
"
    )
}

/// A path as systemd reads words: in quotes, `%` and `$` doubled.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/._-+@".contains(&byte));
    if plain {
        return text;
    }
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace('%', "%%").replace('$', "$$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_where_they_must_be() {
        let unit = text(
            Path::new("/usr/bin/perhop"),
            Path::new("/etc/a b/100%.toml"),
        );
        assert!(unit.contains("ExecStart=/usr/bin/perhop agent run \"/etc/a b/100%%.toml\"\n"));
    }
}
