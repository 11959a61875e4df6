//! Messages and attributes.

/// `NLM_F_REQUEST`
pub const REQUEST: u16 = 1;
/// `NLM_F_ACK`
pub const ACK: u16 = 4;
/// `NLM_F_DUMP`
pub const DUMP: u16 = 0x300;
/// `NLM_F_REPLACE`
pub const REPLACE: u16 = 0x100;
/// `NLM_F_EXCL`
pub const EXCLUSIVE: u16 = 0x200;
/// `NLM_F_CREATE`
pub const NEW: u16 = 0x400;

/// An answer that only says how it went; a number of the system follows, 0 or negative.
pub const ERROR: u16 = 2;
/// The end of several answers.
pub const DONE: u16 = 3;

const HEADER: usize = 16;
const NESTED: u16 = 0x8000;

/// A message in the making.
#[derive(Debug, Clone)]
pub struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// A request with its fixed part.
    #[must_use]
    pub fn new(kind: u16, flags: u16, body: &[u8]) -> Self {
        let mut bytes = vec![0; 4];
        bytes.extend(kind.to_ne_bytes());
        bytes.extend((flags | REQUEST).to_ne_bytes());
        bytes.extend([0; 8]);
        bytes.extend(body);
        Self { bytes }
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        put(&mut self.bytes, kind, value);
        self
    }

    /// Adds attributes inside an attribute.
    #[must_use]
    pub fn nested(mut self, kind: u16, inner: &[(u16, Vec<u8>)]) -> Self {
        let mut value = Vec::new();
        for (kind, bytes) in inner {
            put(&mut value, *kind, bytes);
        }
        put(&mut self.bytes, kind | NESTED, &value);
        self
    }

    /// The bytes to send.
    #[must_use]
    pub fn finish(mut self, sequence: u32) -> Vec<u8> {
        let length = self.bytes.len() as u32;
        self.bytes[..4].copy_from_slice(&length.to_ne_bytes());
        self.bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.bytes
    }
}

fn put(bytes: &mut Vec<u8>, kind: u16, value: &[u8]) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend((value.len() as u16 + 4).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

/// One message that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Its kind.
    pub kind: u16,
    /// The sequence number of the request.
    pub sequence: u32,
    /// What follows the header.
    pub body: Vec<u8>,
}

impl Reply {
    /// The messages of a datagram; what is cut is left out.
    #[must_use]
    pub fn all(mut bytes: &[u8]) -> Vec<Self> {
        let mut out = Vec::new();
        while let Some(length) = number(bytes, 0) {
            let length = length as usize;
            let Some(message) = bytes.get(..length).filter(|_| length >= HEADER) else {
                break;
            };
            out.push(Self {
                kind: u16::from_ne_bytes([message[4], message[5]]),
                sequence: number(message, 8).unwrap_or(0),
                body: message[HEADER..].to_vec(),
            });
            bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        out
    }

    /// The error number of an [`ERROR`], positive; `None` when it says that all went well or is no error.
    #[must_use]
    pub fn error(&self) -> Option<i32> {
        let code = number(&self.body, 0)? as i32;
        (self.kind == ERROR && code != 0).then_some(code.wrapping_neg())
    }
}

/// The attributes in `bytes`.
#[must_use]
pub fn attributes(mut bytes: &[u8]) -> Vec<(u16, &[u8])> {
    let mut out = Vec::new();
    while let Some(head) = bytes.get(..4) {
        let length = usize::from(u16::from_ne_bytes([head[0], head[1]]));
        let kind = u16::from_ne_bytes([head[2], head[3]]) & !NESTED;
        let Some(value) = bytes.get(4..length) else {
            break;
        };
        out.push((kind, value));
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    out
}

/// The number at `at`, four bytes of the machine's order.
#[must_use]
pub fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_ne_bytes(*four))
}

/// A text that ends with a zero.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0);
    String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_made_can_be_read() {
        let bytes = Message::new(36, ACK, &[9; 20])
            .attribute(1, b"htb\0")
            .attribute(5, b"x")
            .nested(2, &[(7, vec![1, 2, 3]), (8, vec![4; 4])])
            .finish(77);
        let replies = Reply::all(&bytes);
        assert_eq!(
            (replies.len(), replies[0].kind, replies[0].sequence),
            (1, 36, 77)
        );
        let found = attributes(&replies[0].body[20..]);
        assert_eq!(found[0], (1, &b"htb\0"[..]));
        assert_eq!(found[1], (5, &b"x"[..]));
        assert_eq!(
            attributes(found[2].1),
            [(7, &[1, 2, 3][..]), (8, &[4; 4][..])]
        );
        assert_eq!(text(found[0].1), "htb");
    }

    proptest! {
        #[test]
        fn no_bytes_harm(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            for reply in Reply::all(&bytes) {
                let _ = reply.error();
                let _ = attributes(&reply.body);
            }
            let _ = attributes(&bytes);
        }
    }
}
