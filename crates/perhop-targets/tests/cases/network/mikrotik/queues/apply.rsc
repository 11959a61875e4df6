# Queues by mark, where packets leave.
# audio: EF, 20 % of the link
# video: AF41, 25 % of the link
# signaling: CS3, 5 % of the link
# other: D44, 10 % of the link
# the rest: 40 % of the link
/queue tree remove [find comment=PHQ ]
/ip firewall mangle remove [find comment=PHQ ]
/ipv6 firewall mangle remove [find comment=PHQ ]
/ip firewall mangle add chain=postrouting dscp=46 action=mark-packet new-packet-mark=PHQ-audio passthrough=no comment=PHQ
/ip firewall mangle add chain=postrouting dscp=34 action=mark-packet new-packet-mark=PHQ-video passthrough=no comment=PHQ
/ip firewall mangle add chain=postrouting dscp=24 action=mark-packet new-packet-mark=PHQ-signaling passthrough=no comment=PHQ
/ip firewall mangle add chain=postrouting dscp=44 action=mark-packet new-packet-mark=PHQ-other passthrough=no comment=PHQ
/ipv6 firewall mangle add chain=postrouting dscp=46 action=mark-packet new-packet-mark=PHQ-audio passthrough=no comment=PHQ
/ipv6 firewall mangle add chain=postrouting dscp=34 action=mark-packet new-packet-mark=PHQ-video passthrough=no comment=PHQ
/ipv6 firewall mangle add chain=postrouting dscp=24 action=mark-packet new-packet-mark=PHQ-signaling passthrough=no comment=PHQ
/ipv6 firewall mangle add chain=postrouting dscp=44 action=mark-packet new-packet-mark=PHQ-other passthrough=no comment=PHQ
