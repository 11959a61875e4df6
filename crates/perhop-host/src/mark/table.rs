//! The regions of one scope as tables.

use std::fmt;

use perhop_policy::overlap::AddressFamily;
use perhop_policy::{AppMatch, ClassId, Marker, PolicySet, Protocol, Region, RuleId, ScopeId};

use super::axis::{Axis, Bits, Prefix};

/// Bytes of a region's record: slot (4), priority (4), DS field without ECN (1), flags (1), zeros.
pub const ENTRY_BYTES: usize = 16;
/// The record's packets get its mark; without it they are counted only.
pub const FLAG_MARK: u8 = 1;
/// The record's packets get its priority.
pub const FLAG_PRIORITY: u8 = 2;
/// A mark that the application put on by itself stays.
pub const FLAG_KEEP: u8 = 4;

/// Kinds of packet an application may send: IPv4 and IPv6, each UDP and TCP.
pub const KINDS: usize = 4;
/// Words that one summary word stands for.
pub const GROUP: usize = 64;
/// The table of the lowest bit's position, by the top six bits of a de Bruijn product.
pub const BIT_TABLE: usize = 0;
/// Multiplied with a word of one bit, the top six bits are different for each.
pub const DE_BRUIJN: u64 = 0x03f7_9d71_b4cb_0a89;

/// More than this the kernel need not take in one value.
const MAX_BYTES: usize = 32 << 20;
/// Ports.
const PORTS: usize = 1 << 16;

/// What the plan does not say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// A mark that an application put on by itself stays, other than 0.
    pub keep_marks: bool,
    /// The priority of a class' packets in the kernel, by class; classes that are not there keep theirs.
    pub priorities: Vec<(ClassId, u32)>,
    /// The priority of a rule's packets, before that of its class.
    pub throttles: Vec<(RuleId, u32)>,
}

impl Options {
    /// The priority that a rule's packets get.
    #[must_use]
    pub fn priority(&self, rule: RuleId, class: ClassId) -> Option<u32> {
        let own = self.throttles.iter().find(|(id, _)| *id == rule);
        let all = self.priorities.iter().find(|(id, _)| *id == class);
        own.map(|(_, value)| *value)
            .or_else(|| all.map(|(_, value)| *value))
    }
}

/// Vectors of one condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rows {
    /// Where the first begins.
    pub at: usize,
    /// How many there are.
    pub count: usize,
}

/// A port's two steps: from port to class, from class to vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRows {
    /// Where the classes are: two bytes for each port, in the order of ports as they lie in a packet.
    pub classes: usize,
    /// The vectors.
    pub rows: Rows,
}

/// An address' condition in both families.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressRows {
    /// IPv4; without prefixes the first row is everyone's.
    pub v4: (Rows, Option<Vec<Prefix>>),
    /// IPv6.
    pub v6: (Rows, Option<Vec<Prefix>>),
}

/// Everything that the marking program reads, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// The value of the map of tables.
    pub bytes: Vec<u8>,
    /// The rules, by slot: counters are counted for them.
    pub rules: Vec<RuleId>,
    /// Regions.
    pub regions: usize,
    /// Where their records begin.
    pub entries: usize,
    /// Application and kind: row = number of the application × [`KINDS`] + kind.
    pub apps: Rows,
    /// Whether the sending application decides anything.
    pub asks_app: bool,
    /// Sender's port, when it decides anything.
    pub src_port: Option<PortRows>,
    /// Receiver's port, when it decides anything.
    pub dst_port: Option<PortRows>,
    /// Sender's address, when it decides anything.
    pub src: Option<AddressRows>,
    /// Receiver's address, when it decides anything.
    pub dst: Option<AddressRows>,
}

/// The plan is too large for tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooLarge {
    /// Bytes that would be needed, at least.
    pub bytes: usize,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the rules need tables of {} bytes, more than {MAX_BYTES}",
            self.bytes
        )
    }
}

impl std::error::Error for TooLarge {}

/// The applications that the rules of a scope name, in the rules' order, each once.
#[must_use]
pub fn applications(policy: &PolicySet, scope: ScopeId) -> Vec<AppMatch> {
    let mut out: Vec<AppMatch> = Vec::new();
    for statement in policy.statements() {
        let app = &statement.app;
        if statement.scope == scope && app.rank() > 0 && !out.iter().any(|had| same(had, app)) {
            out.push(app.clone());
        }
    }
    out
}

/// Whether two conditions take the same processes.
#[must_use]
pub fn same(a: &AppMatch, b: &AppMatch) -> bool {
    a.rank() == b.rank() && a.intersection(b).is_some()
}

/// The number of the application that an executable is, by its full path: a rule's path before a rule's name; 0 when
/// it is none of them.
#[must_use]
pub fn number(apps: &[AppMatch], executable: &str) -> u32 {
    let of = |rank: u8| {
        let found = apps
            .iter()
            .position(|app| app.rank() == rank && app.matches(Some(executable)));
        found.map(|index| index as u32 + 1)
    };
    of(2).or_else(|| of(1)).unwrap_or(0)
}

impl Tables {
    /// Makes the tables of a scope. `apps` are the known applications: number `i + 1` is the i-th; 0 is any other.
    ///
    /// # Errors
    /// [`TooLarge`]
    pub fn new(
        policy: &PolicySet,
        scope: ScopeId,
        apps: &[AppMatch],
        options: &Options,
    ) -> Result<Self, TooLarge> {
        let regions = policy.regions(scope);
        let mut build = Build::new(regions.len());
        build.bytes = bit_positions();
        let (entries, rules) = build.entries(policy, regions, options);
        let (rows, asks_app) = build.apps(regions, apps)?;
        let src_port = build.ports(regions, |region| region.space.src_ports.as_slice())?;
        let dst_port = build.ports(regions, |region| region.space.dst_ports.as_slice())?;
        let src = build.addresses(regions, |region| region.space.src.as_slice())?;
        let dst = build.addresses(regions, |region| region.space.dst.as_slice())?;
        Ok(Self {
            bytes: build.bytes,
            rules,
            regions: regions.len(),
            entries,
            apps: rows,
            asks_app,
            src_port,
            dst_port,
            src,
            dst,
        })
    }

    /// Words of a set of regions.
    #[must_use]
    pub fn words(&self) -> usize {
        words(self.regions)
    }

    /// Words that say which words of a vector are not zero; none when there is only one word.
    #[must_use]
    pub fn summary_words(&self) -> usize {
        summary_words(self.regions)
    }

    /// Bytes from one vector to the next.
    #[must_use]
    pub fn stride(&self) -> usize {
        8 * (self.words() + self.summary_words())
    }
}

fn words(regions: usize) -> usize {
    regions.div_ceil(64).max(1)
}

fn summary_words(regions: usize) -> usize {
    match words(regions) {
        1 => 0,
        more => more.div_ceil(GROUP),
    }
}

fn bit_positions() -> Vec<u8> {
    let mut table = vec![0; 64];
    for bit in 0..64u8 {
        table[((1u64 << bit).wrapping_mul(DE_BRUIJN) >> 58) as usize] = bit;
    }
    table
}

struct Build {
    bytes: Vec<u8>,
    regions: usize,
}

impl Build {
    const fn new(regions: usize) -> Self {
        Self {
            bytes: Vec::new(),
            regions,
        }
    }

    fn entries(
        &mut self,
        policy: &PolicySet,
        regions: &[Region],
        options: &Options,
    ) -> (usize, Vec<RuleId>) {
        let at = self.bytes.len();
        let mut rules: Vec<RuleId> = regions.iter().map(|region| region.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        for region in regions {
            let rule = policy.rule(region.rule);
            let slot = rules.binary_search(&region.rule).unwrap_or(0) as u32;
            let mut flags = match rule.marker {
                Marker::HostPolicy => FLAG_MARK,
                Marker::Sender | Marker::Network => 0,
            };
            if options.keep_marks {
                flags |= FLAG_KEEP;
            }
            let priority = options.priority(region.rule, rule.class);
            if priority.is_some() {
                flags |= FLAG_PRIORITY;
            }
            self.bytes.extend(slot.to_ne_bytes());
            self.bytes.extend(priority.unwrap_or(0).to_ne_bytes());
            self.bytes.extend([region.dscp.value() << 2, flags]);
            self.bytes.extend([0; 6]);
        }
        (at, rules)
    }

    fn apps(&mut self, regions: &[Region], apps: &[AppMatch]) -> Result<(Rows, bool), TooLarge> {
        let mut rows: Vec<Bits> = Vec::new();
        let texts = std::iter::once(None).chain(apps.iter().map(|app| Some(app.as_str())));
        for text in texts {
            for (family, protocol) in [
                (AddressFamily::V4, Protocol::Udp),
                (AddressFamily::V4, Protocol::Tcp),
                (AddressFamily::V6, Protocol::Udp),
                (AddressFamily::V6, Protocol::Tcp),
            ] {
                let mut bits = vec![0; words(self.regions)];
                for (index, region) in regions.iter().enumerate() {
                    let space = &region.space;
                    if space.family == family
                        && space.has_protocol(protocol)
                        && space.apps.contains(text)
                    {
                        bits[index / 64] |= 1 << (index % 64);
                    }
                }
                rows.push(bits);
            }
        }
        let asks = rows.chunks(KINDS).any(|row| row != &rows[..KINDS]);
        Ok((self.rows(&rows)?, asks))
    }

    fn ports(
        &mut self,
        regions: &[Region],
        side: impl Fn(&Region) -> &[(u128, u128)],
    ) -> Result<Option<PortRows>, TooLarge> {
        let axis = self.axis(regions, PORTS as u128 - 1, None, side);
        if !axis.is_needed() {
            return Ok(None);
        }
        let classes = self.bytes.len();
        self.bytes.resize(classes + 2 * PORTS, 0);
        for (first, last, class) in axis.spans() {
            // At most two classes more than twice the regions, which a policy set limits to 10,000 a scope.
            let class = (class as u16).to_ne_bytes();
            for port in first as u16..=last as u16 {
                let at = classes + 2 * usize::from(port.to_be());
                self.bytes[at..at + 2].copy_from_slice(&class);
            }
        }
        let rows = self.rows(&axis.classes)?;
        Ok(Some(PortRows { classes, rows }))
    }

    fn addresses(
        &mut self,
        regions: &[Region],
        side: impl Fn(&Region) -> &[(u128, u128)] + Copy,
    ) -> Result<Option<AddressRows>, TooLarge> {
        let v4 = self.axis(regions, u128::from(u32::MAX), Some(AddressFamily::V4), side);
        let v6 = self.axis(regions, u128::MAX, Some(AddressFamily::V6), side);
        if !v4.is_needed() && !v6.is_needed() {
            return Ok(None);
        }
        let v4_prefixes = v4.is_needed().then(|| v4.prefixes(32));
        let v6_prefixes = v6.is_needed().then(|| v6.prefixes(128));
        Ok(Some(AddressRows {
            v4: (self.rows(&v4.classes)?, v4_prefixes),
            v6: (self.rows(&v6.classes)?, v6_prefixes),
        }))
    }

    fn axis(
        &self,
        regions: &[Region],
        highest: u128,
        family: Option<AddressFamily>,
        side: impl Fn(&Region) -> &[(u128, u128)],
    ) -> Axis {
        let intervals = regions
            .iter()
            .enumerate()
            .filter(|(_, region)| family.is_none_or(|family| region.space.family == family))
            .flat_map(|(index, region)| {
                let all = side(region).iter();
                all.map(move |&(first, last)| (index, first, last))
            });
        Axis::new(self.regions, highest, intervals)
    }

    /// Adds vectors: each with its summary before it.
    fn rows(&mut self, rows: &[Bits]) -> Result<Rows, TooLarge> {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let at = self.bytes.len();
        let each = 8 * (words(self.regions) + summary_words(self.regions));
        let needed = at.saturating_add(rows.len().saturating_mul(each));
        if needed > MAX_BYTES {
            return Err(TooLarge { bytes: needed });
        }
        for bits in rows {
            if summary_words(self.regions) > 0 {
                for group in bits.chunks(GROUP) {
                    let filled = |word: u64, (index, bits): (usize, &u64)| {
                        word | u64::from(*bits != 0) << index
                    };
                    let summary = group.iter().enumerate().fold(0u64, filled);
                    self.bytes.extend(summary.to_ne_bytes());
                }
            }
            self.bytes
                .extend(bits.iter().flat_map(|word| word.to_ne_bytes()));
        }
        let count = rows.len();
        Ok(Rows { at, count })
    }
}
