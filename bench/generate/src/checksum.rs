//! The Internet checksum (RFC 1071) and the CRC of STUN's fingerprint.

/// A ones' complement sum under way, over big-endian 16-bit words.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum(u64);

impl Sum {
    /// Adds bytes; an odd last one counts as the upper half of a word.
    #[must_use]
    pub(crate) fn add(self, bytes: &[u8]) -> Self {
        let words = bytes.chunks_exact(4);
        let rest = words.remainder();
        let mut total = self.0;
        for word in words {
            total += u64::from(u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
        }
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        Self(total + u64::from(u32::from_be_bytes(last)))
    }

    /// Adds a number.
    #[must_use]
    pub(crate) fn number(self, number: u32) -> Self {
        Self(self.0 + u64::from(number))
    }

    /// The checksum to write.
    #[must_use]
    pub(crate) fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !u16::try_from(sum).expect("folded to 16 bits")
    }
}

/// CRC-32 (ISO 3309), as STUN's FINGERPRINT wants it before its own xor (RFC 8489 §14.7).
#[must_use]
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        // The example of RFC 1071 §3: the sum is ddf2.
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(Sum::default().add(&bytes).finish(), !0xddf2);
        assert_eq!(Sum::default().add(&[0x12]).finish(), !0x1200);
    }
}
