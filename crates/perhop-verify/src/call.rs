//! Calls that SIP in the clear names, and what its SDP announces (RFC 3261, RFC 8866).

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::stream::MediaType;

/// The calls of a capture, in order of their first messages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calls {
    /// The calls.
    pub list: Vec<Arc<Call>>,
    /// Calls that made room for later ones: the oldest go when there are too many to keep.
    pub evicted: u64,
}

impl Calls {
    /// Puts the calls of another capture behind these; what both have stays as it is here.
    pub fn merge(&mut self, other: Self) {
        self.evicted += other.evicted;
        let known: BTreeSet<&str> = self.list.iter().map(|call| call.id.as_str()).collect();
        let new = other.list.into_iter();
        let new: Vec<Arc<Call>> = new
            .filter(|call| !known.contains(call.id.as_str()))
            .collect();
        self.list.extend(new);
    }
}

/// One call, by its `Call-ID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The `Call-ID`, at most [`Call::LONGEST`] bytes of it.
    pub id: String,
    /// The URI in `From`.
    pub from: String,
    /// The URI in `To`.
    pub to: String,
    /// Number of the packet of the first message, from 1.
    pub frame: u64,
    /// Time of the first message in nanoseconds since 1970; 0 when it has none.
    pub first: i64,
    /// Time of the last message in nanoseconds since 1970; 0 when it has none.
    pub last: i64,
    /// Messages, those sent again and those past a proxy included.
    pub messages: u64,
    /// The last final answer to an INVITE: 200 to 699.
    pub status: Option<u16>,
    /// A BYE or CANCEL was seen.
    pub ended: bool,
    /// What was announced, in order; at most [`Call::MOST_MEDIA`].
    pub media: Vec<CallMedia>,
}

impl Call {
    /// Most bytes kept of an identifier or a URI.
    pub const LONGEST: usize = 256;
    /// Most announcements kept of a call, the latest.
    pub const MOST_MEDIA: usize = 32;

    /// `alice@a.example > bob@b.example`, without schemes.
    #[must_use]
    pub fn parties(&self) -> String {
        let plain = |uri: &str| {
            let end = uri.find([';', '?']).unwrap_or(uri.len());
            let uri = &uri[..end];
            let schemes = ["sips:", "sip:", "tel:"];
            let scheme = schemes.iter().find_map(|scheme| uri.strip_prefix(scheme));
            scheme.unwrap_or(uri).to_owned()
        };
        format!("{} > {}", plain(&self.from), plain(&self.to))
    }
}

/// A place where a call's media is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallMedia {
    /// Address and port of the one who receives.
    pub endpoint: SocketAddr,
    /// What is to be sent there.
    pub media: MediaType,
    /// Payload type, encoding name and clock rate, of types that the message maps.
    pub codecs: Vec<(u8, String, u32)>,
}
