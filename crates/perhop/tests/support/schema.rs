//! Holds JSON against a JSON Schema: the part of draft 2020-12 that this project's schemas use, and nothing else.

use regex_lite::Regex;
use serde_json::{Map, Value};

/// Everything in `value` that the schema does not allow, with its place.
pub(crate) fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    check(schema, schema, value, "$", &mut out);
    out
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, out: &mut Vec<String>) {
    let schema = schema
        .as_object()
        .unwrap_or_else(|| panic!("no schema: {schema}"));
    for (keyword, rule) in schema {
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" => {}
            "$ref" => {
                let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                check(root, &root["$defs"][name], value, at, out);
            }
            "type" => types(rule, value, at, out),
            "const" if rule != value => out.push(format!("{at}: {value} is not {rule}")),
            "enum" if !rule.as_array().unwrap().contains(value) => {
                out.push(format!("{at}: {value} is none of {rule}"))
            }
            "const" | "enum" => {}
            "anyOf" => {
                let fits = rule.as_array().unwrap().iter().any(|one| {
                    let mut found = Vec::new();
                    check(root, one, value, at, &mut found);
                    found.is_empty()
                });
                if !fits {
                    out.push(format!("{at}: {value} fits none of the alternatives"));
                }
            }
            "minimum" if value.as_f64() < rule.as_f64() && value.is_number() => {
                out.push(format!("{at}: {value} < {rule}"))
            }
            "maximum" if value.as_f64() > rule.as_f64() && value.is_number() => {
                out.push(format!("{at}: {value} > {rule}"))
            }
            "minimum" | "maximum" => {}
            "pattern" => {
                if value.as_str().is_some_and(|text| !matches(rule, text)) {
                    out.push(format!("{at}: {value} is not like {rule}"));
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, rule, item, &format!("{at}[{index}]"), out);
                }
            }
            "properties" | "patternProperties" | "additionalProperties" => {}
            "required" => {
                for name in rule.as_array().unwrap() {
                    if value.is_object() && value.get(name.as_str().unwrap()).is_none() {
                        out.push(format!("{at}: no {name}"));
                    }
                }
            }
            other => panic!("the keyword `{other}` is not understood"),
        }
    }
    if let Some(object) = value.as_object() {
        members(root, schema, object, at, out);
    }
}

fn members(
    root: &Value,
    schema: &Map<String, Value>,
    object: &Map<String, Value>,
    at: &str,
    out: &mut Vec<String>,
) {
    for (name, member) in object {
        let place = format!("{at}.{name}");
        if let Some(rule) = schema.get("properties").and_then(|all| all.get(name)) {
            check(root, rule, member, &place, out);
            continue;
        }
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        let found = patterns
            .into_iter()
            .flatten()
            .find(|(pattern, _)| matches(&Value::from(pattern.as_str()), name));
        match (found, schema.get("additionalProperties")) {
            (Some((_, rule)), _) => check(root, rule, member, &place, out),
            (None, Some(Value::Bool(false))) => out.push(format!("{place}: not in the schema")),
            (None, _) => {}
        }
    }
}

fn types(rule: &Value, value: &Value, at: &str, out: &mut Vec<String>) {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("no type `{other}`"),
    };
    let fits = match rule {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().any(|name| is(name.as_str().unwrap())),
        _ => panic!("no type: {rule}"),
    };
    if !fits {
        out.push(format!("{at}: {value} is not of type {rule}"));
    }
}

fn matches(pattern: &Value, text: &str) -> bool {
    Regex::new(pattern.as_str().unwrap())
        .unwrap()
        .is_match(text)
}
