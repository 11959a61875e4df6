//! `freeswitch`: the RTP range of `switch.conf.xml` (network-and-media 5).

use crate::software::{File, Part, Ports, Product, Setting, Syntax, Takes, Work};
use crate::target::order;

/// The target.
pub static FREESWITCH: Product = Product {
    id: "freeswitch",
    name: "FreeSWITCH",
    summary: "FreeSWITCH: the RTP range; it marks nothing",
    executables: &["freeswitch"],
    phones: false,
    ports: Ports::Told,
    lowest: 1,
    pairs: true,
    silent: "FreeSWITCH sets no mark, so its host has to, as `linux-nft` does",
    marks: true,
    files: &[File {
        name: "switch.conf.xml",
        path: "the element `settings` of `/etc/freeswitch/autoload_configs/switch.conf.xml`",
        syntax: Syntax::Params,
        host: None,
        executables: &[],
        settings: &[
            Setting::new("settings", "rtp-start-port", Takes::First(Part::Media)).or("16384"),
            Setting::new("settings", "rtp-end-port", Takes::Last(Part::Media)).or("32768"),
        ],
    }],
    work: Work {
        order: order::SERVER_RANGES,
        place: "the FreeSWITCH server, as root",
        commands: &["systemctl restart freeswitch"],
        check: &["the ports in the `m=` lines of a call's SDP are of the range"],
        notes: &["There is one range for audio and video, of which even ports are used."],
    },
    source: "signalwire/freeswitch: switch.conf.xml",
};
