//! `zoom`: the account setting for DSCP (uc-platforms 10.4).

use crate::software::{File, Part, Ports, Product, Setting, Syntax, Takes, Unit, Work};
use crate::target::order;

/// The target.
pub static ZOOM: Product = Product {
    id: "zoom",
    name: "Zoom",
    summary: "Zoom: the values for the account's setting DSCP marking, to be entered on its page",
    executables: &["zoom"],
    phones: false,
    ports: Ports::Elsewhere("the client's own ports are not to be set"),
    lowest: 1,
    pairs: false,
    silent: "",
    marks: true,
    files: &[File {
        name: "dscp-marking.txt",
        path: "Account Settings, Meeting, In Meeting (Advanced), DSCP marking",
        syntax: Syntax::Lines {
            separator: " = ",
            comment: "#",
            first: "",
        },
        host: None,
        executables: &[],
        settings: &[
            Setting::new("", "audio", Takes::Mark(Part::Audio, Unit::Number)).or("56"),
            Setting::new("", "video", Takes::Mark(Part::Video, Unit::Number)).or("40"),
            Setting::new("", "screen share", Takes::Mark(Part::Sharing, Unit::Number)).or("40"),
        ],
    }],
    work: Work {
        order: order::CLIENT_RANGES,
        place: "the account's web page, as its administrator",
        commands: &[],
        check: &["a capture at a client that was installed again shows the marks"],
        notes: &[
            "The default of audio is 56 (CS7), which is for network control: most networks want another.",
            "Clients take it when they are installed again. On Windows the client marks only when it is elevated, unless a policy of Windows does it.",
            "It is for meetings; Zoom Phone has a setting of its own.",
        ],
    },
    source: "Zoom support, DSCP marking",
};
