# Marks of what clients sends, where it is attached.
/ip firewall mangle remove [find comment=PH-clients ]
/ipv6 firewall mangle remove [find comment=PH-clients ]
/ip firewall mangle add chain=PH-clients protocol=udp src-port=50000-50019 action=change-dscp new-dscp=46 passthrough=no comment=PH-clients
/ip firewall mangle add chain=PH-clients protocol=tcp src-port=50000-50019 action=change-dscp new-dscp=46 passthrough=no comment=PH-clients
/ip firewall mangle add chain=PH-clients protocol=udp src-port=50020-50039 action=change-dscp new-dscp=34 passthrough=no comment=PH-clients
/ip firewall mangle add chain=PH-clients protocol=tcp src-port=50020-50039 action=change-dscp new-dscp=34 passthrough=no comment=PH-clients
/ip firewall mangle add chain=PH-clients protocol=udp src-port=50040-50059 action=change-dscp new-dscp=18 passthrough=no comment=PH-clients
/ip firewall mangle add chain=PH-clients protocol=tcp src-port=50040-50059 action=change-dscp new-dscp=18 passthrough=no comment=PH-clients
/ip firewall mangle add chain=PH-clients action=change-dscp new-dscp=0 passthrough=no comment=PH-clients
/ip firewall mangle add chain=forward in-interface=bridge1 action=jump jump-target=PH-clients comment=PH-clients
/ipv6 firewall mangle add chain=PH-clients protocol=udp src-port=50000-50019 action=change-dscp new-dscp=46 passthrough=no comment=PH-clients
/ipv6 firewall mangle add chain=PH-clients protocol=tcp src-port=50000-50019 action=change-dscp new-dscp=46 passthrough=no comment=PH-clients
/ipv6 firewall mangle add chain=PH-clients protocol=udp src-port=50020-50039 action=change-dscp new-dscp=34 passthrough=no comment=PH-clients
/ipv6 firewall mangle add chain=PH-clients protocol=tcp src-port=50020-50039 action=change-dscp new-dscp=34 passthrough=no comment=PH-clients
/ipv6 firewall mangle add chain=PH-clients protocol=udp src-port=50040-50059 action=change-dscp new-dscp=18 passthrough=no comment=PH-clients
/ipv6 firewall mangle add chain=PH-clients protocol=tcp src-port=50040-50059 action=change-dscp new-dscp=18 passthrough=no comment=PH-clients
/ipv6 firewall mangle add chain=PH-clients action=change-dscp new-dscp=0 passthrough=no comment=PH-clients
/ipv6 firewall mangle add chain=forward in-interface=bridge1 action=jump jump-target=PH-clients comment=PH-clients
