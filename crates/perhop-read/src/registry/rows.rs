//! From registry values to facts.

use perhop_policy::Severity;
use perhop_targets::suggest;
use perhop_targets::windows_policy::{NLA_KEY, NLA_VALUE, POLICY_KEY, VALUE_NAMES};

use crate::codes;
use crate::fact::{Fact, What};
use crate::finding::{Finding, Layer};
use crate::place::Place;
use crate::policy::{Raw, values};
use crate::reading::FileRead;

/// One value, or what is done to one.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Below `HKEY_CURRENT_USER`, not `HKEY_LOCAL_MACHINE`.
    pub(crate) user: bool,
    /// The key, without hive.
    pub(crate) key: String,
    /// The value's name.
    pub(crate) name: String,
    /// What is done.
    pub(crate) action: Action,
    /// Where.
    pub(crate) place: Place,
}

/// What is done to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// It is set.
    Set {
        /// Registry type.
        kind: &'static str,
        /// Data as text.
        data: String,
    },
    /// It is deleted.
    Delete,
    /// All values of the key are deleted, or the key is.
    DeleteAll,
    /// The key is made, or something else that sets nothing.
    Other,
}

/// Adds what rows say to a file's facts. Values that are not about QoS are counted.
pub(crate) fn facts(file: &mut FileRead, rows: Vec<Row>) {
    let mut policies: Vec<Key> = Vec::new();
    let mut others = 0usize;
    for row in rows {
        match place_of(&row.key) {
            Where::Policy(name) => {
                let name = name.to_owned();
                gather(file, &mut policies, &name, row);
            }
            Where::QosKey => qos_key(file, row),
            Where::NlaKey => nla_key(file, row),
            Where::Setting(meaning) => setting(file, row, meaning),
            Where::Deeper => file.leave(
                row.place,
                row.key,
                "keys below a policy's own mean nothing to Windows",
            ),
            Where::Elsewhere => others += 1,
        }
    }
    for key in policies {
        let (policy, findings) = values::policy(&key.name, key.user, key.raws, &key.place);
        file.facts.push(Fact {
            place: key.place,
            layer: Layer::Match,
            what: What::Policy(policy),
        });
        file.findings.extend(findings);
    }
    if others > 0 {
        let text = format!("{others} other registry values");
        file.leave(Place::default(), text, "they are not about QoS");
        if let Some(last) = file.left.last_mut() {
            last.place.file = file.facts.first().map_or(0, |fact| fact.place.file);
        }
    }
}

/// A policy's key.
struct Key {
    name: String,
    user: bool,
    raws: Vec<Raw>,
    place: Place,
}

enum Where<'a> {
    Policy(&'a str),
    QosKey,
    NlaKey,
    Setting(&'static str),
    Deeper,
    Elsewhere,
}

fn place_of(key: &str) -> Where<'_> {
    if let Some(rest) = below(key, POLICY_KEY) {
        return match rest {
            "" => Where::QosKey,
            name if name.contains('\\') => Where::Deeper,
            name => Where::Policy(name),
        };
    }
    if below(key, NLA_KEY) == Some("") {
        return Where::NlaKey;
    }
    SETTINGS
        .iter()
        .find(|(known, _)| below(key, known).is_some())
        .map_or(Where::Elsewhere, |(_, meaning)| Where::Setting(meaning))
}

/// What follows a key in a path, without a leading backslash; names compare without case.
fn below<'a>(path: &'a str, key: &str) -> Option<&'a str> {
    let head = path.get(..key.len())?;
    let rest = &path[key.len()..];
    if !head.eq_ignore_ascii_case(key) {
        None
    } else if rest.is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix('\\')
    }
}

fn gather(file: &mut FileRead, policies: &mut Vec<Key>, name: &str, row: Row) {
    let (kind, data) = match row.action {
        Action::Set { kind, data } => (kind, data),
        Action::Delete => {
            return removed(
                file,
                format!("`{}` of the policy `{name}`", row.name),
                row.place,
            );
        }
        Action::DeleteAll => return removed(file, format!("the policy `{name}`"), row.place),
        Action::Other => return,
    };
    let place = Place {
        path: row.key.clone(),
        ..row.place.clone()
    };
    let raw = Raw {
        name: row.name,
        data,
        kind,
        place: row.place,
    };
    // Rows of one key mostly stand together.
    let known = policies
        .iter_mut()
        .rev()
        .take(MOST_LOOKED_BACK)
        .find(|key| key.user == row.user && key.name.eq_ignore_ascii_case(name));
    match known {
        Some(key) => key.raws.push(raw),
        None => policies.push(Key {
            name: name.to_owned(),
            user: row.user,
            raws: vec![raw],
            place,
        }),
    }
}

fn removed(file: &mut FileRead, what: String, place: Place) {
    file.facts.push(Fact {
        place,
        layer: Layer::Delivery,
        what: What::Removed { what },
    });
}

fn qos_key(file: &mut FileRead, row: Row) {
    let Action::Set { kind, data } = row.action else {
        return match row.action {
            Action::DeleteAll => removed(file, "every policy".to_owned(), row.place),
            _ => removed(file, format!("`{}`", row.name), row.place),
        };
    };
    let advanced = ADVANCED
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(&row.name));
    if let Some((name, meaning)) = advanced {
        file.facts.push(Fact {
            place: row.place,
            layer: Layer::Host,
            what: What::Setting {
                name: (*name).to_owned(),
                data,
                meaning,
            },
        });
        return;
    }
    if is_nla(&row.name) {
        file.findings.push(
            nla(
                codes::NLA_MISSPELT,
                format!(
                    "`{}` is in the key of the policies, where Windows does not look",
                    row.name
                ),
            )
            .at(&row.place)
            .command(nla_command()),
        );
        return;
    }
    if VALUE_NAMES
        .iter()
        .any(|known| known.eq_ignore_ascii_case(&row.name))
    {
        under_qos_key(file, &row.name, &row.place);
        return;
    }
    file.leave(
        row.place,
        format!("{} = {data} ({kind})", row.name),
        "not a setting of Policy-based QoS that is documented",
    );
}

/// Values of a policy that are in no policy's key; told once a file.
fn under_qos_key(file: &mut FileRead, name: &str, place: &Place) {
    let told = file
        .findings
        .iter()
        .any(|finding| finding.code == codes::UNDER_QOS_KEY);
    if !told {
        file.findings.push(
            Finding::new(
                Severity::Error,
                Layer::Match,
                codes::UNDER_QOS_KEY,
                format!("`{name}` stands straight under the QoS key"),
            )
            .at(place)
            .note("each policy is a key of its own below it; values here belong to no policy, and nothing is marked by them")
            .help(format!("make a key with the policy's name: `{POLICY_KEY}\\Lync audio`")),
        );
    }
}

fn nla_key(file: &mut FileRead, row: Row) {
    let Action::Set { kind, data } = row.action else {
        if is_nla(&row.name) {
            removed(file, format!("`{NLA_VALUE}`"), row.place);
        }
        return;
    };
    if row.name.eq_ignore_ascii_case(NLA_VALUE) {
        let on = kind == "REG_SZ" && data == "1";
        if kind != "REG_SZ" {
            file.findings.push(
                nla(
                    codes::NLA_TYPE,
                    format!("`{NLA_VALUE}` is {kind}, which Windows does not read"),
                )
                .at(&row.place)
                .note("it has to be text, REG_SZ, with the data `1`")
                .command(nla_command()),
            );
        } else if !on {
            file.findings.push(
                nla(
                    codes::NLA_OFF,
                    format!("`{NLA_VALUE}` is `{data}`, not `1`"),
                )
                .at(&row.place)
                .command(nla_command()),
            );
        }
        file.facts.push(Fact {
            place: row.place,
            layer: Layer::Host,
            what: What::Nla(on),
        });
    } else if is_nla(&row.name) {
        file.findings.push(
            nla(
                codes::NLA_MISSPELT,
                format!("`{}` is not the name that Windows reads", row.name),
            )
            .at(&row.place)
            .note(format!(
                "the name is `{NLA_VALUE}` in every language of Windows"
            ))
            .command(nla_command()),
        );
    } else {
        file.leave(row.place, row.name, "not a setting that is documented");
    }
}

fn setting(file: &mut FileRead, row: Row, meaning: &'static str) {
    match row.action {
        Action::Set { data, .. } => file.facts.push(Fact {
            place: row.place,
            layer: Layer::Host,
            what: What::Setting {
                name: super::pol::path(&row.key, &row.name),
                data,
                meaning,
            },
        }),
        Action::Delete | Action::DeleteAll => {
            removed(file, super::pol::path(&row.key, &row.name), row.place);
        }
        Action::Other => {}
    }
}

fn nla(code: &'static str, message: String) -> Finding {
    Finding::new(Severity::Warning, Layer::Host, code, message)
        .note("without it, policies work only on networks that Windows takes for the domain's: not at home, in a workgroup or on a second adapter")
}

/// The name, or something that is meant to be it.
fn is_nla(name: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    let (given, right) = (plain(name), plain(NLA_VALUE));
    given == right || given.contains("nla") || suggest::nearest(&given, [right.as_str()]).is_some()
}

/// The command that sets the switch; it works after a restart.
pub(crate) fn nla_command() -> String {
    format!(r#"reg.exe add "HKLM\{NLA_KEY}" /v "{NLA_VALUE}" /t REG_SZ /d 1 /f"#)
}

/// Machine-wide settings straight under the QoS key (windows-qos 1.8).
const ADVANCED: [(&str, &str); 2] = [
    ("Tcp Autotuning Level", "receive window of TCP"),
    (
        "Application DSCP Marking Request",
        "whether applications may mark by themselves",
    ),
];

/// Other keys about QoS (windows-qos 6, uc-platforms 5.4).
const SETTINGS: [(&str, &str); 6] = [
    (
        r"Software\Policies\Microsoft\Windows\Psched\DiffservByteMappingConforming",
        "DSCP by service type, Windows XP and Server 2003",
    ),
    (
        r"Software\Policies\Microsoft\Windows\Psched\DiffservByteMappingNonConforming",
        "DSCP by service type beyond its rate, Windows XP and Server 2003",
    ),
    (
        r"Software\Policies\Microsoft\Windows\Psched\UserPriorityMapping",
        "layer-2 priority by service type, Windows XP and Server 2003",
    ),
    (
        r"Software\Policies\Microsoft\Windows\Psched",
        "QoS Packet Scheduler",
    ),
    (
        r"Software\Policies\Microsoft\Communicator\PortRange",
        "ports of Communicator clients",
    ),
    (
        r"Software\Microsoft\RTC\Transport",
        "marking by Communicator and Exchange UM",
    ),
];

/// Files with a great many keys in turns are hostile; a key that comes again after so many others is taken as another.
const MOST_LOOKED_BACK: usize = 4096;
