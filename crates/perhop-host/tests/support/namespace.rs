//! A test in a network namespace of its own: it runs itself again inside, and the namespace goes when it ends.

use std::ffi::OsStr;
use std::process::{Command, Output};

/// Set for the process inside.
const INSIDE: &str = "PERHOP_TEST_INSIDE";

/// Runs `test` in a new network namespace; `name` is the name of the calling test. Prints why when that cannot be done.
pub(crate) fn inside(name: &str, test: fn()) {
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let ways: [&[&str]; 2] = [&["--net"], &["--user", "--map-root-user", "--net"]];
    let way = ways.into_iter().find(|way| {
        let mut command = Command::new("unshare");
        command.args(*way).args(["ip", "link", "set", "lo", "up"]);
        command.output().is_ok_and(|output| output.status.success())
    });
    let Some(way) = way else {
        println!("skipped: a network namespace needs root, `unshare` and `ip`");
        return;
    };
    let program = std::env::current_exe().expect("the path of the test");
    let output = Command::new("unshare")
        .args(way)
        .arg(program)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .output()
        .expect("unshare just ran");
    println!("{}", String::from_utf8_lossy(&output.stdout));
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "inside: {}", output.status);
}

/// Runs `ip` with these arguments, in one string.
pub(crate) fn ip(args: &str) {
    let output = run("ip", args.split(' '));
    assert!(output.status.success(), "ip {args}: {output:?}");
}

/// A veth pair `v0`, `v1`. What is sent to 192.0.2.2 or 2001:db8::2 leaves at `v0` and arrives at `v1`, whose it is not.
pub(crate) fn veth() {
    ip("link set lo up");
    ip("link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02");
    for end in ["v0", "v1"] {
        ip(&format!("link set {end} addrgenmode none"));
        ip(&format!("link set {end} up"));
    }
    ip("address add 192.0.2.1/24 dev v0");
    ip("address add 2001:db8::1/64 dev v0 nodad");
    for address in ["192.0.2.2", "2001:db8::2"] {
        ip(&format!(
            "neighbour add {address} lladdr 02:00:00:00:00:02 dev v0 nud permanent"
        ));
    }
}

fn run(program: &str, args: impl Iterator<Item = impl AsRef<OsStr>>) -> Output {
    Command::new(program)
        .args(args)
        .output()
        .expect("it was there a moment ago")
}
