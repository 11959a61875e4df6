//! Codes of findings; each has a page under `docs/codes/`.

use perhop_policy::CodeInfo;

macro_rules! codes {
    ($($name:ident = $code:literal, $rules:expr, $summary:literal;)*) => {
        $(pub(crate) const $name: &str = $code;)*
        /// Codes that this crate raises.
        pub const CODES: &[CodeInfo] = &[
            $(CodeInfo { code: $code, rules: $rules, summary: $summary },)*
        ];
    };
}

codes! {
    DAMAGED = "read/damaged", &[], "a file is of a known form, and something in it is not";
    VALUE_TYPE = "read/value-type", &[], "a value of a policy is not text";
    VALUE_MISSING = "read/value-missing", &[], "a policy lacks a value";
    VALUE_UNKNOWN = "read/value-unknown", &[], "a policy has a value that Windows does not know";
    VALUE_INVALID = "read/value-invalid", &[], "a value of a policy is not one that Windows takes";
    PORT_HYPHEN = "read/port-hyphen", &["UC-19"], "a port range in the registry is written with a hyphen";
    TOS_FOR_DSCP = "read/tos-for-dscp", &["UC-15"], "the number given as a DSCP is a whole ToS octet";
    UNDER_QOS_KEY = "read/under-qos-key", &[], "values of a policy stand straight under the QoS key";
    NO_ACTION = "read/no-action", &[], "a policy neither marks nor throttles";
    NEVER_MATCHES = "read/never-matches", &["UC-20"], "a policy names an application that no process can be";
    MISSPELT_EXECUTABLE = "read/misspelt-executable", &["UC-20"], "a policy names an executable that recipes misspell";
    NLA_TYPE = "read/nla-type", &["UC-22"], "the switch for networks outside the domain is not text";
    NLA_MISSPELT = "read/nla-misspelt", &["UC-22"], "the switch for networks outside the domain is misspelt or misplaced";
    NLA_OFF = "read/nla-off", &["UC-22"], "the switch for networks outside the domain is there and not on";
    UNDECIDED = "read/undecided", &[], "two policies take the same packets with different marks or rates, and nothing chooses";
    CUT_SHORT = "read/cut-short", &[], "a value was cut when it was printed";
    RANGES_DISABLED = "read/ranges-disabled", &["UC-04"], "the switch for client port ranges is off";
    RANGES_OVERLAP = "read/ranges-overlap", &["UC-03"], "two ranges of one object share ports";
    RANGE_END = "read/range-end", &["UC-02"], "a first port and a number of ports make no range";
    HIDES_GLOBAL = "read/hides-global", &["UC-05"], "an object for a site or a service hides the global one";
    AUDIT_UNMARKED = "audit/unmarked", &[], "no policy marks the packets of a rule";
    AUDIT_OTHER_MARK = "audit/other-mark", &[], "the policy that wins puts another mark on";
    AUDIT_OTHER_THROTTLE = "audit/other-throttle", &[], "the policy that wins keeps packets to another rate";
    AUDIT_OTHER_EXECUTABLE = "audit/other-executable", &["UC-20"], "the policy for a rule's ports names another executable";
    AUDIT_OTHER_PORTS = "audit/other-ports", &["UC-19"], "the policy for a rule's mark has other ports";
    AUDIT_WRONG_SIDE = "audit/wrong-side", &["UC-17"], "the policy has its ports on the other side";
    AUDIT_NARROWER = "audit/narrower", &[], "the policy takes only a part of a rule's packets";
    AUDIT_WIDER = "audit/wider", &["UC-19"], "a policy marks more than its rule";
    AUDIT_EXTRA = "audit/extra-policy", &[], "a policy is there that the plan does not know";
    AUDIT_NLA_MISSING = "audit/nla-missing", &["UC-22"], "the switch for networks outside the domain is not set";
    AUDIT_TOO_MANY = "audit/too-many", &[], "the policies of a host overlap in more ways than can be compared";
    AUDIT_NOT_COVERED = "audit/not-covered", &[], "no file is about something that the plan decides";
    AUDIT_RANGE_DIFFERS = "audit/range-differs", &["UC-19"], "a service or its clients have other ports than planned";
    AUDIT_RANGES_DISABLED = "audit/ranges-disabled", &["UC-04"], "planned client ranges are switched off";
    AUDIT_HIDDEN = "audit/hidden", &["UC-05"], "an object for a site or a service hides the planned one";
    AUDIT_OBJECT_MISSING = "audit/object-missing", &[], "an object for a site or a service is planned and not there";
    AUDIT_MARK_DIFFERS = "audit/mark-differs", &["UC-16"], "phones are told another mark than planned";
    AUDIT_SWITCH_DIFFERS = "audit/switch-differs", &[], "the switch for devices is not as planned";
    AUDIT_NOT_COMPARED = "audit/not-compared", &[], "a file of the network has no marks of a sender of the plan";
    AUDIT_NOT_ATTACHED = "audit/not-attached", &[], "a list that marks is not attached where the plan says";
    AUDIT_NOT_RESET = "audit/not-reset", &[], "packets that no rule is about keep their marks, and the plan resets them";
    USER_POLICY = "read/user-policy", &[], "a policy is for users, not for the computer";
}
