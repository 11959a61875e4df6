# Marks of what mac-clients sends, where it is attached.
/ip firewall mangle remove [find comment=PH-mac-clients ]
/ipv6 firewall mangle remove [find comment=PH-mac-clients ]
/ip firewall mangle add chain=PH-mac-clients protocol=udp dst-address=10.20.0.0/16 src-port=20000-20079 action=change-dscp new-dscp=34 passthrough=no comment=PH-mac-clients
/ip firewall mangle add chain=PH-mac-clients protocol=udp src-port=20040-20079 action=change-dscp new-dscp=34 passthrough=no comment=PH-mac-clients
/ip firewall mangle add chain=PH-mac-clients protocol=tcp src-port=20040-20079 action=change-dscp new-dscp=34 passthrough=no comment=PH-mac-clients
/ip firewall mangle add chain=PH-mac-clients protocol=udp src-port=20000-20039 action=change-dscp new-dscp=46 passthrough=no comment=PH-mac-clients
/ip firewall mangle add chain=PH-mac-clients protocol=tcp src-port=20000-20039 action=change-dscp new-dscp=46 passthrough=no comment=PH-mac-clients
/ipv6 firewall mangle add chain=PH-mac-clients protocol=udp dst-address=2001:db8:20::/48 src-port=20000-20079 action=change-dscp new-dscp=34 passthrough=no comment=PH-mac-clients
/ipv6 firewall mangle add chain=PH-mac-clients protocol=udp src-port=20040-20079 action=change-dscp new-dscp=34 passthrough=no comment=PH-mac-clients
/ipv6 firewall mangle add chain=PH-mac-clients protocol=tcp src-port=20040-20079 action=change-dscp new-dscp=34 passthrough=no comment=PH-mac-clients
/ipv6 firewall mangle add chain=PH-mac-clients protocol=udp src-port=20000-20039 action=change-dscp new-dscp=46 passthrough=no comment=PH-mac-clients
/ipv6 firewall mangle add chain=PH-mac-clients protocol=tcp src-port=20000-20039 action=change-dscp new-dscp=46 passthrough=no comment=PH-mac-clients
