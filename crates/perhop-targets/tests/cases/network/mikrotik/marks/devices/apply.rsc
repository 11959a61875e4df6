# Marks of what devices sends, where it is attached.
/ip firewall mangle remove [find comment=PH-devices ]
/ipv6 firewall mangle remove [find comment=PH-devices ]
/ip firewall mangle add chain=PH-devices protocol=udp dst-address=10.30.0.0/24 dst-port=30000-40000 action=change-dscp new-dscp=34 passthrough=no comment=PH-devices
