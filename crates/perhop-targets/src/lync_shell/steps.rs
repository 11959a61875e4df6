//! What administrators do with the scripts, in the order that works (uc-platforms 2).

use perhop_policy::{ProducerKind, Subject};

use super::tells;
use crate::cs_shell::model::Entry;
use crate::cs_shell::settings::{CONFERENCING, MEDIA, PHONES};
use crate::target::{Step, order};

pub(super) fn of(entries: &[Entry]) -> Vec<Step> {
    if entries.is_empty() {
        return Vec::new();
    }
    let has = |noun: &str| entries.iter().any(|entry| entry.noun == noun);
    let mut out = vec![save()];
    if entries.iter().any(|entry| entry.kind().is_service) {
        out.push(servers(entries));
        out.push(restart(entries));
    }
    if has(CONFERENCING) {
        out.push(clients(entries));
    }
    if has(MEDIA) || has(PHONES) {
        out.push(devices(has(MEDIA), has(PHONES)));
    }
    out
}

fn save() -> Step {
    Step {
        order: order::SAVE,
        title: "Save the current values and see what would change".to_owned(),
        place: SHELL.to_owned(),
        commands: lines(&[
            r".\lync-shell\apply.ps1 -SaveOnly",
            r".\lync-shell\apply.ps1 -WhatIf",
        ]),
        check: lines(&[
            r"`lync-shell\saved\001` holds `values.clixml`, `objects.clixml` and `objects.txt`",
        ]),
        undo: Vec::new(),
        notes: lines(&[
            "Keep the folder: `undo.ps1` puts back what is in it. Every later run that changes something saves again, in `002` and so on.",
            "The scripts are not signed; where the execution policy asks for a signature, sign them.",
        ]),
    }
}

fn servers(entries: &[Entry]) -> Step {
    let mut notes = lines(&[
        "Only values that differ are set. A service that is made later has the defaults: run the script again then.",
    ]);
    if tells(entries, &ProducerKind::MediaRelay) {
        notes.push(
            "The edge range is the external one; it is never marked, and firewalls and partners assume 50000 to 59999."
                .to_owned(),
        );
    }
    Step {
        order: order::SERVER_RANGES,
        title: "Set the port ranges of the servers".to_owned(),
        place: SHELL.to_owned(),
        commands: lines(&[r".\lync-shell\apply.ps1 -Only Servers"]),
        check: lines(&[r"`.\lync-shell\check.ps1 -Only Servers` ends with exit code 0"]),
        undo: lines(&[
            r"`.\lync-shell\undo.ps1 -Only Servers`, then restart the services as in the next step",
        ]),
        notes,
    }
}

fn restart(entries: &[Entry]) -> Step {
    let mut notes = lines(&[
        "This ends the calls that a service carries. Do it in a quiet hour, one server of a pool after the other.",
    ]);
    if tells(entries, &ProducerKind::WebService) {
        notes.push(
            "Which Windows service takes up the web service's range is not documented; it is not in the list."
                .to_owned(),
        );
    }
    if tells(entries, &ProducerKind::ApplicationPool) {
        notes.push(
            "Trusted applications are not Windows services of the product: restart them by their own means."
                .to_owned(),
        );
    }
    Step {
        order: order::RESTART,
        title: "Restart the services whose ports changed".to_owned(),
        place: "each server, in its Management Shell, as an administrator".to_owned(),
        commands: lines(&[
            r".\lync-shell\restart.ps1",
            r".\lync-shell\restart.ps1 -Restart",
        ]),
        check: lines(&[r"`.\lync-shell\restart.ps1` lists the services as `Running`"]),
        undo: lines(&["when the ranges were taken back, restart the services again"]),
        notes,
    }
}

fn clients(entries: &[Entry]) -> Step {
    let mut notes = lines(&[
        "Without the switch `ClientMediaPortRangeEnabled` clients use any port from 1024 to 65535, whatever the ranges say; the script sets it.",
        "An object of a site or a service hides the one of everyone. The script warns about those that are not in the plan.",
    ]);
    let own = entries
        .iter()
        .any(|entry| entry.noun == CONFERENCING && entry.subject != Subject::Global);
    if own {
        notes.push(
            "An object for a site or a service is made when there is none, and the undo removes it again."
                .to_owned(),
        );
    }
    Step {
        order: order::CLIENT_RANGES,
        title: "Set the port ranges of the clients".to_owned(),
        place: SHELL.to_owned(),
        commands: lines(&[r".\lync-shell\apply.ps1 -Only Clients"]),
        check: lines(&[
            r"`.\lync-shell\check.ps1 -Only Clients` ends with exit code 0",
            "after signing out and in, the client uses ports of its ranges",
        ]),
        undo: lines(&[r"`.\lync-shell\undo.ps1 -Only Clients`, then users sign out and in"]),
        notes,
    }
}

fn devices(media: bool, phones: bool) -> Step {
    let mut notes = Vec::new();
    if media {
        notes.push(
            "The switch for devices does not set their DSCP, and Windows computers of today do not need it.".to_owned(),
        );
    }
    if phones {
        notes.push("Phones take up their mark when they restart.".to_owned());
        notes.push(
            "`Voice8021p` has no effect on phones of 2013 and later; it is there for older ones."
                .to_owned(),
        );
    }
    Step {
        order: order::DEVICES,
        title: "Tell phones and other devices to mark".to_owned(),
        place: SHELL.to_owned(),
        commands: lines(&[r".\lync-shell\apply.ps1 -Only Devices"]),
        check: lines(&[r"`.\lync-shell\check.ps1 -Only Devices` ends with exit code 0"]),
        undo: lines(&[r"`.\lync-shell\undo.ps1 -Only Devices`, then restart the phones"]),
        notes,
    }
}

fn lines(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

const SHELL: &str = "Lync Server or Skype for Business Server Management Shell, as an administrator of the deployment";
