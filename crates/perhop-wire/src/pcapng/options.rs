//! Options: code, length, value padded to four bytes.

use super::Order;
use crate::capture::Damage;

/// A walk over the options of a block; it ends at the end-of-options code, or with what is wrong.
#[derive(Debug, Clone)]
pub(crate) struct Options<'a> {
    order: Order,
    rest: &'a [u8],
}

impl<'a> Options<'a> {
    pub(crate) const fn new(order: Order, rest: &'a [u8]) -> Self {
        Self { order, rest }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = Result<(u16, &'a [u8]), Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        let (header, rest) = self.rest.split_first_chunk::<4>()?;
        let code = self.order.u16_at(header, 0);
        let length = self.order.u16_at(header, 2);
        if code == 0 {
            self.rest = &[];
            return None;
        }
        let Some(value) = rest.get(..usize::from(length)) else {
            self.rest = &[];
            return Some(Err(Damage::OptionLength {
                code,
                length,
                room: rest.len() as u32,
            }));
        };
        self.rest = rest
            .get(usize::from(length).next_multiple_of(4)..)
            .unwrap_or_default();
        Some(Ok((code, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_padded_and_the_end_is_the_end() {
        let bytes = [
            2, 0, 3, 0, b'a', b'b', b'c', 0, 9, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0,
        ];
        let found: Vec<_> = Options::new(Order::Little, &bytes).collect();
        assert_eq!(found, [Ok((2, &b"abc"[..])), Ok((9, &b""[..]))]);
    }

    #[test]
    fn a_length_that_lies_is_named_once() {
        let bytes = [0, 2, 0, 9, b'a', b'b', b'c', 0];
        let mut options = Options::new(Order::Big, &bytes);
        let damage = Damage::OptionLength {
            code: 2,
            length: 9,
            room: 4,
        };
        assert_eq!(options.next(), Some(Err(damage)));
        assert_eq!(options.next(), None);
    }
}
