//! `citrix-hdx`: the marks of the media engine of HDX RealTime (uc-platforms 6.2, windows-qos 11).

use perhop_policy::Host;

use crate::software::{File, Part, Ports, Product, Setting, Syntax, Takes, Unit, Work};
use crate::target::order;

/// The target.
pub static CITRIX_HDX: Product = Product {
    id: "citrix-hdx",
    name: "Citrix HDX RealTime",
    summary: "Citrix HDX RealTime media engine: its own marks of audio and video, in the user's registry",
    executables: &["mediaenginehost"],
    phones: false,
    ports: Ports::Elsewhere("the engine takes the client's ports"),
    lowest: 1,
    pairs: false,
    silent: "",
    marks: true,
    files: &[File {
        name: "media-engine.reg",
        path: "the registry of each user of the client",
        syntax: Syntax::Reg,
        host: Some(Host::Windows),
        executables: &[],
        settings: &[
            Setting::new(KEY, "AudioTOS", Takes::Mark(Part::Audio, Unit::Octet)),
            Setting::new(KEY, "VideoTOS", Takes::Mark(Part::Video, Unit::Octet)),
        ],
    }],
    work: Work {
        order: order::CLIENT_POLICY,
        place: "each client with the media engine, as its user, or the domain's Group Policy preferences",
        commands: &[],
        check: &[
            r"`reg query HKCU\Software\Citrix\HDXRTConnector\MediaEngine\Networking` shows `0xb8` for EF",
            "a capture at the client shows the marks: Windows honours what an application asks for only where its policy for that allows it",
        ],
        notes: &["The values are whole octets: 184, shown as 0xb8, is EF."],
    },
    source: "the vendor's policy template, as published",
};

const KEY: &str = r"HKEY_CURRENT_USER\Software\Citrix\HDXRTConnector\MediaEngine\Networking";
