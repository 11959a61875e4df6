//! `asterisk`: `rtp.conf` and `pjsip.conf` (network-and-media 5).

use crate::software::{File, Part, Ports, Product, Setting, Syntax, Takes, Unit, Work};
use crate::target::order;

/// The target.
pub static ASTERISK: Product = Product {
    id: "asterisk",
    name: "Asterisk",
    summary: "Asterisk: the RTP range in rtp.conf, the marks of audio, video and signalling in pjsip.conf",
    executables: &["asterisk"],
    phones: false,
    ports: Ports::Told,
    lowest: 1024,
    pairs: true,
    silent: "",
    marks: true,
    files: &[
        File {
            name: "rtp.conf",
            path: "section `[general]` of `/etc/asterisk/rtp.conf`",
            syntax: LINES,
            host: None,
            executables: &[],
            settings: &[
                Setting::new("[general]", "rtpstart", Takes::First(Part::Media)).or("5000"),
                Setting::new("[general]", "rtpend", Takes::Last(Part::Media)).or("31000"),
            ],
        },
        File {
            name: "pjsip.conf",
            path: "the top of `/etc/asterisk/pjsip.conf`",
            syntax: LINES,
            host: None,
            executables: &[],
            settings: &[
                Setting::new(MEDIA, "type", Takes::Fixed("endpoint")),
                Setting::new(MEDIA, "tos_audio", Takes::Mark(Part::Audio, Unit::HexOctet)),
                Setting::new(MEDIA, "cos_audio", Takes::Priority(Part::Audio)),
                Setting::new(MEDIA, "tos_video", Takes::Mark(Part::Video, Unit::HexOctet)),
                Setting::new(MEDIA, "cos_video", Takes::Priority(Part::Video)),
                Setting::new(SIGNALING, "type", Takes::Fixed("transport")),
                Setting::new(
                    SIGNALING,
                    "tos",
                    Takes::Mark(Part::Signaling, Unit::HexOctet),
                ),
                Setting::new(SIGNALING, "cos", Takes::Priority(Part::Signaling)),
            ],
        },
    ],
    work: Work {
        order: order::SERVER_RANGES,
        place: "the Asterisk server, as root",
        commands: &["asterisk -rx 'core restart gracefully'"],
        check: &[
            "`asterisk -rx 'rtp show settings'` shows the range",
            "`asterisk -rx 'pjsip show endpoint NAME'` shows `tos_audio`, in decimal: 184 is EF",
            "`strace -f -e trace=setsockopt -p $(pidof asterisk)` shows `IP_TOS` when a call begins",
        ],
        notes: &[
            "`tos_audio` is the whole octet: 0xb8 is EF, and 46 would be another mark.",
            "The sections of `pjsip.conf` are templates: every endpoint takes the first as `[NAME](perhop-media)`, every transport over UDP, TCP or TLS the second; `tos` has no effect on `ws` and `wss`.",
            "There is one range for audio and video, so a host or a router cannot tell them apart by ports; the marks here can.",
        ],
    },
    source: "asterisk/asterisk: rtp.conf, pjsip.conf; docs.asterisk.org, IP Quality of Service",
};

const LINES: Syntax = Syntax::Lines {
    separator: "=",
    comment: ";",
    first: "",
};

const MEDIA: &str = "[perhop-media](!)";

const SIGNALING: &str = "[perhop-signaling](!)";
