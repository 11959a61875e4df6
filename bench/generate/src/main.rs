//! The command line of the generator.
#![forbid(unsafe_code)]

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::ExitCode;

use generate::{Profile, Shape};
use lexopt::prelude::*;

const HELP: &str = "\
Writes a capture with known contents.

Usage: generate [OPTIONS] FILE

  --profile NAME      full, snap, many or voice [full]
  --size N            bytes, or with the ending k, M, G (powers of 1000) [100M]
  --seed N            another seed, another capture [1]
  --flows N           unidirectional flows to aim at
  --snaplen N         bytes kept of a packet [262144; 96 for snap and many]
  --wrong-marks SHARE media flows whose mark is not as planned, 0 to 1 [0.15]
  --loss SHARE        lost RTP packets, all of them on a quarter of the streams [0.005]
  --late SHARE        RTP packets overtaken by their successor [0.001]
  --duplicates SHARE  RTP packets that come twice [0.0005]
  --ipv6 SHARE        conversations on IPv6 [0.08]
  --vlan SHARE        conversations with a VLAN tag [0.3]
  --pcapng            pcapng in place of pcap
  --truth FILE        what is in it, as JSON [FILE.truth.json]
  --streams FILE      every RTP stream, comma-separated
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), lexopt::Error> {
    let Some(order) = Order::parse()? else {
        print!("{HELP}");
        return Ok(());
    };
    let failed = |path: &PathBuf| {
        let path = path.display().to_string();
        move |error| lexopt::Error::from(format!("cannot write `{path}`: {error}"))
    };
    let file = File::create(&order.file).map_err(failed(&order.file))?;
    let (_, truth, paths) = generate::generate(order.shape, file).map_err(failed(&order.file))?;
    fs::write(&order.truth, truth.summary(&paths)).map_err(failed(&order.truth))?;
    if let Some(streams) = &order.streams {
        fs::write(streams, truth.stream_table(&paths)).map_err(failed(streams))?;
    }
    eprintln!(
        "{}: {} packets, {} bytes, {} flows, {} RTP streams",
        order.file.display(),
        truth.packets,
        truth.file_bytes,
        truth.flows,
        truth.heard().count()
    );
    Ok(())
}

/// What is asked for.
#[derive(Debug)]
struct Order {
    shape: Shape,
    file: PathBuf,
    truth: PathBuf,
    streams: Option<PathBuf>,
}

impl Order {
    /// `None` when help is asked for.
    fn parse() -> Result<Option<Self>, lexopt::Error> {
        let mut profile = Profile::Full;
        let mut size = 100_000_000;
        let mut changes: Vec<Change> = Vec::new();
        let (mut file, mut truth, mut streams) = (None, None, None);
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("profile") => profile = arguments.value()?.parse_with(profile_named)?,
                Long("size") => size = arguments.value()?.parse_with(bytes)?,
                Long("seed") => changes.push(set(arguments.value()?.parse()?, |shape, seed| {
                    shape.seed = seed
                })),
                Long("flows") => changes.push(set(arguments.value()?.parse()?, |shape, flows| {
                    shape.flows = flows
                })),
                Long("snaplen") => changes.push(set(arguments.value()?.parse()?, |shape, len| {
                    shape.snaplen = len
                })),
                Long("wrong-marks") => changes
                    .push(set(share(&arguments.value()?)?, |shape, x| {
                        shape.wrong_marks = x
                    })),
                Long("loss") => {
                    changes.push(set(share(&arguments.value()?)?, |shape, x| shape.loss = x))
                }
                Long("late") => {
                    changes.push(set(share(&arguments.value()?)?, |shape, x| shape.late = x))
                }
                Long("duplicates") => changes.push(set(share(&arguments.value()?)?, |shape, x| {
                    shape.duplicates = x
                })),
                Long("ipv6") => {
                    changes.push(set(share(&arguments.value()?)?, |shape, x| shape.ipv6 = x))
                }
                Long("vlan") => {
                    changes.push(set(share(&arguments.value()?)?, |shape, x| shape.vlan = x))
                }
                Long("pcapng") => changes.push(set(true, |shape, yes| shape.pcapng = yes)),
                Long("truth") => truth = Some(PathBuf::from(arguments.value()?)),
                Long("streams") => streams = Some(PathBuf::from(arguments.value()?)),
                Long("help") | Short('h') => return Ok(None),
                Value(path) if file.is_none() => file = Some(PathBuf::from(path)),
                _ => return Err(argument.unexpected()),
            }
        }
        let mut shape = Shape::new(profile, size);
        changes.iter().for_each(|change| change(&mut shape));
        let file: PathBuf = file.ok_or("name the file to write")?;
        let truth = truth.unwrap_or_else(|| {
            let mut name = file.clone().into_os_string();
            name.push(".truth.json");
            name.into()
        });
        Ok(Some(Self {
            shape,
            file,
            truth,
            streams,
        }))
    }
}

/// A departure from the usual shape.
type Change = Box<dyn Fn(&mut Shape)>;

fn set<T: Copy + 'static>(value: T, change: fn(&mut Shape, T)) -> Change {
    Box::new(move |shape| change(shape, value))
}

fn profile_named(name: &str) -> Result<Profile, String> {
    let named = Profile::ALL
        .into_iter()
        .find(|profile| profile.name() == name);
    named.ok_or_else(|| format!("`{name}` is not full, snap, many or voice"))
}

fn bytes(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.as_bytes().last() {
        Some(b'k') => (&text[..text.len() - 1], 1_000),
        Some(b'M') => (&text[..text.len() - 1], 1_000_000),
        Some(b'G') => (&text[..text.len() - 1], 1_000_000_000),
        _ => (text, 1),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| format!("`{text}` is not a size such as 100M"))?;
    number
        .checked_mul(unit)
        .ok_or_else(|| format!("`{text}` is too large"))
}

fn share(text: &std::ffi::OsString) -> Result<f64, lexopt::Error> {
    let share: f64 = text.parse()?;
    if (0.0..=1.0).contains(&share) {
        Ok(share)
    } else {
        Err(format!("{share} is not a share from 0 to 1").into())
    }
}
