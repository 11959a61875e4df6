use super::*;
use crate::rtcp::Protection;
use proptest::prelude::*;

const RTP: [u8; 14] = [
    0x80, 0xe8, 0xa0, 0x9b, 0x41, 0x9e, 0, 0xed, 0xd4, 0xee, 0x82, 0xac, 1, 2,
];

fn whole(bytes: &[u8]) -> Peeled<'_> {
    peel(bytes, bytes.len() as u32)
}

fn ssrc(peeled: Peeled<'_>) -> Option<u32> {
    match peeled.content {
        Content::Rtp(rtp) => Some(rtp.ssrc()),
        _ => None,
    }
}

#[test]
fn plain_rtp_has_no_wrapper() {
    let peeled = whole(&RTP);
    assert_eq!(peeled.wrapper, None);
    assert_eq!(ssrc(peeled), Some(0xd4ee_82ac));
}

#[test]
fn each_wrapper_is_taken_off() {
    let mut channel = vec![0x40, 1, 0, 14];
    channel.extend(RTP);
    assert_eq!(whole(&channel).wrapper, Some(Wrapper::ChannelData));
    assert_eq!(ssrc(whole(&channel)), Some(0xd4ee_82ac));

    let mut multiplexed = vec![0xff, 0x10, 0, 22, 1, 2, 3, 4, 5, 6, 7, 8];
    multiplexed.extend(RTP);
    assert_eq!(whole(&multiplexed).wrapper, Some(Wrapper::MultiplexedTurn));
    assert_eq!(ssrc(whole(&multiplexed)), Some(0xd4ee_82ac));

    let mut indication = vec![0, 0x16, 0, 20, 0x21, 0x12, 0xa4, 0x42];
    indication.extend([0; 12]);
    indication.extend([0, 0x13, 0, 14]);
    indication.extend(RTP);
    indication.extend([0, 0]);
    assert_eq!(whole(&indication).wrapper, Some(Wrapper::Indication));
    assert_eq!(ssrc(whole(&indication)), Some(0xd4ee_82ac));
}

#[test]
fn wrappers_nest_but_not_for_ever() {
    let wrap = |inside: &[u8]| {
        let mut outside = vec![0x40, 0, 0, inside.len() as u8];
        outside.extend(inside);
        outside
    };
    let three = (0..3).fold(RTP.to_vec(), |inside, _| wrap(&inside));
    assert_eq!(ssrc(whole(&three)), Some(0xd4ee_82ac));
    let six = (0..6).fold(RTP.to_vec(), |inside, _| wrap(&inside));
    assert_eq!(whole(&six).content, Content::Other);
}

#[test]
fn a_cut_datagram_is_judged_by_what_is_there() {
    let mut channel = vec![0x40, 1, 0, 172];
    channel.extend(RTP);
    let peeled = peel(&channel, 176);
    assert_eq!(ssrc(peeled), Some(0xd4ee_82ac));
    let Content::Rtp(rtp) = peeled.content else {
        unreachable!()
    };
    assert_eq!(rtp.payload_len(), Some(160));
}

#[test]
fn rtcp_is_not_rtp() {
    let bye = [0x81, 203, 0, 1, 0, 0, 0, 5];
    let Content::Rtcp(rtcp) = whole(&bye).content else {
        panic!("not RTCP")
    };
    assert_eq!(rtcp.protection(), Protection::Clear);
    assert_eq!(whole(&[0x80, 220, 0, 0]).content, Content::Other);
}

#[test]
fn handshakes_are_told() {
    let mut dtls = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4];
    assert_eq!(whole(&dtls).content, Content::Dtls);
    dtls[12] = 5;
    assert_eq!(whole(&dtls).content, Content::Other);
    assert_eq!(whole(&[0x2c; 30]).content, Content::UnifiedDtls);
    assert_eq!(
        whole(b"\x10\0\0\x01ZRTP\x41\x02\x03\x04").content,
        Content::Zrtp
    );
    assert_eq!(whole(&[0xc3, 0, 0, 0, 1, 8, 1, 2]).content, Content::Quic);
    assert_eq!(
        whole(&[0xc3, 0x12, 0x34, 0x56, 0x78, 8]).content,
        Content::Other
    );
}

#[test]
fn text_is_sip_or_nothing() {
    assert!(matches!(
        whole(b"OPTIONS sip:a@b SIP/2.0\r\n\r\n").content,
        Content::Sip(_)
    ));
    assert_eq!(whole(b"M-SEARCH * HTTP/1.1\r\n").content, Content::Other);
    assert_eq!(whole(b"").content, Content::Other);
}

proptest! {
    #[test]
    fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), first in any::<u8>(), more in 0u32..100) {
        if let Some(byte) = bytes.first_mut() {
            *byte = first;
        }
        let _ = peel(&bytes, bytes.len() as u32 + more);
    }

    #[test]
    fn wrapped_rtp_is_the_same_rtp(payload in proptest::collection::vec(any::<u8>(), 0..60), head in any::<[u8; 10]>()) {
        let mut packet = vec![0x80, 0x68];
        packet.extend(head);
        packet.extend(payload);
        let mut channel = vec![0x41, 0x23, 0, packet.len() as u8];
        channel.extend(&packet);
        prop_assert_eq!(whole(&channel).content, whole(&packet).content);
    }
}
