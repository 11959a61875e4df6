//! What people do on Windows hosts, whatever brings the policies there.

use perhop_policy::Role;

use crate::target::order;

/// The place of a role's policies among all steps.
#[must_use]
pub const fn order_of(role: Role) -> u16 {
    match role {
        Role::Server | Role::VoiceMail => order::SERVER_POLICY,
        Role::Edge => order::EDGE_POLICY,
        Role::Client => order::CLIENT_POLICY,
        Role::Phone => order::DEVICES,
    }
}

/// The hosts of a scope, with the rights that are needed there.
#[must_use]
pub fn hosts(scope: &str, role: Role) -> String {
    let kind = match role {
        Role::Client => "every client computer",
        Role::Server => "every server",
        Role::Edge => "every Edge Server",
        Role::VoiceMail => "every voice-mail server",
        Role::Phone => "every phone",
    };
    format!("{kind} of `{scope}`, as administrator")
}

/// Makes a host take new policies.
#[must_use]
pub fn refresh() -> Vec<String> {
    vec!["gpupdate /target:computer /force".to_owned()]
}

/// How to see on a host that policies are there.
#[must_use]
pub fn checks() -> Vec<String> {
    vec![
        "`Get-NetQosPolicy -PolicyStore ActiveStore` lists the policies with their DSCP (Windows 8 and Server 2012 or later)".to_owned(),
        "event log `Microsoft-Windows-Policy-based QoS/Operational`: event 2 says that changes were found; 12 that the \
         domain restriction is off; 102 to 110 and 200 to 213 name a policy that was not applied, and why (Windows 7 and \
         Server 2008 R2: System log, 16501, 16512, 16602 to 16611, 16700 to 16713)"
            .to_owned(),
    ]
}

/// What else to know after new policies.
#[must_use]
pub fn notes(nla: bool) -> Vec<String> {
    let mut out = vec![
        "Applications that are running keep the marks of their open sockets: restart them.".to_owned(),
        "Bring policies to a host in one way only; other targets of this plan write the same policies.".to_owned(),
    ];
    if nla {
        out.push(
            "The switch `Do not use NLA` lets policies work outside the domain too; restart the host after it was set for the first time."
                .to_owned(),
        );
    }
    out
}
