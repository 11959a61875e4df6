//! What is written under `docs/` from this crate's data, and the pages of its codes.

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

#[test]
fn the_reference_page_is_the_table_of_fields() {
    support::golden(&docs().join("PLAN.md"), &perhop_plan::reference());
}

#[test]
fn the_schema_is_the_table_of_fields() {
    support::golden(&docs().join("plan.schema.json"), &perhop_plan::schema());
}

#[test]
fn every_code_has_a_page_that_names_it_and_its_rules() {
    for info in perhop_plan::CODES.iter().chain(perhop_policy::set::CODES) {
        let path = docs().join("codes").join(format!("{}.md", info.code));
        let page =
            std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{} has no page", info.code));
        let heading = page.lines().next().unwrap_or_default();
        assert_eq!(heading, format!("# {}", info.code));
        for rule in info.rules {
            assert!(
                page.contains(rule),
                "the page of {} does not name {rule}",
                info.code
            );
        }
        assert!(
            page.lines().count() > 8,
            "the page of {} says little",
            info.code
        );
    }
}

#[test]
fn no_page_is_left_of_a_code_that_is_gone() {
    for entry in std::fs::read_dir(docs().join("codes/plan")).expect("the pages are there") {
        let name = entry
            .expect("it can be listed")
            .file_name()
            .to_string_lossy()
            .into_owned();
        let code = format!("plan/{}", name.trim_end_matches(".md"));
        assert!(
            perhop_plan::CODES.iter().any(|info| info.code == code),
            "{name}"
        );
    }
}

/// Editors judge by the schema alone, so what loads must be right by it, and slips must be wrong by it.
#[test]
fn the_schema_takes_what_loads_and_refuses_slips() {
    let schema: Value = serde_json::from_str(&perhop_plan::schema()).expect("it is JSON");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut seen = 0;
    for entry in std::fs::read_dir(examples).expect("the examples are there") {
        let path = entry.expect("it can be listed").path().join("plan.toml");
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        seen += 1;
        assert!(is_valid(&schema, &to_json(&text)), "{}", path.display());
    }
    assert!(seen >= 7);
    for platform in perhop_plan::platforms() {
        let text = perhop_plan::template(platform).expect("each has one");
        assert!(is_valid(&schema, &to_json(&text)), "{platform}");
    }
    for slip in [
        "plan = 1",
        "platforms = []",
        "plan = 'x'\nplatform = []",
        "plan = 'x'\nplatforms = ['lync']",
        "plan = 'x'\nclass.audio.dscp = 64",
        "plan = 'x'\nclass.audio.dscp = '46'",
        "plan = 'x'\nclients.ports.audio = '20000:20039'",
        "plan = 'x'\nclients.ports.audio = { start = 1 }",
        "plan = 'x'\n[edge]",
        "plan = 'x'\n[[allow]]\ncode = 'plan/low-port'",
    ] {
        assert!(!is_valid(&schema, &to_json(slip)), "{slip}");
    }
}

fn to_json(text: &str) -> Value {
    fn convert(value: toml::Value) -> Value {
        match value {
            toml::Value::String(text) => Value::from(text),
            toml::Value::Integer(number) => Value::from(number),
            toml::Value::Float(number) => Value::from(number),
            toml::Value::Boolean(value) => Value::from(value),
            toml::Value::Datetime(time) => Value::from(time.to_string()),
            toml::Value::Array(items) => items.into_iter().map(convert).collect(),
            toml::Value::Table(table) => Value::Object(
                table
                    .into_iter()
                    .map(|(key, value)| (key, convert(value)))
                    .collect(),
            ),
        }
    }
    convert(toml::Value::Table(text.parse().expect("it is TOML")))
}

/// The keywords that the schema uses, and no others.
fn is_valid(schema: &Value, value: &Value) -> bool {
    let Value::Object(schema) = schema else {
        return schema != &Value::Bool(false);
    };
    schema.iter().all(|(keyword, rule)| match keyword.as_str() {
        "$schema" | "title" | "description" => true,
        "type" => match rule {
            Value::Array(any) => any.iter().any(|one| is_type(one, value)),
            one => is_type(one, value),
        },
        "enum" => rule.as_array().is_some_and(|any| any.contains(value)),
        "const" => rule == value,
        "anyOf" => rule
            .as_array()
            .is_some_and(|any| any.iter().any(|one| is_valid(one, value))),
        "minimum" => value
            .as_i64()
            .is_none_or(|number| Some(number) >= rule.as_i64()),
        "maximum" => value
            .as_i64()
            .is_none_or(|number| Some(number) <= rule.as_i64()),
        "minLength" => value.as_str().is_none_or(|text| !text.is_empty()),
        "maxLength" => value
            .as_str()
            .is_none_or(|text| Some(text.len() as u64) <= rule.as_u64()),
        "items" => value
            .as_array()
            .is_none_or(|items| items.iter().all(|item| is_valid(rule, item))),
        "required" => value.as_object().is_none_or(|table| {
            let keys = rule.as_array().expect("a list of keys");
            keys.iter()
                .all(|key| key.as_str().is_some_and(|key| table.contains_key(key)))
        }),
        "properties" => value.as_object().is_none_or(|table| {
            let known = rule.as_object().expect("properties by name");
            table
                .iter()
                .all(|(key, inner)| known.get(key).is_none_or(|one| is_valid(one, inner)))
        }),
        "additionalProperties" => value.as_object().is_none_or(|table| {
            let known = schema.get("properties").and_then(Value::as_object);
            let extra = |key: &String| !known.is_some_and(|known| known.contains_key(key));
            table
                .iter()
                .filter(|(key, _)| extra(key))
                .all(|(_, inner)| is_valid(rule, inner))
        }),
        "pattern" => value
            .as_str()
            .is_none_or(|text| fits(rule.as_str().unwrap_or_default(), text)),
        other => panic!("the test does not know `{other}`"),
    })
}

fn is_type(name: &Value, value: &Value) -> bool {
    match name.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64(),
        Some("boolean") => value.is_boolean(),
        other => panic!("the test does not know {other:?}"),
    }
}

/// The two patterns of the schema.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern {
        "^[A-Za-z][A-Za-z0-9-]*$" => {
            text.starts_with(|c: char| c.is_ascii_alphabetic())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        }
        "^ *[0-9]{1,5} *(- *[0-9]{1,5} *)?$" => {
            let number = |part: &str| {
                let part = part.trim();
                (1..=5).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
            };
            text.split('-').count() <= 2 && text.split('-').all(number)
        }
        other => panic!("the test does not know `{other}`"),
    }
}
