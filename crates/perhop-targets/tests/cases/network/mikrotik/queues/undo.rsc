/queue tree remove [find comment=PHQ ]
/ip firewall mangle remove [find comment=PHQ ]
/ipv6 firewall mangle remove [find comment=PHQ ]
