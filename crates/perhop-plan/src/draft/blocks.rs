//! TOML in blocks, of which lines can be taken out again.

/// A text as TOML has it.
pub(super) fn text(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

/// The document.
#[derive(Debug, Clone, Default)]
pub(super) struct Blocks(Vec<Block>);

/// A table with what stands above and in it.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// Empty for the root; beginning with `#` for comments alone.
    header: String,
    lines: Vec<String>,
}

impl Blocks {
    /// The block of a table, made at the end when it is not there.
    pub(super) fn add(&mut self, header: &str) -> &mut Block {
        let at = self.0.iter().position(|block| block.header == header);
        let at = at.unwrap_or_else(|| {
            self.0.push(Block {
                header: header.to_owned(),
                lines: Vec::new(),
            });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    /// The whole text.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        for block in &self.0 {
            if !out.is_empty() {
                out.push('\n');
            }
            if !block.header.is_empty() && !block.header.starts_with('#') {
                out.push_str(&format!("[{}]\n", block.header));
            }
            for line in &block.lines {
                out.push_str(line);
                out.push('\n');
            }
        }
        out
    }

    /// Makes a comment of what stands at an offset of the written text: a key's line, or the whole table when it is the
    /// table's header. Whether there was something.
    pub(super) fn take_out(&mut self, written: &str, offset: usize, why: &str) -> bool {
        let wanted = written[..offset.min(written.len())].matches('\n').count();
        let mut line = 0;
        for (index, block) in self.0.iter_mut().enumerate() {
            if index > 0 {
                line += 1;
            }
            let has_header = !block.header.is_empty() && !block.header.starts_with('#');
            if has_header {
                if line == wanted {
                    block.comment_out(why);
                    return true;
                }
                line += 1;
            }
            let within = wanted
                .checked_sub(line)
                .filter(|at| *at < block.lines.len());
            if let Some(at) = within {
                let taken = block.lines[at].clone();
                // The plan's name has to be there.
                if taken.starts_with('#') || taken.is_empty() || taken.starts_with("plan = ") {
                    return false;
                }
                block.lines[at] = format!("# {taken}");
                block
                    .lines
                    .insert(at, format!("# Left out: {}", plain(why)));
                return true;
            }
            line += block.lines.len();
        }
        false
    }
}

impl Block {
    /// A comment of its own.
    pub(super) fn comment(&mut self, text: &str) {
        self.lines.push(format!("# {}", plain(text)));
    }

    /// A key with its value as TOML has it.
    pub(super) fn key(&mut self, key: &str, value: &str) {
        self.lines.push(format!("{key} = {value}"));
    }

    /// The same with where it comes from.
    pub(super) fn key_from(&mut self, key: &str, value: &str, place: &str) {
        self.lines
            .push(format!("{key} = {value}  # {}", plain(place)));
    }

    fn comment_out(&mut self, why: &str) {
        let mut lines = vec![
            format!("# Left out: {}", plain(why)),
            format!("# [{}]", self.header),
        ];
        for line in &self.lines {
            lines.push(if line.starts_with('#') {
                line.clone()
            } else {
                format!("# {line}")
            });
        }
        self.lines = lines;
        self.header = format!("#{}", self.header);
    }
}

/// A text that cannot end a comment.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
