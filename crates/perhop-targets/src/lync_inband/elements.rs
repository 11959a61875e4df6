//! The elements of a client's server configuration that QoS is about ([MS-SIPREGE] 2.2.2.5.1, uc-platforms 4).

use perhop_policy::RangeUse;

/// Where an element's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// Whether ranges are in force.
    Enabled,
    /// First port of a range.
    First(RangeUse),
    /// Last port of a range, inclusive.
    Last(RangeUse),
    /// Whether devices mark.
    Marking,
    /// DSCP of phones.
    Dscp,
    /// Layer-2 priority of phones.
    Pcp,
}

/// One element.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element {
    /// Its name.
    pub(super) name: &'static str,
    /// Where its value comes from.
    pub(super) source: Source,
    /// The comment that stands for it when the plan decides nothing.
    pub(super) undecided: &'static str,
    /// The server's setting behind it.
    pub(super) setting: &'static str,
}

macro_rules! element {
    ($name:literal, $source:expr, $setting:literal) => {
        Element {
            name: $name,
            source: $source,
            undecided: concat!(" ", $name, ": not decided by the plan "),
            setting: $setting,
        }
    };
}

use RangeUse::{AppSharing, Audio, FileTransfer, LegacyMedia, Signaling, Video};
use Source::{Dscp, Enabled, First, Last, Marking, Pcp};

/// The elements, in the order of the documentation.
#[rustfmt::skip]
pub(super) const ELEMENTS: &[Element] = &[
    element!("ucPortRangeEnabled", Enabled, "ClientMediaPortRangeEnabled"),
    element!("ucMinMediaPort", First(LegacyMedia), "ClientMediaPort"),
    element!("ucMaxMediaPort", Last(LegacyMedia), "ClientMediaPort + ClientMediaPortRange - 1"),
    element!("ucMinAudioPort", First(Audio), "ClientAudioPort"),
    element!("ucMaxAudioPort", Last(Audio), "ClientAudioPort + ClientAudioPortRange - 1"),
    element!("ucMinVideoPort", First(Video), "ClientVideoPort"),
    element!("ucMaxVideoPort", Last(Video), "ClientVideoPort + ClientVideoPortRange - 1"),
    element!("ucMinAppSharingPort", First(AppSharing), "ClientAppSharingPort"),
    element!("ucMaxAppSharingPort", Last(AppSharing), "ClientAppSharingPort + ClientAppSharingPortRange - 1"),
    element!("ucMinFileTransferPort", First(FileTransfer), "ClientFileTransferPort"),
    element!("ucMaxFileTransferPort", Last(FileTransfer), "ClientFileTransferPort + ClientFileTransferPortRange - 1"),
    element!("ucMinSipDynamicPort", First(Signaling), "ClientSipDynamicPort"),
    element!("ucMaxSipDynamicPort", Last(Signaling), "ClientSipDynamicPort + ClientSipDynamicPortRange - 1"),
    element!("qosEnabled", Marking, "EnableQoS"),
    element!("ucDiffServVoice", Dscp, "VoiceDiffServTag"),
    element!("ucVoice802_1p", Pcp, "Voice8021p"),
];
