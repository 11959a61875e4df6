//! What holds for all bytes.

#[path = "support/reading.rs"]
mod support;

use perhop_wire::capture::{CaptureReader, Search, Start};
use perhop_wire::link::LinkType;
use proptest::prelude::*;
use support::checks::{LINKS, check};
use support::{read, read_in_chunks};

/// Frames with the bytes that open doors at the places where doors are.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let opening = prop_oneof![
        any::<u8>(),
        prop::sample::select(vec![
            0x00, 0x08, 0x45, 0x46, 0x60, 0x11, 0x06, 0x81, 0x86, 0xdd, 0x88, 0xa8, 0x47, 0x64,
            0x2f, 0x29, 0x04, 0xaa, 0x03, 0x2c, 0x33, 0x3c, 0x2b, 0xff, 0x21, 0x57,
        ]),
    ];
    prop::collection::vec(opening, 0..200)
}

/// An Ethernet frame of IPv4 and UDP on a port of choice, to be damaged.
fn udp_frame(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; 12];
    frame.extend([8, 0]);
    let length = (28 + payload.len()) as u16;
    frame.extend([0x45, 0xb8]);
    frame.extend(length.to_be_bytes());
    frame.extend([0, 1, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend(port.to_be_bytes());
    frame.extend(port.to_be_bytes());
    frame.extend((length - 20).to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(payload);
    frame
}

/// A capture of `count` records: pcap or pcapng, both byte orders, both resolutions.
fn capture(kind: u8, count: u8) -> Vec<u8> {
    let payload = |number: u8| udp_frame(20_000, &vec![number; usize::from(number)]);
    let big = kind & 1 != 0;
    let word = |value: u32| {
        if big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    };
    let mut bytes = Vec::new();
    if kind & 2 == 0 {
        let magic: u32 = if kind & 4 == 0 {
            0xa1b2_c3d4
        } else {
            0xa1b2_3c4d
        };
        bytes.extend(word(magic));
        for value in [0x0004_0002, 0, 0, 65_535, 1] {
            bytes.extend(word(value));
        }
        for number in 0..count {
            let data = payload(number);
            for value in [
                1_700_000_000,
                u32::from(number),
                data.len() as u32,
                data.len() as u32,
            ] {
                bytes.extend(word(value));
            }
            bytes.extend(data);
        }
        return bytes;
    }
    let mut block = |kind: u32, body: &[u8]| {
        let length = 12 + body.len().next_multiple_of(4);
        bytes.extend(word(kind));
        bytes.extend(word(length as u32));
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(word(length as u32));
    };
    let version = if big { [0, 1, 0, 0] } else { [1, 0, 0, 0] };
    let section = [word(0x1a2b_3c4d), version, [0xff; 4], [0xff; 4]].concat();
    block(0x0a0d_0d0a, &section);
    let link = if big { [0, 1, 0, 0] } else { [1, 0, 0, 0] };
    block(1, &[link, word(0)].concat());
    for number in 0..count {
        let data = payload(number);
        let length = word(data.len() as u32);
        let time = word(u32::from(number));
        let fixed = [word(0), word(395_812), time, length, length].concat();
        block(6, &[fixed, data].concat());
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_bytes_panic_the_dissector(frame in frame(), link in prop::sample::select(LINKS.to_vec()), wire in any::<u32>()) {
        check(LinkType(link), &frame, wire % 3000);
        check(LinkType(link), &frame, wire);
    }

    #[test]
    fn no_tunnel_payload_panics(
        port in prop::sample::select(vec![1701u16, 2152, 3544, 4789, 6081, 8472]),
        payload in frame(),
        cut in 0usize..300,
    ) {
        let mut frame = udp_frame(port, &payload);
        let wire = frame.len() as u32;
        frame.truncate(cut);
        check(LinkType::ETHERNET, &frame, wire);
    }

    #[test]
    fn no_bytes_panic_the_reader(mut bytes in prop::collection::vec(any::<u8>(), 0..400), start in 0u8..8) {
        read(&bytes);
        let head = capture(start, 1);
        bytes.splice(0..0, head);
        read(&bytes);
    }

    #[test]
    fn a_damaged_capture_ends(
        kind in 0u8..8,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = capture(kind, 40);
        for (place, value) in &changes {
            let place = place.index(bytes.len());
            bytes[place] = *value;
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        for packet in read(&bytes).packets {
            check(packet.link, &packet.data, packet.wire_len);
        }
    }

    #[test]
    fn refilling_changes_nothing(
        kind in 0u8..8,
        change in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
        chunks in prop::collection::vec(1usize..700, 1..8),
    ) {
        let mut bytes = capture(kind, 60);
        if let Some((place, value)) = change {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let whole = read(&bytes);
        if change.is_none() {
            prop_assert_eq!(whole.packets.len(), 60);
            prop_assert_eq!(&whole.errors, &[]);
        }
        let parts = read_in_chunks(&bytes, |n| chunks[n % chunks.len()]);
        prop_assert_eq!(whole, parts);
    }

    #[test]
    fn a_start_in_the_middle_is_a_record(kind in 0u8..8, from in any::<prop::sample::Index>()) {
        let bytes = capture(kind, 60);
        let mut reader = CaptureReader::new();
        let mut at = 0;
        let mut starts = Vec::new();
        loop {
            let before = reader.packets();
            let step = reader.next(&bytes[at..], true);
            let consumed = step.consumed();
            if reader.packets() > before {
                starts.push(at);
            }
            if consumed == 0 {
                break;
            }
            at += consumed;
        }
        let from = from.index(bytes.len());
        let expected = starts.iter().copied().find(|start| *start >= from);
        if from < starts[0] {
            return Ok(());
        }
        match reader.find_start(&bytes[from..], true) {
            Search::Found(ahead) => {
                prop_assert_eq!(Some(from + ahead), expected);
                prop_assert_eq!(reader.is_start(&bytes[from + ahead..], true), Start::Yes);
                let mut later = reader.at((from + ahead) as u64, 0);
                let step = later.next(&bytes[from + ahead..], true);
                prop_assert!(matches!(step, perhop_wire::capture::Step::Packet(_)));
            }
            found => {
                prop_assert_eq!(found, Search::Nowhere);
                prop_assert_eq!(expected, None);
            }
        }
    }
}
