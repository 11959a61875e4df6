//! Applications: copies of the test program under another name, told by the environment what to send.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::agent::Net;

const TASK: &str = "PERHOP_TEST_TASK";
/// Datagrams of the task `stream`.
pub(crate) const STREAM: u64 = 1500;
/// Datagrams of each stream of the task `flood`.
pub(crate) const FLOOD: u64 = 1300;
/// Bytes of each.
pub(crate) const FLOOD_BYTES: usize = 1200;

pub(crate) struct Sender {
    child: Child,
    stdin: ChildStdin,
}

impl Sender {
    /// Starts an application named `name` with a task.
    pub(crate) fn start(net: &Net, name: &str, task: &str) -> Self {
        Self::start_in(net, name, task, None)
    }

    /// Starts it in a control group. It waits until it is there.
    pub(crate) fn start_in(net: &Net, name: &str, task: &str, group: Option<&Path>) -> Self {
        let path = net.path().join(name);
        if !path.exists() {
            fs::copy(std::env::current_exe().unwrap(), &path).unwrap();
        }
        if task == "all" {
            serve(net, &path, "peer");
        }
        let mut child = Command::new(&path)
            .args(["--exact", "sender", "--nocapture"])
            .env(TASK, task)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        if let Some(group) = group {
            fs::write(group.join("cgroup.procs"), child.id().to_string()).unwrap();
        }
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"begin\n").unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.any(|line| line.is_ok_and(|line| line.contains("ready")));
        assert!(ready);
        thread::spawn(move || lines.for_each(drop));
        if task == "six" {
            serve(net, &path, "peer-six");
        }
        Self { child, stdin }
    }

    /// Lets a task that waits go on, and waits for its end.
    pub(crate) fn go(mut self) {
        self.stdin.write_all(b"go\n").unwrap();
        self.finish();
    }

    pub(crate) fn finish(mut self) {
        drop(self.stdin);
        assert!(self.child.wait().unwrap().success());
    }
}

/// The other end of TCP: takes a connection at port 5011 and reads it to its end, then connects to 20013 and reads that.
fn serve(net: &Net, path: &Path, task: &str) {
    let mut child = net
        .at_peer(path.to_str().unwrap())
        .args(["--exact", "sender", "--nocapture"])
        .env(TASK, task)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"begin\n").unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line.contains("ready"))));
    thread::spawn(move || {
        lines.for_each(drop);
        let _ = child.wait();
    });
}

/// In a copy, does its task.
pub(crate) fn send_when_asked() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    match task.as_str() {
        "early" => {
            let socket = UdpSocket::bind("192.0.2.1:20015").unwrap();
            println!("\nready");
            std::io::stdin().read_line(&mut line).unwrap();
            burst(&socket, "192.0.2.2:5015", 50);
        }
        "stream" => {
            let socket = UdpSocket::bind("192.0.2.1:20001").unwrap();
            println!("\nready");
            for _ in 0..STREAM {
                socket.send_to(&[1; 160], "192.0.2.2:5004").unwrap();
                thread::sleep(Duration::from_micros(900));
            }
        }
        "flood" => flood(),
        "bulk" => {
            let socket = UdpSocket::bind("192.0.2.1:30001").unwrap();
            println!("\nready");
            paced(&[&socket], FLOOD * 3, Duration::from_micros(700));
        }
        "tunnel" => {
            let socket = UdpSocket::bind("198.51.100.1:20019").unwrap();
            println!("\nready");
            burst(&socket, "198.51.100.2:5019", 50);
        }
        "six" => {
            let listener = TcpListener::bind("[2001:db8::1]:20017").unwrap();
            println!("\nready");
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(&[6; 20_000]).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        }
        "peer-six" => {
            println!("\nready");
            let mut stream = TcpStream::connect("[2001:db8::1]:20017").unwrap();
            stream.read_exact(&mut vec![0; 20_000]).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        }
        "peer" => peer(),
        _ => all(),
    }
}

/// Two streams of some 4 Mbit/s each, from a port of the class `file-transfer` and from one of none.
fn flood() {
    let (own, other) = (
        UdpSocket::bind("192.0.2.1:8001").unwrap(),
        UdpSocket::bind("192.0.2.1:7001").unwrap(),
    );
    println!("\nready");
    paced(&[&own, &other], FLOOD, Duration::from_micros(2300));
}

fn paced(sockets: &[&UdpSocket], count: u64, pause: Duration) {
    for _ in 0..count {
        for socket in sockets {
            // A full queue of this host is a loss like any other.
            let _ = socket.send_to(&[2; FLOOD_BYTES], "192.0.2.2:5020");
        }
        thread::sleep(pause);
    }
}

fn burst(socket: &UdpSocket, to: &str, count: usize) {
    for _ in 0..count {
        socket.send_to(&[7; 160], to).unwrap();
        thread::sleep(Duration::from_micros(200));
    }
}

fn peer() {
    let listener = TcpListener::bind("192.0.2.2:5011").unwrap();
    println!("\nready");
    let (mut stream, _) = listener.accept().unwrap();
    // This side ends first, so that the last word of the other is said by a live socket.
    let mut some = vec![0; 20_000];
    stream.read_exact(&mut some).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let _ = stream.read_to_end(&mut some);
    let to: SocketAddr = "192.0.2.1:20013".parse().unwrap();
    let mut stream = loop {
        match TcpStream::connect(to) {
            Ok(stream) => break stream,
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    };
    let mut some = vec![0; 20_000];
    stream.read_exact(&mut some).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let _ = stream.read_to_end(&mut some);
}

fn all() {
    println!("\nready");
    let bind = |at: &str| UdpSocket::bind(at).unwrap();
    burst(&bind("0.0.0.0:20001"), "192.0.2.2:5001", 50);
    let connected = bind("192.0.2.1:20003");
    connected.connect("192.0.2.2:5003").unwrap();
    for _ in 0..50 {
        // The far end says that nobody is there, which a connected socket hears.
        let _ = connected.send(&[3; 160]);
    }
    burst(&bind("[::]:20005"), "[2001:db8::2]:5005", 50);
    burst(&bind("[::]:20007"), "[::ffff:192.0.2.2]:5007", 50);
    let long = bind("0.0.0.0:20009");
    for _ in 0..20 {
        long.send_to(&[9; 4000], "192.0.2.2:5009").unwrap();
        thread::sleep(Duration::from_millis(1));
    }
    burst(&bind("0.0.0.0:20041"), "192.0.2.2:5041", 50);
    burst(&bind("0.0.0.0:30000"), "192.0.2.2:5042", 50);
    tcp();
}

fn tcp() {
    let listener = TcpListener::bind("192.0.2.1:20013").unwrap();
    let mut stream = connect_from(20011);
    stream.write_all(&[5; 20_000]).unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    drop(stream);
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(&[6; 20_000]).unwrap();
    stream.read_to_end(&mut rest).unwrap();
}

/// The standard library does not bind before it connects; the range of ports that the kernel chooses from does it.
fn connect_from(port: u16) -> TcpStream {
    let range = "/proc/sys/net/ipv4/ip_local_port_range";
    let before = fs::read_to_string(range).unwrap();
    fs::write(range, format!("{port} {port}")).unwrap();
    let stream = TcpStream::connect("192.0.2.2:5011").unwrap();
    fs::write(range, before).unwrap();
    stream
}
