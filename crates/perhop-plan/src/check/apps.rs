//! Own applications: executables (UC-20; a wrong name is no error to Windows, its policy just never matches), throttles.

use perhop_policy::{Diagnostic, Host, Marker};

use crate::ast::At;
use crate::catalogue::{Choice, Component, Confidence, catalogue};
use crate::code;
use crate::plan::{App, Plan};
use crate::suggest;

pub(super) fn check(plan: &Plan, out: &mut Vec<Diagnostic>) {
    for app in &plan.apps {
        if let Some(executable) = &app.executable {
            let windows = app.on.host == Host::Windows && app.marker == Marker::HostPolicy;
            self::executable(plan, executable, windows, out);
        }
        throttles(app, out);
    }
    let pools = plan
        .servers
        .as_ref()
        .and_then(|servers| servers.pools.as_ref());
    if let Some(executable) = pools.and_then(|pools| pools.executable.as_ref()) {
        self::executable(plan, executable, true, out);
        if executable
            .value
            .eq_ignore_ascii_case("OcsAppServerHost.exe")
        {
            out.push(
                Diagnostic::warning(
                    code::EXECUTABLE,
                    "`OcsAppServerHost.exe` hosts the product's own applications, not those of trusted pools",
                )
                .primary(executable.span, "not the applications' process")
                .note("a trusted application runs in a process of its own")
                .help("name the application's executable, or leave it out to go by ports alone"),
            );
        }
    }
    chosen(plan, out);
}

/// A throttle is a part of the policy that a host marks by; others have no such policy.
fn throttles(app: &App, out: &mut Vec<Diagnostic>) {
    if app.marker == Marker::HostPolicy {
        return;
    }
    for media in &app.media {
        if let Some(throttle) = &media.throttle {
            out.push(
                Diagnostic::error(
                    code::THROTTLE,
                    format!(
                        "`{}` of `{}` is to be kept to {} where nothing throttles",
                        media.class.value, app.name.value, throttle.value
                    ),
                )
                .primary(throttle.span, "has no effect")
                .note("hosts throttle by the policy that they mark by; here the sender or the network marks")
                .help("remove it, or let the hosts mark: `marker = \"host\"` on Windows and Linux"),
            );
        }
    }
}

fn executable(plan: &Plan, name: &At<String>, windows: bool, out: &mut Vec<Diagnostic>) {
    let text = name.value.as_str();
    if let Some(fault) = fault(text, windows) {
        out.push(
            Diagnostic::error(
                code::EXECUTABLE,
                format!("the executable `{}` {fault}", text.escape_debug()),
            )
            .primary(name.span, "matches no process")
            .note(NEVER_MATCHES)
            .help("write a file name such as `\"recorder.exe\"`, or a full path"),
        );
        return;
    }
    let file = text.rsplit(['\\', '/']).next().unwrap_or(text);
    let is = |c: &&Component| {
        c.executable
            .as_ref()
            .is_some_and(|e| e.eq_ignore_ascii_case(file))
    };
    let rows: Vec<&Component> = catalogue()
        .components()
        .map(|(_, c)| c)
        .filter(is)
        .collect();
    let in_plan = |row: &Component| {
        plan.platforms
            .iter()
            .any(|p| p.value.components.contains(row))
    };
    if rows.is_empty() {
        out.extend(misspelt(name, file).or_else(|| near_miss(name, file)));
    } else if !rows.iter().any(|row| in_plan(row)) {
        out.push(
            Diagnostic::warning(
                code::EXECUTABLE,
                format!(
                    "`{file}` is of {}, which the plan's platforms do not have",
                    labels(&rows)
                ),
            )
            .primary(name.span, "of another generation")
            .help("add its platform to `platforms`, or name the executable that is in use"),
        );
    }
}

fn labels(rows: &[&Component]) -> String {
    let mut labels: Vec<&str> = rows.iter().map(|row| row.label.as_str()).collect();
    labels.dedup();
    labels.join(", ")
}

fn misspelt(name: &At<String>, file: &str) -> Option<Diagnostic> {
    let lists = &catalogue().misspellings;
    let known = lists
        .iter()
        .find(|row| row.wrong.eq_ignore_ascii_case(file))?;
    Some(
        Diagnostic::error(
            code::MISSPELT,
            format!("no program is called `{file}`; it is `{}`", known.right),
        )
        .primary(name.span, format!("should be `{}`", known.right))
        .note(format!("{} ({})", known.source.text, known.source.date))
        .help(format!("write `{}`", known.right)),
    )
}

fn near_miss(name: &At<String>, file: &str) -> Option<Diagnostic> {
    let executables = catalogue()
        .components()
        .filter_map(|(_, component)| component.executable.as_deref());
    let found = suggest::nearest_within(file, executables, 1)?;
    Some(
        Diagnostic::warning(
            code::MISSPELT,
            format!("`{file}` is one letter away from `{found}`"),
        )
        .primary(name.span, "perhaps misspelt")
        .note(
            "a policy for a name that no process has is not an error to Windows; it never matches",
        )
        .help(format!(
            "write `{found}`, or accept this with [[allow]] when the name is right"
        )),
    )
}

/// What makes a text no executable's name.
fn fault(text: &str, windows: bool) -> Option<&'static str> {
    let file = text.rsplit(['\\', '/']).next().unwrap_or(text);
    let stem = file.len().saturating_sub(4);
    let exe = file.is_char_boundary(stem) && file[stem..].eq_ignore_ascii_case(".exe");
    if text.trim() != text || file.is_empty() {
        Some("begins or ends with a blank, or has no file name")
    } else if text.chars().any(char::is_control) {
        Some("has control characters")
    } else if !windows {
        None
    } else if text.contains(['*', '?', '"', '<', '>', '|']) {
        Some("has a character that file names cannot have")
    } else if text.contains('/') {
        Some("has `/` where Windows has `\\`")
    } else if !exe || stem == 0 {
        Some("does not end in `.exe`")
    } else {
        None
    }
}

/// Rows that the plan asks for by name although little is known of them.
fn chosen(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let words = plan
        .clients
        .iter()
        .flat_map(|clients| clients.vdi.iter().chain(&clients.also));
    for word in words {
        let row = catalogue()
            .components()
            .map(|(_, component)| component)
            .find(|component| component.id == word.value && component.choice != Choice::Never);
        let Some(row) = row.filter(|row| row.source.confidence == Confidence::Unverified) else {
            continue;
        };
        out.push(
            Diagnostic::warning(
                code::UNVERIFIED,
                format!(
                    "that `{}` keeps to the ports it is given is not verified",
                    row.label
                ),
            )
            .primary(word.span, "not verified")
            .note(format!("{} ({})", row.source.text, row.source.date))
            .help("prove it from a capture before relying on it"),
        );
    }
}

const NEVER_MATCHES: &str =
    "a policy for a name that no process has is not an error to Windows; it never matches";
