//! `perhop diff`.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use perhop_policy::diff::{Change, Done};
use perhop_policy::overlap::{AddressFamily, Intervals, Space};
use perhop_policy::{AppMatch, Protocol, Rate};
use perhop_read::change::{self, Difference, Side};
use serde_json::{Value, json};

use crate::cmd;
use crate::failure::{Failure, Outcome};
use crate::json;
use crate::observed;
use crate::render::counted;
use crate::render::grid::clean;
use crate::ui::{BOLD, DIM, Ui, paint};

/// Name and version of the JSON form.
const SCHEMA: &str = "perhop.diff/1";

/// Say which flows would change their mark or rate between two plans, or what was compiled from them
///
/// Both sides are compared over all ports, addresses and applications at once, so what is not told does not change. A
/// folder that `perhop compile` wrote may stand for either side: of it, what Windows puts on and what the scripts of
/// Lync Server and Teams tell is compared.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  perhop diff plan.toml new.toml
  perhop diff applied/ new.toml                    what was compiled before, and the plan now
  git show HEAD:plan.toml | perhop diff - plan.toml --format json

Exit status: 0 the same, 1 something changes, 2 a plan or folder is wrong, 3 a file cannot be read.")]
pub(crate) struct Args {
    /// The plan or compiled folder before; `-` is stdin
    old: PathBuf,
    /// The plan or compiled folder after
    new: PathBuf,
    /// How to print what changes
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// Forms of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// In words
    Human,
    /// For programs (docs/schema/diff.json)
    Json,
}

/// Compares and prints to stdout.
///
/// # Errors
/// A plan that cannot be used, and a folder that is none that was compiled.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Outcome, Failure> {
    let (old, new) = (side(&args.old, ui)?, side(&args.new, ui)?);
    let found = change::compare(&old, &new);
    match args.format {
        Format::Human => ui.print(&text(&found))?,
        Format::Json => {
            let value = value(args, &found);
            ui.data(|out| json::write(out, &value))?;
        }
    }
    Ok(if is_same(&found) {
        Outcome::AsPlanned
    } else {
        Outcome::Findings
    })
}

fn is_same(found: &Difference) -> bool {
    found.changes.is_empty() && found.settings.is_empty()
}

fn side(path: &Path, ui: &Ui) -> Result<Side, Failure> {
    if path == Path::new("-") || !path.is_dir() {
        return Ok(Side::plan(&cmd::load(path, ui)?.policy));
    }
    observed::with_folder(path, |files| {
        Side::folder(files).map_err(|why| {
            Failure::wrong(format!(
                "`{}` is not a folder of compiled configuration: {why}",
                path.display()
            ))
            .help("`perhop compile PLAN --out DIR` writes one")
        })
    })?
}

fn text(found: &Difference) -> String {
    if is_same(found) {
        return "no flow changes its mark or rate, and nobody is told other ports\n".to_owned();
    }
    let mut out = String::new();
    let mut scope = "";
    for change in &found.changes {
        if change.scope != scope {
            scope = &change.scope;
            out.push_str(&format!("{}\n", paint(BOLD, &clean(scope))));
        }
        out.push_str(&format!(
            "  {} -> {}  {}{}\n",
            side_text(change.old.as_ref(), change),
            side_text(change.new.as_ref(), change),
            clean(&words(change)),
            paint(DIM, &format!("  ({})", clean(&rules(change)))),
        ));
    }
    if !found.settings.is_empty() {
        out.push_str(&format!(
            "{}\n",
            paint(BOLD, "told to services and devices")
        ));
    }
    for one in &found.settings {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
        out.push_str(&format!(
            "  {} -> {}  {}\n",
            text(&one.old),
            text(&one.new),
            clean(&one.what)
        ));
    }
    let marks = found.changes.iter().filter(|one| one.is_of_mark()).count();
    let rates = match found
        .changes
        .iter()
        .filter(|one| one.rates().is_some())
        .count()
    {
        0 => String::new(),
        some => format!("{some} of rates, "),
    };
    out.push_str(&format!(
        "\n{} of marks, {rates}{} of what is told\n",
        counted(marks, "change"),
        counted(found.settings.len(), "change")
    ));
    out
}

/// `46 (EF)`, `46 (EF) at most 5 Mbit/s`; the rate where it changes, and the mark alone elsewhere.
fn side_text(side: Option<&Done>, change: &Change) -> String {
    let Some(done) = side else {
        return "unmarked".to_owned();
    };
    let rate = match (change.rates(), done.throttle) {
        (None, _) => String::new(),
        (Some(_), Some(rate)) => format!(" at most {rate}"),
        (Some(_), None) => " without a limit".to_owned(),
    };
    format!("{}{rate}", done.dscp)
}

/// The rules of both sides, once when they are the same.
fn rules(change: &Change) -> String {
    match (&change.old, &change.new) {
        (Some(old), Some(new)) if old.rule == new.rule => old.rule.clone(),
        (Some(old), Some(new)) => format!("{}, then {}", old.rule, new.rule),
        (Some(one), None) | (None, Some(one)) => one.rule.clone(),
        (None, None) => String::new(),
    }
}

/// `lync.exe, UDP, from source ports 20000-20039 to 10.0.0.0/8`.
fn words(change: &Change) -> String {
    let space = &change.space;
    let mut parts = Vec::new();
    let app = match &space.apps.base {
        AppMatch::Any => "any application".to_owned(),
        AppMatch::Name(app) | AppMatch::Path(app) => app.clone(),
    };
    let except: Vec<&str> = space.apps.except.iter().map(AppMatch::as_str).collect();
    parts.push(if except.is_empty() {
        app
    } else {
        format!("{app} other than {}", except.join(", "))
    });
    if let [one] = protocols(space).as_slice() {
        parts.push(one.to_uppercase());
    }
    for (word, list) in [
        ("source ports", ports(&space.src_ports)),
        ("destination ports", ports(&space.dst_ports)),
        ("from", addresses(space.family, &space.src)),
        ("to", addresses(space.family, &space.dst)),
    ] {
        if !list.is_empty() {
            parts.push(format!("{word} {}", list.join(", ")));
        }
    }
    let any = addresses(space.family, &space.src).is_empty()
        && addresses(space.family, &space.dst).is_empty();
    if any && !change.both_families {
        parts.push(match space.family {
            AddressFamily::V4 => "IPv4".to_owned(),
            AddressFamily::V6 => "IPv6".to_owned(),
        });
    }
    parts.join("; ")
}

fn value(args: &Args, found: &Difference) -> Value {
    let side = |one: Option<&Done>| {
        json!({
            "dscp": one.map(|one| one.dscp.value()),
            "throttle_bits": one.and_then(|one| one.throttle).map(Rate::bits),
            "rule": one.map(|one| &one.rule),
        })
    };
    let changes: Vec<Value> = found
        .changes
        .iter()
        .map(|change| {
            let space = &change.space;
            let app = match &space.apps.base {
                AppMatch::Any => None,
                AppMatch::Name(app) | AppMatch::Path(app) => Some(app),
            };
            let family = match (change.both_families, space.family) {
                (true, _) => "both",
                (false, AddressFamily::V4) => "ipv4",
                (false, AddressFamily::V6) => "ipv6",
            };
            json!({
                "scope": change.scope,
                "application": app,
                "except": space.apps.except.iter().map(AppMatch::as_str).collect::<Vec<_>>(),
                "family": family,
                "protocols": protocols(space),
                "source_ip": addresses(space.family, &space.src),
                "source_ports": ports(&space.src_ports),
                "destination_ip": addresses(space.family, &space.dst),
                "destination_ports": ports(&space.dst_ports),
                "old": side(change.old.as_ref()),
                "new": side(change.new.as_ref()),
            })
        })
        .collect();
    let settings: Vec<Value> = found
        .settings
        .iter()
        .map(|one| json!({ "what": one.what, "old": one.old, "new": one.new }))
        .collect();
    json!({
        "schema": SCHEMA,
        "old": args.old.display().to_string(),
        "new": args.new.display().to_string(),
        "same": is_same(found),
        "changes": changes,
        "settings": settings,
    })
}

fn protocols(space: &Space) -> Vec<&'static str> {
    [Protocol::Udp, Protocol::Tcp]
        .into_iter()
        .filter(|one| space.has_protocol(*one))
        .map(Protocol::as_str)
        .collect()
}

/// Ranges of ports; empty for any.
fn ports(side: &Intervals) -> Vec<String> {
    if side.as_slice() == [(0, 65535)] {
        return Vec::new();
    }
    let text = |(first, last): &(u128, u128)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        }
    };
    side.as_slice().iter().map(text).collect()
}

/// Prefixes where the numbers are ones, else ranges; empty for any.
fn addresses(family: AddressFamily, side: &Intervals) -> Vec<String> {
    let (bits, highest) = match family {
        AddressFamily::V4 => (32u32, u128::from(u32::MAX)),
        AddressFamily::V6 => (128, u128::MAX),
    };
    if side.as_slice() == [(0, highest)] {
        return Vec::new();
    }
    let address = |number: u128| match family {
        AddressFamily::V4 => Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX)).to_string(),
        AddressFamily::V6 => Ipv6Addr::from(number).to_string(),
    };
    let text = |(first, last): &(u128, u128)| {
        let host = (first ^ last).checked_add(1);
        let prefix = host.filter(|size| size.is_power_of_two() && first & (size - 1) == 0);
        match prefix.map(|size| bits - size.trailing_zeros()) {
            Some(length) if length == bits => address(*first),
            Some(length) => format!("{}/{length}", address(*first)),
            None => format!("{}-{}", address(*first), address(*last)),
        }
    };
    side.as_slice().iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipnet::IpNet;

    #[test]
    fn addresses_are_prefixes_where_they_can_be() {
        let of = |net: &str| {
            let net: IpNet = net.parse().unwrap();
            let IpNet::V4(net) = net else { unreachable!() };
            (
                u128::from(u32::from(net.network())),
                u128::from(u32::from(net.broadcast())),
            )
        };
        for text in ["10.0.0.0/8", "192.0.2.10/32", "192.0.2.128/25"] {
            let (first, last) = of(text);
            let shown = addresses(AddressFamily::V4, &Intervals::new(first, last));
            assert_eq!(shown, [text.trim_end_matches("/32")]);
        }
        let (first, last) = of("10.0.0.0/8");
        let shown = addresses(AddressFamily::V4, &Intervals::new(first + 1, last));
        assert_eq!(shown, ["10.0.0.1-10.255.255.255"]);
        let any = Intervals::new(0, u128::MAX);
        assert!(addresses(AddressFamily::V6, &any).is_empty());
        let half = Intervals::new(0, u128::MAX >> 1);
        assert_eq!(addresses(AddressFamily::V6, &half), ["::/1"]);
    }
}
