//! Which application a socket belongs to: the programs that write it into sockets, and what they look names up in.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::path::{Path, PathBuf};

use perhop_policy::AppMatch;

use super::AgentError;
use super::maps::{load, refused};
use crate::bpf::asm::link;
use crate::bpf::btf::Btf;
use crate::bpf::sys::{Attached, Map, attach_type, map_type, program_type};
use crate::mark::names::{self, NameFault};
use crate::mark::tagger::{Moment, Offsets, tagger};
use crate::mark::{FILE_KEY_BYTES, MapId, NAME_BYTES, file_key, name_key, table};

mod inode;

/// Applications that all plans of a run together may name.
const APPLICATIONS: u32 = 4096;
/// The kernel's types.
const TYPES: &str = "/sys/kernel/btf/vmlinux";

/// A control group's name, such as `recorder.service`, that stands for an executable of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The executable as the plan names it.
    pub executable: String,
    /// The name of the control group; processes below it count too.
    pub group: String,
}

/// The programs and maps that tell applications apart. Numbers are given once and stay for the life of this.
#[derive(Debug)]
pub(super) struct Identity {
    apps: Vec<AppMatch>,
    units: Vec<Unit>,
    tags: Map,
    names: Map,
    files: Map,
    groups: Map,
    /// The inode that each path had last.
    paths: BTreeMap<String, [u8; FILE_KEY_BYTES]>,
    _places: Vec<Attached>,
}

impl Identity {
    /// Begins to write into sockets that are made, bound or connected from now on.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub(super) fn new(units: &[Unit]) -> Result<Self, AgentError> {
        let map = |name, key: usize| {
            Map::new(map_type::HASH, name, key, 4, APPLICATIONS)
                .map_err(|error| refused("make the tables of applications", error))
        };
        let tags = Map::socket_storage("perhop_tags")
            .map_err(|error| refused("make the storage of sockets", error))?;
        let names = map("perhop_names", NAME_BYTES)?;
        let files = map("perhop_files", FILE_KEY_BYTES)?;
        let groups = map("perhop_units", NAME_BYTES)?;
        let types = fs::read(TYPES).map_err(AgentError::NoTypes)?;
        let offsets = Offsets::of(&Btf::parse(&types)?)?;
        let root = control_groups().ok_or(AgentError::NoControlGroups)?;
        let root = File::open(&root)
            .map_err(|error| AgentError::system(format!("open `{}`", root.display()), error))?;
        let mut places = Vec::new();
        for (kind, place, moment, name) in PLACES {
            let program = link(&tagger(moment, &offsets, !units.is_empty()), |id| {
                descriptor(id, [&tags, &names, &files, &groups])
            });
            let program = load(kind, place, name, &program)?;
            let target = root.as_raw_fd() as u32;
            places.push(
                Attached::new(&program, target, place)
                    .map_err(|error| refused("attach to the root of the control groups", error))?,
            );
        }
        Ok(Self {
            apps: Vec::new(),
            units: units.to_vec(),
            tags,
            names,
            files,
            groups,
            paths: BTreeMap::new(),
            _places: places,
        })
    }

    /// Where sockets' applications are kept.
    pub(super) const fn tags(&self) -> &Map {
        &self.tags
    }

    /// Applications in the order of their numbers.
    pub(super) fn apps(&self) -> &[AppMatch] {
        &self.apps
    }

    /// Gives numbers to applications that have none; the kernel does not know them before [`Self::publish`].
    ///
    /// # Errors
    /// A file name that is too long.
    pub(super) fn register(&mut self, apps: Vec<AppMatch>) -> Result<(), AgentError> {
        for app in apps {
            if app.rank() == 1 {
                let name = || app.as_str().to_owned();
                names::keys(app.as_str()).map_err(|fault| match fault {
                    NameFault::Long => AgentError::LongName(name()),
                    NameFault::Forms => AgentError::NameForms(name()),
                })?;
            }
            if !self.apps.iter().any(|had| table::same(had, &app)) {
                self.apps.push(app);
            }
        }
        Ok(())
    }

    /// Tells the kernel the numbers.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub(super) fn publish(&mut self) -> Result<(), AgentError> {
        let failed = |error| refused("write the tables of applications", error);
        for (index, app) in self.apps.iter().enumerate() {
            let number = (index as u32 + 1).to_ne_bytes();
            if app.rank() == 1 {
                for key in names::keys(app.as_str()).unwrap_or_default() {
                    self.names.insert(&key, &number).map_err(failed)?;
                }
            }
            for unit in &self.units {
                let stands = table::same(app, &AppMatch::parse(&unit.executable));
                if let (true, Some(key)) = (stands, name_key(&unit.group, false)) {
                    self.groups.insert(&key, &number).map_err(failed)?;
                }
            }
        }
        self.find_files()
    }

    /// Looks where the files of paths are now: an update replaces a file by another. The old one stays known, for the
    /// processes that still run it.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub(super) fn find_files(&mut self) -> Result<(), AgentError> {
        for (index, app) in self.apps.iter().enumerate() {
            if app.rank() != 2 {
                continue;
            }
            let Ok((number, major, minor)) = inode::of(Path::new(app.as_str())) else {
                continue;
            };
            let key = file_key(number, major, minor);
            if self.paths.get(app.as_str()) != Some(&key) {
                self.files
                    .insert(&key, &(index as u32 + 1).to_ne_bytes())
                    .map_err(|error| refused("write the tables of applications", error))?;
                self.paths.insert(app.as_str().to_owned(), key);
            }
        }
        Ok(())
    }

    /// The number of a process, by its executable and the names of its control groups.
    pub(super) fn number(&self, executable: &str, groups: &[&str]) -> u32 {
        let unit = groups
            .iter()
            .rev()
            .find_map(|name| self.units.iter().find(|unit| unit.group == *name));
        let by_unit = unit.and_then(|unit| {
            let executable = AppMatch::parse(&unit.executable);
            let same = |app: &AppMatch| table::same(app, &executable);
            self.apps.iter().position(same)
        });
        match by_unit {
            Some(index) => index as u32 + 1,
            None => table::number(&self.apps, executable),
        }
    }

    /// Writes into a socket that exists, given by a descriptor of it.
    pub(super) fn tag(&self, socket: RawFd, number: u32) -> io::Result<()> {
        let value = u64::from(number).to_ne_bytes();
        self.tags.insert(&socket.to_ne_bytes(), &value)
    }
}

const PLACES: [(u32, u32, Moment, &str); 5] = [
    (
        program_type::CGROUP_SOCK,
        attach_type::SOCK_CREATE,
        Moment::Socket,
        "perhop_create",
    ),
    (
        program_type::CGROUP_SOCK,
        attach_type::POST_BIND4,
        Moment::Socket,
        "perhop_bind4",
    ),
    (
        program_type::CGROUP_SOCK,
        attach_type::POST_BIND6,
        Moment::Socket,
        "perhop_bind6",
    ),
    (
        program_type::CGROUP_SOCK_ADDR,
        attach_type::CONNECT4,
        Moment::Address,
        "perhop_conn4",
    ),
    (
        program_type::CGROUP_SOCK_ADDR,
        attach_type::CONNECT6,
        Moment::Address,
        "perhop_conn6",
    ),
];

fn descriptor(id: i32, [tags, names, files, groups]: [&Map; 4]) -> i32 {
    match MapId::ALL.into_iter().find(|map| *map as i32 == id) {
        Some(MapId::Tags) => tags.as_raw_fd(),
        Some(MapId::Names) => names.as_raw_fd(),
        Some(MapId::Files) => files.as_raw_fd(),
        Some(MapId::Units) => groups.as_raw_fd(),
        _ => -1,
    }
}

/// Where the hierarchy of version 2 is mounted.
pub(super) fn control_groups() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    mounts.lines().find_map(|line| {
        let mut words = line.split(' ');
        let (_, place, kind) = (words.next()?, words.next()?, words.next()?);
        (kind == "cgroup2").then(|| PathBuf::from(place))
    })
}
