//! Everything that sends, and the opening of a session.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::conversation::{Conversation, Style};
use crate::exchange::{Dns, Rtcp, Stun};
use crate::media::{Codec, Media};
use crate::path::{Ends, Marks};
use crate::random::Random;
use crate::session::{Kind, Session};
use crate::truth::{Label, MarkKind, Role};
use crate::world::World;

/// One sender with a state of its own.
#[derive(Debug)]
pub(crate) enum Source {
    Media(Media),
    Rtcp(Rtcp),
    Stun(Stun),
    Conversation(Conversation),
    Dns(Dns),
}

impl Source {
    /// Sends what is due; gives when to come back, if ever.
    pub(crate) fn step<W: Write>(
        &mut self,
        now: u64,
        world: &mut World<W>,
    ) -> io::Result<Option<u64>> {
        match self {
            Self::Media(one) => one.step(now, world),
            Self::Rtcp(one) => one.step(now, world),
            Self::Stun(one) => one.step(now, world),
            Self::Conversation(one) => one.step(now, world),
            Self::Dns(one) => one.step(now, world),
        }
    }
}

/// First and last port of a range.
type Range = (u64, u64);

const CLIENT_AUDIO: Range = (20_000, 20_039);
const CLIENT_VIDEO: Range = (20_040, 20_079);
const CLIENT_SHARING: Range = (42_000, 42_019);
const SERVER_AUDIO: Range = (49_152, 57_499);
const SERVER_VIDEO: Range = (57_501, 65_534);
const SERVER_SHARING: Range = (40_803, 49_150);
/// Outside all ranges of the plan.
const EPHEMERAL: Range = (32_768, 40_802);
const RELAY_PORT: u16 = 3478;

/// Sources to start, each with its time.
pub(crate) type Opened = Vec<(u64, Source)>;

/// Makes the flows and senders of a session.
pub(crate) fn open<W: Write>(world: &mut World<W>, session: &Session, opened: &mut Opened) {
    let site = Site::draw(world, session.number);
    match session.kind {
        Kind::Audio => {
            let is_peer = world.random.chance(0.3);
            call(world, session, &site, is_peer, Role::Audio, opened);
        }
        Kind::Video => {
            let is_peer = world.random.chance(0.3);
            call(world, session, &site, is_peer, Role::Audio, opened);
            call(world, session, &site, is_peer, Role::Video, opened);
        }
        Kind::Relayed => relayed(world, session, &site, opened),
        Kind::Sharing => {
            let ports = (draw(world, CLIENT_SHARING), draw(world, SERVER_SHARING));
            let paths = pair(
                world,
                site.ends(site.client, site.server, ports, true),
                Role::Sharing,
            )
            .0;
            let style = Style::Upload { pause: 290_000_000 };
            let source = Conversation::new(world, paths, session.end, style);
            opened.push((session.start, Source::Conversation(source)));
        }
        Kind::Bulk | Kind::Tls => {
            let ports = (draw(world, EPHEMERAL), 443);
            let paths = pair(
                world,
                site.ends(site.client, site.web, ports, true),
                Role::Other,
            )
            .0;
            let style = match session.kind {
                Kind::Bulk => Style::Upload { pause: 98_000_000 },
                _ => Style::Tls {
                    requests: 1 + world.random.word() % 6,
                },
            };
            let source = Conversation::new(world, paths, session.end, style);
            opened.push((session.start, Source::Conversation(source)));
        }
        Kind::Dns => {
            let ports = (draw(world, EPHEMERAL), 53);
            let paths = pair(
                world,
                site.ends(site.client, site.resolver, ports, false),
                Role::Other,
            )
            .0;
            let id = world.random.half();
            opened.push((session.start, Source::Dns(Dns { paths, step: 0, id })));
        }
    }
}

/// RTP both ways, with connectivity checks before it and RTCP on the next port or, for video and some audio, on the same.
fn call<W: Write>(
    world: &mut World<W>,
    session: &Session,
    site: &Site,
    is_peer: bool,
    role: Role,
    opened: &mut Opened,
) {
    let (client, server) = match role {
        Role::Video => (CLIENT_VIDEO, SERVER_VIDEO),
        _ => (CLIENT_AUDIO, SERVER_AUDIO),
    };
    let (other, range) = if is_peer {
        (site.peer, client)
    } else {
        (site.server, server)
    };
    let ports = (even(world, client), even(world, range));
    let ends = site.ends(site.client, other, ports, false);
    let (paths, drawn) = pair(world, ends, role);
    let shares_port = role == Role::Video || world.random.chance(0.3);
    let control = if shares_port {
        paths
    } else {
        control_pair(world, ends, drawn)
    };
    opened.push((
        session.start,
        Source::Stun(checks(paths, session.end, None)),
    ));
    media_pair(world, session, paths, control, None, role, opened);
}

/// Audio both ways between a client and the relay, in channel data, RTCP too.
fn relayed<W: Write>(world: &mut World<W>, session: &Session, site: &Site, opened: &mut Opened) {
    let ports = (even(world, CLIENT_AUDIO), RELAY_PORT);
    let (paths, _) = pair(
        world,
        site.ends(site.client, site.relay, ports, false),
        Role::Audio,
    );
    let channel = 0x4000 + world.random.half() % 0x1000;
    opened.push((
        session.start,
        Source::Stun(checks(paths, session.end, Some(channel))),
    ));
    media_pair(
        world,
        session,
        paths,
        paths,
        Some(channel),
        Role::Audio,
        opened,
    );
}

fn media_pair<W: Write>(
    world: &mut World<W>,
    session: &Session,
    paths: [usize; 2],
    control: [usize; 2],
    channel: Option<u16>,
    role: Role,
    opened: &mut Opened,
) {
    let codec_draw = world.random.bits();
    let codec = || {
        if role == Role::Video {
            Codec::video()
        } else {
            Codec::audio(codec_draw)
        }
    };
    let streams = paths.map(|path| world.add_stream(path, codec().1, channel.is_some()));
    for side in [0, 1] {
        let start = session.start + 40_000_000 + world.random.below(20_000_000);
        let media = Media::new(
            world,
            streams[side],
            channel,
            (start, session.end),
            codec().0,
        );
        opened.push((start, Source::Media(media)));
        let both = [streams[side], streams[1 - side]];
        let report = Rtcp {
            path: control[side],
            streams: both,
            channel,
            end: session.end,
        };
        opened.push((
            start + 200_000_000 + world.random.below(400_000_000),
            Source::Rtcp(report),
        ));
    }
}

const fn checks(paths: [usize; 2], end: u64, channel: Option<u16>) -> Stun {
    Stun {
        paths,
        end,
        channel,
        step: 0,
        transaction: [0; 12],
    }
}

/// Both directions, each with a mark of its own drawn.
fn pair<W: Write>(
    world: &mut World<W>,
    ends: Ends,
    role: Role,
) -> ([usize; 2], [(Marks, Label); 2]) {
    let share = world.shape.wrong_marks;
    let ecn = if ends.tcp && world.random.chance(0.3) {
        2
    } else {
        0
    };
    let drawn = [0; 2].map(|_| marks(&mut world.random, role, share));
    let forth = world.add_path(ends, drawn[0].0, ecn, drawn[0].1);
    let back = world.add_path(ends.reverse(), drawn[1].0, ecn, drawn[1].1);
    ([forth, back], drawn)
}

/// The flows of RTCP beside RTP, marked as that.
fn control_pair<W: Write>(
    world: &mut World<W>,
    ends: Ends,
    drawn: [(Marks, Label); 2],
) -> [usize; 2] {
    let ends = ends.next_ports();
    let forth = world.add_path(ends, drawn[0].0, 0, drawn[0].1);
    [
        forth,
        world.add_path(ends.reverse(), drawn[1].0, 0, drawn[1].1),
    ]
}

fn marks(random: &mut Random, role: Role, wrong: f64) -> (Marks, Label) {
    let planned = role.planned();
    let right = Label {
        role,
        mark: MarkKind::Right,
        change_after: u64::MAX,
    };
    if role == Role::Other || !random.chance(wrong) {
        return (Marks::always(planned), right);
    }
    let label = |mark| Label { mark, ..right };
    match random.below(8) {
        0 | 1 if planned & 7 != 0 => (Marks::always(planned & 7), label(MarkKind::Bleached)),
        2 => (Marks::always(40), label(MarkKind::Other)),
        3 => {
            let change_after = random.between(5, 60);
            let label = Label {
                change_after,
                ..label(MarkKind::Changing)
            };
            (
                Marks {
                    first: planned,
                    then: 0,
                    change_after,
                },
                label,
            )
        }
        _ => (Marks::always(0), label(MarkKind::Unmarked)),
    }
}

fn draw<W: Write>(world: &mut World<W>, range: Range) -> u16 {
    u16::try_from(world.random.between(range.0, range.1)).expect("ranges hold ports")
}

/// An even port, whose successor is in the range too.
fn even<W: Write>(world: &mut World<W>, range: Range) -> u16 {
    let first = range.0.next_multiple_of(2);
    let pairs = (range.1 + 1 - first) / 2;
    u16::try_from(first + 2 * world.random.below(pairs)).expect("ranges hold ports")
}

/// The hosts of a session.
#[derive(Debug, Clone, Copy)]
struct Site {
    client: IpAddr,
    peer: IpAddr,
    server: IpAddr,
    relay: IpAddr,
    web: IpAddr,
    resolver: IpAddr,
    vlan: Option<u16>,
}

impl Site {
    fn draw<W: Write>(world: &mut World<W>, number: u32) -> Self {
        let shape = world.shape;
        let is_v6 = world.random.chance(shape.ipv6);
        let vlan = world
            .random
            .chance(shape.vlan)
            .then(|| 10 + world.random.half() % 20);
        let last = u8::try_from(world.random.between(20, 219)).expect("in range");
        let host = |net: u16, v4: [u8; 3], last: u8| -> IpAddr {
            if is_v6 {
                Ipv6Addr::new(0x2001, 0xdb8, net, 0, 0, 0, 0, u16::from(last)).into()
            } else {
                Ipv4Addr::new(v4[0], v4[1], v4[2], last).into()
            }
        };
        let client = |which: u32| -> IpAddr {
            let value = number * 2 + which + 1;
            if is_v6 {
                Ipv6Addr::from_bits(0x2001_0db8_0010_0000 << 64 | u128::from(value)).into()
            } else {
                Ipv4Addr::from_bits(0x0a00_0000 + value).into()
            }
        };
        Self {
            client: client(0),
            peer: client(1),
            server: host(0x20, [192, 0, 2], last),
            relay: host(0x20, [192, 0, 2], 10),
            web: host(0x30, [203, 0, 113], last),
            resolver: host(0x20, [192, 0, 2], 5),
            vlan,
        }
    }

    const fn ends(&self, src: IpAddr, dst: IpAddr, ports: (u16, u16), tcp: bool) -> Ends {
        Ends {
            src: (src, ports.0),
            dst: (dst, ports.1),
            tcp,
            vlan: self.vlan,
        }
    }
}
