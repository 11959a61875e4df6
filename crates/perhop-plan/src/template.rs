//! First plans: commented text for each platform, which checks without a warning.

use perhop_policy::Family;

use crate::catalogue::{Choice, Role, catalogue};

/// The names of platforms that have a template, without aliases.
#[must_use]
pub fn platforms() -> Vec<&'static str> {
    catalogue()
        .platforms
        .iter()
        .map(|platform| platform.id.as_str())
        .collect()
}

/// The text of a first plan for a platform, by name or alias.
#[must_use]
pub fn template(platform: &str) -> Option<String> {
    let platform = catalogue().platform(platform)?;
    let text = match platform.family {
        Family::Teams => include_str!("templates/teams.toml"),
        Family::LyncServer | Family::Own => include_str!("templates/lync.toml"),
    };
    let client = platform
        .components
        .iter()
        .filter(|component| component.role == Role::Client && component.choice == Choice::Always)
        .find_map(|component| component.executable.as_deref())?;
    Some(
        text.replace("@NAME@", &platform.name)
            .replace("@ID@", &platform.id)
            .replace("@APP@", client),
    )
}

#[cfg(test)]
mod tests {
    use perhop_policy::{FileId, Severity};

    use super::*;

    #[test]
    fn every_template_checks_without_a_word() {
        for platform in crate::catalogue::platform_words() {
            let text = template(platform).unwrap();
            assert!(!text.contains('@'), "{text}");
            let loaded = crate::load(FileId(0), &text);
            assert_eq!(loaded.diagnostics, [], "{platform}");
            let meant = loaded.allowed.iter().map(|one| one.diagnostic.severity);
            assert!(meant.eq([Severity::Info]));
            assert_eq!(loaded.expectations, 1);
            assert!(loaded.policy.is_some());
        }
        assert_eq!(template("lync-2007"), None);
    }
}
