//! A writer of HTML that escapes every value: names of elements and attributes are literals, all else is text.

/// The style of every page.
const STYLE: &str = include_str!("html/style.css");

/// A page or a part of one, written from the top.
#[derive(Debug, Default)]
pub(crate) struct Html {
    out: String,
    open: Vec<&'static str>,
}

/// Attributes: a literal name and any value.
pub(crate) type Attrs<'a> = &'a [(&'static str, &'a str)];

impl Html {
    /// A whole page with its head; [`Html::finish`] ends it.
    pub(crate) fn page(title: &str) -> Self {
        let mut html = Self::default();
        html.out.push_str("<!DOCTYPE html>\n");
        html.begin("html", &[("lang", "en")]);
        html.begin("head", &[]);
        html.void("meta", &[("charset", "utf-8")]);
        html.void(
            "meta",
            &[
                ("http-equiv", "Content-Security-Policy"),
                (
                    "content",
                    "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
                ),
            ],
        );
        html.void(
            "meta",
            &[
                ("name", "viewport"),
                ("content", "width=device-width, initial-scale=1"),
            ],
        );
        html.void(
            "meta",
            &[("name", "color-scheme"), ("content", "light dark")],
        );
        html.void(
            "meta",
            &[
                ("name", "generator"),
                ("content", concat!("perhop ", env!("CARGO_PKG_VERSION"))),
            ],
        );
        // An icon of its own, so that a browser asks no server for one.
        html.void("link", &[("rel", "icon"), ("href", "data:,")]);
        html.leaf("title", &[], title);
        html.out.push_str("<style>\n");
        html.out.push_str(STYLE);
        html.out.push_str("</style>");
        html.end();
        html.begin("body", &[]);
        html
    }

    /// Opens an element.
    pub(crate) fn begin(&mut self, name: &'static str, attrs: Attrs<'_>) {
        if is_block(name) {
            self.out.push('\n');
        }
        self.start(name, attrs);
        self.open.push(name);
    }

    /// Closes the element that was opened last.
    pub(crate) fn end(&mut self) {
        let name = self.open.pop().expect("every end has its begin");
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// Text.
    pub(crate) fn text(&mut self, text: &str) {
        escape(text, &mut self.out);
    }

    /// Text in which names stand in backticks, as messages have them; they become code.
    pub(crate) fn rich(&mut self, text: &str) {
        let parts: Vec<&str> = text.split('`').collect();
        // An odd number of backticks is no markup.
        if parts.len().is_multiple_of(2) {
            return self.text(text);
        }
        for (index, part) in parts.iter().enumerate() {
            if index % 2 == 1 && !part.is_empty() {
                self.leaf("code", &[], part);
            } else {
                self.text(part);
            }
        }
    }

    /// An element that holds such text.
    pub(crate) fn rich_leaf(&mut self, name: &'static str, attrs: Attrs<'_>, text: &str) {
        self.begin(name, attrs);
        self.rich(text);
        self.end();
    }

    /// An element that holds text only.
    pub(crate) fn leaf(&mut self, name: &'static str, attrs: Attrs<'_>, text: &str) {
        self.begin(name, attrs);
        self.text(text);
        self.end();
    }

    /// An element, and what `inner` writes in it.
    pub(crate) fn within(
        &mut self,
        name: &'static str,
        attrs: Attrs<'_>,
        inner: impl FnOnce(&mut Self),
    ) {
        self.begin(name, attrs);
        inner(self);
        self.end();
    }

    /// A part that is scrolled sideways where it is wider than the screen, by keys too; `label` names it for who hears it.
    pub(crate) fn scrolled(&mut self, label: &str, inner: impl FnOnce(&mut Self)) {
        let attrs = [
            ("class", "scroll"),
            ("role", "region"),
            ("aria-label", label),
            ("tabindex", "0"),
        ];
        self.within("div", &attrs, inner);
    }

    /// An element without an end.
    pub(crate) fn void(&mut self, name: &'static str, attrs: Attrs<'_>) {
        if is_block(name) {
            self.out.push('\n');
        }
        self.start(name, attrs);
    }

    /// Closes whatever is open and gives the text.
    pub(crate) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.out.push('\n');
        self.out
    }

    fn start(&mut self, name: &'static str, attrs: Attrs<'_>) {
        self.out.push('<');
        self.out.push_str(name);
        for (key, value) in attrs {
            self.out.push(' ');
            self.out.push_str(key);
            self.out.push_str("=\"");
            escape(value, &mut self.out);
            self.out.push('"');
        }
        self.out.push('>');
    }
}

/// Elements that begin a line of the file, where white space does not matter.
fn is_block(name: &str) -> bool {
    !matches!(
        name,
        "a" | "b"
            | "code"
            | "em"
            | "span"
            | "strong"
            | "tspan"
            | "text"
            | "title"
            | "abbr"
            | "small"
            | "td"
            | "th"
    )
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_values() {
        let mut html = Html::default();
        html.leaf(
            "td",
            &[("title", "a\"><script>'")],
            "</td><script>alert(1)</script>&\u{1b}",
        );
        assert_eq!(
            html.finish(),
            "<td title=\"a&quot;&gt;&lt;script&gt;&#39;\">&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;\u{fffd}</td>\n"
        );
    }

    #[test]
    fn names_in_backticks_become_code() {
        let mut html = Html::default();
        html.rich("set `a<b` and `c`");
        html.rich(" odd ` one ``");
        assert_eq!(
            html.finish(),
            "set <code>a&lt;b</code> and <code>c</code> odd ` one ``\n"
        );
    }

    #[test]
    fn finish_closes_what_is_open() {
        let mut html = Html::page("t");
        html.begin("main", &[]);
        let text = html.finish();
        assert!(text.ends_with("<main></main></body></html>\n"), "{text}");
        assert!(!text.contains("http://") && !text.contains("https://"));
    }
}
