//! The two ways out: data to stdout, everything else to stderr; colour only where it is wanted, never as the only sign.

use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;

use crate::failure::{Failure, cause};

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal that can, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Bold, for headings and what matters.
pub(crate) const BOLD: Style = Style::new().bold();
/// For what went well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// For what is wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// For what is doubtful.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// For what matters less.
pub(crate) const DIM: Style = Style::new().dimmed();
/// For remedies.
pub(crate) const HELP: Style = AnsiColor::Cyan.on_default().bold();

/// A text in a style; the streams of [`Ui`] take the style out again where it is not wanted.
pub(crate) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Where a command prints.
#[derive(Debug)]
pub(crate) struct Ui {
    out_color: ColorChoice,
    err_color: ColorChoice,
    width: Option<usize>,
    err_is_terminal: bool,
}

impl Ui {
    /// Looks at the two streams and the environment once.
    pub(crate) fn new(when: When) -> Self {
        let asked = match when {
            When::Auto => None,
            When::Always => Some(ColorChoice::Always),
            When::Never => Some(ColorChoice::Never),
        };
        Self {
            out_color: asked.unwrap_or_else(|| AutoStream::choice(&io::stdout())),
            err_color: asked.unwrap_or_else(|| AutoStream::choice(&io::stderr())),
            width: width(),
            err_is_terminal: io::stderr().is_terminal(),
        }
    }

    /// Columns of the terminal behind stdout; `None` when it is a file or a pipe.
    pub(crate) const fn width(&self) -> Option<usize> {
        self.width
    }

    /// Whether somebody watches stderr.
    pub(crate) const fn is_watched(&self) -> bool {
        self.err_is_terminal
    }

    /// Prints text for people, styles and all, to stdout.
    ///
    /// # Errors
    /// A stdout that fails, other than by a reader that has gone.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        self.print_from(|out| out.write_all(text.as_bytes()))
    }

    /// The same for text that is made while it is printed.
    ///
    /// # Errors
    /// As for [`Ui::print`].
    pub(crate) fn print_from(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let mut out = io::BufWriter::new(AutoStream::new(io::stdout(), self.out_color));
        settle(write(&mut out).and_then(|()| out.flush()))
    }

    /// Writes data to stdout as it is, through a buffer.
    ///
    /// # Errors
    /// A stdout that fails, other than by a reader that has gone.
    pub(crate) fn data(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        settle(write(&mut out).and_then(|()| out.flush()))
    }

    /// Prints text for people to stderr; a stderr that fails is not worth a word.
    pub(crate) fn tell(&self, text: &str) {
        let mut err = AutoStream::new(io::stderr(), self.err_color);
        let _ = err.write_all(text.as_bytes());
        let _ = err.flush();
    }

    /// Prints a warning line to stderr.
    pub(crate) fn warn(&self, text: &str) {
        self.tell(&format!("{}: {text}\n", paint(WARN, "warning")));
    }

    /// Prints a failure to stderr.
    pub(crate) fn fail(&self, failure: &Failure) {
        if failure.message.is_some() {
            self.tell(&format!("{}: {failure}", paint(BAD, "error")));
        }
    }
}

/// A reader that has gone (`perhop … | head`) is no error: it has what it wanted.
fn settle(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::failed(format!(
            "cannot write to stdout: {}",
            cause(&error)
        ))),
        _ => Ok(()),
    }
}

/// `COLUMNS` when it is set, else what the terminal behind stdout says.
fn width() -> Option<usize> {
    std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok())
        .or_else(|| {
            terminal_size::terminal_size_of(io::stdout())
                .map(|(terminal_size::Width(columns), _)| usize::from(columns))
        })
        .map(|columns: usize| columns.clamp(40, 1000))
}
