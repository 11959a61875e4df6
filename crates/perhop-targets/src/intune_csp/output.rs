//! The files: a list to type in, SyncML, and a profile for Microsoft Graph.

use crate::intune_csp::nodes::{self, Data, Node};
use crate::syntax::csv;
use crate::syntax::json::Json;
use crate::syntax::markdown::{Markdown, code};
use crate::syntax::xml::{Layout, Xml};
use crate::windows_policy::{Policy, Section};

const HEAD: [&str; 4] = ["Name", "OMA-URI", "Data type", "Value"];

/// The rows of a custom profile, one a setting.
pub(super) fn csv(section: &Section) -> Vec<u8> {
    let mut rows = vec![HEAD.map(str::to_owned).to_vec()];
    for node in all(section) {
        let (kind, value) = match &node.data {
            Data::Text(text) => ("String", text.clone()),
            Data::Integer(number) => ("Integer", number.to_string()),
        };
        rows.push(vec![title(&node), node.uri(), kind.to_owned(), value]);
    }
    csv::write(&rows)
}

/// The nodes to delete.
pub(super) fn csv_delete(section: &Section) -> Vec<u8> {
    let mut rows = vec![vec!["Name".to_owned(), "OMA-URI".to_owned()]];
    for policy in &section.policies {
        rows.push(vec![policy.name.clone(), nodes::policy_uri(&policy.name)]);
    }
    csv::write(&rows)
}

/// The policies of a list that [`csv`] wrote.
pub(super) fn read_csv(bytes: &[u8]) -> Result<Vec<Policy>, String> {
    let rows = csv::read(bytes).ok_or("not a list that was written by this target")?;
    let mut found = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let wrong = || format!("line {}: not a setting of NetworkQoSPolicy", index + 1);
        match row.as_slice() {
            row if index == 0 && row == HEAD => {}
            [_, uri, kind, value] => {
                let data = match kind.as_str() {
                    "String" => Data::Text(value.clone()),
                    "Integer" => Data::Integer(value.parse().map_err(|_| wrong())?),
                    _ => return Err(wrong()),
                };
                found.push(Node::read(uri, data).ok_or_else(wrong)?);
            }
            _ => return Err(wrong()),
        }
    }
    nodes::read(&found)
}

/// The list for people.
pub(super) fn markdown(section: &Section, profile: &str) -> Vec<u8> {
    let mut out = Markdown::new();
    out.heading(1, profile);
    out.paragraph(&format!(
        "Rows of a custom profile (Windows 10 and later) for the devices of {}.",
        section.scope
    ));
    let rows: Vec<Vec<String>> = all(section)
        .iter()
        .map(|node| {
            let (kind, value) = match &node.data {
                Data::Text(text) => ("String", text.clone()),
                Data::Integer(number) => ("Integer", number.to_string()),
            };
            vec![
                code(&title(node)),
                code(&node.uri()),
                kind.to_owned(),
                code(&value),
            ]
        })
        .collect();
    out.table(&HEAD, &rows);
    out.into_text().into_bytes()
}

/// SyncML that sets everything, whether it is there or not.
pub(super) fn syncml(section: &Section) -> Vec<u8> {
    let mut xml = body();
    for (index, node) in (1..).zip(all(section)) {
        let (format, data) = match &node.data {
            Data::Text(text) => ("chr", text.clone()),
            Data::Integer(number) => ("int", number.to_string()),
        };
        xml.open("Replace", &[]);
        target(&mut xml, index, &node.uri());
        xml.open("Meta", &[])
            .leaf("Format", &[("xmlns", "syncml:metinf")], format)
            .leaf("Type", &[("xmlns", "syncml:metinf")], "text/plain")
            .close()
            .leaf("Data", &[], &data)
            .close()
            .close();
    }
    end(xml)
}

/// SyncML that deletes the policies.
pub(super) fn syncml_delete(section: &Section) -> Vec<u8> {
    let mut xml = body();
    for (index, policy) in (1..).zip(&section.policies) {
        xml.open("Delete", &[]);
        target(&mut xml, index, &nodes::policy_uri(&policy.name));
        xml.close().close();
    }
    end(xml)
}

/// A windows10CustomConfiguration as Microsoft Graph takes it. Graph allows 1000 settings in one.
pub(super) fn profile(section: &Section, title_of_profile: &str) -> Vec<u8> {
    let settings = all(section).into_iter().map(|node| {
        let (kind, value) = match &node.data {
            Data::Text(text) => ("#microsoft.graph.omaSettingString", Json::text(text)),
            Data::Integer(number) => ("#microsoft.graph.omaSettingInteger", Json::Integer(*number)),
        };
        Json::object([
            ("@odata.type", Json::text(kind)),
            ("displayName", Json::text(title(&node))),
            ("omaUri", Json::text(node.uri())),
            ("value", value),
        ])
    });
    Json::object([
        (
            "@odata.type",
            Json::text("#microsoft.graph.windows10CustomConfiguration"),
        ),
        ("displayName", Json::text(title_of_profile)),
        (
            "description",
            Json::text(format!(
                "Marks of real-time media on the devices of {}",
                section.scope
            )),
        ),
        ("omaSettings", Json::array(settings)),
    ])
    .to_document()
    .into_bytes()
}

fn all(section: &Section) -> Vec<Node> {
    section.policies.iter().flat_map(nodes::of).collect()
}

fn title(node: &Node) -> String {
    format!("{} {}", node.policy, node.leaf)
}

fn body() -> Xml {
    let mut xml = Xml::declared(Layout::Indented);
    xml.open("SyncBody", &[("xmlns", "SYNCML:SYNCML1.2")]);
    xml
}

/// The command's number and, in an item that stays open, its target.
fn target(xml: &mut Xml, number: u32, uri: &str) {
    xml.leaf("CmdID", &[], &number.to_string())
        .open("Item", &[])
        .open("Target", &[])
        .leaf("LocURI", &[], uri)
        .close();
}

fn end(mut xml: Xml) -> Vec<u8> {
    xml.empty("Final", &[]).close();
    xml.into_bytes()
}
