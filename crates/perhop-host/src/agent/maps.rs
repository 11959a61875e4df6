//! Tables in the kernel.

use std::io;
use std::os::fd::AsRawFd;

use super::AgentError;
use crate::bpf::asm::{Insn, link};
use crate::bpf::sys::{Map, NO_PREALLOC, Program, map_type, program_type};
use crate::mark::axis::Prefix;
use crate::mark::program::{self, Options};
use crate::mark::table::Tables;
use crate::mark::{COUNTER_BYTES, FRAGMENT_KEY_BYTES, MapId};

/// Fragmented datagrams on their way at one time.
const FRAGMENTED: u32 = 4096;
/// What the kernel asks for.
const CAPABILITIES: &str = "the capabilities CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON";

/// What a rule's packets were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Packets as they are on the wire.
    pub packets: u64,
    /// Bytes with link headers; those of packets that the card cuts are counted before.
    pub bytes: u64,
    /// Packets whose mark was another before; 0 where nftables marks, which does not count them.
    pub rewritten: u64,
    /// Packets whose mark was left as the application set it.
    pub kept: u64,
}

impl Count {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            packets: self.packets + other.packets,
            bytes: self.bytes + other.bytes,
            rewritten: self.rewritten + other.rewritten,
            kept: self.kept + other.kept,
        }
    }
}

/// The tables of one plan in the kernel, with its counters.
#[derive(Debug)]
pub struct Maps {
    tables: Map,
    counters: Map,
    fragments: Map,
    prefixes: [Option<Map>; 4],
    slots: usize,
    processors: usize,
}

impl Maps {
    /// Makes the maps and fills them.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn new(tables: &Tables) -> Result<Self, AgentError> {
        let refused = |source| refused("make the tables in the kernel", source);
        let value = tables.bytes.len();
        let map = Map::new(map_type::ARRAY, "perhop_tables", 4, value, 1).map_err(refused)?;
        map.insert(&[0; 4], &tables.bytes).map_err(refused)?;
        let slots = tables.rules.len();
        let counters = Map::new(
            map_type::PERCPU_ARRAY,
            "perhop_counters",
            4,
            COUNTER_BYTES,
            slots.max(1) as u32,
        );
        let fragments = Map::new(
            map_type::LRU_HASH,
            "perhop_frags",
            FRAGMENT_KEY_BYTES,
            4,
            FRAGMENTED,
        );
        let side = |six: bool, rows: &Option<crate::mark::table::AddressRows>| {
            let family = rows
                .as_ref()
                .map(|rows| if six { &rows.v6 } else { &rows.v4 });
            match family {
                Some((_, Some(prefixes))) => trie(prefixes, six).map(Some),
                _ => Ok(None),
            }
        };
        Ok(Self {
            tables: map,
            counters: counters.map_err(refused)?,
            fragments: fragments.map_err(refused)?,
            prefixes: [
                side(false, &tables.src).map_err(refused)?,
                side(false, &tables.dst).map_err(refused)?,
                side(true, &tables.src).map_err(refused)?,
                side(true, &tables.dst).map_err(refused)?,
            ],
            slots,
            processors: processors().map_err(|error| {
                AgentError::system("read `/sys/devices/system/cpu/possible`", error)
            })?,
        })
    }

    /// Loads the marking program for these tables.
    ///
    /// # Errors
    /// What the verifier refuses.
    pub fn program(
        &self,
        tables: &Tables,
        tags: &Map,
        options: &Options,
    ) -> Result<Program, AgentError> {
        let insns = self.linked(tables, tags, options);
        load(program_type::SCHED_CLS, 0, "perhop_mark", &insns)
    }

    /// The marking program with the descriptors of these maps.
    #[must_use]
    pub fn linked(&self, tables: &Tables, tags: &Map, options: &Options) -> Vec<Insn> {
        link(&program::egress(tables, options), |id| {
            let of = |map: &Option<Map>| map.as_ref().map_or(-1, AsRawFd::as_raw_fd);
            match MapId::ALL.into_iter().find(|map| *map as i32 == id) {
                Some(MapId::Tables) => self.tables.as_raw_fd(),
                Some(MapId::Counters) => self.counters.as_raw_fd(),
                Some(MapId::Fragments) => self.fragments.as_raw_fd(),
                Some(MapId::Tags) => tags.as_raw_fd(),
                Some(MapId::Src4) => of(&self.prefixes[0]),
                Some(MapId::Dst4) => of(&self.prefixes[1]),
                Some(MapId::Src6) => of(&self.prefixes[2]),
                Some(MapId::Dst6) => of(&self.prefixes[3]),
                Some(MapId::Names | MapId::Files | MapId::Units) | None => -1,
            }
        })
    }

    /// What was counted, by slot.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn counts(&self) -> Result<Vec<Count>, AgentError> {
        (0..self.slots as u32)
            .map(|slot| {
                let found = self.counters.get(&slot.to_ne_bytes(), self.processors);
                let bytes =
                    found.map_err(|error| AgentError::system("read the counters", error))?;
                Ok(sum(&bytes.unwrap_or_default()))
            })
            .collect()
    }
}

/// Loads a program.
///
/// # Errors
/// What the verifier refuses.
pub(crate) fn load(
    kind: u32,
    attach: u32,
    name: &'static str,
    insns: &[Insn],
) -> Result<Program, AgentError> {
    Program::load(kind, attach, name, insns).map_err(|refused| {
        match refused.source.raw_os_error() {
            Some(libc::EPERM) if refused.log.is_empty() => no_privilege(),
            _ => AgentError::Refused {
                program: name,
                source: refused.source,
                log: refused.log,
            },
        }
    })
}

/// What a refused call of bpf(2) means.
pub(crate) fn refused(doing: &'static str, source: io::Error) -> AgentError {
    match source.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => no_privilege(),
        Some(libc::ENOSYS) => AgentError::NoKernelSupport {
            what: "bpf(2) (CONFIG_BPF_SYSCALL)",
            remedy: "a kernel with CONFIG_BPF_SYSCALL=y and CONFIG_CGROUP_BPF=y has it",
        },
        _ => AgentError::system(doing, source),
    }
}

fn no_privilege() -> AgentError {
    AgentError::NoPrivilege {
        doing: "marking packets",
        capability: CAPABILITIES,
    }
}

fn trie(prefixes: &[Prefix], six: bool) -> io::Result<Map> {
    let bytes = if six { 16 } else { 4 };
    let entries = prefixes.len() as u32;
    let kind = map_type::LPM_TRIE;
    let map = Map::with_flags(kind, "perhop_nets", 4 + bytes, 4, entries, NO_PREALLOC)?;
    for prefix in prefixes {
        let mut key = u32::from(prefix.len).to_ne_bytes().to_vec();
        key.extend(&prefix.first.to_be_bytes()[16 - bytes..]);
        map.insert(&key, &prefix.class.to_ne_bytes())?;
    }
    Ok(map)
}

/// The counters of all processors together.
fn sum(bytes: &[u8]) -> Count {
    let number = |at: &[u8], field: usize| {
        let mut eight = [0; 8];
        eight.copy_from_slice(&at[8 * field..8 * field + 8]);
        u64::from_ne_bytes(eight)
    };
    bytes
        .chunks_exact(COUNTER_BYTES)
        .fold(Count::default(), |total, one| {
            total.plus(Count {
                packets: number(one, 0),
                bytes: number(one, 1),
                rewritten: number(one, 2),
                kept: number(one, 3),
            })
        })
}

/// Processors that the kernel may have, as it counts copies of a value.
fn processors() -> io::Result<usize> {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/possible")?;
    let last = text.trim().rsplit([',', '-']).next();
    let last = last.and_then(|number| number.parse::<usize>().ok());
    last.map(|last| last + 1)
        .ok_or_else(|| io::Error::other(format!("`{}` is no list of processors", text.trim())))
}
