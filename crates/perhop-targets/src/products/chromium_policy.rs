//! `chromium-policy`: the UDP ports of WebRTC in Chrome, Chromium and Edge (network-and-media 5).

use perhop_policy::Host;

use crate::software::{File, Part, Ports, Product, Setting, Syntax, Takes, Work};
use crate::target::order;

/// The target.
pub static CHROMIUM_POLICY: Product = Product {
    id: "chromium-policy",
    name: "Chromium, Chrome and Edge",
    summary: "The policy WebRtcUdpPortRange of Chrome, Chromium and Edge: registry on Windows, managed policy on Linux",
    executables: &[
        "chrome",
        "google-chrome",
        "chromium",
        "chromium-browser",
        "msedge",
        "microsoft-edge",
    ],
    phones: false,
    ports: Ports::Told,
    lowest: 1024,
    pairs: false,
    silent: "no policy of these browsers sets a mark, so hosts have to; a page can ask for one with `networkPriority`, which Windows honours only with a policy of its own",
    marks: true,
    files: &[
        registry("chrome.reg", CHROME, &["chrome"]),
        registry("edge.reg", EDGE, &["msedge"]),
        registry("chromium.reg", CHROMIUM, &["chromium"]),
        managed(
            "chrome.json",
            "a file of its own in `/etc/opt/chrome/policies/managed/`",
            &["chrome", "google-chrome"],
        ),
        managed(
            "chromium.json",
            "a file of its own in `/etc/chromium/policies/managed/`",
            &["chromium", "chromium-browser"],
        ),
        managed(
            "edge.json",
            "a file of its own in `/etc/opt/edge/policies/managed/`",
            &["msedge", "microsoft-edge"],
        ),
    ],
    work: Work {
        order: order::CLIENT_RANGES,
        place: "each computer with the browser, as administrator, or the domain's Group Policy",
        commands: &[],
        check: &[
            "`chrome://policy` or `edge://policy` shows `WebRtcUdpPortRange` without an error",
            "the candidates in `chrome://webrtc-internals` have ports of the range",
        ],
        notes: &[
            "The browser takes it when it is started again. A range that is not two numbers from 1024 to 65535 is ignored without a word.",
            "A connection bundles audio and video on one port, so they cannot be told apart by ports: the range has one mark.",
        ],
    },
    source: "learn.microsoft.com/deployedge: WebRtcUdpPortRange; tried with Chromium on Linux",
};

const CHROME: &[Setting] = &[Setting::new(
    r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Google\Chrome",
    KEY,
    RANGE,
)];

const EDGE: &[Setting] = &[Setting::new(
    r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Edge",
    KEY,
    RANGE,
)];

const CHROMIUM: &[Setting] = &[Setting::new(
    r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Chromium",
    KEY,
    RANGE,
)];

const MANAGED: &[Setting] = &[Setting::new("", KEY, RANGE)];

const KEY: &str = "WebRtcUdpPortRange";

const RANGE: Takes = Takes::Range(Part::Media);

const fn registry(
    name: &'static str,
    settings: &'static [Setting],
    executables: &'static [&'static str],
) -> File {
    File {
        name,
        path: "the registry of the computer",
        syntax: Syntax::Reg,
        host: Some(Host::Windows),
        executables,
        settings,
    }
}

const fn managed(
    name: &'static str,
    path: &'static str,
    executables: &'static [&'static str],
) -> File {
    File {
        name,
        path,
        syntax: Syntax::Json,
        host: Some(Host::Linux),
        executables,
        settings: MANAGED,
    }
}
