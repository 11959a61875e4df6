//! Reading the scripts back: the entries between the two comments, and nothing else.

use perhop_policy::Subject;

use super::model::{self, Entry};
use super::script::{ADD, PLAN_BEGINS, PLAN_ENDS};
use super::settings::{ENABLE_QOS, PHONE_DSCP, PHONE_PCP, RANGES, RANGES_ENABLED};

/// What is in a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scripted {
    /// The plan's name.
    pub(crate) plan: String,
    /// The entries.
    pub(crate) entries: Vec<Entry>,
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
            let mut scanner = Scanner(rest);
            plan = Some(scanner.text().map_err(|problem| (number, problem))?);
        }
    }
    Err((
        text.lines().count().max(1),
        format!("there is no line `# {PLAN_ENDS}`"),
    ))
}

fn entry(line: &str) -> Result<Entry, String> {
    let mut scanner = Scanner(line);
    scanner.word(ADD)?;
    scanner.word(" ")?;
    let noun = scanner.text()?;
    scanner.word(" ")?;
    let identity = scanner.text()?;
    scanner.word(" @{ ")?;
    let noun = model::noun(&noun).ok_or_else(|| format!("`{noun}` is not a known kind"))?;
    let mut values = Vec::new();
    loop {
        let name = scanner.name();
        let parameter = parameter(noun.name, name)
            .ok_or_else(|| format!("`{name}` is not a parameter of `Set-{}`", noun.name))?;
        scanner.word(" = ")?;
        values.push((parameter, scanner.value()?));
        if scanner.word("; ").is_err() {
            break;
        }
    }
    scanner.word(" }")?;
    if !scanner.0.is_empty() {
        return Err(format!("`{}` follows the entry", scanner.0));
    }
    Ok(Entry {
        noun: noun.name,
        subject: subject(noun.is_service, &identity),
        values,
    })
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

/// A line being read from its beginning.
struct Scanner<'a>(&'a str);

impl<'a> Scanner<'a> {
    fn word(&mut self, word: &str) -> Result<(), String> {
        match self.0.strip_prefix(word) {
            Some(rest) => {
                self.0 = rest;
                Ok(())
            }
            None => Err(format!("`{word}` expected before `{}`", self.0)),
        }
    }

    fn name(&mut self) -> &'a str {
        let end = self
            .0
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at(end);
        self.0 = rest;
        name
    }

    fn value(&mut self) -> Result<i64, String> {
        for (word, value) in [("$true", 1), ("$false", 0)] {
            if self.word(word).is_ok() {
                return Ok(value);
            }
        }
        let digits = self.name();
        digits
            .parse()
            .map_err(|_| format!("`{digits}` is not a value"))
    }

    /// `'it''s'`, or `('a' + [char]0x0a + 'b')`.
    fn text(&mut self) -> Result<String, String> {
        if self.word("(").is_err() {
            return self.quoted();
        }
        let mut out = self.quoted()?;
        while self.word(" + [char]0x").is_ok() {
            let digits = self.name();
            let c = u32::from_str_radix(digits, 16)
                .ok()
                .and_then(char::from_u32);
            out.push(c.ok_or_else(|| format!("`0x{digits}` is not a character"))?);
            self.word(" + ")?;
            out.push_str(&self.quoted()?);
        }
        self.word(")")?;
        Ok(out)
    }

    fn quoted(&mut self) -> Result<String, String> {
        self.word("'")?;
        let mut out = String::new();
        let mut chars = self.0.char_indices();
        while let Some((at, c)) = chars.next() {
            if !is_quote(c) {
                out.push(c);
                continue;
            }
            match chars.next() {
                Some((_, second)) if second == c => out.push(c),
                _ => {
                    self.0 = &self.0[at + c.len_utf8()..];
                    return Ok(out);
                }
            }
        }
        Err("a text is not closed".to_owned())
    }
}

/// PowerShell language specification 2.3.5.2.
const fn is_quote(c: char) -> bool {
    matches!(c, '\'' | '\u{2018}'..='\u{201b}')
}
