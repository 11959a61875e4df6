//! Reading the scripts back: the entries between the two comments, and nothing else.

use perhop_policy::{Diagnostic, Subject};

use super::model::{self, Entry};
use super::script::{ADD, PLAN_BEGINS, PLAN_ENDS};
use super::settings::{ENABLE_QOS, PHONE_DSCP, PHONE_PCP, RANGES, RANGES_ENABLED};
use crate::artifact::Artifact;
use crate::codes;
use crate::syntax::powershell::{Value, parse, parse_prefix};

/// What is in a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scripted {
    /// The plan's name.
    pub(crate) plan: String,
    /// The entries.
    pub(crate) entries: Vec<Entry>,
}

/// The entries of a target's `apply.ps1` among files.
///
/// # Errors
/// A script that is missing or was not written by [`super::script`].
pub(crate) fn apply(id: &str, artifacts: &[Artifact]) -> Result<Scripted, Vec<Diagnostic>> {
    let path = format!("{id}/apply.ps1");
    let unreadable = |message: String| vec![Diagnostic::error(codes::UNREADABLE, message)];
    let file = artifacts
        .iter()
        .find(|file| file.path == path)
        .ok_or_else(|| unreadable(format!("`{path}` is missing")))?;
    script(&file.bytes)
        .map_err(|(line, problem)| unreadable(format!("`{path}`, line {line}: {problem}")))
}

/// Reads a script that [`super::script`] wrote.
///
/// # Errors
/// The number of the line, from 1, and what is wrong with it.
pub(crate) fn script(bytes: &[u8]) -> Result<Scripted, (usize, String)> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| (1, "it is not UTF-8".to_owned()))?;
    let mut plan = None;
    let mut entries = Vec::new();
    let mut inside = false;
    for (number, line) in (1..).zip(text.lines()) {
        let comment = line.strip_prefix("# ");
        if comment == Some(PLAN_BEGINS) {
            inside = true;
        } else if comment == Some(PLAN_ENDS) {
            let plan = plan.ok_or((number, "the plan's name is missing above".to_owned()))?;
            return Ok(Scripted { plan, entries });
        } else if inside && !line.starts_with('#') {
            entries.push(entry(line).map_err(|problem| (number, problem))?);
        } else if let Some(rest) = line.strip_prefix("$planName = ") {
            let Some(Value::Text(name)) = parse(rest) else {
                return Err((number, "the plan's name is not a text".to_owned()));
            };
            plan = Some(name);
        }
    }
    Err((
        text.lines().count().max(1),
        format!("there is no line `# {PLAN_ENDS}`"),
    ))
}

fn entry(line: &str) -> Result<Entry, String> {
    let [noun, identity, values] = arguments(line)
        .ok_or_else(|| format!("`{ADD}`, a kind, an identity and a table of values expected"))?;
    let (Value::Text(noun), Value::Text(identity), Value::Table(values)) = (noun, identity, values)
    else {
        return Err("the kind and the identity are texts, the values are a table".to_owned());
    };
    let noun = model::noun(&noun).ok_or_else(|| format!("`{noun}` is not a known kind"))?;
    let values = values.iter().map(|(name, value)| {
        let parameter = parameter(noun.name, name)
            .ok_or_else(|| format!("`{name}` is not a parameter of `Set-{}`", noun.name))?;
        match value {
            Value::Integer(number) => Ok((parameter, *number)),
            Value::Boolean(on) => Ok((parameter, i64::from(*on))),
            _ => Err(format!("`{name}` is neither a number nor a switch")),
        }
    });
    Ok(Entry {
        noun: noun.name,
        subject: subject(noun.is_service, &identity),
        values: values.collect::<Result<_, String>>()?,
    })
}

fn arguments(line: &str) -> Option<[Value; 3]> {
    let rest = line.strip_prefix(ADD)?.strip_prefix(' ')?;
    let (noun, rest) = parse_prefix(rest)?;
    let (identity, rest) = parse_prefix(rest.strip_prefix(' ')?)?;
    Some([noun, identity, parse(rest.strip_prefix(' ')?)?])
}

fn subject(is_service: bool, identity: &str) -> Subject {
    if let Some(name) = identity.strip_prefix("site:") {
        return Subject::Site(name.to_owned());
    }
    if is_service {
        return match identity {
            "*" => Subject::Global,
            name => Subject::Service(name.to_owned()),
        };
    }
    match identity.strip_prefix("service:ConferencingServer:") {
        Some(name) => Subject::Service(name.to_owned()),
        None => Subject::Global,
    }
}

/// The parameter's name as this program has it.
fn parameter(noun: &str, name: &str) -> Option<&'static str> {
    let own = RANGES
        .iter()
        .filter(|range| range.noun == noun)
        .flat_map(|range| [range.start, range.count]);
    own.chain([RANGES_ENABLED, ENABLE_QOS, PHONE_DSCP, PHONE_PCP])
        .find(|known| *known == name)
}
