//! A plan's rules as tables and the eBPF programs that read them. Pure: nothing here calls the system.
//!
//! Invariant: for every packet, the program of [`program`] on the tables of [`table`] gives what
//! [`perhop_policy::PolicySet::classify`] gives. A region of the policy set is one bit; each condition (process and
//! protocol, each port, each address) selects one vector of bits, and the lowest bit that all vectors have is the region.
//! What a packet costs does not grow with the rules.

pub mod axis;
pub mod names;
pub mod nft;
pub mod outlook;
pub mod program;
pub mod table;
pub mod tagger;

mod headers;
mod search;

/// The maps that programs name, by the numbers that stand in unlinked programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum MapId {
    /// One value: everything of [`table::Tables::bytes`].
    Tables = 1,
    /// Socket storage: the number of the sending application.
    Tags = 2,
    /// Per processor and rule: packets, bytes, rewritten, kept.
    Counters = 3,
    /// From a fragmented datagram to its region, for the fragments without ports.
    Fragments = 4,
    /// Longest prefix of an IPv4 sender.
    Src4 = 5,
    /// Longest prefix of an IPv4 receiver.
    Dst4 = 6,
    /// Longest prefix of an IPv6 sender.
    Src6 = 7,
    /// Longest prefix of an IPv6 receiver.
    Dst6 = 8,
    /// From an executable's file name to its number.
    Names = 9,
    /// From an executable's inode to its number.
    Files = 10,
    /// From a control group's name to an application's number.
    Units = 11,
}

impl MapId {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Tables,
        Self::Tags,
        Self::Counters,
        Self::Fragments,
        Self::Src4,
        Self::Dst4,
        Self::Src6,
        Self::Dst6,
        Self::Names,
        Self::Files,
        Self::Units,
    ];
}

/// Bytes of a counter's value: packets, bytes, rewritten, kept, eight each.
pub const COUNTER_BYTES: usize = 32;
/// Bytes of a fragment's key: two addresses, identification, protocol.
pub const FRAGMENT_KEY_BYTES: usize = 40;
/// Bytes of a name's key: the name in small letters, then zeros.
pub const NAME_BYTES: usize = 64;
/// The longest file name that can be told apart, bytes.
pub const NAME_LONGEST: usize = NAME_BYTES - 2;
/// Bytes of a file's key: inode (8), device (4), zeros (4).
pub const FILE_KEY_BYTES: usize = 16;

/// The key of a file name, or of a control group's name when `fold` is false; `None` when it is too long to be told apart.
#[must_use]
pub fn name_key(name: &str, fold: bool) -> Option<[u8; NAME_BYTES]> {
    let mut key = [0; NAME_BYTES];
    if name.len() > NAME_LONGEST {
        return None;
    }
    key[..name.len()].copy_from_slice(name.as_bytes());
    if fold {
        key.make_ascii_lowercase();
    }
    Some(key)
}

/// The key of a file: its inode, and its device as the kernel has it inside (major above 20 bits of minor).
#[must_use]
pub fn file_key(inode: u64, major: u32, minor: u32) -> [u8; FILE_KEY_BYTES] {
    let mut key = [0; FILE_KEY_BYTES];
    key[..8].copy_from_slice(&inode.to_ne_bytes());
    key[8..12].copy_from_slice(&(major << 20 | minor & 0xf_ffff).to_ne_bytes());
    key
}
