use super::*;
use proptest::prelude::*;

/// SR with one report block, then SDES, as a softphone sends it.
const COMPOUND: &str = "81c8000c0741c7a8e8ffc1014cccd000000023280000003200001f40\
    bbcea432010000020000f27c00000009c1014ccc00008000\
    81ca00040741c7a8010875736572313436340000";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn compound(bytes: &[u8]) -> Result<Compound<'_>, Flaw> {
    Compound::new_checked(bytes, bytes.len() as u32)
}

#[test]
fn a_sender_report_and_a_description_are_read() {
    let datagram = bytes(COMPOUND);
    let rtcp = compound(&datagram).unwrap();
    assert_eq!(rtcp.protection(), Protection::Clear);
    assert_eq!(
        (rtcp.kind(), rtcp.sender_ssrc()),
        (SENDER_REPORT, 0x0741_c7a8)
    );
    let packets: Vec<_> = rtcp.packets().collect();
    assert_eq!(packets.len(), 2);
    let Content::SenderReport { ssrc, info, .. } = packets[0].content() else {
        panic!("not a sender report");
    };
    assert_eq!(ssrc, 0x0741_c7a8);
    assert_eq!(info.middle_ntp(), 0xc101_4ccc);
    assert_eq!(
        (info.rtp_timestamp, info.packets, info.octets),
        (9000, 50, 8000)
    );
    let block = packets[0].content().reports().next().unwrap();
    assert_eq!(block.ssrc, 0xbbce_a432);
    assert_eq!((block.fraction_lost, block.cumulative_lost), (1, 2));
    assert_eq!((block.highest_sequence, block.jitter), (0xf27c, 9));
    assert_eq!(block.last_sr, info.middle_ntp());
    assert_eq!(block.delay_since_last_sr, 0x8000);
    let Content::SourceDescription(mut chunks) = packets[1].content() else {
        panic!("not a description");
    };
    let chunk = chunks.next().unwrap();
    assert_eq!(chunk.cname(), Some(&b"user1464"[..]));
    assert!(chunks.next().is_none());
}

#[test]
fn lost_packets_may_be_negative() {
    let mut report = bytes("81c90007 00000001 00000002 00fffffe");
    report.resize(32, 0);
    let rtcp = compound(&report).unwrap();
    let block = rtcp
        .packets()
        .next()
        .unwrap()
        .content()
        .reports()
        .next()
        .unwrap();
    assert_eq!(block.cumulative_lost, -2);
}

#[test]
fn a_profile_extension_after_the_blocks_is_left_alone() {
    let mut report = bytes("80c90003 00000001 12345678 9abcdef0");
    report.extend(bytes("81cb0001 00000001"));
    let rtcp = compound(&report).unwrap();
    let packets: Vec<_> = rtcp.packets().collect();
    assert_eq!(packets.len(), 2);
    assert_eq!(packets[0].content().reports().count(), 0);
    let Content::Bye(bye) = packets[1].content() else {
        panic!("not a goodbye");
    };
    assert_eq!(bye.sources().collect::<Vec<_>>(), [1]);
    assert_eq!(bye.reason(), None);
}

#[test]
fn a_goodbye_may_give_a_reason() {
    let datagram = bytes("81cb0003 00000007 0563 6c6f 7365 0000");
    let rtcp = compound(&datagram).unwrap();
    let Content::Bye(bye) = rtcp.packets().next().unwrap().content() else {
        panic!("not a goodbye");
    };
    assert_eq!(bye.reason(), Some(&b"close"[..]));
}

#[test]
fn voip_metrics_know_what_they_do_not_know() {
    let mut report = bytes("80cf000a 00000001 07000008 00000002 20100000 00640bb8 0046003c");
    report.extend(bytes("7f7f7f10 5d7f2a29 00000014 00280050"));
    let rtcp = compound(&report).unwrap();
    let Content::ExtendedReport { ssrc, mut blocks } = rtcp.packets().next().unwrap().content()
    else {
        panic!("not an extended report");
    };
    assert_eq!(ssrc, 1);
    let metrics = blocks.next().unwrap().voip_metrics().unwrap();
    assert_eq!((metrics.loss_rate, metrics.discard_rate), (0x20, 0x10));
    assert_eq!((metrics.burst_duration, metrics.gap_duration), (100, 3000));
    assert_eq!((metrics.round_trip, metrics.end_system_delay), (70, 60));
    assert_eq!((metrics.signal_level, metrics.noise_level), (None, None));
    assert_eq!(metrics.r_factor, Some(93));
    assert_eq!(metrics.external_r_factor, None);
    assert_eq!((metrics.mos_lq, metrics.mos_cq), (Some(42), Some(41)));
    assert_eq!(metrics.jitter_buffer_nominal, 20);
    assert_eq!(metrics.jitter_buffer_absolute_maximum, 80);
}

#[test]
fn srtcp_is_recognised_and_left_alone() {
    let mut datagram = bytes("81c8000c 0741c7a8");
    datagram.extend((0..64u8).map(|n| n.wrapping_mul(37) ^ 0x5a));
    datagram.extend(bytes("80000001 0102030405060708090a"));
    let rtcp = compound(&datagram).unwrap();
    assert_eq!(rtcp.protection(), Protection::Encrypted);
    assert_eq!(rtcp.sender_ssrc(), 0x0741_c7a8);
    assert_eq!(rtcp.packets().count(), 0);
}

#[test]
fn a_trailer_alone_tells_srtcp() {
    let mut datagram = bytes("80c90001 00000001");
    datagram.extend(bytes("00000005 01020304"));
    assert_eq!(
        compound(&datagram).unwrap().protection(),
        Protection::Encrypted
    );
}

#[test]
fn a_cut_compound_gives_what_is_there() {
    let datagram = bytes(COMPOUND);
    let rtcp = Compound::new_checked(&datagram[..54], datagram.len() as u32).unwrap();
    assert_eq!(rtcp.protection(), Protection::Cut);
    assert_eq!(rtcp.packets().count(), 1);
    let rtcp = Compound::new_checked(&datagram[..30], datagram.len() as u32).unwrap();
    assert_eq!(rtcp.packets().count(), 1);
}

#[test]
fn what_is_not_rtcp_is_refused() {
    assert_eq!(compound(&[0x80; 20]), Err(Flaw::Type(0x80)));
    let lies = bytes("81c80020 0741c7a8 00000000");
    assert_eq!(compound(&lies), Err(Flaw::Length { says: 132, has: 12 }));
    let too_few_words_for_its_count = bytes("85c90001 00000001");
    assert!(compound(&too_few_words_for_its_count).is_err());
}

proptest! {
    #[test]
    fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..160), kind in 200u8..208, more in 0u32..400) {
        if bytes.len() > 4 {
            bytes[0] = bytes[0] & 0x3f | 0x80;
            bytes[1] = kind;
            bytes[2] = 0;
            bytes[3] &= 31;
        }
        if let Ok(rtcp) = Compound::new_checked(&bytes, bytes.len() as u32 + more) {
            for packet in rtcp.packets() {
                let content = packet.content();
                let _ = content.reports().count();
                match content {
                    Content::SourceDescription(chunks) => {
                        let _ = chunks.map(|chunk| chunk.items.count()).sum::<usize>();
                    }
                    Content::Bye(bye) => {
                        let _ = (bye.sources().count(), bye.reason());
                    }
                    Content::ExtendedReport { blocks, .. } => {
                        let _ = blocks.filter_map(|block| block.voip_metrics()).count();
                    }
                    _ => {}
                }
            }
        }
    }
}
