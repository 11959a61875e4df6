# Enter these lines in the firewall script.
# Marks of what clients sends, where it is attached.
iptables -t mangle -N PH-clients 2> /dev/null || iptables -t mangle -F PH-clients
iptables -t mangle -A PH-clients -p tcp --sport 50040:50059 -j DSCP --set-dscp 18
iptables -t mangle -A PH-clients -p udp --sport 50040:50059 -j DSCP --set-dscp 18
iptables -t mangle -A PH-clients -p tcp --sport 50020:50039 -j DSCP --set-dscp 34
iptables -t mangle -A PH-clients -p udp --sport 50020:50039 -j DSCP --set-dscp 34
iptables -t mangle -A PH-clients -p tcp --sport 50000:50019 -j DSCP --set-dscp 46
iptables -t mangle -A PH-clients -p udp --sport 50000:50019 -j DSCP --set-dscp 46
ip6tables -t mangle -N PH-clients 2> /dev/null || ip6tables -t mangle -F PH-clients
ip6tables -t mangle -A PH-clients -p tcp --sport 50040:50059 -j DSCP --set-dscp 18
ip6tables -t mangle -A PH-clients -p udp --sport 50040:50059 -j DSCP --set-dscp 18
ip6tables -t mangle -A PH-clients -p tcp --sport 50020:50039 -j DSCP --set-dscp 34
ip6tables -t mangle -A PH-clients -p udp --sport 50020:50039 -j DSCP --set-dscp 34
ip6tables -t mangle -A PH-clients -p tcp --sport 50000:50019 -j DSCP --set-dscp 46
ip6tables -t mangle -A PH-clients -p udp --sport 50000:50019 -j DSCP --set-dscp 46
