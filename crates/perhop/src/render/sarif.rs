//! Diagnostics as SARIF 2.1.0 (OASIS), which code hosts and editors show beside the text.

use perhop_policy::{CodeInfo, Diagnostic, Label, Severity};
use perhop_read::{Finding, Place, Reading};
use serde_json::{Value, json};

use crate::source::Source;

/// One run with one result a diagnostic; `codes` describes every code that a result names.
pub(crate) fn log(diagnostics: &[Diagnostic], source: &Source, codes: &[CodeInfo]) -> Value {
    let used = used(diagnostics.iter().map(|one| one.code));
    let results = diagnostics
        .iter()
        .map(|one| result(one, source, used.binary_search(&one.code).unwrap_or(0)))
        .collect();
    let mut log = run(&used, codes, results);
    log["runs"][0]["artifacts"] =
        json!([{ "location": { "uri": uri(&source.name) }, "mimeType": "application/toml" }]);
    log
}

/// The same for what was found in files of configuration; a finding's first place is there, the plan's is related.
pub(crate) fn audit(
    findings: &[Finding],
    reading: &Reading,
    source: &Source,
    codes: &[CodeInfo],
) -> Value {
    let used = used(findings.iter().map(|one| one.code));
    let results = findings
        .iter()
        .map(|one| {
            let index = used.binary_search(&one.code).unwrap_or(0);
            audit_result(one, reading, source, index)
        })
        .collect();
    run(&used, codes, results)
}

/// Each code once, in order.
fn used<'a>(all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut used: Vec<&str> = all.collect();
    used.sort_unstable();
    used.dedup();
    used
}

fn run(used: &[&str], codes: &[CodeInfo], results: Vec<Value>) -> Value {
    let rules: Vec<Value> = used.iter().map(|code| rule(code, codes)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "perhop",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn audit_result(one: &Finding, reading: &Reading, source: &Source, index: usize) -> Value {
    let mut text = one.message.clone();
    for (word, lines) in [
        ("note", &one.notes),
        ("help", &one.helps),
        ("run", &one.commands),
    ] {
        for line in lines {
            text.push_str(&format!("\n{word}: {line}"));
        }
    }
    let plan: Vec<Value> = one
        .plan
        .map(|span| {
            let label = Label {
                span,
                text: one.rule.clone().unwrap_or_default(),
                primary: false,
            };
            let mut place = location(&label, source);
            if let Some(at) = place["physicalLocation"]["artifactLocation"].as_object_mut() {
                at.remove("index");
            }
            place
        })
        .into_iter()
        .collect();
    let place = one.place.iter().map(|place| file_location(place, reading));
    let place: Vec<Value> = place.collect();
    // Without a place in a file, the plan's is the one to show.
    let (first, related) = if place.is_empty() {
        (plan, Vec::new())
    } else {
        (place, plan)
    };
    json!({
        "ruleId": one.code,
        "ruleIndex": index,
        "level": level(one.severity),
        "message": { "text": text },
        "locations": first,
        "relatedLocations": related,
        "properties": { "layer": one.layer.as_str() },
    })
}

/// A place in a file that was read.
fn file_location(place: &Place, reading: &Reading) -> Value {
    let name = reading
        .files
        .get(place.file)
        .map_or("", |file| file.name.as_str());
    let mut location = json!({
        "physicalLocation": { "artifactLocation": { "uri": uri(name) } },
    });
    if let Some(line) = place.line {
        location["physicalLocation"]["region"] = json!({ "startLine": line });
    } else if let Some(offset) = place.offset {
        location["physicalLocation"]["region"] = json!({ "byteOffset": offset });
    }
    if !place.path.is_empty() {
        location["logicalLocations"] = json!([{ "fullyQualifiedName": place.path }]);
    }
    location
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

fn rule(code: &str, codes: &[CodeInfo]) -> Value {
    let mut rule = json!({ "id": code });
    if let Some(info) = codes.iter().find(|info| info.code == code) {
        rule["shortDescription"] = json!({ "text": info.summary });
        if !info.rules.is_empty() {
            rule["properties"] = json!({ "tags": info.rules });
        }
    }
    rule
}

fn result(diagnostic: &Diagnostic, source: &Source, index: usize) -> Value {
    let mut text = diagnostic.message.clone();
    for note in &diagnostic.notes {
        text.push_str("\nnote: ");
        text.push_str(note);
    }
    for help in &diagnostic.helps {
        text.push_str("\nhelp: ");
        text.push_str(help);
    }
    let of = |primary| {
        diagnostic
            .labels
            .iter()
            .filter(move |label| label.primary == primary)
            .map(|label| location(label, source))
            .collect::<Vec<_>>()
    };
    json!({
        "ruleId": diagnostic.code,
        "ruleIndex": index,
        "level": level(diagnostic.severity),
        "message": { "text": text },
        "locations": of(true),
        "relatedLocations": of(false),
    })
}

fn location(label: &Label, source: &Source) -> Value {
    let range = source.range(label.span);
    let (start, end) = (source.position(range.start), source.position(range.end));
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&source.name), "index": 0 },
            "region": {
                "startLine": start.line, "startColumn": start.column,
                "endLine": end.line, "endColumn": end.column,
            },
        },
    });
    if !label.text.is_empty() {
        location["message"] = json!({ "text": label.text });
    }
    location
}

/// A path as a URI reference (RFC 3986): `/` between parts, everything unusual escaped.
fn uri(path: &str) -> String {
    let mut out = String::new();
    let path = if cfg!(windows) {
        path.replace('\\', "/")
    } else {
        path.to_owned()
    };
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use perhop_policy::Span;

    #[test]
    fn one_result_with_both_places() {
        let source = Source::new("my plan.toml".into(), "a = 1\nb = 2\n".into(), Vec::new());
        let codes = [CodeInfo {
            code: "plan/x",
            rules: &["UC-03"],
            summary: "s",
        }];
        let diagnostics = [Diagnostic::error("plan/x", "m")
            .primary(Span::new(6, 11), "this")
            .secondary(Span::new(0, 5), "that")
            .help("do")];
        let log = log(&diagnostics, &source, &codes);
        let result = &log["runs"][0]["results"][0];
        assert_eq!(result["message"]["text"], "m\nhelp: do");
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "my%20plan.toml");
        assert_eq!(place["region"]["startLine"], 2);
        assert_eq!(place["region"]["endColumn"], 6);
        assert_eq!(result["relatedLocations"][0]["message"]["text"], "that");
        assert_eq!(
            log["runs"][0]["tool"]["driver"]["rules"][0]["properties"]["tags"][0],
            "UC-03"
        );
    }
}
