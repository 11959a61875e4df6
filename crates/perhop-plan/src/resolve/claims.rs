//! Expectations and accepted warnings.

use perhop_policy::Protocol;

use crate::ast::At;
use crate::plan::{Allow, Expect};
use crate::view::View;

/// Every expectation, in the plan's order.
pub(super) fn expects(root: View<'_>) -> Vec<Expect> {
    root.tables("expect").into_iter().map(expect).collect()
}

/// Every accepted warning, in the plan's order.
pub(super) fn allows(root: View<'_>) -> Vec<Allow> {
    root.tables("allow").into_iter().filter_map(allow).collect()
}

fn expect(view: View<'_>) -> Expect {
    let flow = view.table_or_empty("flow");
    let tcp = flow
        .text("protocol")
        .is_some_and(|word| word.value == "tcp");
    let dscp = view.node("dscp").map_or(view.span, |node| node.span);
    Expect {
        span: view.span,
        scope: flow.text("scope"),
        app: flow.text("app").map(|app| app.value),
        protocol: if tcp { Protocol::Tcp } else { Protocol::Udp },
        source: flow.prefix("source"),
        source_port: flow.number("source-port").map_or(0, |at| at.value),
        destination: flow.prefix("destination"),
        destination_port: flow.number("destination-port").map_or(0, |at| at.value),
        dscp: At::new(view.dscp("dscp").map(|at| at.value), dscp),
    }
}

fn allow(view: View<'_>) -> Option<Allow> {
    Some(Allow {
        code: view.text("code")?,
        reason: view.text("reason")?.value,
    })
}
