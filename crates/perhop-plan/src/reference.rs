//! The reference page of the plan language, made from the table of fields, the rules and the catalogue.

use std::fmt::Write as _;

use crate::catalogue::{Choice, Component, catalogue};
use crate::field::{Field, Shape};
use crate::language;
use crate::rules::{Decided, RULES};

/// The page as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    tables(&mut page, "", language::PLAN);
    rules(&mut page);
    components(&mut page);
    defaults(&mut page);
    busy(&mut page);
    page
}

/// One section a table, depth first.
fn tables(page: &mut String, path: &str, fields: &'static [Field]) {
    let heading = if path.is_empty() {
        "The top of a plan".to_owned()
    } else {
        format!("`{path}`")
    };
    let _ = write!(
        page,
        "\n### {heading}\n\n| key | value | without it | meaning |\n| --- | --- | --- | --- |\n"
    );
    for field in fields {
        let default = match (field.required, field.default) {
            (true, _) => "*error*",
            (false, "") => "nothing",
            (false, text) => text,
        };
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} |",
            field.key,
            cell(&brief(&field.shape)),
            cell(default),
            cell(&meaning(field))
        );
    }
    for field in fields {
        let inner = if path.is_empty() {
            field.key.to_owned()
        } else {
            format!("{path}.{}", field.key)
        };
        nested(page, &inner, &field.shape);
    }
}

fn meaning(field: &Field) -> String {
    if field.since == FIRST {
        field.doc.to_owned()
    } else {
        format!("{} Since {}.", field.doc, field.since)
    }
}

fn nested(page: &mut String, path: &str, shape: &Shape) {
    match shape {
        Shape::Table(fields) => tables(page, path, fields),
        Shape::Tables(fields) => tables(page, &format!("[{path}]"), fields),
        Shape::Open(fields, called, of) => {
            tables(page, path, fields);
            if let Shape::Table(_) = of {
                nested(page, &format!("{path}.{}", upper(called)), of);
            }
        }
        Shape::Map(called, of) => nested(page, &format!("{path}.{}", upper(called)), of),
        _ => {}
    }
}

fn upper(called: &str) -> String {
    called.to_uppercase()
}

fn brief(shape: &Shape) -> String {
    match shape {
        Shape::Dscp => "DSCP".to_owned(),
        Shape::DscpOrNone => "DSCP or `\"none\"`".to_owned(),
        Shape::Pcp => "0 to 7".to_owned(),
        Shape::Ports => "ports".to_owned(),
        Shape::Prefix => "address or prefix".to_owned(),
        Shape::Rate => "rate".to_owned(),
        Shape::Name => "name".to_owned(),
        Shape::Text => "text".to_owned(),
        Shape::Boolean => "`true` or `false`".to_owned(),
        Shape::Integer(low, high) if low == high => format!("{low}"),
        Shape::Integer(low, high) => format!("{low} to {high}"),
        Shape::Word(words) => {
            let words: Vec<String> = words().iter().map(|word| format!("`\"{word}\"`")).collect();
            words.join(", ")
        }
        Shape::List(of) => format!("list of: {}", brief(of)),
        Shape::Table(_) => "table".to_owned(),
        Shape::Open(_, called, _) => format!("table; other keys are {called}s"),
        Shape::Map(called, _) => format!("one table for each {called}"),
        Shape::Tables(_) => "array of tables".to_owned(),
        Shape::Option => "text, number, boolean or list of texts".to_owned(),
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn rules(page: &mut String) {
    page.push_str("\n## Rules of a sound plan\n\nEach code has a page: `perhop explain CODE`.\n\n| rule | says | decided by |\n| --- | --- | --- |\n");
    for rule in RULES {
        let by = match rule.decided {
            Decided::Here => {
                let codes: Vec<String> = rule.codes().map(|code| format!("`{code}`")).collect();
                codes.join(", ")
            }
            Decided::ByConstruction(how) => format!("construction: {how}"),
            Decided::Elsewhere(who) => format!("not a plan: {who}"),
        };
        let _ = writeln!(
            page,
            "| {} | {} | {} |",
            rule.id,
            cell(rule.text),
            cell(&by)
        );
    }
}

fn components(page: &mut String) {
    page.push_str(COMPONENTS);
    let mut seen: Vec<&Component> = Vec::new();
    for (_, component) in catalogue().components() {
        if !seen.contains(&component) {
            seen.push(component);
        }
    }
    seen.sort_by_key(|component| component.order);
    for component in seen {
        let platforms: Vec<&str> = catalogue()
            .components()
            .filter(|(_, other)| *other == component)
            .map(|(platform, _)| platform.id.as_str())
            .collect();
        let media: Vec<&str> = component
            .sends
            .iter()
            .map(|sends| sends.medium.as_str())
            .collect();
        let when = match component.choice {
            Choice::Always => "always",
            Choice::Also(true) => "always, or named in `clients.also`",
            Choice::Also(false) => "named in `clients.also`",
            Choice::Vdi => "named in `clients.vdi`",
            Choice::VideoBasedSharing => "with `servers.video-based-sharing`",
            Choice::Never => "never",
        };
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {} | {when} | {} ({}), {} |",
            component.id,
            component.label,
            component
                .executable
                .as_deref()
                .map_or("-".to_owned(), |exe| format!("`{exe}`")),
            media.join(", "),
            platforms.join(", "),
            cell(&component.source.text),
            component.source.date,
            component.source.confidence.as_str()
        );
    }
}

fn defaults(page: &mut String) {
    page.push_str("\n## Default ranges and marks\n\n| platform | of | medium | value | source |\n| --- | --- | --- | --- | --- |\n");
    let mut told = Vec::new();
    for platform in &catalogue().platforms {
        let ranges = platform.ranges.iter().map(|row| {
            (
                row.of.as_str(),
                row.class.as_str(),
                format!("ports {}", row.ports),
                &row.source,
            )
        });
        let marks = platform.marks.iter().map(|row| {
            (
                row.of.as_str(),
                row.medium.as_str(),
                format!("mark {}", row.dscp),
                &row.source,
            )
        });
        for (of, medium, value, source) in ranges.chain(marks) {
            let row = (of, medium, value.clone(), source);
            if told.contains(&row) {
                continue;
            }
            told.push(row);
            let family = match platform.family {
                perhop_policy::Family::LyncServer => "Lync and Skype for Business",
                perhop_policy::Family::Teams => "Teams",
                perhop_policy::Family::Own => "own",
            };
            let _ = writeln!(
                page,
                "| {family} | {of} | {medium} | {value} | {} ({}), {} |",
                cell(&source.text),
                source.date,
                source.confidence.as_str()
            );
        }
    }
}

fn busy(page: &mut String) {
    page.push_str("\n## Ports that other services hold\n\n| ports | held by | source |\n| --- | --- | --- |\n");
    for row in &catalogue().busy_ports {
        let protocol = row
            .protocol
            .map_or(String::new(), |one| format!("/{}", one.as_str()));
        let _ = writeln!(
            page,
            "| {}{protocol} | {} | {} ({}), {} |",
            row.ports,
            cell(&row.name),
            cell(&row.source.text),
            row.source.date,
            row.source.confidence.as_str()
        );
    }
}

/// The version that keys are read since when the page says nothing.
const FIRST: &str = "0.1.0";

const INTRODUCTION: &str = "\
# The plan language

A plan is a TOML file. This page is made from the table that the parser and the JSON Schema (`plan.schema.json`) are made
from. Where values repeat:

- **DSCP**: a registered name in any case (`\"EF\"`, `\"AF41\"`, `\"CS3\"`) or a number from 0 to 63. Not a ToS octet: EF is 46,
  not 184.
- **ports**: `\"20000-20039\"`, both ends included; `{ start = 20000, count = 40 }`, the same 40 ports; or one number.
- **address or prefix**: `\"192.0.2.10\"`, `\"192.0.2.0/24\"`, `\"2001:db8::/32\"`, without host bits.
- **name**: text that people see: no control characters, 1 to 100 characters.

Unknown keys are errors. Keys are read since version 0.1.0 unless their row says otherwise. Defaults come from the catalogue below, so a plan states decisions only. Where rules overlap, the
most specific wins, in the order Windows documents: full path, file name, no program; then the number of conditions on
addresses, ports and protocol; then source address, destination address, source port, destination port, protocol; then
the longer prefix. What that does not settle is an error.

## Keys
";

const COMPONENTS: &str = "
## Components

What the plan's platforms bring. The last word of the source is how sure the row is: V vendor, 3P third party, K general
knowledge, I inferred, U unverified. What is U makes no rule unless the plan names it.

| id | component | executable | sends | platforms | when | source |
| --- | --- | --- | --- | --- | --- | --- |
";
