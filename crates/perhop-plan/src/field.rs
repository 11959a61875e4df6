//! What a field of the plan is: the rows of the one table that parser, JSON Schema and reference page are made from.

/// One key of a table.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The key.
    pub key: &'static str,
    /// What it may be set to.
    pub shape: Shape,
    /// Whether the table is wrong without it.
    pub required: bool,
    /// What holds without it, in words; empty when nothing does.
    pub default: &'static str,
    /// What it means, one or two sentences.
    pub doc: &'static str,
    /// The version of perhop that first reads it.
    pub since: &'static str,
}

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A name that people give.
    Name,
    /// Any text.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A whole number between the two, inclusive.
    Integer(i64, i64),
    /// A code point, by name or number.
    Dscp,
    /// A code point, or `"none"`.
    DscpOrNone,
    /// A layer-2 priority.
    Pcp,
    /// A port range.
    Ports,
    /// An address or prefix.
    Prefix,
    /// A rate of sending.
    Rate,
    /// One of some words; the function keeps catalogue and table in one place.
    Word(fn() -> Vec<&'static str>),
    /// A list of values of one shape.
    List(&'static Shape),
    /// A table of these keys.
    Table(&'static [Field]),
    /// A table of these keys and others that the plan makes up, with what others are called.
    Open(&'static [Field], &'static str, &'static Shape),
    /// A table whose keys are names that the plan makes up, with what they are called.
    Map(&'static str, &'static Shape),
    /// An array of tables: `[[key]]`.
    Tables(&'static [Field]),
    /// Whatever the target that it is for takes: text, number, boolean or a list of texts.
    Option,
}

impl Field {
    /// An optional field since the first version.
    pub(crate) const fn new(key: &'static str, shape: Shape, doc: &'static str) -> Self {
        Self {
            key,
            shape,
            required: false,
            default: "",
            doc,
            since: "0.1.0",
        }
    }

    /// With what holds when it is left out.
    pub(crate) const fn or(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    /// That must be there.
    pub(crate) const fn needed(mut self) -> Self {
        self.required = true;
        self
    }
}

impl Shape {
    /// What a message says it expected.
    #[must_use]
    pub fn expected(&self) -> String {
        match self {
            Self::Name => "a name in quotes".to_owned(),
            Self::Text => "text in quotes".to_owned(),
            Self::Boolean => "`true` or `false`".to_owned(),
            Self::Integer(low, high) if low == high => format!("the number {low}"),
            Self::Integer(low, high) => format!("a whole number from {low} to {high}"),
            Self::Dscp => crate::leaf::DSCP.to_owned(),
            Self::DscpOrNone => {
                "a DSCP: a name such as `\"EF\"`, a number from 0 to 63, or `\"none\"`".to_owned()
            }
            Self::Pcp => crate::leaf::PCP.to_owned(),
            Self::Ports => crate::leaf::PORTS.to_owned(),
            Self::Prefix => crate::leaf::PREFIX.to_owned(),
            Self::Rate => crate::leaf::RATE.to_owned(),
            Self::Word(words) => {
                let quoted: Vec<String> =
                    words().iter().map(|word| format!("`\"{word}\"`")).collect();
                format!("a known word: one of {}", quoted.join(", "))
            }
            Self::List(of) => {
                format!(
                    "a list: in brackets, each entry {}",
                    of.expected().replace(": ", ", ")
                )
            }
            Self::Table(_) | Self::Open(..) | Self::Map(..) => "a table".to_owned(),
            Self::Tables(_) => "an array of tables: each under a `[[...]]` header".to_owned(),
            Self::Option => {
                "an option: text, a number, `true`, `false` or a list of texts".to_owned()
            }
        }
    }
}
