//! `yealink`: lines of the auto-provisioning file (network-and-media 6).

use crate::software::{File, Part, Ports, Product, Setting, Syntax, Takes, Unit, Work};
use crate::target::order;

/// The target.
pub static YEALINK: Product = Product {
    id: "yealink",
    name: "Yealink",
    summary: "Yealink phones: RTP range, marks and VLAN priority in the auto-provisioning file",
    executables: &[],
    phones: true,
    ports: Ports::Told,
    lowest: 1024,
    pairs: true,
    silent: "",
    marks: true,
    files: &[File {
        name: "perhop.cfg",
        path: "the common or the model's file that phones are provisioned from",
        syntax: Syntax::Lines {
            separator: " = ",
            comment: "#",
            first: "#!version:1.0.0.1",
        },
        host: None,
        executables: &[],
        settings: &[
            Setting::new(
                "",
                "static.network.port.min_rtpport",
                Takes::First(Part::Media),
            )
            .or("11780"),
            Setting::new(
                "",
                "static.network.port.max_rtpport",
                Takes::Last(Part::Media),
            )
            .or("12780"),
            Setting::new(
                "",
                "static.network.qos.audiotos",
                Takes::Mark(Part::Audio, Unit::Number),
            )
            .or("46"),
            Setting::new(
                "",
                "static.network.qos.videotos",
                Takes::Mark(Part::Video, Unit::Number),
            )
            .or("34"),
            Setting::new(
                "",
                "static.network.qos.signaltos",
                Takes::Mark(Part::Signaling, Unit::Number),
            )
            .or("26"),
            Setting::new(
                "",
                "static.network.vlan.internet_port_priority",
                Takes::Priority(Part::Media),
            ),
        ],
    }],
    work: Work {
        order: order::DEVICES,
        place: "the provisioning server of the phones",
        commands: &[],
        check: &[
            "the phone's page for network, advanced, shows the values after it has been provisioned and restarted",
            "a capture at the switch shows marks and ports",
        ],
        notes: &[
            "In spite of their names these settings take the code point: 46 is EF.",
            "Older firmware has the same names without `static.`.",
            "The VLAN priority has an effect only where the phone tags its packets.",
        ],
    },
    source: "Yealink auto-provisioning guides",
};
