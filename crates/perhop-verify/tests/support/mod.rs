//! Running the engine over whole captures in tests.
#![allow(dead_code, reason = "each test binary uses a part of this")]

use std::path::{Path, PathBuf};

use perhop_verify::engine::{Config, Engine, Flows, finish};
use perhop_wire::capture::{CaptureReader, CapturedPacket, Step};
use perhop_wire::link::LinkType;
use perhop_wire::packet::Direction;
use serde_json::Value;

/// The folder of captures and their truth; `None`, said aloud, when it is not here.
pub(crate) fn captures() -> Option<PathBuf> {
    let folder = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/captures"
    ));
    if folder.is_dir() {
        return Some(folder.to_owned());
    }
    println!("skipped: no captures at {}", folder.display());
    None
}

/// A whole Ethernet frame as a capture has it.
pub(crate) fn captured(time_ns: Option<i64>, data: &[u8]) -> CapturedPacket<'_> {
    CapturedPacket {
        time_ns,
        link: LinkType::ETHERNET,
        data,
        wire_len: data.len() as u32,
        interface: 0,
        direction: Direction::Unknown,
        consumed: 0,
    }
}

/// Shows every packet of a capture.
pub(crate) fn each_packet(capture: &[u8], mut see: impl FnMut(&CapturedPacket<'_>)) {
    let mut reader = CaptureReader::new();
    let mut at = 0;
    loop {
        let step = reader.next(&capture[at..], true);
        at += step.consumed();
        match step {
            Step::Packet(packet) => see(&packet),
            Step::End => break,
            Step::NeedMore { .. } => panic!("asks for more than there is"),
            _ => {}
        }
    }
}

/// Shows every packet of a capture, runs of them at once, from a buffer that holds `window` bytes more each time it must.
pub(crate) fn each_run(capture: &[u8], window: usize, mut see: impl FnMut(&CapturedPacket<'_>)) {
    let mut reader = CaptureReader::new();
    let (mut at, mut end) = (0, 0);
    loop {
        let mut run = Vec::new();
        loop {
            at += reader.run(&capture[at..end], i64::MAX, &mut run);
            if run.is_empty() {
                break;
            }
            run.iter().for_each(&mut see);
        }
        let step = reader.next(&capture[at..end], end == capture.len());
        at += step.consumed();
        match step {
            Step::Packet(packet) => see(&packet),
            Step::End => break,
            Step::NeedMore { .. } => end = (end + window).min(capture.len()),
            _ => {}
        }
    }
}

/// One pass on one thread.
pub(crate) fn run(config: &Config, capture: &[u8]) -> Flows {
    let mut engine = Engine::new(config);
    each_packet(capture, |packet| engine.observe(packet));
    engine.finish()
}

/// One pass over the first packets only.
pub(crate) fn run_first(config: &Config, capture: &[u8], packets: u64) -> Flows {
    let mut engine = Engine::new(config);
    each_packet(capture, |packet| {
        if engine.packets() < packets {
            engine.observe(packet);
        }
    });
    engine.finish()
}

/// The same with several readers and lanes; a block ends where `ends` says so for the number of a packet.
pub(crate) fn run_in_lanes(
    config: &Config,
    capture: &[u8],
    lanes: usize,
    readers: usize,
    ends: impl Fn(u64) -> bool,
) -> Flows {
    let readers = vec![config.reader(); readers];
    let mut lanes = config.lanes(lanes);
    let mut block = config.block();
    let (mut frames, mut blocks) = (0, 0);
    let apply = |lanes: &mut [perhop_verify::engine::Lane],
                 block: &mut perhop_verify::engine::Block,
                 frames: &mut u64| {
        for lane in lanes {
            lane.apply(block, *frames);
        }
        *frames += u64::from(block.packets());
        block.clear();
    };
    each_packet(capture, |packet| {
        let reader = blocks % readers.len();
        readers[reader].read(std::slice::from_ref(packet), &mut block);
        if ends(frames + u64::from(block.packets())) {
            apply(&mut lanes, &mut block, &mut frames);
            blocks += 1;
        }
    });
    apply(&mut lanes, &mut block, &mut frames);
    finish(lanes)
}

/// A capture and its truth.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) capture: Vec<u8>,
    pub(crate) truth: Value,
}

/// All captures of a folder that are not compressed, in order of name.
pub(crate) fn cases(folder: &Path) -> Vec<Case> {
    let mut truths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".truth.json"))
        .collect();
    truths.sort();
    truths.iter().filter_map(|truth| case(truth)).collect()
}

fn case(truth: &Path) -> Option<Case> {
    let capture = truth
        .to_string_lossy()
        .trim_end_matches(".truth.json")
        .to_owned();
    if [".gz", ".zst", ".lz4"]
        .iter()
        .any(|end| capture.ends_with(end))
    {
        return None;
    }
    Some(Case {
        name: Path::new(&capture)
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned(),
        capture: std::fs::read(&capture).unwrap(),
        truth: serde_json::from_slice(&std::fs::read(truth).unwrap()).unwrap(),
    })
}

/// A case by its path in the folder of captures.
pub(crate) fn named(path: &str) -> Option<Case> {
    let folder = captures()?;
    case(&folder.join(format!("{path}.truth.json")))
}
