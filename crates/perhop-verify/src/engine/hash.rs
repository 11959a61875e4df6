//! The hash of a flow: a folded 128-bit product with a seed, the same for both directions but for one bit.

use perhop_wire::packet::Addresses;

/// Secrets that a seed is stretched to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seeds([u64; 3]);

/// A flow's identity in two words, and its hash.
///
/// For IPv4 the words are bytes 8 to 23 of the packet as they stand, in little-endian order, without the checksum: time to
/// live, protocol, addresses, ports. For IPv6 digests stand for the addresses, which must be compared too. The time to
/// live belongs to no identity; it is there because it hardly ever changes, and so one comparison does for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hashed {
    pub(super) key: Key,
    pub(super) hash: u64,
}

/// The words of a [`Hashed`].
pub(super) type Key = [u64; 2];

impl Seeds {
    /// Stretches a seed (the finaliser of `SplitMix64`).
    pub(super) fn new(seed: u64) -> Self {
        let mut state = seed;
        Self([(); 3].map(|()| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = state;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (word ^ (word >> 31)) | 1
        }))
    }

    /// Hashes a 5-tuple.
    #[inline(always)]
    pub(super) fn hash(&self, addresses: &Addresses, protocol: u8, ports: (u16, u16)) -> Hashed {
        match addresses {
            Addresses::V4 { src, dst } => {
                let ends = [src.swap_bytes(), dst.swap_bytes()];
                self.hash_v4(key_of(ends, u64::from(protocol) << 8, raw(ports)))
            }
            Addresses::V6 { src, dst } => self.hash_v6([*src, *dst], protocol, raw(ports)),
        }
    }

    /// Hashes the key of an IPv4 packet.
    #[inline(always)]
    pub(super) const fn hash_v4(&self, key: Key) -> Hashed {
        let src = key[0] >> 16 & 0xffff_ffff_0000 | key[1] >> 32 & 0xffff;
        let dst = key[1].rotate_left(16) & 0xffff_ffff_ffff;
        self.finish(key, [src, dst])
    }

    /// Hashes a 5-tuple of IPv6; the ports are as they stand in the packet, in little-endian order.
    #[inline(always)]
    pub(super) const fn hash_v6(&self, ends: [u128; 2], protocol: u8, ports: u32) -> Hashed {
        let (src, dst) = (self.digest(ends[0]), self.digest(ends[1]));
        let key = key_of([src as u32, dst as u32], V6 | (protocol as u64) << 8, ports);
        let (src_port, dst_port) = (ports as u64 & 0xffff, ports as u64 >> 16);
        self.finish(key, [src ^ src_port, dst ^ dst_port])
    }

    #[inline(always)]
    const fn finish(&self, key: Key, [one, two]: [u64; 2]) -> Hashed {
        let secret = self.0[0] ^ (key[0] & PROTOCOL) << 48;
        let both = fold(one ^ secret, two ^ secret);
        Hashed {
            key,
            hash: both & !DIRECTION | ((one < two) as u64) << DIRECTION_BIT,
        }
    }

    #[inline(always)]
    const fn digest(&self, address: u128) -> u64 {
        fold(
            (address >> 64) as u64 ^ self.0[1],
            address as u64 ^ self.0[2],
        )
    }
}

impl Hashed {
    /// The same 5-tuple in a VLAN, told from that in others and in none.
    #[inline(never)]
    pub(super) fn in_vlan(mut self, id: Option<u16>) -> Self {
        self.key[0] |= id.map_or(0, |id| u64::from(id) + 1) << VLAN_SHIFT;
        self
    }
}

#[inline(always)]
const fn key_of([src, dst]: [u32; 2], rest: u64, ports: u32) -> Key {
    [(src as u64) << 32 | rest, (ports as u64) << 32 | dst as u64]
}

/// Ports as they stand in a packet, in little-endian order.
#[inline(always)]
const fn raw((src, dst): (u16, u16)) -> u32 {
    src.swap_bytes() as u32 | (dst.swap_bytes() as u32) << 16
}

/// The key with a time to live.
#[inline(always)]
pub(super) const fn with_ttl(key: Key, ttl: u8) -> Key {
    [key[0] & !TTL | ttl as u64, key[1]]
}

/// The time to live in a key.
#[inline(always)]
pub(super) const fn ttl(key: Key) -> u8 {
    key[0] as u8
}

/// Whether two keys are of the same flow, IPv6 addresses aside.
#[inline(always)]
pub(super) const fn is_same(one: Key, other: Key) -> bool {
    (one[0] ^ other[0]) & !TTL | (one[1] ^ other[1]) == 0
}

/// The hash of the other direction of a flow with this key.
pub(super) fn reversed_hash(hash: u32, key: Key) -> u32 {
    if reversed(key) == key {
        hash
    } else {
        hash ^ DIRECTION as u32
    }
}

/// The key of the other direction.
pub(super) const fn reversed(key: Key) -> Key {
    let (src, dst) = (key[0] >> 32, key[1] & 0xffff_ffff);
    let ports = (key[1] >> 32) as u32;
    [
        dst << 32 | key[0] & 0xffff_ffff,
        (ports.rotate_left(16) as u64) << 32 | src,
    ]
}

/// Protocol and ports in a key.
pub(super) const fn parts(key: Key) -> (u8, u16, u16) {
    let ports = key[1] >> 32;
    (
        (key[0] >> 8) as u8,
        (ports as u16).swap_bytes(),
        ((ports >> 16) as u16).swap_bytes(),
    )
}

/// The addresses in a key of IPv4.
pub(super) const fn addresses_v4(key: Key) -> Addresses {
    Addresses::V4 {
        src: ((key[0] >> 32) as u32).swap_bytes(),
        dst: (key[1] as u32).swap_bytes(),
    }
}

/// Whether a key is IPv6's, and digests stand for the addresses.
#[inline(always)]
pub(super) const fn is_v6(key: Key) -> bool {
    key[0] & V6 != 0
}

#[inline(always)]
const fn fold(one: u64, two: u64) -> u64 {
    let product = one as u128 * two as u128;
    product as u64 ^ (product >> 64) as u64
}

const TTL: u64 = 0xff;
const PROTOCOL: u64 = 0xff00;
/// Where IPv4 has the checksum, a key has the VLAN plus 1 in thirteen bits, and this bit.
const VLAN_SHIFT: u32 = 16;
const V6: u64 = 1 << 31;
/// The bits of IPv4's checksum, which are taken out of a key.
pub(super) const CHECKSUM: u64 = 0xffff_0000;
/// The bit of a hash in which the two directions of a flow differ. It is one of those by which a flow is told in the
/// index, and none of those that choose a partition or a place in the index.
const DIRECTION: u64 = 1 << DIRECTION_BIT;
const DIRECTION_BIT: u32 = 31;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn v4(src: u32, dst: u32) -> Addresses {
        Addresses::V4 { src, dst }
    }

    proptest! {
        #[test]
        fn both_directions_have_one_hash(src: u32, dst: u32, ports: (u16, u16), protocol: u8, seed: u64) {
            let seeds = Seeds::new(seed);
            let there = seeds.hash(&v4(src, dst), protocol, ports);
            let back = seeds.hash(&v4(dst, src), protocol, (ports.1, ports.0));
            prop_assert_eq!(reversed_hash(there.hash as u32, there.key), back.hash as u32);
            prop_assert_eq!(there.hash >> 32, back.hash >> 32);
            prop_assert_eq!(reversed(there.key), back.key);
            prop_assert_eq!(parts(there.key), (protocol, ports.0, ports.1));
            prop_assert_eq!(there.key == back.key, src == dst && ports.0 == ports.1);
        }

        #[test]
        fn ipv6_directions_have_one_hash(src: u128, dst: u128, ports: (u16, u16)) {
            let seeds = Seeds::new(7);
            let there = seeds.hash(&Addresses::V6 { src, dst }, 17, ports);
            let back = seeds.hash(&Addresses::V6 { src: dst, dst: src }, 17, (ports.1, ports.0));
            prop_assert_eq!(reversed_hash(there.hash as u32, there.key), back.hash as u32);
            prop_assert_eq!(there.hash >> 32, back.hash >> 32);
            prop_assert_eq!(reversed(there.key), back.key);
            prop_assert!(is_v6(there.key) && !is_v6(seeds.hash(&v4(1, 2), 17, ports).key));
        }
    }

    #[test]
    fn neighbours_spread() {
        let seeds = Seeds::new(0);
        let mut buckets = [0u32; 256];
        for host in 0..256u32 {
            for port in 0..256u16 {
                let hashed = seeds.hash(&v4(0x0a00_0000 + host, 0x0afa_0001), 17, (port, 5004));
                buckets[(hashed.hash & 255) as usize] += 1;
                buckets[(hashed.hash >> 56) as usize] += 1;
            }
        }
        let (least, most) = (buckets.iter().min().unwrap(), buckets.iter().max().unwrap());
        assert!(
            *least > 400 && *most < 640,
            "{least} to {most}, 512 expected"
        );
    }
}
