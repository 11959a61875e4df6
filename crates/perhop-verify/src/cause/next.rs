//! The next thing to check: commands, chosen by what the plan is about and by the kind of host.

use perhop_policy::{Family, Host, PolicySet, Role, Scope};

/// Whether the plan configures something of a system.
pub(crate) fn has(policy: &PolicySet, family: Family) -> bool {
    policy.producers().iter().any(|one| one.family == family)
}

/// Where the clients' port ranges are delivered from.
pub(crate) fn client_ranges(policy: &PolicySet) -> String {
    let mut steps = Vec::new();
    if has(policy, Family::LyncServer) {
        steps.push(
            "run `Get-CsConferencingConfiguration` and look at `ClientMediaPortRangeEnabled` and the ranges of every \
             object, as a site or service object hides Global; then have the users sign out and in again",
        );
    }
    if has(policy, Family::Teams) {
        steps.push(
            "run `Get-CsTeamsMeetingConfiguration` and look at `ClientMediaPortRangeEnabled` and the ranges",
        );
    }
    if steps.is_empty() {
        steps.push("look at the port settings of the sending application");
    }
    steps.join("; ")
}

/// Where the servers' port ranges are set.
pub(crate) fn server_ranges(policy: &PolicySet) -> String {
    if has(policy, Family::LyncServer) {
        "run `Get-CsService -ConferencingServer`, `-ApplicationServer` and `-MediationServer`, compare port start and \
         count, and restart the services whose ports were changed"
            .to_owned()
    } else {
        "look at the port settings of the sending service".to_owned()
    }
}

/// The marking policy on a kind of host.
pub(crate) fn marking(scope: &Scope) -> String {
    match (scope.host, scope.role) {
        (Host::Windows, Role::Edge) => {
            "on the Edge run `Get-NetQosPolicy -PolicyStore ActiveStore`; its policies have to match destination ports, \
             and `Do not use NLA` under `HKLM\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\QoS` has to be the text `1`"
                .to_owned()
        }
        (Host::Windows, _) => {
            "on such a host run `gpresult /r` and `Get-NetQosPolicy -PolicyStore ActiveStore`, and read `Do not use NLA` \
             under `HKLM\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\QoS` (it has to be the text `1`)"
                .to_owned()
        }
        (Host::Linux, _) => {
            "on such a host look at `nft list ruleset` and `tc filter show dev INTERFACE`, and at the mark the application sets by itself"
                .to_owned()
        }
        (Host::Appliance, Role::Phone) => phones(),
        (Host::MacOs | Host::Appliance, _) => {
            "look at the marking settings of the device, or at the port of the switch that is to mark for it"
                .to_owned()
        }
    }
}

/// What the marking policies on a kind of host say, where there are some but they say something else.
pub(crate) fn values(scope: &Scope) -> String {
    match (scope.host, scope.role) {
        (Host::Windows, _) => {
            "on such a host compare the port ranges and DSCP values of `Get-NetQosPolicy -PolicyStore ActiveStore` with the \
             plan, and look for a policy of another origin (`gpresult /r`)"
                .to_owned()
        }
        (Host::Linux, _) => {
            "on such a host compare the ports and marks of `nft list ruleset` and `tc filter show dev INTERFACE` with the \
             plan, and look at the mark the application sets by itself"
                .to_owned()
        }
        (Host::Appliance, Role::Phone) => phones(),
        (Host::MacOs | Host::Appliance, _) => {
            "compare the marking settings of the device, or of the switch that marks for it, with the plan"
                .to_owned()
        }
    }
}

/// What phones are told.
pub(crate) fn phones() -> String {
    "run `Get-CsUCPhoneConfiguration` and look at `VoiceDiffServTag` of every object, then restart the phones".to_owned()
}

/// Which program sends.
pub(crate) fn process(scope: &Scope) -> String {
    match scope.host {
        Host::Windows => {
            "on such a host find the program that owns the port (`Get-NetUDPEndpoint`, `netstat -abno`) and compare its \
             file name with the application of the policies in `Get-NetQosPolicy -PolicyStore ActiveStore`"
                .to_owned()
        }
        Host::Linux => "on such a host find the program that owns the port with `ss -aunp` or `ss -atnp`".to_owned(),
        Host::MacOs | Host::Appliance => "find out which program or device sends from the port".to_owned(),
    }
}

/// The path before the capture point.
pub(crate) const PATH: &str = "capture the same traffic at the sender's switch port and verify that capture with the \
     vantage `sender`: if the mark is there, look for an untrusted port, a wireless controller, a firewall, a VPN or a \
     provider between the two points";

/// A capture on the sending host.
pub(crate) const WIRE: &str =
    "capture on a mirror port or at the receiver, where the packets have left the sending host";

/// The two ends of a tunnel.
pub(crate) const TUNNEL: &str = "it should copy the inner one (the uniform model), or the network should be told to trust \
     the tunnel's own mark";
