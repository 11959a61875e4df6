# Enter these lines once, and take the others out of the firewall script.
iptables -t mangle -F PH-devices
iptables -t mangle -X PH-devices
