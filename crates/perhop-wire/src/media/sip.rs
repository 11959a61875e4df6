//! The first line of a SIP message (RFC 3261 section 7).

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
