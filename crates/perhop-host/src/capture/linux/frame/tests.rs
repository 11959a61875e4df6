use perhop_wire::packet::Observation;
use perhop_wire::packet::{self, Transport};
use proptest::prelude::*;

use super::*;

/// A packet as the kernel lays it into a block.
#[derive(Clone)]
struct Laid {
    data: Vec<u8>,
    link_len: usize,
    len: u32,
    protocol: u16,
    hatype: u16,
    kind: u8,
    tag: Option<(u16, u16)>,
}

fn laid(link: &[u8], ip: &[u8], protocol: u16) -> Laid {
    Laid {
        data: [link, ip].concat(),
        link_len: link.len(),
        len: (link.len() + ip.len()) as u32,
        protocol,
        hatype: libc::ARPHRD_ETHER,
        kind: libc::PACKET_HOST,
        tag: None,
    }
}

/// A block's bytes from the status on.
fn block(packets: &[Laid]) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[COUNT..COUNT + 4].copy_from_slice(&(packets.len() as u32).to_ne_bytes());
    bytes[FIRST..FIRST + 4].copy_from_slice(&64u32.to_ne_bytes());
    for (number, packet) in packets.iter().enumerate() {
        let at = bytes.len();
        let net = (HEADERS + packet.link_len.max(16)).next_multiple_of(16) + 16;
        let mac = net - packet.link_len;
        let size = (mac + packet.data.len()).next_multiple_of(16);
        bytes.resize(at + size, 0xaa);
        let next = if number + 1 == packets.len() { 0 } else { size };
        let mut put = |offset: usize, value: &[u8]| {
            bytes[at + offset..at + offset + value.len()].copy_from_slice(value);
        };
        put(0, &(next as u32).to_ne_bytes());
        put(4, &1_700_000_000u32.to_ne_bytes());
        put(8, &(number as u32 + 1).to_ne_bytes());
        put(12, &(packet.data.len() as u32).to_ne_bytes());
        put(16, &packet.len.to_ne_bytes());
        let (mut status, mut tci, mut tpid) = (libc::TP_STATUS_USER, 0, 0);
        if let Some((with, value)) = packet.tag {
            status |= libc::TP_STATUS_VLAN_VALID;
            tci = value;
            if with != 0 {
                status |= libc::TP_STATUS_VLAN_TPID_VALID;
                tpid = with;
            }
        }
        put(20, &status.to_ne_bytes());
        put(24, &(mac as u16).to_ne_bytes());
        put(26, &(net as u16).to_ne_bytes());
        put(32, &u32::from(tci).to_ne_bytes());
        put(36, &tpid.to_ne_bytes());
        put(48, &[17, 0]);
        put(50, &packet.protocol.to_be_bytes());
        put(52, &7u32.to_ne_bytes());
        put(56, &packet.hatype.to_ne_bytes());
        put(58, &[packet.kind, 6]);
        put(mac, &packet.data);
    }
    bytes.split_off(BODY)
}

fn mac(kind: u16) -> Vec<u8> {
    [
        &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..],
        &kind.to_be_bytes(),
    ]
    .concat()
}

/// IPv4, UDP from 5004 to 5006, EF, no payload.
fn ip() -> Vec<u8> {
    let mut bytes = vec![0x45, 46 << 2, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0];
    bytes.extend([192, 0, 2, 1, 192, 0, 2, 2]);
    bytes.extend([0x13, 0x8c, 0x13, 0x8e, 0, 8, 0, 0]);
    bytes
}

/// What was given out, owned.
#[derive(Debug, Clone, PartialEq)]
struct Given {
    time_ns: Option<i64>,
    link: LinkType,
    data: Vec<u8>,
    wire_len: u32,
    interface: u32,
    direction: Direction,
}

fn read(any: bool, body: &mut [u8]) -> (Vec<Given>, u64, u64) {
    let mut given = Vec::new();
    let mut blocks = Blocks::new(any);
    let count = blocks.read(body, &mut |packet| {
        given.push(Given {
            time_ns: packet.time_ns,
            link: packet.link,
            data: packet.data.to_vec(),
            wire_len: packet.wire_len,
            interface: packet.interface,
            direction: packet.direction,
        });
    });
    (given, count, blocks.take_unreadable())
}

fn one(any: bool, packet: Laid) -> Given {
    let (given, count, unreadable) = read(any, &mut block(&[packet]));
    assert_eq!((given.len(), count, unreadable), (1, 1, 0));
    given[0].clone()
}

fn observe(given: &Given) -> Observation<'_> {
    let seen = packet::dissect(given.link, &given.data, given.wire_len).unwrap();
    assert_eq!(seen.ds.dscp().value(), 46);
    let ports = Transport::Udp {
        src_port: 5004,
        dst_port: 5006,
    };
    assert_eq!(seen.transport, ports);
    seen
}

#[test]
fn packets_come_out_as_they_passed() {
    let plain = laid(&mac(0x0800), &ip(), 0x0800);
    let mut out = plain.clone();
    out.kind = libc::PACKET_OUTGOING;
    let mut others = plain.clone();
    others.kind = libc::PACKET_OTHERHOST;
    let (given, count, unreadable) = read(false, &mut block(&[plain.clone(), out, others]));
    assert_eq!((count, unreadable), (3, 0));
    for (number, packet) in given.iter().enumerate() {
        assert_eq!(packet.data, plain.data);
        assert_eq!(packet.wire_len, 42);
        assert_eq!(packet.link, LinkType::ETHERNET);
        assert_eq!(packet.interface, 0);
        assert_eq!(
            packet.time_ns,
            Some(1_700_000_000_000_000_001 + number as i64)
        );
        observe(packet);
    }
    let directions: Vec<_> = given.iter().map(|packet| packet.direction).collect();
    assert_eq!(
        directions,
        [Direction::In, Direction::Out, Direction::Unknown]
    );
}

#[test]
fn a_tag_that_was_taken_off_is_put_back() {
    let mut packet = laid(&mac(0x0800), &ip(), 0x0800);
    packet.tag = Some((0, 0xa005));
    let given = one(false, packet.clone());
    let expected = [&mac(0x8100)[..], &[0xa0, 5, 8, 0], &ip()].concat();
    assert_eq!(given.data, expected);
    assert_eq!(given.wire_len, 46);
    let tag = observe(&given).vlan.unwrap();
    assert_eq!((tag.id, tag.pcp.value()), (5, 5));
    // A service tag over a customer tag that was left in the frame.
    let mut packet = laid(&[&mac(0x8100)[..], &[0, 6, 8, 0]].concat(), &ip(), 0x8100);
    packet.tag = Some((0x88a8, 9));
    let given = one(false, packet);
    assert_eq!(given.data[12..20], [0x88, 0xa8, 0, 9, 0x81, 0, 0, 6]);
    assert_eq!(observe(&given).vlan.unwrap().id, 9);
}

#[test]
fn a_cut_packet_says_how_long_it_was() {
    let mut packet = laid(&mac(0x0800), &ip(), 0x0800);
    packet.len = 1514;
    packet.tag = Some((0x8100, 5));
    let given = one(false, packet);
    assert_eq!((given.data.len(), given.wire_len), (46, 1518));
}

#[test]
fn loopback_is_seen_once() {
    let mut packet = laid(&mac(0x0800), &ip(), 0x0800);
    packet.hatype = libc::ARPHRD_LOOPBACK;
    let mut out = packet.clone();
    out.kind = libc::PACKET_OUTGOING;
    let (given, count, unreadable) = read(false, &mut block(&[out, packet]));
    assert_eq!((given.len(), count, unreadable), (1, 1, 0));
    assert_eq!(given[0].direction, Direction::Unknown);
    observe(&given[0]);
}

#[test]
fn interfaces_without_a_known_header_are_read_from_the_network_header_on() {
    let mut packet = laid(&[], &ip(), 0x0800);
    packet.hatype = libc::ARPHRD_NONE;
    let given = one(true, packet.clone());
    assert_eq!(
        (given.link, given.wire_len, given.interface),
        (LinkType::RAW, 28, 7)
    );
    observe(&given);
    // A header that we cannot read, as of PPP or InfiniBand, is left out.
    let mut strange = laid(&[1, 2, 3, 4], &ip(), 0x0800);
    strange.hatype = libc::ARPHRD_PPP;
    assert_eq!(one(true, strange), given);
    // With a tag, or another protocol, a cooked header tells what follows.
    packet.tag = Some((0, 0x6005));
    let given = one(false, packet.clone());
    assert_eq!((given.link, given.wire_len), (LinkType::LINUX_SLL2, 52));
    assert_eq!(observe(&given).vlan.unwrap().id, 5);
    let mut labelled = laid(&[], &[&[0, 1, 0x41, 64][..], &ip()].concat(), 0x8847);
    labelled.hatype = libc::ARPHRD_TUNNEL;
    labelled.kind = libc::PACKET_OUTGOING;
    let given = one(false, labelled);
    assert_eq!(given.wire_len, 52);
    assert_eq!(observe(&given).direction, Direction::Out);
}

#[test]
fn what_makes_no_sense_is_counted() {
    let plain = laid(&mac(0x0800), &ip(), 0x0800);
    let packets = vec![plain; 3];
    // The second packet claims more than the block has.
    let mut body = block(&packets);
    let size = (body.len() + BODY - 64) / 3;
    let second = 64 - BODY + size;
    body[second + 12..second + 16].copy_from_slice(&0x7fff_0000u32.to_ne_bytes());
    let (given, count, unreadable) = read(false, &mut body);
    assert_eq!((given.len(), count, unreadable), (2, 2, 1));
    // Its successor lies nowhere.
    body[second..second + 4].copy_from_slice(&u32::MAX.to_ne_bytes());
    assert_eq!(read(false, &mut body).2, 2);
    // It says that it is the last, but one more was announced.
    body[second..second + 4].copy_from_slice(&0u32.to_ne_bytes());
    assert_eq!(read(false, &mut body).2, 2);
    assert_eq!(read(false, &mut []), (vec![], 0, 0));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        mut body in proptest::collection::vec(any::<u8>(), 0..600),
        count in 0..5u32,
        first in 0..200u32,
        any in any::<bool>(),
    ) {
        if body.len() >= 16 {
            body[COUNT - BODY..COUNT - BODY + 4].copy_from_slice(&count.to_ne_bytes());
            body[FIRST - BODY..FIRST - BODY + 4].copy_from_slice(&first.to_ne_bytes());
        }
        read(any, &mut body);
    }

    #[test]
    fn no_change_of_a_header_makes_it_panic(
        at in 0..120usize,
        value in any::<[u8; 4]>(),
        hatype in prop_oneof![Just(1u16), Just(772), Just(803), Just(512), Just(0xfffe)],
        tagged in any::<bool>(),
    ) {
        let mut packet = laid(&mac(0x0800), &ip(), 0x0800);
        packet.hatype = hatype;
        packet.tag = tagged.then_some((0x8100, 1));
        let mut body = block(&[packet.clone(), packet]);
        body[64 - BODY + at..64 - BODY + at + 4].copy_from_slice(&value);
        let (given, count, unreadable) = read(true, &mut body);
        prop_assert_eq!(given.len() as u64, count);
        if hatype != libc::ARPHRD_LOOPBACK && !(56..60).contains(&at) {
            prop_assert!(count + unreadable <= 2);
        }
    }
}
