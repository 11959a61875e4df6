//! `linphone`: linphonerc (network-and-media 5).

use crate::software::{File, Part, Ports, Product, Setting, Syntax, Takes, Unit, Work};
use crate::target::order;

/// The target.
pub static LINPHONE: Product = Product {
    id: "linphone",
    name: "Linphone",
    summary: "Linphone: port ranges and marks of audio, video and signalling",
    executables: &[
        "linphone",
        "linphonec",
        "linphone-daemon",
        "linphone-desktop",
    ],
    phones: false,
    ports: Ports::Told,
    lowest: 1024,
    pairs: true,
    silent: "",
    marks: true,
    files: &[File {
        name: "linphonerc",
        path: "the user's `linphonerc`, while Linphone is not running",
        syntax: Syntax::Lines {
            separator: "=",
            comment: "#",
            first: "",
        },
        host: None,
        executables: &[],
        settings: &[
            Setting::new(
                "[sip]",
                "dscp",
                Takes::Mark(Part::Signaling, Unit::HexNumber),
            )
            .or("0x1a"),
            Setting::new("[sip]", "bind_address", Takes::Fixed("0.0.0.0")),
            Setting::new("[rtp]", "audio_rtp_port", Takes::Range(Part::Audio)),
            Setting::new("[rtp]", "video_rtp_port", Takes::Range(Part::Video)),
            Setting::new(
                "[rtp]",
                "audio_dscp",
                Takes::Mark(Part::Audio, Unit::HexNumber),
            )
            .or("0x2e"),
            Setting::new(
                "[rtp]",
                "video_dscp",
                Takes::Mark(Part::Video, Unit::HexNumber),
            )
            .or("0x0"),
            Setting::new("[rtp]", "bind_address", Takes::Fixed("0.0.0.0")),
        ],
    }],
    work: Work {
        order: order::CLIENT_RANGES,
        place: "each computer with Linphone, as its user",
        commands: &[],
        check: &[
            "the ports in the `m=` lines of a call's SDP are of the ranges",
            "`strace -f -e trace=setsockopt linphonec` shows `IP_TOS` with the whole octet, 184 for EF",
        ],
        notes: &[
            "The marks are code points in hexadecimal: 0x2e is EF.",
            "`bind_address` makes Linphone use sockets of IPv4 alone: on Linux its sockets for both families send IPv4 packets without the mark. Take it out where media is IPv6.",
        ],
    },
    source: "BelledonneCommunications/liblinphone; tried with 5.1.65",
};
