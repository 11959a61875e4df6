//! Several captures read as one, whatever they are and however they are stored; and what is shown while that takes long.
#![allow(clippy::unwrap_used, reason = "a test that cannot run must fail")]

#[path = "support/binary.rs"]
mod support;

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use support::{Run, file, folder, perhop, project, run, run_with_stdin, shared};

const ETHERNET: u32 = 1;
const RAW_IP: u32 = 101;
const LINUX_COOKED: u32 = 113;

/// A packet of a capture with microseconds: seconds, microseconds, an Ethernet frame.
type Packet = (u32, u32, Vec<u8>);

/// Packets of a little-endian pcap file.
fn packets(bytes: &[u8]) -> Vec<Packet> {
    let u32 = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!((u32(0), u32(20)), (0xa1b2_c3d4, ETHERNET));
    let mut at = 24;
    let mut packets = Vec::new();
    while at < bytes.len() {
        let len = u32(at + 8) as usize;
        packets.push((u32(at), u32(at + 4), bytes[at + 16..at + 16 + len].to_vec()));
        at += 16 + len;
    }
    packets
}

/// The same packets behind another link header.
fn pcap(packets: &[Packet], link: u32) -> Vec<u8> {
    let mut out = 0xa1b2_c3d4u32.to_le_bytes().to_vec();
    out.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    out.extend(65_535u32.to_le_bytes());
    out.extend(link.to_le_bytes());
    for (seconds, micros, frame) in packets {
        let frame = match link {
            RAW_IP => frame[14..].to_vec(),
            LINUX_COOKED => {
                let mut cooked = vec![0; 14];
                cooked.extend(&frame[12..]);
                cooked
            }
            _ => frame.clone(),
        };
        let len = u32::try_from(frame.len()).unwrap();
        for number in [*seconds, *micros, len, len] {
            out.extend(number.to_le_bytes());
        }
        out.extend(frame);
    }
    out
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap()
}

/// Packet by packet over three captures of different link types, one packed, one from a pipe: the flows of the whole,
/// with their times, losses and jitter.
#[test]
fn captures_that_overlap_are_merged_packet_by_packet() {
    let Some(synthetic) = shared("captures/synthetic") else {
        return;
    };
    let whole = synthetic.join("fmt-le-us.pcap");
    let expected = json(&run(["flows", &whole.display().to_string(), "--format", "json"]).exits(0));
    let packets = packets(&fs::read(&whole).unwrap());
    let part = |of: usize| -> Vec<Packet> { packets.iter().skip(of).step_by(3).cloned().collect() };
    let temp = folder();
    let ethernet = file(&temp, "a.pcap", pcap(&part(0), ETHERNET));
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&pcap(&part(1), RAW_IP)).unwrap();
    let raw = file(&temp, "b.pcap.gz", gzip.finish().unwrap());
    let cooked = pcap(&part(2), LINUX_COOKED);
    for threads in ["1", "2"] {
        let args = [
            "flows",
            &raw.display().to_string(),
            "-",
            &ethernet.display().to_string(),
            "--threads",
            threads,
            "--format",
            "json",
        ];
        let merged = json(&run_with_stdin(&args, &cooked).exits(0));
        assert_eq!(merged["flows"], expected["flows"], "{threads} threads");
        assert_eq!(merged["captures"].as_array().unwrap().len(), 3);
        assert_eq!(merged["captures"][0]["compression"], "gzip");
    }
}

/// The same capture in five forms at once: every packet is there five times, in the flow that it belongs to.
#[test]
fn forms_and_compressions_mix() {
    let Some(synthetic) = shared("captures/synthetic") else {
        return;
    };
    let path = |name: &str| synthetic.join(name).display().to_string();
    let one = json(&run(["flows", &path("fmt-le-us.pcap"), "--format", "json"]).exits(0));
    let forms = [
        "fmt-be-ns.pcap",
        "fmt-le-us.pcap.gz",
        "fmt-le-us.pcap.lz4",
        "fmt-le-us.pcap.zst",
        "fmt-ng-be.pcapng",
    ];
    let mut args = vec!["flows".to_owned(), "--format".to_owned(), "json".to_owned()];
    args.extend(forms.map(path));
    let all = json(&run(args).exits(0));
    let packets = |report: &Value| -> Vec<u64> {
        let flows = report["flows"].as_array().unwrap().iter();
        let mut counts: Vec<u64> = flows
            .map(|flow| flow["packets"].as_u64().unwrap())
            .collect();
        counts.sort_unstable();
        counts
    };
    let five: Vec<u64> = packets(&one).iter().map(|count| 5 * count).collect();
    assert_eq!(packets(&all), five);
}

/// On a terminal a long reading shows how far it is, and takes the line away; elsewhere nothing is shown.
#[cfg(target_os = "linux")]
#[test]
fn a_long_reading_is_shown_on_a_terminal_only() {
    use std::process::Command;
    use std::thread;
    use std::time::Duration;

    let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !has("script") || !has("mkfifo") {
        eprintln!("skipped: no `script` to make a terminal with, or no `mkfifo`");
        return;
    }
    let call = fs::read(project("examples/contoso/call.pcapng")).unwrap();
    let temp = folder();
    let pipe = temp.path().join("slow.pcapng");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let slowly = |bytes: Vec<u8>| {
        let pipe = pipe.clone();
        thread::spawn(move || {
            let mut pipe = fs::File::create(pipe).unwrap();
            pipe.write_all(&bytes[..bytes.len() / 2]).unwrap();
            // Longer than the silence with which it begins.
            thread::sleep(Duration::from_millis(1200));
            pipe.write_all(&bytes[bytes.len() / 2..]).unwrap();
        })
    };
    let writer = slowly(call.clone());
    let line = format!(
        "'{}' flows '{}'",
        env!("CARGO_BIN_EXE_perhop"),
        pipe.display()
    );
    let mut command = Command::new("script");
    command
        .args(["-qec", &line, "/dev/null"])
        .env("TERM", "xterm");
    let shown = support::finish(&mut command)
        .exits(0)
        .says("13,091 packets, 69 flows");
    writer.join().unwrap();
    let lines: Vec<&str> = shown
        .out
        .split('\r')
        .filter(|line| line.contains("B/s"))
        .collect();
    assert!(!lines.is_empty(), "{}", shown.out);
    assert!(
        lines[0].contains(" packets  ") && lines[0].contains("MB"),
        "{lines:?}"
    );
    let report = shown.out.find("13,091 packets, 69 flows").unwrap();
    let taken_away = shown.out.rfind("\r\u{1b}[K").unwrap();
    assert!(taken_away < report && shown.out.rfind("B/s").unwrap() < taken_away);

    let writer = slowly(call);
    let quiet = support::finish(perhop().arg("flows").arg(&pipe)).exits(0);
    writer.join().unwrap();
    assert_eq!(quiet.err, "");
}
