//! SIP messages (RFC 3261 section 7): the first line, and the header fields that name a call.

/// A request or status line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartLine<'a> {
    /// `INVITE sip:bob@example.com SIP/2.0`
    Request {
        /// The method, upper-case letters.
        method: &'a str,
        /// The request URI.
        uri: &'a str,
    },
    /// `SIP/2.0 200 OK`
    Status {
        /// The code, 100 to 699.
        code: u16,
    },
}

impl<'a> StartLine<'a> {
    /// Reads the line at the start of a message. A line that the capture cut off is still read where its first words
    /// leave no doubt.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        if let Some(status) = bytes.strip_prefix(b"SIP/2.0 ") {
            let code = std::str::from_utf8(status.get(..3)?).ok()?.parse().ok()?;
            return (100..700).contains(&code).then_some(Self::Status { code });
        }
        let end = method_len(bytes)?;
        let (method, rest) = bytes.split_at_checked(end)?;
        let rest = rest.get(1..)?;
        let schemes: [&[u8]; 3] = [b"sip:", b"sips:", b"tel:"];
        if !schemes.iter().any(|scheme| rest.starts_with(scheme)) {
            return None;
        }
        let line_end = rest.iter().take(LONGEST).position(|b| *b == b'\n');
        let line = rest.get(..line_end.unwrap_or(rest.len().min(LONGEST)))?;
        let line = std::str::from_utf8(line).ok()?;
        let (uri, version) = line.split_once(' ').unwrap_or((line, "SIP/2.0"));
        let whole = version.trim_end() == "SIP/2.0";
        let method = std::str::from_utf8(method).ok()?;
        (whole || line_end.is_none()).then_some(Self::Request { method, uri })
    }
}

/// A view of a SIP message (RFC 3261 section 7), perhaps cut by a snap length or by the end of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    start: StartLine<'a>,
    head: &'a [u8],
    body: &'a [u8],
    whole_head: bool,
}

impl<'a> Message<'a> {
    /// Splits a message at its empty line. Without one, everything that is there counts as header fields.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let start = StartLine::read(bytes)?;
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = match end {
            Some(end) => (&bytes[..end + 2], &bytes[end + 4..]),
            None => (bytes, &[][..]),
        };
        Some(Self {
            start,
            head,
            body,
            whole_head: end.is_some(),
        })
    }

    /// Its first line.
    #[must_use]
    pub const fn start(&self) -> StartLine<'a> {
        self.start
    }

    /// Bytes after the empty line; more than the message has where another follows it.
    #[must_use]
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Bytes of the whole message by its header fields; `None` while they are not all there. Without `Content-Length` the
    /// body is empty (RFC 3261 section 18.3: it is required over streams).
    #[must_use]
    pub fn stream_len(&self) -> Option<usize> {
        let length = self
            .field("Content-Length")
            .map_or(Some(0), |text| text.parse().ok());
        let head = self.head.len() + 2;
        head.checked_add(length?).filter(|_| self.whole_head)
    }

    /// The value of the first header field of a name, by its full or its compact form; of a folded one the first line.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'a str> {
        let short = COMPACT
            .iter()
            .find(|(full, _)| full.eq_ignore_ascii_case(name))
            .map(|(_, short)| *short);
        let lines = self.head.split(|byte| *byte == b'\n').skip(1);
        for line in lines {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else {
                continue;
            };
            let found = line[..colon].trim_ascii();
            let same = found.eq_ignore_ascii_case(name.as_bytes())
                || short.is_some_and(|short| found.eq_ignore_ascii_case(short.as_bytes()));
            if same {
                return std::str::from_utf8(line[colon + 1..].trim_ascii()).ok();
            }
        }
        None
    }

    /// `Call-ID`, which all messages of a call have.
    #[must_use]
    pub fn call_id(&self) -> Option<&'a str> {
        self.field("Call-ID").filter(|id| !id.is_empty())
    }

    /// The URI in `From`: who calls.
    #[must_use]
    pub fn from(&self) -> Option<&'a str> {
        self.field("From").map(uri)
    }

    /// The URI in `To`: who is called.
    #[must_use]
    pub fn to(&self) -> Option<&'a str> {
        self.field("To").map(uri)
    }

    /// The method that a request has or an answer answers, by `CSeq`.
    #[must_use]
    pub fn method(&self) -> Option<&'a str> {
        match self.start {
            StartLine::Request { method, .. } => Some(method),
            StartLine::Status { .. } => self.field("CSeq")?.split_ascii_whitespace().nth(1),
        }
    }
}

/// The URI of an address with or without a name and parameters (RFC 3261 section 20.10).
fn uri(value: &str) -> &str {
    let unquoted = match value.strip_prefix('"') {
        Some(rest) => rest.rsplit_once('"').map_or(rest, |(_, rest)| rest),
        None => value,
    };
    match unquoted.split_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or(rest),
        None => unquoted.split(';').next().unwrap_or(unquoted).trim(),
    }
}

/// Compact forms of the fields that are read (RFC 3261 section 7.3.3).
const COMPACT: [(&str, &str); 4] = [
    ("Call-ID", "i"),
    ("From", "f"),
    ("To", "t"),
    ("Content-Length", "l"),
];

/// Length of the capital letters before the first space.
fn method_len(bytes: &[u8]) -> Option<usize> {
    let head = bytes.get(..LONGEST_METHOD).unwrap_or(bytes);
    let end = head.iter().position(|byte| !byte.is_ascii_uppercase())?;
    (end > 0 && head[end] == b' ').then_some(end)
}

/// The longest method with the space after it, and more.
const LONGEST_METHOD: usize = 20;
/// A longer first line is not looked at.
const LONGEST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn requests_and_statuses_are_told() {
        assert_eq!(
            StartLine::read(b"INVITE sip:a@b SIP/2.0\r\nVia: x"),
            Some(StartLine::Request {
                method: "INVITE",
                uri: "sip:a@b"
            })
        );
        assert_eq!(
            StartLine::read(b"SIP/2.0 183 Session Progress\r\n"),
            Some(StartLine::Status { code: 183 })
        );
    }

    const INVITE: &[u8] = b"INVITE sip:bob@b.example SIP/2.0\r\nVia: SIP/2.0/TCP a\r\n\
        From: \"A; <x>\" <sip:alice@a.example>;tag=1\r\nt: sip:bob@b.example;tag=2\r\n\
        call-id : 77@a\r\nCSeq: 1 INVITE\r\nl: 4\r\n\r\nv=0\nBYE";

    #[test]
    fn a_message_names_its_call() {
        let message = Message::read(INVITE).unwrap();
        assert_eq!(message.call_id(), Some("77@a"));
        assert_eq!(message.from(), Some("sip:alice@a.example"));
        assert_eq!(message.to(), Some("sip:bob@b.example"));
        assert_eq!(message.method(), Some("INVITE"));
        assert_eq!(message.body(), b"v=0\nBYE");
        assert_eq!(message.stream_len(), Some(INVITE.len() - 3));
        let answer = Message::read(b"SIP/2.0 200 OK\r\nCSeq: 4 BYE\r\n\r\n").unwrap();
        assert_eq!((answer.method(), answer.call_id()), (Some("BYE"), None));
        assert_eq!(answer.stream_len(), Some(31));
    }

    #[test]
    fn a_message_cut_in_its_header_has_no_body_and_no_length() {
        let message = Message::read(&INVITE[..120]).unwrap();
        assert_eq!((message.body(), message.stream_len()), (&b""[..], None));
        assert_eq!(message.from(), Some("sip:alice@a.example"));
        let lies = b"BYE sip:a@b SIP/2.0\r\nContent-Length: 99999999999999999999999\r\n\r\n";
        assert_eq!(Message::read(lies).unwrap().stream_len(), None);
    }

    proptest! {
        #[test]
        fn no_message_panics(text in "(INVITE sip:a SIP/2.0|SIP/2.0 200 OK)(\r\n|[\"<>;: a-zA-Z0-9]){0,60}", cut in 0usize..200) {
            let bytes = &text.as_bytes()[..cut.min(text.len())];
            if let Some(message) = Message::read(bytes) {
                let _ = (message.call_id(), message.from(), message.to(), message.method());
                prop_assert!(message.body().len() <= bytes.len());
                if let Some(len) = message.stream_len() {
                    prop_assert!(len >= bytes.len() - message.body().len());
                }
            }
        }
    }

    #[test]
    fn other_text_is_not_sip() {
        for text in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"NOTIFY * HTTP/1.1\r\n",
            b"SIP/2.0 999 x\r\n",
            b"SIP/2.0 2",
            b"OPTIONS sip:a@b HTTP/1.1\r\n",
            b"invite sip:a@b SIP/2.0\r\n",
            b"",
        ] {
            assert_eq!(StartLine::read(text), None, "{text:?}");
        }
    }
}
