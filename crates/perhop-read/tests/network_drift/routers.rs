//! Drift of marks in RouterOS and in Meraki's switches.

use perhop_read::audit::{Audit, State};

use crate::audited::{audited, grave, states};

const PLAN: &str = r#"plan = "Campus"
platforms = ["lync-2013"]
[class]
audio = { dscp = "EF" }
video = { dscp = "AF41" }
[clients.ports]
audio = "50000-50019"
video = "50020-50039"
[target.mikrotik]
mark = ["clients"]
access = ["clients=ether2"]
accept = ["wider.application"]
[target.vyos]
mark = ["clients"]
access = ["clients=eth1"]
accept = ["wider.application"]
[target.meraki]
mark = ["clients"]
access = ["clients=100", "clients=101"]
unplanned = "reset"
accept = ["wider.application"]
"#;

const ROUTER: &str = "\
/ip firewall mangle
add action=jump chain=forward in-interface=ether2 jump-target=qos
add action=change-dscp chain=qos new-dscp=46 protocol=udp src-port=50000-50019
add action=change-dscp chain=qos new-dscp=46 protocol=tcp src-port=50000-50019
add action=change-dscp chain=qos new-dscp=34 protocol=udp src-port=50020-50039
add action=change-dscp chain=qos new-dscp=34 protocol=tcp src-port=50020-50039
/ipv6 firewall mangle
add action=jump chain=forward in-interface=ether2 jump-target=qos
add action=change-dscp chain=qos new-dscp=46 protocol=udp src-port=50000-50019
add action=change-dscp chain=qos new-dscp=46 protocol=tcp src-port=50000-50019
add action=change-dscp chain=qos new-dscp=34 protocol=udp src-port=50020-50039
add action=change-dscp chain=qos new-dscp=34 protocol=tcp src-port=50020-50039
";

/// Policy routes of both families, as `show configuration commands` has them.
fn vyos() -> String {
    let mut out = String::new();
    for (route, list) in [("route", "QOS"), ("route6", "QOS6")] {
        let rules = [(10, "50000-50019", 46), (20, "50020-50039", 34)];
        for (number, ports, dscp) in rules {
            let rule = format!("set policy {route} {list} rule {number}");
            out.push_str(&format!(
                "{rule} protocol 'tcp_udp'\n{rule} set dscp '{dscp}'\n{rule} source port '{ports}'\n"
            ));
        }
        out.push_str(&format!("set policy {route} {list} interface 'eth1'\n"));
    }
    out
}

/// The rules of two VLANs, as the dashboard gives them.
fn switch() -> String {
    let mut rules = Vec::new();
    for vlan in [100, 101] {
        for (ports, dscp) in [("50000-50019", 46), ("50020-50039", 34)] {
            for protocol in ["UDP", "TCP"] {
                rules.push(format!(
                    "{{\"id\": \"{vlan}{dscp}\", \"vlan\": {vlan}, \"protocol\": \"{protocol}\", \"srcPort\": null, \"srcPortRange\": \"{ports}\", \"dscp\": {dscp}}}"
                ));
            }
        }
        rules.push(format!(
            "{{\"id\": \"{vlan}0\", \"vlan\": {vlan}, \"protocol\": \"ANY\", \"dscp\": 0}}"
        ));
    }
    format!("[{}]", rules.join(",\n"))
}

fn is_as_planned(audit: &Audit) {
    assert_eq!(told(audit), []);
    assert_eq!(states(audit), [State::Ok; 2]);
}

/// Code and message of what is graver than information.
fn told(audit: &Audit) -> Vec<(&'static str, &str)> {
    let all = grave(audit).into_iter();
    all.map(|one| (one.code, one.message.as_str())).collect()
}

/// A changed file gives these findings and no other.
fn gives(file: &str, findings: &[(&str, &str)]) {
    let audit = audited(PLAN, file);
    assert_eq!(told(&audit), findings);
}

fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

#[test]
fn a_router() {
    is_as_planned(&audited(PLAN, ROUTER));
    gives(
        &changed(ROUTER, "new-dscp=46", "new-dscp=40"),
        &[(
            "audit/other-mark",
            "part of `clients/lync-2013/audio` is to be 46 (EF), and `qos` of `forward` marks 40 (CS5)",
        )],
    );
    // A rule before the chain that takes its packets, and one behind it that sets them anew.
    let head = "/ip firewall mangle\n";
    let before =
        format!("{head}add action=accept chain=forward protocol=udp src-port=50020-50039\n");
    gives(
        &changed(ROUTER, head, &before),
        &[(
            "audit/unmarked",
            "part of `clients/lync-2013/video` is not marked: `forward` of `forward` takes it and sets no mark",
        )],
    );
    for (dscp, rules) in [("dscp=46", 1), ("dscp=0", 0), ("", 2)] {
        let behind = format!(
            "/ip firewall mangle\nadd action=change-dscp chain=postrouting new-dscp=8 protocol=tcp {dscp}\n"
        );
        let found = audited(PLAN, &format!("{ROUTER}{behind}"));
        let other = found
            .findings
            .iter()
            .filter(|one| one.code == "audit/other-mark");
        assert_eq!(other.count(), rules, "{dscp}");
    }
    gives(
        &ROUTER.replace("in-interface=ether2", "in-interface=ether3"),
        &[
            (
                "audit/other-ports",
                "`clients/lync-2013/audio` is not marked: `qos` of `forward` is for udp from 50000-50019",
            ),
            (
                "audit/other-ports",
                "`clients/lync-2013/video` is not marked: `qos` of `forward` is for udp from 50020-50039",
            ),
            (
                "audit/not-attached",
                "`forward` is not attached to ether2, where hosts of `clients` are",
            ),
        ],
    );
}

#[test]
fn a_router_with_policy_routes() {
    let router = vyos();
    is_as_planned(&audited(PLAN, &router));
    gives(
        &changed(&router, "set dscp '46'", "set dscp '40'"),
        &[(
            "audit/other-mark",
            "part of `clients/lync-2013/audio` is to be 46 (EF), and `rule 10` of `QOS` marks 40 (CS5)",
        )],
    );
    let audit = audited(PLAN, &changed(&router, "set dscp '46'", "set dscp '40'"));
    let found = audit
        .findings
        .iter()
        .find(|one| one.code == "audit/other-mark");
    assert_eq!(
        found.map(|one| one.commands.as_slice()),
        Some(&["set policy route QOS rule 10 set dscp 46".to_owned()][..])
    );
    // A rule with a lower number takes the packets first.
    let first =
        "set policy route QOS rule 5 protocol 'udp'\nset policy route QOS rule 5 set table '7'\n";
    let audit = audited(PLAN, &format!("{router}{first}"));
    assert_eq!(
        told(&audit),
        [
            (
                "audit/unmarked",
                "part of `clients/lync-2013/audio` is not marked: `rule 5` of `QOS` takes it and sets no mark",
            ),
            (
                "audit/unmarked",
                "part of `clients/lync-2013/video` is not marked: `rule 5` of `QOS` takes it and sets no mark",
            ),
        ]
    );
    gives(
        &router.replace("interface 'eth1'", "interface 'eth2'"),
        &[
            (
                "audit/not-attached",
                "`QOS` is not attached to eth1, where hosts of `clients` are",
            ),
            (
                "audit/not-attached",
                "`QOS6` is not attached to eth1, where hosts of `clients` are",
            ),
        ],
    );
}

#[test]
fn a_switch() {
    let switch = switch();
    is_as_planned(&audited(PLAN, &switch));
    gives(
        &changed(&switch, "\"dscp\": 34", "\"dscp\": -1"),
        &[(
            "audit/unmarked",
            "part of `clients/lync-2013/video` is not marked: `rule 3 (10034)` of `switch rules` takes it and sets no mark",
        )],
    );
    gives(
        &switch.replace("\"vlan\": 101", "\"vlan\": 102"),
        &[(
            "audit/not-attached",
            "no rule is for VLAN 101, where hosts of `clients` are",
        )],
    );
    // What is for every VLAN and stands first takes the packets.
    gives(
        &changed(
            &switch,
            "[",
            "[{\"vlan\": null, \"protocol\": \"UDP\", \"srcPortRange\": \"50000-50019\", \"dscp\": 40},",
        ),
        &[(
            "audit/other-mark",
            "part of `clients/lync-2013/audio` is to be 46 (EF), and `rule 1` of `switch rules` marks 40 (CS5)",
        )],
    );
    gives(
        &changed(
            &switch,
            "{\"id\": \"1010\", \"vlan\": 101, \"protocol\": \"ANY\", \"dscp\": 0}",
            "{\"vlan\": 7, \"protocol\": \"ANY\", \"dscp\": 0}",
        ),
        &[(
            "audit/not-reset",
            "`switch rules of VLAN 101` leaves the marks of packets that no rule is about, and the plan resets them",
        )],
    );
}
