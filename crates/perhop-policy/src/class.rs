//! Service classes: what kinds of traffic the plan distinguishes and the marks they carry.

use perhop_wire::field::{Dscp, Pcp};

use crate::diag::Span;

/// Index of a class in its [`crate::PolicySet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(pub u16);

/// What the traffic of a class is (RFC 4594 service classes, as real-time media systems use them).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClassKind {
    /// Telephony.
    Audio,
    /// Multimedia conferencing.
    Video,
    /// Application or desktop sharing.
    AppSharing,
    /// Files.
    FileTransfer,
    /// Call signalling.
    Signaling,
    /// Anything else that the plan names.
    Other,
}

impl ClassKind {
    /// The name that plans use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::AppSharing => "app-sharing",
            Self::FileTransfer => "file-transfer",
            Self::Signaling => "signaling",
            Self::Other => "other",
        }
    }
}

/// A service class of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// Its name in the plan.
    pub name: String,
    /// What it is.
    pub kind: ClassKind,
    /// The mark of its packets.
    pub dscp: Dscp,
    /// Its layer-2 priority, when the plan states one (IEEE 802.1Q).
    pub pcp: Option<Pcp>,
    /// Where the plan gives it.
    pub origin: Span,
}
