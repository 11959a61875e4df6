//! `lldp-med`: the network policy that a switch of `lldpd` advertises (network-and-media 6, ANSI/TIA-1057).

use crate::software::{File, Part, Ports, Product, Setting, Syntax, Takes, Work};
use crate::target::order;

/// The target.
pub static LLDP_MED: Product = Product {
    id: "lldp-med",
    name: "LLDP-MED",
    summary: "LLDP-MED network policies for phones, advertised by lldpd: VLAN, priority and mark of voice, video and signalling",
    executables: &[],
    phones: true,
    ports: Ports::Elsewhere("a network policy has no ports, which phones are provisioned with"),
    lowest: 1,
    pairs: false,
    silent: "",
    marks: false,
    files: &[File {
        name: "perhop.conf",
        path: "a file of its own in `/etc/lldpd.d/`",
        syntax: Syntax::Lines {
            separator: " ",
            comment: "#",
            first: "",
        },
        host: None,
        executables: &[],
        settings: &[
            Setting::new(
                "",
                "configure med policy application voice",
                Takes::Advertised(Part::Audio),
            ),
            Setting::new(
                "",
                "configure med policy application voice-signaling",
                Takes::Advertised(Part::Signaling),
            ),
            Setting::new(
                "",
                "configure med policy application video-conferencing",
                Takes::Advertised(Part::Video),
            ),
        ],
    }],
    work: Work {
        order: order::DEVICES,
        place: "the switch that runs lldpd, as root; lldpd is started with `-M 4`",
        commands: &["systemctl restart lldpd"],
        check: &[
            "`lldpcli show interfaces details` on the switch shows the policies",
            "`lldpcli -f json show neighbors details` on a host behind the switch shows `lldp-med`, `policy` with the VLAN, `pcp` and `dscp`",
        ],
        notes: &[
            "A phone that accepts a network policy sets its own marks aside, so the phone's provisioning and this must agree: both are made from one plan.",
            "The other makes of switches have this in their own configuration; the syntaxes are not verified, so they are not written.",
        ],
    },
    source: "ANSI/TIA-1057; tried with lldpd 1.0",
};
