//! Reading a tree that has been held against the table of fields: what is wrong there is simply absent here.

use ipnet::IpNet;
use perhop_policy::{Dscp, Pcp, PortRange, Rate, Span};

use crate::ast::{At, Entry, Node, Table, Value};
use crate::leaf;

/// A table to read from, possibly one that is not there.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    table: Option<&'a Table>,
    /// The table's place.
    pub(crate) span: Span,
}

impl<'a> View<'a> {
    /// The root.
    pub(crate) const fn root(table: &'a Table, span: Span) -> Self {
        Self {
            table: Some(table),
            span,
        }
    }

    /// Every entry, in the order of the text.
    pub(crate) fn entries(self) -> &'a [Entry] {
        self.table.map_or(&[], |table| &table.entries)
    }

    /// The table under a key, when there is one.
    pub(crate) fn table(self, key: &str) -> Option<Self> {
        let entry = self.table?.get(key)?;
        Self::of(&entry.node)
    }

    /// The table under a key, or an empty one.
    pub(crate) fn table_or_empty(self, key: &str) -> Self {
        self.table(key).unwrap_or(Self {
            table: None,
            span: self.span,
        })
    }

    /// The named tables under a key, by name.
    pub(crate) fn named(self, key: &str) -> Vec<(At<String>, Self)> {
        let mut out: Vec<_> = self
            .table_or_empty(key)
            .entries()
            .iter()
            .filter_map(|entry| Some((entry.key.clone(), Self::of(&entry.node)?)))
            .collect();
        out.sort_by(|a, b| a.0.value.cmp(&b.0.value));
        out
    }

    /// The tables of an array of tables.
    pub(crate) fn tables(self, key: &str) -> Vec<Self> {
        let items = self.node(key).and_then(Node::as_list).unwrap_or_default();
        items.iter().filter_map(Self::of).collect()
    }

    /// The value under a key.
    pub(crate) fn node(self, key: &str) -> Option<&'a Node> {
        Some(&self.table?.get(key)?.node)
    }

    /// Text under a key.
    pub(crate) fn text(self, key: &str) -> Option<At<String>> {
        let node = self.node(key)?;
        Some(At::new(node.as_text()?.to_owned(), node.span))
    }

    /// A whole number under a key, when it fits the type.
    pub(crate) fn number<T: TryFrom<i64>>(self, key: &str) -> Option<At<T>> {
        let node = self.node(key)?;
        match node.value {
            Value::Integer(number) => Some(At::new(T::try_from(number).ok()?, node.span)),
            _ => None,
        }
    }

    /// A boolean under a key.
    pub(crate) fn boolean(self, key: &str) -> Option<At<bool>> {
        let node = self.node(key)?;
        match node.value {
            Value::Boolean(value) => Some(At::new(value, node.span)),
            _ => None,
        }
    }

    /// A code point under a key.
    pub(crate) fn dscp(self, key: &str) -> Option<At<Dscp>> {
        let node = self.node(key)?;
        Some(At::new(leaf::dscp(key, node).ok()?, node.span))
    }

    /// A priority under a key.
    pub(crate) fn pcp(self, key: &str) -> Option<At<Pcp>> {
        let node = self.node(key)?;
        Some(At::new(leaf::pcp(key, node).ok()?, node.span))
    }

    /// A port range under a key.
    pub(crate) fn ports(self, key: &str) -> Option<At<PortRange>> {
        let node = self.node(key)?;
        Some(At::new(leaf::ports(key, node).ok()?, node.span))
    }

    /// A rate under a key.
    pub(crate) fn rate(self, key: &str) -> Option<At<Rate>> {
        let node = self.node(key)?;
        Some(At::new(leaf::rate(key, node).ok()?, node.span))
    }

    /// A prefix under a key.
    pub(crate) fn prefix(self, key: &str) -> Option<At<IpNet>> {
        let node = self.node(key)?;
        Some(At::new(leaf::prefix(key, node).ok()?, node.span))
    }

    /// A list of prefixes under a key.
    pub(crate) fn prefixes(self, key: &str) -> Vec<At<IpNet>> {
        self.list(key, |node| leaf::prefix(key, node).ok())
    }

    /// A list of texts under a key.
    pub(crate) fn texts(self, key: &str) -> Vec<At<String>> {
        self.list(key, |node| node.as_text().map(str::to_owned))
    }

    fn list<T>(self, key: &str, read: impl Fn(&Node) -> Option<T>) -> Vec<At<T>> {
        let items = self.node(key).and_then(Node::as_list).unwrap_or_default();
        items
            .iter()
            .filter_map(|node| Some(At::new(read(node)?, node.span)))
            .collect()
    }

    fn of(node: &'a Node) -> Option<Self> {
        Some(Self {
            table: Some(node.as_table()?),
            span: node.span,
        })
    }
}
