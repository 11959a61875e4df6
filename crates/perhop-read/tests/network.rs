//! Marks of network devices and of Linux' packet filter.

use perhop_read::fact::NetMark;
use perhop_read::{FileRead, Format, Input, Reading, What, Words};

fn read(text: &str) -> FileRead {
    let input = Input {
        name: "x",
        bytes: text.as_bytes(),
    };
    let mut reading = Reading::of(&[input], &Words::default());
    assert_eq!(reading.files[0].findings, []);
    reading.files.remove(0)
}

fn marks(file: &FileRead) -> Vec<&NetMark> {
    file.facts
        .iter()
        .map(|fact| match &fact.what {
            What::Mark(mark) => mark,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// Everything that is known of a file, a line each.
fn listing(file: &FileRead) -> Vec<String> {
    let sides = |nets: &[ipnet::IpNet]| {
        let nets: Vec<String> = nets.iter().map(ToString::to_string).collect();
        nets.join("+")
    };
    let places = file
        .facts
        .iter()
        .map(|fact| fact.place.in_file("").replace(':', "") + &fact.place.path);
    let mut out: Vec<String> = places
        .zip(marks(file))
        .map(|(place, mark)| {
            format!(
                "{place} {}{} / {} {} [{}>{}] {} = {}{} on {:?}",
                mark.access_list.as_ref().map_or_else(String::new, |list| {
                    format!("({} {}) ", list.name, list.place.line.unwrap_or_default())
                }),
                mark.list,
                mark.class,
                mark.family_text(),
                sides(&mark.src),
                sides(&mark.dst),
                mark.services_text(),
                mark.dscp_text(),
                if mark.last { "" } else { ", goes on," },
                mark.interfaces
            )
        })
        .collect();
    out.extend(file.left.iter().map(|left| {
        let place = left.place.in_file("").replace(':', "") + &left.place.path;
        format!("left {place} {}: {}", left.text, left.why)
    }));
    out
}

const BY_HAND: &str = "\
Building configuration...

Current configuration : 4211 bytes
!
hostname edge
!
class-map match-any VOICE
  match access-group name VOICE
class-map match-all RTP
  match protocol rtp audio
!
policy-map IN
  class VOICE
   set dscp ef
   police 128000
  class RTP
   set dscp af41
  class class-default
   set dscp default
!
interface GigabitEthernet1/0/1
  service-policy input IN
!
ip access-list extended VOICE
 10 permit udp any range 16384 32767 any
 15 deny udp 10.1.2.0 0.0.0.255 any
 20 permit udp 10.1.0.0 0.0.255.255 host 192.0.2.9 eq 5060
 30 deny   udp any any
end
";

#[test]
fn a_running_configuration() {
    let file = read(BY_HAND);
    assert_eq!(file.format, Format::DeviceConfig);
    let expected = [
        r#"13 (VOICE 25) IN / VOICE IPv4 [>] udp from 16384-32767 = 46 (EF) on ["GigabitEthernet1/0/1"]"#,
        r#"13 (VOICE 27) IN / VOICE IPv4 [10.1.0.0/16>192.0.2.9/32] udp to 5060, not udp from 10.1.2.0/24 = 46 (EF) on ["GigabitEthernet1/0/1"]"#,
        r#"18 IN / class-default both [>] all = 0 (DF) on ["GigabitEthernet1/0/1"]"#,
        "left 10 match protocol rtp audio: in `class-map RTP`, and its effect on marks is not known",
        "left 16 class RTP: in `policy-map IN`, and its effect on marks is not known",
    ];
    assert_eq!(listing(&file), expected);
}

const MATCH_ALL: &str = "\
class-map match-all TRUSTED
 description phones that mark by themselves
 match dscp ef cs5
 match access-group name PHONES
class-map match-all BOTH
 match access-group name PHONES
 match access-group name CALLS
class-map match-all NEVER
 match dscp ef
 match dscp af41
class-map match-any EITHER
 match ip dscp af41
 match access-group name CALLS
class-map match-all DOUBTFUL
 match access-group name CALLS
 match protocol rtp audio
policy-map IN
 class NEVER
  set dscp cs1
 class TRUSTED
  set dscp ef
 class BOTH
  set dscp cs3
 class EITHER
  set dscp af31
 class DOUBTFUL
  set dscp cs2
ip access-list extended PHONES
 deny udp host 10.1.0.9 any
 permit udp 10.1.0.0 0.0.255.255 any
 permit tcp 10.2.0.0 0.0.255.255 any
ip access-list extended CALLS
 permit udp any range 16384 32767 any
 permit udp 10.1.3.0 0.0.0.255 any eq 5060
";

/// Classes of several conditions are intersected; of what has one that is not understood nothing is said.
#[test]
fn classes_of_several_conditions() {
    let expected = [
        "20 (PHONES 30) IN / TRUSTED IPv4 [10.1.0.0/16>] udp, marked 40 (CS5) or 46 (EF), not udp from 10.1.0.9/32 = 46 (EF) on []",
        "20 (PHONES 31) IN / TRUSTED IPv4 [10.2.0.0/16>] tcp, marked 40 (CS5) or 46 (EF) = 46 (EF) on []",
        "22 (PHONES 30) IN / BOTH IPv4 [10.1.0.0/16>] udp from 16384-32767, not udp from 10.1.0.9/32 = 24 (CS3) on []",
        "22 (PHONES 30) IN / BOTH IPv4 [10.1.3.0/24>] udp to 5060, not udp from 10.1.0.9/32 = 24 (CS3) on []",
        "24 IN / EITHER IPv4 [>] all, marked 34 (AF41) = 26 (AF31) on []",
        "24 (CALLS 33) IN / EITHER IPv4 [>] udp from 16384-32767 = 26 (AF31) on []",
        "24 (CALLS 34) IN / EITHER IPv4 [10.1.3.0/24>] udp to 5060 = 26 (AF31) on []",
        "left 16 match protocol rtp audio: in `class-map DOUBTFUL`, and its effect on marks is not known",
        "left 26 class DOUBTFUL: in `policy-map IN`, and its effect on marks is not known",
    ];
    assert_eq!(listing(&read(MATCH_ALL)), expected);
}

#[test]
fn what_is_no_configuration_is_not_taken_for_one() {
    for text in [
        "a letter about the policy-map that we need\n",
        "no policy-map IN\nno class-map match-any VOICE\n",
        "Name,class-map\na,b\n",
    ] {
        assert_eq!(read(text).format, Format::Unknown, "{text}");
    }
    for text in ["{\"nftables\": 1}", "{\"nftable\": []}"] {
        assert_eq!(read(text).format, Format::Unknown, "{text}");
    }
}

/// Each protocol with its ports is in the marks, and nothing is left.
#[test]
fn every_golden_of_cisco_ios_is_understood() {
    for text in [
        include_str!("../../perhop-targets/tests/cases/campus/cisco-ios/marks/clients/apply.ios"),
        include_str!(
            "../../perhop-targets/tests/cases/network/cisco-ios/marks/mac-clients/apply.ios"
        ),
        include_str!("../../perhop-targets/tests/cases/network/cisco-ios/marks/devices/apply.ios"),
    ] {
        let file = read(text);
        assert_eq!(file.format, Format::DeviceConfig);
        assert_eq!(file.left, []);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        // Each group of services is used once.
        let services = lines.iter().filter(|line| {
            line.contains("permit udp ")
                || line.contains("permit tcp ")
                || line.starts_with("udp ")
                || line.starts_with("tcp ")
        });
        let found: usize = marks(&file)
            .iter()
            .map(|mark| {
                let families = mark.families.iter().filter(|family| **family).count();
                families * mark.services.len()
            })
            .sum();
        assert_eq!(found, services.count());
        for fact in &file.facts {
            let What::Mark(mark) = &fact.what else {
                panic!("{fact:?}")
            };
            let line = fact.place.line.expect("text has lines");
            let set = if mark.services.is_empty() {
                assert_eq!(lines[line - 1], "class class-default");
                *lines
                    .iter()
                    .rfind(|line| line.starts_with("set dscp"))
                    .expect("there is one")
            } else {
                assert_eq!(lines[line - 1], format!("class {}", mark.class));
                lines[line]
            };
            let word = set.strip_prefix("set dscp ").expect("a mark");
            let dscp = match word {
                "default" => Some(perhop_policy::Dscp::DF),
                word => perhop_policy::Dscp::from_name(word)
                    .or_else(|| perhop_policy::Dscp::try_new(word.parse().ok()?)),
            };
            assert_eq!(dscp, mark.dscp, "{set}");
        }
    }
}

/// What `nft -j list ruleset` says after the files of two cases were loaded.
#[test]
fn a_ruleset() {
    let file = read(include_str!("fixtures/ruleset.json"));
    assert_eq!(file.format, Format::NftJson);
    let expected: Vec<&str> = include_str!("fixtures/ruleset.txt").lines().collect();
    assert_eq!(listing(&file), expected);
}

#[test]
fn rules_that_are_not_understood_are_listed() {
    let rule = |expr: &str| {
        format!(
            r#"{{"rule":{{"family":"ip","table":"t","chain":"out","handle":1,"expr":[{expr}]}}}}"#
        )
    };
    let mark = r#"{"mangle":{"key":{"payload":{"protocol":"ip","field":"dscp"}},"value":46}}"#;
    let of = |left: &str, right: &str| {
        format!(r#"{{"match":{{"op":"==","left":{left},"right":{right}}}}}"#)
    };
    let port = r#"{"payload":{"protocol":"udp","field":"dport"}}"#;
    let rules = [
        rule(&format!(
            "{},{mark}",
            of(port, "{\"set\":[5060,{\"range\":[7000,7009]}]}")
        )),
        rule(&format!(
            "{},{mark}",
            of("{\"ct\":{\"key\":\"state\"}}", "\"new\"")
        )),
        rule(&format!("{},{{\"accept\":null}}", of(port, "53"))),
        rule(r#"{"mangle":{"key":{"payload":{"protocol":"ip","field":"ttl"}},"value":1}}"#),
        rule(r#"{"counter":{"packets":1,"bytes":2}},{"accept":null}"#),
        rule(mark),
    ];
    let file = read(&format!(
        r#"{{"nftables":[{{"metainfo":{{}}}},{{"flowtable":{{}}}},{{"chain":{{"family":"ip","table":"t","name":"out","hook":"output"}}}},{}]}}"#,
        rules.join(",")
    ));
    let out = listing(&file);
    let shown: Vec<&str> = out
        .iter()
        .map(|line| line.split(": ").last().unwrap_or(line))
        .collect();
    let expected = [
        "nftables[3] ip t out / out IPv4 [>] udp to 5060, udp to 7000-7009 = 46 (EF), goes on, on []",
        "nftables[5] ip t out / out both [>] udp to 53 = kept on []",
        "its effect on marks is not known",
        "a condition that is not understood",
        "it changes something other than the mark",
        "no packets come here by what is understood",
    ];
    assert_eq!(shown, expected);
}

const ROUTEROS: &str = "\
# nov/22/2026 10:00:00 by RouterOS 7.14
# software id = ABCD-EFGH
#
/interface bridge
add name=bridge1
/ip firewall address-list
add address=192.0.2.0/24 comment=\"sip trunks\" list=trunks
add address=pbx.example.test list=trunks
/ip firewall filter
add action=fasttrack-connection chain=forward connection-state=established,related hw-offload=yes
add action=accept chain=forward connection-state=established
/ip firewall mangle
add action=change-dscp chain=postrouting comment=\"set by \\\"hand\\\"\" dscp=26 \\
    new-dscp=24 passthrough=no
add action=jump chain=forward in-interface=ether2 jump-target=media
add action=return chain=media src-address=10.1.9.0/24
add action=change-dscp chain=media new-dscp=46 passthrough=no port=16384-32767 \\
    protocol=udp
add action=jump chain=media dst-address-list=trunks jump-target=sip protocol=tcp
add action=change-dscp chain=sip dst-port=5060,5061 new-dscp=24 protocol=tcp
add action=change-dscp chain=media connection-mark=voice new-dscp=46
add action=mark-packet chain=media new-packet-mark=all passthrough=yes
add action=accept chain=media protocol=udp
add action=change-dscp chain=media disabled=yes new-dscp=8
add action=change-dscp chain=media new-dscp=0
add action=change-dscp chain=spare new-dscp=10 protocol=udp src-port=1-100
set [find comment=x] disabled=yes
/ipv6 firewall mangle
add action=change-dscp chain=forward new-dscp=46 protocol=udp src-address=2001:db8::/32 src-port=50000-50019
";

/// An export of a router that was set up by hand.
#[test]
fn an_export_of_routeros() {
    let file = read(ROUTEROS);
    assert_eq!(file.format, Format::DeviceConfig);
    let expected: Vec<&str> = include_str!("fixtures/routeros.txt").lines().collect();
    assert_eq!(listing(&file), expected);
}

/// What the dashboard gives: with numbers of rules, and without ports where there are none.
#[test]
fn rules_of_meraki() {
    let file = read(
        r#"[
        {"id": "1284392014819", "vlan": 100, "protocol": "UDP", "srcPort": null, "srcPortRange": "50000-50019", "dstPort": null, "dstPortRange": null, "dscp": 46},
        {"id": "1284392014820", "vlan": null, "protocol": "TCP", "srcPort": 5060, "dscp": 24},
        {"id": "1284392014821", "vlan": null, "protocol": "ANY", "dstPortRange": "5060-5061", "dscp": -1},
        {"id": "1284392014822", "vlan": 100, "protocol": "ANY", "dscp": 0},
        {"id": "1284392014823", "vlan": 100, "protocol": "ICMP", "dscp": 8},
        {"id": "1284392014824", "vlan": 5000, "protocol": "UDP", "dscp": 8},
        {"id": "1284392014825", "vlan": 7, "protocol": "UDP", "dscp": 184},
        {"id": "1284392014826", "vlan": 7, "protocol": "UDP", "srcPort": 1, "srcPortRange": "1-2", "dscp": 8},
        {"id": "1284392014827", "vlan": 7, "protocol": "UDP", "when": "noon", "dscp": 8}
        ]"#,
    );
    assert_eq!(file.format, Format::MerakiJson);
    let out = listing(&file);
    let expected = [
        r#"[0] switch rules / rule 1 (1284392014819) both [>] udp from 50000-50019 = 46 (EF) on ["100"]"#,
        r#"[1] switch rules / rule 2 (1284392014820) both [>] tcp from 5060 = 24 (CS3) on []"#,
        r#"[2] switch rules / rule 3 (1284392014821) both [>] udp to 5060-5061, tcp to 5060-5061 = kept on []"#,
        r#"[3] switch rules / rule 4 (1284392014822) both [>] all = 0 (DF) on ["100"]"#,
    ];
    assert_eq!(out[..4], expected);
    let why: Vec<&str> = file.left.iter().map(|left| left.why.as_str()).collect();
    assert_eq!(
        why,
        [
            "its protocol is none of ANY, UDP and TCP",
            "its VLAN is no number from 1 to 4094",
            "its mark is no DSCP",
            "it has a port and a range on one side",
            "it has a member that is not known",
        ]
    );
    let router = read(
        r#"{"defaultRulesEnabled": true, "rules": [
        {"definitions": [{"type": "port", "value": "5060"}], "dscpTagValue": 24, "priority": "high"},
        {"definitions": [{"type": "host", "value": "example.test"}], "dscpTagValue": null}
        ]}"#,
    );
    assert_eq!(router.format, Format::MerakiJson);
    assert_eq!((router.facts.len(), router.left.len()), (0, 1));
    for other in ["[]", "[{\"protocol\": \"UDP\"}]", "{\"rules\": []}"] {
        assert_eq!(read(other).format, Format::Unknown, "{other}");
    }
}

const VYOS: &str = "\
set interfaces ethernet eth1 address '10.1.0.1/16'
set policy route MEDIA interface 'eth1'
set policy route MEDIA rule 20 destination port '5060,5061'
set policy route MEDIA rule 20 protocol 'tcp_udp'
set policy route MEDIA rule 20 set dscp '24'
set policy route MEDIA rule 10 protocol 'udp'
set policy route MEDIA rule 10 set dscp '46'
set policy route MEDIA rule 10 source address '10.1.0.0/16'
set policy route MEDIA rule 10 source port '50000-50019'
set policy route MEDIA rule 30 protocol 'udp'
set policy route MEDIA rule 30 set table '10'
set policy route MEDIA rule 40 fragment 'match-non-frag'
set policy route MEDIA rule 40 set dscp '8'
set policy route MEDIA rule 50 disable
set policy route MEDIA rule 50 set dscp '8'
set policy route MEDIA rule 60 set dscp '0'
set policy route MEDIA rule 70 source port '7'
set policy route6 MEDIA6 rule 10 destination address '2001:db8::1'
set policy route6 MEDIA6 rule 10 protocol 'udp'
set policy route6 MEDIA6 rule 10 set dscp '46'
delete policy route OLD
";

/// `show configuration commands` of a router that was set up by hand.
#[test]
fn policy_routes_of_vyos() {
    let file = read(VYOS);
    assert_eq!(file.format, Format::DeviceConfig);
    let expected = [
        r#"6 MEDIA / rule 10 IPv4 [10.1.0.0/16>] udp from 50000-50019 = 46 (EF) on ["eth1"]"#,
        r#"3 MEDIA / rule 20 IPv4 [>] udp to 5060, udp to 5061, tcp to 5060, tcp to 5061 = 24 (CS3) on ["eth1"]"#,
        r#"10 MEDIA / rule 30 IPv4 [>] udp = kept on ["eth1"]"#,
        r#"16 MEDIA / rule 60 IPv4 [>] all = 0 (DF) on ["eth1"]"#,
        r#"18 MEDIA6 / rule 10 IPv6 [>2001:db8::1/128] udp = 46 (EF) on []"#,
        "left 12 set policy route MEDIA rule 40 fragment 'match-non-frag': a part of a rule that is not understood, so its mark is not known",
        "left 17 MEDIA: ports without a protocol that has them",
        "left 21 delete policy route OLD: only lines that set something are read",
    ];
    assert_eq!(listing(&file), expected);
}

/// A rule of nftables by the mark that packets have, and a term of Junos that no packet meets.
#[test]
fn marks_that_packets_have_and_ports_that_none_has() {
    let file = read(
        r#"{"nftables":[{"chain":{"family":"ip","table":"t","name":"out","hook":"output"}},
        {"rule":{"family":"ip","table":"t","chain":"out","handle":1,"expr":[
            {"match":{"op":"==","left":{"payload":{"protocol":"ip","field":"dscp"}},"right":{"set":["ef",40]}}},
            {"mangle":{"key":{"payload":{"protocol":"ip","field":"dscp"}},"value":34}}]}}]}"#,
    );
    assert_eq!(
        listing(&file),
        [
            "nftables[1] ip t out / out IPv4 [>] all, marked 46 (EF) or 40 (CS5) = 34 (AF41), goes on, on []"
        ]
    );
    let term = "set firewall family inet filter F term";
    let rewrite = "set class-of-service rewrite-rules dscp R forwarding-class v loss-priority low code-point ef";
    let file = read(&format!(
        "{term} none from port 5060\n{term} none from source-port 1-2\n{term} none from destination-port 3-4\n\
         {term} none then forwarding-class v\n{term} some from port 5060\n{term} some from source-port 5000-6000\n\
         {term} some from destination-port 3-4\n{term} some then forwarding-class v\n{rewrite}\n"
    ));
    let marks = marks(&file);
    assert_eq!(marks.len(), 1);
    assert_eq!(
        marks[0].services_text(),
        "udp from 5060 to 3-4, tcp from 5060 to 3-4"
    );
}

const NFT: &str = "\
#!/usr/sbin/nft -f
flush ruleset
table ip mangle {
\tset trunks { type ipv4_addr; flags interval
\t\telements = { 192.0.2.0/24, 198.51.100.7 }
\t}
\tcounter c { packets 1 bytes 2 }
\tchain out {
\t\ttype route hook output priority mangle - 1; policy accept;
\t\toifname \"eth1\" udp sport 1-2 ip dscp set ef
\t\tip daddr @trunks udp dport { 5060, 5061, 7000-7009 } counter packets 3 bytes 4 ip dscp set cs3 comment \"sip; trunks\"
\t\ttcp dport sip ip dscp set cs3
\t\tmeta skuid 1000 ip dscp set af41
\t\tip dscp ef accept; jump rest
\t}
\tchain rest { ip dscp set 0x08 return }
}
add rule ip mangle out ip dscp set cs1
table inet other {
\tflowtable f { hook ingress priority 0; devices = { eth0 }; }
";

/// A file for `nft -f` that was written by hand.
#[test]
fn a_ruleset_as_text() {
    let file = read(NFT);
    assert_eq!(file.format, Format::NftText);
    let expected: Vec<&str> = include_str!("fixtures/ruleset-text.txt").lines().collect();
    assert_eq!(listing(&file), expected);
}
