//! The JSON Schema of a plan, for editors, made from the table of fields.

use perhop_policy::Dscp;
use serde_json::{Map, Value, json};

use crate::field::{Field, Shape};
use crate::language;

/// The schema as text, with a newline at its end.
#[must_use]
pub fn schema() -> String {
    let mut root = Map::new();
    root.insert(
        "$schema".to_owned(),
        json!("http://json-schema.org/draft-07/schema#"),
    );
    root.insert("title".to_owned(), json!("A perhop plan"));
    root.extend(table(language::PLAN, None));
    let mut text = serde_json::to_string_pretty(&Value::Object(root))
        .expect("maps with text keys are always JSON");
    text.push('\n');
    text
}

fn table(fields: &[Field], rest: Option<&Shape>) -> Map<String, Value> {
    let mut properties = Map::new();
    for field in fields {
        let mut value = shape(&field.shape);
        value.insert("description".to_owned(), json!(description(field)));
        properties.insert(field.key.to_owned(), Value::Object(value));
    }
    let required: Vec<&str> = fields
        .iter()
        .filter(|field| field.required)
        .map(|field| field.key)
        .collect();
    let mut out = object(json!({ "type": "object" }));
    if !fields.is_empty() {
        out.insert("properties".to_owned(), Value::Object(properties));
    }
    if !required.is_empty() {
        out.insert("required".to_owned(), json!(required));
    }
    let rest = rest.map_or(json!(false), |of| Value::Object(shape(of)));
    out.insert("additionalProperties".to_owned(), rest);
    out
}

fn description(field: &Field) -> String {
    if field.default.is_empty() {
        field.doc.to_owned()
    } else {
        format!(
            "{} Default: {}.",
            field.doc,
            field.default.trim_end_matches('.')
        )
    }
}

fn shape(shape: &Shape) -> Map<String, Value> {
    match shape {
        Shape::Name => {
            object(json!({ "type": "string", "minLength": 1, "maxLength": crate::leaf::MAX_NAME }))
        }
        Shape::Text | Shape::Prefix => object(json!({ "type": "string" })),
        Shape::Boolean => object(json!({ "type": "boolean" })),
        Shape::Integer(low, high) => {
            object(json!({ "type": "integer", "minimum": low, "maximum": high }))
        }
        Shape::Dscp => object(json!({ "anyOf": dscp() })),
        Shape::DscpOrNone => {
            let mut forms = vec![json!({ "const": "none" })];
            forms.extend(dscp());
            object(json!({ "anyOf": forms }))
        }
        Shape::Pcp => object(json!({ "type": "integer", "minimum": 0, "maximum": 7 })),
        Shape::Ports => object(json!({ "anyOf": ports() })),
        Shape::Rate => object(
            json!({ "type": "string", "pattern": "^ *[0-9]{1,12} *[kKmMgG][bB][iI][tT](/[sS])? *$" }),
        ),
        Shape::Word(words) => object(json!({ "enum": words() })),
        Shape::List(of) => {
            object(json!({ "type": "array", "items": Value::Object(self::shape(of)) }))
        }
        Shape::Table(fields) => table(fields, None),
        Shape::Open(fields, _, of) => table(fields, Some(of)),
        Shape::Map(_, of) => table(&[], Some(of)),
        Shape::Tables(fields) => {
            object(json!({ "type": "array", "items": Value::Object(table(fields, None)) }))
        }
        Shape::Option => object(json!({ "anyOf": [
            { "type": ["string", "integer", "boolean"] },
            { "type": "array", "items": { "type": "string" } },
        ] })),
    }
}

/// A number, a registered name, or such a name in another case.
fn dscp() -> Vec<Value> {
    let names: Vec<&str> = Dscp::names().collect();
    vec![
        json!({ "type": "integer", "minimum": 0, "maximum": 63 }),
        json!({ "enum": names }),
        json!({ "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9-]*$" }),
    ]
}

fn ports() -> Vec<Value> {
    vec![
        json!({ "type": "string", "pattern": "^ *[0-9]{1,5} *(- *[0-9]{1,5} *)?$" }),
        json!({ "type": "integer", "minimum": 1, "maximum": 65535 }),
        json!({
            "type": "object",
            "properties": {
                "start": { "type": "integer", "minimum": 1, "maximum": 65535 },
                "count": { "type": "integer", "minimum": 1, "maximum": 65535 },
            },
            "required": ["start", "count"],
            "additionalProperties": false,
        }),
    ]
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
