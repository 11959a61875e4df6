//! `lldp-med`: the network policy that a switch advertises, for `lldpd` and Cisco IOS (network-and-media 6, ANSI/TIA-1057).

use crate::software::{File, Part, Ports, Product, Setting, Syntax, Takes, Work};
use crate::target::order;

/// The target.
pub static LLDP_MED: Product = Product {
    id: "lldp-med",
    name: "LLDP-MED",
    summary: "LLDP-MED network policies for phones, advertised by lldpd or a Cisco switch: VLAN, priority and mark of voice, video and signalling",
    executables: &[],
    phones: true,
    ports: Ports::Elsewhere("a network policy has no ports, which phones are provisioned with"),
    lowest: 1,
    pairs: false,
    silent: "",
    marks: false,
    files: &[LLDPD, CISCO_IOS],
    work: WORK,
    source: "ANSI/TIA-1057; tried with lldpd 1.0; Cisco IOS by the vendor's test library (genie), not tried",
};

const LLDPD: File = File {
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
};

/// A profile of a number that nobody counts to; interfaces are told it by hand.
const CISCO_IOS: File = File {
    name: "cisco-ios.txt",
    path: "Cisco switches with IOS XE, to be entered there",
    syntax: Syntax::Mode("network-policy profile 7068"),
    host: None,
    executables: &[],
    settings: &[
        Setting::new("", "voice vlan", Takes::TaggedCos(Part::Audio)),
        Setting::new("", "voice vlan", Takes::TaggedDscp(Part::Audio)),
        Setting::new(
            "",
            "voice-signaling vlan",
            Takes::TaggedCos(Part::Signaling),
        ),
        Setting::new(
            "",
            "voice-signaling vlan",
            Takes::TaggedDscp(Part::Signaling),
        ),
    ],
};

const WORK: Work = Work {
    order: order::DEVICES,
    place: "the switch, as administrator; where it runs lldpd, that is started with `-M 4`",
    commands: &["systemctl restart lldpd"],
    check: &[
        "`lldpcli show interfaces details` on the switch shows the policies",
        "`lldpcli -f json show neighbors details` on a host behind the switch shows `lldp-med`, `policy` with the VLAN, `pcp` and `dscp`",
        "on Cisco, `show network-policy profile 7068` shows it with its interfaces",
    ],
    notes: &[
        "A phone that accepts a network policy sets its own marks aside, so the phone's provisioning and this must agree: both are made from one plan.",
        "On Cisco: `lldp run`, enter the lines of `cisco-ios.txt`, and `network-policy 7068` at each interface with a phone; `no network-policy` there before it is taken back. It is written where the option `vlan` is given, and has no policy for video.",
        "Other makes are not written. Arista's phone settings know VLAN and CoS and no mark, Junos advertises a forwarding class by one of four names, and of AOS-CX it is not verified how the mark is told.",
    ],
};
