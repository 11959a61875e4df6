//! `README.md`: how to use the files.

use perhop_policy::PolicySet;

use super::filters::{Filter, Shows};
use crate::syntax::markdown::{Markdown, code, escape};

pub(super) fn text(
    policy: &PolicySet,
    filters: &[Filter],
    capture: &str,
    capture_tagged: &str,
) -> String {
    let mut out = Markdown::new();
    out.heading(1, "See the marks in Wireshark");
    out.marked_up(&format!(
        "For the plan {}: a profile with saved filters, coloring rules and a DSCP column, and a capture filter.",
        code(policy.name())
    ));
    marks(&mut out, policy);
    out.heading(2, "The profile");
    out.list(PROFILE);
    out.heading(2, "What the colours mean");
    out.table(
        &["colour", "meaning"],
        &[
            vec![
                "white on dark red".into(),
                "of the plan, but with another mark or none".into(),
            ],
            vec![
                "black on amber".into(),
                "not of the plan, but with a mark of the plan".into(),
            ],
            vec![
                "black on a pale colour, one for each class".into(),
                "as planned".into(),
            ],
        ],
    );
    out.heading(2, "Capturing");
    out.marked_up(
        "The capture filter takes the packets of the plan and all packets with a mark of the plan, so that marks that \
         are missing and marks that are stolen both show. It is in `capture-filter.txt` for `tcpdump -F`; this is it:",
    );
    out.code_block("", &[capture]);
    out.marked_up("On a link with 802.1Q tags:");
    out.code_block("", &[capture_tagged]);
    out.list(CAPTURING);
    out.heading(2, "Display filters");
    out.list(READING);
    if filters.iter().all(|filter| filter.class.is_none()) {
        out.paragraph(
            "This plan has so many addresses and ranges that filters of single classes would be too long to use; \
             there are those of the whole plan.",
        );
    }
    let rows: Vec<Vec<String>> = filters
        .iter()
        .map(|filter| vec![escape(&filter.name), explain(filter.shows).to_owned()])
        .collect();
    out.table(&["saved filter", "shows"], &rows);
    out.into_text()
}

fn marks(out: &mut Markdown, policy: &PolicySet) {
    let rows: Vec<Vec<String>> = policy
        .classes()
        .iter()
        .map(|class| {
            vec![
                escape(&class.name),
                class.dscp.to_string(),
                format!("`0x{:02x}`", class.dscp.to_tos_octet()),
            ]
        })
        .collect();
    if !rows.is_empty() {
        out.table(&["class", "DSCP", "DS octet without ECN"], &rows);
    }
}

const fn explain(shows: Shows) -> &'static str {
    match shows {
        Shows::AsPlanned => "packets of the plan with their planned mark",
        Shows::WrongMark => "packets of the plan with another mark, or none; there should be none",
        Shows::NotPlanned => {
            "a mark of the plan on packets that are not to have it; there should be none"
        }
    }
}

const PROFILE: &[&str] = &[
    "In Wireshark open Help, About Wireshark, Folders, and go to the personal configuration folder. Make a folder in its `profiles`, named as you like, and copy everything from `profile` into it.",
    "Choose the profile at the right end of the status bar. The saved filters are behind the bookmark at the left of each filter field.",
    "Written for Wireshark 4.0 and later.",
];

const CAPTURING: &[&str] = &[
    "Capture where packets are sent, on the way and where they arrive. What is missing at the receiver and was there at the sender was lost between them.",
    "On a sending Windows computer a capture may be taken above the place where marks are put on, and show 0 for packets that leave with a mark. Judge on the wire: at the receiver, or at a mirror port.",
    "A capture filter sees the ports of the first fragment only, and not past IPv6 extension headers. Display filters have no such limit.",
    "Nothing is marked towards the Internet or on the external side of an edge server.",
];

const READING: &[&str] = &[
    "Marks are those inside the network, past its access edge. What the network marks is still 0 at its sender.",
    "A capture does not show which program sent a packet. A packet is right when it has the mark of any rule that its addresses and ports allow.",
    "ICMP is left out, because its messages quote other packets. In a tunnel the fields of both headers count.",
];
