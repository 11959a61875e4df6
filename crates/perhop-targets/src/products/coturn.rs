//! `coturn`: the relay ports of turnserver (network-and-media 5).

use crate::software::{File, Part, Ports, Product, Setting, Syntax, Takes, Work};
use crate::target::order;

/// The target.
pub static COTURN: Product = Product {
    id: "coturn",
    name: "coturn",
    summary: "coturn: its relay ports; it copies the client's mark and sets none",
    executables: &["turnserver", "coturn"],
    phones: false,
    ports: Ports::Told,
    lowest: 1024,
    pairs: false,
    silent: "coturn copies the mark of the packet that it relays and sets none of its own, so clients or the host have to",
    marks: true,
    files: &[File {
        name: "turnserver.conf",
        path: "`/etc/turnserver.conf`",
        syntax: Syntax::Lines {
            separator: "=",
            comment: "#",
            first: "",
        },
        host: None,
        executables: &[],
        settings: &[
            Setting::new("", "min-port", Takes::First(Part::Media)).or("49152"),
            Setting::new("", "max-port", Takes::Last(Part::Media)).or("65535"),
        ],
    }],
    work: Work {
        order: order::SERVER_RANGES,
        place: "the TURN server, as root",
        commands: &["systemctl restart coturn"],
        check: &[
            "the relay addresses that `turnutils_uclient` or a browser is given have ports of the range",
        ],
        notes: &["Audio and video share the range, so by ports there is one mark for both."],
    },
    source: "coturn/coturn; tried with 4.6.1",
};
