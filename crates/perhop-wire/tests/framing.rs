//! Known bytes for every part of a capture file, and every way in which it can lie.

#[path = "support/reading.rs"]
mod support;

use perhop_wire::capture::{CaptureReader, Damage, InterfaceStatistics, Step};
use perhop_wire::link::LinkType;
use perhop_wire::packet::Direction;
use perhop_wire::pcapng::Resolution;
use support::{Contents, read, read_in_chunks};

/// Writes blocks in one byte order.
struct Writer {
    big: bool,
    bytes: Vec<u8>,
}

impl Writer {
    fn section(big: bool) -> Self {
        let mut writer = Self {
            big,
            bytes: Vec::new(),
        };
        writer.header();
        writer
    }

    fn header(&mut self) {
        let version = [self.u16(1), self.u16(0)].concat();
        let length = [0xff; 8];
        let body = [&self.u32(0x1a2b_3c4d)[..], &version, &length].concat();
        self.block(0x0a0d_0d0a, &body);
    }

    fn u16(&self, value: u16) -> [u8; 2] {
        if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    fn u32(&self, value: u32) -> [u8; 4] {
        if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    fn u64(&self, value: u64) -> [u8; 8] {
        if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    fn block(&mut self, kind: u32, body: &[u8]) -> &mut Self {
        let length = self.u32(12 + body.len().next_multiple_of(4) as u32);
        self.bytes.extend(self.u32(kind));
        self.bytes.extend(length);
        self.bytes.extend(body);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.bytes.extend(length);
        self
    }

    fn option(&self, code: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = [self.u16(code), self.u16(value.len() as u16)].concat();
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn interface(&mut self, link: u16, snaplen: u32, options: &[u8]) -> &mut Self {
        let link = [self.u16(link), self.u16(0)].concat();
        let body = [&link[..], &self.u32(snaplen), options].concat();
        self.block(1, &body)
    }

    fn packet(&mut self, interface: u32, time: u64, data: &[u8], options: &[u8]) -> &mut Self {
        let length = self.u32(data.len() as u32);
        let mut body = self.u32(interface).to_vec();
        body.extend(self.u32((time >> 32) as u32));
        body.extend(self.u32(time as u32));
        body.extend([length, length].concat());
        body.extend(data);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(options);
        self.block(6, &body)
    }
}

fn times(contents: &Contents) -> Vec<Option<i64>> {
    contents
        .packets
        .iter()
        .map(|packet| packet.time_ns)
        .collect()
}

fn damage(contents: &Contents) -> Vec<(u64, u64, Damage)> {
    contents
        .errors
        .iter()
        .map(|(_, error)| (error.offset, error.packet, error.damage))
        .collect()
}

#[test]
fn each_interface_has_its_own_link_type_and_clock() {
    for big in [false, true] {
        let mut file = Writer::section(big);
        let nanoseconds = file.option(9, &[9]);
        let binary = file.option(9, &[0x80 | 10]);
        let shifted = file.option(14, &file.u64(-5i64 as u64));
        file.interface(1, 0, &[])
            .interface(113, 0, &nanoseconds)
            .interface(101, 0, &binary)
            .interface(1, 0, &shifted)
            .packet(0, 2_000_001, b"abc", &[])
            .packet(1, 5, b"", &[])
            .packet(2, 1536, b"x", &[])
            .packet(3, 7_000_000, b"y", &[]);
        let contents = read(&file.bytes);
        assert_eq!(contents.errors, []);
        assert_eq!(
            times(&contents),
            [
                Some(2_000_001_000),
                Some(5),
                Some(1_500_000_000),
                Some(2_000_000_000)
            ]
        );
        let links: Vec<_> = contents
            .packets
            .iter()
            .map(|packet| packet.link.0)
            .collect();
        assert_eq!(links, [1, 113, 101, 1]);
        let data: Vec<_> = contents
            .packets
            .iter()
            .map(|packet| &packet.data[..])
            .collect();
        assert_eq!(data, [&b"abc"[..], b"", b"x", b"y"]);
    }
}

#[test]
fn sections_number_their_interfaces_anew() {
    let mut file = Writer::section(false);
    file.interface(1, 0, &[])
        .interface(1, 0, &[])
        .packet(1, 0, b"a", &[]);
    let mut second = Writer::section(true);
    second.interface(101, 0, &[]).packet(0, 0, b"b", &[]);
    file.bytes.extend(second.bytes);
    let contents = read(&file.bytes);
    let seen: Vec<_> = contents
        .packets
        .iter()
        .map(|packet| (packet.interface, packet.link))
        .collect();
    assert_eq!(seen, [(1, LinkType::ETHERNET), (2, LinkType::RAW)]);
    assert_eq!(contents.errors, []);
}

#[test]
fn direction_and_drop_counts_are_options() {
    let mut file = Writer::section(false);
    let sent = [file.option(2, &file.u32(2)), vec![0; 4]].concat();
    let dropped = [
        file.option(1, b"a comment"),
        file.option(4, &file.u64(3)),
        file.option(2, &file.u32(1)),
    ]
    .concat();
    let lies = [file.u16(2), file.u16(40), [2, 0], [0, 0]].concat();
    file.interface(1, 0, &[])
        .packet(0, 0, b"abcde", &sent)
        .packet(0, 0, b"abcde", &dropped)
        .packet(0, 0, b"abcde", &lies)
        .packet(0, 0, b"abcde", &[]);
    let contents = read(&file.bytes);
    let directions: Vec<_> = contents
        .packets
        .iter()
        .map(|packet| packet.direction)
        .collect();
    let unknown = Direction::Unknown;
    assert_eq!(
        directions,
        [Direction::Out, Direction::In, unknown, unknown]
    );
    assert!(
        contents
            .packets
            .iter()
            .all(|packet| packet.data == b"abcde")
    );
    assert_eq!((contents.dropped, contents.errors.len()), (3, 0));
}

#[test]
fn statistics_tell_what_the_capture_lost() {
    let mut file = Writer::section(true);
    let body = [
        &file.u32(1)[..],
        &[0; 8],
        &file.option(4, &file.u64(100)),
        &file.option(5, &file.u64(7)),
        &file.option(7, &file.u64(2)),
    ]
    .concat();
    file.interface(1, 0, &[])
        .interface(1, 0, &[])
        .block(5, &body);
    let contents = read(&file.bytes);
    let expected = InterfaceStatistics {
        interface: 1,
        received: Some(100),
        dropped: Some(7),
        dropped_by_os: Some(2),
    };
    assert_eq!(contents.statistics, [expected]);
    assert_eq!(contents.dropped, 9);
}

#[test]
fn simple_packets_have_no_time_and_end_at_the_snap_length() {
    let mut file = Writer::section(false);
    let simple = [&file.u32(9)[..], b"abcd"].concat();
    file.interface(1, 4, &[]).block(3, &simple);
    let contents = read(&file.bytes);
    let packet = &contents.packets[0];
    assert_eq!((&packet.data[..], packet.wire_len), (&b"abcd"[..], 9));
    assert_eq!(packet.time_ns, None);
}

#[test]
fn obsolete_packets_are_read() {
    let mut file = Writer::section(false);
    let body = [
        &file.u16(0)[..],
        &file.u16(5),
        &file.u32(0),
        &file.u32(1_000_000),
        &file.u32(3),
        &file.u32(60),
        b"abc\0",
    ]
    .concat();
    file.interface(1, 0, &[]).block(2, &body);
    let contents = read(&file.bytes);
    let packet = &contents.packets[0];
    assert_eq!((&packet.data[..], packet.wire_len), (&b"abc"[..], 60));
    assert_eq!(packet.time_ns, Some(1_000_000_000));
    assert_eq!(contents.dropped, 5);
}

#[test]
fn other_blocks_are_passed_over_whatever_their_length() {
    let mut file = Writer::section(false);
    file.interface(1, 0, &[])
        .block(10, &vec![7; 2_000_000])
        .block(0x8000_1234, &[])
        .packet(0, 1, b"a", &[]);
    let whole = read(&file.bytes);
    assert_eq!((whole.packets.len(), whole.errors.len()), (1, 0));
    assert_eq!(read_in_chunks(&file.bytes, |_| 1000), whole);
    let cut = read_in_chunks(&file.bytes[..1_500_000], |_| 1000);
    assert!(cut.errors[0].1.is_cut());
}

#[test]
fn a_lie_about_one_packet_costs_one_packet() {
    let mut file = Writer::section(false);
    file.interface(1, 0, &[]).packet(0, 1, b"a", &[]);
    let bad_interface = file.bytes.len() as u64;
    file.packet(3, 1, b"b", &[]);
    let bad_length = file.bytes.len();
    file.packet(0, 1, b"cc", &[]).packet(0, 1, b"d", &[]);
    file.bytes[bad_length + 20] = 5;
    let contents = read(&file.bytes);
    assert_eq!(contents.packets.len(), 2);
    assert_eq!(
        damage(&contents),
        [
            (
                bad_interface,
                2,
                Damage::UnknownInterface {
                    interface: 3,
                    known: 1
                }
            ),
            (
                bad_length as u64,
                2,
                Damage::CapturedLength {
                    captured: 5,
                    room: 4
                }
            ),
        ]
    );
    assert_eq!(contents.resynchronised, []);
}

#[test]
fn after_a_block_that_lies_the_next_one_is_found() {
    for (change, expected) in [
        (
            4,
            Damage::BlockLength {
                block: 6,
                length: 0xffff_ff24,
                least: 32,
                limit: 1_114_112,
            },
        ),
        (
            32,
            Damage::BlockLengths {
                block: 6,
                first: 36,
                last: 0xffff_ff24,
            },
        ),
    ] {
        let mut file = Writer::section(false);
        file.interface(1, 0, &[]).packet(0, 1, b"a", &[]);
        let bad = file.bytes.len();
        for _ in 0..10 {
            file.packet(0, 1, b"b", &[]);
        }
        file.bytes[bad + change + 1..bad + change + 4].fill(0xff);
        let contents = read(&file.bytes);
        assert_eq!(damage(&contents), [(bad as u64, 2, expected)]);
        assert_eq!(contents.resynchronised, [(bad as u64 + 36, 36)]);
        assert_eq!(contents.packets.len(), 10);
    }
}

#[test]
fn a_section_is_found_after_damage_in_either_order() {
    let mut file = Writer::section(false);
    file.interface(1, 0, &[]);
    let bad = file.bytes.len();
    file.bytes.extend([0xee; 37]);
    let mut second = Writer::section(true);
    second.interface(101, 0, &[]).packet(0, 0, b"b", &[]);
    file.bytes.extend(second.bytes);
    let contents = read(&file.bytes);
    assert_eq!(contents.resynchronised, [(bad as u64 + 37, 37)]);
    assert_eq!(contents.packets[0].link, LinkType::RAW);
}

#[test]
fn no_file_makes_the_reader_hold_much() {
    // A record of 2 GB, a snap length of 4 GB: an error, not a request.
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    file.extend([0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0]);
    let record = [1u32, 0, 0x7fff_ffff, 0x7fff_ffff];
    file.extend(record.iter().flat_map(|word| word.to_le_bytes()));
    let contents = read(&file);
    let expected = Damage::RecordLength {
        captured: 0x7fff_ffff,
        limit: 1 << 20,
    };
    assert_eq!(damage(&contents), [(24, 1, expected)]);
    // One record of exactly the limit is asked for whole.
    file.truncate(24);
    let record = [1u32, 0, 1 << 20, 1 << 20];
    file.extend(record.iter().flat_map(|word| word.to_le_bytes()));
    let mut reader = CaptureReader::new();
    assert_eq!(reader.next(&file, false), Step::Skipped { consumed: 24 });
    let at_least = 16 + (1 << 20);
    assert_eq!(reader.next(&file[24..], false), Step::NeedMore { at_least });
    assert!(at_least <= CaptureReader::LOOKAHEAD);
}

#[test]
fn interfaces_without_end_are_refused() {
    let mut file = Writer::section(false);
    for _ in 0..65_537 {
        file.interface(1, 0, &[]);
    }
    file.packet(65_535, 0, b"a", &[]);
    let contents = read(&file.bytes);
    assert_eq!(contents.errors.len(), 1);
    let limit = 65_536;
    assert_eq!(contents.errors[0].1.damage, Damage::Interfaces { limit });
    assert_eq!(contents.packets.len(), 1);
}

#[test]
fn a_damaged_description_keeps_the_numbers_of_the_others() {
    let mut file = Writer::section(false);
    let lie = [file.u16(2), file.u16(99)].concat();
    let told = [file.option(9, &[9]), lie.clone()].concat();
    file.interface(1, 0, &lie)
        .interface(1, 0, &told)
        .packet(0, 5, b"a", &[])
        .packet(1, 5, b"b", &[]);
    let contents = read(&file.bytes);
    assert_eq!(times(&contents), [None, Some(5)]);
    assert_eq!(contents.errors.len(), 2);
    let mut reader = CaptureReader::new();
    let mut at = 0;
    while reader.packets() < 2 {
        at += reader.next(&file.bytes[at..], true).consumed();
    }
    let resolutions: Vec<_> = reader
        .interfaces()
        .iter()
        .map(|interface| interface.resolution)
        .collect();
    assert_eq!(resolutions, [None, Some(Resolution::Nanoseconds(1))]);
}

#[test]
fn what_is_no_capture_says_what_it_is() {
    let message = |bytes: &[u8]| read(bytes).errors[0].1.to_string();
    assert_eq!(
        message(&[0x1f, 0x8b, 8, 0, 0]),
        "neither pcap nor pcapng but gzip data"
    );
    assert_eq!(
        message(b"<html>"),
        "neither pcap nor pcapng: it begins with 3c 68 74 6d"
    );
    let bad_order = [0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 1, 2, 3, 4];
    assert_eq!(
        message(&bad_order),
        "at byte 0, packet 1: section header with byte-order magic 0x01020304, expected 0x1a2b3c4d in either order"
    );
    let cut = Writer::section(false).bytes;
    assert_eq!(
        message(&cut[..20]),
        "at byte 0, packet 1: the capture ends in its header: 20 of 28 bytes"
    );
}
