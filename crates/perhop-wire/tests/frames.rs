//! Known bytes for every way that an IP packet can lie in a frame.

use perhop_wire::field::{DsField, Pcp};
use perhop_wire::link::LinkType;
use perhop_wire::packet::{
    Direction, Fragment, Layer, Observation, Outer, Reason, Transport, Tunnel, Undecoded, VlanTag,
    dissect,
};

/// DSCP 46, 10.0.0.1:20000 to 192.0.2.7:20002, six bytes of payload.
const V4: &str = "45b80022 12344000 3f110000 0a000001 c0000207  4e204e22 000e0000 80000001 0002";
/// DSCP 34 and ECT(0), 2001:db8::1:20040 to 2001:db8::2:20042, two bytes of payload.
const V6: &str =
    "68a00000 000a1140 20010db8000000000000000000000001 20010db8000000000000000000000002
                  4e484e4a 000a0000 8060";

const MACS: &str = "020000000002 020000000001";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| match byte {
            b'0'..=b'9' => byte - b'0',
            _ => byte - b'a' + 10,
        })
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

fn see(link: LinkType, frame: &[u8]) -> Result<Observation<'_>, Undecoded> {
    dissect(link, frame, frame.len() as u32)
}

/// An Ethernet frame: addresses, then `between`, then the packet.
fn ethernet(between: &str, packet: &str) -> Vec<u8> {
    hex(&format!("{MACS} {between} {packet}"))
}

/// IPv4 with DSCP 10 around `inside`.
fn outer_v4(protocol: u8, inside: &[u8]) -> Vec<u8> {
    let mut frame = ethernet("0800", "");
    frame.extend([0x45, 0x28]);
    frame.extend((20 + inside.len() as u16).to_be_bytes());
    frame.extend([0, 1, 0, 0, 64, protocol, 0, 0, 10, 9, 9, 1, 10, 9, 9, 2]);
    frame.extend(inside);
    frame
}

/// UDP to `port` around `inside`.
fn outer_udp(port: u16, inside: &str) -> Vec<u8> {
    let inside = hex(inside);
    let mut udp = vec![0xc0, 0x01];
    udp.extend(port.to_be_bytes());
    udp.extend((8 + inside.len() as u16).to_be_bytes());
    udp.extend([0, 0]);
    udp.extend(inside);
    outer_v4(17, &udp)
}

/// Whether the observation is that of [`V4`].
fn is_v4(seen: &Observation<'_>) -> bool {
    seen.addresses.src().to_string() == "10.0.0.1"
        && seen.addresses.dst().to_string() == "192.0.2.7"
        && seen.transport.ports() == (20_000, 20_002)
        && (seen.ds.dscp().value(), seen.ttl, seen.protocol) == (46, 63, 17)
        && (seen.identification, seen.dont_fragment) == (0x1234, true)
        && (seen.ip_len, seen.payload_len) == (34, 6)
        && seen.payload == hex("8000 0001 0002")
}

/// Whether the observation is that of [`V6`].
fn is_v6(seen: &Observation<'_>) -> bool {
    seen.addresses.src().to_string() == "2001:db8::1"
        && seen.addresses.dst().to_string() == "2001:db8::2"
        && seen.transport.ports() == (20_040, 20_042)
        && (seen.ds, seen.ttl, seen.protocol) == (DsField(0x8a), 64, 17)
        && (seen.ip_len, seen.payload_len) == (50, 2)
        && seen.payload == [0x80, 0x60]
}

/// Checks that the packet is found behind `header`, and is not found when the frame ends before its IP header does.
fn found_behind(link: LinkType, header: &str) {
    for (packet, is_it, ip_header) in [
        (V4, is_v4 as fn(&Observation<'_>) -> bool, 20),
        (V6, is_v6, 40),
    ] {
        // Every header here names IPv4; what counts is the version nibble.
        let frame = hex(&format!("{header} {packet}"));
        let seen = see(link, &frame);
        assert!(seen.as_ref().is_ok_and(is_it), "{header}: {seen:?}");
        let needed = hex(header).len() + ip_header;
        let cut = dissect(link, &frame[..needed - 1], frame.len() as u32)
            .expect_err("a cut header is not read");
        assert!(
            matches!(cut.reason, Reason::Short { .. }),
            "{header}: {cut}"
        );
        assert!(dissect(link, &frame[..needed], frame.len() as u32).is_ok());
    }
}

#[test]
fn every_link_type_leads_to_ip() {
    found_behind(LinkType::NULL, "02000000");
    found_behind(LinkType::NULL, "0000001e");
    found_behind(LinkType::LOOP, "00000018");
    found_behind(LinkType::ETHERNET, &format!("{MACS} 0800"));
    found_behind(LinkType::PPP, "ff03 0021");
    found_behind(LinkType::PPP, "0057");
    found_behind(LinkType::PPP, "21");
    for raw in [12, 14, 101, 228, 229] {
        found_behind(LinkType(raw), "");
    }
    found_behind(LinkType::LINUX_SLL, "0004 0001 0006 020000000001 0000 0800");
    found_behind(
        LinkType::LINUX_SLL2,
        "0800 0000 00000003 0001 00 06 0200000000010000",
    );
    found_behind(
        LinkType::NFLOG,
        "02000001 0800010008000300 0500020041000000 ffff0900",
    );
}

#[test]
fn who_sent_it_is_in_cooked_captures() {
    let sent = hex(&format!("0004 0001 0006 020000000001 0000 0800 {V4}"));
    let direction = |link, frame: &[u8]| see(link, frame).unwrap().direction;
    assert_eq!(direction(LinkType::LINUX_SLL, &sent), Direction::Out);
    let mut received = sent.clone();
    received[1] = 0;
    assert_eq!(direction(LinkType::LINUX_SLL, &received), Direction::In);
    received[1] = 3;
    assert_eq!(
        direction(LinkType::LINUX_SLL, &received),
        Direction::Unknown
    );
    let sent = hex(&format!(
        "0800 0000 00000003 0001 04 06 0200000000010000 {V4}"
    ));
    assert_eq!(direction(LinkType::LINUX_SLL2, &sent), Direction::Out);
    let frame = ethernet("0800", V4);
    assert_eq!(direction(LinkType::ETHERNET, &frame), Direction::Unknown);
}

#[test]
fn tags_of_all_kinds_and_depths() {
    for (tags, id, pcp) in [
        ("8100 a078", 0x78, 5),
        ("88a8 e00a 8100 0014", 10, 7),
        ("9100 0001 9200 0002 8100 0003", 1, 0),
        (
            "8100 0001 8100 0002 8100 0003 8100 0004 8100 0005 8100 0006 8100 0007 8100 0008",
            1,
            0,
        ),
    ] {
        let frame = ethernet(&format!("{tags} 0800"), V4);
        let seen = see(LinkType::ETHERNET, &frame).unwrap();
        assert!(is_v4(&seen));
        let pcp = Pcp::try_new(pcp).unwrap();
        assert_eq!(seen.vlan, Some(VlanTag { id, pcp }));
    }
    let nine = ethernet(&format!("{} 0800", "8100 0001".repeat(9)), V4);
    let error = see(LinkType::ETHERNET, &nine).unwrap_err();
    assert_eq!(
        (error.layer, error.reason, error.offset),
        (Layer::Vlan, Reason::TooDeep, 14 + 8 * 4)
    );
}

#[test]
fn labels_sessions_and_snap() {
    for between in [
        "8847 00064 1 40",
        "8848 00064 0 40 00065 1 40",
        "8864 1100 0001 0024 0021",
        "002a aaaa03 000000 0800",
        "8100 0005 002a aaaa03 0000f8 0800",
        "8909 0101 0001 002a 0800",
        // Pseudowires, with a control word and without.
        &format!("8847 00064 1 40 00000000 {MACS} 0800"),
        "8847 00064 1 40 120000000002 020000000001 0800",
    ] {
        let frame = ethernet(between, V4);
        let seen = see(LinkType::ETHERNET, &frame);
        assert!(seen.as_ref().is_ok_and(is_v4), "{between}: {seen:?}");
    }
    let endless = ethernet(&format!("8847 {}", "00064040".repeat(17)), V4);
    let error = see(LinkType::ETHERNET, &endless).unwrap_err();
    assert_eq!((error.layer, error.reason), (Layer::Mpls, Reason::TooDeep));
}

#[test]
fn wifi_frames_of_all_shapes() {
    let to_ap = "0801 0000 020000000001 020000000002 020000000003 1000";
    let qos = "8801 0000 020000000001 020000000002 020000000003 1000 0600";
    let bridged = "0803 0000 020000000001 020000000002 020000000003 1000 020000000004";
    let ordered = "8881 0000 020000000001 020000000002 020000000003 1000 0500 00000000";
    let snap = "aaaa03 000000 0800";
    for (header, priority) in [
        (to_ap, None),
        (qos, Some(6)),
        (bridged, None),
        (ordered, Some(5)),
    ] {
        found_behind(LinkType::IEEE802_11, &format!("{header} {snap}"));
        found_behind(
            LinkType::IEEE802_11_RADIOTAP,
            &format!("0000 0900 02000000 00 {header} {snap}"),
        );
        found_behind(
            LinkType::PPI,
            &format!("0000 0800 69000000 {header} {snap}"),
        );
        let frame = hex(&format!("{header} {snap} {V4}"));
        let seen = see(LinkType::IEEE802_11, &frame).unwrap();
        assert_eq!(seen.wifi_priority, priority);
    }
    // The header of a QoS frame has 26 bytes; the data pad makes it 28.
    found_behind(
        LinkType::IEEE802_11_RADIOTAP,
        &format!("0000 0900 02000000 20 {qos} 0000 {snap}"),
    );
    // An aggregate: its first subframe is read.
    let aggregate = qos.replace("1000 0600", "1000 8600");
    let subframe = format!("{MACS} 002a");
    found_behind(
        LinkType::IEEE802_11,
        &format!("{aggregate} {subframe} {snap}"),
    );
    let reason = |frame: &str| see(LinkType::IEEE802_11, &hex(frame)).unwrap_err().reason;
    assert_eq!(reason(&to_ap.replace("0801", "0841")), Reason::Encrypted);
    assert_eq!(reason(&to_ap.replace("0801", "4801")), Reason::NotData);
    assert_eq!(reason(&to_ap.replace("0801", "8000")), Reason::NotData);
    assert_eq!(reason(&to_ap.replace("0801", "0901")), Reason::Version(1));
}

#[test]
fn a_wifi_check_sequence_is_no_data() {
    // Total length 0: only the link's own length says where the packet ends.
    let endless = V4.replace("45b80022", "45b80000");
    let frame = hex(&format!(
        "0000 0900 02000000 10 0801 0000 020000000001 020000000002 020000000003 1000
         aaaa03 000000 0800 {endless} deadbeef"
    ));
    let seen = see(LinkType::IEEE802_11_RADIOTAP, &frame).unwrap();
    assert_eq!((seen.ip_len, seen.payload.len()), (34, 6));
}

/// Tunnel, IP protocol, UDP port, what lies before the Ethernet frame (`F`) or the packet (`P`).
const TUNNELS: [(Tunnel, u8, u16, &str); 12] = [
    (Tunnel::IpInIp, 4, 0, "P"),
    (Tunnel::Gre, 47, 0, "0000 0800 P"),
    (
        Tunnel::Gre,
        47,
        0,
        "3001 880b 0026 0001 00000009 ff030021 P",
    ),
    (
        Tunnel::Gre,
        47,
        0,
        "2000 8909 00000028 0800 0101 0001 0000 P",
    ),
    (Tunnel::GreEthernet, 47, 0, "2000 6558 00000007 F"),
    (
        Tunnel::Erspan,
        47,
        0,
        "1000 88be 00000007 1001 0001 00000000 F",
    ),
    (
        Tunnel::Erspan,
        47,
        0,
        "1000 22eb 00000007 2001 0001 00000000 0000 0000 F",
    ),
    (Tunnel::Vxlan, 17, 4789, "08000000 00002a00 F"),
    (Tunnel::Vxlan, 17, 8472, "08000000 00002a00 F"),
    (Tunnel::Geneve, 17, 6081, "0100 6558 00002a00 01020304 F"),
    (Tunnel::GtpU, 17, 2152, "30ff 0022 00000001 P"),
    (Tunnel::L2tp, 17, 1701, "0002 0001 0002 ff03 0021 P"),
];

#[test]
fn tunnels_show_the_inner_packet_and_the_outer_mark() {
    for (tunnel, protocol, port, header) in TUNNELS {
        let inside = header
            .replace('F', &format!("{MACS} 0800 P"))
            .replace('P', V4);
        let frame = match protocol {
            17 => outer_udp(port, &inside),
            _ => outer_v4(protocol, &hex(&inside)),
        };
        let seen = see(LinkType::ETHERNET, &frame).unwrap();
        assert!(is_v4(&seen), "{tunnel:?}: {seen:?}");
        let ds = DsField(0x28);
        assert_eq!(
            seen.outer,
            Some(Outer {
                ds,
                tunnel,
                depth: 1
            })
        );
    }
    for (tunnel, frame) in [
        (Tunnel::IpInIp, outer_v4(41, &hex(V6))),
        (Tunnel::Teredo, outer_udp(3544, V6)),
    ] {
        let seen = see(LinkType::ETHERNET, &frame).unwrap();
        assert!(is_v6(&seen), "{tunnel:?}: {seen:?}");
        assert_eq!(seen.outer.map(|outer| outer.tunnel), Some(tunnel));
    }
}

#[test]
fn the_outermost_tunnel_counts_and_nesting_ends() {
    // GRE in VXLAN: the outermost DS field is VXLAN's.
    let gre = outer_v4(47, &hex(&format!("0000 0800 {V4}")));
    let mut payload = hex("08000000 00002a00");
    payload.extend(&gre);
    let text: String = payload.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut frame = outer_udp(4789, &text);
    frame[15] = 0xb8;
    let seen = see(LinkType::ETHERNET, &frame).unwrap();
    assert!(is_v4(&seen));
    let ds = DsField(0xb8);
    let tunnel = Tunnel::Vxlan;
    assert_eq!(
        seen.outer,
        Some(Outer {
            ds,
            tunnel,
            depth: 2
        })
    );

    let mut inside = hex(V4);
    for _ in 0..12 {
        inside = outer_v4(4, &inside)[14..].to_vec();
    }
    let seen = see(LinkType::RAW, &inside).unwrap();
    assert_eq!(seen.outer.map(|outer| outer.depth), Some(8));
    assert_eq!((seen.protocol, seen.transport), (4, Transport::Other));
}

#[test]
fn media_on_a_tunnels_port_stays_media() {
    let rtp = "8060 0001 00000001 0000002a 0102030405060708090a0b0c0d0e0f10";
    let dtls = "16fefd 0000 0000 0000 0001 0010 0102030405060708090a0b0c0d0e0f10";
    let stun = "0001 0008 2112a442 000000000000000000000001 80280004 01020304";
    for port in [1701, 2152, 3544, 4789, 6081, 8472] {
        for payload in [rtp, dtls, stun, ""] {
            let frame = outer_udp(port, payload);
            let seen = see(LinkType::ETHERNET, &frame).unwrap();
            assert_eq!(seen.transport.ports(), (0xc001, port));
            assert_eq!((seen.outer, seen.payload), (None, hex(payload).as_slice()));
        }
    }
    // A tunnel whose inside is not IP is what it is on the outside.
    let arp = outer_udp(4789, &format!("08000000 00002a00 {MACS} 0806 0001"));
    let seen = see(LinkType::ETHERNET, &arp).unwrap();
    assert_eq!((seen.transport.ports().1, seen.outer), (4789, None));
}

#[test]
fn fragments_have_ports_only_in_the_first() {
    let first = V4.replace("4000 3f11", "2000 3f11");
    let frame = ethernet("0800", &first);
    let seen = see(LinkType::ETHERNET, &frame).unwrap();
    assert_eq!(seen.fragment, Fragment::First);
    assert_eq!(seen.transport.ports(), (20_000, 20_002));
    let later = V4.replace("4000 3f11", "00b9 3f11");
    let frame = ethernet("0800", &later);
    let seen = see(LinkType::ETHERNET, &frame).unwrap();
    assert_eq!(seen.fragment, Fragment::Later);
    assert_eq!((seen.transport, seen.protocol), (Transport::Other, 17));
    assert_eq!((seen.payload_len, seen.identification), (14, 0x1234));
    assert!(!seen.dont_fragment);
}

#[test]
fn padding_options_and_offload() {
    // Ethernet pads to 60 bytes; a datagram may be shorter than its packet.
    let mut frame = ethernet("0800", V4);
    frame.resize(60, 0);
    assert!(is_v4(&see(LinkType::ETHERNET, &frame).unwrap()));
    let shorter = V4.replace("000e0000", "000a0000");
    let frame = ethernet("0800", &shorter);
    let seen = see(LinkType::ETHERNET, &frame).unwrap();
    assert_eq!((seen.payload_len, seen.payload.len()), (2, 2));

    // Router alert.
    let options = V4
        .replace("45b80022", "46b80026")
        .replace("c0000207", "c0000207 94040000");
    let frame = ethernet("0800", &options);
    let seen = see(LinkType::ETHERNET, &frame).unwrap();
    assert_eq!((seen.ip_len, seen.payload_len), (38, 6));
    assert_eq!(seen.transport.ports(), (20_000, 20_002));

    // Segmentation offload writes no total length: what was on the wire counts.
    let offload = V4
        .replace("45b80022", "45b80000")
        .replace("000e0000", "00000000");
    let frame = ethernet("0800", &offload);
    let seen = dissect(LinkType::ETHERNET, &frame, 9014).unwrap();
    assert_eq!(
        (seen.ip_len, seen.payload_len, seen.payload.len()),
        (9000, 8972, 6)
    );

    // Authentication header in IPv4: 24 bytes.
    let protected = V4
        .replace("45b80022", "45b8003a")
        .replace("3f11", "3f33")
        .replace(
            "c0000207",
            &format!("c0000207 11040000 {}", "00".repeat(20)),
        );
    let frame = ethernet("0800", &protected);
    let seen = see(LinkType::ETHERNET, &frame).unwrap();
    assert_eq!((seen.protocol, seen.transport.ports().0), (17, 20_000));
}

#[test]
fn a_snap_length_cuts_the_payload_not_the_facts() {
    let frame = ethernet("0800", V4);
    let cut = |length| dissect(LinkType::ETHERNET, &frame[..length], frame.len() as u32);
    let seen = cut(44).unwrap();
    assert_eq!((seen.payload, seen.payload_len), (&[0x80, 0][..], 6));
    for length in 34..42 {
        let seen = cut(length).unwrap();
        let ports = if length < 38 {
            (0, 0)
        } else {
            (20_000, 20_002)
        };
        assert_eq!(seen.transport.ports(), ports, "{length}");
    }
    let seen = cut(42).unwrap();
    assert_eq!((seen.payload.len(), seen.payload_len), (0, 6));
    let error = cut(33).unwrap_err();
    let reason = Reason::Short {
        needed: 20,
        had: 19,
    };
    assert_eq!(
        (error.layer, error.offset, error.reason),
        (Layer::Ipv4, 14, reason)
    );
    assert_eq!(
        error.to_string(),
        "ipv4 header at offset 14: needs 20 bytes, the capture has 19"
    );
}

#[test]
fn what_is_not_ip_says_why() {
    let reason = |link, frame: &str| see(LinkType(link), &hex(frame)).unwrap_err().reason;
    assert_eq!(
        reason(1, &format!("{MACS} 0806 0001")),
        Reason::EtherType(0x0806)
    );
    assert_eq!(
        reason(1, &format!("{MACS} 0026 4242030000000000")),
        Reason::Llc
    );
    assert_eq!(reason(1, &format!("{MACS} 0800 50")), Reason::Version(5));
    assert_eq!(reason(9, "ff03 c021"), Reason::PppProtocol(0xc021));
    assert_eq!(reason(0, "07000000"), Reason::Family(7));
    assert_eq!(reason(239, "07000000"), Reason::Family(7));
    assert_eq!(reason(189, "00"), Reason::LinkType(LinkType(189)));
    assert_eq!(reason(1, ""), Reason::Short { needed: 14, had: 0 });
}
