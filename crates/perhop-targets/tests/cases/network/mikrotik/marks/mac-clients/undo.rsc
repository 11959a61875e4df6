/ip firewall mangle remove [find comment=PH-mac-clients ]
/ipv6 firewall mangle remove [find comment=PH-mac-clients ]
