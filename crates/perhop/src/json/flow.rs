//! One flow as JSON.

use std::borrow::Cow;
use std::net::IpAddr;
use std::panic::resume_unwind;
use std::thread;

use perhop_verify::engine::FragmentRow;
use perhop_verify::flow::{DscpChange, Flow, FragmentCounts, PayloadKind, Signs};
use perhop_verify::stream::Stream;
use perhop_wire::media::Wrapper;
use perhop_wire::packet::Tunnel;
use serde::ser::{Error, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use crate::json::lines::{self, Plain, Raw};
use crate::json::stream::{JsonRtcp, JsonStream};
use crate::json::{Address, Histogram, Seconds};

/// A unidirectional flow.
#[derive(Debug, Serialize)]
pub(crate) struct JsonFlow<'a> {
    proto: Cow<'static, str>,
    src: Address,
    src_port: u16,
    dst: Address,
    dst_port: u16,
    packets: u64,
    bytes: u64,
    dscp: Histogram<'a>,
    first: Seconds,
    last: Seconds,
    dscp_by_kind: Kinds<'a>,
    dscp_changes: u64,
    changes: Changes<'a>,
    ce: u64,
    tunnel: Option<&'static str>,
    dscp_outer: Histogram<'a>,
    vlan: Option<u16>,
    pcp: Bits,
    wifi_priority: Bits,
    ttl_min: u8,
    ttl_max: u8,
    relay: Option<&'static str>,
    signs: Named<'a>,
    fragments: Option<JsonFragments<'a>>,
    call: Option<&'a str>,
    rtp: Streams<'a>,
    rtcp: Option<JsonRtcp>,
}

impl<'a> JsonFlow<'a> {
    /// What is written of a flow.
    pub(crate) fn of(flow: &'a Flow) -> Self {
        Self {
            proto: flow.key.protocol_text(),
            src: Address(flow.key.src),
            src_port: flow.key.src_port,
            dst: Address(flow.key.dst),
            dst_port: flow.key.dst_port,
            packets: flow.packets,
            bytes: flow.bytes,
            dscp: Histogram(&flow.dscp),
            first: Seconds(flow.first),
            last: Seconds(flow.last),
            dscp_by_kind: Kinds(flow),
            dscp_changes: flow.dscp_changes,
            changes: Changes(&flow.changes),
            ce: flow.ce,
            tunnel: flow.tunnel.map(tunnel),
            dscp_outer: Histogram(&flow.outer_dscp),
            vlan: flow.link.vlan,
            pcp: Bits(flow.link.pcps),
            wifi_priority: Bits(flow.link.wifi_priorities),
            ttl_min: flow.ttl.0,
            ttl_max: flow.ttl.1,
            relay: flow.wrapper.map(relay),
            signs: Named(&flow.signs),
            fragments: flow.fragments.as_deref().map(JsonFragments::of),
            call: flow.call.as_deref().map(|call| call.id.as_str()),
            rtp: Streams(&flow.rtp),
            rtcp: flow.rtcp.as_deref().map(JsonRtcp::of),
        }
    }
}

#[derive(Debug)]
struct Kinds<'a>(&'a Flow);

impl Serialize for Kinds<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kinds: &[(PayloadKind, _)] = &self.0.dscp_by_kind;
        let mut map = serializer.serialize_map(Some(kinds.len()))?;
        for (kind, counts) in kinds {
            map.serialize_entry(kind.name(), &Histogram(counts))?;
        }
        map.end()
    }
}

/// Streams, each made while it is written.
#[derive(Debug)]
struct Streams<'a>(&'a [Stream]);

impl Serialize for Streams<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(JsonStream::of))
    }
}

#[derive(Debug)]
struct Changes<'a>(&'a [DscpChange]);

impl Serialize for Changes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(JsonChange::of))
    }
}

/// The numbers of the bits that are set.
#[derive(Debug)]
struct Bits(u8);

impl Serialize for Bits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0u8..8).filter(|bit| self.0 >> bit & 1 == 1))
    }
}

#[derive(Debug)]
struct Named<'a>(&'a Signs);

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(names(self.0).map(Plain))
    }
}

#[derive(Debug, Serialize)]
struct JsonChange {
    frame: u64,
    packet: u64,
    time: Seconds,
    from: u8,
    to: u8,
}

impl JsonChange {
    const fn of(change: &DscpChange) -> Self {
        Self {
            frame: change.frame,
            packet: change.packet,
            time: Seconds(change.time),
            from: change.from.value(),
            to: change.to.value(),
        }
    }
}

#[derive(Debug, Serialize)]
struct JsonFragments<'a> {
    packets: u64,
    bytes: u64,
    dscp: Histogram<'a>,
}

impl<'a> JsonFragments<'a> {
    const fn of(counts: &'a FragmentCounts) -> Self {
        Self {
            packets: counts.packets,
            bytes: counts.bytes,
            dscp: Histogram(&counts.dscp),
        }
    }
}

/// Later fragments between two addresses.
#[derive(Debug, Serialize)]
pub(crate) struct JsonFragmentRow<'a> {
    protocol: u8,
    src: IpAddr,
    dst: IpAddr,
    packets: u64,
    bytes: u64,
    dscp: Histogram<'a>,
    attributed: u64,
}

impl<'a> JsonFragmentRow<'a> {
    /// What is written of a row.
    pub(crate) const fn of(row: &'a FragmentRow) -> Self {
        Self {
            protocol: row.protocol,
            src: row.src,
            dst: row.dst,
            packets: row.counts.packets,
            bytes: row.counts.bytes,
            dscp: Histogram(&row.counts.dscp),
            attributed: row.attributed,
        }
    }
}

/// A list whose elements are made while they are written, by several threads.
pub(crate) struct Listed<F> {
    /// How many elements there are.
    pub(crate) len: usize,
    /// At most so many threads.
    pub(crate) threads: usize,
    /// Makes the element of a number.
    pub(crate) make: F,
}

impl<F, T> Serialize for Listed<F>
where
    F: Fn(usize) -> T + Sync,
    T: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.threads == 1 {
            return serializer.collect_seq((0..self.len).map(&self.make));
        }
        let mut list = serializer.serialize_seq(Some(self.len))?;
        let numbers = 0..self.len;
        for round in numbers.step_by(SHARE * self.threads) {
            let shares: Vec<_> = (0..self.threads)
                .map(|thread| round + thread * SHARE)
                .filter(|begin| *begin < self.len)
                .collect();
            for text in self.round(&shares) {
                list.serialize_element(&Raw(&text.map_err(S::Error::custom)?))?;
            }
        }
        list.end()
    }
}

impl<F, T> Listed<F>
where
    F: Fn(usize) -> T + Sync,
    T: Serialize,
{
    /// The texts of some shares.
    fn round(&self, shares: &[usize]) -> Vec<Result<Vec<u8>, lines::Error>> {
        let text = |begin: usize| {
            let end = self.len.min(begin + SHARE);
            lines::elements((begin..end).map(&self.make))
        };
        let [own, others @ ..] = shares else {
            return Vec::new();
        };
        thread::scope(|scope| {
            let spawn = |begin: usize| {
                let thread = thread::Builder::new();
                (begin, thread.spawn_scoped(scope, move || text(begin)))
            };
            let others: Vec<_> = others.iter().map(|begin| spawn(*begin)).collect();
            let mut texts = vec![text(*own)];
            texts.extend(others.into_iter().map(|(begin, other)| match other {
                Ok(other) => other.join().unwrap_or_else(|panic| resume_unwind(panic)),
                Err(_) => text(begin),
            }));
            texts
        })
    }
}

/// A flow that lives while it is written.
pub(crate) struct Made(pub(crate) Flow);

impl Serialize for Made {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        JsonFlow::of(&self.0).serialize(serializer)
    }
}

/// Elements that a thread writes at a time.
const SHARE: usize = 256;

/// The name of a tunnel.
pub(crate) const fn tunnel(tunnel: Tunnel) -> &'static str {
    match tunnel {
        Tunnel::IpInIp => "ip-in-ip",
        Tunnel::Gre => "gre",
        Tunnel::GreEthernet => "gre-ethernet",
        Tunnel::Erspan => "erspan",
        Tunnel::Vxlan => "vxlan",
        Tunnel::Geneve => "geneve",
        Tunnel::GtpU => "gtp-u",
        Tunnel::Teredo => "teredo",
        Tunnel::L2tp => "l2tp",
    }
}

const fn relay(wrapper: Wrapper) -> &'static str {
    match wrapper {
        Wrapper::ChannelData => "turn-channel-data",
        Wrapper::Indication => "turn-indication",
        Wrapper::MultiplexedTurn => "ms-turn-multiplexed",
    }
}

/// What was seen on a flow besides RTP, by name.
pub(crate) fn signs(signs: &Signs) -> Vec<&'static str> {
    names(signs).collect()
}

fn names(signs: &Signs) -> impl Iterator<Item = &'static str> + use<> {
    [
        (signs.stun, "stun"),
        (signs.microsoft_stun, "microsoft-stun"),
        (signs.dtls, "dtls"),
        (signs.rtcp, "rtcp"),
        (signs.srtcp, "srtcp"),
        (signs.zrtp, "zrtp"),
        (signs.sip, "sip"),
        (signs.quic, "quic"),
        (signs.in_sdp, "in-sdp"),
    ]
    .into_iter()
    .filter_map(|(seen, name)| seen.then_some(name))
}
