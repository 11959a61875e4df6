use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use perhop_wire::capture::CapturedPacket;

use super::*;
use crate::ui::When;

/// Keeps the one byte that each packet has.
#[derive(Default)]
struct Bytes(Vec<u8>, Option<mpsc::Sender<u8>>);

impl Sink for Bytes {
    fn packets(&mut self, packets: &[CapturedPacket<'_>]) {
        for packet in packets {
            self.0.push(packet.data[0]);
            if let Some(seen) = &self.1 {
                let _ = seen.send(packet.data[0]);
            }
        }
    }

    fn flows(&mut self) -> u64 {
        0
    }
}

fn header() -> Vec<u8> {
    let words = [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 65535, 1];
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A record of one byte, which is its second too.
fn record(byte: u8) -> Vec<u8> {
    let words = [1000 + u32::from(byte), 0, 1, 60];
    let mut out: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    out.push(byte);
    out
}

fn pcap(bytes: &[u8]) -> Vec<u8> {
    let records = bytes.iter().flat_map(|byte| record(*byte));
    header().into_iter().chain(records).collect()
}

fn append(path: &Path, bytes: &[u8]) {
    let mut file = fs::File::options()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    file.write_all(bytes).unwrap();
}

/// Follows while `write` writes; `write` waits for a byte to be seen by calling its argument.
fn follow(path: &Path, write: impl FnOnce(&dyn Fn(u8)) + Send) -> (Vec<u8>, Vec<Capture>) {
    let (send, receive) = mpsc::channel();
    let stop = Stop::new(None).unwrap();
    let ended = Arc::clone(&stop.ended);
    thread::scope(|scope| {
        scope.spawn(move || {
            let end = End(ended);
            write(&|byte| while receive.recv_timeout(Duration::from_secs(60)).unwrap() != byte {});
            drop(end);
        });
        let mut sink = Bytes(Vec::new(), Some(send));
        let captures = read(path, stop, &Ui::new(When::Never), &mut sink).unwrap();
        (sink.0, captures)
    })
}

/// Ends the following, also when the writer panics.
struct End(Arc<AtomicBool>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_file_that_grows_is_read_as_it_grows() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("one.pcap");
    append(&path, &pcap(&[1, 2]));
    let (seen, captures) = follow(&path, |until| {
        until(2);
        // A record may come in pieces.
        let three = record(3);
        append(&path, &three[..9]);
        thread::sleep(3 * LOOK);
        append(&path, &three[9..]);
        until(3);
        append(&path, &record(4)[..7]);
        thread::sleep(3 * LOOK);
    });
    assert_eq!(seen, [1, 2, 3]);
    // The part of a record that was there at the end is no damage.
    assert_eq!(
        (captures.len(), captures[0].packets, captures[0].damages),
        (1, 3, 0)
    );
}

#[test]
fn a_ring_is_followed_from_file_to_file() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name);
    // Names do not tell the order: the ring has gone round.
    append(&path("ring2"), &pcap(&[1, 2]));
    append(&path("ring0"), &pcap(&[3]));
    fs::write(path("notes.txt"), "no capture").unwrap();
    let (seen, captures) = follow(temp.path(), |until| {
        until(3);
        append(&path("ring0"), &record(4));
        until(4);
        // The next file is made before the last record of this one is seen, and has no packet yet.
        append(&path("ring1"), &header());
        append(&path("ring0"), &record(5));
        until(5);
        append(&path("ring1"), &record(6));
        until(6);
        // The oldest is written over.
        fs::write(path("ring2"), pcap(&[7])).unwrap();
        until(7);
        fs::remove_file(path("ring0")).unwrap();
        append(&path("ring2"), &record(8));
        until(8);
    });
    assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7, 8]);
    let read: Vec<_> = captures
        .iter()
        .map(|one| (one.packets, one.damages))
        .collect();
    assert_eq!(read, [(2, 0), (3, 0), (1, 0), (2, 0)]);
}

#[test]
fn a_file_that_is_begun_anew_is_read_anew() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("minute.pcap");
    append(&path, &pcap(&[1, 2, 3]));
    let (seen, captures) = follow(&path, |until| {
        until(3);
        fs::write(&path, pcap(&[4])).unwrap();
        until(4);
        append(&path, &record(5));
        until(5);
    });
    assert_eq!(seen, [1, 2, 3, 4, 5]);
    assert!(captures.iter().all(|one| one.damages == 0), "{captures:?}");
}

#[test]
fn an_empty_folder_is_waited_for() {
    let temp = tempfile::tempdir().unwrap();
    let (seen, _) = follow(temp.path(), |until| {
        thread::sleep(2 * LOOK);
        append(&temp.path().join("a.pcap"), &pcap(&[1]));
        until(1);
    });
    assert_eq!(seen, [1]);
}

#[test]
fn what_went_before_its_turn_is_told() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name);
    for (name, byte) in [("a", 1), ("b", 2), ("c", 3), ("d", 4)] {
        append(&path(name), &pcap(&[byte]));
    }
    let mut files = Files::new(temp.path());
    files.look().unwrap();
    let (first, next) = files.next().unwrap();
    assert!(next.ends_with("a"));
    files.reached = Some(first);
    fs::remove_file(path("a")).unwrap();
    fs::remove_file(path("b")).unwrap();
    fs::write(path("c"), pcap(&[9, 9])).unwrap();
    assert!(files.next().unwrap().1.ends_with("b"), "as far as is known");
    files.look().unwrap();
    assert!(files.next().unwrap().1.ends_with("d"));
    let missed: Vec<_> = files.missed().collect();
    let names: Vec<_> = missed
        .iter()
        .map(|one| one.name.rsplit('/').next().unwrap())
        .collect();
    // What was read, or was being read, is not missed.
    assert_eq!(names, ["c", "b"]);
    assert!(
        missed
            .iter()
            .all(|one| one.damages == 1 && one.damage[0].contains("before it was its turn"))
    );
}

#[test]
fn what_is_not_there_is_an_error() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("none.pcap");
    let failure = read(
        &path,
        Stop::new(None).unwrap(),
        &Ui::new(When::Never),
        &mut Bytes::default(),
    )
    .unwrap_err();
    assert!(failure.to_string().contains("cannot follow"), "{failure}");
}
