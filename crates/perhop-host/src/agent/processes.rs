//! Processes and the sockets that they hold, by `/proc`.
#![expect(
    unsafe_code,
    reason = "a descriptor of another process is copied by a call of the kernel"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::PathBuf;

/// A process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its executable's path.
    pub executable: String,
    /// Its control group of version 2, such as `/system.slice/recorder.service`.
    pub group: String,
}

impl Process {
    /// The processes whose executable this process may see.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let Ok(folder) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        let mut out: Vec<Self> = folder
            .flatten()
            .filter_map(|entry| Self::of(entry.file_name().to_str()?.parse().ok()?))
            .collect();
        out.sort_by_key(|process| process.pid);
        out
    }

    fn of(pid: u32) -> Option<Self> {
        let path = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
        let path = path.to_string_lossy();
        // An executable that was replaced while it runs.
        let executable = path.strip_suffix(" (deleted)").unwrap_or(&path).to_owned();
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        let group = groups.lines().find_map(|line| line.strip_prefix("0::"));
        Some(Self {
            pid,
            executable,
            group: group.unwrap_or_default().to_owned(),
        })
    }

    /// The names in its control group's path, outermost first.
    #[must_use]
    pub fn groups(&self) -> Vec<&str> {
        self.group
            .split('/')
            .filter(|name| !name.is_empty())
            .collect()
    }

    /// Its sockets: descriptor and inode.
    #[must_use]
    pub fn sockets(&self) -> Vec<(i32, u32)> {
        let Ok(folder) = fs::read_dir(format!("/proc/{}/fd", self.pid)) else {
            return Vec::new();
        };
        folder
            .flatten()
            .filter_map(|entry| {
                let target: PathBuf = fs::read_link(entry.path()).ok()?;
                let inode = target
                    .to_str()?
                    .strip_prefix("socket:[")?
                    .strip_suffix(']')?;
                let descriptor = entry.file_name().to_str()?.parse().ok()?;
                Some((descriptor, inode.parse().ok()?))
            })
            .collect()
    }
}

/// The processes that hold each socket, by the socket's inode.
#[must_use]
pub fn holders() -> BTreeMap<u32, Process> {
    let mut out = BTreeMap::new();
    for process in Process::all() {
        for (_, inode) in process.sockets() {
            // A service manager holds the sockets that it made for others; they came later.
            out.insert(inode, process.clone());
        }
    }
    out
}

/// A copy of another process' descriptor.
///
/// # Errors
/// What the kernel says: the process is gone, or may not be looked into.
pub(super) fn copy(pid: u32, descriptor: i32) -> io::Result<OwnedFd> {
    // SAFETY: the call takes two numbers.
    let process = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let process = own(process)?;
    // SAFETY: the call takes three numbers, of which the first is a descriptor that is open.
    let copy = unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), descriptor, 0) };
    own(copy)
}

fn own(result: libc::c_long) -> io::Result<OwnedFd> {
    match i32::try_from(result) {
        // SAFETY: the kernel made this descriptor for us just now; nobody else has it.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    }
}
