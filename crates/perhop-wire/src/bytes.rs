//! Big-endian numbers at fixed places of a header whose length is already checked.

/// The number in two bytes from `at`; `at + 2` must not be past the end of the array.
#[inline]
pub(crate) const fn u16_at<const N: usize>(bytes: &[u8; N], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// The number in four bytes from `at`; `at + 4` must not be past the end of the array.
#[inline]
pub(crate) const fn u32_at<const N: usize>(bytes: &[u8; N], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// The number in sixteen bytes from `at`; `at + 16` must not be past the end of the array.
#[inline]
pub(crate) const fn u128_at<const N: usize>(bytes: &[u8; N], at: usize) -> u128 {
    let (_, from) = bytes.split_at(at);
    match from.first_chunk() {
        Some(number) => u128::from_be_bytes(*number),
        None => 0,
    }
}

/// A length as `u32`; nothing that is captured is longer.
#[inline]
pub(crate) fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
