//! Output of PowerShell: objects with properties, whatever the form, and the facts in them.

pub(crate) mod clixml;
pub(crate) mod csv;
pub(crate) mod json;
pub(crate) mod list;
pub(crate) mod netqos;
pub(crate) mod service;
pub(crate) mod table;

use crate::place::Place;
use crate::reading::{FileRead, Format};

/// One object of the output.
#[derive(Debug, Clone, Default)]
pub(crate) struct Object {
    /// Its .NET or WMI types, where the form has them.
    pub(crate) types: Vec<String>,
    /// Where it begins.
    pub(crate) place: Place,
    /// Its properties in order.
    pub(crate) properties: Vec<Property>,
}

/// One property as text; empty for null.
#[derive(Debug, Clone)]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) place: Place,
}

impl Object {
    pub(crate) fn new(place: Place) -> Self {
        Self {
            place,
            ..Self::default()
        }
    }

    pub(crate) fn push(&mut self, name: impl Into<String>, value: impl Into<String>, place: Place) {
        let name = name.into();
        let place = if place.path.is_empty() {
            place.with_path(name.clone())
        } else {
            place
        };
        self.properties.push(Property {
            name,
            value: value.into(),
            place,
        });
    }

    /// The first property of one of these names that has a value; names compare without case.
    pub(crate) fn get(&self, names: &[&str]) -> Option<&Property> {
        names.iter().find_map(|name| {
            self.properties
                .iter()
                .find(|one| one.name.eq_ignore_ascii_case(name) && !one.value.is_empty())
        })
    }

    pub(crate) fn has(&self, names: &[&str]) -> bool {
        names.iter().any(|name| {
            self.properties
                .iter()
                .any(|one| one.name.eq_ignore_ascii_case(name))
        })
    }

    pub(crate) fn is_of_type(&self, word: &str) -> bool {
        let word = word.to_ascii_lowercase();
        self.types
            .iter()
            .any(|one| one.to_ascii_lowercase().contains(&word))
    }
}

/// Makes facts of objects; what is neither a policy nor a settings object is listed.
pub(crate) fn facts(file: &mut FileRead, objects: Vec<Object>) {
    for object in objects {
        for property in &object.properties {
            if property.value.ends_with("...") || property.value.ends_with('\u{2026}') {
                cut_short(file, property);
            }
        }
        if netqos::is_one(&object) {
            netqos::facts(file, &object);
        } else if service::is_one(&object) {
            service::facts(file, &object);
        } else {
            let names: Vec<&str> = object
                .properties
                .iter()
                .take(6)
                .map(|one| one.name.as_str())
                .collect();
            file.leave(
                object.place.clone(),
                names.join(", "),
                "neither a policy nor an object of the service with ports or marks",
            );
        }
    }
}

/// Whether an object is one that [`facts`] understands.
pub(crate) fn is_known(object: &Object) -> bool {
    netqos::is_one(object) || service::is_one(object)
}

/// The file of these objects when there are any of a known kind.
pub(crate) fn file(name: &str, format: Format, objects: Vec<Object>) -> Option<FileRead> {
    if !objects.iter().any(is_known) {
        return None;
    }
    let mut file = FileRead::new(name, format);
    facts(&mut file, objects);
    Some(file)
}

fn cut_short(file: &mut FileRead, property: &Property) {
    use crate::codes;
    use crate::finding::{Finding, Layer};
    use perhop_policy::Severity;
    file.findings.push(
        Finding::new(
            Severity::Warning,
            Layer::Delivery,
            codes::CUT_SHORT,
            format!("`{}` is cut short: `{}`", property.name, property.value),
        )
        .at(&property.place)
        .note("PowerShell cuts what is wider than the window")
        .help("export with `| Export-Clixml FILE` or `| ConvertTo-Json`, which cut nothing"),
    );
}
