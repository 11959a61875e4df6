/ip firewall mangle remove [find comment=PH-devices ]
/ipv6 firewall mangle remove [find comment=PH-devices ]
