# Enter these lines once, and take the others out of the firewall script.
iptables -t mangle -F PH-clients
iptables -t mangle -X PH-clients
ip6tables -t mangle -F PH-clients
ip6tables -t mangle -X PH-clients
