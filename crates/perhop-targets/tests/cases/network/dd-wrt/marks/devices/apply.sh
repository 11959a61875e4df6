# Enter these lines in the firewall script.
# Marks of what devices sends, where it is attached.
iptables -t mangle -N PH-devices 2> /dev/null || iptables -t mangle -F PH-devices
iptables -t mangle -A PH-devices -p udp -d 10.30.0.0/24 --dport 30000:40000 -j DSCP --set-dscp 34
