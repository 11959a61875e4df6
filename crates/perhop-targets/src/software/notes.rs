//! What people do with the files of a product.

use perhop_policy::PortRange;

use super::apps::App;
use super::told::Told;
use super::{Ports, Product, Syntax};
use crate::artifact::{Artifact, Purpose};
use crate::target::{Step, order};
use crate::windows_policy::folder;

/// The steps: saving, where files are on a host, and entering.
pub(super) fn steps(product: &Product, apps: &[(App, Told)], files: &[Artifact]) -> Vec<Step> {
    let applied: Vec<&Artifact> = files
        .iter()
        .filter(|file| file.purpose == Purpose::Apply)
        .collect();
    let mut paths: Vec<&str> = Vec::new();
    let mut notes = Vec::new();
    let mut commands = Vec::new();
    for artifact in &applied {
        let name = artifact.path.rsplit('/').next().unwrap_or_default();
        let file = product.files.iter().find(|file| file.name == name);
        let Some(file) = file else { continue };
        let mut parts = file.path.split('`').skip(1).step_by(2);
        let place = parts.find(|path| path.starts_with('/'));
        match (file.syntax, place) {
            (Syntax::Reg, _) => {
                commands.push(format!(
                    r"reg import .\{}",
                    artifact.path.replace('/', r"\")
                ));
            }
            (_, Some(folder)) if folder.ends_with('/') => {
                commands.push(format!(
                    "cp {} {folder}perhop.{}",
                    artifact.path,
                    ending(name)
                ));
            }
            _ => notes.push(format!("`{}` is for {}", artifact.path, file.path)),
        }
        if let Some(path) = place.filter(|path| !path.ends_with('/') && !paths.contains(path)) {
            paths.push(path);
            commands.push(format!("editor {path} {}", artifact.path));
        }
    }
    commands.extend(texts(product.work.commands));
    notes.extend(limits(product, apps));
    notes.extend(product.work.notes.iter().map(|text| (*text).to_owned()));
    let saved = (!paths.is_empty()).then(|| save(product, &paths));
    let undone = files.iter().any(|file| file.purpose == Purpose::Undo);
    let enter = Step {
        order: product.work.order,
        title: format!("Tell {} its ports and marks", product.name),
        place: product.work.place.to_owned(),
        commands,
        check: texts(product.work.check),
        undo: undo(product, !paths.is_empty(), undone),
        notes,
    };
    saved.into_iter().chain([enter]).collect()
}

/// What the product cannot do, and how far its ranges go.
fn limits(product: &Product, apps: &[(App, Told)]) -> Vec<String> {
    let mut notes: Vec<String> = apps
        .iter()
        .flat_map(|(app, told)| arithmetic(product, app, told))
        .collect();
    if let Ports::Elsewhere(reason) = product.ports {
        notes.push(format!("No ports are told: {reason}."));
    }
    if !product.silent.is_empty() {
        notes.push(format!("{}.", product.silent));
    }
    notes
}

fn ending(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn save(product: &Product, paths: &[&str]) -> Step {
    let copies = paths
        .iter()
        .map(|path| format!("cp -a {path} {path}.before-perhop"));
    Step {
        order: order::SAVE,
        title: format!("Save the settings of {}", product.name),
        place: product.work.place.to_owned(),
        commands: copies.collect(),
        check: paths
            .iter()
            .map(|path| format!("`{path}.before-perhop` is there"))
            .collect(),
        undo: Vec::new(),
        notes: Vec::new(),
    }
}

fn undo(product: &Product, saved: bool, undone: bool) -> Vec<String> {
    let mut out = Vec::new();
    if saved {
        out.push("put back the files that end in `.before-perhop`, and restart".to_owned());
    }
    if undone {
        let id = product.id;
        out.push(format!(
            "where nothing was saved, the files in the folders `undo` below `{id}/` have the documented defaults and name what is to be removed"
        ));
    } else if !saved {
        out.push("remove the file again".to_owned());
    }
    out
}

/// How many streams a range carries, and what to know of its ends.
fn arithmetic(product: &Product, app: &App, told: &Told) -> Vec<String> {
    let folder = folder::of_scope(&app.name);
    let mut out = Vec::new();
    for (part, range) in &told.ranges {
        let ports = format!("{}-{}", range.first(), range.last());
        if !product.pairs {
            continue;
        }
        let streams = pairs(*range);
        out.push(format!(
            "`{folder}`, {}: {ports} has an even and an odd port for {streams} RTP streams at once, each leg of a call one; have twice what is needed, since ports come free late",
            part.as_str(),
        ));
        if range.first() % 2 == 1 || range.last() % 2 == 0 {
            out.push(format!(
                "`{folder}`, {}: RTP takes even ports and RTCP the odd ones after them, so a range wants to begin even and end odd",
                part.as_str(),
            ));
        }
    }
    out
}

/// Even ports whose next port is in the range too.
fn pairs(range: PortRange) -> u32 {
    let first = u32::from(range.first()).div_ceil(2) * 2;
    let end = u32::from(range.last()) + 1;
    end.saturating_sub(first) / 2
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::range;

    #[test]
    fn streams_are_counted_in_pairs() {
        assert_eq!(pairs(range(10000, 19999)), 5000);
        assert_eq!(pairs(range(10001, 10002)), 0);
        assert_eq!(pairs(range(10001, 10003)), 1);
        assert_eq!(pairs(range(10000, 10000)), 0);
        assert_eq!(pairs(range(1, 65535)), 32767);
    }
}
