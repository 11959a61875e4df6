//! `livekit`: the media ports of the LiveKit server (network-and-media 5).

use crate::software::{File, Part, Ports, Product, Setting, Syntax, Takes, Work};
use crate::target::order;

/// The target.
pub static LIVEKIT: Product = Product {
    id: "livekit",
    name: "LiveKit",
    summary: "LiveKit: its media ports; it marks nothing",
    executables: &["livekit-server", "livekit"],
    phones: false,
    ports: Ports::Told,
    lowest: 1,
    pairs: false,
    silent: "LiveKit sets no mark, so its host has to, as `linux-nft` does",
    marks: true,
    files: &[File {
        name: "livekit.yaml",
        path: "the mapping `rtc` of the server's configuration, such as `/etc/livekit.yaml`",
        syntax: Syntax::Yaml,
        host: None,
        executables: &[],
        settings: &[
            Setting::new("rtc", "port_range_start", Takes::First(Part::Media)).or("50000"),
            Setting::new("rtc", "port_range_end", Takes::Last(Part::Media)).or("60000"),
        ],
    }],
    work: Work {
        order: order::SERVER_RANGES,
        place: "the LiveKit server, as root",
        commands: &["systemctl restart livekit"],
        check: &["`ss -ulnp` shows ports of the range while people are in a room"],
        notes: &[
            "A line `udp_port` in `rtc` makes the server ignore the range: take it out.",
            "Each connection bundles audio and video, so they cannot be told apart by ports.",
            "`turn.relay_range_start` and `turn.relay_range_end` are another range, which this does not touch.",
        ],
    },
    source: "livekit/livekit: config-sample.yaml",
};
