//! `cisco-mpp`: elements of the flat profile (network-and-media 6).

use crate::software::{File, Part, Ports, Product, Setting, Syntax, Takes, Unit, Work};
use crate::target::order;

/// The target.
pub static CISCO_MPP: Product = Product {
    id: "cisco-mpp",
    name: "Cisco MPP",
    summary: "Cisco multiplatform phones (MPP, SPA): RTP range, marks and CoS of extension 1",
    executables: &[],
    phones: true,
    ports: Ports::Told,
    lowest: 1024,
    pairs: true,
    silent: "",
    marks: true,
    files: &[File {
        name: "perhop.xml",
        path: "the profile that phones are provisioned from, in its element `flat-profile`",
        syntax: Syntax::Elements,
        host: None,
        executables: &[],
        settings: &[
            Setting::new("flat-profile", "RTP_Port_Min", Takes::First(Part::Media)).or("16384"),
            Setting::new("flat-profile", "RTP_Port_Max", Takes::Last(Part::Media)).or("16482"),
            Setting::new(
                "flat-profile",
                "RTP_TOS_DiffServ_Value_1_",
                Takes::Mark(Part::Audio, Unit::HexOctet),
            )
            .or("0xb8"),
            Setting::new(
                "flat-profile",
                "RTP_CoS_Value_1_",
                Takes::Priority(Part::Audio),
            )
            .or("6"),
            Setting::new(
                "flat-profile",
                "SIP_TOS_DiffServ_Value_1_",
                Takes::Mark(Part::Signaling, Unit::HexOctet),
            )
            .or("0x68"),
            Setting::new(
                "flat-profile",
                "SIP_CoS_Value_1_",
                Takes::Priority(Part::Signaling),
            )
            .or("3"),
        ],
    }],
    work: Work {
        order: order::DEVICES,
        place: "the provisioning server of the phones",
        commands: &[],
        check: &[
            "the phone's web page shows the values after it has been provisioned",
            "a capture at the switch shows marks and ports",
        ],
        notes: &[
            "The marks are whole octets: 0xb8 is EF.",
            "The number between the underscores is the extension: repeat these lines for every extension in use.",
        ],
    },
    source: "Cisco MPP provisioning guide",
};
