//! The table of fields of a plan.

use crate::catalogue;
use crate::field::{Field, Shape};

/// Every key of a plan, in the order of the reference page.
pub const PLAN: &[Field] = &[
    Field::new("version", Shape::Integer(1, 1), "Version of the plan language.").or("1"),
    Field::new("plan", Shape::Name, "Name of the plan, such as the company's. Artifacts and reports carry it.")
        .needed(),
    Field::new(
        "platforms",
        Shape::List(&Shape::Word(catalogue::platform_words)),
        "What the plan is for; the catalogue knows the components, executables and defaults of each.",
    )
    .or("none: only applications of one's own"),
    Field::new(
        "targets",
        Shape::List(&Shape::Text),
        "What to compile to, by name.",
    )
    .or("every target that fits the plan"),
    Field::new(
        "class",
        Shape::Map("class", &Shape::Table(CLASS)),
        "Service classes and their marks. `audio`, `video`, `app-sharing`, `file-transfer` and `signaling` are the media of the platforms; any other name is for `[app]`. When the table is there, only the classes in it are marked.",
    )
    .or("the vendor's usual mark for each medium that has ports"),
    Field::new("clients", Shape::Table(CLIENTS), "People's computers."),
    Field::new("servers", Shape::Table(SERVERS), "Servers inside the network.")
        .or("no rules for servers"),
    Field::new("edge", Shape::Table(EDGE), "The media relay between the network and the outside (A/V Edge)."),
    Field::new("exchange-um", Shape::Table(EXCHANGE_UM), "Voice mail (Exchange Unified Messaging)."),
    Field::new("phones", Shape::Table(PHONES), "Desk phones that take their mark from the service (Phone Edition and those that read the same value)."),
    Field::new("devices", Shape::Table(DEVICES), "Devices that are neither Windows computers nor such phones."),
    Field::new("teams", Shape::Table(TEAMS), "What Microsoft Teams is told, where it differs from `[clients]`."),
    Field::new("network", Shape::Table(NETWORK), "The network that the plan is for."),
    Field::new("site", Shape::Map("site", &Shape::Table(SITE)), "Places with subnets, and settings of their own. A site's settings hide the plan's."),
    Field::new("service", Shape::Map("service", &Shape::Table(SERVICE)), "Pools with settings of their own, by name. A service's settings hide its site's and the plan's."),
    Field::new("app", Shape::Map("application", &Shape::Open(APP, "class", &Shape::Table(MEDIA))), "Applications of one's own. Beside the keys below, each class that the application sends is a key: `audio = { ports = \"30000-30099\" }`."),
    Field::new("target", Shape::Map("target", &Shape::Open(TARGET, "option", &Shape::Option)), "Options of one target; the target says which."),
    Field::new("expect", Shape::Tables(EXPECT), "A flow and the mark it must get; `check` asks for each."),
    Field::new("allow", Shape::Tables(ALLOW), "A warning that is accepted. One that comes no more is itself a warning."),
];

const CLASS: &[Field] = &[
    Field::new("dscp", Shape::Dscp, "The mark, by name or number.")
        .or("for the media of the platforms, the vendor's usual mark"),
    Field::new(
        "pcp",
        Shape::Pcp,
        "Layer-2 priority (IEEE 802.1Q), for networks that use it.",
    ),
];

const CLIENTS: &[Field] = &[
    Field::new(
        "ports",
        Shape::Table(CLIENT_PORTS),
        "Source ports of each medium. Clients get them from the service at sign-in.",
    )
    .or("Teams: 50000-50019, 50020-50039, 50040-50059; others: none, so no rules"),
    Field::new(
        "enforce-ports",
        Shape::Boolean,
        "Whether clients must keep to these ports (`ClientMediaPortRangeEnabled`).",
    )
    .or("true"),
    Field::new(
        "reserved-ports",
        Shape::Boolean,
        "Whether these ports are kept from other programs on the clients by other means.",
    )
    .or("false"),
    Field::new(
        "vdi",
        Shape::List(&Shape::Word(catalogue::vdi_words)),
        "Virtual desktop media engines that run on the clients, where media then comes from.",
    )
    .or("[]"),
    Field::new(
        "also",
        Shape::List(&Shape::Word(catalogue::also_words)),
        "Further client software of the catalogue that is in use.",
    )
    .or("[]"),
    Field::new(
        "addresses",
        Shape::List(&Shape::Prefix),
        "Where clients are, for judging captures.",
    )
    .or("anywhere"),
];

const CLIENT_PORTS: &[Field] = &[
    Field::new("audio", Shape::Ports, "Audio."),
    Field::new("video", Shape::Ports, "Video."),
    Field::new(
        "app-sharing",
        Shape::Ports,
        "Application and desktop sharing.",
    ),
    Field::new("file-transfer", Shape::Ports, "Files between two clients."),
    Field::new(
        "legacy-media",
        Shape::Ports,
        "All media of Communicator 2007 R2, which knows one range only.",
    ),
    Field::new(
        "signaling",
        Shape::Ports,
        "The client's own end of signalling (`ClientSipDynamicPort`).",
    ),
];

const SERVERS: &[Field] = &[
    Field::new("ports", Shape::Table(SERVER_PORTS), "Source ports of every server role, where the role has no ports of its own below.")
        .or("audio 49152-57499, video 57501-65534"),
    Field::new("conferencing", Shape::Table(ROLE), "The conferencing services, where they differ."),
    Field::new("application", Shape::Table(AUDIO_ROLE), "The application service (response groups, announcements and the like), where it differs."),
    Field::new("mediation", Shape::Table(AUDIO_ROLE), "The Mediation service, where it differs."),
    Field::new("web", Shape::Table(SHARING_ROLE), "The web service, where it differs."),
    Field::new("application-pools", Shape::Table(POOLS), "Pools of trusted applications (UCMA)."),
    Field::new("addresses", Shape::List(&Shape::Prefix), "Where servers are, for judging captures.").or("anywhere"),
    Field::new("video-based-sharing", Shape::Boolean, "Whether conferences send screens as video (VbSS; Skype for Business Server 2015 CU3 and later).").or("false"),
];

const SERVER_PORTS: &[Field] = &[
    Field::new("audio", Shape::Ports, "Audio."),
    Field::new("video", Shape::Ports, "Video."),
    Field::new(
        "app-sharing",
        Shape::Ports,
        "Application and desktop sharing.",
    ),
    Field::new(
        "signaling",
        Shape::Ports,
        "Where servers take signalling; a rule is made of it when `class.signaling` is there.",
    ),
];

const ROLE: &[Field] = &[Field::new(
    "ports",
    Shape::Table(MEDIA_PORTS),
    "Source ports of this role.",
)
.needed()];

const AUDIO_ROLE: &[Field] = &[Field::new(
    "ports",
    Shape::Table(&[Field::new("audio", Shape::Ports, "Audio.").needed()]),
    "Source ports of this role.",
)
.needed()];

const SHARING_ROLE: &[Field] = &[Field::new(
    "ports",
    Shape::Table(&[Field::new(
        "app-sharing",
        Shape::Ports,
        "Application and desktop sharing.",
    )
    .needed()]),
    "Source ports of this role.",
)
.needed()];

const MEDIA_PORTS: &[Field] = &[
    Field::new("audio", Shape::Ports, "Audio."),
    Field::new("video", Shape::Ports, "Video."),
    Field::new(
        "app-sharing",
        Shape::Ports,
        "Application and desktop sharing.",
    ),
];

const POOLS: &[Field] = &[
    Field::new(
        "names",
        Shape::List(&Shape::Name),
        "Their fully qualified names.",
    )
    .needed(),
    Field::new(
        "executable",
        Shape::Text,
        "The applications' executable; a trusted application runs in a process of its own.",
    )
    .or("any process"),
    Field::new(
        "ports",
        Shape::Table(MEDIA_PORTS),
        "Ports reserved for them.",
    )
    .or("the audio range of `servers.ports`"),
];

const EDGE: &[Field] = &[
    Field::new(
        "internal",
        Shape::List(&Shape::Prefix),
        "Addresses of its internal interfaces; only what is sent from these is marked.",
    )
    .needed(),
    Field::new(
        "external",
        Shape::List(&Shape::Prefix),
        "Addresses of its external interfaces, to see that no rule covers them.",
    )
    .or("not known"),
    Field::new(
        "relay-ports",
        Shape::Ports,
        "Relay range on the external side. Best left alone.",
    )
    .or("untouched: 50000-59999"),
];

const EXCHANGE_UM: &[Field] = &[
    Field::new(
        "addresses",
        Shape::List(&Shape::Prefix),
        "Addresses of the voice-mail servers.",
    )
    .needed(),
    Field::new(
        "mark",
        Shape::Boolean,
        "Whether these servers mark the audio they send, by a policy for all their applications.",
    )
    .or("false"),
];

const PHONES: &[Field] = &[
    Field::new(
        "dscp",
        Shape::Dscp,
        "The mark of their audio (`VoiceDiffServTag`).",
    )
    .or("the mark of `class.audio`"),
    Field::new(
        "pcp",
        Shape::Pcp,
        "Layer-2 priority (`Voice8021p`); no effect on Lync 2013 devices.",
    )
    .or("untouched"),
    Field::new(
        "addresses",
        Shape::List(&Shape::Prefix),
        "Where phones are, for judging captures.",
    )
    .or("anywhere"),
];

const DEVICES: &[Field] = &[Field::new(
    "qos",
    Shape::Boolean,
    "Whether they mark at all (`EnableQoS`).",
)
.needed()];

const TEAMS: &[Field] = &[Field::new(
    "ports",
    Shape::Table(MEDIA_PORTS),
    "Source ports of Teams clients.",
)
.or("`clients.ports`, then 50000-50019, 50020-50039, 50040-50059")];

const NETWORK: &[Field] = &[
    Field::new(
        "internal",
        Shape::List(&Shape::Prefix),
        "All addresses inside; senders outside are never judged as planned.",
    )
    .or("anywhere"),
    Field::new(
        "express-route",
        Shape::Boolean,
        "Whether marks must hold on Microsoft peering, which knows EF, AF41, AF21 and AF11 only.",
    )
    .or("false"),
];

const SITE: &[Field] = &[
    Field::new(
        "subnets",
        Shape::List(&Shape::Prefix),
        "Its subnets; each belongs to one site.",
    )
    .or("not known"),
    Field::new(
        "clients",
        Shape::Table(OWN_CLIENTS),
        "Client settings of this site.",
    ),
    Field::new(
        "phones",
        Shape::Table(OWN_PHONES),
        "Phone settings of this site.",
    ),
    Field::new(
        "devices",
        Shape::Table(DEVICES),
        "Device settings of this site.",
    ),
];

const SERVICE: &[Field] = &[
    Field::new("site", Shape::Name, "The site it is in, one of `[site]`."),
    Field::new(
        "addresses",
        Shape::List(&Shape::Prefix),
        "Where its servers are.",
    )
    .or("not known"),
    Field::new(
        "clients",
        Shape::Table(OWN_CLIENTS),
        "Client settings of the users homed on it.",
    ),
    Field::new("servers", Shape::Table(ROLE), "Ports of its server roles."),
];

const OWN_CLIENTS: &[Field] = &[
    Field::new(
        "ports",
        Shape::Table(CLIENT_PORTS),
        "Source ports that differ from the plan's.",
    )
    .or("as `[clients]`"),
    Field::new(
        "enforce-ports",
        Shape::Boolean,
        "Whether clients must keep to their ports.",
    )
    .or("true"),
];

const OWN_PHONES: &[Field] = &[
    Field::new("dscp", Shape::Dscp, "The mark of their audio.").or("as `[phones]`"),
    Field::new("pcp", Shape::Pcp, "Layer-2 priority.").or("as `[phones]`"),
];

const APP: &[Field] = &[
    Field::new(
        "executable",
        Shape::Text,
        "File name or full path of the program.",
    )
    .or("any process"),
    Field::new("on", Shape::Word(crate::plan::host_words), "Where it runs.").or("\"clients\""),
    Field::new(
        "protocol",
        Shape::Word(crate::plan::protocol_words),
        "Transport protocol.",
    )
    .or("\"both\""),
    Field::new(
        "addresses",
        Shape::List(&Shape::Prefix),
        "Addresses that it sends from.",
    )
    .or("any"),
    Field::new(
        "peers",
        Shape::List(&Shape::Prefix),
        "Addresses that it sends to.",
    )
    .or("any"),
    Field::new(
        "marker",
        Shape::Word(crate::plan::marker_words),
        "Who marks: the host's policy, the sender itself, or the network.",
    )
    .or("\"host\" on Windows and Linux, \"network\" on Macs, \"sender\" on devices"),
];

const MEDIA: &[Field] = &[
    Field::new("ports", Shape::Ports, "Ports that tell this class.").needed(),
    Field::new(
        "side",
        Shape::Word(crate::plan::side_words),
        "Whether these are the sender's or the receiver's ports.",
    )
    .or("\"source\""),
    Field::new(
        "throttle",
        Shape::Rate,
        "The most that each host may send of it. Only hosts whose policy marks throttle; never throttle a call.",
    )
    .or("no limit"),
];

const TARGET: &[Field] = &[Field::new(
    "accept",
    Shape::List(&Shape::Text),
    "Losses accepted, by name: what the target cannot say exactly.",
)
.or("[]")];

const EXPECT: &[Field] = &[
    Field::new("flow", Shape::Table(FLOW), "The packet.").needed(),
    Field::new(
        "dscp",
        Shape::DscpOrNone,
        "The mark it must get, or `\"none\"` when no rule may be about it.",
    )
    .needed(),
];

const FLOW: &[Field] = &[
    Field::new(
        "scope",
        Shape::Text,
        "Who sends, such as `clients` or `edge`.",
    )
    .or("the scopes that have rules for the application; else `clients`"),
    Field::new("app", Shape::Text, "The sending program.").or("none that is known"),
    Field::new(
        "protocol",
        Shape::Word(crate::plan::transport_words),
        "Transport protocol.",
    )
    .or("\"udp\""),
    Field::new("source", Shape::Prefix, "Sender's address.").or("an address of the scope"),
    Field::new("source-port", Shape::Integer(0, 65535), "Sender's port.").or("0"),
    Field::new("destination", Shape::Prefix, "Receiver's address.")
        .or("an address that no rule names"),
    Field::new(
        "destination-port",
        Shape::Integer(0, 65535),
        "Receiver's port.",
    )
    .or("0"),
];

const ALLOW: &[Field] = &[
    Field::new(
        "code",
        Shape::Text,
        "The warning's code, such as `plan/not-contiguous`.",
    )
    .needed(),
    Field::new(
        "reason",
        Shape::Text,
        "Why it is accepted; reports carry it.",
    )
    .needed(),
];
