//! `perhop explain`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::ValueEnum;
use perhop_policy::{Answer, FlowKey, Host, Marker, Protocol, Rule, Vantage};

use crate::cmd::{self, Loaded};
use crate::codes;
use crate::failure::{Failure, Outcome};
use crate::render::grid::clean;
use crate::table::addresses;
use crate::ui::{BOLD, DIM, GOOD, Ui, paint};

/// Say what a code means, or why a flow should have the mark that it should have
///
/// With a code such as plan/port-overlap, or a rule of the field such as UC-03, prints its page. Without anything,
/// lists all codes. With --plan, --from and --to, asks the plan which rule a packet is under.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  perhop explain plan/port-overlap
  perhop explain UC-03
  perhop explain                                   every code, a line each
  perhop explain --plan plan.toml --from 10.0.0.1:20005 --to 10.0.0.2:49160 --app lync.exe

Exit status: 0 explained, 1 no rule of the plan is about the flow, 2 unknown code or wrong plan.")]
pub(crate) struct Args {
    /// A code (`stage/slug`), its slug alone, or a rule such as UC-03
    #[arg(conflicts_with_all = ["plan", "from", "to", "app", "protocol", "vantage"])]
    code: Option<String>,
    /// The plan that the flow is judged by
    #[arg(long, requires_all = ["from", "to"])]
    plan: Option<PathBuf>,
    /// The sender's ADDRESS:PORT
    #[arg(long, value_name = "ADDR:PORT", requires = "plan")]
    from: Option<SocketAddr>,
    /// The receiver's ADDRESS:PORT
    #[arg(long, value_name = "ADDR:PORT", requires = "plan")]
    to: Option<SocketAddr>,
    /// The sending executable, by name or full path
    #[arg(long, value_name = "EXE", requires = "plan")]
    app: Option<String>,
    /// Transport protocol
    #[arg(long, value_enum, default_value_t = Transport::Udp, requires = "plan")]
    protocol: Transport,
    /// Where one looks
    #[arg(long, value_enum, default_value_t = At::Path, requires = "plan")]
    vantage: At,
}

/// Transport protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Transport {
    /// UDP
    Udp,
    /// TCP
    Tcp,
}

/// Vantages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum At {
    /// On the wire at the sender, before any network device
    Sender,
    /// Inside the network, past its access edge
    Path,
    /// At the receiver
    Receiver,
}

impl From<At> for Vantage {
    fn from(at: At) -> Self {
        match at {
            At::Sender => Self::Sender,
            At::Path => Self::Path,
            At::Receiver => Self::Receiver,
        }
    }
}

/// Explains to stdout.
///
/// # Errors
/// An unknown code, a plan that cannot be used.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Outcome, Failure> {
    match (&args.code, &args.plan, args.from, args.to) {
        (Some(code), ..) => page(code, ui),
        (None, Some(plan), Some(from), Some(to)) => {
            if from.is_ipv4() != to.is_ipv4() {
                return Err(Failure::wrong(
                    "`--from` and `--to` are of different IP versions",
                ));
            }
            let loaded = cmd::load(plan, ui)?;
            flow(args, &loaded, from, to, ui)
        }
        _ => list(ui),
    }
}

fn page(name: &str, ui: &Ui) -> Result<Outcome, Failure> {
    let found = codes::find(name);
    if found.is_empty() {
        return Err(unknown(name));
    }
    let mut out = String::new();
    for (index, info) in found.iter().enumerate() {
        if index > 0 {
            out.push_str("\n---\n\n");
        }
        match codes::page(info.code) {
            Some(page) => out.push_str(&headings(page)),
            None => out.push_str(&format!("# {}\n\n{}\n", info.code, info.summary)),
        }
    }
    ui.print(&out)?;
    Ok(Outcome::AsPlanned)
}

/// Markdown with its headings in bold.
fn headings(page: &str) -> String {
    let mut fenced = false;
    let mut out = String::new();
    for line in page.lines() {
        fenced ^= line.starts_with("```");
        if line.starts_with('#') && !fenced {
            out.push_str(&paint(BOLD, line));
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

fn unknown(name: &str) -> Failure {
    let failure = Failure::wrong(format!("there is no code `{}`", clean(name)));
    let known = codes::all().flat_map(|info| {
        let slug = info.code.split_once('/').map(|(_, slug)| slug);
        slug.into_iter()
            .chain([info.code])
            .chain(info.rules.iter().copied())
    });
    match perhop_targets::suggest::nearest(name, known) {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => failure.help("`perhop explain` lists all codes"),
    }
}

fn list(ui: &Ui) -> Result<Outcome, Failure> {
    let mut out = String::new();
    let width = codes::all().map(|info| info.code.len()).max().unwrap_or(0);
    for info in codes::all() {
        let rules = match info.rules {
            [] => String::new(),
            rules => format!(" ({})", rules.join(", ")),
        };
        out.push_str(&format!(
            "{}{:pad$}  {}{}\n",
            paint(BOLD, info.code),
            "",
            info.summary,
            paint(DIM, &rules),
            pad = width - info.code.len(),
        ));
    }
    ui.print(&out)?;
    Ok(Outcome::AsPlanned)
}

fn flow(
    args: &Args,
    loaded: &Loaded,
    from: SocketAddr,
    to: SocketAddr,
    ui: &Ui,
) -> Result<Outcome, Failure> {
    let policy = &loaded.policy;
    let protocol = match args.protocol {
        Transport::Udp => Protocol::Udp,
        Transport::Tcp => Protocol::Tcp,
    };
    let mut out = format!(
        "{} {from} > {to}, sent by {}, seen at the {}\n",
        protocol.as_str(),
        args.app.as_deref().map_or_else(
            || "an unknown process".to_owned(),
            |app| format!("`{}`", clean(app))
        ),
        Vantage::from(args.vantage).as_str(),
    );
    let mut ruled = false;
    let mut ruleless = Vec::new();
    for (scope, located) in policy.scopes_at(from.ip()) {
        // What runs no programs cannot have sent it from one.
        if args.app.is_some() && policy.scope(scope).host == Host::Appliance {
            continue;
        }
        let key = FlowKey {
            scope,
            app: args.app.as_deref(),
            protocol,
            src: from.ip(),
            src_port: from.port(),
            dst: to.ip(),
            dst_port: to.port(),
        };
        match answer(args, loaded, &key, located) {
            Some((text, under)) => {
                ruled |= under;
                out.push_str(&text);
            }
            None => ruleless.push(format!("`{}`", clean(&policy.scope(scope).name))),
        }
    }
    if !ruleless.is_empty() {
        out.push_str(&format!(
            "\nsent by {}: no rule, unplanned\n",
            ruleless.join(", ")
        ));
    }
    ui.print(&out)?;
    Ok(if ruled {
        Outcome::AsPlanned
    } else {
        Outcome::Findings
    })
}

/// What the plan says of a packet of one scope, and whether a rule holds it; `None` when nothing is near.
fn answer(
    args: &Args,
    loaded: &Loaded,
    key: &FlowKey<'_>,
    located: bool,
) -> Option<(String, bool)> {
    let policy = &loaded.policy;
    let place = if located {
        "the plan places the sender here"
    } else {
        "the plan does not say where these are"
    };
    let head = format!(
        "\nsent by `{}` {}\n",
        paint(BOLD, &clean(&policy.scope(key.scope).name)),
        paint(DIM, &format!("({place})"))
    );
    match policy.classify(key, args.vantage.into()) {
        Answer::Unplanned => {
            let near = near(loaded, key)?;
            Some((
                format!("{head}  no rule: unplanned, so no mark is expected\n{near}"),
                false,
            ))
        }
        Answer::Marked { rule, dscp } => {
            let mark = paint(GOOD, &dscp.to_string());
            let why = because(policy.rule(rule), loaded);
            Some((format!("{head}  DSCP {mark}\n{why}"), true))
        }
    }
}

/// The rule, what it asks, who marks, and the plan's place.
fn because(rule: &Rule, loaded: &Loaded) -> String {
    let class = loaded.policy.class(rule.class);
    let mut asks = Vec::new();
    if rule.app.rank() > 0 {
        asks.push(format!("sent by `{}`", rule.app));
    }
    if !rule.src.is_empty() {
        asks.push(format!("from {}", addresses(&rule.src)));
    }
    if let Some(ports) = rule.src_ports.0.range() {
        asks.push(format!("source port {ports}"));
    }
    if !rule.dst.is_empty() {
        asks.push(format!("to {}", addresses(&rule.dst)));
    }
    if let Some(ports) = rule.dst_ports.0.range() {
        asks.push(format!("destination port {ports}"));
    }
    let marker = match rule.marker {
        Marker::HostPolicy => "the sending host's QoS policy",
        Marker::Sender => "the sending device or application itself",
        Marker::Network => "the network's access edge; the sender leaves it unmarked",
    };
    let throttle = rule.throttle.map_or_else(String::new, |rate| {
        format!("  kept to {rate} where the host throttles\n")
    });
    format!(
        "  rule `{}`: {} of {}\n  because it is {}\n  put on by {marker}\n{throttle}  {}\n",
        clean(&rule.name),
        clean(&class.name),
        clean(&rule.component),
        if asks.is_empty() {
            "anything from this sender".to_owned()
        } else {
            clean(&asks.join(", "))
        },
        paint(DIM, &format!("--> {}", loaded.source.place(rule.origin))),
    )
}

/// When only the process is in the way, says so.
fn near(loaded: &Loaded, key: &FlowKey<'_>) -> Option<String> {
    let policy = &loaded.policy;
    let mut apps: Vec<&str> = policy
        .regions(key.scope)
        .iter()
        .filter(|region| region.space.contains_unseen(key))
        .map(|region| policy.rule(region.rule).app.as_str())
        .collect();
    apps.sort_unstable();
    apps.dedup();
    if apps.is_empty() {
        return None;
    }
    let shown: Vec<String> = apps.iter().map(|app| format!("`{}`", clean(app))).collect();
    Some(format!(
        "  it would be under a rule if it were sent by {}\n",
        shown.join(" or ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_headings_outside_code_are_bold() {
        let text = headings("# A\n```\n# not\n```\ntext\n");
        assert!(text.starts_with(&paint(BOLD, "# A")));
        assert!(text.contains("\n# not\n"));
    }
}
