//! The calls of bpf(2): maps, programs, links. Every attribute is laid out by hand, so that no header of a kernel is
//! needed; offsets are those of `union bpf_attr`.
#![expect(unsafe_code, reason = "bpf(2) is called by its number")]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::asm::Insn;

/// Kinds of map.
pub mod map_type {
    /// Values by key.
    pub const HASH: u32 = 1;
    /// Values by number.
    pub const ARRAY: u32 = 2;
    /// Values by number, each processor its own.
    pub const PERCPU_ARRAY: u32 = 6;
    /// Values by key, the longest unused ones make room.
    pub const LRU_HASH: u32 = 9;
    /// Values by longest prefix.
    pub const LPM_TRIE: u32 = 11;
    /// Values by socket.
    pub const SK_STORAGE: u32 = 24;
}

/// `BPF_F_NO_PREALLOC`
pub const NO_PREALLOC: u32 = 1;
/// `BPF_F_CLONE`: an accepted socket has its listener's value.
pub const CLONE: u32 = 1 << 9;

/// Kinds of program.
pub mod program_type {
    /// At an interface.
    pub const SCHED_CLS: u32 = 3;
    /// At the making and binding of a socket.
    pub const CGROUP_SOCK: u32 = 9;
    /// At connect and sendmsg.
    pub const CGROUP_SOCK_ADDR: u32 = 18;
}

/// Where a program is attached.
pub mod attach_type {
    /// A socket is made.
    pub const SOCK_CREATE: u32 = 2;
    /// connect(2), IPv4.
    pub const CONNECT4: u32 = 10;
    /// connect(2), IPv6.
    pub const CONNECT6: u32 = 11;
    /// After bind(2), IPv4.
    pub const POST_BIND4: u32 = 12;
    /// After bind(2), IPv6.
    pub const POST_BIND6: u32 = 13;
    /// An interface's way out.
    pub const TCX_EGRESS: u32 = 47;
}

const MAP_CREATE: i32 = 0;
const MAP_LOOKUP: i32 = 1;
const MAP_UPDATE: i32 = 2;
const MAP_DELETE: i32 = 3;
const PROG_LOAD: i32 = 5;
const PROG_TEST_RUN: i32 = 10;
const PROG_QUERY: i32 = 16;
const BTF_LOAD: i32 = 18;
const LINK_CREATE: i32 = 28;
const LINK_UPDATE: i32 = 29;

/// The programs call functions that the kernel keeps for GPL programs; their text is here, under perhop's licence or GPL.
const LICENSE: &[u8] = b"Dual MIT/GPL\0";
const LOG_BYTES: usize = 1 << 20;
/// Of a verifier's log, the end is what says why.
const LOG_KEPT: usize = 4096;

/// A program that the kernel did not take.
#[derive(Debug)]
pub struct Refused {
    /// What the system says.
    pub source: io::Error,
    /// The end of the verifier's log; empty when it did not come so far.
    pub log: String,
}

/// `union bpf_attr`, zeros where nothing is said.
struct Attr([u8; 160]);

impl Attr {
    const fn new() -> Self {
        Self([0; 160])
    }

    fn u32(mut self, at: usize, value: u32) -> Self {
        self.0[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        self
    }

    fn u64(mut self, at: usize, value: u64) -> Self {
        self.0[at..at + 8].copy_from_slice(&value.to_ne_bytes());
        self
    }

    fn fd(self, at: usize, fd: &impl AsRawFd) -> Self {
        self.u32(at, fd.as_raw_fd() as u32)
    }

    fn read<T>(self, at: usize, bytes: &[T]) -> Self {
        self.u64(at, bytes.as_ptr() as u64)
    }

    fn write<T>(self, at: usize, bytes: &mut [T]) -> Self {
        self.u64(at, bytes.as_mut_ptr() as u64)
    }

    fn name(mut self, at: usize, name: &str) -> Self {
        let length = name.len().min(15);
        self.0[at..at + length].copy_from_slice(&name.as_bytes()[..length]);
        self
    }

    fn get(&self, at: usize) -> u32 {
        let mut four = [0; 4];
        four.copy_from_slice(&self.0[at..at + 4]);
        u32::from_ne_bytes(four)
    }

    /// Calls; `size` is how much of the attribute this command has.
    fn call(&mut self, command: i32, size: usize) -> io::Result<RawFd> {
        // SAFETY: the attribute is whole for `size` bytes and writable, and the addresses in it are those of slices that
        // the callers of this private function borrow until it returns, with their lengths beside them.
        let result = unsafe { libc::syscall(libc::SYS_bpf, command, self.0.as_mut_ptr(), size) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(result as RawFd)
    }

    fn open(&mut self, command: i32, size: usize) -> io::Result<OwnedFd> {
        let fd = self.call(command, size)?;
        // SAFETY: the command made this descriptor for us just now; nobody else has it.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

/// A map.
#[derive(Debug)]
pub struct Map {
    fd: OwnedFd,
    key: usize,
    value: usize,
}

impl Map {
    /// Makes one.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn new(kind: u32, name: &str, key: usize, value: usize, entries: u32) -> io::Result<Self> {
        Self::with(kind, name, (key, value, entries), 0, None)
    }

    /// Makes one with flags (such as [`NO_PREALLOC`]); longest-prefix maps need it.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn with_flags(
        kind: u32,
        name: &str,
        key: usize,
        value: usize,
        entries: u32,
        flags: u32,
    ) -> io::Result<Self> {
        Self::with(kind, name, (key, value, entries), flags, None)
    }

    /// Makes socket storage of eight bytes.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn socket_storage(name: &str) -> io::Result<Self> {
        let types = super::btf::key_and_value();
        let mut attr = Attr::new().read(0, &types).u32(16, types.len() as u32);
        let types = attr.open(BTF_LOAD, 28)?;
        let flags = NO_PREALLOC | CLONE;
        Self::with(map_type::SK_STORAGE, name, (4, 8, 0), flags, Some(&types))
    }

    fn with(
        kind: u32,
        name: &str,
        (key, value, entries): (usize, usize, u32),
        flags: u32,
        types: Option<&OwnedFd>,
    ) -> io::Result<Self> {
        let mut attr = Attr::new()
            .u32(0, kind)
            .u32(4, key as u32)
            .u32(8, value as u32)
            .u32(12, entries)
            .u32(16, flags)
            .name(28, name);
        if let Some(types) = types {
            attr = attr.fd(48, types).u32(52, 1).u32(56, 2);
        }
        let fd = attr.open(MAP_CREATE, 72)?;
        Ok(Self { fd, key, value })
    }

    /// Puts a value in.
    ///
    /// # Errors
    /// What the kernel says.
    ///
    /// # Panics
    /// When key or value have not the map's length: a bug of the caller.
    pub fn insert(&self, key: &[u8], value: &[u8]) -> io::Result<()> {
        assert_eq!((key.len(), value.len()), (self.key, self.value));
        let mut attr = Attr::new().fd(0, &self.fd).read(8, key).read(16, value);
        attr.call(MAP_UPDATE, 32).map(drop)
    }

    /// Takes a value out; that it is not there is no error.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn remove(&self, key: &[u8]) -> io::Result<()> {
        assert_eq!(key.len(), self.key);
        match Attr::new()
            .fd(0, &self.fd)
            .read(8, key)
            .call(MAP_DELETE, 32)
        {
            Err(error) if error.raw_os_error() != Some(libc::ENOENT) => Err(error),
            _ => Ok(()),
        }
    }

    /// Reads a value; `None` when it is not there. `copies` is the number of possible processors for maps that have a
    /// value for each (whose values are rounded up to eight bytes), else 1.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn get(&self, key: &[u8], copies: usize) -> io::Result<Option<Vec<u8>>> {
        assert_eq!(key.len(), self.key);
        let mut value = vec![0; self.value.next_multiple_of(8) * copies];
        let mut attr = Attr::new()
            .fd(0, &self.fd)
            .read(8, key)
            .write(16, &mut value);
        match attr.call(MAP_LOOKUP, 32) {
            Ok(_) => Ok(Some(value)),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl AsRawFd for Map {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// A program in the kernel.
#[derive(Debug)]
pub struct Program(OwnedFd);

/// What a run of a program for a test gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What the program returned.
    pub result: u32,
    /// The packet afterwards.
    pub packet: Vec<u8>,
    /// `skb->priority` afterwards.
    pub priority: u32,
    /// Mean time of a run, nanoseconds.
    pub nanoseconds: u32,
}

impl Program {
    /// Loads a linked program.
    ///
    /// # Errors
    /// [`Refused`], with what the verifier said.
    pub fn load(kind: u32, attach: u32, name: &str, insns: &[Insn]) -> Result<Self, Refused> {
        let attr = || {
            Attr::new()
                .u32(0, kind)
                .u32(4, insns.len() as u32)
                .read(8, insns)
                .read(16, LICENSE)
                .name(48, name)
                .u32(68, attach)
        };
        let source = match attr().open(PROG_LOAD, 128) {
            Ok(fd) => return Ok(Self(fd)),
            Err(source) => source,
        };
        let mut log = vec![0u8; LOG_BYTES];
        let mut again = attr()
            .u32(24, 1)
            .u32(28, LOG_BYTES as u32)
            .write(32, &mut log);
        if let Ok(fd) = again.open(PROG_LOAD, 128) {
            return Ok(Self(fd));
        }
        let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
        let log = String::from_utf8_lossy(&log[end.saturating_sub(LOG_KEPT)..end]).into_owned();
        Err(Refused { source, log })
    }

    /// What the verifier says of a program that it takes: its last line has the size and the effort.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn effort(kind: u32, insns: &[Insn]) -> io::Result<String> {
        let mut log = vec![0u8; LOG_BYTES];
        let mut attr = Attr::new()
            .u32(0, kind)
            .u32(4, insns.len() as u32)
            .read(8, insns)
            .read(16, LICENSE)
            .u32(24, 4)
            .u32(28, LOG_BYTES as u32)
            .write(32, &mut log);
        attr.open(PROG_LOAD, 128)?;
        let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
        Ok(String::from_utf8_lossy(&log[..end]).into_owned())
    }

    /// Runs a program for packets on a packet, `repeat` times, with a `skb->mark`; nothing is sent.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn test_run(&self, packet: &[u8], mark: u32, repeat: u32) -> io::Result<Run> {
        let mut out = vec![0u8; packet.len() + 256];
        let mut before = [0u8; 64];
        before[8..12].copy_from_slice(&mark.to_ne_bytes());
        let mut after = [0u8; 256];
        let mut attr = Attr::new()
            .fd(0, &self.0)
            .u32(8, packet.len() as u32)
            .u32(12, out.len() as u32)
            .read(16, packet)
            .write(24, &mut out)
            .u32(32, repeat)
            .u32(40, before.len() as u32)
            .u32(44, after.len() as u32)
            .read(48, &before)
            .write(56, &mut after);
        attr.call(PROG_TEST_RUN, 80)?;
        out.truncate(attr.get(12) as usize);
        let mut priority = [0; 4];
        priority.copy_from_slice(&after[32..36]);
        Ok(Run {
            result: attr.get(4),
            packet: out,
            priority: u32::from_ne_bytes(priority),
            nanoseconds: attr.get(36),
        })
    }
}

impl AsRawFd for Program {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// A program at its place. It leaves its place when this is dropped, or the process ends, however it ends.
#[derive(Debug)]
pub struct Attached(OwnedFd);

impl Attached {
    /// Attaches to a control group, by the descriptor of its folder, or to an interface, by its number.
    ///
    /// # Errors
    /// What the kernel says; `EINVAL` where the kernel does not have the place.
    pub fn new(program: &Program, target: u32, place: u32) -> io::Result<Self> {
        let mut attr = Attr::new().fd(0, program).u32(4, target).u32(8, place);
        attr.open(LINK_CREATE, 48).map(Self)
    }

    /// Puts another program into the place; no packet passes in between.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn replace(&self, program: &Program) -> io::Result<()> {
        let mut attr = Attr::new().fd(0, &self.0).fd(4, program);
        attr.call(LINK_UPDATE, 32).map(drop)
    }
}

/// How many programs are at a place of an interface ([`attach_type::TCX_EGRESS`]).
///
/// # Errors
/// What the kernel says.
pub fn programs_at(interface: u32, place: u32) -> io::Result<u32> {
    let mut attr = Attr::new().u32(0, interface).u32(4, place);
    attr.call(PROG_QUERY, 64)?;
    Ok(attr.get(24))
}
