//! Numbers as JSON has them, as short as they can be and without exponents.

/// Appends a number of 0 or more.
#[inline]
pub(super) fn push_unsigned(text: &mut Vec<u8>, number: u64) {
    if number < 10 {
        return text.push(b'0' + number as u8);
    }
    push_long(text, number);
}

fn push_long(text: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 2 * MOST];
    let (mut at, mut rest) = (MOST, number);
    while rest >= 10 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(&PAIRS[(rest % 100) as usize]);
        rest /= 100;
    }
    if rest > 0 {
        at -= 1;
        digits[at] = b'0' + rest as u8;
    }
    // A copy of fixed length is a few instructions, one of another length a call.
    text.extend_from_slice(&digits[at..at + MOST]);
    text.truncate(text.len() - at);
}

/// Digits of the largest number.
const MOST: usize = 20;

/// Appends a whole number.
#[inline]
pub(super) fn push_signed(text: &mut Vec<u8>, number: i64) {
    if number < 0 {
        text.push(b'-');
    }
    push_unsigned(text, number.unsigned_abs());
}

/// Appends nanoseconds as seconds with all nine decimals.
pub(super) fn push_decimal(text: &mut Vec<u8>, nanoseconds: i64) {
    if nanoseconds < 0 {
        text.push(b'-');
    }
    let magnitude = nanoseconds.unsigned_abs();
    push_unsigned(text, magnitude / 1_000_000_000);
    text.push(b'.');
    push_padded(text, (magnitude % 1_000_000_000) as u32, 9);
}

/// Appends an IPv4 address in quotes.
pub(super) fn push_address(text: &mut Vec<u8>, address: u32) {
    let (mut block, mut at) = ([b'"'; 17], 1);
    for (place, octet) in address.to_be_bytes().into_iter().enumerate() {
        if place > 0 {
            block[at] = b'.';
            at += 1;
        }
        if octet >= 100 {
            block[at] = b'0' + octet / 100;
            at += 1;
        }
        if octet >= 10 {
            block[at] = b'0' + octet / 10 % 10;
            at += 1;
        }
        block[at] = b'0' + octet % 10;
        at += 1;
    }
    block[at] = b'"';
    text.extend_from_slice(&block);
    text.truncate(text.len() - block.len() + at + 1);
}

/// Appends eight hexadecimal digits after `0x`, in quotes.
pub(super) fn push_hexadecimal(text: &mut Vec<u8>, number: u32) {
    let mut block = *b"\"0x00000000\"";
    for (place, digit) in block[3..11].iter_mut().rev().enumerate() {
        *digit = b"0123456789abcdef"[(number >> (4 * place) & 15) as usize];
    }
    text.extend_from_slice(&block);
}

/// Appends a number; `null` when it is none.
pub(super) fn push_float(text: &mut Vec<u8>, number: f64) {
    if number.to_bits() == 0 {
        return text.extend_from_slice(b"0.0");
    }
    if !number.is_finite() {
        return text.extend_from_slice(b"null");
    }
    let millionths = (number.abs() * 1e6).round();
    if millionths > LARGE || (millionths / 1e6).to_bits() != number.abs().to_bits() {
        return text.extend_from_slice(format!("{number:?}").as_bytes());
    }
    if number.is_sign_negative() {
        text.push(b'-');
    }
    let millionths = millionths as u64;
    push_unsigned(text, millionths / 1_000_000);
    text.push(b'.');
    let mut decimals = (millionths % 1_000_000) as u32;
    let mut count = 6;
    while count > 1 && decimals.is_multiple_of(10) {
        decimals /= 10;
        count -= 1;
    }
    push_padded(text, decimals, count);
}

fn push_padded(text: &mut Vec<u8>, number: u32, count: usize) {
    let mut digits = [b'0'; 10];
    let (mut at, mut rest) = (count, number);
    while at >= 2 && rest > 0 {
        at -= 2;
        let pair = PAIRS[(rest % 100) as usize];
        digits[at..at + 2].copy_from_slice(&pair);
        rest /= 100;
    }
    if at == 1 {
        digits[0] = b'0' + (rest % 10) as u8;
    }
    text.extend_from_slice(&digits);
    text.truncate(text.len() - digits.len() + count);
}

/// `00` to `99`.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// Millionths below 2^53 are whole numbers that a double holds.
const LARGE: f64 = 9e15;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    fn pushed<T>(push: fn(&mut Vec<u8>, T), number: T) -> String {
        let mut text = Vec::new();
        push(&mut text, number);
        String::from_utf8(text).unwrap()
    }

    proptest! {
        #[test]
        fn numbers_are_what_the_library_prints(unsigned: u64, signed: i64, float: f64, few in -2_000_000_000i64..2_000_000_000) {
            prop_assert_eq!(pushed(push_unsigned, unsigned), unsigned.to_string());
            prop_assert_eq!(pushed(push_signed, signed), signed.to_string());
            prop_assert_eq!(pushed(push_decimal, signed), crate::time::decimal(signed));
            let octets = unsigned as u32;
            prop_assert_eq!(pushed(push_address, octets), format!("\"{}\"", Ipv4Addr::from_bits(octets)));
            prop_assert_eq!(pushed(push_hexadecimal, octets), format!("\"0x{octets:08x}\""));
            for number in [float, few as f64 / 1e6, few as f64 / 1e3, few as f64 / 1e8] {
                let text = pushed(push_float, number);
                prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), number.to_bits(), "{}", text);
            }
        }
    }

    #[test]
    fn floats_are_short() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.5, "1.5"),
            (-0.000001, "-0.000001"),
            (12.345678, "12.345678"),
            (f64::NAN, "null"),
        ];
        for (number, text) in cases {
            assert_eq!(pushed(push_float, number), text);
        }
    }
}
