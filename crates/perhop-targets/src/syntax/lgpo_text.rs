//! LGPO text: what `LGPO.exe /t` applies and `/r` makes a Registry.pol from. ASCII, CRLF lines.

use std::fmt::Write as _;

use thiserror::Error;

/// One setting of the computer half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key, without hive.
    pub key: String,
    /// The value's name; `*` with [`Action::DeleteAllValues`].
    pub value: String,
    /// What happens to it.
    pub action: Action,
}

/// What happens to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// REG_SZ.
    Text(String),
    /// REG_DWORD.
    Dword(u32),
    /// The value is deleted.
    Delete,
    /// All values of the key are deleted.
    DeleteAllValues,
}

/// Why a file cannot be written or read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LgpoError {
    /// Only printable ASCII can be written: how LGPO.exe reads anything else is not documented.
    #[error("`{0}` cannot be written: only printable ASCII characters can")]
    NotAscii(String),
    /// An empty line or a line that begins with `;` would be read as something else.
    #[error("an empty name, or one that begins with `;`, cannot be written")]
    Name,
    /// A line is not what the format has there.
    #[error("line {line}: expected {expected}")]
    Expected {
        /// Line, from 1.
        line: usize,
        /// What the format has there.
        expected: &'static str,
    },
}

/// The file.
///
/// # Errors
/// What is not printable ASCII, and empty names.
pub fn write(comments: &[&str], settings: &[Setting]) -> Result<Vec<u8>, LgpoError> {
    let mut out = String::new();
    for comment in comments {
        let clean: String = comment
            .chars()
            .map(|c| if matches!(c, ' '..='~') { c } else { '?' })
            .collect();
        let _ = write!(out, "; {clean}\r\n");
    }
    for setting in settings {
        let action = match &setting.action {
            Action::Text(text) => format!("SZ:{}", checked(text)?),
            Action::Dword(number) => format!("DWORD:{number}"),
            Action::Delete => "DELETE".to_owned(),
            Action::DeleteAllValues => "DELETEALLVALUES".to_owned(),
        };
        let (key, value) = (named(&setting.key)?, named(&setting.value)?);
        let _ = write!(out, "\r\nComputer\r\n{key}\r\n{value}\r\n{action}\r\n");
    }
    Ok(out.into_bytes())
}

/// The settings of a file that [`write`] wrote.
///
/// # Errors
/// The first line that is something else.
pub fn read(bytes: &[u8]) -> Result<Vec<Setting>, LgpoError> {
    let text = str::from_utf8(bytes).map_err(|_| LgpoError::Expected {
        line: 1,
        expected: "ASCII text",
    })?;
    let lines: Vec<(usize, &str)> = (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.is_empty() && !line.starts_with(';'))
        .collect();
    let mut settings = Vec::new();
    for group in lines.chunks(4) {
        let &[(first, half), (_, key), (_, value), (last, action)] = group else {
            let line = group.last().map_or(1, |(line, _)| *line);
            return Err(LgpoError::Expected {
                line,
                expected: "four lines a setting",
            });
        };
        if half != "Computer" {
            return Err(LgpoError::Expected {
                line: first,
                expected: "`Computer`",
            });
        }
        settings.push(Setting {
            key: key.to_owned(),
            value: value.to_owned(),
            action: read_action(action).ok_or(LgpoError::Expected {
                line: last,
                expected: "`SZ:text`, `DWORD:number`, `DELETE` or `DELETEALLVALUES`",
            })?,
        });
    }
    Ok(settings)
}

fn read_action(line: &str) -> Option<Action> {
    if let Some(text) = line.strip_prefix("SZ:") {
        return Some(Action::Text(text.to_owned()));
    }
    if let Some(number) = line.strip_prefix("DWORD:") {
        return number.parse().ok().map(Action::Dword);
    }
    match line {
        "DELETE" => Some(Action::Delete),
        "DELETEALLVALUES" => Some(Action::DeleteAllValues),
        _ => None,
    }
}

fn checked(text: &str) -> Result<&str, LgpoError> {
    if text.chars().all(|c| matches!(c, ' '..='~')) {
        Ok(text)
    } else {
        Err(LgpoError::NotAscii(text.escape_default().to_string()))
    }
}

fn named(text: &str) -> Result<&str, LgpoError> {
    if text.is_empty() || text.starts_with(';') {
        return Err(LgpoError::Name);
    }
    checked(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_setting_is_four_lines() {
        let settings = [
            Setting {
                key: r"Software\A".into(),
                value: "DSCP Value".into(),
                action: Action::Text("46".into()),
            },
            Setting {
                key: r"Software\A".into(),
                value: "*".into(),
                action: Action::DeleteAllValues,
            },
        ];
        let bytes = write(&["caf\u{e9}"], &settings).unwrap();
        assert_eq!(
            String::from_utf8(bytes.clone()).unwrap(),
            "; caf?\r\n\r\nComputer\r\nSoftware\\A\r\nDSCP Value\r\nSZ:46\r\n\r\nComputer\r\nSoftware\\A\r\n*\r\nDELETEALLVALUES\r\n"
        );
        assert_eq!(read(&bytes).unwrap(), settings);
        assert!(read(b"Computer\r\na\r\nb\r\n").is_err());
        assert!(read(b"User\r\na\r\nb\r\nSZ:1\r\n").is_err());
        assert!(read(b"Computer\r\na\r\nb\r\nSZ\r\n").is_err());
    }

    #[test]
    fn only_ascii_is_written() {
        for (key, text) in [("k", "a\nb"), ("k", "\u{2019}"), (";k", "x"), ("", "x")] {
            let setting = Setting {
                key: key.into(),
                value: "v".into(),
                action: Action::Text(text.into()),
            };
            assert!(write(&[], &[setting]).is_err(), "{key} {text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            rows in proptest::collection::vec(("[!-:<-~][ -~]{0,20}", "[!-:<-~][ -~]{0,20}", "[ -~]{0,20}"), 0..6)
        ) {
            let settings: Vec<Setting> = rows
                .into_iter()
                .map(|(key, value, text)| Setting { key, value, action: Action::Text(text) })
                .collect();
            prop_assert_eq!(read(&write(&["x"], &settings).unwrap()).unwrap(), settings);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80), text in "(Computer\r?\n)?(\\PC{0,9}\r?\n){0,6}") {
            let _ = read(&bytes);
            let _ = read(text.as_bytes());
        }
    }
}
