//! Ways of attaching, in network namespaces of the tests' own. Where that cannot be done the tests say `skipped`.
#![cfg(target_os = "linux")]
#![expect(unsafe_code, reason = "the helpers of the tests call the system")]
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "support/namespace.rs"]
mod namespace;
#[expect(dead_code, reason = "these tests use a part of it")]
#[path = "support/policies.rs"]
mod policies;
#[path = "support/send.rs"]
#[expect(dead_code, reason = "these tests use a part of it")]
mod send;

use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

use namespace::{inside, ip, veth};
use perhop_host::agent::{Agent, AgentError, Attach, Extras, Settings};
use perhop_host::capture::{Live, Options};
use perhop_host::mark::nft;
use perhop_wire::packet::{Transport, dissect};
use policies::{Random, SCOPE, many, policy};

fn start(interface: &str, attach: Attach) -> Option<Agent> {
    let settings = Settings {
        interfaces: vec![interface.to_owned()],
        attach,
        ..Settings::default()
    };
    match Agent::start(&many(3), SCOPE, settings, Extras::default()) {
        Ok((agent, _)) => Some(agent),
        Err(error @ (AgentError::NoPrivilege { .. } | AgentError::NoKernelSupport { .. })) => {
            println!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}\n{}", error.remedies().join("\n")),
    }
}

fn tc(args: &str) -> String {
    let output = Command::new("tc").args(args.split(' ')).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The DSCP of what is sent from a port, as it arrives.
fn arrives_with(port: u16) -> u8 {
    let options = Options {
        blocks: 4,
        ..Options::default()
    };
    let live = Live::open("v1", &options).unwrap();
    let socket = UdpSocket::bind(("192.0.2.1", port)).unwrap();
    socket.send_to(&[0; 100], "192.0.2.2:9").unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let mut seen = None;
    live.finish(&mut |packet| {
        let Ok(found) = dissect(packet.link, packet.data, packet.wire_len) else {
            return;
        };
        if matches!(found.transport, Transport::Udp { src_port, .. } if src_port == port) {
            seen = Some(found.ds.dscp().value());
        }
    })
    .unwrap();
    seen.unwrap()
}

#[test]
fn a_filter_marks_as_well_and_goes_with_the_agent() {
    inside("a_filter_marks_as_well_and_goes_with_the_agent", || {
        veth();
        assert_eq!(arrives_with(1016), 0);
        for attach in [Attach::Clsact, Attach::Tcx] {
            let Some(mut agent) = start("v0", attach) else {
                return;
            };
            let way = if attach == Attach::Tcx {
                "tcx"
            } else {
                "clsact"
            };
            assert_eq!(agent.interfaces(), [("v0", way, false)]);
            // Rules have their number as their mark, and ports from 1000 + 8 times their number on.
            assert_eq!(
                [arrives_with(1008), arrives_with(1019), arrives_with(1020)],
                [1, 2, 0]
            );
            agent.reload(&many(2), SCOPE, Extras::default()).unwrap();
            assert_eq!([arrives_with(1008), arrives_with(1019)], [1, 0]);
            let counts = agent.counts().unwrap();
            assert_eq!(counts[1].1.packets, 2, "{counts:?}");
            if attach == Attach::Clsact {
                assert!(tc("filter show dev v0 egress").contains("perhop_mark"));
            }
            drop(agent);
            assert_eq!(arrives_with(1008), 0);
            assert!(!tc("qdisc show dev v0").contains("clsact"));
        }
    });
}

#[test]
fn an_interface_without_link_header_is_marked_at() {
    inside("an_interface_without_link_header_is_marked_at", || {
        let Some(tun) = send::Tun::new() else {
            println!("skipped: no tun interfaces here");
            return;
        };
        ip("link set tun0 addrgenmode none");
        ip("link set tun0 up");
        ip("address add 192.0.2.1/24 dev tun0");
        for attach in [Attach::Auto, Attach::Clsact] {
            let Some(_agent) = start("tun0", attach) else {
                return;
            };
            let socket = UdpSocket::bind(("192.0.2.1", 1019)).unwrap();
            socket.send_to(&[0; 100], "192.0.2.2:9").unwrap();
            let packet = tun.receive();
            assert_eq!((packet[0], packet[1]), (0x45, 2 << 2));
            // The checksum of the header is right: all its words add up to ones.
            let sum: u32 = packet[..20]
                .chunks(2)
                .map(|two| u32::from(u16::from_be_bytes([two[0], two[1]])))
                .sum();
            assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
        }
    });
}

#[test]
fn nftables_takes_the_table_of_every_policy() {
    inside("nftables_takes_the_table_of_every_policy", || {
        if Command::new("nft").arg("--version").output().is_err() {
            println!("skipped: nft is not installed");
            return;
        }
        let mut random = Random(5);
        for round in 0..40 {
            let policy = policy(&mut random, 1 + round % 9);
            let options = nft::Options {
                forwarded: round % 2 == 0,
                interfaces: vec!["v0".to_owned()],
                ..nft::Options::default()
            };
            let text = nft::ruleset(&policy, SCOPE, &options).text;
            let file = std::env::temp_dir().join(format!("perhop-nft-{}", std::process::id()));
            std::fs::write(&file, &text).unwrap();
            let output = Command::new("nft").arg("-f").arg(&file).output().unwrap();
            std::fs::remove_file(&file).unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{text}\n{said}");
        }
    });
}
