//! The agent at work, in network namespaces of the tests' own: what arrives at the far end is judged by `perhop verify`.
//! Where that cannot be done the tests say `skipped`.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "support/agent.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod agent;
#[path = "support/binary.rs"]
mod binary;
#[path = "../../perhop-host/tests/support/namespace.rs"]
#[expect(dead_code, reason = "the cable of these tests ends elsewhere")]
mod namespace;
#[path = "support/traffic.rs"]
mod traffic;

use std::thread;
use std::time::Duration;

use agent::{Net, PLAN};
use binary::run;
use namespace::inside;
use perhop_host::bpf::sys::{attach_type, programs_at};
use traffic::Sender;

/// Not a test by itself: what the copies of this program run that stand for applications.
#[test]
fn sender() {
    traffic::send_when_asked();
}

#[test]
fn what_arrives_is_as_planned_and_other_programs_are_left_alone() {
    inside(
        "what_arrives_is_as_planned_and_other_programs_are_left_alone",
        || {
            let Some(net) = Net::new() else { return };
            // This one has its socket before there is an agent.
            let early = Sender::start(&net, "phone", "early");
            let Some(_agent) = net.agent(&[]) else { return };
            let capture = net.capture("phone.pcap");
            early.go();
            Sender::start(&net, "phone", "all").finish();
            let verdict = run([
                "verify",
                &net.file("plan.toml"),
                &capture.finish(),
                "--format",
                "json",
            ]);
            assert_eq!(verdict.code, Some(0), "{}{}", verdict.out, verdict.err);
            let flows = net.flows("phone.pcap");
            for port in [20001, 20003, 20005, 20007, 20009, 20011, 20013, 20015] {
                let marks = flows.marks(port);
                assert!(
                    marks.len() == 1 && marks.contains_key("46"),
                    "{port}: {marks:?}"
                );
            }
            assert!(flows.marks(20041).contains_key("34"));
            assert!(flows.marks(30000).contains_key("0"));

            let capture = net.capture("other.pcap");
            Sender::start(&net, "other", "all").finish();
            capture.finish();
            let flows = net.flows("other.pcap");
            for port in [20001, 20003, 20005, 20007, 20009, 20011, 20013, 20041] {
                let marks = flows.marks(port);
                assert!(
                    marks.len() == 1 && marks.contains_key("0"),
                    "{port}: {marks:?}"
                );
            }
            let status = run(["agent", "status", "--socket", &net.file("agent.sock")]);
            assert!(status.out.contains("linux/phone/audio"), "{}", status.out);
        },
    );
}

#[test]
fn a_killed_agent_loses_no_packet_and_leaves_nothing() {
    inside("a_killed_agent_loses_no_packet_and_leaves_nothing", || {
        let Some(net) = Net::new() else { return };
        let Some(mut agent) = net.agent(&[]) else {
            return;
        };
        assert_eq!(
            programs_at(net.interface(), attach_type::TCX_EGRESS).unwrap(),
            1
        );
        let capture = net.capture("killed.pcap");
        let sender = Sender::start(&net, "phone", "stream");
        thread::sleep(Duration::from_millis(700));
        agent.kill();
        sender.finish();
        capture.finish();
        assert_eq!(
            programs_at(net.interface(), attach_type::TCX_EGRESS).unwrap(),
            0
        );
        let marks = net.flows("killed.pcap").marks(20001);
        let (marked, unmarked) = (marks["46"], marks["0"]);
        assert_eq!(marked + unmarked, traffic::STREAM, "{marks:?}");
        assert!(marked > 100 && unmarked > 100, "{marks:?}");
        // The next one takes the place of what was left: the socket's file.
        assert!(net.agent(&[]).is_some());
    });
}

#[test]
fn a_reload_under_load_loses_no_mark() {
    inside("a_reload_under_load_loses_no_mark", || {
        let Some(net) = Net::new() else { return };
        let Some(_agent) = net.agent(&[]) else { return };
        let capture = net.capture("reload.pcap");
        let sender = Sender::start(&net, "phone", "stream");
        let socket = net.file("agent.sock");
        // Another plan that says the same of this flow, and more of others.
        let more = format!(
            "{PLAN}\n[app.recorder]\non = \"linux\"\nexecutable = \"recorder\"\nvideo = {{ ports = \"30000-30099\" }}\n"
        );
        std::fs::write(net.file("more.toml"), more).unwrap();
        for round in 0..12 {
            let plan = net.file(if round % 2 == 0 {
                "more.toml"
            } else {
                "plan.toml"
            });
            let done = run(["agent", "reload", &plan, "--socket", &socket]);
            assert_eq!(done.code, Some(0), "{}", done.err);
        }
        std::fs::write(net.file("bad.toml"), "plan = 5").unwrap();
        let bad = run(["agent", "apply", &net.file("bad.toml"), "--socket", &socket]);
        assert_eq!(bad.code, Some(2), "{}", bad.err);
        sender.finish();
        capture.finish();
        let marks = net.flows("reload.pcap").marks(20001);
        assert_eq!(marks.get("46"), Some(&traffic::STREAM), "{marks:?}");
        assert_eq!(marks.len(), 1, "{marks:?}");
        let status = run(["agent", "status", "--format", "json", "--socket", &socket]);
        let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
        // Counters go on over reloads.
        assert_eq!(status["rules"][0]["packets"], traffic::STREAM, "{status}");
    });
}

#[test]
fn interfaces_that_come_later_are_marked_and_units_stand_for_executables() {
    inside(
        "interfaces_that_come_later_are_marked_and_units_stand_for_executables",
        || {
            let Some(net) = Net::new() else { return };
            let Some(_agent) = net.agent(&["--unit", "phone=perhop-test.service"]) else {
                return;
            };
            namespace::ip("link add w0 type veth peer name w1");
            let mut tries = 0..50;
            while !net.status().contains("w0") {
                assert!(tries.next().is_some(), "w0 is not followed");
                thread::sleep(Duration::from_millis(100));
            }
            namespace::ip("link del w0");
            while net.status().contains("w0") {
                assert!(tries.next().is_some(), "w0 is not let go");
                thread::sleep(Duration::from_millis(100));
            }
            let Some(group) = agent::group("perhop-test.service") else {
                return;
            };
            let capture = net.capture("unit.pcap");
            let sender = Sender::start_in(&net, "script", "stream", Some(group.path()));
            sender.finish();
            capture.finish();
            let marks = net.flows("unit.pcap").marks(20001);
            assert_eq!(marks.get("46"), Some(&traffic::STREAM), "{marks:?}");
        },
    );
}
