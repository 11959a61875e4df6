//! Throttles, queues, nftables and filters of `perhop agent`, and that nothing of them stays. In network namespaces of the
//! tests' own; where none can be made they say `skipped`.
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
#[expect(dead_code, reason = "other tests use the rest")]
mod traffic;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use agent::Net;
use binary::run;
use namespace::inside;
use traffic::{FLOOD, FLOOD_BYTES, Sender};

/// Not a test by itself: what the copies of this program run that stand for applications.
#[test]
fn sender() {
    traffic::send_when_asked();
}

const THROTTLED: &str = r#"
plan = "Throttled"

[class]
audio = { dscp = "EF" }
file-transfer = { dscp = "AF11" }

[app.phone]
on = "linux"
executable = "phone"
audio = { ports = "20000-20039" }

[app.copier]
on = "linux"
executable = "copier"
file-transfer = { ports = "8000-8009", throttle = "500 kbit/s" }
"#;

fn tc(args: &str) -> String {
    let output = Command::new("tc").args(args.split(' ')).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn nft() -> Option<String> {
    let Ok(output) = Command::new("nft").args(["list", "ruleset"]).output() else {
        println!("skipped: nft is not installed");
        return None;
    };
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Waits until something is so.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..100 {
        if is_so() {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("{what}");
}

#[test]
fn a_throttled_rule_keeps_its_rate_and_its_mark() {
    inside("a_throttled_rule_keeps_its_rate_and_its_mark", || {
        let Some(net) = Net::new() else { return };
        fs::write(net.file("plan.toml"), THROTTLED).unwrap();
        let before = tc("qdisc show dev v0");
        let Some(mut agent) = net.agent(&["--throttle"]) else {
            return;
        };
        assert!(tc("class show dev v0").contains("rate 500Kbit"));
        let capture = net.capture("throttled.pcap");
        let begin = Instant::now();
        Sender::start(&net, "copier", "flood").finish();
        let seconds = begin.elapsed().as_secs_f64();
        // What waits still arrives.
        thread::sleep(Duration::from_secs(2));
        capture.finish();
        let flows = net.flows("throttled.pcap");
        let (own, other) = (flows.marks(8001), flows.marks(7001));
        assert_eq!(other.get("0"), Some(&FLOOD), "{other:?}");
        assert_eq!(own.len(), 1, "{own:?}");
        let bytes = own["10"] as f64 * (FLOOD_BYTES + 42) as f64;
        let most = 5e5 / 8.0 * (seconds + 2.0);
        assert!(bytes < 1.5 * most, "{bytes} in {seconds} s");
        assert!(
            bytes > 5e5 / 8.0 * (seconds - 1.0).max(0.5) / 1.5,
            "{bytes} in {seconds} s"
        );
        assert!(own["10"] < FLOOD, "{own:?}");

        // Another rate without another class: what waits there stays.
        fs::write(
            net.file("plan.toml"),
            THROTTLED.replace("500 kbit/s", "3 Mbit/s"),
        )
        .unwrap();
        let socket = net.file("agent.sock");
        assert_eq!(run(["agent", "reload", "--socket", &socket]).code, Some(0));
        assert!(tc("class show dev v0").contains("rate 3Mbit"));
        assert!(
            net.status().contains("at most 3 Mbit/s"),
            "{}",
            net.status()
        );

        agent.kill();
        until("the queue of a killed agent stays", || {
            tc("qdisc show dev v0") == before
        });
        // One that ends takes it away itself.
        let Some(_agent) = net.agent(&["--throttle"]) else {
            return;
        };
        assert!(tc("qdisc show dev v0").contains("htb 7069:"));
        assert_eq!(run(["agent", "stop", "--socket", &socket]).code, Some(0));
        until("the queue of an agent that ended stays", || {
            tc("qdisc show dev v0") == before
        });
    });
}

#[test]
fn queues_of_somebody_else_are_not_replaced() {
    inside("queues_of_somebody_else_are_not_replaced", || {
        let Some(net) = Net::new() else { return };
        fs::write(net.file("plan.toml"), THROTTLED).unwrap();
        assert_eq!(
            tc("qdisc add dev v0 root handle 5: tbf rate 1gbit burst 100k latency 50ms"),
            ""
        );
        let Some(_agent) = net.agent(&["--throttle"]) else {
            return;
        };
        assert!(tc("qdisc show dev v0").contains("tbf 5:"));
        assert!(net.status().contains("at v0 (tcx)"), "{}", net.status());
    });
}

#[test]
fn audio_keeps_its_packets_beside_bulk_where_the_host_is_the_bottleneck() {
    inside(
        "audio_keeps_its_packets_beside_bulk_where_the_host_is_the_bottleneck",
        || {
            let Some(net) = Net::new() else { return };
            let Some(_agent) = net.agent(&["--queues", "v0=6mbit"]) else {
                return;
            };
            let classes = tc("class show dev v0");
            assert!(
                classes.contains("class htb 7069:10 ") && classes.contains("7069:90 "),
                "{classes}"
            );
            let capture = net.capture("queues.pcap");
            let bulk = Sender::start(&net, "other", "bulk");
            Sender::start(&net, "phone", "stream").finish();
            bulk.finish();
            capture.finish();
            let flows = net.flows("queues.pcap");
            let (audio, bulk) = (flows.marks(20001), flows.marks(30001));
            assert!(
                audio["46"] * 100 >= traffic::STREAM * 99,
                "{audio:?} {bulk:?}"
            );
            // It was a bottleneck.
            assert!(bulk["0"] * 10 < FLOOD * 3 * 9, "{audio:?} {bulk:?}");
        },
    );
}

#[test]
fn nftables_marks_by_ports_and_units_where_programs_are_not_wanted() {
    inside(
        "nftables_marks_by_ports_and_units_where_programs_are_not_wanted",
        || {
            let (Some(net), Some(before)) = (Net::new(), nft()) else {
                return;
            };
            let Some(mut agent) = net.agent(&["--without-bpf", "--interface", "v*"]) else {
                return;
            };
            let capture = net.capture("ports.pcap");
            // The loss: it is not `phone`, and is marked.
            Sender::start(&net, "other", "all").finish();
            capture.finish();
            let flows = net.flows("ports.pcap");
            for port in [20001, 20003, 20005, 20007, 20009, 20011, 20013] {
                let marks = flows.marks(port);
                assert!(
                    marks.len() == 1 && marks.contains_key("46"),
                    "{port}: {marks:?}"
                );
            }
            assert!(flows.marks(20041).contains_key("34"));
            assert!(flows.marks(30000).contains_key("0"));
            let status = net.status();
            assert!(status.contains("v0 (nftables)"), "{status}");
            let counted = status
                .lines()
                .any(|line| line.contains("phone/video") && line.contains("50"));
            assert!(counted, "{status}");
            let socket = net.file("agent.sock");
            assert_eq!(run(["agent", "reload", "--socket", &socket]).code, Some(0));
            assert!(nft().unwrap().contains("table inet perhop_agent"));
            agent.kill();
            until("the table of a killed agent stays", || {
                nft().unwrap() == before
            });

            let Some(group) = agent::group("perhop-fallback.service") else {
                return;
            };
            let Some(_agent) =
                net.agent(&["--without-bpf", "--unit", "phone=perhop-fallback.service"])
            else {
                return;
            };
            let capture = net.capture("units.pcap");
            Sender::start_in(&net, "script", "stream", Some(group.path())).finish();
            Sender::start(&net, "phone", "all").finish();
            capture.finish();
            let marks = net.flows("units.pcap").marks(20001);
            assert_eq!(marks.get("46"), Some(&traffic::STREAM), "{marks:?}");
            assert_eq!(marks.get("0"), Some(&50), "{marks:?}");
        },
    );
}

/// Runs a program as on a kernel without bpf(2): a filter (seccomp) answers that call, number 321, with ENOSYS.
#[cfg(target_arch = "x86_64")]
const WITHOUT_BPF: &str = r#"
import ctypes, os, struct, sys
code = [(0x20, 0, 0, 0), (0x15, 0, 1, 321), (0x06, 0, 0, 0x50000 | 38), (0x06, 0, 0, 0x7FFF0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
class Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
program = Program(4, ctypes.addressof(code))
libc = ctypes.CDLL(None)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(program), 0, 0):
    sys.exit("no filter")
os.execvp(sys.argv[1], sys.argv[1:])
"#;

#[cfg(target_arch = "x86_64")]
#[test]
fn a_kernel_without_programs_is_marked_by_nftables() {
    inside("a_kernel_without_programs_is_marked_by_nftables", || {
        let (Some(net), Some(before)) = (Net::new(), nft()) else {
            return;
        };
        let mut child = match Command::new("python3")
            .args(["-c", WITHOUT_BPF])
            .arg(binary::perhop().get_program())
            .args(["agent", "run", &net.file("plan.toml")])
            .args(["--interface", "v0", "--socket", &net.file("agent.sock")])
            .stderr(Stdio::piped())
            .spawn()
        {
            Ok(child) => child,
            Err(error) => {
                println!("skipped: python3: {error}");
                return;
            }
        };
        let mut told = String::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        while !told.contains("\nmarking by") {
            let more = lines.read_line(&mut told).unwrap();
            assert_ne!(more, 0, "it ended: {told}");
        }
        assert!(told.contains("this kernel has no bpf(2)"), "{told}");
        assert!(told.contains("executables are not told apart"), "{told}");
        assert!(nft().unwrap().contains("table inet perhop_agent"));
        child.kill().unwrap();
        child.wait().unwrap();
        until("the table of a killed agent stays", || {
            nft().unwrap() == before
        });
    });
}

#[test]
fn a_killed_agent_leaves_no_filter_and_stop_clears_what_nobody_else_does() {
    inside(
        "a_killed_agent_leaves_no_filter_and_stop_clears_what_nobody_else_does",
        || {
            let Some(net) = Net::new() else { return };
            let Some(mut agent) = net.agent(&["--attach", "clsact", "--queues", "v0=6mbit"]) else {
                return;
            };
            assert!(tc("filter show dev v0 egress").contains("perhop_mark"));
            agent.kill();
            until("the filter of a killed agent stays", || {
                let queues = tc("qdisc show dev v0");
                !queues.contains("clsact") && !queues.contains("htb")
            });
            let Some(mut agent) = net.agent(&["--attach", "clsact", "--queues", "v0=6mbit"]) else {
                return;
            };
            // The process that would clear up is killed too.
            let watcher = agent.watcher().unwrap().to_string();
            assert!(
                Command::new("kill")
                    .args(["-9", &watcher])
                    .status()
                    .unwrap()
                    .success()
            );
            agent.kill();
            thread::sleep(Duration::from_millis(300));
            assert!(tc("filter show dev v0 egress").contains("perhop_mark"));
            let socket = net.file("agent.sock");
            let done = run(["agent", "stop", "--socket", &socket]);
            assert_eq!(done.code, Some(0), "{}", done.err);
            assert!(
                done.err.contains("a filter at `v0`") && done.err.contains("queues at `v0`"),
                "{}",
                done.err
            );
            let queues = tc("qdisc show dev v0");
            assert!(
                !queues.contains("clsact") && !queues.contains("htb"),
                "{queues}"
            );
            // Nothing is left to clear.
            assert_eq!(run(["agent", "stop", "--socket", &socket]).code, Some(3));
        },
    );
}

#[test]
fn tcp_over_ipv6_and_a_tunnel() {
    inside("tcp_over_ipv6_and_a_tunnel", || {
        let Some(net) = Net::new() else { return };
        // A tunnel beside the cable: what is in it leaves by `x0`, and in another datagram by `v0`.
        let tunnel = Command::new("ip")
            .args("link add x0 type vxlan id 7 remote 192.0.2.2 dstport 4789 dev v0".split(' '))
            .status()
            .unwrap();
        let Some(_agent) = net.agent(&[]) else { return };
        let capture = net.capture("six.pcap");
        Sender::start(&net, "phone", "six").finish();
        capture.finish();
        let marks = net.flows("six.pcap").marks(20017);
        // The last words of a connection that has ended belong to no socket.
        assert!(marks["46"] > 3, "{marks:?}");
        assert!(marks.get("0").copied().unwrap_or(0) <= 2, "{marks:?}");
        if !tunnel.success() {
            println!("skipped in part: no vxlan here");
            return;
        }
        namespace::ip("link set x0 up");
        namespace::ip("address add 198.51.100.1/24 dev x0");
        namespace::ip("neighbour add 198.51.100.2 lladdr 02:00:00:00:00:09 dev x0 nud permanent");
        until("the tunnel is not marked at", || {
            net.status().contains("x0")
        });
        let capture = net.capture("tunnel.pcap");
        Sender::start(&net, "phone", "tunnel").finish();
        capture.finish();
        let flows = net.flows("tunnel.pcap");
        // The datagram inside is marked; the one around it has no rule, so its mark is the tunnel's to choose.
        let marks = flows.marks(20019);
        assert_eq!(marks.get("46"), Some(&50), "{marks:?}");
    });
}
