# Enter these lines once, and take the others out of the firewall script.
iptables -t mangle -F PH-mac-clients
iptables -t mangle -X PH-mac-clients
ip6tables -t mangle -F PH-mac-clients
ip6tables -t mangle -X PH-mac-clients
