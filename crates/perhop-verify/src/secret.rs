//! A fast hash for tables that are asked once or more for each flow.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A secret of the process, and the hash that is made with it, so that no capture can be made to collide.
#[derive(Debug, Clone)]
pub(crate) struct Secret([u64; 2]);

/// A hash in the making: each word is multiplied with the secret.
#[derive(Debug)]
pub(crate) struct Folded([u64; 2]);

impl Default for Secret {
    fn default() -> Self {
        let random = RandomState::new();
        Self([random.hash_one(0) | 1, random.hash_one(1) | 1])
    }
}

impl BuildHasher for Secret {
    type Hasher = Folded;

    #[inline]
    fn build_hasher(&self) -> Folded {
        Folded(self.0)
    }
}

impl Folded {
    #[inline]
    fn add(&mut self, word: u64) {
        let product = u128::from(self.0[0] ^ word) * u128::from(self.0[1]);
        self.0[0] = product as u64 ^ (product >> 64) as u64;
    }
}

impl Hasher for Folded {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.add(u64::from_le_bytes(word));
        }
    }

    #[inline]
    fn write_u8(&mut self, number: u8) {
        self.add(number.into());
    }

    #[inline]
    fn write_u16(&mut self, number: u16) {
        self.add(number.into());
    }

    #[inline]
    fn write_u32(&mut self, number: u32) {
        self.add(number.into());
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.add(number);
    }

    #[inline]
    fn write_usize(&mut self, number: usize) {
        self.add(number as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0[0]
    }
}
