use std::io::{Cursor, Write};

use super::*;

fn open(bytes: &[u8]) -> Input {
    Input::from_reader("t".into(), None, Box::new(Cursor::new(bytes.to_vec()))).unwrap()
}

/// Reads a few bytes at a time, as the worst of pipes gives them.
struct Drip(Cursor<Vec<u8>>);

impl Read for Drip {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = buf.len().min(3);
        self.0.read(&mut buf[..count])
    }
}

fn unpack(bytes: &[u8]) -> (Vec<u8>, Option<String>) {
    let mut whole = Vec::new();
    let error = open(bytes)
        .read_to_end(&mut whole)
        .err()
        .map(|e| e.to_string());
    let mut dripped = Vec::new();
    let mut input = Input::from_reader(
        "t".into(),
        None,
        Box::new(Drip(Cursor::new(bytes.to_vec()))),
    )
    .unwrap();
    assert_eq!(
        input.read_to_end(&mut dripped).err().map(|e| e.to_string()),
        error
    );
    assert_eq!(dripped, whole);
    (whole, error)
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn zstd(data: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(data, ruzstd::encoding::CompressionLevel::Fastest)
}

fn lz4(data: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn sample() -> Vec<u8> {
    (0..300_000u32)
        .map(|n| (n.wrapping_mul(n) >> 7) as u8)
        .collect()
}

#[test]
fn every_member_and_frame_is_read_to_the_end() {
    let data = sample();
    for pack in [gzip, zstd, lz4] {
        let mut stored = pack(&data[..100_000]);
        stored.extend(pack(&[]));
        stored.extend(pack(&data[100_000..]));
        let (got, error) = unpack(&stored);
        assert_eq!(error, None);
        assert!(got == data);
    }
}

#[test]
fn frames_for_others_are_skipped_and_padding_is_ignored() {
    let skippable = [0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    for pack in [zstd, lz4] {
        let stored = [&skippable[..], &pack(b"abc"), &skippable, &pack(b"def")].concat();
        assert_eq!(unpack(&stored), (b"abcdef".to_vec(), None));
    }
    let stored = [gzip(b"abc"), vec![0; 1000]].concat();
    assert_eq!(unpack(&stored), (b"abc".to_vec(), None));
}

#[test]
fn damage_comes_after_what_could_be_read_and_says_where() {
    let data = sample();
    for pack in [gzip, zstd, lz4] {
        let first = pack(b"first part");
        let mut stored = first.clone();
        stored.extend(pack(&data));
        stored.truncate(stored.len() - stored.len() / 3);
        let (got, error) = unpack(&stored);
        assert!(got.starts_with(b"first part"), "{error:?}");
        assert!(data.starts_with(&got[10..]));
        let error = error.expect("the end is missing");
        assert!(
            error.contains(&format!("begins at offset {}", first.len())),
            "{error}"
        );
    }
    let (got, error) = unpack(&[gzip(b"abc"), b"tail".to_vec()].concat());
    assert_eq!(got, b"abc");
    assert!(error.unwrap().contains("not gzip"));
}

#[test]
fn plain_bytes_pass_through_and_are_counted() {
    let data = sample();
    let mut input = open(&data);
    let counter = input.counter();
    let mut got = Vec::new();
    input.read_to_end(&mut got).unwrap();
    assert!(got == data);
    assert_eq!(counter.get(), data.len() as u64);
    assert_eq!(unpack(b""), (Vec::new(), None));
    assert_eq!(unpack(b"\x1f"), (b"\x1f".to_vec(), None));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(magic in 0..6usize, tail in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let magics: [&[u8]; 6] = [
            b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18",
            b"\x02\x21\x4c\x18", b"\x50\x2a\x4d\x18", b"",
        ];
        let stored = [magics[magic], &tail].concat();
        let mut out = Vec::new();
        let _ = open(&stored).take(1 << 20).read_to_end(&mut out);
    }
}
