//! The hash of a flow: a folded 128-bit product with a seed, the same for both directions but for one bit.

use perhop_wire::packet::Addresses;

/// Secrets that a seed is stretched to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seeds([u64; 4]);

/// A flow's identity in two words, and its hash.
///
/// For IPv4 the words are the whole 5-tuple. For IPv6 the first is a digest, and the addresses must be compared too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hashed {
    pub(super) key: [u64; 2],
    pub(super) hash: u64,
}

impl Seeds {
    /// Stretches a seed (the finaliser of `SplitMix64`).
    pub(super) fn new(seed: u64) -> Self {
        let mut state = seed;
        Self([(); 4].map(|()| {
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
        let (src_port, dst_port) = (u64::from(ports.0), u64::from(ports.1));
        let rest = src_port << 48 | dst_port << 32 | u64::from(protocol) << 24;
        let (src, dst, first, second) = match addresses {
            Addresses::V4 { src, dst } => {
                let both = u64::from(*src) << 32 | u64::from(*dst);
                return self.hash_v4(both, protocol, ports);
            }
            Addresses::V6 { src, dst } => {
                let (src, dst) = (self.digest(*src), self.digest(*dst));
                (src, dst, src.rotate_left(32) ^ dst, rest | V6)
            }
        };
        self.finish([first, second], [src ^ src_port, dst ^ dst_port], protocol)
    }

    /// Hashes a 5-tuple of IPv4: source address in the upper half, destination in the lower.
    #[inline(always)]
    pub(super) fn hash_v4(&self, addresses: u64, protocol: u8, ports: (u16, u16)) -> Hashed {
        let (src_port, dst_port) = (u64::from(ports.0), u64::from(ports.1));
        let rest = src_port << 48 | dst_port << 32 | u64::from(protocol) << 24;
        let (src, dst) = (addresses >> 32, addresses & 0xffff_ffff);
        let ends = [src << 16 ^ src_port, dst << 16 ^ dst_port];
        self.finish([addresses, rest], ends, protocol)
    }

    #[inline(always)]
    fn finish(&self, key: [u64; 2], [one, two]: [u64; 2], protocol: u8) -> Hashed {
        let (low, high) = (one.min(two), one.max(two));
        let protocol = u64::from(protocol) << 56;
        let both = fold(low ^ self.0[0], high ^ protocol ^ self.0[1]);
        Hashed {
            key,
            hash: both & !DIRECTION | if one < two { DIRECTION } else { 0 },
        }
    }

    fn digest(&self, address: u128) -> u64 {
        fold(
            (address >> 64) as u64 ^ self.0[2],
            address as u64 ^ self.0[3],
        )
    }
}

impl Hashed {
    /// The same 5-tuple in a VLAN, told from that in others and in none.
    #[inline(never)]
    pub(super) fn in_vlan(mut self, id: Option<u16>) -> Self {
        self.key[1] |= id.map_or(0, |id| u64::from(id) + 1) << 8;
        self
    }
}

/// The hash of the other direction of a flow with this key.
pub(super) fn reversed_hash(hash: u32, key: [u64; 2]) -> u32 {
    if reversed(key) == key {
        hash
    } else {
        hash ^ DIRECTION as u32
    }
}

/// The key of the other direction.
pub(super) const fn reversed(key: [u64; 2]) -> [u64; 2] {
    let ports = key[1] >> 48 | (key[1] >> 16 & 0xffff_0000);
    [key[0].rotate_left(32), ports << 32 | key[1] & 0xffff_ffff]
}

/// Protocol and ports in a key.
pub(super) const fn parts(key: [u64; 2]) -> (u8, u16, u16) {
    let word = key[1];
    ((word >> 24) as u8, (word >> 48) as u16, (word >> 32) as u16)
}

/// Whether a key is IPv6's, and its first word a digest.
pub(super) const fn is_v6(key: [u64; 2]) -> bool {
    key[1] & V6 != 0
}

#[inline]
fn fold(one: u64, two: u64) -> u64 {
    let product = u128::from(one) * u128::from(two);
    product as u64 ^ (product >> 64) as u64
}

const V6: u64 = 1;
/// The bit of a hash in which the two directions of a flow differ. It is one of those by which a flow is told in the
/// index, and none of those that choose a partition or a place in the index.
const DIRECTION: u64 = 1 << 31;

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
