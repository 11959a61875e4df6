# Queues by mark, where packets leave.
# audio: EF, 15 % of the link
# video: AF41, 30 % of the link
# app-sharing: AF21, 10 % of the link
# the rest: 45 % of the link
/queue tree remove [find comment=PHQ ]
/ip firewall mangle remove [find comment=PHQ ]
/ipv6 firewall mangle remove [find comment=PHQ ]
/ip firewall mangle add chain=postrouting dscp=46 action=mark-packet new-packet-mark=PHQ-audio passthrough=no comment=PHQ
/ip firewall mangle add chain=postrouting dscp=34 action=mark-packet new-packet-mark=PHQ-video passthrough=no comment=PHQ
/ip firewall mangle add chain=postrouting dscp=18 action=mark-packet new-packet-mark=PHQ-app-sharing passthrough=no comment=PHQ
/ipv6 firewall mangle add chain=postrouting dscp=46 action=mark-packet new-packet-mark=PHQ-audio passthrough=no comment=PHQ
/ipv6 firewall mangle add chain=postrouting dscp=34 action=mark-packet new-packet-mark=PHQ-video passthrough=no comment=PHQ
/ipv6 firewall mangle add chain=postrouting dscp=18 action=mark-packet new-packet-mark=PHQ-app-sharing passthrough=no comment=PHQ
/queue tree add name=PHQ-ether1 parent=ether1 max-limit=20000000 comment=PHQ
/queue tree add name=PHQ-ether1-audio parent=PHQ-ether1 packet-mark=PHQ-audio priority=1 limit-at=3000000 max-limit=20000000 comment=PHQ
/queue tree add name=PHQ-ether1-video parent=PHQ-ether1 packet-mark=PHQ-video priority=2 limit-at=6000000 max-limit=20000000 comment=PHQ
/queue tree add name=PHQ-ether1-app-sharing parent=PHQ-ether1 packet-mark=PHQ-app-sharing priority=4 limit-at=2000000 max-limit=20000000 comment=PHQ
/queue tree add name=PHQ-ether1-rest parent=PHQ-ether1 packet-mark=no-mark priority=8 limit-at=9000000 max-limit=20000000 comment=PHQ
