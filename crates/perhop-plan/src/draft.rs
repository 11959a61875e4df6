//! A plan written from what is configured: rules that hosts have and ranges that services are told.
//!
//! What does not fit together is not hidden: it stands in the text as comments, with where it comes from. What comes out
//! is a plan that has no error, or nothing.

mod apps;
mod blocks;
mod classes;

use std::collections::BTreeMap;

use ipnet::IpNet;
use perhop_policy::selector::file_name;
use perhop_policy::{
    AppMatch, Dscp, Family, FileId, PolicySet, PortMatch, PortRange, Producer, ProducerKind,
    ProtocolMatch, RangeUse, Rate, Severity, Subject,
};

use crate::catalogue::{Choice, Component, Role, catalogue};
use crate::load;
use blocks::{Blocks, text};
use classes::Classes;

/// What a plan is to be written from.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// The plan's name.
    pub name: String,
    /// Where it comes from, one file an entry.
    pub sources: Vec<String>,
    /// Rules that hosts have.
    pub rules: Vec<SeenRule>,
    /// What services and devices are told.
    pub told: Vec<Told>,
    /// What there is and no plan says; each becomes a comment.
    pub unsaid: Vec<String>,
}

/// A rule that a host has.
#[derive(Debug, Clone)]
pub struct SeenRule {
    /// Its name there.
    pub name: String,
    /// Where it stands.
    pub place: String,
    /// The sending process.
    pub app: AppMatch,
    /// TCP, UDP or both.
    pub protocol: ProtocolMatch,
    /// Sender's prefix.
    pub src: Option<IpNet>,
    /// Receiver's prefix.
    pub dst: Option<IpNet>,
    /// Sender's ports.
    pub src_ports: PortMatch,
    /// Receiver's ports.
    pub dst_ports: PortMatch,
    /// The mark.
    pub dscp: Dscp,
    /// The most that a host sends of it.
    pub throttle: Option<Rate>,
}

/// What one object of a service tells.
#[derive(Debug, Clone)]
pub struct Told {
    /// The object, as a plan would say it.
    pub producer: Producer,
    /// Where it stands.
    pub place: String,
    /// Whether its ranges are in force; `None` for objects without the switch.
    pub enforced: Option<bool>,
}

/// Writes the plan.
///
/// # Errors
/// When no plan without errors comes of it: the text that was tried, and what is wrong with it.
pub fn write(draft: &Draft) -> Result<String, (String, String)> {
    let classes = Classes::of(draft);
    let mut blocks = Blocks::default();
    head(draft, &mut blocks);
    classes.write(&mut blocks);
    clients(draft, &classes, &mut blocks);
    servers(draft, &classes, &mut blocks);
    edge(draft, &mut blocks);
    devices(draft, &mut blocks);
    places(draft, &mut blocks);
    let (sound, policy) = settle(blocks)?;
    // What the plan's own components do not say is an application of its own.
    let mut blocks = sound;
    if apps::write(draft, &classes, policy.as_ref(), &mut blocks) {
        (blocks, _) = settle(blocks)?;
    }
    for text in &draft.unsaid {
        blocks.add("#").comment(text);
    }
    Ok(blocks.text())
}

/// Takes out what makes errors, line by line, until there are none; what is taken out stays as a comment.
fn settle(mut blocks: Blocks) -> Result<(Blocks, Option<PolicySet>), (String, String)> {
    for _ in 0..MOST_STEPS {
        let written = blocks.text();
        let loaded = load::load(FileId(0), &written);
        let Some(error) = loaded
            .diagnostics
            .iter()
            .find(|one| one.severity == Severity::Error)
        else {
            return Ok((blocks, loaded.policy));
        };
        let taken = error
            .labels
            .iter()
            .any(|label| blocks.take_out(&written, label.span.start, &error.message));
        if !taken {
            return Err((written, error.message.clone()));
        }
    }
    Err((blocks.text(), "too much contradicts itself".to_owned()))
}

/// Name and platforms, told by executables and objects.
fn head(draft: &Draft, blocks: &mut Blocks) {
    let mut ids: Vec<&str> = Vec::new();
    for rule in &draft.rules {
        let wanted = |role: Role| matches!(role, Role::Client);
        if let Some((platform, _)) = component(&rule.app, wanted)
            && !ids.contains(&platform)
        {
            ids.push(platform);
        }
    }
    let lync = draft
        .told
        .iter()
        .any(|one| one.producer.family == Family::LyncServer);
    let server = |rule: &SeenRule| component(&rule.app, |role| role != Role::Client).is_some();
    if (lync || draft.rules.iter().any(server)) && !ids.iter().any(|id| *id != "teams") {
        ids.insert(0, "lync-2013");
    }
    let teams = draft
        .told
        .iter()
        .any(|one| one.producer.family == Family::Teams);
    if teams && !ids.contains(&"teams") {
        ids.push("teams");
    }
    let order: Vec<&str> = catalogue()
        .platforms
        .iter()
        .map(|one| one.id.as_str())
        .collect();
    ids.sort_by_key(|id| order.iter().position(|known| known == id));
    let list: Vec<String> = ids.iter().map(|id| text(id)).collect();
    let block = blocks.add("");
    block.comment("Written from what is configured in:");
    for source in &draft.sources {
        block.comment(&format!("  {source}"));
    }
    block.comment(
        "What is commented out contradicts something else; the comment above it says what.",
    );
    block.key("plan", &text(&draft.name));
    block.key("platforms", &format!("[{}]", list.join(", ")));
}

/// The component of an executable, with its platform: the oldest that has it.
fn component(
    app: &AppMatch,
    wanted: impl Fn(Role) -> bool,
) -> Option<(&'static str, &'static Component)> {
    let name = match app {
        AppMatch::Any => return None,
        AppMatch::Name(name) | AppMatch::Path(name) => file_name(name),
    };
    catalogue()
        .components()
        .filter(|(_, one)| wanted(one.role) && one.choice != Choice::Never)
        .find(|(_, one)| {
            one.executable
                .as_deref()
                .is_some_and(|exe| exe.eq_ignore_ascii_case(name))
        })
        .map(|(platform, one)| (platform.id.as_str(), one))
}

fn clients(draft: &Draft, classes: &Classes, blocks: &mut Blocks) {
    let chosen = |kind: fn(Choice) -> bool| -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for rule in &draft.rules {
            if let Some((_, one)) = component(&rule.app, |role| role == Role::Client)
                && kind(one.choice)
                && !out.contains(&text(&one.id))
            {
                out.push(text(&one.id));
            }
        }
        out
    };
    let vdi = chosen(|choice| choice == Choice::Vdi);
    let also = chosen(|choice| choice == Choice::Also(false));
    let enforced =
        object(draft, &ProducerKind::Clients, &Subject::Global).and_then(|one| one.enforced);
    if !vdi.is_empty() || !also.is_empty() || enforced == Some(false) {
        let block = blocks.add("clients");
        if !vdi.is_empty() {
            block.key("vdi", &format!("[{}]", vdi.join(", ")));
        }
        if !also.is_empty() {
            block.key("also", &format!("[{}]", also.join(", ")));
        }
        if enforced == Some(false) {
            block.comment("`ClientMediaPortRangeEnabled` is off; the plan switches it on.");
        }
    }
    ranges(blocks, "clients.ports", classes.clients());
    if let Some(teams) = classes.teams() {
        ranges(blocks, "teams.ports", teams);
    }
}

/// A table of ranges, each with where it comes from.
fn ranges(blocks: &mut Blocks, name: &str, ranges: &BTreeMap<&'static str, (PortRange, String)>) {
    if ranges.is_empty() {
        return;
    }
    let block = blocks.add(name);
    for (key, (ports, place)) in ranges {
        block.key_from(key, &text(&ports.to_string()), place);
    }
}

fn servers(draft: &Draft, classes: &Classes, blocks: &mut Blocks) {
    ranges(blocks, "servers.ports", classes.servers());
    for (kind, name, uses) in ROLES {
        let Some(one) = service(draft, &kind) else {
            continue;
        };
        let own: BTreeMap<&'static str, (PortRange, String)> = one
            .producer
            .ranges
            .iter()
            .filter(|range| uses.contains(&range.used_for))
            .map(|range| (range.used_for.as_str(), (range.ports, one.place.clone())))
            .filter(|(key, (ports, _))| {
                classes
                    .servers()
                    .get(key)
                    .is_none_or(|(common, _)| common != ports)
            })
            .collect();
        ranges(blocks, &format!("servers.{name}.ports"), &own);
    }
    let pools: Vec<&Told> = draft
        .told
        .iter()
        .filter(|one| {
            one.producer.kind == ProducerKind::ApplicationPool && !one.producer.ranges.is_empty()
        })
        .collect();
    if let Some(first) = pools.first() {
        let names: Vec<String> = pools
            .iter()
            .map(|one| text(subject_name(&one.producer.subject)))
            .collect();
        blocks
            .add("servers.application-pools")
            .key("names", &format!("[{}]", names.join(", ")));
        let own = first
            .producer
            .ranges
            .iter()
            .map(|range| (range.used_for.as_str(), (range.ports, first.place.clone())))
            .collect();
        ranges(blocks, "servers.application-pools.ports", &own);
    }
}

/// Roles that may have ranges of their own, and which.
const ROLES: [(ProducerKind, &str, &[RangeUse]); 3] = [
    (
        ProducerKind::ApplicationService,
        "application",
        &[RangeUse::Audio],
    ),
    (
        ProducerKind::MediationService,
        "mediation",
        &[RangeUse::Audio],
    ),
    (ProducerKind::WebService, "web", &[RangeUse::AppSharing]),
];

/// The first object of a service's kind, everyone's before a single one.
fn service<'a>(draft: &'a Draft, kind: &ProducerKind) -> Option<&'a Told> {
    let of = || draft.told.iter().filter(|one| one.producer.kind == *kind);
    of().find(|one| is_every(&one.producer.subject))
        .or_else(|| of().next())
}

/// The relay, told by its executable, and what it sends to voice mail.
fn edge(draft: &Draft, blocks: &mut Blocks) {
    let relays = || {
        let of = |rule: &&SeenRule| component(&rule.app, |role| role == Role::Edge).is_some();
        draft.rules.iter().filter(of)
    };
    let mut internal: Vec<IpNet> = Vec::new();
    let mut mail: Vec<IpNet> = Vec::new();
    for rule in relays() {
        internal.extend(rule.src.filter(|net| !internal.contains(net)));
        mail.extend(rule.dst.filter(|net| !mail.contains(net)));
    }
    let list = |nets: &[IpNet]| {
        let nets: Vec<String> = nets.iter().map(|net| text(&address(net))).collect();
        format!("[{}]", nets.join(", "))
    };
    if !internal.is_empty() {
        let block = blocks.add("edge");
        block.key("internal", &list(&internal));
        if let Some(one) = service(draft, &ProducerKind::MediaRelay)
            && let Some(range) = one.producer.ranges.first()
        {
            block.key_from("relay-ports", &text(&range.ports.to_string()), &one.place);
        }
    } else if relays().next().is_some() {
        blocks.add("#edge").comment(
            "There are policies of an A/V Edge without its internal address: add `[edge]` with `internal = [...]`.",
        );
    }
    if !mail.is_empty() && !internal.is_empty() {
        blocks.add("exchange-um").key("addresses", &list(&mail));
    }
}

fn devices(draft: &Draft, blocks: &mut Blocks) {
    if let Some(one) = object(draft, &ProducerKind::Phones, &Subject::Global) {
        phones(blocks, "phones", one);
    }
    let lync = |one: &&Told| one.producer.family == Family::LyncServer;
    let found = draft.told.iter().filter(lync).find(|one| {
        one.producer.kind == ProducerKind::OtherDevices && one.producer.subject == Subject::Global
    });
    if let Some((one, on)) = found.and_then(|one| Some((one, one.producer.marking?))) {
        blocks
            .add("devices")
            .key_from("qos", &on.to_string(), &one.place);
    }
}

fn phones(blocks: &mut Blocks, table: &str, one: &Told) {
    let block = blocks.add(table);
    if let Some(dscp) = one.producer.dscp {
        block.key_from("dscp", &dscp.value().to_string(), &one.place);
    }
    if let Some(pcp) = one.producer.pcp.filter(|pcp| pcp.value() > 0) {
        block.key_from("pcp", &pcp.value().to_string(), &one.place);
    }
}

/// Objects of sites and services.
fn places(draft: &Draft, blocks: &mut Blocks) {
    for one in &draft.told {
        let head = match &one.producer.subject {
            Subject::Site(name) => format!("site.{}", text(name)),
            Subject::Service(name) if one.producer.kind == ProducerKind::Clients => {
                format!("service.{}", text(name))
            }
            Subject::Service(_) | Subject::Global => continue,
        };
        match one.producer.kind {
            ProducerKind::Clients => {
                let own = one
                    .producer
                    .ranges
                    .iter()
                    .map(|range| (range.used_for.as_str(), (range.ports, one.place.clone())))
                    .collect();
                if one.enforced == Some(false) {
                    blocks.add(&format!("#{head}")).comment(&format!(
                        "{}: `ClientMediaPortRangeEnabled` of this object is off; the plan switches it on.",
                        one.place
                    ));
                }
                ranges(blocks, &format!("{head}.clients.ports"), &own);
            }
            ProducerKind::Phones => phones(blocks, &format!("{head}.phones"), one),
            ProducerKind::OtherDevices => {
                if let Some(on) = one.producer.marking {
                    blocks.add(&format!("{head}.devices")).key_from(
                        "qos",
                        &on.to_string(),
                        &one.place,
                    );
                }
            }
            _ => {}
        }
    }
}

/// The object of a kind and subject.
fn object<'a>(draft: &'a Draft, kind: &ProducerKind, subject: &Subject) -> Option<&'a Told> {
    draft.told.iter().find(|one| {
        one.producer.kind == *kind
            && one.producer.subject == *subject
            && one.producer.family == Family::LyncServer
    })
}

fn subject_name(subject: &Subject) -> &str {
    match subject {
        Subject::Global => "*",
        Subject::Site(name) | Subject::Service(name) => name,
    }
}

fn is_every(subject: &Subject) -> bool {
    matches!(subject_name(subject), "*")
}

fn address(net: &IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() {
        net.addr().to_string()
    } else {
        net.to_string()
    }
}

/// More contradictions than this are no network's.
const MOST_STEPS: usize = 200;
