//! Reads the catalogue's files. They are part of the program, so the first thing that is wrong ends it.

use perhop_policy::{Dscp, Family, FileId, PortRange, Protocol, ProtocolMatch};

use super::{
    BusyPorts, Catalogue, Choice, Component, Confidence, DefaultMark, DefaultRange, Medium,
    Misspelling, Place, Platform, Role, Sends, Source,
};
use crate::ast::{Table, Value};
use crate::source;

const LYNC_SERVER: &str = include_str!("../../catalogue/lync-server.toml");
const LYNC_2010: &str = include_str!("../../catalogue/lync-2010.toml");
const LYNC_2013: &str = include_str!("../../catalogue/lync-2013.toml");
const SFB_2015: &str = include_str!("../../catalogue/sfb-2015.toml");
const SFB_2019: &str = include_str!("../../catalogue/sfb-2019.toml");
const TEAMS: &str = include_str!("../../catalogue/teams.toml");
const BUSY_PORTS: &str = include_str!("../../catalogue/busy-ports.toml");

/// The whole catalogue, or what is wrong with it.
pub(super) fn read() -> Result<Catalogue, String> {
    let shared = Rows::of(&file("lync-server", LYNC_SERVER)?)?;
    let mut misspellings = Vec::new();
    let mut platforms: Vec<Platform> = Vec::new();
    for text in [LYNC_2010, LYNC_2013, SFB_2015, SFB_2019, TEAMS] {
        let table = file("platform", text)?;
        let own = Rows::of(&table)?;
        let like = match optional(&table, "like") {
            None => Vec::new(),
            Some(id) => {
                let other = platforms.iter().find(|platform| platform.id == id);
                let other = other.ok_or_else(|| format!("`like` before `{id}`"))?;
                let known = |c: &&Component| shared.components.iter().all(|s| s.id != c.id);
                other.components.iter().filter(known).cloned().collect()
            }
        };
        let base = optional(&table, "shares").map(|_| &shared);
        platforms.push(platform(&table, base, like, own)?);
        misspellings.extend(rows(&table, "misspelling", misspelling)?);
    }
    Ok(Catalogue {
        platforms,
        busy_ports: rows(&file("busy-ports", BUSY_PORTS)?, "port", busy_ports)?,
        misspellings,
    })
}

struct Rows {
    components: Vec<Component>,
    ranges: Vec<DefaultRange>,
    marks: Vec<DefaultMark>,
}

impl Rows {
    fn of(table: &Table) -> Result<Self, String> {
        Ok(Self {
            components: rows(table, "component", component)?,
            ranges: rows(table, "range", range)?,
            marks: rows(table, "mark", mark)?,
        })
    }
}

fn file(name: &str, text: &str) -> Result<Table, String> {
    let (table, problems) = source::parse(FileId(0), text);
    match problems.first() {
        None => Ok(table),
        Some(problem) => Err(format!("{name}: {}", problem.message)),
    }
}

fn platform(
    table: &Table,
    shared: Option<&Rows>,
    like: Vec<Component>,
    own: Rows,
) -> Result<Platform, String> {
    let family = match text(table, "family")?.as_str() {
        "lync-server" => Family::LyncServer,
        "teams" => Family::Teams,
        other => return Err(format!("family `{other}`")),
    };
    let base = |pick: fn(&Rows) -> usize| shared.map_or(0, pick);
    let mut components = Vec::with_capacity(base(|rows| rows.components.len()));
    let (mut ranges, mut marks) = (Vec::new(), Vec::new());
    if let Some(rows) = shared {
        components.extend(rows.components.iter().cloned());
        ranges.extend(rows.ranges.iter().cloned());
        marks.extend(rows.marks.iter().cloned());
    }
    components.extend(like);
    components.retain(|component| own.components.iter().all(|other| other.id != component.id));
    components.extend(own.components);
    components.sort_by_key(|component| component.order);
    for component in &mut components {
        component.family = family;
    }
    ranges.extend(own.ranges);
    marks.extend(own.marks);
    let aliases = match table.get("aliases").and_then(|entry| entry.node.as_list()) {
        None => Vec::new(),
        Some(items) => items
            .iter()
            .filter_map(|item| item.as_text())
            .map(str::to_owned)
            .collect(),
    };
    Ok(Platform {
        id: text(table, "id")?,
        name: text(table, "name")?,
        aliases,
        family,
        components,
        ranges,
        marks,
    })
}

fn component(table: &Table) -> Result<Component, String> {
    let mut sends = Vec::new();
    for item in table
        .get("sends")
        .and_then(|entry| entry.node.as_list())
        .unwrap_or_default()
    {
        let item = item.as_table().ok_or("`sends` holds tables")?;
        sends.push(Sends {
            medium: medium(item)?,
            protocol: protocol(item)?.map_or(ProtocolMatch::Both, ProtocolMatch::Only),
        });
    }
    let source = source_of(table)?;
    let default = match table.get("default").map(|entry| &entry.node.value) {
        None => false,
        Some(Value::Boolean(value)) => *value,
        Some(_) => return Err("`default` is a boolean".to_owned()),
    };
    Ok(Component {
        id: text(table, "id")?,
        label: text(table, "label")?,
        order: number(table, "order")?,
        family: Family::LyncServer,
        role: role(&text(table, "role")?)?,
        executable: optional(table, "executable"),
        choice: match optional(table, "option").as_deref() {
            None if source.confidence == Confidence::Unverified => Choice::Never,
            None => Choice::Always,
            Some("also") => Choice::Also(default),
            Some("vdi") => Choice::Vdi,
            Some("vbss") => Choice::VideoBasedSharing,
            Some(other) => return Err(format!("option `{other}`")),
        },
        sends,
        source,
    })
}

fn range(table: &Table) -> Result<DefaultRange, String> {
    let (start, count): (u16, u32) = (number(table, "start")?, number(table, "count")?);
    Ok(DefaultRange {
        of: text(table, "of")?,
        class: text(table, "class")?,
        ports: PortRange::from_start_and_count(start, count).ok_or("no range")?,
        source: source_of(table)?,
    })
}

fn mark(table: &Table) -> Result<DefaultMark, String> {
    Ok(DefaultMark {
        of: text(table, "of")?,
        medium: medium(table)?,
        dscp: Dscp::try_new(number(table, "dscp")?).ok_or("no code point")?,
        source: source_of(table)?,
    })
}

fn busy_ports(table: &Table) -> Result<BusyPorts, String> {
    let first = number(table, "first")?;
    let last = if table.get("last").is_some() {
        number(table, "last")?
    } else {
        first
    };
    Ok(BusyPorts {
        ports: PortRange::try_new(first, last).ok_or("no range")?,
        protocol: protocol(table)?,
        place: match text(table, "on")?.as_str() {
            "servers" => Place::Servers,
            "clients" => Place::Clients,
            "edge" => Place::Edge,
            "any" => Place::Any,
            other => return Err(format!("on `{other}`")),
        },
        name: text(table, "name")?,
        source: source_of(table)?,
    })
}

fn misspelling(table: &Table) -> Result<Misspelling, String> {
    Ok(Misspelling {
        wrong: text(table, "wrong")?,
        right: text(table, "right")?,
        source: source_of(table)?,
    })
}

fn source_of(table: &Table) -> Result<Source, String> {
    Ok(Source {
        text: text(table, "source")?,
        date: text(table, "date")?,
        confidence: match text(table, "confidence")?.as_str() {
            "U" => Confidence::Unverified,
            "I" => Confidence::Inferred,
            "K" => Confidence::Known,
            "3P" => Confidence::ThirdParty,
            "V" => Confidence::Vendor,
            other => return Err(format!("confidence `{other}`")),
        },
    })
}

fn role(name: &str) -> Result<Role, String> {
    Ok(match name {
        "conferencing" => Role::Conferencing,
        "application" => Role::Application,
        "mediation" => Role::Mediation,
        "front-end" => Role::FrontEnd,
        "edge" => Role::Edge,
        "voice-mail" => Role::VoiceMail,
        "client" => Role::Client,
        "phone" => Role::Phone,
        other => return Err(format!("role `{other}`")),
    })
}

fn medium(table: &Table) -> Result<Medium, String> {
    let name = text(table, "class")?;
    Medium::from_name(&name).ok_or_else(|| format!("class `{name}`"))
}

fn protocol(table: &Table) -> Result<Option<Protocol>, String> {
    Ok(match optional(table, "protocol").as_deref() {
        None | Some("both") => None,
        Some("tcp") => Some(Protocol::Tcp),
        Some("udp") => Some(Protocol::Udp),
        Some(other) => return Err(format!("protocol `{other}`")),
    })
}

fn rows<T>(
    table: &Table,
    key: &str,
    read: fn(&Table) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let items = table
        .get(key)
        .and_then(|entry| entry.node.as_list())
        .unwrap_or_default();
    items
        .iter()
        .map(|item| {
            let row = item.as_table().ok_or("a row is a table")?;
            let name = optional(row, "id")
                .or_else(|| optional(row, "name"))
                .unwrap_or_default();
            read(row).map_err(|error| format!("{key} `{name}`: {error}"))
        })
        .collect()
}

fn optional(table: &Table, key: &str) -> Option<String> {
    table
        .get(key)
        .and_then(|entry| entry.node.as_text())
        .map(str::to_owned)
}

fn text(table: &Table, key: &str) -> Result<String, String> {
    optional(table, key).ok_or_else(|| format!("no text `{key}`"))
}

fn number<T: TryFrom<i64>>(table: &Table, key: &str) -> Result<T, String> {
    match table.get(key).map(|entry| &entry.node.value) {
        Some(Value::Integer(number)) => T::try_from(*number).ok(),
        _ => None,
    }
    .ok_or_else(|| format!("no number `{key}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_read_and_every_row_has_source_date_and_confidence() {
        let catalogue = read().unwrap();
        let ids: Vec<&str> = catalogue.platforms.iter().map(|p| p.id.as_str()).collect();
        assert_eq!(
            ids,
            ["lync-2010", "lync-2013", "sfb-2015", "sfb-2019", "teams"]
        );
        let sources = catalogue
            .platforms
            .iter()
            .flat_map(|p| {
                let components = p.components.iter().map(|row| &row.source);
                let ranges = p.ranges.iter().map(|row| &row.source);
                components
                    .chain(ranges)
                    .chain(p.marks.iter().map(|row| &row.source))
            })
            .chain(catalogue.busy_ports.iter().map(|row| &row.source))
            .chain(catalogue.misspellings.iter().map(|row| &row.source));
        for source in sources {
            assert!(!source.text.is_empty());
            let parts: Vec<usize> = source.date.split('-').map(str::len).collect();
            let digits = source.date.bytes().all(|b| b.is_ascii_digit() || b == b'-');
            let dated = digits && parts == [4, 2, 2];
            assert!(dated || source.date == "undated", "{}", source.date);
        }
    }

    #[test]
    fn what_is_unverified_makes_no_rule_unless_named() {
        let catalogue = read().unwrap();
        let mut seen = 0;
        for (platform, component) in catalogue.components() {
            if component.source.confidence == Confidence::Unverified {
                seen += 1;
                assert!(
                    matches!(component.choice, Choice::Never | Choice::Also(false)),
                    "{} {}",
                    platform.id,
                    component.id
                );
            }
        }
        assert!(seen > 0);
    }

    #[test]
    fn the_ranges_are_those_of_the_documents() {
        let catalogue = read().unwrap();
        let lync = catalogue.platform("lync-2013").unwrap();
        let range = |of, class| lync.range(of, class).unwrap().to_string();
        assert_eq!(range("conferencing", "audio"), "49152-57499");
        assert_eq!(range("conferencing", "video"), "57501-65534");
        assert_eq!(range("conferencing", "app-sharing"), "49152-65534");
        assert_eq!(range("recommended", "app-sharing"), "40803-49150");
        assert_eq!(range("edge", "relay"), "50000-59999");
        let teams = catalogue.platform("teams").unwrap();
        assert_eq!(
            teams.range("clients", "app-sharing").unwrap().to_string(),
            "50040-50059"
        );
        assert_eq!(catalogue.platform("sfb-se").unwrap().id, "sfb-2019");
    }
}
