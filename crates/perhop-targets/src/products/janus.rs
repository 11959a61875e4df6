//! `janus`: the core and the plugins that have ports of their own (network-and-media 5).

use crate::software::{File, Part, Ports, Product, Setting, Syntax, Takes, Unit, Work};
use crate::target::order;

/// The target.
pub static JANUS: Product = Product {
    id: "janus",
    name: "Janus",
    summary: "Janus: the port range of its core and plugins, and its one mark for what it bundles",
    executables: &["janus"],
    phones: false,
    ports: Ports::Told,
    lowest: 1,
    pairs: false,
    silent: "",
    marks: true,
    files: &[
        file(
            "janus.jcfg",
            "the block `media` of `/etc/janus/janus.jcfg`",
            &[
                Setting::new("media", "rtp_port_range", Takes::Range(Part::Media)),
                Setting::new("media", "dscp", Takes::Mark(Part::Media, Unit::Number)),
            ],
        ),
        file(
            "janus.plugin.sip.jcfg",
            "the block `general` of `/etc/janus/janus.plugin.sip.jcfg`",
            SIP,
        ),
        file(
            "janus.plugin.nosip.jcfg",
            "the block `general` of `/etc/janus/janus.plugin.nosip.jcfg`",
            SIP,
        ),
        file(
            "janus.plugin.audiobridge.jcfg",
            "the block `general` of `/etc/janus/janus.plugin.audiobridge.jcfg`",
            PORTS,
        ),
        file(
            "janus.plugin.streaming.jcfg",
            "the block `general` of `/etc/janus/janus.plugin.streaming.jcfg`",
            PORTS,
        ),
    ],
    work: Work {
        order: order::SERVER_RANGES,
        place: "the Janus server, as root",
        commands: &["systemctl restart janus"],
        check: &[
            "`curl -s http://localhost:8088/janus/info` shows `dscp`",
            "the log shows the range when Janus starts",
        ],
        notes: &[
            "`dscp` is the code point: 46 is EF. The core sends audio and video bundled, from one port with one mark; only the plugins `sip` and `nosip` mark them apart.",
            "Plugins that are not in use can do without their file.",
        ],
    },
    source: "meetecho/janus-gateway; tried with 1.1",
};

const SIP: &[Setting] = &[
    Setting::new("general", "rtp_port_range", Takes::Range(Part::Media)).or("10000-60000"),
    Setting::new(
        "general",
        "dscp_audio_rtp",
        Takes::Mark(Part::Audio, Unit::Number),
    ),
    Setting::new(
        "general",
        "dscp_video_rtp",
        Takes::Mark(Part::Video, Unit::Number),
    ),
];

const PORTS: &[Setting] =
    &[Setting::new("general", "rtp_port_range", Takes::Range(Part::Media)).or("10000-60000")];

const fn file(name: &'static str, path: &'static str, settings: &'static [Setting]) -> File {
    File {
        name,
        path,
        syntax: Syntax::Braces,
        host: None,
        executables: &[],
        settings,
    }
}
