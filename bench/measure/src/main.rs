//! Runs perhop and its peers on captures with known contents: first whether the answers are right, then how fast.
#![forbid(unsafe_code)]

mod capture;
mod check;
mod child;
mod machine;
mod order;
mod perhop;
mod report;
mod timing;

use std::ffi::OsString;
use std::fs;
use std::process::ExitCode;

use generate::{Profile, Shape};

use capture::Capture;
use machine::Machine;
use order::Order;
use perhop::Perhop;
use timing::{Section, Setup};

/// Status when an answer is wrong.
const WRONG: u8 = 1;
/// Status when something could not be run.
const FAILED: u8 = 3;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == child::ALONE) {
        return child::alone(&arguments.collect::<Vec<OsString>>());
    }
    match Order::parse()
        .map_err(|error| error.to_string())
        .and_then(|order| run(order.as_ref()))
    {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(WRONG),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(FAILED)
        }
    }
}

/// False when an answer is wrong.
fn run(order: Option<&Order>) -> Result<bool, String> {
    let Some(order) = order else {
        print!("{}", order::HELP);
        return Ok(true);
    };
    let perhop = Perhop::look(&order.perhop)?;
    let folder = Folder::make(order)?;
    if !perhop.has_threads() {
        eprintln!("note: this perhop has no `--threads`; it is run as it is");
    }
    let is_right = order.skip_checks || checks(order, &perhop, &folder)?;
    if order.rounds == 0 {
        return Ok(is_right);
    }
    let sections = measure(order, &perhop, &folder)?;
    let machine = Machine::look(&order.source);
    let report = report::markdown(&machine, &sections, order.rounds);
    print!("{report}");
    if let Some(results) = order.save.as_ref().filter(|_| is_right) {
        let write = |ending: &str, text: &str| {
            let file = results.join(format!("{}.{ending}", machine.date));
            fs::create_dir_all(results)
                .and_then(|()| fs::write(&file, text))
                .map_err(|error| format!("cannot write `{}`: {error}", file.display()))
        };
        write("md", &report)?;
        write("json", &report::data(&machine, &sections, order.rounds))?;
    }
    Ok(is_right)
}

/// Compares answers on smaller captures of every kind, in both formats.
fn checks(order: &Order, perhop: &Perhop, folder: &Folder) -> Result<bool, String> {
    let mut is_right = true;
    for profile in Profile::ALL {
        for pcapng in [false, true] {
            let shape = Shape {
                pcapng,
                ..Shape::new(profile, order.check_size)
            };
            let capture = Capture::make(&folder.path, &format!("check-{}", profile.name()), shape)?;
            let wrong = check::capture(perhop, &capture, &order.plan)?;
            let format = if pcapng { "pcapng" } else { "pcap" };
            eprintln!(
                "checked {} as {format}: {}",
                profile.name(),
                if wrong.is_empty() { "right" } else { "WRONG" }
            );
            wrong.iter().for_each(|one| eprintln!("  {one}"));
            is_right &= wrong.is_empty();
            folder.discard(&capture);
        }
    }
    Ok(is_right)
}

/// Times everything, round after round.
fn measure(order: &Order, perhop: &Perhop, folder: &Folder) -> Result<Vec<Section>, String> {
    let setup = Setup {
        perhop,
        plan: &order.plan,
        manner: order.manner(),
    };
    let mut sections = Vec::new();
    for profile in [Profile::Full, Profile::Snap, Profile::Many] {
        let both = [(order.size, false), (order.size / 10, true)];
        for (size, is_piece) in both
            .into_iter()
            .take(if profile == Profile::Many { 1 } else { 2 })
        {
            let name = format!("{}{}", profile.name(), if is_piece { "-tenth" } else { "" });
            if !order.wants(&name) {
                continue;
            }
            let capture = Capture::make(&folder.path, &name, Shape::new(profile, size))?;
            eprintln!(
                "made {} ({} packets)",
                capture.file.display(),
                capture.truth.packets
            );
            sections.push(Section::plan(capture, &setup, is_piece));
        }
    }
    for round in 0..order.rounds {
        for section in &mut sections {
            section.round(round)?;
        }
        eprintln!("round {} of {} done", round + 1, order.rounds);
    }
    sections
        .iter()
        .for_each(|section| folder.discard(&section.capture));
    Ok(sections)
}

/// Where the captures are.
#[derive(Debug)]
struct Folder {
    path: std::path::PathBuf,
    keep: bool,
}

impl Folder {
    fn make(order: &Order) -> Result<Self, String> {
        let path = order.folder.clone();
        fs::create_dir_all(&path)
            .map_err(|error| format!("cannot make `{}`: {error}", path.display()))?;
        Ok(Self {
            path,
            keep: order.keep,
        })
    }

    /// Removes a capture, unless all are to be kept.
    fn discard(&self, capture: &Capture) {
        if !self.keep {
            // What cannot be removed stays in a folder for captures.
            let _ = fs::remove_file(&capture.file);
        }
    }
}
