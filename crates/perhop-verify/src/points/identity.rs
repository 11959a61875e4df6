//! What tells one packet from all others and survives the way between two points.

use perhop_wire::media::{self, Content};
use perhop_wire::packet::{Observation, Transport};

/// What stays the same of a packet between two points. Addresses, ports, marks, times to live, tags, identification and
/// checksums are not in it: routers, address translators and capture points change them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    /// The transport header without ports and checksum, the payload's length and its first [`CONTENT`] bytes.
    pub(super) content: u64,
    /// For what can be RTP: SSRC, sequence number and timestamp, whatever a relay put around it. For anything else the
    /// same as the content, with the first [`BRIEF`] bytes.
    pub(super) brief: u64,
    /// The capture cut the bytes that `content` would need.
    pub(super) cut: bool,
    /// Can be RTP.
    pub(super) rtp: bool,
}

impl Identity {
    /// The identity of a packet with ports; `None` when the capture cut off too much.
    pub(super) fn of(seen: &Observation<'_>, seed: u64) -> Option<Self> {
        let start = match seen.transport {
            Transport::Udp { .. } => mix(seed, UDP),
            Transport::Tcp {
                flags,
                sequence,
                acknowledgement,
                ..
            } => {
                let numbers = u64::from(sequence) << 32 | u64::from(acknowledgement);
                mix(mix(seed, TCP | u64::from(flags)), numbers)
            }
            Transport::Other => return None,
        };
        let start = mix(start, u64::from(seen.payload_len));
        let wire = seen.payload_len as usize;
        let cut = seen.payload.len() < wire.min(CONTENT);
        let content = digest(start, head(seen.payload, CONTENT));
        let rtp = match seen.transport {
            Transport::Udp { .. } => rtp_digest(seen, seed),
            Transport::Tcp { .. } | Transport::Other => None,
        };
        let brief = match rtp {
            Some(brief) => brief,
            None if seen.payload.len() < wire.min(BRIEF) => return None,
            None => digest(start, head(seen.payload, BRIEF)),
        };
        Some(Self {
            content,
            brief,
            cut,
            rtp: rtp.is_some(),
        })
    }
}

fn rtp_digest(seen: &Observation<'_>, seed: u64) -> Option<u64> {
    let Content::Rtp(rtp) = media::peel(seen.payload, seen.payload_len).content else {
        return None;
    };
    let source = u64::from(rtp.ssrc()) << 32 | u64::from(rtp.timestamp());
    Some(mix(
        mix(mix(seed, RTP), source),
        u64::from(rtp.sequence()) + 1,
    ))
}

fn head(bytes: &[u8], len: usize) -> &[u8] {
    bytes.get(..len).unwrap_or(bytes)
}

fn digest(start: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let state = words
        .iter()
        .fold(start, |state, word| mix(state, u64::from_be_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(state, u64::from_be_bytes(last))
}

/// A folded 128-bit product.
const fn mix(state: u64, word: u64) -> u64 {
    let product = (state ^ word ^ ODD) as u128 * (MULTIPLIER ^ state.rotate_left(29)) as u128;
    product as u64 ^ (product >> 64) as u64
}

const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
const MULTIPLIER: u64 = 0xd6e8_feb8_6659_fd93;
const UDP: u64 = 0x11 << 32;
const TCP: u64 = 0x06 << 32;
const RTP: u64 = 0x80 << 32;
/// Payload bytes of the content.
pub(super) const CONTENT: usize = 64;
/// Payload bytes that are enough where a capture cut packets.
pub(super) const BRIEF: usize = 16;

#[cfg(test)]
mod tests {
    use perhop_wire::packet::{LinkType, dissect};
    use proptest::prelude::*;

    use super::*;

    /// A UDP packet over IPv4.
    fn packet(address: u8, ports: [u8; 4], ds: u8, ttl: u8, payload: &[u8]) -> Vec<u8> {
        let len = |extra: usize| u16::try_from(payload.len() + extra).unwrap().to_be_bytes();
        let mut out = vec![0x45, ds];
        out.extend(len(28));
        out.extend([
            ds, ttl, 0, 0, ttl, 17, ttl, ds, 10, 0, 0, address, 10, 0, 0, 9,
        ]);
        out.extend(ports);
        out.extend(len(8));
        out.extend([address, ttl]);
        out.extend(payload);
        out
    }

    fn identity(packet: &[u8]) -> Option<Identity> {
        let wire_len = u32::from(u16::from_be_bytes([packet[2], packet[3]]));
        Identity::of(&dissect(LinkType(101), packet, wire_len).unwrap(), 7)
    }

    proptest! {
        #[test]
        fn routers_and_translators_change_nothing(
            a: (u8, [u8; 4], u8, u8), b: (u8, [u8; 4], u8, u8), payload in proptest::collection::vec(any::<u8>(), 0..100)
        ) {
            // Ports of tunnels are dissected further.
            let ports = |[_, one, _, two]: [u8; 4]| [80, one, 80, two];
            let one = identity(&packet(a.0, ports(a.1), a.2, a.3, &payload));
            let two = identity(&packet(b.0, ports(b.1), b.2, b.3, &payload));
            prop_assert!(one.is_some());
            prop_assert_eq!(one, two);
        }

        #[test]
        fn another_payload_is_another_packet(payload in proptest::collection::vec(any::<u8>(), 1..CONTENT), at: prop::sample::Index, bit in 0u8..8) {
            let one = identity(&packet(1, [80; 4], 0, 64, &payload)).unwrap();
            let mut changed = payload.clone();
            changed[at.index(payload.len())] ^= 1 << bit;
            let two = identity(&packet(1, [80; 4], 0, 64, &changed)).unwrap();
            prop_assert_ne!(one.content, two.content);
            changed.push(0);
            prop_assert_ne!(identity(&packet(1, [80; 4], 0, 64, &changed)).unwrap().content, two.content);
        }

        #[test]
        fn a_cut_packet_has_the_same_brief_identity(payload in proptest::collection::vec(any::<u8>(), 0..100), kept in 0usize..100) {
            let whole = packet(1, [80; 4], 0, 64, &payload);
            let cut = &whole[..whole.len().min(28 + kept)];
            let (one, two) = (identity(&whole).unwrap(), identity(cut));
            if let Some(two) = two {
                if two.rtp == one.rtp {
                    prop_assert_eq!(one.brief, two.brief);
                }
                if !two.cut {
                    prop_assert_eq!(one.content, two.content);
                }
            } else {
                prop_assert!(kept < BRIEF);
            }
        }
    }

    #[test]
    fn rtp_is_told_by_its_header_inside_a_relay_too() {
        let mut rtp = vec![0x80, 111, 0, 7, 0, 0, 0, 160, 1, 2, 3, 4];
        rtp.extend([9; 40]);
        let mut relayed = vec![0x40, 0, 0, 52];
        relayed.extend(&rtp);
        let one = identity(&packet(1, [80; 4], 0, 64, &rtp)).unwrap();
        let two = identity(&packet(2, [80; 4], 0, 64, &relayed)).unwrap();
        assert!(one.rtp && two.rtp);
        assert_eq!(one.brief, two.brief);
        assert_ne!(one.content, two.content);
        rtp[3] = 8;
        assert_ne!(
            identity(&packet(1, [80; 4], 0, 64, &rtp)).unwrap().brief,
            one.brief
        );
    }
}
