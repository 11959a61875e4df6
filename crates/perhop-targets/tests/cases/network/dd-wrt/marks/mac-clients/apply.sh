# Enter these lines in the firewall script.
# Marks of what mac-clients sends, where it is attached.
iptables -t mangle -N PH-mac-clients 2> /dev/null || iptables -t mangle -F PH-mac-clients
iptables -t mangle -A PH-mac-clients -p tcp --sport 20000:20039 -j DSCP --set-dscp 46
iptables -t mangle -A PH-mac-clients -p udp --sport 20000:20039 -j DSCP --set-dscp 46
iptables -t mangle -A PH-mac-clients -p tcp --sport 20040:20079 -j DSCP --set-dscp 34
iptables -t mangle -A PH-mac-clients -p udp --sport 20040:20079 -j DSCP --set-dscp 34
iptables -t mangle -A PH-mac-clients -p udp -d 10.20.0.0/16 --sport 20000:20079 -j DSCP --set-dscp 34
ip6tables -t mangle -N PH-mac-clients 2> /dev/null || ip6tables -t mangle -F PH-mac-clients
ip6tables -t mangle -A PH-mac-clients -p tcp --sport 20000:20039 -j DSCP --set-dscp 46
ip6tables -t mangle -A PH-mac-clients -p udp --sport 20000:20039 -j DSCP --set-dscp 46
ip6tables -t mangle -A PH-mac-clients -p tcp --sport 20040:20079 -j DSCP --set-dscp 34
ip6tables -t mangle -A PH-mac-clients -p udp --sport 20040:20079 -j DSCP --set-dscp 34
ip6tables -t mangle -A PH-mac-clients -p udp -d 2001:db8:20::/48 --sport 20000:20079 -j DSCP --set-dscp 34
