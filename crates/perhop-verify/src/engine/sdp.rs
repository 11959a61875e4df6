//! SDP in SIP messages (RFC 8866): addresses, ports and payload types it announces.

use std::net::{IpAddr, SocketAddr};

use crate::stream::{Announced, MediaType};

/// Media that a message's body announces, in its order.
pub(super) fn announcements(body: &[u8]) -> Vec<(SocketAddr, Announced)> {
    let mut parser = Parser::default();
    for line in body.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Ok(line) = std::str::from_utf8(line) {
            parser.line(line);
        }
    }
    parser.end_media();
    parser.found
}

#[derive(Default)]
struct Parser {
    session_address: Option<IpAddr>,
    media: Option<Media>,
    found: Vec<(SocketAddr, Announced)>,
}

struct Media {
    address: Option<IpAddr>,
    port: u16,
    announced: Announced,
    candidates: Vec<SocketAddr>,
}

impl Parser {
    fn line(&mut self, line: &str) {
        let Some((kind, value)) = line.split_once('=') else {
            return;
        };
        match kind {
            "c" => {
                let address = connection(value);
                match &mut self.media {
                    Some(media) => media.address = address,
                    None => self.session_address = address,
                }
            }
            "m" => {
                self.end_media();
                self.media = media(value);
            }
            "a" => {
                if let Some(media) = &mut self.media {
                    media.attribute(value);
                }
            }
            _ => {}
        }
    }

    fn end_media(&mut self) {
        let Some(media) = self.media.take() else {
            return;
        };
        let address = media.address.or(self.session_address);
        let main = address.map(|address| SocketAddr::new(address, media.port));
        let endpoints = main.into_iter().chain(media.candidates);
        for endpoint in endpoints.filter(|endpoint| endpoint.port() != 0) {
            if self.found.len() < MOST {
                self.found.push((endpoint, media.announced.clone()));
            }
        }
    }
}

impl Media {
    fn attribute(&mut self, value: &str) {
        if let Some(map) = value.strip_prefix("rtpmap:") {
            let mapped = rtpmap(map);
            self.announced
                .types
                .extend(mapped.filter(|_| self.announced.types.len() < MOST));
        } else if let Some(candidate) = value.strip_prefix("candidate:") {
            let found = candidate_address(candidate);
            self.candidates
                .extend(found.filter(|_| self.candidates.len() < MOST));
        }
    }
}

/// `IN IP4 192.0.2.1`, perhaps with a multicast time to live.
fn connection(value: &str) -> Option<IpAddr> {
    let address = value.split_ascii_whitespace().nth(2)?;
    address.split('/').next()?.parse().ok()
}

/// `audio 20000 RTP/AVP 0 8`
fn media(value: &str) -> Option<Media> {
    let mut words = value.split_ascii_whitespace();
    let media = match words.next()? {
        "audio" => MediaType::Audio,
        "video" => MediaType::Video,
        _ => MediaType::Application,
    };
    let port = words.next()?.split('/').next()?.parse().ok()?;
    Some(Media {
        address: None,
        port,
        announced: Announced {
            media: Some(media),
            types: Vec::new(),
        },
        candidates: Vec::new(),
    })
}

/// `104 SILK/16000`, `111 opus/48000/2`
fn rtpmap(value: &str) -> Option<(u8, String, u32)> {
    let (number, encoding) = value.split_once(' ')?;
    let mut parts = encoding.trim().split('/');
    let (name, rate) = (parts.next()?, parts.next()?);
    let name = name.chars().take(LONGEST_NAME).collect();
    Some((number.parse().ok()?, name, rate.parse().ok()?))
}

/// `1 1 UDP 2130706431 192.0.2.1 50000 typ host` (RFC 8839); Microsoft's older form is not read.
fn candidate_address(value: &str) -> Option<SocketAddr> {
    let mut words = value.split_ascii_whitespace().skip(4);
    let address = words.next()?.parse().ok()?;
    Some(SocketAddr::new(address, words.next()?.parse().ok()?))
}

/// No more announcements, payload types or candidates are taken from one message.
const MOST: usize = 64;
/// Longer encoding names are cut.
const LONGEST_NAME: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BODY: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
        m=audio 20006 RTP/AVP 104 0\r\na=rtpmap:104 SILK/16000\r\na=rtcp:20007\r\n\
        a=candidate:1 1 UDP 2130706431 198.51.100.7 50010 typ host\r\n\
        m=video 0 RTP/AVP 122\r\nc=IN IP6 2001:db8::1\r\n\
        m=video 20046/2 RTP/AVP 122\r\nc=IN IP6 2001:db8::1\r\na=rtpmap:122 X-H264UC/90000\r\n";

    #[test]
    fn each_media_line_gives_its_endpoints() {
        let found = announcements(BODY.as_bytes());
        let endpoints: Vec<String> = found
            .iter()
            .map(|(endpoint, _)| endpoint.to_string())
            .collect();
        assert_eq!(
            endpoints,
            [
                "192.0.2.1:20006",
                "198.51.100.7:50010",
                "[2001:db8::1]:20046"
            ]
        );
        assert_eq!(found[0].1.types, [(104, "SILK".to_owned(), 16_000)]);
        assert_eq!(found[0].1.media, Some(MediaType::Audio));
        assert_eq!(found[2].1.media, Some(MediaType::Video));
    }

    proptest! {
        #[test]
        fn no_text_panics(lines in proptest::collection::vec("[amc]=(rtpmap:|candidate:|IN IP4 )?[ -~]{0,40}", 0..12)) {
            prop_assert!(announcements(lines.join("\n").as_bytes()).len() <= MOST);
        }
    }
}
