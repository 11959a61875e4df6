//! `grandstream`: items of the provisioning file of GRP phones (version 2 of its format, with names instead of numbers).
//!
//! The numbers (P-values) of older models differ between models and were not verified, so none is written. The names and
//! ranges of these items are from public provisioning templates for GRP26xx phones; they agree with the vendor's defaults
//! of 26 and 46.

use crate::software::{File, Part, Ports, Product, Setting, Syntax, Takes, Unit, Work};
use crate::target::order;

/// The target.
pub static GRANDSTREAM: Product = Product {
    id: "grandstream",
    name: "Grandstream",
    summary: "Grandstream GRP phones: marks of audio and signalling, VLAN priority, as items of the provisioning file",
    executables: &[],
    phones: true,
    ports: Ports::Elsewhere(
        "the names of the port settings of Grandstream phones are not verified, so their ports are set by hand",
    ),
    lowest: 1024,
    pairs: true,
    silent: "",
    marks: true,
    files: &[File {
        name: "perhop.xml",
        path: "the file that GRP phones are provisioned from, as items of its element `config` of version 2",
        syntax: Syntax::Items,
        host: None,
        executables: &[],
        settings: &[
            Setting::new(
                "",
                "network.qos.forRtp",
                Takes::Mark(Part::Audio, Unit::Number),
            )
            .or("46"),
            Setting::new(
                "",
                "network.qos.forSip",
                Takes::Mark(Part::Signaling, Unit::Number),
            )
            .or("26"),
            Setting::new(
                "",
                "network.port.eth.1.vlan.priority",
                Takes::Priority(Part::Media),
            )
            .or("0"),
        ],
    }],
    work: Work {
        order: order::DEVICES,
        place: "the provisioning server of the phones",
        commands: &[],
        check: &[
            "the phone's page for network, advanced, shows `Layer 3 QoS for RTP` and `for SIP` after it has been provisioned and restarted",
            "a capture at the switch shows marks",
        ],
        notes: &[
            "The marks are code points: 46 is EF.",
            "Phones before GRP take numbered parameters (P-values), which differ between models; enter the same values on their page `Layer 3 QoS`.",
            "The VLAN priority has an effect only where the phone tags its packets.",
        ],
    },
    source: "public provisioning templates for GRP26xx, format version 2; not tried",
};
