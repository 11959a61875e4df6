//! The syntaxes of settings: the only maker of their text. Section and key are the program's own, values are numbers and
//! ranges; names of the plan come into comments only, without what could end one.

use super::told::Told;
use super::{File, Setting, Takes};
use crate::syntax::regfile::{self, Data, KeyAction, KeyBlock};

/// How a file of settings is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// Key, separator, value; a section is its whole line, such as `[general]`.
    Lines {
        /// Between key and value.
        separator: &'static str,
        /// What a comment begins with.
        comment: &'static str,
        /// A first line that the product wants; may be empty.
        first: &'static str,
    },
    /// `section: {`, `key = value`, `}`; ranges in double quotes (libconfig).
    Braces,
    /// `section:` and `key: value` indented by two.
    Yaml,
    /// One object of texts; it cannot hold comments, and here one key.
    Json,
    /// `<param name="key" value="value"/>` in the section's element.
    Params,
    /// Attributes of the section's element, in an element `polycomConfig`.
    Attributes,
    /// An element for each key in the section's elements, of which there may be several with `/` between.
    Elements,
    /// `<item name="key">value</item>` in the elements of Grandstream's format.
    Items,
    /// Commands of a mode of a switch's console, which this command enters.
    Mode(&'static str),
    /// A `.reg` file; the section is the registry key.
    Reg,
}

/// A line that is not what the product's file has there, from 1, and what it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) line: usize,
    pub(super) expected: &'static str,
}

/// The file that tells these values; `None` when none of its settings is told.
pub(super) fn apply(file: &File, told: &Told, comments: &[String]) -> Option<Vec<u8>> {
    let lines = values(file, told);
    (!lines.is_empty()).then(|| write(file, &lines, comments))
}

/// The file that puts the documented defaults in place of these values, naming what is to be removed; `None` when there
/// is nothing to put back but the absence of the file.
pub(super) fn undo(file: &File, told: &Told, comments: &[String]) -> Option<Vec<u8>> {
    let told = values(file, told);
    if told.is_empty() || file.syntax == Syntax::Json {
        return None;
    }
    if let Syntax::Mode(mode) = file.syntax {
        let mut out = String::new();
        for text in comments.iter().take(1) {
            let text = file.syntax.comment(&clean(text)).unwrap_or_default();
            out.push_str(&(text + "\n"));
        }
        return Some(format!("{out}no {mode}\n").into_bytes());
    }
    let mut comments = comments.to_vec();
    let defaults: Vec<(&Setting, Option<String>)> = told
        .iter()
        .map(|(setting, _)| (*setting, setting.default.map(str::to_owned)))
        .collect();
    for (setting, _) in defaults.iter().filter(|(_, value)| value.is_none()) {
        comments.push(format!("to be removed: {}", place(setting)));
    }
    Some(write(file, &defaults, &comments))
}

/// `key`, with its section when that has a name.
pub(crate) fn place(setting: &Setting) -> String {
    if setting.section.is_empty() {
        setting.key.to_owned()
    } else {
        format!("{} in {}", setting.key, setting.section)
    }
}

/// What a file sets, by setting.
pub(super) fn read(
    file: &'static File,
    bytes: &[u8],
) -> Result<Vec<(&'static Setting, String)>, Unreadable> {
    if file.syntax == Syntax::Reg {
        return read_reg(file, bytes);
    }
    let text = str::from_utf8(bytes).map_err(|_| Unreadable {
        line: 1,
        expected: "UTF-8",
    })?;
    let syntax = file.syntax;
    let comment = syntax.comment("");
    let comment = comment.as_deref().map(|text| {
        let end = text.find(' ').unwrap_or(text.len());
        &text[..end]
    });
    let mut section = "";
    let mut out = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let is_comment = comment.is_some_and(|comment| line.starts_with(comment));
        let opened = sections(file).find(|one| {
            let lines = syntax.open(one);
            lines.last().is_some_and(|last| last.trim() == line)
        });
        if let Some(opened) = opened {
            section = opened;
            continue;
        }
        if line.is_empty() || is_comment || is_frame(file, line) {
            continue;
        }
        let own = file.settings.iter().filter(|one| one.section == section);
        let mut found = own.filter_map(|setting| {
            let (before, after) = syntax.frame(setting);
            let value = line.strip_prefix(before.trim_start())?;
            let value = value.strip_suffix(after.as_str())?;
            // Two commands may begin alike.
            let fits = match setting.takes {
                Takes::TaggedCos(_) => value.contains(" cos "),
                Takes::TaggedDscp(_) => value.contains(" dscp "),
                _ => true,
            };
            fits.then(|| (setting, value.to_owned()))
        });
        out.push(found.next().ok_or(Unreadable {
            line: index + 1,
            expected: "a setting of the product",
        })?);
    }
    Ok(out)
}

/// Settings that have a value, with it, in the file's order; those that are always the same only where their section
/// has another.
fn values<'a>(file: &'a File, told: &Told) -> Vec<(&'a Setting, Option<String>)> {
    let value = |setting: &Setting| told.value(setting.takes);
    let has = |section: &str| {
        file.settings
            .iter()
            .any(|one| one.section == section && value(one).is_some())
    };
    file.settings
        .iter()
        .filter_map(|setting| match setting.takes {
            Takes::Fixed(text) => has(setting.section).then(|| (setting, Some(text.to_owned()))),
            _ => Some((setting, Some(value(setting)?))),
        })
        .collect()
}

/// The file; settings without a value only open their sections.
fn write(file: &File, lines: &[(&Setting, Option<String>)], comments: &[String]) -> Vec<u8> {
    if file.syntax == Syntax::Reg {
        return write_reg(lines, comments);
    }
    let syntax = file.syntax;
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    let head = syntax.head();
    head.iter().take(1).for_each(|text| line(text));
    for comment in comments {
        if let Some(text) = syntax.comment(&clean(comment)) {
            line(&text);
        }
    }
    head.iter().skip(1).for_each(|text| line(text));
    for section in sections(file) {
        let own: Vec<_> = lines
            .iter()
            .filter(|(setting, _)| setting.section == section)
            .collect();
        // A document of XML wants its root, whatever is in it.
        let valued = own.iter().any(|(_, value)| value.is_some());
        if own.is_empty() || (!valued && !syntax.is_xml()) {
            continue;
        }
        syntax.open(section).iter().for_each(|text| line(text));
        for (setting, value) in own {
            let (before, after) = syntax.frame(setting);
            if let Some(value) = value {
                line(&format!("{before}{value}{after}"));
            }
        }
        syntax.close(section).iter().for_each(|text| line(text));
    }
    syntax.tail().iter().for_each(|text| line(text));
    out.into_bytes()
}

/// The sections of a file, each once.
fn sections(file: &File) -> impl Iterator<Item = &'static str> + use<'_> {
    let settings = file.settings;
    settings
        .iter()
        .enumerate()
        .filter(|(index, one)| {
            settings[..*index]
                .iter()
                .all(|before| before.section != one.section)
        })
        .map(|(_, one)| one.section)
}

/// Whether a line is of the file's frame.
fn is_frame(file: &File, line: &str) -> bool {
    let syntax = file.syntax;
    let fixed = syntax
        .head()
        .into_iter()
        .chain(syntax.tail().iter().copied());
    let fixed = fixed.map(str::to_owned);
    let own = sections(file).flat_map(|one| [syntax.open(one), syntax.close(one)].concat());
    fixed.chain(own).any(|text| text.trim() == line)
}

/// What no comment acts on: letters, digits and harmless punctuation; the rest becomes `_`.
fn clean(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || " ._:@,()=/-[]!".contains(c);
    let mut out = String::new();
    for c in text.chars() {
        let twice = c == '-' && out.ends_with('-');
        out.push(if harmless(c) && !twice { c } else { '_' });
    }
    out.trim_end_matches([' ', '-']).to_owned()
}

impl Syntax {
    const fn is_xml(self) -> bool {
        matches!(
            self,
            Self::Params | Self::Attributes | Self::Elements | Self::Items
        )
    }

    fn head(self) -> Vec<&'static str> {
        match self {
            Self::Lines { first, .. } if !first.is_empty() => vec![first],
            Self::Lines { .. } | Self::Braces | Self::Yaml | Self::Reg => Vec::new(),
            Self::Json => vec!["{"],
            Self::Params | Self::Elements => vec![XML],
            Self::Attributes => vec![XML, "<polycomConfig>"],
            Self::Items => vec![
                XML,
                "<gs_provision version=\"1\">",
                "  <config version=\"2\">",
            ],
            Self::Mode(mode) => vec![mode],
        }
    }

    fn tail(self) -> &'static [&'static str] {
        match self {
            Self::Json => &["}"],
            Self::Attributes => &["</polycomConfig>"],
            Self::Items => &["  </config>", "</gs_provision>"],
            Self::Lines { .. }
            | Self::Braces
            | Self::Yaml
            | Self::Params
            | Self::Elements
            | Self::Mode(_)
            | Self::Reg => &[],
        }
    }

    fn open(self, section: &'static str) -> Vec<String> {
        match self {
            Self::Lines { .. } if section.is_empty() => Vec::new(),
            Self::Lines { .. } => vec![section.to_owned()],
            Self::Braces => vec![format!("{section}: {{")],
            Self::Yaml => vec![format!("{section}:")],
            Self::Attributes => vec![format!("  <{section}")],
            Self::Params | Self::Elements => {
                let parts = section.split('/').enumerate();
                parts
                    .map(|(depth, part)| format!("{}<{part}>", "  ".repeat(depth)))
                    .collect()
            }
            Self::Items | Self::Mode(_) | Self::Json | Self::Reg => Vec::new(),
        }
    }

    fn close(self, section: &'static str) -> Vec<String> {
        match self {
            Self::Lines { .. }
            | Self::Yaml
            | Self::Json
            | Self::Items
            | Self::Mode(_)
            | Self::Reg => Vec::new(),
            Self::Braces => vec!["}".to_owned()],
            Self::Attributes => vec!["  />".to_owned()],
            Self::Params | Self::Elements => {
                let parts: Vec<_> = section.split('/').enumerate().collect();
                let lines = parts.into_iter().rev();
                lines
                    .map(|(depth, part)| format!("{}</{part}>", "  ".repeat(depth)))
                    .collect()
            }
        }
    }

    /// What stands before and after a setting's value.
    fn frame(self, setting: &Setting) -> (String, String) {
        let key = setting.key;
        let depth = "  ".repeat(setting.section.split('/').count());
        let quoted = matches!(setting.takes, Takes::Range(_));
        let (before, after) = match self {
            Self::Lines { separator, .. } => (format!("{key}{separator}"), String::new()),
            Self::Braces if quoted => (format!("  {key} = \""), "\"".to_owned()),
            Self::Braces => (format!("  {key} = "), String::new()),
            Self::Yaml => (format!("  {key}: "), String::new()),
            Self::Json => (format!("  \"{key}\": \""), "\"".to_owned()),
            Self::Params => (
                format!("{depth}<param name=\"{key}\" value=\""),
                "\"/>".to_owned(),
            ),
            Self::Attributes => (format!("    {key}=\""), "\"".to_owned()),
            Self::Elements => (format!("{depth}<{key}>"), format!("</{key}>")),
            Self::Items => (format!("    <item name=\"{key}\">"), "</item>".to_owned()),
            Self::Mode(_) => (format!(" {key} "), String::new()),
            Self::Reg => (String::new(), String::new()),
        };
        (before, after)
    }

    /// A line with a comment, when the syntax has comments.
    fn comment(self, text: &str) -> Option<String> {
        match self {
            Self::Lines { comment, .. } => Some(format!("{comment} {text}")),
            Self::Braces | Self::Yaml => Some(format!("# {text}")),
            Self::Params | Self::Attributes | Self::Elements | Self::Items => {
                Some(format!("<!-- {text} -->"))
            }
            Self::Mode(_) => Some(format!("! {text}")),
            Self::Json | Self::Reg => None,
        }
    }
}

fn write_reg(lines: &[(&Setting, Option<String>)], comments: &[String]) -> Vec<u8> {
    let mut blocks: Vec<KeyBlock> = Vec::new();
    for (setting, value) in lines {
        let data = match value {
            None => Data::Delete,
            Some(value) => match (setting.takes, value.parse()) {
                (Takes::Mark(..), Ok(number)) => Data::Dword(number),
                _ => Data::Text(value.clone()),
            },
        };
        let own = (setting.key.to_owned(), data);
        match blocks.last_mut() {
            Some(KeyBlock {
                key,
                action: KeyAction::Set(values),
            }) if key == setting.section => values.push(own),
            _ => blocks.push(KeyBlock {
                key: setting.section.to_owned(),
                action: KeyAction::Set(vec![own]),
            }),
        }
    }
    let comments: Vec<String> = comments.iter().map(|text| clean(text)).collect();
    let comments: Vec<&str> = comments.iter().map(String::as_str).collect();
    regfile::write(&comments, &blocks).expect("the names are the program's own")
}

fn read_reg(
    file: &'static File,
    bytes: &[u8],
) -> Result<Vec<(&'static Setting, String)>, Unreadable> {
    let strange = Unreadable {
        line: 1,
        expected: "a .reg file with the product's values",
    };
    let blocks = regfile::read(bytes).map_err(|_| strange.clone())?;
    let mut out = Vec::new();
    for block in blocks {
        let KeyAction::Set(values) = block.action else {
            return Err(strange);
        };
        for (name, data) in values {
            let setting = file
                .settings
                .iter()
                .find(|one| one.section == block.key && one.key == name);
            let value = match data {
                Data::Text(text) => text,
                Data::Dword(number) => number.to_string(),
                Data::Delete => return Err(strange),
            };
            out.push((setting.ok_or_else(|| strange.clone())?, value));
        }
    }
    Ok(out)
}

const XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
