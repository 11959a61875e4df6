//! The rules that version 1.0 policies hold to, checked on the written values (windows-qos 10).

use std::cmp::Ordering;
use std::net::IpAddr;

use crate::windows_policy::{Policy, VALUE_NAMES, matching};

/// What is wrong with one policy, each a sentence without a full stop. Empty for a sound one.
#[must_use]
pub fn one(name: &str, values: &[String; 11]) -> Vec<String> {
    let [
        version,
        app,
        protocol,
        local_port,
        local,
        local_length,
        rest @ ..,
    ] = values;
    let [remote_port, remote, remote_length, dscp, throttle] = rest;
    let mut out = Vec::new();
    if !is_name(name) {
        out.push(format!(
            "`{name}` is not a safe name of 1 to 255 characters"
        ));
    }
    if version != "1.0" {
        out.push(format!("version `{version}` is not 1.0"));
    }
    out.extend(application(app).err());
    if !matches!(protocol.as_str(), "*" | "TCP" | "UDP") {
        out.push(format!("`{protocol}` is not a protocol"));
    }
    for port in [local_port, remote_port] {
        if !is_ports(port) {
            out.push(format!(
                "`{port}` is not a port or a range, 1 to 65535, lower end first"
            ));
        }
    }
    for (ip, length) in [(local, local_length), (remote, remote_length)] {
        if !is_address(ip, length) {
            out.push(format!(
                "`{ip}` with prefix length `{length}` is not a network"
            ));
        }
    }
    let family = |ip: &str| ip.parse::<IpAddr>().ok().map(|ip| ip.is_ipv4());
    if family(local)
        .zip(family(remote))
        .is_some_and(|(a, b)| a != b)
    {
        out.push("the two addresses are of different families".to_owned());
    }
    actions(dscp, throttle, &mut out);
    out
}

/// What is wrong with the policies of one host taken together: names that are the same without case, and pairs that
/// take one packet with different marks where Windows does not document which one applies.
#[must_use]
pub fn together(policies: &[Policy]) -> Vec<String> {
    let mut out = Vec::new();
    for (index, a) in policies.iter().enumerate() {
        for b in &policies[..index] {
            if a.name.eq_ignore_ascii_case(&b.name) {
                out.push(format!("the name `{}` is there twice", a.name));
            }
            if a.dscp != b.dscp && !is_decided(a, b) && !is_outranked(a, b, policies) {
                out.push(format!(
                    "nothing decides between `{}` and `{}`",
                    b.name, a.name
                ));
            }
        }
    }
    out
}

/// The eleven values of a key in their order, from what a file has; names compare without case.
///
/// # Errors
/// A value that is missing, there twice, or not one of the eleven.
pub fn eleven(name: &str, values: &[(String, String)]) -> Result<[String; 11], String> {
    let mut out: [Option<String>; 11] = Default::default();
    for (key, data) in values {
        let place = VALUE_NAMES
            .iter()
            .position(|known| known.eq_ignore_ascii_case(key))
            .ok_or_else(|| format!("`{name}` has the unknown value `{key}`"))?;
        if out[place].replace(data.clone()).is_some() {
            return Err(format!("`{name}` has the value `{key}` twice"));
        }
    }
    if let Some(place) = out.iter().position(Option::is_none) {
        return Err(format!("`{name}` has no value `{}`", VALUE_NAMES[place]));
    }
    Ok(out.map(Option::unwrap_or_default))
}

fn actions(dscp: &str, throttle: &str, out: &mut Vec<String>) {
    let number = |text: &str, least: i64, most: i64| {
        text.parse::<i64>()
            .is_ok_and(|n| (least..=most).contains(&n) && n.to_string() == text)
    };
    if !number(dscp, -1, 63) {
        out.push(format!("`{dscp}` is not a DSCP, 0 to 63 or -1"));
    }
    if throttle != "-1" && !number(throttle, 2, i64::MAX) {
        out.push(format!(
            "`{throttle}` is not a rate of more than 1 KBps, or -1"
        ));
    }
    if dscp == "-1" && throttle == "-1" {
        out.push("neither a DSCP nor a rate is given".to_owned());
    }
}

fn is_decided(a: &Policy, b: &Policy) -> bool {
    let (x, y) = (matching::specificity(a), matching::specificity(b));
    let conditions = (x.0, x.1, x.2).cmp(&(y.0, y.1, y.2));
    let lengths = (x.3.cmp(&y.3), x.4.cmp(&y.4));
    let decided = conditions != Ordering::Equal
        || match lengths {
            (Ordering::Equal, Ordering::Equal) => false,
            (Ordering::Equal, _) | (_, Ordering::Equal) => true,
            (source, destination) => source == destination,
        };
    decided || !matching::meet(a, b)
}

/// Whether a third policy that meets both outranks them; whether it takes all of what they share is the resolver's to
/// prove.
fn is_outranked(a: &Policy, b: &Policy, policies: &[Policy]) -> bool {
    policies.iter().any(|third| {
        let rank = matching::specificity(third);
        rank > matching::specificity(a)
            && rank > matching::specificity(b)
            && matching::meet(third, a)
            && matching::meet(third, b)
    })
}

fn is_name(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name.trim_matches([' ', '.', '-']) == name
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '_' | '-'))
}

/// `*`, a file name that ends in `.exe`, or a full path to one (a drive or an environment variable first).
fn application(app: &str) -> Result<(), String> {
    if app == "*" {
        return Ok(());
    }
    let stem = app.rsplit(['\\', '/']).next().unwrap_or(app);
    if stem.len() <= 4 || !stem.to_ascii_lowercase().ends_with(".exe") {
        return Err(format!(
            "the application `{}` does not end in `.exe`",
            app.escape_debug()
        ));
    }
    if app.contains(['<', '>', '"', '|', '?', '*']) || app.contains(char::is_control) {
        return Err(format!(
            "`{}` cannot be the name of a file of Windows",
            app.escape_debug()
        ));
    }
    if !app.contains(['\\', '/']) {
        return if app.contains(':') {
            Err(format!("`{app}` cannot be the name of a file of Windows"))
        } else {
            Ok(())
        };
    }
    let bytes = app.as_bytes();
    let drive = bytes[0].is_ascii_alphabetic() && bytes.get(1..3) == Some(br":\");
    let variable = app
        .strip_prefix('%')
        .and_then(|rest| rest.split_once('%'))
        .is_some_and(|(name, rest)| !name.is_empty() && rest.starts_with('\\'));
    let rest = if drive { &app[2..] } else { app };
    if (drive || variable) && !app.contains('/') && !rest.contains(':') {
        Ok(())
    } else {
        Err(format!(
            "the path `{app}` does not begin with a drive (`C:\\`) or an environment variable (`%ProgramFiles%\\`)"
        ))
    }
}

fn is_ports(text: &str) -> bool {
    let number = |text: &str| {
        let number = text.parse::<u16>().ok()?;
        (number > 0 && number.to_string() == text).then_some(number)
    };
    text == "*"
        || match text.split_once(':') {
            None => number(text).is_some(),
            Some((low, high)) => {
                matches!((number(low), number(high)), (Some(low), Some(high)) if low <= high)
            }
        }
}

fn is_address(ip: &str, length: &str) -> bool {
    if ip == "*" || length == "*" {
        return ip == length;
    }
    let (Ok(ip), Ok(length)) = (ip.parse::<IpAddr>(), length.parse::<u32>()) else {
        return false;
    };
    match ip {
        IpAddr::V4(ip) => {
            length <= 32 && u32::from(ip) & u32::MAX.checked_shr(length).unwrap_or(0) == 0
        }
        IpAddr::V6(ip) => {
            length <= 128 && u128::from(ip) & u128::MAX.checked_shr(length).unwrap_or(0) == 0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> [String; 11] {
        [
            "1.0", "lync.exe", "*", "1:2", "*", "*", "*", "10.0.0.0", "8", "46", "-1",
        ]
        .map(str::to_owned)
    }

    #[test]
    fn each_rule_can_fail() {
        assert_eq!(one("a b", &sound()), Vec::<String>::new());
        for name in ["", "a\\b", "a ", "a*", "Z\u{fc}rich", &"x".repeat(256)] {
            assert_eq!(one(name, &sound()).len(), 1, "{name}");
        }
        for (place, bad) in [
            (0, "2.0"),
            (1, "lync"),
            (1, ".exe"),
            (1, "a\"b.exe"),
            (1, "a\n.exe"),
            (1, "C:lync.exe"),
            (1, r"\\server\lync.exe"),
            (1, r"bin\lync.exe"),
            (1, "/usr/bin/lync.exe"),
            (1, r"%%\lync.exe"),
            (2, "Both"),
            (3, "0"),
            (3, "2:1"),
            (3, "1-2"),
            (3, "01"),
            (3, "65536"),
            (4, "10.0.0.1"),
            (5, "8"),
            (7, "10.0.0.1"),
            (8, "33"),
            (9, "64"),
            (9, "-1"),
            (9, "046"),
            (10, "1"),
        ] {
            let mut values = sound();
            values[place] = bad.to_owned();
            assert_eq!(one("n", &values).len(), 1, "{place} {bad}");
        }
        let mut values = sound();
        (values[4], values[5]) = ("2001:db8::".to_owned(), "32".to_owned());
        assert_eq!(
            one("n", &values),
            ["the two addresses are of different families"]
        );
        for good in [
            "*",
            "Lync.EXE",
            r"C:\Program Files\x.exe",
            r"%ProgramFiles%\X\x.exe",
            "\u{e9}.exe",
        ] {
            let mut values = sound();
            values[1] = good.to_owned();
            assert_eq!(one("n", &values), Vec::<String>::new());
        }
    }

    #[test]
    fn the_eleven_are_all_there_once() {
        let all: Vec<(String, String)> = VALUE_NAMES
            .iter()
            .rev()
            .map(|name| name.to_lowercase())
            .zip(sound().into_iter().rev())
            .collect();
        assert_eq!(eleven("n", &all).unwrap(), sound());
        assert!(eleven("n", &all[1..]).is_err());
        let mut twice = all.clone();
        twice.push(all[0].clone());
        assert!(eleven("n", &twice).is_err());
        let mut strange = all;
        strange[0].0 = "URL".to_owned();
        assert!(eleven("n", &strange).is_err());
    }

    #[test]
    fn undecided_pairs_are_told() {
        let policy = |name: &str, port: &str, dscp: &str| {
            let values =
                ["1.0", "*", "*", port, "*", "*", "*", "*", "*", dscp, "-1"].map(str::to_owned);
            let values: Vec<_> = VALUE_NAMES
                .map(str::to_owned)
                .into_iter()
                .zip(values)
                .collect();
            Policy::from_values(name, &values).unwrap()
        };
        let wide = policy("wide", "1:100", "1");
        let narrow = policy("narrow", "50:60", "2");
        let same_mark = policy("same", "50:60", "1");
        let apart = policy("apart", "101:200", "3");
        assert_eq!(
            together(&[wide.clone(), same_mark, apart]),
            Vec::<String>::new()
        );
        assert_eq!(
            together(&[wide.clone(), narrow.clone()]),
            ["nothing decides between `wide` and `narrow`"]
        );
        let twin = Policy {
            name: "WIDE".into(),
            ..narrow
        };
        assert_eq!(together(&[wide, twin]).len(), 2);
    }
}
