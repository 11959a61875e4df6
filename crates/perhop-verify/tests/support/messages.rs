//! What the fuzz target `media` runs, and a plain test with it.

use perhop_verify::engine::{Config, Engine, Flows};
use perhop_verify::timeline::Bin;
use perhop_wire::capture::CapturedPacket;
use perhop_wire::link::LinkType;
use perhop_wire::media::peel;
use perhop_wire::packet::Direction;
use perhop_wire::rtcp::{Compound, Content};
use perhop_wire::rtp::Rtp;
use perhop_wire::rtp::framing::{Frames, interleaved};
use perhop_wire::stun::Stun;

/// Fuzz target `media`: messages between two hosts, each behind three bytes: how it travels, and its length. Every view
/// is asked for all it has, and the engine takes all of them, whole and in other lanes and blocks, with one answer; and where
/// few flows are kept, every packet is counted still. Whether a stream was found or a message understood.
pub(crate) fn media(data: &[u8]) -> bool {
    let messages = messages(data);
    let mut understood = false;
    for message in &messages {
        understood |= views(message.bytes, message.bytes.len() as u32 + message.cut);
    }
    let (config, block) = (
        Config {
            over_time: true,
            ..Config::default()
        },
        1 + data.len() % 5,
    );
    let (whole, bins) = engine(&config, &messages, 1, usize::MAX);
    assert_eq!(whole.totals.packets, messages.len() as u64);
    let other = engine(&config, &messages, 3, block);
    assert!(
        whole == other.0 && bins == other.1,
        "lanes and blocks change the answer"
    );
    check(&bins, &whole);
    let config = Config {
        max_flows: 1 + data.len() % 3,
        ..config
    };
    let (few, bins) = engine(&config, &messages, 1, block);
    check(&bins, &few);
    let listed: u64 = few.flows.iter().map(|flow| flow.packets).sum();
    let unlisted = few.totals.evicted.packets;
    assert_eq!(listed + unlisted, messages.len() as u64);
    assert!(few.flows.len() as u64 + few.totals.evicted.unlisted >= whole.flows.len() as u64);
    understood || whole.flows.iter().any(|flow| !flow.rtp.is_empty())
}

struct Message<'a> {
    way: u8,
    cut: u32,
    bytes: &'a [u8],
}

fn messages(mut data: &[u8]) -> Vec<Message<'_>> {
    let mut messages = Vec::new();
    while let Some((&[way, high, low], rest)) = data.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([high, low]) & 0x7ff);
        let (bytes, rest) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        let cut = if way & 0x80 == 0 { 0 } else { 40 };
        messages.push(Message { way, cut, bytes });
        data = rest;
    }
    messages
}

/// Asks every view for all it has.
fn views(bytes: &[u8], wire_len: u32) -> bool {
    let mut things = usize::from(!format!("{:?}", peel(bytes, wire_len)).ends_with("Other }"));
    if let Ok(rtp) = Rtp::new_checked(bytes, wire_len) {
        assert!(rtp.payload().len() <= bytes.len());
        assert!(rtp.payload_len().is_none_or(|length| length <= wire_len));
        things += rtp.csrcs().count() + usize::from(rtp.marker());
        things += rtp
            .extension()
            .map_or(0, |extension| format!("{extension:?}").len());
    }
    if let Ok(compound) = Compound::new_checked(bytes, wire_len) {
        for packet in compound.packets() {
            things += 1 + contents(&packet.content());
        }
    }
    for stun in [Stun::new_checked(bytes, wire_len), Stun::new_prefix(bytes)]
        .into_iter()
        .flatten()
    {
        for (kind, value) in stun.attributes() {
            assert!(value.len() <= bytes.len());
            things += usize::from(stun.attribute(kind).is_some());
            things += usize::from(stun.address(kind).is_some());
        }
        things += usize::from(stun.fingerprint().is_some() || stun.relayed().is_some());
    }
    for frame in Frames::new(bytes) {
        things += usize::from(frame.is_whole());
    }
    things += usize::from(interleaved(bytes).is_some_and(|frame| frame.is_whole()));
    things > 0
}

fn contents(content: &Content<'_>) -> usize {
    let reports = content.reports().count();
    reports
        + match content {
            Content::SourceDescription(chunks) => chunks
                .clone()
                .map(|chunk| chunk.cname().map_or(1, <[u8]>::len))
                .sum(),
            Content::Bye(bye) => bye.sources().count() + bye.reason().map_or(0, <[u8]>::len),
            Content::ExtendedReport { blocks, .. } => blocks
                .clone()
                .map(|block| 1 + usize::from(block.voip_metrics().is_some()))
                .sum(),
            _ => 0,
        }
}

/// Holds what flows did over time against the flows.
fn check(bins: &[Bin], flows: &Flows) {
    let timed = || flows.flows.iter().filter(|flow| flow.last != 0);
    let packets: u64 = timed().map(|flow| flow.packets).sum();
    assert_eq!(bins.iter().map(Bin::packets).sum::<u64>(), packets);
    let streams = timed().flat_map(|flow| &flow.rtp);
    let missing: u64 = streams.map(|stream| stream.sequence.missing).sum();
    assert_eq!(bins.iter().map(|bin| bin.missing).sum::<u64>(), missing);
}

/// What the engine finds, also over time, with a block of so many packets.
fn engine(
    config: &Config,
    messages: &[Message<'_>],
    lanes: usize,
    block: usize,
) -> (Flows, Vec<Bin>) {
    let mut engine = Engine::with_lanes(config, lanes);
    let mut sent = [0u32; 8];
    for (number, message) in messages.iter().enumerate() {
        let flow = usize::from(message.way & 7);
        let frame = frame(message, sent[flow]);
        sent[flow] = sent[flow].wrapping_add(message.bytes.len() as u32);
        engine.observe(&CapturedPacket {
            time_ns: (message.way & 0x40 == 0)
                .then_some(1_000_000_000 + number as i64 * 20_000_000),
            link: LinkType::ETHERNET,
            data: &frame,
            wire_len: frame.len() as u32 + message.cut,
            interface: 0,
            direction: Direction::Unknown,
            consumed: 0,
        });
        if (number + 1).is_multiple_of(block) {
            // Ends the block.
            engine.parts();
        }
    }
    let ledger = engine.into_ledger();
    let mut groups = ledger.over_time(|_| Some(())).into_values();
    let bins = groups.next().map_or_else(Vec::new, |bins| bins.bins);
    (ledger.into_flows(), bins)
}

/// Bit 0: the direction; bit 1: another pair of ports; bit 2: TCP; bit 3: the mark.
fn frame(message: &Message<'_>, sequence: u32) -> Vec<u8> {
    let way = message.way;
    let (back, tcp) = (way & 1 == 1, way & 4 != 0);
    let ports = if way & 2 == 0 {
        (20_000u16, 49_152u16)
    } else {
        (5060, 5061)
    };
    let header = if tcp { 20 } else { 8 };
    let length = header + message.bytes.len() as u16 + message.cut as u16;
    let (from, to) = if back { (2, 1) } else { (1, 2) };
    let ports = if back { (ports.1, ports.0) } else { ports };
    let mut frame = vec![2; 12];
    frame.extend([8, 0, 0x45, if way & 8 == 0 { 0xb8 } else { 0 }]);
    frame.extend((20 + length).to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, if tcp { 6 } else { 17 }, 0, 0]);
    frame.extend([10, 0, 0, from, 10, 0, 0, to]);
    frame.extend(ports.0.to_be_bytes());
    frame.extend(ports.1.to_be_bytes());
    if tcp {
        frame.extend(sequence.to_be_bytes());
        frame.extend([0, 0, 0, 0, 0x50, 16, 1, 0, 0, 0, 0, 0]);
    } else {
        frame.extend(length.to_be_bytes());
        frame.extend([0, 0]);
    }
    frame.extend(message.bytes);
    frame
}
