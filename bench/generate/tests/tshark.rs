//! tshark, where it is installed, finds what the truth says.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use generate::{Profile, Shape};

#[test]
fn tshark_agrees() {
    if Command::new("tshark").arg("--version").output().is_err() {
        println!("skipped: tshark is not installed");
        return;
    }
    // Without late packets: for tshark a stream begins with the number it saw first, not with the lowest.
    let shape = Shape {
        flows: 300,
        loss: 0.02,
        late: 0.0,
        ..Shape::new(Profile::Full, 4_000_000)
    };
    let (bytes, truth, paths) = generate::generate(shape, Vec::new()).unwrap();
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/agrees.pcap");
    fs::write(file, bytes).unwrap();
    marks_agree(file, &truth.dscp);
    checksums_are_right(file);

    let heuristics =
        ["rtp_udp", "rtp_stun", "rtcp_udp", "rtcp_stun"].map(|name| ["--enable-heuristic", name]);
    let streams = tshark(
        file,
        &[&heuristics.concat()[..], &["-q", "-z", "rtp,streams"]].concat(),
    );
    let seen: BTreeMap<_, _> = streams.lines().filter_map(stream).collect();
    let written: BTreeMap<_, _> = truth
        .heard()
        .map(|stream| {
            let lost = stream.lost().cast_signed() - stream.duplicates().cast_signed();
            (
                (paths[stream.path].ends().src.1, stream.ssrc),
                (stream.packets, lost),
            )
        })
        .filter(|(_, (packets, _))| *packets > 3)
        .collect();
    assert!(written.len() > 20);
    for (key, counts) in &written {
        assert_eq!(Some(counts), seen.get(key), "{key:x?}");
    }
}

fn marks_agree(file: &str, truth: &[u64]) {
    let marks = tshark(
        file,
        &[
            "-T",
            "fields",
            "-e",
            "ip.dsfield.dscp",
            "-e",
            "ipv6.tclass.dscp",
        ],
    );
    let mut dscp = vec![0; 64];
    marks
        .lines()
        .for_each(|line| dscp[line.trim().parse::<usize>().unwrap()] += 1);
    assert_eq!(truth, dscp);
}

fn checksums_are_right(file: &str) {
    let check = [
        "-o",
        "ip.check_checksum:TRUE",
        "-o",
        "udp.check_checksum:TRUE",
        "-o",
        "tcp.check_checksum:TRUE",
    ];
    let wrong = "ip.checksum.status == 0 || udp.checksum.status == 0 || tcp.checksum.status == 0 || _ws.malformed \
                 || stun.att.crc32.status == 0";
    assert_eq!("", tshark(file, &[&check[..], &["-Y", wrong]].concat()));
}

/// Port and SSRC, packets and lost.
fn stream(line: &str) -> Option<((u16, u32), (u64, i64))> {
    let mut words = line.split_whitespace().skip(3);
    let port = words.next()?.parse().ok()?;
    let ssrc = u32::from_str_radix(words.nth(2)?.strip_prefix("0x")?, 16).ok()?;
    let words: Vec<_> = words.collect();
    let share = words.iter().position(|word| word.starts_with('('))?;
    Some((
        (port, ssrc),
        (
            words[share - 2].parse().ok()?,
            words[share - 1].parse().ok()?,
        ),
    ))
}

fn tshark(file: &str, arguments: &[&str]) -> String {
    let output = Command::new("tshark")
        .args(["-n", "-r", file])
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
