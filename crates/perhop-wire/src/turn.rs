//! What a media relay wraps around a datagram: `ChannelData` (RFC 8656 section 12.4) and Microsoft's multiplexed TURN.

use crate::media::Flaw;

/// A `ChannelData` message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelData<'a> {
    /// The channel, `4000` to `4fff`.
    pub channel: u16,
    /// Length of the data in bytes as the header says.
    pub len: u16,
    /// The captured bytes of it.
    pub data: &'a [u8],
}

impl<'a> ChannelData<'a> {
    /// Checks a datagram; padding after the data is taken. `bytes` is what was captured, `wire_len` the length in bytes
    /// on the wire.
    ///
    /// # Errors
    /// [`Flaw`] when the channel is none or the data does not fit.
    pub fn new_checked(bytes: &'a [u8], wire_len: u32) -> Result<Self, Flaw> {
        let (head, rest) = bytes
            .split_first_chunk::<4>()
            .ok_or(Flaw::short(4, bytes.len()))?;
        let channel = u16::from_be_bytes([head[0], head[1]]);
        if !(0x4000..=0x4fff).contains(&channel) {
            return Err(Flaw::Type(channel));
        }
        let len = u16::from_be_bytes([head[2], head[3]]);
        let padding = wire_len.checked_sub(4 + u32::from(len));
        if padding.is_none_or(|padding| padding > 3) {
            return Err(Flaw::Length {
                says: 4 + u32::from(len),
                has: wire_len,
            });
        }
        Ok(Self {
            channel,
            len,
            data: rest.get(..usize::from(len)).unwrap_or(rest),
        })
    }
}

/// A packet of Microsoft's multiplexed TURN ([MS-TURN] 2.2.3): `ff10`, length, session, data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Multiplexed<'a> {
    /// The session identifier.
    pub session: u64,
    /// Length of the data in bytes.
    pub len: u32,
    /// The captured bytes of it.
    pub data: &'a [u8],
}

impl<'a> Multiplexed<'a> {
    /// Checks a datagram. `bytes` is what was captured, `wire_len` the length in bytes on the wire.
    ///
    /// # Errors
    /// [`Flaw`] when it does not begin with `ff10` or the length is not the datagram's.
    pub fn new_checked(bytes: &'a [u8], wire_len: u32) -> Result<Self, Flaw> {
        let (head, rest) = bytes
            .split_first_chunk::<4>()
            .ok_or(Flaw::short(12, bytes.len()))?;
        let kind = u16::from_be_bytes([head[0], head[1]]);
        if kind != 0xff10 {
            return Err(Flaw::Type(kind));
        }
        let length = u32::from(u16::from_be_bytes([head[2], head[3]]));
        if length < 8 || length + 4 != wire_len {
            return Err(Flaw::Length {
                says: length + 4,
                has: wire_len,
            });
        }
        let (session, data) = rest
            .split_first_chunk::<8>()
            .ok_or(Flaw::short(12, bytes.len()))?;
        let len = length - 8;
        Ok(Self {
            session: u64::from_be_bytes(*session),
            len,
            data: data.get(..len as usize).unwrap_or(data),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn channel_data_may_be_padded() {
        let message = [0x40, 1, 0, 2, 7, 8, 0, 0];
        let channel = ChannelData::new_checked(&message, 8).unwrap();
        assert_eq!((channel.channel, channel.data), (0x4001, &[7, 8][..]));
        assert!(ChannelData::new_checked(&message[..6], 6).is_ok());
        assert_eq!(
            ChannelData::new_checked(&message[..5], 5),
            Err(Flaw::Length { says: 6, has: 5 })
        );
        assert!(ChannelData::new_checked(&message, 10).is_err());
    }

    #[test]
    fn other_first_bytes_are_no_channel() {
        assert_eq!(
            ChannelData::new_checked(&[0x50, 0, 0, 0], 4),
            Err(Flaw::Type(0x5000))
        );
    }

    #[test]
    fn multiplexed_turn_names_its_session() {
        let message = [
            0xff, 0x10, 0, 10, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x80, 0xe8,
        ];
        let multiplexed = Multiplexed::new_checked(&message, 14).unwrap();
        assert_eq!(multiplexed.session, 0x1122_3344_5566_7788);
        assert_eq!((multiplexed.len, multiplexed.data), (2, &[0x80, 0xe8][..]));
        assert!(Multiplexed::new_checked(&message, 15).is_err());
        let cut = Multiplexed::new_checked(&message[..13], 14).unwrap();
        assert_eq!((cut.len, cut.data), (2, &[0x80][..]));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40), wire in 0u32..80) {
            let _ = ChannelData::new_checked(&bytes, wire);
            let _ = Multiplexed::new_checked(&bytes, wire);
        }
    }
}
