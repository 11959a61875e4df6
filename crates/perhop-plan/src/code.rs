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
}
