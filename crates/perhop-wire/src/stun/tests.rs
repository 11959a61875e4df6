use super::*;
use proptest::prelude::*;

/// The sample request of RFC 5769 section 2.1.
const SAMPLE_REQUEST: &str = "000100582112a442b7e7a701bc34d686fa87dfae\
    802200105354554e207465737420636c69656e74\
    002400046e0001ff80290008932ff9b151263b36\
    00060009 6576746a3a68367659202020\
    00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004e57a3bcf";
/// The sample IPv4 response of RFC 5769 section 2.2.
const SAMPLE_RESPONSE: &str = "0101003c2112a442b7e7a701bc34d686fa87dfae\
    8022000b7465737420766563746f7220\
    002000080001a147e112a643\
    000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004c07d4c96";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn stun(bytes: &[u8]) -> Result<Stun<'_>, Flaw> {
    Stun::new_checked(bytes, bytes.len() as u32)
}

#[test]
fn the_sample_request_of_rfc_5769_is_read() {
    let message = bytes(SAMPLE_REQUEST);
    let stun = stun(&message).unwrap();
    assert_eq!(
        (stun.method(), stun.class(), stun.dialect()),
        (1, Class::Request, Dialect::Rfc8489)
    );
    assert_eq!(stun.attribute(attribute::USERNAME), Some(&b"evtj:h6vY"[..]));
    assert_eq!(
        stun.attribute(attribute::SOFTWARE),
        Some(&b"STUN test client"[..])
    );
    assert_eq!(stun.attributes().count(), 6);
    assert_eq!(stun.fingerprint(), Some(true));
    assert_eq!(stun.transaction().len(), 12);
}

#[test]
fn a_wrong_bit_breaks_the_fingerprint() {
    let mut message = bytes(SAMPLE_REQUEST);
    message[30] ^= 1;
    assert_eq!(stun(&message).unwrap().fingerprint(), Some(false));
}

#[test]
fn the_sample_response_gives_the_mapped_address() {
    let message = bytes(SAMPLE_RESPONSE);
    let stun = stun(&message).unwrap();
    assert_eq!(stun.class(), Class::Success);
    assert_eq!(
        stun.address(attribute::XOR_MAPPED_ADDRESS),
        Some("192.0.2.1:32853".parse().unwrap())
    );
    assert_eq!(stun.fingerprint(), Some(true));
}

#[test]
fn methods_and_classes_interleave() {
    let class_of = |kind: u16| {
        let mut message = bytes("000000002112a442000000000000000000000000");
        message[..2].copy_from_slice(&kind.to_be_bytes());
        let stun = stun(&message).unwrap();
        (stun.method(), stun.class())
    };
    assert_eq!(class_of(0x0113), (3, Class::Error));
    assert_eq!(class_of(0x0017), (7, Class::Indication));
    assert_eq!(class_of(0x3eef), (0xfff, Class::Request));
}

#[test]
fn classic_stun_must_tile() {
    let good = bytes("0001000800112233445566778899aabbccddeeff 0003000400000006");
    assert_eq!(stun(&good).unwrap().dialect(), Dialect::Classic);
    let bad = bytes("0001000800112233445566778899aabbccddeeff 0003001400000006");
    assert!(stun(&bad).is_err());
    let other_method = bytes("0003000800112233445566778899aabbccddeeff 0003000400000006");
    assert!(stun(&other_method).is_err());
}

#[test]
fn microsofts_cookie_is_the_first_attribute() {
    let message = bytes(
        "0004001400112233445566778899aabbccddeeff 000f000472c64bc6 00130006 010203040506 0000",
    );
    let stun = stun(&message).unwrap();
    assert_eq!(stun.dialect(), Dialect::MsTurn);
    assert_eq!(stun.relayed(), Some((&[1, 2, 3, 4, 5, 6][..], 6)));
    assert_eq!(stun.transaction().len(), 16);
}

#[test]
fn only_indications_carry_data() {
    let mut message = bytes("001600082112a442000000000000000000000000 00130004 0a0b0c0d");
    assert_eq!(
        stun(&message).unwrap().relayed(),
        Some((&[10, 11, 12, 13][..], 4))
    );
    message[1] = 1;
    assert_eq!(stun(&message).unwrap().relayed(), None);
}

#[test]
fn length_must_be_the_datagrams() {
    let mut message = bytes(SAMPLE_RESPONSE);
    message.push(0);
    assert_eq!(stun(&message), Err(Flaw::Length { says: 80, has: 81 }));
    assert!(Stun::new_prefix(&message).is_ok());
    message.truncate(40);
    assert!(
        Stun::new_checked(&message, 80).is_ok(),
        "cut by the snap length"
    );
}

proptest! {
    #[test]
    fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..120), form in 0u8..4) {
        if bytes.len() >= 28 {
            bytes[0] &= 0x3f;
            bytes[2] = 0;
            bytes[3] &= 0x7c;
            match form {
                0 => bytes[4..8].copy_from_slice(&MAGIC_COOKIE.to_be_bytes()),
                1 => bytes[20..28].copy_from_slice(&[0, 15, 0, 4, 0x72, 0xc6, 0x4b, 0xc6]),
                2 => bytes[..2].copy_from_slice(&[1, 1]),
                _ => {}
            }
        }
        if let Ok(stun) = Stun::new_prefix(&bytes) {
            let _ = (stun.attributes().count(), stun.relayed(), stun.fingerprint());
            for (kind, _) in stun.attributes() {
                let _ = stun.address(kind);
            }
        }
    }
}
