//! Registry.pol for local Group Policy, where there are no preferences: the NLA switch is in it.

use crate::syntax::regpol::{self, Record};
use crate::target::Step;
use crate::windows_policy::{NLA_KEY, NLA_VALUE, POLICY_KEY, Section, VALUE_NAMES, steps};

/// The records of a section's policies.
pub(super) fn records(section: &Section) -> Vec<Record> {
    let mut out = Vec::new();
    for policy in &section.policies {
        for (value, data) in VALUE_NAMES.iter().zip(policy.values()) {
            out.push(text(
                &format!(r"{POLICY_KEY}\{}", policy.name),
                value,
                &data,
            ));
        }
    }
    out
}

/// The file that sets the policies.
pub(super) fn apply(section: &Section, nla: bool) -> Vec<u8> {
    let mut records = records(section);
    if nla {
        records.push(text(NLA_KEY, NLA_VALUE, "1"));
    }
    regpol::write(&records)
}

/// The file that takes them back: `**delvals.` empties a key, `**del.NAME` deletes a value; both have one space as data,
/// as files in the field have it.
pub(super) fn undo(section: &Section, nla: bool) -> Vec<u8> {
    let mut records: Vec<Record> = section
        .policies
        .iter()
        .map(|policy| text(&format!(r"{POLICY_KEY}\{}", policy.name), "**delvals.", " "))
        .collect();
    if nla {
        records.push(text(NLA_KEY, &format!("**del.{NLA_VALUE}"), " "));
    }
    regpol::write(&records)
}

/// The folder of the scope whose policies a path holds.
pub(super) fn folder_of(path: &str) -> Option<&str> {
    let folder = path
        .strip_prefix("windows-gpo/local/")?
        .strip_suffix("/Registry.pol")?;
    (!folder.contains('/')).then_some(folder)
}

/// What is done on hosts that are not joined to the domain.
pub(super) fn step(section: &Section, nla: bool) -> Step {
    let folder = format!(r".\windows-gpo\local\{}", section.folder);
    let mut check = vec![format!(r"`{folder}\check.ps1` says `ok` for every policy")];
    check.extend(steps::checks());
    let mut notes = steps::notes(nla);
    notes.push(
        "LGPO.exe is part of Microsoft's Security Compliance Toolkit; without it, use `windows-reg` for these hosts."
            .to_owned(),
    );
    notes.push(
        "Edge Servers are not joined to the domain, so this is local policy. Where they are, `import.ps1` takes the object too."
            .to_owned(),
    );
    notes.push(
        "Mark on the internal side only: the policies name the internal addresses.".to_owned(),
    );
    let mut commands = vec![format!(r"LGPO.exe /m {folder}\Registry.pol")];
    commands.extend(steps::refresh());
    Step {
        order: steps::order_of(section.role),
        title: format!(
            "Set the policies of `{}` in local Group Policy",
            section.scope
        ),
        place: steps::hosts(&section.scope, section.role),
        commands,
        check,
        undo: vec![
            format!(
                r"`LGPO.exe /m {folder}\undo\Registry.pol`, then `gpupdate /target:computer /force`"
            ),
            format!(
                r"`reg.exe import {folder}\undo\undo-keys.reg` deletes the policy keys, which are empty then"
            ),
        ],
        notes,
    }
}

fn text(key: &str, value: &str, data: &str) -> Record {
    Record::text(key, value, data).expect("checked: no NUL, far below 65535 bytes")
}
