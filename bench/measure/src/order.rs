//! The command line.

use std::path::PathBuf;

use lexopt::prelude::*;

use crate::timing::Manner;

pub(crate) const HELP: &str = "\
Runs perhop and its peers on captures with known contents.

Usage: bench/run [OPTIONS]

  --quick          captures of 100 MB, 3 rounds
  --size N         bytes of a capture, or with the ending M or G (powers of 1000) [1G]
  --rounds N       how often each is run; 0 only checks the answers [5]
  --only NAME      only this capture: full, full-tenth, snap, snap-tenth or many; may be given again
  --no-checks      only times
  --realtime       under `chrt -f 1`, so that other work on the machine does not interrupt (needs privilege)
  --dir FOLDER     where captures are written [target/bench in the project]
  --keep           leaves the captures there
  --save           writes bench/results/DATE.md and .json
  --perhop FILE    this program in place of the one built from the project
";

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) perhop: PathBuf,
    /// The project.
    pub(crate) source: PathBuf,
    pub(crate) plan: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) keep: bool,
    pub(crate) size: u64,
    /// Bytes of the captures whose answers are checked.
    pub(crate) check_size: u64,
    pub(crate) rounds: usize,
    pub(crate) skip_checks: bool,
    /// Where results are written, if at all.
    pub(crate) save: Option<PathBuf>,
    realtime: bool,
    only: Vec<String>,
}

impl Order {
    /// `None` when help is asked for.
    pub(crate) fn parse() -> Result<Option<Self>, lexopt::Error> {
        let source = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let source = source.canonicalize().unwrap_or(source);
        let mut order = Self {
            perhop: PathBuf::new(),
            plan: source.join("bench/plan.toml"),
            folder: source.join("target/bench"),
            keep: false,
            size: 1_000_000_000,
            check_size: 30_000_000,
            rounds: 5,
            skip_checks: false,
            save: None,
            realtime: false,
            only: Vec::new(),
            source,
        };
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("quick") => {
                    (order.size, order.rounds, order.check_size) = (100_000_000, 3, 10_000_000)
                }
                Long("size") => order.size = arguments.value()?.parse_with(bytes)?,
                Long("rounds") => order.rounds = arguments.value()?.parse()?,
                Long("only") => order.only.push(arguments.value()?.parse()?),
                Long("no-checks") => order.skip_checks = true,
                Long("realtime") => order.realtime = true,
                Long("dir") => order.folder = arguments.value()?.into(),
                Long("keep") => order.keep = true,
                Long("save") => order.save = Some(order.source.join("bench/results")),
                Long("perhop") => order.perhop = arguments.value()?.into(),
                Long("help") | Short('h') => return Ok(None),
                _ => return Err(argument.unexpected()),
            }
        }
        if order.perhop.as_os_str().is_empty() {
            return Err("name the program to measure with `--perhop`".into());
        }
        Ok(Some(order))
    }

    /// Whether a capture is to be timed.
    pub(crate) fn wants(&self, capture: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == capture)
    }

    /// How to measure.
    pub(crate) const fn manner(&self) -> Manner {
        Manner {
            rounds: self.rounds,
            realtime: self.realtime,
        }
    }
}

fn bytes(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.as_bytes().last() {
        Some(b'M') => (&text[..text.len() - 1], 1_000_000),
        Some(b'G') => (&text[..text.len() - 1], 1_000_000_000),
        _ => (text, 1),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| format!("`{text}` is not a size such as 1G"))?;
    number
        .checked_mul(unit)
        .ok_or_else(|| format!("`{text}` is too large"))
}
