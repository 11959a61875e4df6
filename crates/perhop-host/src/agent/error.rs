//! Why packets cannot be marked, and what helps.

use std::io;

use crate::bpf::btf::BtfError;
use crate::mark::table::TooLarge;

/// Why the agent could not begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The system is not Linux.
    #[error("marking packets on their way out is not supported on this system, only on Linux")]
    NotSupported,
    /// The process may not.
    #[error("{doing} needs {capability}, which this process does not have")]
    NoPrivilege {
        /// What was asked for.
        doing: &'static str,
        /// The capabilities.
        capability: &'static str,
    },
    /// The kernel does not have what is needed.
    #[error("this kernel has no {what}")]
    NoKernelSupport {
        /// What, with the kernel's option.
        what: &'static str,
        /// From which version on, and the option.
        remedy: &'static str,
    },
    /// Nothing is mounted where control groups are.
    #[error("no control group hierarchy of version 2 is mounted")]
    NoControlGroups,
    /// The kernel's type information cannot be read.
    #[error("cannot read the kernel's type information `/sys/kernel/btf/vmlinux`: {0}")]
    NoTypes(io::Error),
    /// The kernel's type information lacks something.
    #[error(transparent)]
    Types(#[from] BtfError),
    /// The kernel's verifier does not take a program.
    #[error("the kernel refuses the program `{program}`: {source}")]
    Refused {
        /// Its name.
        program: &'static str,
        /// What the system says.
        source: io::Error,
        /// The end of the verifier's log.
        log: String,
    },
    /// There is no such interface.
    #[error("there is no interface `{name}`")]
    NoInterface {
        /// The name asked for.
        name: String,
        /// Those that exist.
        known: Vec<String>,
    },
    /// Packets of the interface have another form than is known.
    #[error("the interface `{name}` is of a kind ({kind}) whose packets perhop does not know")]
    UnknownLink {
        /// Its name.
        name: String,
        /// Its kind (`ARPHRD_…`).
        kind: u16,
    },
    /// Somebody else set queues there.
    #[error("it has queues that somebody else set (`{kind}`)")]
    OtherQueues {
        /// Their kind.
        kind: String,
    },
    /// The program `nft` cannot be run.
    #[error("cannot run `nft`, which marks without BPF: {0}")]
    NoNft(io::Error),
    /// `nft` refuses.
    #[error("`nft` refuses the rules: {0}")]
    NftRefused(String),
    /// The plan is too large.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// A rule's file name is too long to be told apart in the kernel.
    #[error("the file name `{0}` is longer than the kernel compares, {max} bytes", max = crate::mark::NAME_LONGEST)]
    LongName(String),
    /// A rule's file name has too many forms.
    #[error(
        "the file name `{0}` can be written in more ways, in capital and small letters, than the kernel's tables take"
    )]
    NameForms(String),
    /// The system refused something else.
    #[error("cannot {doing}: {source}")]
    System {
        /// What was asked for.
        doing: String,
        /// What the system says.
        source: io::Error,
    },
}

impl AgentError {
    /// What can be done about it, a line each.
    #[must_use]
    pub fn remedies(&self) -> Vec<String> {
        match self {
            Self::NotSupported => vec![
                "on Windows, `perhop compile` writes the policies that Windows itself applies"
                    .to_owned(),
            ],
            Self::NoPrivilege { .. } => vec![
                "run the command with `sudo`, or as the service that `perhop agent unit` prints"
                    .to_owned(),
                "`perhop agent dry-run` needs no privilege".to_owned(),
                "where only CAP_BPF cannot be had, `--without-bpf` marks by ports alone".to_owned(),
            ],
            Self::NoKernelSupport { remedy, .. } => vec![(*remedy).to_owned()],
            Self::NoControlGroups => vec![
                "mount it: `mount -t cgroup2 none /sys/fs/cgroup/unified`, after making the folder"
                    .to_owned(),
                "in a container, give it the host's hierarchy".to_owned(),
            ],
            Self::NoTypes(_) => vec![
                "a kernel with CONFIG_DEBUG_INFO_BTF=y has it, and so do the kernels of current distributions".to_owned(),
                "in a container, mount the host's /sys".to_owned(),
            ],
            Self::Types(_) => {
                vec!["this kernel is older or newer than those that perhop knows".to_owned()]
            }
            Self::Refused { log, .. } if log.is_empty() => Vec::new(),
            Self::Refused { log, .. } => {
                vec![format!("the verifier's last words:\n{}", log.trim_end())]
            }
            Self::NoInterface { known, .. } => {
                let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
                vec![format!("these exist: {}", names.join(", "))]
            }
            Self::UnknownLink { .. } => {
                vec!["name the Ethernet or tunnel interfaces with `--interface`".to_owned()]
            }
            Self::LongName(_) | Self::NameForms(_) => vec!["name the executable by its full path".to_owned()],
            Self::OtherQueues { .. } => vec![
                "`tc qdisc del dev NAME root` takes them away, where nobody needs them".to_owned(),
            ],
            Self::NoNft(_) => vec!["install the package `nftables`".to_owned()],
            Self::NftRefused(_) => vec![
                "the rules need Linux 5.7 or later with CONFIG_NF_TABLES_INET, and nft 0.9.4 or later".to_owned(),
            ],
            Self::TooLarge(_) | Self::System { .. } => Vec::new(),
        }
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn system(doing: impl Into<String>, source: io::Error) -> Self {
        Self::System {
            doing: doing.into(),
            source,
        }
    }
}
