//! What fuzzing runs, and the tests with it.

use perhop_wire::capture::{CaptureReader, Step};
use perhop_wire::link::LinkType;
use perhop_wire::packet::{Fragment, Transport, dissect};

use super::{read, read_in_chunks};

/// Link types that are decoded, and two that are not.
pub(crate) const LINKS: [u16; 17] = [
    0, 1, 9, 12, 14, 101, 105, 108, 113, 127, 192, 228, 229, 239, 276, 147, 65535,
];

/// What must hold of any observation; false when there is none.
pub(crate) fn check(link: LinkType, frame: &[u8], wire_len: u32) -> bool {
    let Ok(seen) = dissect(link, frame, wire_len) else {
        return false;
    };
    assert!(seen.payload.len() <= seen.payload_len as usize);
    assert!(seen.payload_len <= seen.ip_len);
    if seen.fragment == Fragment::Later {
        assert_eq!(seen.transport, Transport::Other);
    }
    let frame = frame.as_ptr_range();
    let payload = seen.payload.as_ptr_range();
    assert!(seen.payload.is_empty() || (frame.start <= payload.start && payload.end <= frame.end));
    if let Some(outer) = seen.outer {
        assert!((1..=8).contains(&outer.depth));
    }
    true
}

/// Fuzz target `frame`: one byte of link type, two of bytes that were cut off, the frame. Whether it held an IP packet.
pub(crate) fn frame(data: &[u8]) -> bool {
    let Some((&[link, high, low], frame)) = data.split_first_chunk::<3>() else {
        return false;
    };
    let link = LinkType(LINKS[usize::from(link) % LINKS.len()]);
    let cut = u32::from(u16::from_be_bytes([high, low]));
    check(link, frame, frame.len() as u32 + cut)
}

/// Fuzz target `capture`: a capture, read at once and in pieces; the pieces must not matter. Whether it held a packet.
pub(crate) fn capture(data: &[u8]) -> bool {
    let whole = read(data);
    for packet in &whole.packets {
        check(packet.link, &packet.data, packet.wire_len);
    }
    let parts = read_in_chunks(data, |n| 1 + (n * 37 + data.len()) % 61);
    assert_eq!(whole, parts);
    look_ahead(data);
    !whole.packets.is_empty()
}

/// Looking ahead comes to an end wherever it begins, and what is measured lies within the bytes, but for the last record.
fn look_ahead(data: &[u8]) {
    let (mut reader, mut at) = (CaptureReader::new(), 0);
    while at < data.len() && reader.packets() == 0 {
        let step = reader.next(&data[at..], true);
        if matches!(step, Step::End) {
            return;
        }
        at += step.consumed();
    }
    for from in [at, at / 2, data.len() / 3, 0] {
        let rest = &data[from.min(data.len())..];
        std::hint::black_box(reader.look_ahead(rest));
        let (bytes, records) = reader.measure(rest);
        assert!(records * 12 <= rest.len() + 12 && (records > 0 || bytes == 0));
    }
}
