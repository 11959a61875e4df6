/ip firewall mangle remove [find comment=PH-clients ]
/ipv6 firewall mangle remove [find comment=PH-clients ]
