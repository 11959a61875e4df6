//! `poly`: parameters of UC Software (network-and-media 6).

use crate::software::{File, Part, Ports, Product, Setting, Syntax, Takes, Unit, Work};
use crate::target::order;

/// The target.
pub static POLY: Product = Product {
    id: "poly",
    name: "Poly",
    summary: "Poly phones (UC Software): RTP range, marks of audio and call control, user priority",
    executables: &[],
    phones: true,
    ports: Ports::Told,
    lowest: 1024,
    pairs: true,
    silent: "",
    marks: true,
    files: &[File {
        name: "perhop.xml",
        path: "a configuration file that the phones' master file lists",
        syntax: Syntax::Attributes,
        host: None,
        executables: &[],
        settings: &[
            Setting::new(
                "perhop",
                "tcpIpApp.port.rtp.mediaPortRangeStart",
                Takes::First(Part::Media),
            )
            .or("2222"),
            Setting::new(
                "perhop",
                "tcpIpApp.port.rtp.mediaPortRangeEnd",
                Takes::Last(Part::Media),
            )
            .or("2269"),
            Setting::new(
                "perhop",
                "qos.ip.rtp.dscp",
                Takes::Mark(Part::Audio, Unit::Number),
            ),
            Setting::new(
                "perhop",
                "qos.ip.callControl.dscp",
                Takes::Mark(Part::Signaling, Unit::Number),
            ),
            Setting::new(
                "perhop",
                "qos.ethernet.rtp.user_priority",
                Takes::Priority(Part::Audio),
            )
            .or("5"),
            Setting::new(
                "perhop",
                "qos.ethernet.callControl.user_priority",
                Takes::Priority(Part::Signaling),
            )
            .or("5"),
        ],
    }],
    work: Work {
        order: order::DEVICES,
        place: "the provisioning server of the phones",
        commands: &[],
        check: &[
            "the phone's web page shows the values after it has been provisioned and restarted",
            "a capture at the switch shows marks and ports",
        ],
        notes: &[
            "`dscp` is the code point: 46 is EF. Without it the older parameters `qos.ip.rtp.precedence` and the like hold.",
            "RTP takes even ports of the range.",
            "The user priority has an effect only where the phone tags its packets.",
            "The parameters for a range and a mark of video are not verified, so they are not written.",
        ],
    },
    source: "Poly UC Software administrator guide",
};
