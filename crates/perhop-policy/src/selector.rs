//! Conditions on the sending process and the transport protocol.

use std::fmt;

/// The transport protocols that carry media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// RFC 768, IP protocol 17.
    Udp,
    /// RFC 9293, IP protocol 6.
    Tcp,
}

impl Protocol {
    /// The lower-case word that reports print.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }
}

/// A condition on the transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum ProtocolMatch {
    /// TCP and UDP alike.
    #[default]
    Both,
    /// One of them.
    Only(Protocol),
}

impl ProtocolMatch {
    /// Whether a protocol satisfies the condition.
    #[must_use]
    pub fn matches(self, protocol: Protocol) -> bool {
        match self {
            Self::Both => true,
            Self::Only(only) => only == protocol,
        }
    }
}

/// A condition on the executable that sends. Names compare without case, as Windows compares paths.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum AppMatch {
    /// Any process, or a sender that is not a process.
    #[default]
    Any,
    /// An executable's file name, such as `lync.exe`, wherever it is stored.
    Name(String),
    /// An executable's full path.
    Path(String),
}

impl AppMatch {
    /// Reads `*`, a file name or a path (anything with `\` or `/` in it).
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text == "*" || text.is_empty() {
            Self::Any
        } else if text.contains(['\\', '/']) {
            Self::Path(text.to_owned())
        } else {
            Self::Name(text.to_owned())
        }
    }

    /// The text that was parsed, `*` for any.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Any => "*",
            Self::Name(text) | Self::Path(text) => text,
        }
    }

    /// Whether a process, given by file name or full path, satisfies the condition.
    ///
    /// `None` is a sender whose process is not known or not a process: only [`AppMatch::Any`] takes it.
    #[must_use]
    pub fn matches(&self, app: Option<&str>) -> bool {
        match (self, app) {
            (Self::Any, _) => true,
            (_, None) => false,
            (Self::Name(name), Some(app)) => same(name, file_name(app)),
            (Self::Path(path), Some(app)) => same(path, app),
        }
    }

    /// Whether it is the same condition, whatever the case of its letters.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.rank() == other.rank() && same(self.as_str(), other.as_str())
    }

    /// How specific the condition is: 0 any, 1 file name, 2 full path.
    #[must_use]
    pub const fn rank(&self) -> u8 {
        match self {
            Self::Any => 0,
            Self::Name(_) => 1,
            Self::Path(_) => 2,
        }
    }

    /// What both conditions allow, or `None` when no process satisfies both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let (wide, narrow) = if self.rank() <= other.rank() {
            (self, other)
        } else {
            (other, self)
        };
        let meets = match (wide, narrow) {
            (Self::Any, _) => true,
            (Self::Name(a), Self::Name(b)) | (Self::Path(a), Self::Path(b)) => same(a, b),
            (Self::Name(name), Self::Path(path)) => same(name, file_name(path)),
            _ => false,
        };
        meets.then(|| narrow.clone())
    }
}

impl fmt::Display for AppMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The part of a path after the last separator.
#[must_use]
pub fn file_name(path: &str) -> &str {
    path.rsplit(['\\', '/']).next().unwrap_or(path)
}

fn same(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_matches_wherever_it_is_stored() {
        let name = AppMatch::parse("Lync.exe");
        assert!(name.matches(Some("lync.EXE")));
        assert!(name.matches(Some(r"C:\Office\lync.exe")));
        assert!(!name.matches(Some("communicator.exe")));
        assert!(!name.matches(None));
        let path = AppMatch::parse(r"C:\Office\lync.exe");
        assert!(!path.matches(Some("lync.exe")));
        assert_eq!(name.intersection(&path), Some(path.clone()));
        assert_eq!(AppMatch::Any.intersection(&name), Some(name));
        assert_eq!(
            AppMatch::parse("a.exe").intersection(&AppMatch::parse("b.exe")),
            None
        );
    }
}
