//! `jitsi`: the one media port of Jitsi Videobridge (network-and-media 5).

use crate::software::{File, Part, Ports, Product, Setting, Syntax, Takes, Work};
use crate::target::order;

/// The target.
pub static JITSI: Product = Product {
    id: "jitsi",
    name: "Jitsi Videobridge",
    summary: "Jitsi Videobridge: its one media port; it marks nothing",
    executables: &["jvb", "jvb.sh", "jitsi-videobridge"],
    phones: false,
    ports: Ports::Told,
    lowest: 1,
    pairs: false,
    silent: "Jitsi Videobridge sets no mark, so its host has to, as `linux-nft` does",
    marks: true,
    files: &[File {
        name: "jvb.conf",
        path: "the end of `/etc/jitsi/videobridge/jvb.conf`",
        syntax: Syntax::Lines {
            separator: " = ",
            comment: "#",
            first: "",
        },
        host: None,
        executables: &[],
        settings: &[
            Setting::new("", "videobridge.ice.udp.port", Takes::Port(Part::Media)).or("10000"),
        ],
    }],
    work: Work {
        order: order::SERVER_RANGES,
        place: "the Jitsi Videobridge server, as root",
        commands: &["systemctl restart jitsi-videobridge2"],
        check: &["`ss -ulnp` shows the bridge on the port"],
        notes: &[
            "All media of all people leaves from this one port, so audio and video cannot be told apart there: the port has one mark.",
            "The bridge runs in Java: where rules go by executable, the plan names `java`, and `apps` tells this target which application it is.",
        ],
    },
    source: "jitsi/jitsi-videobridge: reference.conf",
};
