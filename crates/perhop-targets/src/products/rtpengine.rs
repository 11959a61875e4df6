//! `rtpengine`: the daemon's configuration file (network-and-media 5).

use crate::software::{File, Part, Ports, Product, Setting, Syntax, Takes, Unit, Work};
use crate::target::order;

/// The target.
pub static RTPENGINE: Product = Product {
    id: "rtpengine",
    name: "rtpengine",
    summary: "rtpengine: its port range, and its one mark for audio and video",
    executables: &["rtpengine", "rtpengine-daemon"],
    phones: false,
    ports: Ports::Told,
    lowest: 1024,
    pairs: true,
    silent: "",
    marks: true,
    files: &[File {
        name: "rtpengine.conf",
        path: "section `[rtpengine]` of `/etc/rtpengine/rtpengine.conf`",
        syntax: Syntax::Lines {
            separator: " = ",
            comment: "#",
            first: "",
        },
        host: None,
        executables: &[],
        settings: &[
            Setting::new("[rtpengine]", "port-min", Takes::First(Part::Media)).or("30000"),
            Setting::new("[rtpengine]", "port-max", Takes::Last(Part::Media)).or("40000"),
            Setting::new("[rtpengine]", "tos", Takes::Mark(Part::Media, Unit::Octet)),
        ],
    }],
    work: Work {
        order: order::SERVER_RANGES,
        place: "the rtpengine server, as root",
        commands: &["systemctl restart rtpengine-daemon"],
        check: &[
            "the ports in an answer to the command `offer` are of the range",
            "`strace -f -e trace=setsockopt -p $(pidof rtpengine)` shows `IP_TOS` when a call begins",
        ],
        notes: &[
            "`tos` is the whole octet: 184 is EF. It is one for audio and video; only the flag `TOS` of a single call says otherwise, and then for all of that call.",
            "A section `[interface-…]` with `port-min` and `port-max` of its own hides these.",
        ],
    },
    source: "sipwise/rtpengine; tried with 10.5",
};
