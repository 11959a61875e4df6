#!/bin/bash
# Makes call.pcapng and two-points/*.pcapng: a real capture of a small company,
# "Contoso", made of network namespaces on one Linux machine.
#
# Run as root on Debian 12. Takes about a minute. Traffic stays inside the
# namespaces, which have no way out; nothing else on the machine is touched.
# README.md beside this file says what the captures hold.
#
# usage: make-capture.sh [OUTPUT-DIRECTORY]      (default: where this file is)
# With KEEP=1 in the environment the logs and the raw captures stay, and it says
# where.

set -euo pipefail
export LC_ALL=C
umask 022

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:-$here}
prefix=contoso-

# ---------------------------------------------------------------- what it needs

declare -A package=(
  [ip]=iproute2 [tc]=iproute2 [ethtool]=ethtool [nft]=nftables [unshare]=util-linux
  [dumpcap]=wireshark-common [editcap]=wireshark-common [reordercap]=wireshark-common [mergecap]=wireshark-common [tshark]=tshark
  [baresip]=baresip-core [sipp]=sip-tester [kamailio]=kamailio [turnserver]=coturn
  [ffmpeg]=ffmpeg [gst-launch-1.0]=gstreamer1.0-tools
  [iperf3]=iperf3 [socat]=socat [busybox]=busybox [dnsmasq]=dnsmasq-base
)
plugins=(videotestsrc:gstreamer1.0-plugins-base vp8enc:gstreamer1.0-plugins-good
  rtpvp8pay:gstreamer1.0-plugins-good rtpbin:gstreamer1.0-plugins-good
  udpsink:gstreamer1.0-plugins-good)

die() { echo "make-capture: $*" >&2; exit 1; }

check_needs() {
  [ "$(uname -s)" = Linux ] || die "needs Linux: it is built on network namespaces"
  [ "$(id -u)" = 0 ] || die "needs root, to make network namespaces and to capture"
  local missing=() tool entry
  for tool in "${!package[@]}"; do
    command -v "$tool" >/dev/null || missing+=("${package[$tool]}")
  done
  if command -v gst-inspect-1.0 >/dev/null; then
    for entry in "${plugins[@]}"; do
      gst-inspect-1.0 --exists "${entry%%:*}" || missing+=("${entry##*:}")
    done
  else
    missing+=(gstreamer1.0-plugins-base gstreamer1.0-plugins-good)
  fi
  [ ${#missing[@]} = 0 ] || die "missing packages; as root:" \
    "apt-get install --no-install-recommends $(printf '%s\n' "${missing[@]}" | sort -u | tr '\n' ' ')"
  [ -d "$out" ] || die "no such directory: \`$out\`"
  if ip netns list | grep -q "^$prefix"; then
    die "namespaces named \`$prefix*\` exist: another run is going on, or one was killed;" \
      "remove them with \`ip netns del NAME\`"
  fi
}

# ------------------------------------------------- namespaces and own processes

captures=()
namespaces=()
work=

cleanup() {
  local ns
  trap - EXIT INT TERM
  # `jobs -p` names only children of this shell that still run. When a run is cut
  # short, baresip waits for answers to its good-bye that nobody will give;
  # `timeout` then ends it.
  jobs -pr | xargs -r kill -TERM 2>/dev/null || true
  for _ in {1..40}; do
    [ -n "$(jobs -pr)" ] || break
    sleep 0.2
  done
  jobs -pr | xargs -r kill -KILL 2>/dev/null || true
  wait 2>/dev/null || true
  for ns in "${namespaces[@]}"; do ip netns del "$ns" 2>/dev/null || true; done
  [ -n "$work" ] || return 0
  if [ -n "${KEEP:-}" ]; then echo "logs and raw captures: $work" >&2; else rm -rf "$work"; fi
}

make_ns() { # name
  ip netns add "$prefix$1"
  namespaces+=("$prefix$1")
  ip netns exec "$prefix$1" sh -c '
    echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6
    echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
    # Ephemeral ports outside every range of the plan, so that no HTTP or DNS
    # client is in one by chance.
    echo "32768 39999" > /proc/sys/net/ipv4/ip_local_port_range'
  ip -n "$prefix$1" link set lo up
}

make_switch() { # name
  make_ns "$1"
  ip -n "$prefix$1" link add br0 type bridge stp_state 0 mcast_snooping 0
  ip -n "$prefix$1" link set br0 address 02:00:00:00:00:01 up
}

# A cable from a switch to a host's interface. Offloads are off, so that packets
# are captured as they would be on a wire: no giant segments, real checksums.
plug() { # switch port host interface address/length
  local mac end
  mac=$(echo "${5%/*}" | { IFS=. read -r a b c d; printf '02:00:%02x:%02x:%02x:%02x' "$a" "$b" "$c" "$d"; })
  ip -n "$prefix$1" link add "$2" type veth peer name "$4" netns "$prefix$3"
  ip -n "$prefix$3" link set "$4" address "$mac"
  ip -n "$prefix$3" addr add "$5" dev "$4"
  for end in "$1 $2" "$3 $4"; do
    ip netns exec "$prefix${end% *}" ethtool -K "${end#* }" \
      tx off rx off tso off gso off gro off >/dev/null 2>&1
  done
  ip -n "$prefix$1" link set "$2" master br0 up
  ip -n "$prefix$3" link set "$4" up
}

host() { # switch name address/length [gateway]
  make_ns "$2"
  plug "$1" "$2" "$2" eth0 "$3"
  if [ -n "${4:-}" ]; then ip -n "$prefix$2" route add default via "$4"; fi
}

# A program in a namespace sees a host name, a hosts file and a resolver of its own,
# so that nothing of this machine gets into a packet.
# shellcheck disable=SC2016 # expanded later, by the sh it is given to
as_host='hostname "$1"; mount --bind "$2/hosts" /etc/hosts
  mount --bind "$2/resolv.conf" /etc/resolv.conf; shift 2; exec "$@"'

# Starts a program in the background. Nothing lives longer than 90 seconds.
start() { # namespace log command...
  local ns=$1 log=$2
  shift 2
  ip netns exec "$prefix$ns" unshare --uts sh -c "$as_host" sh "$ns" "$work" \
    timeout --signal=TERM --kill-after=3 90 "$@" </dev/null >"$work/$log.log" 2>&1 &
}

run() { # namespace command... (in the foreground)
  local ns=$1
  shift
  ip netns exec "$prefix$ns" unshare --uts sh -c "$as_host" sh "$ns" "$work" \
    timeout 20 "$@" </dev/null
}

at() { # second: waits until that second of the play
  local wait
  wait=$(echo "$zero $1 $(date +%s.%N)" | awk '{ w = $1 + $2 - $3; print (w > 0) ? w : 0 }')
  sleep "$wait"
}

# --------------------------------------------------------------------- the net

build_net() {
  make_switch datacentre   # servers, Edge (inside), one office PC
  make_switch branch       # branch office
  make_switch internet     # two people at home, Edge (outside)

  make_ns router
  plug datacentre uplink router dc0 192.0.2.1/24
  plug branch uplink router branch0 198.51.100.1/24
  ip netns exec ${prefix}router sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'

  host datacentre edge 192.0.2.10/24 192.0.2.1
  host datacentre server 192.0.2.20/24 192.0.2.1
  host datacentre pc2 192.0.2.102/24 192.0.2.1
  host branch pc1 198.51.100.11/24 198.51.100.1
  host branch pc3 198.51.100.13/24 198.51.100.1
  host branch pc4 198.51.100.14/24 198.51.100.1
  host branch pc5 198.51.100.15/24 198.51.100.1
  host branch phone 198.51.100.21/24 198.51.100.1
  plug internet edge edge out0 203.0.113.10/24
  host internet home1 203.0.113.51/24 ""
  host internet home2 203.0.113.52/24 ""

  # The old router: AF41 leaves it with the three precedence bits cleared
  # (100010 becomes 000010), the "bleaching" of RFC 9435.
  ip netns exec ${prefix}router nft -f - <<'NFT'
table ip legacy {
  chain forward {
    type filter hook forward priority mangle; policy accept;
    ip dscp 34 ip dscp set 2
  }
}
NFT

  # The narrow link between the sites: voice first, assured classes next, and a
  # short queue of limited rate for everything else.
  local dev
  for dev in dc0 branch0; do
    ip netns exec ${prefix}router tc -batch - <<TC
qdisc add dev $dev root handle 1: htb default 30
class add dev $dev parent 1: classid 1:1 htb rate 1500kbit
class add dev $dev parent 1:1 classid 1:10 htb rate 600kbit ceil 1500kbit prio 0
class add dev $dev parent 1:1 classid 1:20 htb rate 400kbit ceil 1500kbit prio 1
class add dev $dev parent 1:1 classid 1:30 htb rate 500kbit ceil 500kbit prio 2
qdisc add dev $dev parent 1:10 pfifo limit 50
qdisc add dev $dev parent 1:20 pfifo limit 50
qdisc add dev $dev parent 1:30 bfifo limit 16000
filter add dev $dev parent 1: protocol ip prio 1 u32 match ip dsfield 0xb8 0xfc flowid 1:10
filter add dev $dev parent 1: protocol ip prio 2 u32 match ip dsfield 0x88 0xfc flowid 1:20
filter add dev $dev parent 1: protocol ip prio 3 u32 match ip dsfield 0x60 0xfc flowid 1:20
TC
  done

  # In place of Policy-based QoS on the Edge: destination port, inside only.
  ip netns exec ${prefix}edge nft -f - <<'NFT'
table ip by_policy {
  chain output {
    type filter hook output priority mangle; policy accept;
    oifname "eth0" udp dport 20000-20039 ip dscp set 46
    oifname "eth0" udp dport 49152-57499 ip dscp set 46
    oifname "eth0" udp dport 20040-20079 ip dscp set 34
    oifname "eth0" udp dport 57501-65534 ip dscp set 34
  }
}
NFT
}

# ---------------------------------------------------------------- the software

make_sounds() {
  # Not silence, so that the codecs have something to do.
  local tone='0.3*sin(2*PI*(300+40*sin(2*PI*3*t))*t)*(0.6+0.4*sin(2*PI*2*t))'
  ffmpeg -v error -y -f lavfi -i "aevalsrc=$tone:s=48000:d=30" -c:a pcm_s16le "$work/opus.wav"
  ffmpeg -v error -y -f lavfi -i "aevalsrc=$tone:s=8000:d=30" -c:a pcm_s16le "$work/g711.wav"
  ffmpeg -v error -y -f lavfi -i "aevalsrc=$tone:s=8000:d=30" -f mulaw "$work/g711.ul"
}

# A baresip user agent. The port range given to it is one pair wide, so that the
# port is known beforehand.
agent() { # namespace name address sip-port rtp-port tos codec account-options duration [dial]
  local dir=$work/$2 sound codec=$7
  mkdir -p "$dir"
  case $codec in opus*) sound=opus.wav ;; *) sound=g711.wav ;; esac
  cat >"$dir/config" <<CONF
poll_method		epoll
call_local_timeout	30
call_max_calls		2
audio_player		aubridge,nowhere
audio_source		aufile,$work/$sound
audio_alert		aubridge,nowhere
sip_listen		$3:$4
sip_tos			0
rtp_tos			$6
rtp_ports		$5-$(($5 + 1))
rtcp_mux		no
net_interface		eth0
dns_server		192.0.2.20:53
opus_bitrate		24000
opus_stereo		no
opus_sprop_stereo	no
module_path		/usr/lib/baresip/modules
module			aufile.so
module			aubridge.so
module			opus.so
module			g711.so
module			stun.so
module			turn.so
module_tmp		uuid.so
module_tmp		account.so
module_app		menu.so
CONF
  echo "<sip:$2@contoso.example>;auth_pass=none;audio_codecs=$codec;$8" >"$dir/accounts"
  : >"$dir/contacts"
  start "$1" "$2" baresip -f "$dir" -t "$9" ${10:+-e "/dial ${10}"}
}

make_configs() {
  echo 'nameserver 192.0.2.20' >"$work/resolv.conf"
  cat >"$work/hosts" <<HOSTS
127.0.0.1 localhost
192.0.2.10 edge
192.0.2.20 server
192.0.2.102 pc2
198.51.100.11 pc1
198.51.100.13 pc3
198.51.100.14 pc4
198.51.100.15 pc5
198.51.100.21 phone
203.0.113.51 home1
203.0.113.52 home2
HOSTS
  local common='
debug=1
log_stderror=yes
children=1
tos=0
disable_tcp=yes
dns=no
rev_dns=no
auto_aliases=no
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "pv.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
'
  common=${common/\/usr\/lib\/x86_64-linux-gnu\/kamailio\/modules/$(kamailio_modules)}
  local dialog='
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (has_totag()) {
    if (loose_route() || t_check_trans()) t_relay();
    exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
'
  cat >"$work/front-end.cfg" <<CFG
$common
loadmodule "usrloc.so"
loadmodule "registrar.so"
listen=udp:192.0.2.20:5060
request_route {
  if (is_method("REGISTER")) { save("location"); exit; }
  $dialog
  record_route();
  if (\$rU == "audiotest") { \$ru = "sip:audiotest@192.0.2.20:5080"; t_relay(); exit; }
  if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
  t_relay();
}
CFG
  cat >"$work/access-edge.cfg" <<CFG
$common
mhomed=1
listen=udp:192.0.2.10:5060
listen=udp:203.0.113.10:5060
request_route {
  $dialog
  record_route();
  \$du = "sip:192.0.2.20:5060";
  t_relay();
}
CFG
}

kamailio_modules() {
  dirname "$(find /usr/lib -path '*/kamailio/modules/tm.so' -print -quit)"
}

# The two ends of the call of pc3, for SIPp.
make_scenarios() {
  local sdp='v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
a=ptime:20'
  cat >"$work/caller.xml" <<XML
<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="caller">
<send retrans="500"><![CDATA[
INVITE sip:[service]@contoso.example SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:pc3@contoso.example>;tag=[call_number]a
To: <sip:[service]@contoso.example>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:pc3@[local_ip]:[local_port]>
Max-Forwards: 70
User-Agent: SIPp
Content-Type: application/sdp
Content-Length: [len]

$sdp
]]></send>
<recv response="100" optional="true" />
<recv response="180" optional="true" />
<recv response="200" rrs="true" />
<send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[routes]
From: <sip:pc3@contoso.example>;tag=[call_number]a
To: <sip:[service]@contoso.example>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
<nop><action><exec rtp_stream="$work/g711.ul,1,0" /></action></nop>
<pause milliseconds="16000" />
<nop><action><exec rtp_stream="pause" /></action></nop>
<send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[routes]
From: <sip:pc3@contoso.example>;tag=[call_number]a
To: <sip:[service]@contoso.example>[peer_tag_param]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
<recv response="200" />
</scenario>
XML
  cat >"$work/audiotest.xml" <<XML
<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="audio test service">
<recv request="INVITE" rrs="true" />
<send><![CDATA[
SIP/2.0 180 Ringing
[last_Via:]
[last_Record-Route:]
[last_From:]
[last_To:];tag=[call_number]b
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:audiotest@[local_ip]:[local_port]>
Content-Length: 0

]]></send>
<pause milliseconds="500" />
<send retrans="500"><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_Record-Route:]
[last_From:]
[last_To:];tag=[call_number]b
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:audiotest@[local_ip]:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

$sdp
]]></send>
<recv request="ACK" />
<nop><action><exec rtp_stream="$work/g711.ul,1,0" /></action></nop>
<recv request="BYE" />
<nop><action><exec rtp_stream="pause" /></action></nop>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
</scenario>
XML
}

start_servers() {
  mkdir -p "$work/www" "$work/edge" "$work/fe"
  head -c 120000 /dev/zero | tr '\0' 'x' | fold -w 79 >"$work/www/addressbook.txt"
  start server front-end kamailio -DD -E -f "$work/front-end.cfg" -P "$work/fe/pid" -Y "$work/fe" -m 16 -M 4
  start edge access-edge kamailio -DD -E -f "$work/access-edge.cfg" -P "$work/edge/pid" -Y "$work/edge" -m 16 -M 4
  start edge av-edge turnserver -n --listening-ip=192.0.2.10 --listening-port=3478 \
    --relay-ip=203.0.113.10 --min-port=50000 --max-port=50019 --lt-cred-mech \
    --user=relay:relay --realm=contoso.example --no-tls --no-dtls --no-tcp --no-cli \
    --relay-threads=1 --pidfile="$work/edge/turn.pid" --userdb="$work/edge/turn.db" --log-file=stdout
  start server dns dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts \
    --listen-address=192.0.2.20 --bind-interfaces --user=root --pid-file="$work/dns.pid" \
    --address=/fe.contoso.example/192.0.2.20 --address=/edge.contoso.example/192.0.2.10
  start server web busybox httpd -f -p 192.0.2.20:80 -h "$work/www"
  start server sharing socat -u TCP-LISTEN:40900,bind=192.0.2.20,reuseaddr OPEN:/dev/null
  start server backup iperf3 -s -1 -p 5201
  start server files iperf3 -s -1 -p 5202
}

# One end of a two-way VP8 video call in GStreamer, RTP with RTCP.
video_end() { # namespace local-port peer peer-port pattern
  start "$1" "video-$1" gst-launch-1.0 -q rtpbin name=r rtp-profile=avp \
    videotestsrc is-live=true pattern="$5" ! video/x-raw,width=176,height=144,framerate=12/1 \
    ! vp8enc deadline=1 cpu-used=8 target-bitrate=70000 keyframe-max-dist=60 end-usage=cbr \
    ! rtpvp8pay mtu=1000 pt=98 ! r.send_rtp_sink_0 \
    r.send_rtp_src_0 ! udpsink host="$3" port="$4" bind-port="$2" qos-dscp=34 \
    r.send_rtcp_src_0 ! udpsink host="$3" port=$(($4 + 1)) bind-port=$(($2 + 1)) qos-dscp=34 sync=false async=false
}

# Holds a port, so that the other end is not answered with "port unreachable".
video_ear() { # namespace address port
  start "$1" "ear-$1-$3" socat -u "UDP-RECV:$3,bind=$2,reuseaddr" OPEN:/dev/null
}

capture() { # namespace interface file snaplen filter
  start "$1" "capture-$3" dumpcap -q -i "$2" -s "$4" -f "$5" -w "$work/$3.pcapng"
  captures+=($!)
}

# ---------------------------------------------------------------------- the play

play() {
  local fe='regint=600;answermode=auto;outbound="sip:192.0.2.20:5060"'
  local out_edge='regint=0;outbound="sip:203.0.113.10:5060"'
  local turn='medianat=turn;stunserver="turn:192.0.2.10:3478";stunuser=relay;stunpass=relay'

  capture datacentre br0 call 0 "not arp"
  capture branch uplink at-sender 96 "udp and src net 198.51.100.0/24"
  capture datacentre uplink at-receiver 96 "udp and src net 198.51.100.0/24"
  start_servers
  sleep 2
  zero=$(date +%s.%N)

  # Those who are called. EF is TOS 184, CS5 is TOS 160.
  agent pc2 pc2 192.0.2.102 5060 20000 184 opus/48000/1 "$fe" 27
  agent pc5 pc5 198.51.100.15 5060 20008 184 opus/48000/1 "$fe;$turn" 27
  agent server conference 192.0.2.20 5066 49160 0 opus/48000/1 "$fe" 27
  agent server meeting 192.0.2.20 5068 49180 0 opus/48000/1 "$fe;$turn" 27
  agent server gateway 192.0.2.20 5070 49200 0 PCMU/8000/1 "$fe" 27
  start server audiotest sipp -sf "$work/audiotest.xml" -i 192.0.2.20 -p 5080 -mi 192.0.2.20 \
    -mp 49300 -m 1 -nostdin -timeout 40

  at 1
  run pc1 busybox nslookup fe.contoso.example 192.0.2.20 >/dev/null || true
  agent pc1 pc1 198.51.100.11 5060 20002 184 opus/48000/1 "$fe" 24 sip:pc2@contoso.example
  at 2
  agent pc4 pc4 198.51.100.14 5060 20004 184 opus/48000/1 "$fe" 21 sip:conference@contoso.example
  at 3
  agent phone phone 198.51.100.21 5060 20010 160 PCMU/8000/1 "$fe" 16 sip:gateway@contoso.example
  start pc3 pc3 sipp -sf "$work/caller.xml" -s audiotest -i 198.51.100.13 -p 5060 \
    -mi 198.51.100.13 -mp 31000 -m 1 -nostdin -timeout 30 192.0.2.20:5060
  at 4
  agent home1 home1 203.0.113.51 5060 40000 0 opus/48000/1 "$out_edge" 18 sip:pc5@contoso.example
  agent home2 home2 203.0.113.52 5060 40000 0 opus/48000/1 "$out_edge" 15 sip:meeting@contoso.example
  at 5
  video_end pc1 20040 192.0.2.102 20050 smpte
  video_end pc2 20050 198.51.100.11 20040 ball
  start pc4 video-pc4 ffmpeg -v error -re -f lavfi -i testsrc2=size=320x180:rate=12 -t 16 \
    -c:v libx264 -preset veryfast -tune zerolatency -b:v 90k -maxrate 90k -bufsize 30k -g 48 \
    -f rtp -payload_type 122 \
    "rtp://192.0.2.20:57600?localrtpport=20060&localrtcpport=20061&dscp=34&pkt_size=1000"
  video_ear server 192.0.2.20 57600
  video_ear server 192.0.2.20 57601
  at 6
  # A shared screen: real pictures, over TCP, from the application sharing port.
  start pc4 share sh -c 'ffmpeg -v error -re -f lavfi -i testsrc=size=320x180:rate=5 -t 14 \
    -c:v mpeg4 -b:v 60k -f mpegts - | socat -u - \
    TCP:192.0.2.20:40900,bind=198.51.100.14:42000,reuseaddr,nodelay,tos=96'
  at 7
  run pc2 busybox ping -c 4 198.51.100.14 >/dev/null || true
  at 9
  # A copy to a file server, unmarked: it fills the queue of the unmarked.
  start pc5 copy iperf3 -c 192.0.2.20 -p 5202 --cport 35202 -t 6 -b 300k -C reno
  at 10
  run pc2 busybox wget -q -O /dev/null http://192.0.2.20/addressbook.txt
  run pc4 busybox nslookup edge.contoso.example 192.0.2.20 >/dev/null || true
  # A backup that someone has marked EF.
  start pc3 steal iperf3 -c 192.0.2.20 -p 5201 --cport 35201 -t 8 -b 100k -l 1000 --dscp 46
  at 14
  run pc1 busybox wget -q -O /dev/null http://192.0.2.20/addressbook.txt
  at 29
}

# Stops the captures and takes out of the files what names this machine: its
# processor, kernel and interfaces. What is left is packets and one comment.
finish() {
  local pid file
  for pid in "${captures[@]}"; do kill -INT "$pid" 2>/dev/null || true; done
  for pid in "${captures[@]}"; do wait "$pid" || true; done
  for file in call at-sender at-receiver; do
    [ -s "$work/$file.pcapng" ] || die "dumpcap wrote no \`$file.pcapng\`: $(cat "$work/capture-$file.log")"
  done
  # Signalling whole; of the rest what every header and all audio needs.
  tshark -r "$work/call.pcapng" -Y 'udp.port == 5060' -w "$work/signalling" 2>/dev/null
  tshark -r "$work/call.pcapng" -Y 'not udp.port == 5060' -w "$work/rest" 2>/dev/null
  editcap -s 256 "$work/rest" "$work/rest.short"
  clean call "Contoso: the switch of the datacentre, all ports" "$work/signalling" "$work/rest.short"
  clean at-sender "Contoso: UDP sent by the branch, before the router" "$work/at-sender.pcapng"
  clean at-receiver "Contoso: UDP sent by the branch, after the router" "$work/at-receiver.pcapng"
}

clean() { # name comment file...
  local name=$1 comment=$2
  shift 2
  mergecap -w "$work/$name.merged" "$@"
  reordercap "$work/$name.merged" "$work/$name.ordered" >/dev/null
  editcap -F nsecpcap "$work/$name.ordered" "$work/$name.pcap"
  editcap -F pcapng --capture-comment "$comment" "$work/$name.pcap" "$work/$name.clean"
}

# Every flow the README promises, as it must look in call.pcapng. A call that did
# not come about ends the run here, and nothing is written.
expected_flows() {
  cat <<'FLOWS'
198.51.100.11 20002 192.0.2.102 20000 46 1000
192.0.2.102 20000 198.51.100.11 20002 46 1000
198.51.100.14 20004 192.0.2.20 49160 46 800
192.0.2.20 49160 198.51.100.14 20004 0 800
198.51.100.13 31000 192.0.2.20 49300 0 700
192.0.2.20 49300 198.51.100.13 31000 0 700
198.51.100.21 20010 192.0.2.20 49200 40 600
192.0.2.20 49200 198.51.100.21 20010 0 600
198.51.100.11 20040 192.0.2.102 20050 2 200
192.0.2.102 20050 198.51.100.11 20040 34 200
198.51.100.14 20060 192.0.2.20 57600 2 150
192.0.2.10 3478 198.51.100.15 20008 46 800
198.51.100.15 20008 192.0.2.10 3478 46 800
192.0.2.10 3478 192.0.2.20 49180 46 600
192.0.2.20 49180 192.0.2.10 3478 0 600
198.51.100.14 42000 192.0.2.20 40900 24 100
198.51.100.13 35201 192.0.2.20 5201 46 50
FLOWS
}

check_flows() {
  local src sport dst dport dscp least seen
  tshark -r "$work/call.clean" -Y 'udp or tcp' -T fields -E occurrence=f -E separator=' ' \
    -e ip.src -e udp.srcport -e tcp.srcport -e ip.dst -e udp.dstport -e tcp.dstport \
    -e ip.dsfield.dscp 2>/dev/null | tr -s ' ' | sort | uniq -c >"$work/flows.txt"
  while read -r src sport dst dport dscp least; do
    seen=$(awk -v key="$src $sport $dst $dport $dscp" \
      '$2" "$3" "$4" "$5" "$6 == key { print $1 }' "$work/flows.txt")
    [ "${seen:-0}" -ge "$least" ] || die "flow $src:$sport -> $dst:$dport with DSCP $dscp has" \
      "${seen:-0} packets, at least $least were expected; run again with KEEP=1 and read the logs"
  done < <(expected_flows)
}

publish() {
  mkdir -p "$out/two-points"
  install -m 644 "$work/call.clean" "$out/call.pcapng"
  install -m 644 "$work/at-sender.clean" "$out/two-points/at-sender.pcapng"
  install -m 644 "$work/at-receiver.clean" "$out/two-points/at-receiver.pcapng"
  ls -l "$out/call.pcapng" "$out/two-points"/*.pcapng
}

check_needs
trap cleanup EXIT
trap 'exit 130' INT TERM
work=$(mktemp -d)
build_net
make_sounds
make_configs
make_scenarios
play
finish
check_flows
publish
