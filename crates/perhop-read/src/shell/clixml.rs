//! `Export-Clixml` ([MS-PSRP] 2.2.5).

use std::collections::BTreeMap;

use roxmltree::{Document, Node};

use super::Object;
use crate::place::Place;

/// The objects of a document.
pub(crate) fn read(index: usize, document: &Document<'_>) -> Vec<Object> {
    let mut out = Vec::new();
    let mut types: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for node in document
        .descendants()
        .filter(|node| node.has_tag_name_of("TN"))
    {
        if let Some(id) = node.attribute("RefId") {
            let names = node.children().filter(|one| one.has_tag_name_of("T"));
            types.insert(
                id,
                names
                    .filter_map(|one| one.text())
                    .map(str::to_owned)
                    .collect(),
            );
        }
    }
    for node in document.root_element().children() {
        if !node.has_tag_name_of("Obj") {
            continue;
        }
        // An array as a whole is one object with a list in it.
        let list = node
            .children()
            .find(|child| child.has_tag_name_of("LST") || child.has_tag_name_of("IE"));
        match list {
            Some(list) => out.extend(
                list.children()
                    .filter(|one| one.has_tag_name_of("Obj"))
                    .map(|one| object(index, document, one, &types)),
            ),
            None => out.push(object(index, document, node, &types)),
        }
    }
    out
}

/// Names of elements without regard to the namespace, which hand-made files leave out.
trait Tag {
    fn has_tag_name_of(&self, name: &str) -> bool;
}

impl Tag for Node<'_, '_> {
    fn has_tag_name_of(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}

fn object(
    index: usize,
    document: &Document<'_>,
    node: Node<'_, '_>,
    types: &BTreeMap<&str, Vec<String>>,
) -> Object {
    let line = |node: Node<'_, '_>| document.text_pos_at(node.range().start).row as usize;
    let mut out = Object::new(Place::line(index, line(node)));
    for child in node.children() {
        match child.tag_name().name() {
            "TN" => {
                let names = child.children().filter_map(|one| one.text());
                out.types.extend(
                    names
                        .map(|name| name.trim().to_owned())
                        .filter(|n| !n.is_empty()),
                );
            }
            "TNRef" => {
                let known = child.attribute("RefId").and_then(|id| types.get(id));
                out.types.extend(known.into_iter().flatten().cloned());
            }
            "Props" | "MS" => {
                for property in child.children().filter(Node::is_element) {
                    if let Some(name) = property.attribute("N") {
                        out.push(
                            unescape(name),
                            value(property),
                            Place::line(index, line(property)),
                        );
                    }
                }
            }
            _ => {}
        }
    }
    out
}

/// A value as text; of an object, how it shows itself.
fn value(node: Node<'_, '_>) -> String {
    match node.tag_name().name() {
        "Nil" => String::new(),
        "B" => match node.text().map(str::trim) {
            Some("true") => "True".to_owned(),
            _ => "False".to_owned(),
        },
        "Obj" => {
            let shown = node
                .children()
                .find(|child| child.has_tag_name_of("ToString"));
            let leaf = node.children().find(|child| {
                child.is_element()
                    && matches!(child.tag_name().name(), "S" | "I32" | "U32" | "I64" | "U64")
            });
            shown
                .or(leaf)
                .and_then(|node| node.text())
                .map(|text| unescape(text.trim()))
                .unwrap_or_default()
        }
        _ => node.text().map(unescape).unwrap_or_default(),
    }
}

/// `_xHHHH_` is a UTF-16 unit.
fn unescape(text: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        units.extend(rest[..at].encode_utf16());
        let after = &rest[at + 2..];
        let unit = after
            .get(..5)
            .filter(|hex| hex.ends_with('_'))
            .and_then(|hex| u16::from_str_radix(&hex[..4], 16).ok());
        match unit {
            Some(unit) => {
                units.push(unit);
                rest = &after[5..];
            }
            None => {
                units.extend("_x".encode_utf16());
                rest = after;
            }
        }
    }
    units.extend(rest.encode_utf16());
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_objects_and_selected_ones() {
        let text = r#"<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">
 <Obj RefId="0"><TN RefId="0"><T>A.UcPhoneSettings</T></TN>
  <Props><S N="Identity">Global</S><By N="VoiceDiffServTag">40</By><Nil N="X" />
   <Obj N="SIPSecurityMode" RefId="1"><ToString>High</ToString><I32>2</I32></Obj></Props></Obj>
 <Obj RefId="2"><TNRef RefId="0" /><MS><S N="Identity">a_x000A_b_x005F_x</S><B N="On">true</B></MS></Obj>
</Objs>"#;
        let document = Document::parse(text).unwrap();
        let objects = read(0, &document);
        let shown: Vec<(&str, &str)> = objects
            .iter()
            .flat_map(|object| &object.properties)
            .map(|one| (one.name.as_str(), one.value.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("Identity", "Global"),
                ("VoiceDiffServTag", "40"),
                ("X", ""),
                ("SIPSecurityMode", "High"),
                ("Identity", "a\nb_x"),
                ("On", "True"),
            ]
        );
        assert_eq!(objects[1].types, ["A.UcPhoneSettings"]);
        assert_eq!(objects[0].properties[1].place.line, Some(3));
        assert_eq!(unescape("_x_xZZZZ_é_x00"), "_x_xZZZZ_é_x00");
    }
}
