//! `flows` and `verify` on interfaces and on folders that are being written, in network namespaces of the tests' own.
//! Where none can be made they say `skipped`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot run must fail")]

#[path = "../../perhop-host/tests/support/namespace.rs"]
mod namespace;
#[path = "support/schema.rs"]
mod schema;
#[path = "support/binary.rs"]
mod support;

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use namespace::{inside, veth};
use rustix::net::sockopt;
use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde_json::Value;
use support::{PLAN, Run, file, folder, perhop, run};

/// A program that runs until it is told to end.
struct Running {
    child: Child,
    heard: String,
    rest: Option<BufReader<ChildStderr>>,
    _ended: mpsc::Sender<()>,
}

/// How long a program of a test may run.
const PATIENCE: Duration = Duration::from_secs(120);

impl Running {
    /// Starts it and waits until it says that it listens.
    fn start(command: &mut Command, listens: &str) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let rest = BufReader::new(child.stderr.take().unwrap());
        let id = Pid::from_child(&child);
        let (ended, end) = mpsc::channel::<()>();
        // A test that waits for ever says nothing of why.
        thread::spawn(move || {
            if end.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                eprintln!("a program of the test did not end within {PATIENCE:?}");
                let _ = kill_process(id, Signal::KILL);
            }
        });
        let mut running = Self {
            child,
            heard: String::new(),
            rest: Some(rest),
            _ended: ended,
        };
        running.hears(listens);
        running
    }

    /// Waits until it has said this.
    fn hears(&mut self, what: &str) {
        let rest = self.rest.as_mut().unwrap();
        while !self.heard.contains(what) {
            let more = rest.read_line(&mut self.heard).unwrap();
            assert_ne!(more, 0, "it ended: {}", self.heard);
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// What it gave, once it has ended by itself.
    fn end(mut self) -> Run {
        let mut rest = self.rest.take().unwrap();
        let err: JoinHandle<String> = thread::spawn(move || {
            let mut text = String::new();
            rest.read_to_string(&mut text).unwrap();
            text
        });
        let mut out = String::new();
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
        Run {
            code: self.child.wait().unwrap().code(),
            out,
            err: std::mem::take(&mut self.heard) + &err.join().unwrap(),
        }
    }

    /// What it gives after Ctrl-C.
    fn interrupt(self) -> Run {
        self.signal(Signal::INT);
        self.end()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn live<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Running {
    Running::start(perhop().args(args), "capturing from")
}

/// Checks a report against its schema.
fn holds(name: &str, report: &Value) {
    let path = support::project("docs/schema").join(format!("{name}.json"));
    let faults = schema::faults(&json(&fs::read_to_string(path).unwrap()), report);
    assert!(faults.is_empty(), "{faults:#?}");
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Sends RTP with a mark; of every hundred packets the last two are not sent.
fn call(from: &str, to: &str, dscp: u8, count: u16) {
    let socket = UdpSocket::bind(from).unwrap();
    if from.starts_with('[') {
        sockopt::set_ipv6_tclass(&socket, u32::from(dscp) << 2).unwrap();
    } else {
        sockopt::set_ip_tos(&socket, dscp << 2).unwrap();
    }
    for number in (0..count).filter(|number| number % 100 < 98) {
        let mut packet = vec![0x80, 0];
        packet.extend(number.to_be_bytes());
        packet.extend((u32::from(number) * 160).to_be_bytes());
        packet.extend(u32::from(dscp + 1).to_be_bytes());
        packet.resize(172, 0xd5);
        socket.send_to(&packet, to).unwrap();
        thread::sleep(Duration::from_micros(500));
    }
}

fn calls() {
    call("192.0.2.1:20000", "192.0.2.2:50000", 46, 300);
    call("192.0.2.1:20002", "192.0.2.2:50002", 0, 300);
    call("[2001:db8::1]:20040", "[2001:db8::2]:58000", 34, 300);
}

/// Flows of our calls, without their times.
fn told(report: &Value) -> Vec<(u64, u64, u64, String)> {
    let flows = report["flows"].as_array().unwrap();
    let mut told: Vec<_> = flows
        .iter()
        .filter(|flow| flow["rtp"] != serde_json::json!([]))
        .map(|flow| {
            let rtp = &flow["rtp"][0];
            (
                flow["src_port"].as_u64().unwrap(),
                flow["packets"].as_u64().unwrap(),
                rtp["lost"].as_u64().unwrap(),
                flow["dscp"].to_string(),
            )
        })
        .collect();
    told.sort();
    told
}

fn expected() -> Vec<(u64, u64, u64, String)> {
    // What is not sent at the end is not missed.
    [(20000, "46"), (20002, "0"), (20040, "34")]
        .map(|(port, dscp)| (port, 294, 4, format!("{{\"{dscp}\":294}}")))
        .to_vec()
}

#[test]
fn flows_of_an_interface_are_those_that_were_sent() {
    inside("flows_of_an_interface_are_those_that_were_sent", || {
        veth();
        let temp = folder();
        let path = temp.path().join("same.pcap");
        let other = tcpdump(&["-i", "v1", "-U"], &path);
        let run = live(["flows", "--live", "v1", "--format", "json"]);
        calls();
        // Nothing is waited for: what passed before the signal is in the report.
        let run = run
            .interrupt()
            .exits(0)
            .complains("capturing from `v1` until Ctrl-C");
        let report = json(&run.out);
        holds("flows", &report);
        assert_eq!(told(&report), expected());
        assert_eq!(report["captures"][0]["file"], "<v1>");
        assert_eq!(report["totals"]["dropped"], 0);
        assert_eq!(
            report["captures"][0]["packets"],
            report["totals"]["packets"]
        );
        // A capture of the same packets by another program gives the same flows.
        let Some(other) = other else { return };
        wait_for(&path, 3 * 294 * (16 + 14 + 28 + 172));
        other.interrupt();
        let read =
            support::run(["flows", &path.display().to_string(), "--format", "json"]).exits(0);
        assert_eq!(told(&json(&read.out)), expected());
    });
}

#[test]
fn an_interface_is_held_against_a_plan_for_as_long_as_was_said() {
    inside(
        "an_interface_is_held_against_a_plan_for_as_long_as_was_said",
        || {
            veth();
            let temp = folder();
            let plan = file(&temp, "plan.toml", PLAN).display().to_string();
            let page = temp.path().join("report.html");
            let began = Instant::now();
            let run = live([
                "verify",
                &plan,
                "--live",
                "v1",
                "--duration",
                "4s",
                "--html",
                &page.display().to_string(),
            ]);
            call("192.0.2.1:20000", "192.0.2.2:50000", 46, 200);
            call("192.0.2.1:20002", "192.0.2.2:50002", 0, 200);
            let run = run
                .end()
                .exits(1)
                .says("not as planned")
                .says("error[verify/unmarked]")
                .says("<v1>")
                .complains("for 4 s, or until Ctrl-C");
            let took = began.elapsed();
            assert!(took >= Duration::from_secs(4), "{took:?}");
            assert!(!run.err.contains("could not be captured"), "{}", run.err);
            let page = fs::read_to_string(page).unwrap();
            assert!(page.contains("&lt;v1&gt;") && !page.contains("is not complete"));
        },
    );
}

/// A terminal sees how it goes, with the flows so far; the report replaces that line.
#[test]
fn a_terminal_sees_how_it_goes() {
    inside("a_terminal_sees_how_it_goes", || {
        if Command::new("script").arg("--version").output().is_err() {
            println!("skipped: no `script` to make a terminal with");
            return;
        }
        veth();
        let line = format!(
            "'{}' flows --live v1 --duration 3s",
            env!("CARGO_BIN_EXE_perhop")
        );
        let mut command = Command::new("script");
        command
            .args(["-qec", &line, "/dev/null"])
            .env("TERM", "xterm");
        let watched = thread::spawn(move || support::finish(&mut command));
        // However long it takes to begin, there is something to see.
        while !watched.is_finished() {
            call("192.0.2.1:20000", "192.0.2.2:50000", 46, 50);
        }
        let run = watched.join().unwrap().exits(0);
        let lines: Vec<&str> = run.out.split('\r').collect();
        // The kernel may say something too, so there may be more flows than the call's.
        let now = |line: &&&str| {
            line.contains("/s  ")
                && line.contains(" 0 dropped  46 (EF) ")
                && !line.contains("  0 flows")
        };
        assert!(lines.iter().find(now).is_some(), "{lines:?}");
        let report = run.out.find("RTP stream").unwrap();
        assert!(run.out.rfind("\r\u{1b}[K").unwrap() < report);
        assert!(!run.out[report..].contains("dropped"));
    });
}

#[test]
fn what_could_not_be_captured_is_told_everywhere() {
    inside("what_could_not_be_captured_is_told_everywhere", || {
        veth();
        let temp = folder();
        let plan = file(&temp, "plan.toml", PLAN).display().to_string();
        let page = temp.path().join("report.html").display().to_string();
        let runs = [
            live(["flows", "--live", "v1"]),
            live(["flows", "--live", "v1", "--format", "json"]),
            live(["verify", &plan, "--live", "v1", "--html", &page]),
            live(["verify", &plan, "--live", "v1", "--format", "json"]),
        ];
        // They sleep while more passes than the ring holds.
        runs.iter().for_each(|run| run.signal(Signal::STOP));
        let socket = UdpSocket::bind("192.0.2.1:20000").unwrap();
        for _ in 0..30_000 {
            socket.send_to(&[0; 1400], "192.0.2.2:50000").unwrap();
        }
        runs.iter().for_each(|run| run.signal(Signal::CONT));
        let told = "packets passed and could not be captured";
        let [flows, flows_json, verify, verify_json] = runs.map(Running::interrupt);
        flows.exits(0).says(told).complains(told);
        verify.complains(told).says("not captured");
        let page = fs::read_to_string(page).unwrap();
        assert!(page.contains("is not complete") && page.contains(told));
        for (name, run) in [("flows", flows_json), ("verify", verify_json)] {
            let report = json(&run.out);
            holds(name, &report);
            let dropped = report["totals"]["dropped"].as_u64().unwrap();
            assert_eq!(report["captures"][0]["dropped"], dropped);
            let packets = report["totals"]["packets"].as_u64().unwrap();
            assert!(dropped > 1000 && packets > 1000 && dropped + packets >= 30_000);
        }
    });
}

#[test]
fn an_interface_that_goes_ends_the_capture_with_a_report() {
    inside(
        "an_interface_that_goes_ends_the_capture_with_a_report",
        || {
            veth();
            let run = live(["flows", "--live", "v1", "--format", "json"]);
            call("192.0.2.1:20000", "192.0.2.2:50000", 46, 50);
            namespace::ip("link del v1");
            let run = run.end().exits(3).complains("the interface was removed");
            assert_eq!(told(&json(&run.out)).len(), 1);
        },
    );
}

/// The kernel reports only the first of the two.
#[test]
fn an_interface_that_is_down_when_it_goes_ends_the_capture_too() {
    inside(
        "an_interface_that_is_down_when_it_goes_ends_the_capture_too",
        || {
            veth();
            let mut run = live(["flows", "--live", "v1", "--format", "json"]);
            call("192.0.2.1:20000", "192.0.2.2:50000", 46, 50);
            namespace::ip("link set v1 down");
            run.hears("went down");
            namespace::ip("link del v1");
            let run = run.end().exits(3).complains("the interface was removed");
            assert_eq!(told(&json(&run.out)).len(), 1);
        },
    );
}

#[test]
fn an_interface_that_comes_back_is_captured_from_again() {
    inside(
        "an_interface_that_comes_back_is_captured_from_again",
        || {
            veth();
            let mut run = live(["flows", "--live", "v1", "--format", "json"]);
            namespace::ip("link set v1 down");
            run.hears("went down");
            namespace::ip("link set v1 up");
            call("192.0.2.1:20000", "192.0.2.2:50000", 46, 50);
            let run = run.interrupt().exits(0);
            assert_eq!(told(&json(&run.out)).len(), 1);
        },
    );
}

#[test]
fn a_ring_that_is_being_written_is_followed() {
    inside("a_ring_that_is_being_written_is_followed", || {
        veth();
        for program in ["dumpcap", "tcpdump"] {
            let temp = folder();
            let ring = temp.path().display().to_string();
            let path = temp.path().join("ring.pcap");
            let writer = match program {
                "dumpcap" => dumpcap(&["-i", "v1", "-b", "filesize:64", "-b", "files:50"], &path),
                _ => tcpdump(&["-i", "v1", "-U", "-C", "1", "-W", "9"], &path),
            };
            let Some(writer) = writer else { continue };
            let args = ["flows", &ring, "--follow", "--format", "json"];
            let reader = Running::start(perhop().args(args), "following");
            let socket = UdpSocket::bind("192.0.2.1:20000").unwrap();
            for number in 0..2000u16 {
                let mut packet = vec![0x80, 0];
                packet.extend(number.to_be_bytes());
                packet.extend((u32::from(number) * 160).to_be_bytes());
                packet.extend([0, 0, 0, 1]);
                packet.resize(1200, 0);
                socket.send_to(&packet, "192.0.2.2:50000").unwrap();
                thread::sleep(Duration::from_micros(300));
            }
            thread::sleep(Duration::from_millis(1500));
            writer.interrupt();
            thread::sleep(Duration::from_millis(500));
            let followed = json(&reader.interrupt().exits(0).out);
            // The same, read afterwards.
            let read = json(&run(["flows", &ring, "--format", "json"]).exits(0).out);
            for report in [&followed, &read] {
                let flow = &report["flows"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .find(|flow| flow["src_port"] == 20000)
                    .unwrap();
                assert_eq!(flow["packets"], 2000, "{program}");
                assert_eq!(flow["rtp"][0]["lost"], 0, "{program}");
                let files = report["captures"].as_array().unwrap();
                assert!(files.len() >= 3, "{program}: {files:?}");
                // The last may have been begun and got no packet any more.
                let begins: Vec<f64> = files
                    .iter()
                    .filter_map(|file| file["first"].as_f64())
                    .collect();
                assert!(begins.is_sorted(), "{program}: {begins:?}");
            }
            assert_eq!(told(&followed), told(&read), "{program}");
        }
    });
}

/// A capture program that writes to `path`; `None`, and why, when there is none.
fn tcpdump(args: &[&str], path: &Path) -> Option<Running> {
    writer(
        "tcpdump",
        &[args, &["-Z", "root"]].concat(),
        path,
        "listening on",
    )
}

fn dumpcap(args: &[&str], path: &Path) -> Option<Running> {
    writer("dumpcap", args, path, "File:")
}

fn writer(program: &str, args: &[&str], path: &Path, listens: &str) -> Option<Running> {
    if !geteuid().is_root() || Command::new(program).arg("--version").output().is_err() {
        println!("skipped in part: no {program}, or no right to run it");
        return None;
    }
    Some(Running::start(
        Command::new(program).args(args).arg("-w").arg(path),
        listens,
    ))
}

/// Waits until a file has at least so many bytes.
fn wait_for(path: &Path, bytes: u64) {
    let until = Instant::now() + Duration::from_secs(10);
    while fs::metadata(path).map_or(0, |meta| meta.len()) < bytes && Instant::now() < until {
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn without_the_right_to_capture_it_says_what_is_missing_and_how_to_get_it() {
    let binary = env!("CARGO_BIN_EXE_perhop");
    let mut command = if geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set=-net_raw", "--inh-caps=-net_raw", binary]);
        command
    } else {
        perhop()
    };
    command.args(["flows", "--live", "lo"]);
    if command.get_program() == "setpriv" && Command::new("setpriv").arg("--help").output().is_err()
    {
        println!("skipped: no `setpriv` to take the right away from root with");
        return;
    }
    support::finish(&mut command)
        .exits(3)
        .complains("cannot capture from `lo`: capturing needs the capability CAP_NET_RAW")
        .complains("= help: ")
        .complains("sudo setcap cap_net_raw+ep ");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let temp = folder();
    let path = temp.path().display().to_string();
    run(["flows", "--live", "no-such-if0"])
        .exits(2)
        .complains("there is no interface `no-such-if0`")
        .complains("these exist: `lo`");
    run(["flows", "--live", "lo", "call.pcap"])
        .exits(2)
        .complains("cannot be used with");
    run(["flows", "call.pcap", "--duration", "3s"])
        .exits(2)
        .complains("--live");
    run(["flows", "--live", "lo", "--duration", "soon"])
        .exits(2)
        .complains("90s, 10m or 1h");
    run(["flows", "--follow", &path, &path])
        .exits(2)
        .complains("one folder or one file");
    run(["flows", "--follow", "-"])
        .exits(2)
        .complains("a pipe needs no `--follow`");
    run(["flows", "--follow", "no-such-folder"])
        .exits(3)
        .complains("cannot follow `no-such-folder`");
    run(["flows"]).exits(2).complains("<CAPTURE>");
}
