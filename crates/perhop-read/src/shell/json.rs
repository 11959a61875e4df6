//! `ConvertTo-Json`: one object, or an array of them.

use serde_json::Value;

use super::Object;
use crate::place::Place;

/// The objects of a document.
pub(crate) fn read(index: usize, value: &Value) -> Vec<Object> {
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| object(index, item, &format!("[{at}]")))
            .collect(),
        one => object(index, one, "").into_iter().collect(),
    }
}

fn object(index: usize, value: &Value, path: &str) -> Option<Object> {
    let members = value.as_object()?;
    let mut out = Object::new(Place::whole(index).with_path(path));
    for (name, value) in members {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        out.push(
            name.clone(),
            text(value),
            Place::whole(index).with_path(path),
        );
    }
    Some(out)
}

/// A value as the other forms have it: null is empty, a nested object is what names it.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Object(members) => ["value", "Value", "Name", "RealName"]
            .iter()
            .find_map(|name| members.get(*name))
            .filter(|value| !value.is_object() && !value.is_array())
            .map(text)
            .unwrap_or_default(),
    }
}
