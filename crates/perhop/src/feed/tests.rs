use std::fs;

use perhop_wire::capture::Damage;

use super::*;
use crate::ui::When;

/// A pcap of Ethernet frames that hold one byte each, at these microseconds.
fn pcap(packets: &[(u32, u8)]) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 65535, 1] {
        out.extend(word.to_le_bytes());
    }
    for (micro, byte) in packets {
        for word in [1000, *micro, 1, 60] {
            out.extend(word.to_le_bytes());
        }
        out.push(*byte);
    }
    out
}

/// Keeps the first byte of each packet.
struct Bytes<'a>(&'a mut Vec<u8>);

impl Sink for Bytes<'_> {
    fn packets(&mut self, packets: &[CapturedPacket<'_>]) {
        self.0.extend(packets.iter().map(|packet| packet.data[0]));
    }

    fn flows(&mut self) -> u64 {
        0
    }
}

fn feed(files: &[Vec<u8>]) -> (Vec<u8>, Vec<Capture>) {
    let temp = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = files
        .iter()
        .enumerate()
        .map(|(index, bytes)| {
            let path = temp.path().join(format!("{index}.pcap"));
            fs::write(&path, bytes).unwrap();
            path
        })
        .collect();
    let mut seen = Vec::new();
    let captures = read_files(&paths, &Ui::new(When::Never), &mut Bytes(&mut seen)).unwrap();
    (seen, captures)
}

#[test]
fn packets_of_several_captures_come_in_time_order() {
    let (seen, captures) = feed(&[
        pcap(&[(20, 3), (40, 5), (50, 6), (50, 7)]),
        pcap(&[(10, 1), (20, 4), (60, 9)]),
        pcap(&[]),
        pcap(&[(15, 2), (50, 8)]),
    ]);
    assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(
        captures.iter().map(|one| one.packets).collect::<Vec<_>>(),
        [4, 3, 0, 2]
    );
    assert_eq!(
        captures[1].time,
        Some((1_000_000_010_000, 1_000_000_060_000))
    );
    assert!(captures.iter().all(|one| one.damages == 0));
}

#[test]
fn time_that_runs_backwards_within_a_capture_loses_nothing() {
    let (mut seen, _) = feed(&[
        pcap(&[(50, 1), (10, 2), (60, 3)]),
        pcap(&[(40, 4), (70, 5), (20, 6)]),
    ]);
    seen.sort_unstable();
    assert_eq!(seen, [1, 2, 3, 4, 5, 6]);
}

#[test]
fn more_packets_than_a_buffer_holds() {
    let many: Vec<(u32, u8)> = (0..200_000).map(|n| (n, n as u8)).collect();
    let (seen, _) = feed(&[pcap(&many)]);
    assert_eq!(seen, many.iter().map(|(_, byte)| *byte).collect::<Vec<_>>());
    let (evens, odds): (Vec<_>, Vec<_>) = many.iter().copied().partition(|(n, _)| n % 2 == 0);
    assert_eq!(feed(&[pcap(&evens), pcap(&odds)]).0, seen);
}

#[test]
fn damage_is_told_with_its_offset_after_what_could_be_read() {
    let mut cut = pcap(&[(1, 1), (2, 2), (3, 3)]);
    cut.truncate(cut.len() - 5);
    let (seen, captures) = feed(&[cut, b"not a capture".to_vec(), Vec::new()]);
    assert_eq!(seen, [1, 2]);
    assert!(
        captures[0].damage[0].contains("at byte 58, packet 3"),
        "{:?}",
        captures[0].damage
    );
    assert!(
        captures[1].damage[0].contains("neither pcap nor pcapng"),
        "{:?}",
        captures[1].damage
    );
    assert!(
        captures[2].damage[0].contains("empty"),
        "{:?}",
        captures[2].damage
    );
}

#[test]
fn what_is_no_capture_comes_with_a_remedy() {
    let remedy_for = |bytes: &[u8]| {
        let (_, captures) = feed(&[bytes.to_vec()]);
        captures[0].remedy.clone().unwrap_or_default()
    };
    for (begin, what) in [
        (&b"BZh91AY&SY"[..], "bzip2 -dc "),
        (b"\xfd7zXZ\0", "xz -dc "),
        (b"PK\x03\x04\x14\0", "unpack it"),
        (b"GMBU\0\x02", "editcap -F pcapng "),
        (b"snoop\0\0\0", "editcap -F pcapng "),
        (b"12:00:00.1 IP 192.0.2.1", "it is text"),
        (b"\x7fELF", "where Wireshark can open it"),
        (b"", "tcpdump -U"),
    ] {
        let remedy = remedy_for(begin);
        assert!(remedy.contains(what), "{begin:?}: {remedy}");
    }
    let mut cut = pcap(&[(1, 1), (2, 2)]);
    cut.truncate(cut.len() - 5);
    assert_eq!(remedy_for(&cut), "", "what could be read is a capture");
    let etl = remedy::remedy("nettrace.ETL", Damage::NotACapture { magic: [0; 4] });
    assert!(etl.unwrap().contains("pktmon etl2pcap nettrace.ETL"));
}

#[test]
fn more_captures_than_may_be_open_wait_closed_for_their_turn() {
    // In pairs of which each has every second packet, and in an order that their names do not tell.
    let count = 2 * OPEN as u32;
    let captures: Vec<Vec<u8>> = (0..count)
        .map(|n| {
            let place = (n * 37) % count;
            let (pair, odd) = (place / 2, place % 2);
            let packets: Vec<_> = (0..10)
                .map(|k| pair * 20 + 2 * k + odd)
                .map(|time| (time, time as u8))
                .collect();
            pcap(&packets)
        })
        .collect();
    let (seen, told) = feed(&captures);
    let expected: Vec<u8> = (0..count * 10).map(|time| time as u8).collect();
    assert_eq!(seen, expected);
    assert!(told.iter().all(|one| one.packets == 10 && one.damages == 0));
}

#[test]
fn a_capture_that_goes_while_it_waits_is_told() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("a.pcap");
    fs::write(&path, pcap(&[(1, 1)])).unwrap();
    let mut progress = Progress::silent();
    let mut cursor = Cursor::new(path.clone(), Input::open(&path).unwrap());
    cursor.prime(&mut progress);
    cursor.park();
    assert_eq!(cursor.next_time(), Some(1_000_000_001_000));
    fs::remove_file(&path).unwrap();
    let mut seen = Vec::new();
    cursor.run(i64::MAX, &mut Bytes(&mut seen), &mut progress);
    assert!(seen.is_empty(), "it is gone");
    assert_eq!(cursor.next_time(), None);
    let capture = cursor.into_capture();
    assert!(capture.damage[0].contains("no such file"), "{capture:?}");
}

#[test]
fn a_folder_stands_for_the_captures_in_it() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name);
    fs::write(path("ring_2.pcap"), pcap(&[(10, 1)])).unwrap();
    fs::write(path("ring_0.pcap"), pcap(&[(20, 2)])).unwrap();
    fs::write(
        path("ring_1.pcap"),
        [&[0x0a, 0x0d, 0x0d, 0x0a][..], &[0; 4]].concat(),
    )
    .unwrap();
    fs::write(path("empty.pcap"), "").unwrap();
    fs::write(path("notes.txt"), "no capture").unwrap();
    fs::write(path(".hidden.pcap"), pcap(&[(30, 3)])).unwrap();
    fs::create_dir(path("deeper")).unwrap();
    #[cfg(unix)]
    for (link, to) in [("latest", "ring_2.pcap"), ("loop", ".")] {
        std::os::unix::fs::symlink(to, path(link)).unwrap();
    }
    let ui = Ui::new(When::Never);
    // A capture of it may be named too, and counts once.
    let given = [temp.path().to_owned(), path("deeper/../ring_2.pcap")];
    let found = folder::expand(&given, &ui).unwrap();
    let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap()).collect();
    assert_eq!(names, ["ring_0.pcap", "ring_1.pcap", "ring_2.pcap"]);
    let mut seen = Vec::new();
    read_files(&found, &ui, &mut Bytes(&mut seen)).unwrap();
    assert_eq!(seen, [1, 2]);
    let failure = folder::expand(&[path("deeper")], &ui).unwrap_err();
    assert!(failure.to_string().contains("no capture in the folder"));
}
