#!/bin/sh
# Takes the queues of apply.sh away, and no others: undo.sh INTERFACE
set -eu
if [ $# -ne 1 ]; then
	echo "usage: $0 INTERFACE" >&2
	exit 2
fi
dev=$1
root=$(tc qdisc show dev "$dev" root)
case $root in
"qdisc htb 7068: root "*) tc qdisc del dev "$dev" root ;;
*) echo "$dev does not have these queues" ;;
esac
