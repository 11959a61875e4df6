//! The codes of this crate's diagnostics, each with a page under `docs/codes/target/`.

use perhop_policy::CodeInfo;

/// No target has that name.
pub(crate) const UNKNOWN: &str = "target/unknown";
/// Settings for a target that is not made.
pub(crate) const UNUSED_SETTINGS: &str = "target/unused-settings";
/// The target has no option of that name.
pub(crate) const UNKNOWN_OPTION: &str = "target/unknown-option";
/// The option's value is of the wrong type.
pub(crate) const OPTION_TYPE: &str = "target/option-type";
/// The option's number is out of range.
pub(crate) const OPTION_RANGE: &str = "target/option-range";
/// The option's text is not one that it takes.
pub(crate) const OPTION_VALUE: &str = "target/option-value";
/// Not the name of a loss.
pub(crate) const UNKNOWN_LOSS: &str = "target/unknown-loss";
/// More packets would be marked than planned.
pub(crate) const WIDER: &str = "target/wider";
/// Fewer packets would be marked than planned.
pub(crate) const NARROWER: &str = "target/narrower";
/// A rule would not be made.
pub(crate) const ABSENT: &str = "target/absent";
/// A loss is accepted that does not happen.
pub(crate) const UNMATCHED_ACCEPT: &str = "target/unmatched-accept";
/// Rules that no target makes.
pub(crate) const NOT_MADE: &str = "target/not-made";
/// A port that the setting does not take.
pub(crate) const PORT_TOO_LOW: &str = "target/port-too-low";
/// A range that is larger than the setting's type.
pub(crate) const TOO_MANY_PORTS: &str = "target/too-many-ports";
/// More rules than the device takes.
pub(crate) const TOO_MANY_RULES: &str = "target/too-many-rules";
/// A range for something that the service has no setting for.
pub(crate) const NO_SUCH_RANGE: &str = "target/no-such-range";
/// A setting at a scope where the service has none.
pub(crate) const NO_SUCH_SCOPE: &str = "target/no-such-scope";
/// A product that no application of the plan is.
pub(crate) const NO_APPLICATION: &str = "target/no-application";
/// Two scopes that would have one name.
pub(crate) const SAME_NAME: &str = "target/same-name";
/// Files that are not what the target writes.
pub(crate) const UNREADABLE: &str = "target/unreadable";
/// A rule that Policy-based QoS has no form for.
pub(crate) const WINDOWS_POLICY: &str = "target/windows-policy";

/// Every code of this crate.
pub const CODES: &[CodeInfo] = &[
    info(UNKNOWN, "no target has that name"),
    info(
        UNUSED_SETTINGS,
        "settings are given for a target that is not made",
    ),
    info(UNKNOWN_OPTION, "the target has no option of that name"),
    info(OPTION_TYPE, "an option's value is of the wrong type"),
    info(OPTION_RANGE, "an option's number is outside its range"),
    info(OPTION_VALUE, "an option's text is not one that it takes"),
    info(UNKNOWN_LOSS, "what is accepted is not the name of a loss"),
    info(WIDER, "a target would mark more packets than a rule says"),
    info(
        NARROWER,
        "a target would mark fewer packets than a rule says",
    ),
    info(ABSENT, "a target cannot say a rule at all"),
    info(UNMATCHED_ACCEPT, "a loss is accepted that does not happen"),
    info(
        NOT_MADE,
        "no target that is made configures the hosts of a rule",
    ),
    with_rules(
        PORT_TOO_LOW,
        &["UC-01"],
        "a range begins below the first port that the setting takes",
    ),
    with_rules(
        TOO_MANY_PORTS,
        &["UC-02"],
        "a range has more ports than the setting's type can count",
    ),
    info(
        TOO_MANY_RULES,
        "a device would have more rules than it takes",
    ),
    info(
        NO_SUCH_RANGE,
        "a service is given a range for something that it has no setting for",
    ),
    info(
        NO_SUCH_SCOPE,
        "a setting is given at a scope where the service has none",
    ),
    info(
        NO_APPLICATION,
        "a target is asked for whose product no application of the plan is",
    ),
    info(
        SAME_NAME,
        "two kinds of hosts would have one name in files or on devices",
    ),
    info(UNREADABLE, "files are not what the target writes"),
    info(
        WINDOWS_POLICY,
        "a rule, or a kind of host, has no form in Policy-based QoS of Windows",
    ),
];

const fn info(code: &'static str, summary: &'static str) -> CodeInfo {
    with_rules(code, &[], summary)
}

const fn with_rules(
    code: &'static str,
    rules: &'static [&'static str],
    summary: &'static str,
) -> CodeInfo {
    CodeInfo {
        code,
        rules,
        summary,
    }
}
