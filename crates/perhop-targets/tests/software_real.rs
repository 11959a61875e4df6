//! The golden files of media software taken by the software itself, in network namespaces that the tests make: the ports
//! it takes and the marks that arrive. Skipped, and saying so, where it is not installed or there is no root.

mod support;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use support::cases;

/// Runs a script in a network namespace of its own with the loopback up, in a folder that is removed after it; `None` and
/// a word where that cannot be. `$G` is the folder of a case.
fn run(tools: &[&str], case: &str, script: &str) -> Option<String> {
    run_in(&["-n"], tools, case, script)
}

/// The same in these new namespaces.
fn run_in(namespaces: &[&str], tools: &[&str], case: &str, script: &str) -> Option<String> {
    for tool in tools.iter().chain(&["unshare", "ip", "python3", "timeout"]) {
        let found = Command::new("sh")
            .args(["-c", "command -v \"$0\"", tool])
            .stdout(Stdio::null())
            .status();
        if !found.is_ok_and(|status| status.success()) {
            println!("skipped: there is no {tool}");
            return None;
        }
    }
    let probe = Command::new("unshare")
        .args(namespaces)
        .arg("true")
        .stderr(Stdio::null())
        .status();
    if !probe.is_ok_and(|status| status.success()) {
        println!("skipped: no right to make namespaces");
        return None;
    }
    let script = format!(
        "set -eu\nw=$(mktemp -d)\ntrap 'rm -rf \"$w\"' EXIT\nchmod 755 \"$w\"\ncd \"$w\"\nexport HOME=\"$w\"\nip link set lo up\n{script}"
    );
    let output = Command::new("timeout")
        .args(["100", "unshare"])
        .args(namespaces)
        .args(["sh", "-c", &script])
        .env("G", folder(case))
        .output()
        .expect("timeout ran before");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    Some(text)
}

fn folder(name: &str) -> PathBuf {
    let case = cases().into_iter().find(|case| case.name == name);
    case.expect("the case is there").folder
}

#[test]
fn kamailio_checks_it_and_marks_its_answers() {
    let script = r#"
cat > kam.cfg <<EOF
#!KAMAILIO
log_stderror=yes
children=1
disable_tcp=yes
listen=udp:127.0.0.1:5999
import_file "$G/kamailio/proxy/perhop.cfg"
loadmodule "sl.so"
request_route { sl_send_reply("200","OK"); }
EOF
kamailio -c -f kam.cfg >/dev/null 2>&1
kamailio -DD -E -f kam.cfg >log 2>&1 & k=$!
cat > ask.py <<'EOF'
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0)); s.setsockopt(0, 13, 1); s.settimeout(1)
m = "OPTIONS sip:127.0.0.1:5999 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n" \
    "To: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 5\r\nContent-Length: 0\r\n\r\n" % s.getsockname()[1]
for _ in range(60):
    try:
        s.sendto(m.encode(), ("127.0.0.1", 5999)); d, a, _, _ = s.recvmsg(2000, 100)
        if a: print("octet", a[0][2][0]); break
    except OSError: time.sleep(.2)
EOF
python3 ask.py
kill $k; wait $k || true
"#;
    if let Some(text) = run(&["kamailio"], "media", script) {
        // CS3.
        assert_eq!(text, "octet 96\n");
    }
}

#[test]
fn rtpengine_gives_ports_of_the_range_and_marks_what_it_relays() {
    let script = r#"
rtpengine --config-file="$G/rtpengine/rtp-proxy/rtpengine.conf" --foreground --log-stderr --table=-1 \
    --interface=127.0.0.1 --listen-ng=127.0.0.1:2223 >log 2>&1 & k=$!
cat > ask.py <<'EOF'
import socket, time
def ben(x):
    if isinstance(x, str): return b"%d:%s" % (len(x), x.encode())
    return b"d" + b"".join(ben(k) + ben(v) for k, v in x.items()) + b"e"
c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); c.settimeout(1)
def ng(d, i):
    for _ in range(60):
        try:
            c.sendto(b"%d " % i + ben(d), ("127.0.0.1", 2223)); return c.recv(9000).decode()
        except OSError: time.sleep(.2)
def sock():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0)); s.setsockopt(0, 13, 1); s.settimeout(1); return s
a, b = sock(), sock()
def sdp(s):
    return "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\n" % s.getsockname()[1]
def port(r): return int(r.split("m=audio ")[1].split()[0])
print(port(ng({"command": "offer", "call-id": "x", "from-tag": "a", "sdp": sdp(a)}, 1)))
to = port(ng({"command": "answer", "call-id": "x", "from-tag": "a", "to-tag": "b", "sdp": sdp(b)}, 2))
print(to)
rtp = bytes([0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4]) + b"\xff" * 160
for _ in range(20):
    a.sendto(rtp, ("127.0.0.1", to))
    try:
        d, x, _, _ = b.recvmsg(2000, 100); print(x[0][2][0]); break
    except OSError: pass
EOF
python3 ask.py
kill $k; wait $k || true
"#;
    if let Some(text) = run(&["rtpengine"], "media", script) {
        let numbers: Vec<u16> = text.lines().filter_map(|line| line.parse().ok()).collect();
        let [one, other, octet] = numbers[..] else {
            panic!("{text}");
        };
        for port in [one, other] {
            assert!((30000..=39999).contains(&port) && port % 2 == 0, "{port}");
        }
        assert_eq!(octet, 184);
    }
}

#[test]
fn janus_says_the_range_and_the_mark() {
    let script = r#"
ip addr add 192.0.2.1/24 dev lo
mkdir conf
cp "$G"/janus/gateway/*.jcfg conf
printf 'general: {\n http = true\n port = 8088\n}\n' > conf/janus.transport.http.jcfg
janus -F conf -o >log 2>&1 & k=$!
cat > ask.py <<'EOF'
import json, time, urllib.request
for _ in range(100):
    try:
        print("dscp", json.load(urllib.request.urlopen("http://127.0.0.1:8088/janus/info"))["dscp"]); break
    except OSError: time.sleep(.2)
EOF
python3 ask.py
kill $k; wait $k || true
grep -a -i 'port range' log
"#;
    if let Some(text) = run(&["janus"], "media", script) {
        assert!(text.starts_with("dscp 34\n"), "{text}");
        assert!(text.contains("RTP port range: 20000 -- 29999"), "{text}");
    }
}

#[test]
fn linphone_keeps_every_line_and_takes_the_ports() {
    let script = r#"
cp "$G/linphone/desktop-phone/linphonerc" rc
(sleep 5; echo ports; sleep 2; echo quit; sleep 2) | linphonec -c rc -d 0 2>/dev/null | grep 'rtp port'
while read -r line; do case $line in '#'*) ;; *) grep -qxF "$line" rc ;; esac; done < "$G/linphone/desktop-phone/linphonerc"
echo kept
"#;
    if let Some(text) = run(&["linphonec"], "media", script) {
        assert_eq!(
            text,
            "audio rtp port = 13000\nvideo rtp port = 14000\nkept\n"
        );
    }
}

#[test]
fn a_neighbour_hears_the_network_policy() {
    let script = r#"
ip link add v1 type veth peer name v2
unshare -n sleep 90 & s=$!
sleep 1
ip link set v2 netns $s
ip link set v1 up
inside() { nsenter --net=/proc/$s/ns/net "$@"; }
inside ip link set lo up
inside ip link set v2 up
lldpd -d -M 4 -I '*,!!v*' -u "$PWD/a" -O "$G/lldp-med/desk-phones/perhop.conf" >a.log 2>&1 & a=$!
nsenter --net=/proc/$s/ns/net lldpd -d -M 1 -I '*,!!v*' -u "$PWD/b" -O /dev/null >b.log 2>&1 & b=$!
n=0
while [ $n -lt 20 ]; do
    n=$((n + 1))
    sleep 1
    lldpcli -u "$PWD/a" update >/dev/null 2>&1 || true
    lldpcli -u "$PWD/b" -f json show neighbors details > heard 2>/dev/null || true
    if grep -q apptype heard; then break; fi
done
cat heard
kill $a $b $s
"#;
    if let Some(text) = run(&["lldpd", "lldpcli", "nsenter"], "phones", script) {
        let heard: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let policies = &heard["lldp"]["interface"]["v2"]["lldp-med"]["policy"];
        for (at, name, pcp, dscp) in [(0, "Voice", "5", "46"), (1, "Voice Signaling", "3", "24")] {
            let policy = &policies[at];
            assert_eq!(policy["apptype"], name, "{text}");
            assert_eq!(policy["vlan"]["vid"], "110");
            assert_eq!(policy["pcp"], pcp);
            assert_eq!(policy["dscp"], dscp);
        }
    }
}

#[test]
fn turnserver_relays_from_the_range() {
    let script = r#"
ip addr add 192.0.2.1/24 dev lo
{
    sed 's/^min-port=.*/min-port=60000/' "$G/coturn/relay/turnserver.conf"
    printf 'listening-ip=127.0.0.1\nrelay-ip=127.0.0.1\nno-auth\nno-tls\nno-dtls\nno-cli\n'
    printf 'log-file=stdout\npidfile=%s/pid\nuserdb=%s/db\n' "$PWD" "$PWD"
} > narrow.conf
{ cat "$G/coturn/relay/turnserver.conf"; tail -n +5 narrow.conf; } > turn.conf
cat > ask.py <<'EOF'
import os, socket, struct, time
def ask():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)
    for _ in range(60):
        try:
            s.sendto(struct.pack("!HHI12sHHI", 3, 8, 0x2112A442, os.urandom(12), 0x19, 4, 17 << 24), ("127.0.0.1", 3478))
            d = s.recv(2000); break
        except OSError: time.sleep(.2)
    at = 20
    while at < len(d):
        kind, size = struct.unpack("!HH", d[at:at + 4])
        if kind == 0x16: return struct.unpack("!H", d[at + 6:at + 8])[0] ^ 0x2112
        at += 4 + (size + 3) // 4 * 4
print(*[ask() for _ in range(8)])
EOF
for conf in turn.conf narrow.conf; do
    turnserver -c $conf >log 2>&1 & k=$!
    python3 ask.py
    kill $k; wait $k || true
done
"#;
    // The second time with another first port, so that it is the file that decides.
    let Some(text) = run(&["turnserver"], "media", script) else {
        return;
    };
    let mut runs = text.lines();
    for first in [49152, 60000] {
        let ports = runs.next().expect("a run").split_whitespace();
        let ports: Vec<u32> = ports.map(|port| port.parse().expect("a port")).collect();
        assert_eq!(ports.len(), 8, "{text}");
        assert!(
            ports.iter().all(|port| (first..=65535).contains(port)),
            "{text}"
        );
    }
}

/// Version 1.0 knows the mark of RTP only; what it makes of `sip_tos` is nothing, which its note says.
#[test]
fn baresip_sends_from_the_range_with_the_mark() {
    let script = r#"
ip addr add 192.0.2.1/24 dev lo
mkdir conf
{
    cat "$G/baresip/softphone/config"
    printf 'module_path\t%s\n' "$(dirname "$(find /usr/lib -name aubridge.so -path '*baresip*' | head -n 1)")"
    printf 'module\tg711.so\nmodule\taubridge.so\nmodule_app\taccount.so\nmodule_app\tmenu.so\n'
    printf 'audio_source\taubridge,x\naudio_player\taubridge,x\nsip_listen\t192.0.2.1:5061\nnet_interface\tlo\n'
} > conf/config
echo '<sip:a@192.0.2.1;transport=udp>;regint=0;audio_codecs=PCMU' > conf/accounts
cat > ask.py <<'EOF'
import re, socket
def sock(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("192.0.2.1", port)); s.setsockopt(0, 13, 1); s.settimeout(40); return s
sip, rtp = sock(5999), sock(0)
print("ready", flush=True)
m, a, _, peer = sip.recvmsg(9000, 100)
m = m.decode()
def head(name): return "".join(l + "\r\n" for l in m.split("\r\n\r\n")[0].split("\r\n") if re.match(name + ":", l, re.I))
sdp = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n" \
    % rtp.getsockname()[1]
sip.sendto(("SIP/2.0 200 OK\r\n" + head("Via") + head("From") + head("To").rstrip() + ";tag=z\r\n" + head("Call-ID") + head("CSeq")
    + "Contact: <sip:b@192.0.2.1:5999>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n" % len(sdp) + sdp).encode(), peer)
_, a, _, source = rtp.recvmsg(2000, 100)
print("told", re.search(r"m=audio (\d+)", m).group(1))
print("from", source[1])
print("octet", a[0][2][0])
EOF
python3 ask.py > answer & p=$!
until grep -q ready answer; do sleep .2; done
baresip -f conf -e "/dial sip:b@192.0.2.1:5999" -t 60 >log 2>&1 & b=$!
wait $p || { cat log; exit 1; }
kill $b; wait $b || true
cat answer
"#;
    let Some(text) = run(&["baresip"], "media", script) else {
        return;
    };
    let number = |word: &str| -> u16 {
        let line = text.lines().find_map(|line| line.strip_prefix(word));
        line.expect("a line").trim().parse().expect("a number")
    };
    assert_eq!(number("told"), number("from"), "{text}");
    assert!((12000..=12999).contains(&number("from")), "{text}");
    assert_eq!(number("octet"), 184, "{text}");
}

/// The policy stands in a folder that only this browser sees; every candidate has a port of the range.
#[test]
fn chromium_gathers_candidates_from_the_range() {
    let script = r#"
[ -d /etc/chromium ] || { echo nowhere; exit 0; }
ip link add v1 type veth peer name v2
ip addr add 192.0.2.1/24 dev v1
ip link set v1 up
ip link set v2 up
ip route add default via 192.0.2.2
mount --make-rprivate /
mount -t tmpfs none /etc/chromium
mkdir -p /etc/chromium/policies/managed
cat > serve.py <<'EOF'
import http.server, sys
PAGE = b"""<script>
const p = new RTCPeerConnection(); p.createDataChannel("x");
p.onicecandidate = e => fetch("/" + (e.candidate ? "c" : "end"), {method: "POST", body: e.candidate ? e.candidate.candidate : ""});
p.createOffer().then(d => p.setLocalDescription(d));
</script>"""
done = False
class H(http.server.BaseHTTPRequestHandler):
    def answer(self, body):
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def do_GET(self): self.answer(PAGE)
    def do_POST(self):
        global done
        text = self.rfile.read(int(self.headers["Content-Length"])).decode().split()
        if len(text) > 5 and text[2].lower() == "udp": print("port", text[5], flush=True)
        done = self.path == "/end"; self.answer(b"")
    def log_message(self, *a): pass
s = http.server.HTTPServer(("192.0.2.1", 8000), H)
print("ready", file=open("up", "w"), flush=True)
while not done: s.handle_request()
EOF
for range in 10000-11999 23450-23459; do
    rm -f up
    sed "s/10000-11999/$range/" "$G/chromium-policy/chromium/chromium.json" > /etc/chromium/policies/managed/perhop.json
    python3 serve.py & p=$!
    until [ -e up ]; do sleep .2; done
    chromium --headless --no-sandbox --disable-gpu --disable-features=WebRtcHideLocalIpsWithMdns \
        --user-data-dir="$PWD/u$range" http://192.0.2.1:8000/ >/dev/null 2>&1 & c=$!
    wait $p
    kill $c; wait $c || true
done
"#;
    // Whatever the browser leaves ends with its process namespace.
    let own = ["-n", "-m", "-p", "--fork", "--kill-child", "--mount-proc"];
    let Some(text) = run_in(&own, &["chromium", "mount"], "media", script) else {
        return;
    };
    if text == "nowhere\n" {
        println!("skipped: there is no folder /etc/chromium to put a policy over");
        return;
    }
    let ports: Vec<u16> = text
        .lines()
        .filter_map(|line| line.strip_prefix("port ")?.parse().ok())
        .collect();
    let narrow = ports.iter().filter(|port| (23450..=23459).contains(*port));
    let planned = ports.iter().filter(|port| (10000..=11999).contains(*port));
    let (narrow, planned) = (narrow.count(), planned.count());
    assert!(narrow > 0 && planned > 0, "{text}");
    assert_eq!(narrow + planned, ports.len(), "{text}");
}
