//! The statements of Junos: `set` commands, and blocks with braces.

/// Words of statements, in all.
const MOST: usize = 1 << 21;
/// Blocks in each other.
const DEEPEST: usize = 32;

/// A statement with all words above it.
pub(super) struct Statement<'a> {
    pub(super) line: usize,
    pub(super) words: Vec<&'a str>,
}

/// Every statement of either form.
pub(super) fn statements(text: &str) -> Vec<Statement<'_>> {
    let mut reader = Reader::default();
    for (line, own) in (1..).zip(text.lines()) {
        let own = own.trim();
        let outside = reader.blocks.is_empty() && reader.words.is_empty() && !reader.in_comment;
        let set = own.strip_prefix("set ").filter(|_| outside);
        let go_on = if let Some(set) = set {
            let words = set.split_ascii_whitespace();
            let words = words.filter(|word| !matches!(*word, "[" | "]")).collect();
            reader.push(line, words)
        } else if outside && (own.starts_with("delete ") || own.starts_with("deactivate ")) {
            true
        } else {
            Tokens(own)
                .take_while(|token| *token != "#")
                .all(|token| reader.token(line, token))
        };
        if !go_on {
            break;
        }
    }
    reader.out
}

#[derive(Default)]
struct Reader<'a> {
    out: Vec<Statement<'a>>,
    /// Words of the blocks that are open, and how many each has.
    above: Vec<&'a str>,
    blocks: Vec<usize>,
    /// Words of the statement that is being read, and its line.
    words: Vec<&'a str>,
    begins: usize,
    in_comment: bool,
    /// Words of statements so far.
    total: usize,
}

impl<'a> Reader<'a> {
    /// Adds a statement; false when there are too many.
    fn push(&mut self, line: usize, words: Vec<&'a str>) -> bool {
        self.total += words.len();
        // What is switched off is as if it were not there.
        if !words.contains(&"inactive:") {
            self.out.push(Statement { line, words });
        }
        self.total <= MOST
    }

    /// Takes a token; false when there is too much.
    fn token(&mut self, line: usize, token: &'a str) -> bool {
        match token {
            "/*" => self.in_comment = true,
            "*/" => self.in_comment = false,
            _ if self.in_comment => {}
            "[" | "]" => {}
            "{" => {
                if self.blocks.len() >= DEEPEST {
                    return false;
                }
                self.blocks.push(self.words.len());
                self.above.append(&mut self.words);
            }
            "}" => {
                self.words.clear();
                let count = self.blocks.pop().unwrap_or_default();
                self.above.truncate(self.above.len() - count);
            }
            ";" => {
                let mut words = self.above.clone();
                words.append(&mut self.words);
                return self.push(self.begins, words);
            }
            word => {
                if self.words.is_empty() {
                    self.begins = line;
                }
                self.words.push(word);
            }
        }
        true
    }
}

/// Words, and the signs between them, of a line.
struct Tokens<'a>(&'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.0 = self.0.trim_start();
        let first = self.0.chars().next()?;
        let length = if self.0.starts_with("/*") || self.0.starts_with("*/") {
            2
        } else if "{}[];#".contains(first) {
            1
        } else if first == '"' {
            self.0[1..].find('"').map_or(self.0.len(), |end| end + 2)
        } else {
            self.0
                .find(|c: char| c.is_whitespace() || "{}[];".contains(c))
                .unwrap_or(self.0.len())
        };
        let (token, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(token)
    }
}
