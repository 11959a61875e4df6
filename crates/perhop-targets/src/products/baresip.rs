//! `baresip`: its configuration file (network-and-media 5).

use crate::software::{File, Part, Ports, Product, Setting, Syntax, Takes, Unit, Work};
use crate::target::order;

/// The target.
pub static BARESIP: Product = Product {
    id: "baresip",
    name: "baresip",
    summary: "baresip: the RTP range, the marks of audio, video and signalling",
    executables: &["baresip"],
    phones: false,
    ports: Ports::Told,
    lowest: 1024,
    pairs: true,
    silent: "",
    marks: true,
    files: &[File {
        name: "config",
        path: "the file `config` in the folder that `baresip -f` names, `~/.baresip` without it",
        syntax: Syntax::Lines {
            separator: "\t",
            comment: "#",
            first: "",
        },
        host: None,
        executables: &[],
        settings: &[
            Setting::new("", "rtp_ports", Takes::Range(Part::Media)).or("1024-49152"),
            Setting::new("", "rtp_tos", Takes::Mark(Part::Audio, Unit::Octet)).or("184"),
            Setting::new("", "rtp_video_tos", Takes::Mark(Part::Video, Unit::Octet)).or("136"),
            Setting::new("", "sip_tos", Takes::Mark(Part::Signaling, Unit::Octet)).or("160"),
        ],
    }],
    work: Work {
        order: order::CLIENT_RANGES,
        place: "each computer with baresip, as its user",
        commands: &[],
        check: &[
            "the ports in the `m=` lines of a call's SDP are of the range",
            "`strace -f -e trace=setsockopt baresip` shows `IP_TOS` when a call begins",
        ],
        notes: &[
            "The marks are whole octets in decimal: 184 is EF.",
            "Version 1.0 knows `rtp_tos` only and puts it on video too; later versions know all three.",
            "Audio and video share the range; RTCP has the port after RTP's and the same mark.",
        ],
    },
    source: "baresip/baresip; tried with 1.0.0",
};
