//! Why there is no capture, and what helps.

use std::io;

/// Why a capture could not begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The system is not Linux.
    #[error("capturing from an interface is not supported on this system, only on Linux")]
    NotSupported,
    /// There is no such interface.
    #[error("there is no interface `{name}`")]
    NoInterface {
        /// The name asked for.
        name: String,
        /// Those that exist, in the order of the system.
        known: Vec<String>,
    },
    /// The interface is down.
    #[error("the interface `{name}` is down")]
    Down {
        /// Its name.
        name: String,
    },
    /// The process may not capture.
    #[error("capturing needs the capability CAP_NET_RAW, which this process does not have")]
    NoPrivilege,
    /// The kernel has no packet sockets.
    #[error("this kernel has no packet sockets (CONFIG_PACKET)")]
    NoPacketSockets,
    /// The kernel refuses the ring.
    #[error("the kernel has no memory for a ring of {bytes} bytes")]
    NoMemory {
        /// Bytes of the ring.
        bytes: u64,
    },
    /// The system refused something else.
    #[error("cannot {doing}: {source}")]
    System {
        /// What was asked for.
        doing: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

impl CaptureError {
    /// What can be done about it, a line each.
    #[must_use]
    pub fn remedies(&self) -> Vec<String> {
        match self {
            Self::NotSupported => vec![
                "let a capture program write to a pipe: `dumpcap -i IFACE -w - | perhop flows -`"
                    .to_owned(),
            ],
            Self::NoInterface { known, .. } if known.is_empty() => {
                vec!["no interface can be seen here".to_owned()]
            }
            Self::NoInterface { known, .. } => {
                let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
                vec![format!(
                    "these exist: {}; `any` takes all of them",
                    names.join(", ")
                )]
            }
            Self::Down { name } => vec![format!("bring it up: `ip link set {name} up`")],
            Self::NoPrivilege => vec![
                format!(
                    "give it to the program: `sudo setcap cap_net_raw+ep {}`",
                    program()
                ),
                "or run the command with `sudo`".to_owned(),
            ],
            Self::NoPacketSockets => vec![
                "containers and sandboxes often have none: capture on the host itself".to_owned(),
            ],
            Self::NoMemory { .. } => vec!["free some memory, or ask for a smaller ring".to_owned()],
            Self::System { .. } => Vec::new(),
        }
    }

    #[cfg(target_os = "linux")]
    pub(super) const fn system(doing: &'static str, source: io::Error) -> Self {
        Self::System { doing, source }
    }
}

/// The path of the running program, quoted for a shell where it must be.
fn program() -> String {
    let path = match std::env::current_exe() {
        Ok(path) => path.display().to_string(),
        Err(_) => return "$(command -v perhop)".to_owned(),
    };
    if path
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte))
    {
        return path;
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}
