#!/bin/sh
# Shows the queues of apply.sh with what went through them: check.sh INTERFACE
set -eu
if [ $# -ne 1 ]; then
	echo "usage: $0 INTERFACE" >&2
	exit 2
fi
dev=$1
root=$(tc qdisc show dev "$dev" root)
case $root in
"qdisc htb 7068: root "*) ;;
*) echo "$dev does not have these queues" >&2; exit 1 ;;
esac
tc filter show dev "$dev" parent 7068:
tc -s class show dev "$dev"
