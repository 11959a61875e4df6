//! Two hosts with a cable, an agent on one of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::binary::{perhop, run};
use crate::namespace::ip;

pub(crate) const PLAN: &str = r#"
plan = "Test"

[class]
audio = { dscp = "EF" }
video = { dscp = "AF41" }

[app.phone]
on = "linux"
executable = "phone"
audio = { ports = "20000-20039" }
video = { ports = "20040-20079" }
"#;

/// This host with `v0` (192.0.2.1, 2001:db8::1), and a peer with `v1` (.2, ::2).
pub(crate) struct Net {
    folder: TempDir,
    peer: Child,
}

impl Net {
    /// `None`, and says why, when something is missing.
    pub(crate) fn new() -> Option<Self> {
        if Command::new("tcpdump").arg("--version").output().is_err() {
            println!("skipped: tcpdump is not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("plan.toml"), PLAN).unwrap();
        let peer = Command::new("unshare")
            .args(["--net", "sleep", "300"])
            .spawn()
            .unwrap();
        let net = Self { folder, peer };
        // Until it is in a namespace of its own, the cable would come back to this one.
        let own = fs::read_link("/proc/self/ns/net").unwrap();
        let theirs = format!("/proc/{}/ns/net", net.peer.id());
        while fs::read_link(&theirs).unwrap() == own {
            thread::sleep(Duration::from_millis(10));
        }
        ip("link add v0 type veth peer name v1");
        ip(&format!("link set v1 netns {}", net.peer.id()));
        for args in [
            "link set lo up",
            "link set v1 up",
            "address add 192.0.2.2/24 dev v1",
            "address add 2001:db8::2/64 dev v1 nodad",
        ] {
            let done = net.at_peer("ip").args(args.split(' ')).status().unwrap();
            assert!(done.success(), "{args}");
        }
        ip("link set lo up");
        ip("link set v0 up");
        ip("address add 192.0.2.1/24 dev v0");
        ip("address add 2001:db8::1/64 dev v0 nodad");
        thread::sleep(Duration::from_millis(300));
        Some(net)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.path().join(name).to_str().unwrap().to_owned()
    }

    /// A command that runs on the other host.
    pub(crate) fn at_peer(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.peer.id()));
        command.arg(program);
        command
    }

    pub(crate) fn interface(&self) -> u32 {
        let text = fs::read_to_string("/sys/class/net/v0/ifindex").or_else(|_| {
            // Where /sys is another namespace's, `ip` knows.
            let output = Command::new("ip")
                .args(["-o", "link", "show", "v0"])
                .output()?;
            Ok::<_, std::io::Error>(String::from_utf8_lossy(&output.stdout).into_owned())
        });
        let text = text.unwrap();
        text.trim().split(':').next().unwrap().parse().unwrap()
    }

    /// Begins an agent at `v0` and whatever else comes; `None`, and says why, when this kernel or process may not.
    pub(crate) fn agent(&self, more: &[&str]) -> Option<Agent> {
        let mut child = perhop()
            .args(["agent", "run", &self.file("plan.toml"), "--socket"])
            .arg(self.file("agent.sock"))
            .args(more)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = String::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        for line in &mut lines {
            let line = line.unwrap();
            if line.starts_with("marking by") {
                thread::spawn(move || {
                    for line in lines.map_while(Result::ok) {
                        println!("agent: {line}");
                    }
                });
                return Some(Agent(child));
            }
            told += &line;
            told.push('\n');
        }
        child.wait().unwrap();
        assert!(
            ["needs the", "this kernel has no", "no control group"]
                .iter()
                .any(|why| told.contains(why)),
            "{told}"
        );
        println!("skipped: {told}");
        None
    }

    pub(crate) fn status(&self) -> String {
        run(["agent", "status", "--socket", &self.file("agent.sock")]).out
    }

    /// Captures at the far end.
    pub(crate) fn capture(&self, name: &str) -> Capture {
        let path = self.path().join(name);
        let mut child = self
            .at_peer("tcpdump")
            .args([
                "-i",
                "v1",
                "-Z",
                "root",
                "-U",
                "--immediate-mode",
                "-B",
                "8192",
                "-w",
            ])
            .arg(&path)
            .arg("-Q")
            .arg("in")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("listening")));
        assert!(first.is_some());
        Capture { child, path }
    }

    pub(crate) fn flows(&self, name: &str) -> Flows {
        let found = run(["flows", &self.file(name), "--format", "json"]);
        assert_eq!(found.code, Some(0), "{}", found.err);
        Flows(serde_json::from_str(&found.out).unwrap())
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        let _ = self.peer.kill();
        let _ = self.peer.wait();
    }
}

pub(crate) struct Agent(Child);

impl Agent {
    /// The process beside it, which clears up after it.
    pub(crate) fn watcher(&self) -> Option<u32> {
        let own = self.0.id().to_string();
        let mut all = fs::read_dir("/proc").unwrap().flatten();
        all.find_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let status = fs::read_to_string(entry.path().join("stat")).ok()?;
            // After the name in brackets: state, parent.
            let parent = status.rsplit_once(')')?.1.split_whitespace().nth(1)?;
            (parent == own).then_some(pid)
        })
    }

    /// As SIGKILL ends it.
    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) struct Capture {
    child: Child,
    path: PathBuf,
}

impl Capture {
    /// Ends it; its path.
    pub(crate) fn finish(mut self) -> String {
        thread::sleep(Duration::from_millis(500));
        let pid = self.child.id().to_string();
        let done = Command::new("kill").args(["-INT", &pid]).status().unwrap();
        assert!(done.success());
        self.child.wait().unwrap();
        self.path.to_str().unwrap().to_owned()
    }
}

pub(crate) struct Flows(serde_json::Value);

impl Flows {
    /// Packets by DSCP of what was sent from a port.
    pub(crate) fn marks(&self, port: u16) -> BTreeMap<String, u64> {
        let mut out = BTreeMap::new();
        for flow in self.0["flows"].as_array().unwrap() {
            if flow["src_port"] == port {
                for (dscp, count) in flow["dscp"].as_object().unwrap() {
                    *out.entry(dscp.clone()).or_default() += count.as_u64().unwrap();
                }
            }
        }
        out
    }
}

/// A control group of version 2, gone when this is dropped.
pub(crate) struct Group(PathBuf);

impl Group {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// Makes a control group; `None`, and says why, when that cannot be done.
pub(crate) fn group(name: &str) -> Option<Group> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let root = mounts.lines().find_map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        (words.get(2) == Some(&"cgroup2")).then(|| PathBuf::from(words[1]))
    });
    let path = root.unwrap_or_default().join(name);
    match fs::create_dir(&path) {
        Ok(()) => Some(Group(path)),
        Err(error) => {
            println!("skipped: no control group can be made: {error}");
            None
        }
    }
}
