//! What is run, and how long it takes.

use std::ffi::OsString;
use std::path::Path;

use generate::Profile;

use crate::capture::Capture;
use crate::child::{Cost, cost, words};
use crate::machine::first_line;
use crate::perhop::{ANSWERS, Perhop};

/// One line of the report: a command on one capture.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    command: Vec<OsString>,
    accepted: &'static [i32],
    /// Rounds in which it runs; slow peers run in the first ones only.
    rounds: usize,
    /// Most that its time may be of reading the file, where the project has set that.
    pub(crate) limit: Option<f64>,
    /// Most bytes of memory that it may use, where the project has set that.
    pub(crate) memory_limit: Option<u64>,
    pub(crate) costs: Vec<Cost>,
}

/// A capture with all that is run on it; the first row reads the file.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) capture: Capture,
    pub(crate) rows: Vec<Row>,
}

/// How to measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) rounds: usize,
    /// Under the real-time scheduler, where other work cannot interrupt.
    pub(crate) realtime: bool,
}

/// What is measured, against what, and how.
#[derive(Debug)]
pub(crate) struct Setup<'a> {
    pub(crate) perhop: &'a Perhop,
    pub(crate) plan: &'a Path,
    pub(crate) manner: Manner,
}

impl Section {
    /// The rows for a capture; slow peers run on those that are a piece of the size asked for, quick ones on the whole.
    pub(crate) fn plan(capture: Capture, setup: &Setup<'_>, is_piece: bool) -> Self {
        let rounds = setup.manner.rounds;
        let mut section = Self {
            capture,
            rows: Vec::new(),
        };
        section.add_peer(&["cat"], rounds, setup);
        section.add_perhop(setup, is_piece);
        let quick = !is_piece && section.capture.profile != Profile::Many;
        for peer in QUICK_PEERS.iter().filter(|_| quick) {
            section.add_peer(peer, rounds, setup);
        }
        for peer in SLOW_PEERS.iter().filter(|_| is_piece) {
            section.add_peer(peer, 1, setup);
        }
        section
    }

    fn add_perhop(&mut self, setup: &Setup<'_>, is_piece: bool) {
        let files = [self.capture.file.clone()];
        let limits = match (self.capture.profile, is_piece) {
            (Profile::Full, false) => [Some(1.6), Some(0.8)],
            (Profile::Snap, false) => [Some(4.0), Some(2.0)],
            _ => [None, None],
        };
        let perhop = setup.perhop;
        let mut rows = Vec::new();
        if perhop.has_threads() {
            rows.push((
                "`perhop flows`, 1 thread",
                perhop.flows(&files, Some(1)),
                limits[0],
            ));
            rows.push((
                "`perhop flows`, 2 threads",
                perhop.flows(&files, Some(2)),
                limits[1],
            ));
        } else {
            rows.push(("`perhop flows`", perhop.flows(&files, None), limits[0]));
        }
        rows.push(("`perhop flows`, as text", perhop.text(&files[0]), None));
        if perhop.has_verify() {
            rows.push((
                "`perhop verify`",
                perhop.verify(setup.plan, &files, None),
                None,
            ));
        }
        let memory_limit = Some(MEMORY + MEMORY_A_FLOW * self.capture.truth.flows);
        for (name, command, limit) in rows {
            self.rows.push(Row {
                name: name.to_owned(),
                command: scheduled(command, setup.manner),
                accepted: &ANSWERS,
                rounds: setup.manner.rounds,
                limit,
                memory_limit,
                costs: Vec::new(),
            });
        }
    }

    /// Adds a peer, when it is installed.
    fn add_peer(&mut self, peer: &[&str], rounds: usize, setup: &Setup<'_>) {
        if !is_installed(peer[0]) {
            return;
        }
        let mut command = words(peer);
        command.push(self.capture.file.clone().into_os_string());
        let command = scheduled(command, setup.manner);
        let label = peer.iter().filter(|word| !is_detail(word));
        let name = format!("`{}`", label.copied().collect::<Vec<_>>().join(" "));
        self.rows.push(Row {
            name,
            command,
            accepted: &[0],
            rounds,
            limit: None,
            memory_limit: None,
            costs: Vec::new(),
        });
    }

    /// Runs every row once.
    pub(crate) fn round(&mut self, round: usize) -> Result<(), String> {
        self.capture.warm()?;
        for row in self.rows.iter_mut().filter(|row| round < row.rounds) {
            row.costs.push(cost(&row.command, row.accepted)?);
        }
        Ok(())
    }
}

/// The project's limit for memory: so many bytes, and so many for each unidirectional flow.
const MEMORY: u64 = 32_000_000;
const MEMORY_A_FLOW: u64 = 160;

/// Peers that read a gigabyte in about a second; the file follows.
const QUICK_PEERS: [&[&str]; 3] = [
    &["wc", "-l"],
    &["capinfos", "-c"],
    &["tcpdump", "-n", "--count", "-r"],
];

/// Peers that take minutes or gigabytes of memory for it.
const SLOW_PEERS: [&[&str]; 1] = [&[
    "tshark",
    "-n",
    "-q",
    "--enable-heuristic",
    "rtp_udp",
    "--enable-heuristic",
    "rtp_stun",
    "-z",
    "rtp,streams",
    "-r",
]];

/// Words of a peer's command that the report can do without.
fn is_detail(word: &str) -> bool {
    matches!(word, "-n" | "-q" | "-r" | "--enable-heuristic") || word.starts_with("rtp_")
}

fn is_installed(program: &str) -> bool {
    !first_line("sh", &["-c", &format!("command -v {program}")]).is_empty()
}

fn scheduled(command: Vec<OsString>, manner: Manner) -> Vec<OsString> {
    if !manner.realtime {
        return command;
    }
    words(["chrt", "-f", "1"])
        .into_iter()
        .chain(command)
        .collect()
}
