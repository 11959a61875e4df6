//! The codes of this crate's diagnostics.

use perhop_policy::CodeInfo;

macro_rules! codes {
    ($($name:ident = $code:literal, [$($rule:literal),*], $summary:literal;)*) => {
        $(#[doc = $summary] pub const $name: &str = $code;)*
        /// Every code, with the rules of the field that it implements.
        pub const CODES: &[CodeInfo] = &[$(CodeInfo {
            code: $code,
            rules: &[$($rule),*],
            summary: $summary,
        }),*];
    };
}

codes! {
    TOO_LARGE = "plan/too-large", [], "the plan has more text than is read";
    SYNTAX = "plan/syntax", [], "the text is not TOML";
    UNKNOWN_KEY = "plan/unknown-key", [], "a table has a key that plans do not have";
    MISSING_KEY = "plan/missing-key", [], "a table lacks a key that it must have";
    WRONG_TYPE = "plan/wrong-type", [], "a value is of another type than its key takes";
    UNKNOWN_WORD = "plan/unknown-word", [], "a value is not one of the words that its key takes";
    BAD_DSCP = "plan/bad-dscp", ["UC-15"], "a mark is not a code point from 0 to 63";
    BAD_PCP = "plan/bad-pcp", [], "a layer-2 priority is not from 0 to 7";
    BAD_PORTS = "plan/bad-ports", ["UC-02"], "a port range is empty, reversed, or past 65535";
    BAD_PREFIX = "plan/bad-prefix", [], "a text is no address or prefix";
    HOST_BITS = "plan/host-bits", [], "a prefix has host bits set";
    BAD_NAME = "plan/bad-name", [], "a name cannot be shown or stored";
    TOO_MANY = "plan/too-many", [], "the plan has more of something than can be worked with";
    MORE = "plan/more-problems", [], "there are more problems than are told";
    NAME_TWICE = "plan/name-used-twice", [], "two things have one name";
    UNKNOWN_NAME = "plan/unknown-name", [], "a name refers to nothing in the plan";
    SUBNET_TWICE = "plan/subnet-overlap", [], "a subnet belongs to two sites, or is listed twice";
    MIXED_FAMILIES = "plan/mixed-families", [], "one end of a rule is IPv4 and the other IPv6";
    NO_ADDRESS = "plan/no-address", [], "a rule that only addresses can tell has none";
    LOW_PORT = "plan/low-port", ["UC-01"], "a range starts below port 1024";
    PORT_OVERLAP = "plan/port-overlap", ["UC-03"], "two media of one settings object share ports";
    LEGACY_OVERLAP = "plan/legacy-overlap", ["UC-03"], "the legacy range shares ports with another medium";
    DEFAULT_SHARING = "plan/default-app-sharing", ["UC-03"], "servers keep the default application sharing range, which overlaps audio and video";
    ROLE_OVERLAP = "plan/role-overlap", ["UC-07", "UC-29"], "a medium on one server role shares ports with another medium on another role";
    ROLES_DIFFER = "plan/roles-differ", ["UC-06", "UC-29"], "server roles have different ports for one medium";
    NOT_ENFORCED = "plan/ports-not-enforced", ["UC-04", "UC-05"], "clients are given ports and need not keep to them";
    HIDES_GLOBAL = "plan/hides-global", ["UC-05"], "settings of a site or service hide the plan's";
    OUTSIDE_SERVERS = "plan/outside-server-range", ["UC-08"], "a client range is not inside the servers' range of its medium";
    INSIDE_OTHER = "plan/inside-other-range", ["UC-09"], "a client range is inside the servers' range of another medium";
    FEW_PORTS = "plan/few-ports", ["UC-10", "UC-11", "UC-12"], "a client range has fewer ports than its medium needs";
    UNALIGNED = "plan/unaligned-range", [], "a range takes more entries of switches than it needs";
    LEGACY_UNNEEDED = "plan/legacy-unneeded", ["UC-13"], "a legacy range where no such clients can be";
    NOT_CONTIGUOUS = "plan/not-contiguous", ["UC-14"], "client ranges have gaps between them";
    DYNAMIC_RANGE = "plan/dynamic-range", ["UC-27"], "client ranges are among the dynamic ports of Windows";
    SAME_MARK = "plan/same-mark", ["UC-15"], "two classes have one mark";
    NETWORK_CONTROL = "plan/network-control-mark", [], "a class has a mark of network control";
    DEFAULT_MARK = "plan/default-mark", ["UC-15"], "a class has the mark of everything else";
    PHONE_MARK = "plan/phone-mark", ["UC-16"], "phones mark audio differently from everything else";
    TEAMS_MARK = "plan/teams-mark", ["UC-30"], "a class has another mark than the one fixed in Teams";
    PEERING_MARK = "plan/peering-mark", ["UC-30"], "a class has a mark that Microsoft peering does not honour";
    EDGE_EXTERNAL = "plan/edge-external", ["UC-18"], "rules would cover the external side of the Edge";
    RELAY_RANGE = "plan/relay-range", ["UC-24"], "the Edge's external relay range is changed";
    EDGE_GAP = "plan/edge-gap", ["UC-31"], "a medium crosses the Edge unmarked";
    VIDEO_BASED_SHARING = "plan/video-based-sharing", ["UC-23"], "video-based screen sharing without the exact settings it needs";
    BUSY_PORT = "plan/busy-port", ["UC-25"], "a range holds ports of other services";
    EXECUTABLE = "plan/executable", ["UC-20"], "an executable is none that the plan's programs have";
    MISSPELT = "plan/misspelt-executable", ["UC-20"], "an executable is a known misspelling, or one letter away from a known name";
    UNVERIFIED = "plan/unverified-component", ["UC-20"], "little is known of a component that the plan asks for";
    NO_CLASS = "plan/range-without-class", [], "a medium has ports and no class";
    NO_RULES = "plan/no-rules", [], "the plan marks nothing";
    UNUSED_CLASS = "plan/unused-class", [], "nothing sends a class";
    UNUSED_TABLE = "plan/unused-table", [], "a table has no effect";
    THROTTLE = "plan/throttle-without-policy", [], "something that no host's policy marks is to be throttled";
    UNUSED_TARGET = "plan/unused-target", [], "options of a target that is not compiled to";
    EXPECTATION = "plan/expectation-failed", [], "a flow does not get the mark that the plan expects";
    EXPECT_SCOPE = "plan/expectation-scope", [], "an expectation does not say which hosts send";
    UNMATCHED_ALLOW = "plan/unmatched-allow", [], "an accepted warning did not come";
    ALLOWED_ERROR = "plan/allowed-error", [], "an error cannot be accepted";
}
