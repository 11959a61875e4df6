//! Writing the expected XML and the page that explains it.

use super::elements::ELEMENTS;
use super::group::Group;
use crate::syntax::markdown::{Markdown, code};
use crate::syntax::xml::{Layout, Xml};

/// A group's document.
pub(super) fn document(plan: &str, group: &Group) -> Vec<u8> {
    let mut out = Xml::declared(Layout::Indented);
    out.open(ROOT, &[("plan", plan), ("users", &group.users())]);
    out.open("provisionGroup", &[("name", "ServerConfiguration")]);
    for element in ELEMENTS {
        match group.value(element) {
            Some(text) => out.leaf(element.name, &[], &text),
            None => out.comment(element.undecided),
        };
    }
    out.close().close();
    out.into_bytes()
}

/// `README.md`.
pub(super) fn text(plan: &str, groups: &[Group], paths: &[String]) -> String {
    let mut out = Markdown::new();
    out.heading(1, "What clients must receive at sign-in");
    out.marked_up(&format!(
        "For the plan {}. A client asks for its settings when it signs in, with a SIP SUBSCRIBE for the event \
         `vnd-microsoft-provisioning-v2`; the answer is XML with one `provisionGroup` for each topic. The group named \
         `ServerConfiguration` must have these values.",
        code(plan)
    ));
    let mut head = vec!["element", "server setting"];
    let names: Vec<String> = groups.iter().map(Group::users).collect();
    head.extend(names.iter().map(String::as_str));
    let rows: Vec<Vec<String>> = ELEMENTS
        .iter()
        .map(|element| {
            let mut row = vec![code(element.name), code(element.setting)];
            row.extend(groups.iter().map(|group| match group.value(element) {
                Some(text) => code(&text),
                None => "not decided".to_owned(),
            }));
            row
        })
        .collect();
    out.table(&head, &rows);
    let rows: Vec<Vec<String>> = names
        .iter()
        .zip(paths)
        .map(|(name, path)| {
            let file = path.rsplit('/').next().unwrap_or(path);
            vec![code(name), code(file)]
        })
        .collect();
    out.table(&["users", "file"], &rows);
    out.heading(2, "How to compare");
    out.list(NOTES);
    out.into_text()
}

/// The element around the group in a file; a client's message has another one there.
pub(super) const ROOT: &str = "expected";

const NOTES: &[&str] = &[
    "The log of Lync 2013 is under `%userprofile%\\AppData\\Local\\Microsoft\\Office\\15.0\\Lync\\Tracing`, that of Skype for Business 2016 and later under `16.0` instead of `15.0`. Search it for `ucPortRangeEnabled`.",
    "Compare names without regard to case: some programs show them in lower case.",
    "Minimum and maximum are both inclusive. The server makes them from start and count: 20000 and 40 become 20000 and 20039.",
    "`ucPortRangeEnabled` must be the text `true`. With anything else a client takes any port, whatever the other values are.",
    "A site's settings hide those of everyone, and a service's hide both. The file of a group has what is in force for it.",
    "A value that is not decided here may be anything; it is not part of the plan.",
    "`qosUri` in the same message is the address of a quality collector. It has nothing to do with marks.",
    "A change reaches a client when it signs out and in.",
];
