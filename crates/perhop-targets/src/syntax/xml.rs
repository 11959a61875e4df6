//! XML 1.0 documents: names are the program's own, every value is escaped.

/// A document being written, UTF-8.
#[derive(Debug, Clone, Default)]
pub struct Xml {
    out: String,
    open: Vec<&'static str>,
    layout: Layout,
}

/// How elements are laid out. White space is put only between elements, never into one that has text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// All on one line.
    #[default]
    OneLine,
    /// One element a line, indented by two spaces, CRLF.
    Indented,
}

/// An element's attributes in order.
pub type Attributes<'a> = &'a [(&'static str, &'a str)];

impl Xml {
    /// A document without XML declaration.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        Self {
            layout,
            ..Self::default()
        }
    }

    /// A document with the declaration `<?xml version="1.0" encoding="utf-8"?>`.
    #[must_use]
    pub fn declared(layout: Layout) -> Self {
        let mut xml = Self::new(layout);
        xml.out
            .push_str(r#"<?xml version="1.0" encoding="utf-8"?>"#);
        xml
    }

    /// A comment of the program's own.
    ///
    /// # Panics
    /// When the text has `--` in it: a bug of the caller.
    pub fn comment(&mut self, text: &'static str) -> &mut Self {
        assert!(!text.contains("--"), "a comment cannot contain two hyphens");
        self.new_line();
        self.out.push_str("<!--");
        self.out.push_str(text);
        self.out.push_str("-->");
        self
    }

    /// Opens an element that other elements go into.
    pub fn open(&mut self, name: &'static str, attributes: Attributes<'_>) -> &mut Self {
        self.start(name, attributes);
        self.out.push('>');
        self.open.push(name);
        self
    }

    /// Closes the innermost open element.
    ///
    /// # Panics
    /// When none is open: a bug of the caller.
    pub fn close(&mut self) -> &mut Self {
        let name = self.open.pop().expect("an element is open");
        self.new_line();
        self.end(name)
    }

    /// An element without content, `<name/>`.
    pub fn empty(&mut self, name: &'static str, attributes: Attributes<'_>) -> &mut Self {
        self.start(name, attributes);
        self.out.push_str("/>");
        self
    }

    /// An element with text.
    pub fn leaf(
        &mut self,
        name: &'static str,
        attributes: Attributes<'_>,
        text: &str,
    ) -> &mut Self {
        self.start(name, attributes);
        self.out.push('>');
        escape(&mut self.out, text, false);
        self.end(name)
    }

    /// An element with text in CDATA; `]]>` is divided between two sections.
    pub fn cdata(
        &mut self,
        name: &'static str,
        attributes: Attributes<'_>,
        text: &str,
    ) -> &mut Self {
        self.start(name, attributes);
        self.out.push_str("><![CDATA[");
        let clean: String = text.chars().map(permitted).collect();
        self.out.push_str(&clean.replace("]]>", "]]]]><![CDATA[>"));
        self.out.push_str("]]>");
        self.end(name)
    }

    /// The document as a file, ended by a line break unless all is on one line.
    ///
    /// # Panics
    /// When an element is still open: a bug of the caller.
    #[must_use]
    pub fn into_bytes(mut self) -> Vec<u8> {
        assert!(
            self.open.is_empty(),
            "`{:?}` is still open",
            self.open.last()
        );
        if self.layout == Layout::Indented {
            self.out.push_str("\r\n");
        }
        self.out.into_bytes()
    }

    fn start(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.new_line();
        self.out.push('<');
        self.out.push_str(name);
        for (key, value) in attributes {
            self.out.push(' ');
            self.out.push_str(key);
            self.out.push_str("=\"");
            escape(&mut self.out, value, true);
            self.out.push('"');
        }
    }

    fn end(&mut self, name: &'static str) -> &mut Self {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
        self
    }

    fn new_line(&mut self) {
        if self.layout == Layout::Indented && !self.out.is_empty() {
            self.out.push_str("\r\n");
            for _ in 0..self.open.len() {
                self.out.push_str("  ");
            }
        }
    }
}

/// Escapes for text, or for an attribute in double quotes. Characters that XML 1.0 has not (section 2.2) become U+FFFD.
fn escape(out: &mut String, text: &str, attribute: bool) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if attribute => out.push_str("&quot;"),
            '\t' if attribute => out.push_str("&#9;"),
            '\n' if attribute => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            c => out.push(permitted(c)),
        }
    }
}

const fn permitted(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => c,
        _ => char::REPLACEMENT_CHARACTER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_leave_their_place() {
        let mut xml = Xml::new(Layout::OneLine);
        xml.open("a", &[("b", "\"<&'\n")])
            .leaf("t", &[], "]]> & <x>\u{1}")
            .cdata("c", &[], "]]> & ]]]>")
            .empty("e", &[])
            .close();
        assert_eq!(
            String::from_utf8(xml.into_bytes()).unwrap(),
            "<a b=\"&quot;&lt;&amp;'&#10;\"><t>]]&gt; &amp; &lt;x&gt;\u{fffd}</t>\
             <c><![CDATA[]]]]><![CDATA[> & ]]]]]><![CDATA[>]]></c><e/></a>"
        );
    }

    #[test]
    fn indentation_goes_between_elements_only() {
        let mut xml = Xml::declared(Layout::Indented);
        xml.comment(" c ")
            .open("a", &[])
            .leaf("b", &[], "x")
            .close();
        assert_eq!(
            String::from_utf8(xml.into_bytes()).unwrap(),
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<!-- c -->\r\n<a>\r\n  <b>x</b>\r\n</a>\r\n"
        );
    }
}
