//! Captures of known packets, in network namespaces of the tests' own. Where none can be made they say `skipped`.
#![cfg(target_os = "linux")]
#![expect(unsafe_code, reason = "the senders of the tests call the system")]
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "support/namespace.rs"]
mod namespace;
#[path = "support/send.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod send;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use namespace::{inside, ip, veth};
use perhop_host::capture::{CaptureError, Fanout, Live, Options, Turn, interfaces};
use perhop_wire::capture::{CaptureReader, CapturedPacket, Step};
use perhop_wire::packet::{Direction, LinkType, Transport, dissect};
use send::{Raw, Tun, frame, ipv6, marked, rtp};

/// A packet that was captured, owned.
#[derive(Debug, Clone, PartialEq)]
struct Packet {
    time_ns: i64,
    link: LinkType,
    data: Vec<u8>,
    wire_len: u32,
    interface: u32,
    direction: Direction,
}

/// What of a packet was known before it was sent: addresses, ports, DSCP, outer tag, sequence number.
type Sent = (IpAddr, u16, IpAddr, u16, u8, Option<(u16, u8)>, u16);

impl Packet {
    fn of(packet: &CapturedPacket<'_>) -> Self {
        Self {
            time_ns: packet.time_ns.unwrap(),
            link: packet.link,
            data: packet.data.to_vec(),
            wire_len: packet.wire_len,
            interface: packet.interface,
            direction: packet.direction,
        }
    }

    /// `None` when it is none of ours: neighbour discovery and the like.
    fn sent(&self) -> Option<Sent> {
        let seen = dissect(self.link, &self.data, self.wire_len).ok()?;
        let Transport::Udp { src_port, dst_port } = seen.transport else {
            return None;
        };
        let sequence = u16::from_be_bytes([*seen.payload.get(2)?, *seen.payload.get(3)?]);
        (5000..6000).contains(&dst_port).then(|| {
            (
                seen.addresses.src(),
                src_port,
                seen.addresses.dst(),
                dst_port,
                seen.ds.dscp().value(),
                seen.vlan.map(|tag| (tag.id, tag.pcp.value())),
                sequence,
            )
        })
    }
}

fn small() -> Options {
    Options {
        blocks: 8,
        ..Options::default()
    }
}

/// All that passed until now.
fn rest(live: Live) -> Vec<Packet> {
    let mut packets = Vec::new();
    live.finish(&mut |packet| packets.push(Packet::of(packet)))
        .unwrap();
    packets
}

fn ours(packets: &[Packet]) -> Vec<Sent> {
    packets.iter().filter_map(Packet::sent).collect()
}

/// Shows the first difference, not everything.
fn same(captured: &[Sent], sent: &[Sent]) {
    for (number, (captured, sent)) in captured.iter().zip(sent).enumerate() {
        assert_eq!(captured, sent, "packet {number}");
    }
    assert_eq!(captured.len(), sent.len());
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap().as_nanos()).unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Sends 50 packets of each kind; says what they were.
fn send_all_kinds() -> Vec<Sent> {
    let (v4, v6) = (address("192.0.2.1"), address("2001:db8::1"));
    let (to4, to6) = (address("192.0.2.2"), address("2001:db8::2"));
    let ef = marked("192.0.2.1:20000", 46);
    let none = marked("192.0.2.1:20002", 0);
    let video = marked("[2001:db8::1]:20040", 34);
    let raw = Raw::new(c"v0");
    let mut sent = Vec::new();
    for number in 0..50 {
        let payload = rtp(number, 7);
        ef.send_to(&payload, "192.0.2.2:5004").unwrap();
        sent.push((v4, 20000, to4, 5004, 46, None, number));
        none.send_to(&payload, "192.0.2.2:5006").unwrap();
        sent.push((v4, 20002, to4, 5006, 0, None, number));
        video.send_to(&payload, "[2001:db8::2]:5008").unwrap();
        sent.push((v6, 20040, to6, 5008, 34, None, number));
        raw.send(&frame(
            &[(0x8100, 5 << 13 | 100)],
            46,
            (20010, 5010),
            &payload,
        ));
        sent.push((
            address("192.0.2.7"),
            20010,
            to4,
            5010,
            46,
            Some((100, 5)),
            number,
        ));
        raw.send(&frame(
            &[(0x88a8, 3 << 13 | 9), (0x8100, 100)],
            34,
            (20012, 5012),
            &payload,
        ));
        sent.push((
            address("192.0.2.7"),
            20012,
            to4,
            5012,
            34,
            Some((9, 3)),
            number,
        ));
    }
    sent
}

#[test]
fn what_was_sent_is_what_is_captured() {
    inside("what_was_sent_is_what_is_captured", || {
        veth();
        let other = Tcpdump::start("v1");
        let arriving = Live::open("v1", &small()).unwrap();
        let leaving = Live::open("v0", &small()).unwrap();
        let before = now();
        let sent = send_all_kinds();
        // Nothing has been read so far; all of it comes out at the end.
        let (arrived, left) = (rest(arriving), rest(leaving));
        let after = now();
        same(&ours(&arrived), &sent);
        same(&ours(&left), &sent);
        for (packets, direction) in [(&arrived, Direction::In), (&left, Direction::Out)] {
            for packet in packets.iter().filter(|packet| packet.sent().is_some()) {
                assert_eq!(packet.link, LinkType::ETHERNET);
                assert_eq!(packet.wire_len as usize, packet.data.len());
                assert_eq!(packet.interface, 0);
                assert!((before..=after).contains(&packet.time_ns));
                // Frames made by hand are addressed to somebody else.
                let by_hand = packet.data[..6] == [2, 0, 0, 0, 0, 9];
                let expected = match direction {
                    Direction::In if by_hand => Direction::Unknown,
                    direction => direction,
                };
                assert_eq!(packet.direction, expected);
            }
            assert!(packets.is_sorted_by_key(|packet| packet.time_ns));
        }
        let Some(other) = other else {
            println!("skipped in part: no tcpdump to compare with");
            return;
        };
        let theirs = other.stop(sent.len());
        let bytes = |packets: &[Packet]| -> Vec<_> {
            let ours = packets.iter().filter(|packet| packet.sent().is_some());
            ours.map(|packet| (packet.data.clone(), packet.wire_len))
                .collect()
        };
        assert!(bytes(&theirs) == bytes(&arrived));
    });
}

/// A tcpdump beside our own capture, which writes a file.
struct Tcpdump {
    child: Child,
    folder: std::path::PathBuf,
}

impl Tcpdump {
    fn start(interface: &str) -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("perhop-host-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut command = Command::new("tcpdump");
        command.args([
            "-i",
            interface,
            "-U",
            "--time-stamp-precision=nano",
            "-Z",
            "root",
            "-w",
        ]);
        command.arg(folder.join("t.pcap")).stderr(Stdio::piped());
        let Ok(child) = command.spawn() else {
            fs::remove_dir_all(&folder).unwrap();
            return None;
        };
        let mut it = Self { child, folder };
        let mut lines = BufReader::new(it.child.stderr.take().unwrap()).lines();
        while !lines.next()?.unwrap().contains("listening on") {}
        Some(it)
    }

    fn stop(self, count: usize) -> Vec<Packet> {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let packets = read(&fs::read(self.folder.join("t.pcap")).unwrap());
            if ours(&packets).len() >= count || Instant::now() > until {
                return packets;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Tcpdump {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn read(capture: &[u8]) -> Vec<Packet> {
    let (mut reader, mut at, mut packets) = (CaptureReader::new(), 0, Vec::new());
    loop {
        let step = reader.next(&capture[at..], true);
        match step {
            Step::Packet(packet) => packets.push(Packet::of(&packet)),
            Step::End => return packets,
            _ => {}
        }
        at += step.consumed();
    }
}

#[test]
fn a_full_ring_says_how_much_was_dropped() {
    inside("a_full_ring_says_how_much_was_dropped", || {
        veth();
        let options = Options {
            block_bytes: 1 << 16,
            blocks: 2,
            ..Options::default()
        };
        let mut live = Live::open("v1", &options).unwrap();
        let socket = marked("192.0.2.1:20000", 46);
        for number in 0..3000 {
            socket.send_to(&rtp(number, 1), "192.0.2.2:5004").unwrap();
        }
        // Asked in between, the counts go on.
        let early = live.statistics().unwrap();
        assert!(early.dropped > 1000 && early.stalls > 0, "{early:?}");
        let mut packets = Vec::new();
        let end = live
            .finish(&mut |packet| packets.push(Packet::of(packet)))
            .unwrap();
        assert_eq!(end.seen, packets.len() as u64 + end.dropped, "{end:?}");
        assert!(end.seen >= 3000);
        // What was kept are the first ones.
        let sequences: Vec<_> = ours(&packets).iter().map(|sent| sent.6).collect();
        assert!(sequences.len() > 100 && sequences.iter().copied().eq(0..sequences.len() as u16));
    });
}

#[test]
fn turns_give_blocks_while_packets_pass() {
    inside("turns_give_blocks_while_packets_pass", || {
        veth();
        let mut live = Live::open("v1", &small()).unwrap();
        let sender = thread::spawn(|| {
            let socket = marked("192.0.2.1:20000", 46);
            for number in 0..200 {
                socket.send_to(&rtp(number, 1), "192.0.2.2:5004").unwrap();
                thread::sleep(Duration::from_millis(2));
            }
        });
        let (mut packets, mut blocks, mut given) = (Vec::new(), 0, 0);
        let until = Instant::now() + Duration::from_secs(20);
        while ours(&packets).len() < 200 && Instant::now() < until {
            match live.turn(Duration::from_millis(20), &mut |packet| {
                packets.push(Packet::of(packet))
            }) {
                Ok(Turn::Packets(count)) => {
                    blocks += 1;
                    given += count;
                }
                Ok(Turn::Idle) => {}
                other => panic!("{other:?}"),
            }
        }
        sender.join().unwrap();
        assert_eq!(given, packets.len() as u64);
        assert!(ours(&packets).iter().map(|sent| sent.6).eq(0..200));
        // 400 ms of sending are several blocks: nobody waits for a megabyte of voice.
        assert!(blocks >= 3, "{blocks}");
    });
}

#[test]
fn a_snap_length_keeps_the_wire_length() {
    inside("a_snap_length_keeps_the_wire_length", || {
        veth();
        let options = Options {
            snaplen: Some(80),
            ..small()
        };
        let live = Live::open("v1", &options).unwrap();
        let sent = send_all_kinds();
        let packets = rest(live);
        same(&ours(&packets), &sent);
        for packet in packets.iter().filter(|packet| packet.sent().is_some()) {
            let tagged = u32::from(packet.data[12] & 0x80 != 0 && packet.data[13] != 0xdd) * 4;
            assert_eq!(packet.data.len() as u32, 80 + tagged);
            assert!(packet.wire_len >= 14 + 20 + 8 + 172 + tagged);
        }
    });
}

#[test]
fn loopback_and_any() {
    inside("loopback_and_any", || {
        veth();
        let loopback = Live::open("lo", &small()).unwrap();
        let any = Live::open("any", &small()).unwrap();
        marked("127.0.0.1:20000", 46)
            .send_to(&rtp(1, 1), "127.0.0.1:5004")
            .unwrap();
        let sent = send_all_kinds();
        let packets = rest(loopback);
        assert_eq!(
            packets
                .iter()
                .filter(|packet| packet.sent().is_some())
                .count(),
            1
        );
        assert_eq!(packets[0].direction, Direction::Unknown);
        // Once at `lo`, and once at each end of the pair.
        let packets = rest(any);
        let mut by_interface: BTreeMap<u32, Vec<Sent>> = BTreeMap::new();
        for packet in &packets {
            by_interface
                .entry(packet.interface)
                .or_default()
                .extend(packet.sent());
        }
        let mut counts: Vec<_> = by_interface.values().map(Vec::len).collect();
        counts.sort_unstable();
        assert_eq!(counts, [1, sent.len(), sent.len()]);
        assert!(!by_interface.contains_key(&0));
    });
}

#[test]
fn an_interface_without_link_header() {
    inside("an_interface_without_link_header", || {
        let Some(tun) = Tun::new() else {
            println!("skipped: no tun interfaces here");
            return;
        };
        ip("link set tun0 addrgenmode none");
        ip("link set tun0 up");
        ip("address add 192.0.2.1/24 dev tun0");
        let live = Live::open("tun0", &small()).unwrap();
        marked("192.0.2.1:20000", 46)
            .send_to(&rtp(1, 1), "192.0.2.2:5004")
            .unwrap();
        tun.send(&ipv6(34, (20040, 5008), &rtp(2, 1)));
        let packets = rest(live);
        let seen: Vec<_> = packets
            .iter()
            .filter_map(|packet| {
                let sent = packet.sent()?;
                Some((
                    packet.link,
                    packet.direction,
                    sent.3,
                    sent.4,
                    packet.wire_len,
                ))
            })
            .collect();
        let expected = [
            (LinkType::RAW, Direction::Out, 5004, 46, 200),
            (LinkType::RAW, Direction::In, 5008, 34, 220),
        ];
        assert_eq!(seen, expected);
    });
}

#[test]
fn a_group_divides_by_flow() {
    inside("a_group_divides_by_flow", || {
        veth();
        let options = Options {
            fanout: Some(Fanout { group: 77 }),
            ..small()
        };
        let members = [0, 1].map(|_| Live::open("v1", &options).unwrap());
        for port in 20000..20032 {
            let socket = marked(&format!("192.0.2.1:{port}"), 46);
            for number in 0..4 {
                socket.send_to(&rtp(number, 1), "192.0.2.2:5004").unwrap();
            }
        }
        let [one, two] = members.map(|live| {
            let mut flows: BTreeMap<u16, u32> = BTreeMap::new();
            for sent in ours(&rest(live)) {
                *flows.entry(sent.1).or_default() += 1;
            }
            flows
        });
        assert_eq!(one.len() + two.len(), 32);
        assert!(!one.is_empty() && !two.is_empty());
        assert!(one.values().chain(two.values()).all(|count| *count == 4));
    });
}

#[test]
fn an_interface_that_goes_is_told() {
    inside("an_interface_that_goes_is_told", || {
        veth();
        assert!(
            ["lo", "v0", "v1"]
                .iter()
                .all(|name| interfaces().contains(&(*name).to_owned()))
        );
        let mut live = Live::open("v1", &small()).unwrap();
        let mut turn = || loop {
            match live.turn(Duration::from_secs(5), &mut |_| {}).unwrap() {
                Turn::Packets(_) => {}
                other => return other,
            }
        };
        ip("link set v1 down");
        assert_eq!(turn(), Turn::Down);
        ip("link set v1 up");
        ip("link del v0");
        // Removing takes it down first.
        let last = turn();
        assert!(last == Turn::Gone || last == Turn::Down && turn() == Turn::Gone);
        assert!(matches!(
            Live::open("v1", &small()),
            Err(CaptureError::NoInterface { name, known }) if name == "v1" && known == ["lo"]
        ));
    });
}

#[test]
fn what_cannot_be_opened_says_why_and_what_helps() {
    inside("what_cannot_be_opened_says_why_and_what_helps", || {
        let fails = |name: &str, options: &Options| {
            let error = Live::open(name, options).unwrap_err();
            (error.to_string(), error.remedies().join("; "))
        };
        ip("link add v0 type veth peer name v1");
        let (error, remedy) = fails("eth7", &small());
        assert_eq!(error, "there is no interface `eth7`");
        assert!(
            remedy.contains("`lo`") && remedy.contains("`v0`") && remedy.contains("`any`"),
            "{remedy}"
        );
        assert!(
            fails("a name that no interface can have", &small())
                .0
                .contains("there is no interface")
        );
        assert!(fails("nul\0", &small()).0.contains("there is no interface"));
        let (error, remedy) = fails("v0", &small());
        assert_eq!(error, "the interface `v0` is down");
        assert_eq!(remedy, "bring it up: `ip link set v0 up`");
        let odd = Options {
            block_bytes: 5000,
            ..small()
        };
        let (error, _) = fails("lo", &odd);
        assert!(
            error.starts_with("cannot set up the packet ring: "),
            "{error}"
        );
        // The same without the capability, in a process of its own.
        let output = Command::new("setpriv")
            .args(["--bounding-set=-net_raw", "--inh-caps=-net_raw"])
            .arg(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "without_the_capability",
                "--ignored",
                "--nocapture",
            ])
            .output();
        match output {
            Err(_) => println!("skipped in part: no `setpriv`"),
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stdout);
                assert!(
                    output.status.success() && text.contains("1 passed"),
                    "{text}"
                );
            }
        }
    });
}

#[test]
#[ignore = "run by `what_cannot_be_opened_says_why_and_what_helps`, without CAP_NET_RAW"]
fn without_the_capability() {
    let error = Live::open("lo", &small()).unwrap_err();
    assert!(matches!(error, CaptureError::NoPrivilege), "{error}");
    let remedies = error.remedies();
    assert!(
        remedies[0].contains("sudo setcap cap_net_raw+ep /"),
        "{remedies:?}"
    );
    assert!(remedies[1].contains("sudo"), "{remedies:?}");
}
