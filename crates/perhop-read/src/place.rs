//! Places in files that were read.

/// Where something stands: a file, and what its format has to say where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Index of the file in its [`crate::Reading`].
    pub file: usize,
    /// Line, from 1, in files of text.
    pub line: Option<usize>,
    /// Byte offset in files that are not text.
    pub offset: Option<usize>,
    /// The path inside the file: registry key and value, object and property, sheet and cell; empty for none.
    pub path: String,
}

impl Place {
    /// The whole of a file.
    #[must_use]
    pub fn whole(file: usize) -> Self {
        Self {
            file,
            ..Self::default()
        }
    }

    /// A line of a file.
    #[must_use]
    pub fn line(file: usize, line: usize) -> Self {
        Self {
            file,
            line: Some(line),
            ..Self::default()
        }
    }

    /// A byte of a file.
    #[must_use]
    pub fn offset(file: usize, offset: usize) -> Self {
        Self {
            file,
            offset: Some(offset),
            ..Self::default()
        }
    }

    /// The same place with a path.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// `client.reg:14`, `Registry.pol@0x8a`, or the file's name alone.
    #[must_use]
    pub fn in_file(&self, name: &str) -> String {
        match (self.line, self.offset) {
            (Some(line), _) => format!("{name}:{line}"),
            (None, Some(offset)) => format!("{name}@{offset:#x}"),
            (None, None) => name.to_owned(),
        }
    }
}
