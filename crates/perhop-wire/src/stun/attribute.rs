//! Attribute types (IANA STUN Attributes; [MS-TURN] and [MS-ICE2] for Microsoft's).

/// MAPPED-ADDRESS (RFC 8489).
pub const MAPPED_ADDRESS: u16 = 0x0001;
/// USERNAME (RFC 8489).
pub const USERNAME: u16 = 0x0006;
/// The magic cookie of Microsoft's dialect ([MS-TURN]).
pub const MS_MAGIC_COOKIE: u16 = 0x000f;
/// XOR-PEER-ADDRESS (RFC 8656).
pub const XOR_PEER_ADDRESS: u16 = 0x0012;
/// DATA (RFC 8656, [MS-TURN]).
pub const DATA: u16 = 0x0013;
/// XOR-RELAYED-ADDRESS (RFC 8656).
pub const XOR_RELAYED_ADDRESS: u16 = 0x0016;
/// XOR-MAPPED-ADDRESS (RFC 8489).
pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
/// PRIORITY (RFC 8445): a connectivity check of ICE.
pub const PRIORITY: u16 = 0x0024;
/// USE-CANDIDATE (RFC 8445).
pub const USE_CANDIDATE: u16 = 0x0025;
/// Microsoft's protocol version.
pub const MS_VERSION: u16 = 0x8008;
/// XOR-MAPPED-ADDRESS as older drafts and Microsoft number it.
pub const XOR_MAPPED_ADDRESS_OLD: u16 = 0x8020;
/// SOFTWARE (RFC 8489).
pub const SOFTWARE: u16 = 0x8022;
/// FINGERPRINT (RFC 8489).
pub const FINGERPRINT: u16 = 0x8028;
/// ICE-CONTROLLED (RFC 8445).
pub const ICE_CONTROLLED: u16 = 0x8029;
/// ICE-CONTROLLING (RFC 8445).
pub const ICE_CONTROLLING: u16 = 0x802a;
/// Microsoft's candidate identifier.
pub const MS_CANDIDATE_IDENTIFIER: u16 = 0x8054;
/// Microsoft's service quality.
pub const MS_SERVICE_QUALITY: u16 = 0x8055;
/// Microsoft's implementation version.
pub const MS_IMPLEMENTATION_VERSION: u16 = 0x8070;
/// Microsoft's multiplexed TURN session identifier.
pub const MS_MULTIPLEXED_SESSION: u16 = 0x8095;

/// Whether an address attribute has the XOR of RFC 8489 section 14.2.
#[must_use]
pub const fn is_xored(kind: u16) -> bool {
    matches!(
        kind,
        XOR_PEER_ADDRESS | XOR_RELAYED_ADDRESS | XOR_MAPPED_ADDRESS | XOR_MAPPED_ADDRESS_OLD
    )
}

/// Whether the attribute is Microsoft's own.
#[must_use]
pub const fn is_microsoft(kind: u16) -> bool {
    matches!(
        kind,
        MS_MAGIC_COOKIE
            | MS_VERSION
            | MS_CANDIDATE_IDENTIFIER
            | MS_SERVICE_QUALITY
            | MS_IMPLEMENTATION_VERSION
            | MS_MULTIPLEXED_SESSION
    )
}
