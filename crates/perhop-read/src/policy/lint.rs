//! What is wrong with policies beyond their form: applications that never match, and policies that nothing decides
//! between.

use std::cmp::Ordering;

use perhop_policy::overlap::{self, Space};
use perhop_policy::precedence;
use perhop_policy::selector::file_name;
use perhop_policy::{AppMatch, Severity};

use super::HostPolicy;
use crate::codes;
use crate::fact::What;
use crate::finding::{Finding, Layer};
use crate::place::Place;
use crate::reading::{FileRead, Words};

/// Tells of applications that cannot be those of a process, and of known misspellings.
pub(crate) fn executables(file: &mut FileRead, words: &Words) {
    let mut found = Vec::new();
    for fact in &mut file.facts {
        let What::Policy(policy) = &mut fact.what else {
            continue;
        };
        let app = match &policy.app {
            AppMatch::Any => continue,
            AppMatch::Name(app) | AppMatch::Path(app) => app.clone(),
        };
        let place = [
            "Application Name",
            "AppPathNameMatchCondition",
            "AppPathName",
            "Executable",
        ]
        .iter()
        .find_map(|name| policy.place_of(name))
        .unwrap_or(&fact.place)
        .clone();
        if let Some(why) = impossible(&app) {
            found.push(never_matches(policy, &app, why).at(&place));
            continue;
        }
        let name = file_name(&app);
        let misspelt = words
            .misspelt
            .iter()
            .find(|(wrong, _)| wrong.eq_ignore_ascii_case(name));
        if let Some((_, right)) = misspelt {
            found.push(misspelling(policy, name, right, &place));
        } else if let Some(right) = near(name, words) {
            found.push(misspelling(policy, name, right, &place));
        }
    }
    file.findings.extend(found);
}

/// The finding about an application that no process of Windows can be.
fn never_matches(policy: &mut HostPolicy, app: &str, why: &str) -> Finding {
    // A table has senders of every system.
    let elsewhere =
        policy.form == super::Form::Table && impossible(&format!("{app}.exe")).is_none();
    let finding = |severity, end: &str| {
        let text = format!(
            "`{}` names the application `{app}`: {why}{end}",
            policy.name
        );
        Finding::new(severity, Layer::Match, codes::NEVER_MATCHES, text)
    };
    if elsewhere {
        return finding(Severity::Info, " on Windows");
    }
    let finding = finding(Severity::Error, "");
    policy.sound = false;
    finding.help("write the executable's file name, such as `lync.exe`, or its full path")
}

/// Tells of pairs of policies that take the same packets and do different things where Windows does not say which applies.
pub(crate) fn together(file: &mut FileRead) {
    let policies: Vec<(&Place, &HostPolicy)> = file
        .policies()
        .filter(|(_, policy)| policy.sound && (policy.dscp.is_some() || policy.throttle.is_some()))
        .collect();
    let mut found = Vec::new();
    if policies.len() > MOST_COMPARED {
        return;
    }
    for (index, (place, a)) in policies.iter().enumerate() {
        for (_, b) in &policies[..index] {
            if found.len() >= MOST_TOLD {
                break;
            }
            if !a.acts_like(b)
                && outranks(a, b) == Ordering::Equal
                && meet(a, b)
                && !policies.iter().any(|(_, third)| takes_all(third, a, b))
            {
                found.push(
                    Finding::new(
                        Severity::Warning,
                        Layer::Match,
                        codes::UNDECIDED,
                        format!(
                            "nothing decides between `{}` and `{}`{}",
                            b.name,
                            a.name,
                            differ(b, a)
                        ),
                    )
                    .at(place)
                    .note("both take the same packets, and Windows chooses by application, number of conditions, kind of condition, then prefix length; here all are equal")
                    .help("give them different ports, addresses or applications, or the same mark and rate"),
                );
            }
        }
    }
    file.findings.extend(found);
}

/// Which of two policies that take one packet applies (windows-qos 1.10): a user's before the computer's, then the
/// explicit precedence of NetQos, then the documented order of specificity.
pub(crate) fn outranks(a: &HostPolicy, b: &HostPolicy) -> Ordering {
    a.user
        .cmp(&b.user)
        .then_with(|| a.precedence.cmp(&b.precedence))
        .then_with(|| precedence::compare(&a.statement(0), &b.statement(0)))
}

fn takes_all(third: &HostPolicy, a: &HostPolicy, b: &HostPolicy) -> bool {
    if outranks(third, a) != Ordering::Greater || outranks(third, b) != Ordering::Greater {
        return false;
    }
    let shared: Vec<Space> = shared(a, b);
    overlap::subtract(shared, &Space::of(&third.statement(0))).is_empty()
}

fn meet(a: &HostPolicy, b: &HostPolicy) -> bool {
    !shared(a, b).is_empty()
}

fn shared(a: &HostPolicy, b: &HostPolicy) -> Vec<Space> {
    let (a, b) = (Space::of(&a.statement(0)), Space::of(&b.statement(1)));
    a.iter()
        .flat_map(|x| b.iter().filter_map(|y| x.intersection(y)))
        .collect()
}

/// What two policies do otherwise.
fn differ(a: &HostPolicy, b: &HostPolicy) -> String {
    match (a.dscp, b.dscp) {
        (Some(one), Some(two)) if one != two => format!(", which mark {one} and {two}"),
        _ => format!(": one {}, the other {}", a.action(), b.action()),
    }
}

fn impossible(app: &str) -> Option<&'static str> {
    let name = file_name(app);
    if !name.to_ascii_lowercase().ends_with(".exe") || name.len() <= 4 {
        return Some("it does not end in `.exe`, so no process has that name");
    }
    if app.contains(['<', '>', '"', '|', '?', '*']) || app.contains(char::is_control) {
        return Some("no file of Windows can have that name");
    }
    if !app.contains(['\\', '/']) {
        return None;
    }
    let drive = app.as_bytes().get(1..3) == Some(br":\");
    if app.starts_with(r"\\") {
        return Some("a path on the network is not taken");
    }
    (!drive && !app.starts_with('%'))
        .then_some("a path begins with a drive or an environment variable")
}

fn misspelling(policy: &HostPolicy, name: &str, right: &str, place: &Place) -> Finding {
    Finding::new(
        Severity::Warning,
        Layer::Match,
        codes::MISSPELT_EXECUTABLE,
        format!(
            "`{}` names `{name}`, which looks like `{right}` misspelt",
            policy.name
        ),
    )
    .at(place)
    .note("a wrong name is no error to Windows: the policy just never takes a packet")
    .help(format!("write `{right}`"))
}

/// A known name that differs in one or two letters.
fn near<'a>(name: &str, words: &'a Words) -> Option<&'a str> {
    let lower = name.to_lowercase();
    if words
        .executables
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
    {
        return None;
    }
    words
        .executables
        .iter()
        .find(|known| known.len() >= 8 && differs_little(&lower, &known.to_lowercase()))
        .map(String::as_str)
}

/// One letter missing, too much, different, or two swapped.
fn differs_little(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 1 {
        return false;
    }
    let head = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let most = a.len().min(b.len()) - head;
    let tail = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take(most)
        .take_while(|(x, y)| x == y)
        .count();
    let (left_a, left_b) = (&a[head..a.len() - tail], &b[head..b.len() - tail]);
    match (left_a, left_b) {
        ([x, y], [z, w]) => x == w && y == z,
        (x, y) => x.len() <= 1 && y.len() <= 1,
    }
}

/// Comparing pairs costs their square; no host has as many policies.
const MOST_COMPARED: usize = 500;
/// More than this nobody reads.
const MOST_TOLD: usize = 50;
