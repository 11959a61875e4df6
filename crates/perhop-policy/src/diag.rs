//! Diagnostics: what is wrong, where, why and what to do, made without printing anything.

/// Which source text a [`Span`] points into; the binary keeps the table of names and texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileId(pub u16);

/// A half-open range of byte offsets in one source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The text.
    pub file: FileId,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// A span over `start..end` of the first file.
    #[must_use]
    pub const fn new(start: usize, end: usize) -> Self {
        Self {
            file: FileId(0),
            start,
            end,
        }
    }
}

/// How bad it is. Errors stop the stage that follows; warnings and information never do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Probably not what is wanted.
    Warning,
    /// Wrong: the plan cannot be used as it is.
    Error,
}

impl Severity {
    /// The lower-case word that reports print.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A place in a source text and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What; may be empty.
    pub text: String,
    /// True for the place to change, false for what it clashes with.
    pub primary: bool,
}

/// One problem. Message: lower case, no full stop, names in backticks, values with units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// `stage/kebab-slug`, the name of its page under `docs/codes/`.
    pub code: &'static str,
    /// How bad.
    pub severity: Severity,
    /// One line.
    pub message: String,
    /// Places, primary first.
    pub labels: Vec<Label>,
    /// Reasons, in the standard's words.
    pub notes: Vec<String>,
    /// Edits that would mend it.
    pub helps: Vec<String>,
}

impl Diagnostic {
    /// A diagnostic without places.
    #[must_use]
    pub fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            labels: Vec::new(),
            notes: Vec::new(),
            helps: Vec::new(),
        }
    }

    /// An error without places.
    #[must_use]
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// A warning without places.
    #[must_use]
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// A piece of information without places.
    #[must_use]
    pub fn info(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Info, code, message)
    }

    /// Adds the place to change.
    #[must_use]
    pub fn primary(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            text: text.into(),
            primary: true,
        });
        self
    }

    /// Adds a place that it clashes with.
    #[must_use]
    pub fn secondary(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            text: text.into(),
            primary: false,
        });
        self
    }

    /// Adds a reason.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds a remedy.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.helps.push(text.into());
        self
    }
}

/// One entry of a crate's list of codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeInfo {
    /// `stage/kebab-slug`.
    pub code: &'static str,
    /// Rule ids of the field that it implements, such as `UC-03`; empty when it has none.
    pub rules: &'static [&'static str],
    /// One sentence.
    pub summary: &'static str,
}
