use super::super::heard::Heard;
use super::*;
use proptest::prelude::*;

const AT: Moment = Moment {
    frame: 1,
    time: 1_000,
};

fn message(start: &str, id: &str, method: &str, body: &str) -> Vec<u8> {
    let len = body.len();
    format!(
        "{start}\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@y>\r\nCall-ID: {id}\r\nCSeq: 1 {method}\r\n\
         Content-Length: {len}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn sdp(port: u16) -> String {
    format!(
        "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio {port} RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n"
    )
}

fn invite(id: &str, port: u16) -> Vec<u8> {
    message("INVITE sip:b@y SIP/2.0", id, "INVITE", &sdp(port))
}

fn calls(book: Book) -> Vec<Record> {
    book.finish().0.filter(Record::is_call).collect()
}

#[test]
fn a_call_is_followed_from_invite_to_bye() {
    let mut book = Book::default();
    book.datagram(AT, &invite("1", 4000));
    book.datagram(AT, &invite("1", 4000));
    book.datagram(AT, &message("SIP/2.0 180 Ringing", "1", "INVITE", ""));
    book.datagram(AT, &message("SIP/2.0 200 OK", "1", "INVITE", &sdp(5000)));
    book.datagram(AT, &message("SIP/2.0 481 Gone", "1", "BYE", ""));
    let later = Moment { time: 9_000, ..AT };
    book.datagram(later, &message("BYE sip:b@y SIP/2.0", "1", "BYE", ""));
    let [record] = &calls(book)[..] else {
        panic!("one call")
    };
    let call = &record.call;
    assert_eq!(
        (call.id.as_str(), call.messages, call.status),
        ("1", 6, Some(200))
    );
    assert_eq!((call.first, call.last, call.ended), (1_000, 9_000, true));
    assert_eq!(call.parties(), "a@x > b@y");
    let ports: Vec<u16> = record
        .said
        .iter()
        .map(|said| said.endpoint.port())
        .collect();
    assert_eq!(ports, [4000, 5000], "said again is said once");
}

#[test]
fn what_is_no_call_is_not_kept() {
    let mut book = Book::default();
    book.datagram(AT, &message("OPTIONS sip:b@y SIP/2.0", "1", "OPTIONS", ""));
    book.datagram(AT, &message("SIP/2.0 200 OK", "1", "REGISTER", ""));
    book.datagram(AT, b"INVITE sip:b@y SIP/2.0\r\n\r\n");
    assert!(calls(book).is_empty());
}

#[test]
fn the_oldest_calls_make_room() {
    let mut book = Book::default();
    for number in 0..20_000u32 {
        book.datagram(AT, &invite(&format!("call-{number}"), number as u16 | 1));
        assert!(book.bytes <= MOST_BYTES);
    }
    let evicted = book.evicted;
    let left = calls(book);
    assert!(evicted > 0);
    assert_eq!(left.len() as u64 + evicted, 20_000);
    assert_eq!(left.last().unwrap().call.id, "call-19999");
    assert_eq!(left[0].call.id, format!("call-{evicted}"));
}

/// Messages on a connection, cut into segments anywhere, are those that were sent.
#[test]
fn a_message_in_several_segments_is_put_together() {
    let mut bytes = invite("1", 4000);
    bytes.extend(b"\r\n\r\n");
    bytes.extend(message("SIP/2.0 200 OK", "1", "INVITE", &sdp(5000)));
    bytes.extend(invite("2", 6000));
    for size in [1, 7, 100, 250, 1000] {
        let mut book = Book::default();
        let mut sequence = u32::MAX - 90;
        for segment in bytes.chunks(size) {
            let begins = StartLine::read(segment).is_some();
            if begins || book.waits_for(&([1, 2], 3)) {
                book.segment(([1, 2], 3), AT, sequence, segment, segment.len() as u32);
            }
            sequence = sequence.wrapping_add(segment.len() as u32);
        }
        let expected = if size < 100 { 0 } else { 2 };
        let found = calls(book);
        assert_eq!(
            found.len(),
            expected,
            "{size}: a start line must be seen whole"
        );
        if expected > 0 {
            assert_eq!((found[0].said.len(), found[0].call.status), (2, Some(200)));
        }
    }
}

#[test]
fn a_message_whose_rest_never_comes_is_read_as_far_as_it_came() {
    let bytes = invite("1", 4000);
    let (first, rest) = bytes.split_at(bytes.len() - 10);
    let mut book = Book::default();
    book.segment(([1, 2], 3), AT, 100, first, first.len() as u32);
    assert!(book.waits_for(&([1, 2], 3)) && !book.waits_for(&([1, 2], 4)));
    book.segment(([1, 2], 3), AT, 100, first, first.len() as u32);
    assert_eq!(calls(book)[0].said.len(), 1, "at the end");
    let mut book = Book::default();
    book.segment(([1, 2], 3), AT, 100, first, first.len() as u32);
    book.segment(([1, 2], 3), AT, 9_000, rest, rest.len() as u32);
    assert!(!book.waits_for(&([1, 2], 3)));
    assert_eq!(calls(book).len(), 1, "after a hole");
}

/// A callee hangs up past the proxy that the call came by: the messages are in flows of different partitions.
#[test]
fn messages_that_are_no_call_by_themselves_count_for_one_elsewhere() {
    let (mut one, mut other) = (Book::default(), Book::default());
    let at = |frame| Moment {
        frame,
        time: frame as i64,
    };
    one.datagram(at(1), &invite("1", 4000));
    other.datagram(at(2), &message("BYE sip:a@x SIP/2.0", "1", "BYE", ""));
    other.datagram(
        at(3),
        &message("REGISTER sip:y SIP/2.0", "2", "REGISTER", ""),
    );
    let heard = Heard::new(vec![other, one]);
    let [call] = &heard.calls().list[..] else {
        panic!("one call: {:?}", heard.calls())
    };
    assert_eq!((call.messages, call.last, call.ended), (2, 2, true));
}

#[test]
fn registrations_do_not_take_the_room_of_calls() {
    let mut book = Book::default();
    book.datagram(AT, &invite("call", 4000));
    for number in 0..3 * MOST_STRAYS {
        let id = format!("registration-{number}");
        book.datagram(AT, &message("REGISTER sip:y SIP/2.0", &id, "REGISTER", ""));
        assert!(book.records.len() <= MOST_STRAYS + 1);
    }
    assert_eq!((book.evicted, calls(book).len()), (0, 1));
}

proptest! {
    /// It does not matter in which partitions the flows are by which the messages of a call come.
    #[test]
    fn calls_do_not_depend_on_where_their_messages_are(
        messages in proptest::collection::vec((0usize..3, 0usize..7, 0u16..3, 0usize..3), 1..40),
    ) {
        let mut whole = Book::default();
        let mut parts = [Book::default(), Book::default(), Book::default()];
        for ((id, kind, port, part), frame) in messages.into_iter().zip(1u64..) {
            let id = ["a", "b", "c"][id];
            let bytes = match kind {
                0 => invite(id, 4000 + port),
                1 => message("SIP/2.0 200 OK", id, "INVITE", &sdp(5000 + port)),
                2 => message("SIP/2.0 486 Busy Here", id, "INVITE", ""),
                3 => message("ACK sip:b@y SIP/2.0", id, "ACK", ""),
                4 => message("BYE sip:b@y SIP/2.0", id, "BYE", ""),
                5 => message("SIP/2.0 200 OK", id, "BYE", ""),
                _ => message("REGISTER sip:y SIP/2.0", id, "REGISTER", ""),
            };
            let at = Moment { frame, time: frame as i64 };
            whole.datagram(at, &bytes);
            parts[part].datagram(at, &bytes);
        }
        let (whole, parts) = (Heard::new(vec![whole]), Heard::new(parts.into()));
        prop_assert_eq!(parts.calls(), whole.calls());
    }

    /// Whatever signalling comes, a book stays small.
    #[test]
    fn hostile_signalling_is_bounded(
        messages in proptest::collection::vec(
            ("[a-z]{0,400}", 0usize..40, 0u64..200, 0usize..500, any::<u32>(), any::<bool>()), 1..80),
    ) {
        let mut book = Book::default();
        for (id, lines, connection, cut, sequence, over_tcp) in messages {
            let body: String = (0..lines)
                .map(|port| format!("m=audio {} RTP/AVP 96\r\nc=IN IP4 192.0.2.1\r\na=rtpmap:96 {id}/8000\r\n", port + 1))
                .collect();
            let bytes = message("INVITE sip:b@y SIP/2.0", &id, "INVITE", &body);
            let bytes = &bytes[..bytes.len().saturating_sub(cut)];
            if over_tcp {
                book.segment(([connection, 0], 1), AT, sequence, bytes, bytes.len() as u32);
            } else {
                book.datagram(AT, bytes);
            }
            prop_assert!(book.begun.len() <= MOST_BEGUN);
            prop_assert!(book.begun.values().all(|begun| begun.bytes.len() <= LONGEST_MESSAGE));
            prop_assert!(book.bytes <= MOST_BYTES);
            prop_assert_eq!(book.records.len(), book.by_id.len());
            let sum: usize = book.records.values().map(|record| record.bytes).sum();
            prop_assert_eq!(sum, book.bytes);
            for record in book.records.values() {
                prop_assert!(record.said.len() <= Call::MOST_MEDIA);
            }
        }
    }
}
