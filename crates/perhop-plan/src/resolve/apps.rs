//! Own applications.

use perhop_policy::{Host, Marker, Protocol, ProtocolMatch};

use crate::ast::At;
use crate::plan::{App, AppMedia, HOSTS};
use crate::view::View;

/// Every application, by name.
pub(super) fn all(root: View<'_>) -> Vec<App> {
    root.named("app")
        .into_iter()
        .map(|(name, view)| app(name, view))
        .collect()
}

fn app(name: At<String>, view: View<'_>) -> App {
    let word = |key: &str| view.text(key).map(|at| at.value).unwrap_or_default();
    let on = HOSTS
        .iter()
        .find(|on| on.word == word("on"))
        .copied()
        .unwrap_or(HOSTS[0]);
    let fixed = [
        "executable",
        "on",
        "protocol",
        "addresses",
        "peers",
        "marker",
    ];
    let mut media: Vec<AppMedia> = view
        .entries()
        .iter()
        .filter(|entry| !fixed.contains(&entry.key.value.as_str()))
        .filter_map(|entry| {
            let inner = view.table(&entry.key.value)?;
            Some(AppMedia {
                class: entry.key.clone(),
                ports: inner.ports("ports")?,
                destination: inner
                    .text("side")
                    .is_some_and(|side| side.value == "destination"),
                throttle: inner.rate("throttle"),
            })
        })
        .collect();
    media.sort_by(|a, b| a.class.value.cmp(&b.class.value));
    App {
        name,
        executable: view.text("executable"),
        on,
        protocol: match word("protocol").as_str() {
            "udp" => ProtocolMatch::Only(Protocol::Udp),
            "tcp" => ProtocolMatch::Only(Protocol::Tcp),
            _ => ProtocolMatch::Both,
        },
        addresses: view.prefixes("addresses"),
        peers: view.prefixes("peers"),
        marker: match (word("marker").as_str(), on.host) {
            ("host", _) | ("", Host::Windows | Host::Linux) => Marker::HostPolicy,
            ("sender", _) | ("", Host::Appliance) => Marker::Sender,
            _ => Marker::Network,
        },
        media,
    }
}
