//! Link types: what the first byte of a captured frame belongs to.

/// A link type as pcap and pcapng number it (the LINKTYPE_ values of the pcap and pcapng Internet-Drafts).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: a 4-byte address family in the order of the host that wrote the capture.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// Point-to-point protocol, with or without HDLC address and control bytes.
    pub const PPP: Self = Self(9);
    /// IP at once, by version nibble.
    pub const RAW: Self = Self(101);
    /// IEEE 802.11 without any capture header.
    pub const IEEE802_11: Self = Self(105);
    /// `OpenBSD` loopback: a 4-byte address family in network order.
    pub const LOOP: Self = Self(108);
    /// Linux "cooked" capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// IEEE 802.11 behind a radiotap header.
    pub const IEEE802_11_RADIOTAP: Self = Self(127);
    /// A per-packet information header, then the link type it names.
    pub const PPI: Self = Self(192);
    /// IPv4 at once.
    pub const IPV4: Self = Self(228);
    /// IPv6 at once.
    pub const IPV6: Self = Self(229);
    /// Linux netfilter log messages.
    pub const NFLOG: Self = Self(239);
    /// Linux "cooked" capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);

    /// The usual name of a link type that is decoded here; `None` for any other.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "NULL",
            1 => "ETHERNET",
            9 => "PPP",
            12 | 14 | 101 => "RAW",
            105 => "IEEE802_11",
            108 => "LOOP",
            113 => "LINUX_SLL",
            127 => "IEEE802_11_RADIOTAP",
            192 => "PPI",
            228 => "IPV4",
            229 => "IPV6",
            239 => "NFLOG",
            276 => "LINUX_SLL2",
            _ => return None,
        })
    }
}
