//! A plan's text as a tree with the place of everything in it, before anything is known about its meaning.

use perhop_policy::Span;

/// Something and where the text says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// The thing.
    pub value: T,
    /// Its place.
    pub span: Span,
}

impl<T> At<T> {
    /// A thing at a place.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// A value as TOML has it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A string.
    Text(String),
    /// An integer; those past 64 bits become the nearest that is not.
    Integer(i64),
    /// A floating-point number.
    Float,
    /// `true` or `false`.
    Boolean(bool),
    /// A date, a time or both.
    Datetime,
    /// An array.
    List(Vec<Node>),
    /// A table, inline or not.
    Table(Table),
}

/// A value and its place. The place of a table with a header is its header.
pub type Node = At<Value>;

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key, unquoted.
    pub key: At<String>,
    /// What it is set to.
    pub node: Node,
}

/// A table's entries, in the order of the text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// No key stands twice.
    pub entries: Vec<Entry>,
}

impl Table {
    /// The entry of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key.value == key)
    }
}

impl Value {
    /// What to call it in a message.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Text(text) => format!("the text `{}`", text.escape_debug()),
            Self::Integer(number) => format!("the number {number}"),
            Self::Float => "a fraction".to_owned(),
            Self::Boolean(value) => format!("`{value}`"),
            Self::Datetime => "a date or time".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Table(_) => "a table".to_owned(),
        }
    }
}

impl At<Value> {
    /// The text, when it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The table, when it is one.
    #[must_use]
    pub fn as_table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The list, when it is one.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        match &self.value {
            Value::List(list) => Some(list),
            _ => None,
        }
    }
}
