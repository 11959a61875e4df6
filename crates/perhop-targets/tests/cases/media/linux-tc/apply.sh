#!/bin/sh
# Queues by mark on one interface: apply.sh INTERFACE KBIT
# KBIT is a little less than what the link carries, so that packets wait here and not in a modem.
set -eu
if [ $# -ne 2 ]; then
	echo "usage: $0 INTERFACE KBIT" >&2
	exit 2
fi
dev=$1
kbit=$2
case $kbit in
'' | ? | ?? | 0* | *[!0-9]* | ??????????*) echo "$kbit is not a rate in kbit/s" >&2; exit 2 ;;
esac
root=$(tc qdisc show dev "$dev" root)
case $root in
"qdisc htb 7068: root "*) tc qdisc del dev "$dev" root ;;
'' | "qdisc "*" 0: root "*) ;;
*)
	echo "$dev has queues that somebody else set:" >&2
	echo "$root" >&2
	exit 1
	;;
esac
tc qdisc add dev "$dev" root handle 7068: htb default 90
tc class add dev "$dev" parent 7068: classid 7068:1 htb rate "${kbit}kbit"
# audio
tc class add dev "$dev" parent 7068:1 classid 7068:10 htb rate "$((kbit * 15 / 100))kbit" ceil "${kbit}kbit" prio 0
tc filter add dev "$dev" parent 7068: protocol ip prio 1 u32 match ip dsfield 0xb8 0xfc flowid 7068:10
tc filter add dev "$dev" parent 7068: protocol ipv6 prio 2 u32 match ip6 priority 0xb8 0xfc flowid 7068:10
# video
tc class add dev "$dev" parent 7068:1 classid 7068:20 htb rate "$((kbit * 30 / 100))kbit" ceil "${kbit}kbit" prio 1
tc filter add dev "$dev" parent 7068: protocol ip prio 1 u32 match ip dsfield 0x88 0xfc flowid 7068:20
tc filter add dev "$dev" parent 7068: protocol ipv6 prio 2 u32 match ip6 priority 0x88 0xfc flowid 7068:20
# signaling
tc class add dev "$dev" parent 7068:1 classid 7068:30 htb rate "$((kbit * 5 / 100))kbit" ceil "${kbit}kbit" prio 1
tc filter add dev "$dev" parent 7068: protocol ip prio 1 u32 match ip dsfield 0x60 0xfc flowid 7068:30
tc filter add dev "$dev" parent 7068: protocol ipv6 prio 2 u32 match ip6 priority 0x60 0xfc flowid 7068:30
# the rest
tc class add dev "$dev" parent 7068:1 classid 7068:90 htb rate "$((kbit * 50 / 100))kbit" ceil "${kbit}kbit" prio 2
