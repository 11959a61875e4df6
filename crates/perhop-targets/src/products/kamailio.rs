//! `kamailio`: the core parameter for signalling (network-and-media 5).

use crate::software::{File, Part, Ports, Product, Setting, Syntax, Takes, Unit, Work};
use crate::target::order;

/// The target.
pub static KAMAILIO: Product = Product {
    id: "kamailio",
    name: "Kamailio",
    summary: "Kamailio: the mark of its signalling",
    executables: &["kamailio"],
    phones: false,
    ports: Ports::None(
        "Kamailio carries signalling only; media passes through rtpengine or goes directly",
    ),
    lowest: 1,
    pairs: false,
    silent: "",
    marks: true,
    files: &[File {
        name: "perhop.cfg",
        path: "the global parameters of `/etc/kamailio/kamailio.cfg`, before the first `loadmodule`",
        syntax: Syntax::Lines {
            separator: "=",
            comment: "#",
            first: "",
        },
        host: None,
        executables: &[],
        settings: &[Setting::new("", "tos", Takes::Mark(Part::Signaling, Unit::Octet)).or("16")],
    }],
    work: Work {
        order: order::SERVER_RANGES,
        place: "the Kamailio server, as root",
        commands: &[
            "kamailio -c -f /etc/kamailio/kamailio.cfg",
            "systemctl restart kamailio",
        ],
        check: &[
            "`kamailio -c` says that the file is right",
            "`strace -f -e trace=setsockopt` on its start shows `IP_TOS` with the value",
        ],
        notes: &[
            "`tos` is the whole octet as a number. The names that Kamailio knows are not to be used: all but `IPTOS_LOWDELAY` give 0x10.",
            "What Kamailio sends to rtpengine has a mark of its own: `modparam(\"rtpengine\", \"control_cmd_tos\", N)`.",
        ],
    },
    source: "kamailio/kamailio; tried with 5.6.3",
};
