//! `snom`: elements of the phone settings (network-and-media 6).

use crate::software::{File, Part, Ports, Product, Setting, Syntax, Takes, Unit, Work};
use crate::target::order;

/// The target.
pub static SNOM: Product = Product {
    id: "snom",
    name: "Snom",
    summary: "Snom phones: marks of audio and signalling, VLAN priority",
    executables: &[],
    phones: true,
    ports: Ports::Elsewhere(
        "the names of the port settings of Snom phones are not verified, so their ports are set by hand",
    ),
    lowest: 1024,
    pairs: true,
    silent: "",
    marks: true,
    files: &[File {
        name: "perhop.xml",
        path: "the settings file that phones are provisioned from",
        syntax: Syntax::Elements,
        host: None,
        executables: &[],
        settings: &[
            Setting::new(SECTION, "codec_tos", Takes::Mark(Part::Audio, Unit::Octet)).or("160"),
            Setting::new(
                SECTION,
                "signaling_tos",
                Takes::Mark(Part::Signaling, Unit::Octet),
            )
            .or("160"),
            Setting::new(SECTION, "vlan_qos", Takes::Priority(Part::Media)),
        ],
    }],
    work: Work {
        order: order::DEVICES,
        place: "the provisioning server of the phones",
        commands: &[],
        check: &[
            "the phone's web page shows the values after it has been provisioned",
            "a capture at the switch shows marks",
        ],
        notes: &[
            "The marks are whole octets in decimal: 184 is EF.",
            "The VLAN priority has an effect only where the phone tags its packets.",
        ],
    },
    source: "Snom settings reference",
};

const SECTION: &str = "settings/phone-settings";
