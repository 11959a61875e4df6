//! Random policies, packets at their edges, and what the oracle says of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use perhop_host::mark::table::{Options, Tables, applications, number};
use perhop_policy::set::Parts;
use perhop_policy::{
    Answer, AppMatch, Class, ClassId, ClassKind, Dscp, DstPorts, FlowKey, Host, Marker, PolicySet,
    PortMatch, PortRange, Protocol, ProtocolMatch, Role, Rule, Scope, ScopeId, Span, SrcPorts,
    Vantage,
};

pub(crate) const SCOPE: ScopeId = ScopeId(0);

/// Xorshift: the same cases everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize].clone()
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

const APPS: [&str; 8] = [
    "phone",
    "Recorder",
    "/usr/bin/phone",
    "/opt/x/recorder",
    "/usr/bin/filedrop",
    "lync.exe",
    "media",
    "/srv/media",
];

/// Processes that packets are from.
pub(crate) const PROCESSES: [Option<&str>; 9] = [
    None,
    Some("/usr/bin/phone"),
    Some("/usr/local/bin/phone"),
    Some("/opt/x/recorder"),
    Some("/bin/RECORDER"),
    Some("/usr/bin/filedrop"),
    Some("/home/a/LYNC.EXE"),
    Some("/srv/media"),
    Some("/usr/bin/other"),
];

fn net(random: &mut Random) -> IpNet {
    if random.chance(50) {
        let address = Ipv4Addr::new(10, random.below(3) as u8, random.below(3) as u8, 4);
        let len = random.one(&[0, 8, 16, 24, 30, 32]);
        IpNet::new(address.into(), len).unwrap().trunc()
    } else {
        let third = random.below(2) as u16;
        let address = Ipv6Addr::new(0x2001, 0xdb8, third, 0, 0, 0, 0, random.below(3) as u16);
        let len = random.one(&[0, 32, 48, 64, 127, 128]);
        IpNet::new(address.into(), len).unwrap().trunc()
    }
}

fn ports(random: &mut Random) -> PortMatch {
    if random.chance(40) {
        return PortMatch::Any;
    }
    let first = random.one(&[0u16, 5060, 20000, 20020, 40000, 65000]) + random.below(30) as u16;
    let more = random.one(&[0u16, 1, 19, 39, 400]);
    PortMatch::Range(PortRange::try_new(first, first.saturating_add(more)).unwrap())
}

fn rule(random: &mut Random, index: usize) -> Rule {
    let nets = |random: &mut Random, percent| {
        let count = if random.chance(percent) {
            1 + random.below(3)
        } else {
            0
        };
        (0..count).map(|_| net(random)).collect()
    };
    let only = random.one(&[Protocol::Udp, Protocol::Tcp]);
    Rule {
        name: format!("linux/app{index}/audio"),
        scope: SCOPE,
        component: String::new(),
        peer: String::new(),
        class: ClassId(index as u16 % 4),
        app: if random.chance(60) {
            AppMatch::parse(random.one(&APPS))
        } else {
            AppMatch::Any
        },
        protocol: if random.chance(50) {
            ProtocolMatch::Only(only)
        } else {
            ProtocolMatch::Both
        },
        src: nets(random, 30),
        dst: nets(random, 30),
        src_ports: SrcPorts(ports(random)),
        dst_ports: DstPorts(ports(random)),
        dscp: Dscp::try_new(random.below(64) as u8).unwrap(),
        marker: random.one(&[
            Marker::HostPolicy,
            Marker::HostPolicy,
            Marker::HostPolicy,
            Marker::Sender,
            Marker::Network,
        ]),
        throttle: None,
        origin: Span::default(),
    }
}

pub(crate) fn parts(rules: Vec<Rule>) -> Parts {
    let class = |index: u16| Class {
        name: format!("class{index}"),
        kind: ClassKind::Other,
        dscp: Dscp::try_new(index as u8).unwrap(),
        pcp: None,
        origin: Span::default(),
    };
    Parts {
        name: "random".to_owned(),
        classes: (0..4).map(class).collect(),
        scopes: vec![Scope {
            name: "linux".to_owned(),
            role: Role::Server,
            host: Host::Linux,
            site: None,
            addresses: Vec::new(),
            origin: Span::default(),
        }],
        rules,
        ..Parts::default()
    }
}

/// Up to `rules` rules; those that contradict others are left out.
pub(crate) fn policy(random: &mut Random, rules: usize) -> PolicySet {
    let mut kept: Vec<Rule> = Vec::new();
    for index in 0..rules {
        kept.push(rule(random, index));
        if PolicySet::try_new(parts(kept.clone())).is_err() {
            kept.pop();
        }
    }
    PolicySet::try_new(parts(kept)).unwrap()
}

/// Many rules that do not overlap: `count` applications with four ports each, one class a rule.
pub(crate) fn many(count: usize) -> PolicySet {
    let mut random = Random(3);
    let rules = (0..count).map(|index| {
        let first = 1000 + 8 * index as u16;
        Rule {
            app: AppMatch::Any,
            src: Vec::new(),
            dst: Vec::new(),
            src_ports: SrcPorts(PortMatch::Range(
                PortRange::try_new(first, first + 3).unwrap(),
            )),
            dst_ports: DstPorts(PortMatch::Any),
            marker: Marker::HostPolicy,
            throttle: None,
            // Rules of one mark cannot contradict each other, which is not looked at then: it takes long.
            dscp: Dscp::try_new(if count > 1000 { 46 } else { index as u8 % 64 }).unwrap(),
            ..rule(&mut random, index)
        }
    });
    PolicySet::try_new(parts(rules.collect())).unwrap()
}

/// A packet and who sends it.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) process: Option<&'static str>,
    protocol: Protocol,
    src: IpAddr,
    dst: IpAddr,
    src_port: u16,
    dst_port: u16,
    pub(crate) ds: u8,
    tags: usize,
    options: usize,
}

impl Sample {
    /// At or beside an edge of some rule, most times.
    pub(crate) fn near(random: &mut Random, policy: &PolicySet) -> Self {
        let rules = policy.rules();
        let rule = &rules[random.below(rules.len() as u64) as usize];
        let port = |random: &mut Random, ports: PortMatch| {
            let range = ports.span();
            let middle = u64::from(range.first()) + random.below(u64::from(range.count()));
            let (before, after) = (range.first().wrapping_sub(1), range.last().wrapping_add(1));
            random.one(&[range.first(), range.last(), middle as u16, before, after])
        };
        let v4 = match (rule.src.first(), rule.dst.first()) {
            (Some(net), _) | (None, Some(net)) if random.chance(80) => net.addr().is_ipv4(),
            _ => random.chance(50),
        };
        let address = |random: &mut Random, nets: &[IpNet]| {
            let fits: Vec<&IpNet> = nets.iter().filter(|n| n.addr().is_ipv4() == v4).collect();
            match fits.first() {
                Some(_) if random.chance(80) => edge(random, random_net(&fits)),
                _ if v4 => Ipv4Addr::new(10, random.below(4) as u8, 1, 4).into(),
                _ => Ipv6Addr::new(0x2001, 0xdb8, random.below(3) as u16, 0, 0, 0, 0, 1).into(),
            }
        };
        Self {
            process: random.one(&PROCESSES),
            protocol: random.one(&[Protocol::Udp, Protocol::Tcp]),
            src: address(random, &rule.src),
            dst: address(random, &rule.dst),
            src_port: port(random, rule.src_ports.0),
            dst_port: port(random, rule.dst_ports.0),
            ds: random.below(256) as u8,
            tags: random.one(&[0, 0, 0, 1, 2]),
            options: random.one(&[0, 0, 0, 1, 2]),
        }
    }

    /// What the oracle says should stand in the DS field when the packet leaves, and whether a rule knows the packet.
    pub(crate) fn expected(&self, policy: &PolicySet) -> (u8, Option<u32>) {
        let key = FlowKey {
            scope: SCOPE,
            app: self.process,
            protocol: self.protocol,
            src: self.src,
            src_port: self.src_port,
            dst: self.dst,
            dst_port: self.dst_port,
        };
        match policy.classify(&key, Vantage::Sender) {
            Answer::Unplanned => (self.ds, None),
            Answer::Marked { rule, dscp } => match policy.rule(rule).marker {
                Marker::HostPolicy => (dscp.value() << 2 | self.ds & 3, Some(rule.0)),
                Marker::Sender | Marker::Network => (self.ds, Some(rule.0)),
            },
        }
    }

    /// The frame; `ethernet` false leaves the link header out.
    pub(crate) fn bytes(&self, ethernet: bool) -> Vec<u8> {
        let mut out = Vec::new();
        if ethernet {
            out.extend([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]);
            for tag in 0..self.tags {
                out.extend(if tag == 0 && self.tags == 2 {
                    [0x88, 0xa8, 0, 9]
                } else {
                    [0x81, 0, 0xa0, 5]
                });
            }
            out.extend(if self.src.is_ipv4() {
                [8, 0]
            } else {
                [0x86, 0xdd]
            });
        }
        let protocol = match self.protocol {
            Protocol::Udp => 17,
            Protocol::Tcp => 6,
        };
        let mut transport = self.src_port.to_be_bytes().to_vec();
        transport.extend(self.dst_port.to_be_bytes());
        transport.resize(20, 0);
        match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => out.extend(self.ipv4(protocol, src, dst)),
            (IpAddr::V6(src), IpAddr::V6(dst)) => out.extend(self.ipv6(protocol, src, dst)),
            _ => unreachable!("one family"),
        }
        out.extend(transport);
        out
    }

    fn ipv4(&self, protocol: u8, src: Ipv4Addr, dst: Ipv4Addr) -> Vec<u8> {
        let words = 5 + self.options as u8;
        let mut header = vec![
            0x40 | words,
            self.ds,
            0,
            4 * words + 20,
            0,
            7,
            0,
            0,
            64,
            protocol,
        ];
        header.extend([0, 0]);
        header.extend(src.octets());
        header.extend(dst.octets());
        header.resize(usize::from(4 * words), 1);
        let sum = checksum(&header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        header
    }

    fn ipv6(&self, protocol: u8, src: Ipv6Addr, dst: Ipv6Addr) -> Vec<u8> {
        let mut out = Vec::new();
        let first = 6 << 28 | u32::from(self.ds) << 20 | 0xa_bcde;
        out.extend(first.to_be_bytes());
        let chain: &[u8] = match self.options {
            0 => &[],
            1 => &[0],
            _ => &[0, 60, 43],
        };
        out.extend([0, (20 + 8 * chain.len()) as u8]);
        out.push(chain.first().copied().unwrap_or(protocol));
        out.push(64);
        out.extend(src.octets());
        out.extend(dst.octets());
        for next in chain
            .iter()
            .skip(1)
            .copied()
            .chain([protocol])
            .take(chain.len())
        {
            out.extend([next, 0, 1, 4, 0, 0, 0, 0]);
        }
        out
    }

    fn network(&self, ethernet: bool) -> usize {
        if ethernet { 14 + 4 * self.tags } else { 0 }
    }

    /// That the packet left as it came but for its mark, which is `ds`.
    pub(crate) fn check(&self, before: &[u8], after: &[u8], ds: u8, ethernet: bool) {
        let at = self.network(ethernet);
        let mut want = before.to_vec();
        if self.src.is_ipv4() {
            want[at + 1] = ds;
            let end = at + 4 * usize::from(before[at] & 15);
            want[at + 10..at + 12].fill(0);
            let sum = checksum(&want[at..end]);
            want[at + 10..at + 12].copy_from_slice(&sum.to_be_bytes());
        } else {
            want[at] = 0x60 | ds >> 4;
            want[at + 1] = before[at + 1] & 0x0f | ds << 4;
        }
        assert_eq!(after, want, "{self:?}");
    }

    /// The number that the kernel's programs would have given.
    pub(crate) fn number(&self, apps: &[AppMatch]) -> u32 {
        self.process.map_or(0, |process| number(apps, process))
    }
}

pub(crate) fn tables(policy: &PolicySet) -> (Vec<AppMatch>, Tables) {
    let apps = applications(policy, SCOPE);
    let tables = Tables::new(policy, SCOPE, &apps, &Options::default()).unwrap();
    (apps, tables)
}

fn random_net<'a>(fits: &[&'a IpNet]) -> &'a IpNet {
    fits[fits.len() / 2]
}

fn edge(random: &mut Random, net: &IpNet) -> IpAddr {
    let side = random.below(4);
    match (net.network(), net.broadcast()) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            let (first, last) = (u32::from(first), u32::from(last));
            let value = [first, last, first.wrapping_sub(1), last.wrapping_add(1)][side as usize];
            Ipv4Addr::from(value).into()
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            let (first, last) = (u128::from(first), u128::from(last));
            let value = [first, last, first.wrapping_sub(1), last.wrapping_add(1)][side as usize];
            Ipv6Addr::from(value).into()
        }
        _ => unreachable!("one family"),
    }
}

/// RFC 1071.
pub(crate) fn checksum(header: &[u8]) -> u16 {
    let mut sum: u32 = header
        .chunks(2)
        .map(|two| u32::from(u16::from_be_bytes([two[0], two[1]])))
        .sum();
    while sum >> 16 > 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
