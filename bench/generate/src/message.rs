//! Payloads: RTP, RTCP, STUN, TURN channel data, DNS.

use crate::checksum::crc32;

/// Bytes of an RTP header without extension and contributing sources.
pub(crate) const RTP_HEADER: usize = 12;

const COOKIE: u32 = 0x2112_a442;

/// What goes into an RTP header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RtpHeader {
    pub(crate) marker: bool,
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
}

impl RtpHeader {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[0x80, u8::from(self.marker) << 7 | self.payload_type]);
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        out.extend_from_slice(&self.ssrc.to_be_bytes());
    }
}

/// What goes into a sender report with one report block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SenderReport {
    pub(crate) ssrc: u32,
    /// Seconds since 1900 and their 2^-32 parts.
    pub(crate) ntp: u64,
    pub(crate) timestamp: u32,
    pub(crate) packets: u32,
    pub(crate) octets: u32,
    pub(crate) reported: Reported,
}

/// The block about what the other side sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reported {
    pub(crate) ssrc: u32,
    pub(crate) lost: u32,
    pub(crate) highest: u32,
    pub(crate) jitter: u32,
}

impl SenderReport {
    /// Writes the report and a description with a canonical name.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let halves = [upper(self.ntp), lower(self.ntp)];
        let block = [
            self.reported.ssrc,
            self.reported.lost & 0x00ff_ffff,
            self.reported.highest,
        ];
        let rest = [self.reported.jitter, 0, 0];
        let words = [
            0x81c8_000c,
            self.ssrc,
            halves[0],
            halves[1],
            self.timestamp,
            self.packets,
            self.octets,
        ];
        for word in words.into_iter().chain(block).chain(rest) {
            out.extend_from_slice(&word.to_be_bytes());
        }
        out.extend_from_slice(&0x81ca_0005_u32.to_be_bytes());
        out.extend_from_slice(&self.ssrc.to_be_bytes());
        out.extend_from_slice(&[1, 13]);
        out.extend_from_slice(b"a@example.net");
        out.push(0);
    }
}

/// A STUN message; a FINGERPRINT is added at its end.
pub(crate) fn stun(
    out: &mut Vec<u8>,
    message_type: u16,
    transaction: [u8; 12],
    attributes: &[(u16, &[u8])],
) {
    let start = out.len();
    let padded: usize = attributes
        .iter()
        .map(|(_, value)| 4 + value.len().next_multiple_of(4))
        .sum();
    out.extend_from_slice(&message_type.to_be_bytes());
    out.extend_from_slice(&sixteen(padded + 8).to_be_bytes());
    out.extend_from_slice(&COOKIE.to_be_bytes());
    out.extend_from_slice(&transaction);
    for (kind, value) in attributes {
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&sixteen(value.len()).to_be_bytes());
        out.extend_from_slice(value);
        out.extend_from_slice(&[0; 3][..value.len().wrapping_neg() % 4]);
    }
    let crc = crc32(&out[start..]) ^ 0x5354_554e;
    out.extend_from_slice(&[0x80, 0x28, 0, 4]);
    out.extend_from_slice(&crc.to_be_bytes());
}

/// The four bytes before data on a TURN channel.
pub(crate) fn channel_data(out: &mut Vec<u8>, channel: u16, len: usize) {
    out.extend_from_slice(&channel.to_be_bytes());
    out.extend_from_slice(&sixteen(len).to_be_bytes());
}

/// A query for the address of a name, or its answer.
pub(crate) fn dns(out: &mut Vec<u8>, id: u16, number: u16, is_answer: bool) {
    out.extend_from_slice(&id.to_be_bytes());
    let counts = if is_answer {
        [0x81, 0x80, 0, 1, 0, 1]
    } else {
        [0x01, 0x00, 0, 1, 0, 0]
    };
    out.extend_from_slice(&counts);
    out.extend_from_slice(&[0; 4]);
    let host = format!("host{number:05}");
    for label in [host.as_str(), "example", "net"] {
        out.push(u8::try_from(label.len()).expect("labels are short"));
        out.extend_from_slice(label.as_bytes());
    }
    out.extend_from_slice(&[0, 0, 1, 0, 1]);
    if is_answer {
        out.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4, 203, 0, 113]);
        out.push(number.to_be_bytes()[1]);
    }
}

fn upper(value: u64) -> u32 {
    u32::try_from(value >> 32).expect("shifted")
}

fn lower(value: u64) -> u32 {
    u32::try_from(value & 0xffff_ffff).expect("masked")
}

fn sixteen(len: usize) -> u16 {
    u16::try_from(len).expect("messages are short")
}
