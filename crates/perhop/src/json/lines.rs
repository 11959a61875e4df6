//! JSON with a line for each member of the outermost object and each element of its lists: to be read by programs, cut by
//! line tools, and written fast, since a large capture has some hundred thousand flows.

mod compound;

use std::fmt;
use std::io::{self, Write};

use serde::ser::{self, Serialize, Serializer};

use compound::Compound;

use super::numbers::{
    push_address, push_decimal, push_float, push_hexadecimal, push_signed, push_unsigned,
};

/// Writes a value with a line feed at the end.
///
/// # Errors
/// The writer's.
pub(crate) fn write(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    let mut lines = Lines {
        out,
        text: Vec::with_capacity(2 * FULL),
        full: FULL,
        depth: 0,
        next: Next::Plain,
    };
    value.serialize(&mut lines).map_err(|error| error.0)?;
    lines.text.push(b'\n');
    lines.flush()
}

/// The elements of a list as [`write`] would write them, to be put in with [`Raw`].
///
/// # Errors
/// A value that is none of JSON's.
pub(crate) fn elements<T: Serialize>(values: impl Iterator<Item = T>) -> Result<Vec<u8>, Error> {
    let mut lines = Lines {
        out: &mut io::sink(),
        text: Vec::with_capacity(values.size_hint().0 * USUAL),
        full: usize::MAX,
        depth: 2,
        next: Next::Plain,
    };
    for value in values {
        if !lines.text.is_empty() {
            lines.text.extend_from_slice(b",\n");
        }
        value.serialize(&mut lines)?;
    }
    Ok(lines.text)
}

/// Elements of a list, written already; at least one.
pub(crate) struct Raw<'a>(pub(crate) &'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(RAW, &Bytes(self.0))
    }
}

struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// A tuple of objects whose members are written as those of one object. None of them is empty.
pub(crate) struct Joined<T>(pub(crate) T);

impl<T: Serialize> Serialize for Joined<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(JOINED, &self.0)
    }
}

/// Text that needs no escapes.
pub(crate) struct Plain<'a>(pub(crate) &'a str);

impl Serialize for Plain<'_> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(PLAIN, self.0)
    }
}

const PLAIN: &str = "perhop::Plain";

const RAW: &str = "perhop::Raw";

const JOINED: &str = "perhop::Joined";

/// What the next value is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Plain,
    /// Nanoseconds.
    Time,
    /// Text that is JSON.
    Raw,
    /// Text without what needs escapes.
    Unescaped,
    /// An IPv4 address as a number.
    Address,
    /// A number to be written as eight hexadecimal digits.
    Hexadecimal,
    /// The name of a member.
    Name,
    /// Objects to be joined.
    Joined,
    /// One of them.
    Part { is_first: bool },
}

/// The name of a newtype whose content is nanoseconds, written as seconds.
pub(crate) const TIME: &str = "perhop::Seconds";

/// The name of a newtype whose content is an IPv4 address as a `u32`.
pub(crate) const ADDRESS: &str = "perhop::Address";

/// The name of a newtype whose content is a `u32`, written as text of eight hexadecimal digits.
pub(crate) const HEXADECIMAL: &str = "perhop::Source";

/// Why writing failed.
#[derive(Debug)]
pub(crate) struct Error(io::Error);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {}

impl ser::Error for Error {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self(io::Error::other(text.to_string()))
    }
}

struct Lines<'o> {
    out: &'o mut dyn Write,
    text: Vec<u8>,
    /// Text is passed on when there is more.
    full: usize,
    /// Objects and lists around the next value.
    depth: u32,
    next: Next,
}

impl Lines<'_> {
    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.text)?;
        self.text.clear();
        Ok(())
    }

    fn open(&mut self, bracket: u8) {
        self.depth += 1;
        self.text.push(bracket);
    }

    /// Before a member or an element.
    #[inline(always)]
    fn begin(&mut self, is_first: &mut bool, has_lines: bool) {
        if !std::mem::take(is_first) {
            self.text.push(b',');
        }
        if has_lines {
            self.text.push(b'\n');
        }
    }

    fn close(&mut self, bracket: u8, is_empty: bool, has_lines: bool) {
        self.depth -= 1;
        if has_lines && !is_empty {
            self.text.push(b'\n');
        }
        self.text.push(bracket);
    }

    #[inline]
    fn string(&mut self, text: &str) {
        // All bytes are looked at, several at a time.
        let odd = |odd, byte: &u8| odd | needs_escape(*byte);
        if text.as_bytes().iter().fold(false, odd) {
            return self.odd_string(text);
        }
        self.text.push(b'"');
        self.text.extend_from_slice(text.as_bytes());
        self.text.push(b'"');
    }

    #[cold]
    fn odd_string(&mut self, text: &str) {
        self.text.push(b'"');
        let mut rest = text.as_bytes();
        while let Some(at) = rest.iter().position(|byte| needs_escape(*byte)) {
            self.text.extend_from_slice(&rest[..at]);
            self.escape(rest[at]);
            rest = &rest[at + 1..];
        }
        self.text.extend_from_slice(rest);
        self.text.push(b'"');
    }

    fn escape(&mut self, byte: u8) {
        match byte {
            b'"' | b'\\' => self.text.extend([b'\\', byte]),
            b'\n' => self.text.extend(b"\\n"),
            b'\r' => self.text.extend(b"\\r"),
            b'\t' => self.text.extend(b"\\t"),
            _ => {
                let hex = |digit: u8| b"0123456789abcdef"[usize::from(digit)];
                self.text.extend(b"\\u00");
                self.text.extend([hex(byte >> 4), hex(byte & 15)]);
            }
        }
    }
}

const fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

macro_rules! whole_numbers {
    ($($name:ident: $kind:ty => $push:ident),*) => {
        $(
            #[inline]
            fn $name(self, value: $kind) -> Result<(), Error> {
                $push(&mut self.text, value.into());
                Ok(())
            }
        )*
    };
}

impl<'a, 'o> Serializer for &'a mut Lines<'o> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Compound<'a, 'o>;
    type SerializeTuple = Compound<'a, 'o>;
    type SerializeTupleStruct = Compound<'a, 'o>;
    type SerializeTupleVariant = ser::Impossible<(), Error>;
    type SerializeMap = Compound<'a, 'o>;
    type SerializeStruct = Compound<'a, 'o>;
    type SerializeStructVariant = ser::Impossible<(), Error>;

    whole_numbers! {
        serialize_u16: u16 => push_unsigned,
        serialize_u64: u64 => push_unsigned,
        serialize_i8: i8 => push_signed,
        serialize_i16: i16 => push_signed,
        serialize_i32: i32 => push_signed
    }

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<(), Error> {
        if std::mem::take(&mut self.next) != Next::Name {
            push_unsigned(&mut self.text, value.into());
            return Ok(());
        }
        self.text.push(b'"');
        push_unsigned(&mut self.text, value.into());
        self.text.push(b'"');
        Ok(())
    }

    #[inline]
    fn serialize_u32(self, value: u32) -> Result<(), Error> {
        match std::mem::take(&mut self.next) {
            Next::Address => push_address(&mut self.text, value),
            Next::Hexadecimal => push_hexadecimal(&mut self.text, value),
            _ => push_unsigned(&mut self.text, value.into()),
        }
        Ok(())
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<(), Error> {
        if std::mem::take(&mut self.next) == Next::Time {
            push_decimal(&mut self.text, value);
        } else {
            push_signed(&mut self.text, value);
        }
        Ok(())
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        let text: &[u8] = if value { b"true" } else { b"false" };
        self.text.extend_from_slice(text);
        Ok(())
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.serialize_f64(value.into())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        push_float(&mut self.text, value);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.string(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Error> {
        if std::mem::take(&mut self.next) == Next::Unescaped {
            self.text.push(b'"');
            self.text.extend_from_slice(value.as_bytes());
            self.text.push(b'"');
        } else {
            self.string(value);
        }
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        if std::mem::take(&mut self.next) != Next::Raw {
            return self.collect_seq(value);
        }
        if value.len() < FULL {
            self.text.extend_from_slice(value);
            return Ok(());
        }
        self.flush()
            .and_then(|()| self.out.write_all(value))
            .map_err(Error)
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Error> {
        self.text.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    #[inline(always)]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.next = match name {
            TIME => Next::Time,
            RAW => Next::Raw,
            PLAIN => Next::Unescaped,
            ADDRESS => Next::Address,
            HEXADECIMAL => Next::Hexadecimal,
            JOINED => Next::Joined,
            _ => Next::Plain,
        };
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut map = self.serialize_map(Some(1))?;
        map.member(variant, value)?;
        map.finish();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'a, 'o>, Error> {
        let has_lines = self.depth == 1;
        self.open(b'[');
        Ok(Compound {
            lines: self,
            is_first: true,
            has_lines,
            closing: Some(b']'),
        })
    }

    fn serialize_tuple(self, length: usize) -> Result<Compound<'a, 'o>, Error> {
        if std::mem::take(&mut self.next) == Next::Joined {
            return self.serialize_map(None);
        }
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        length: usize,
    ) -> Result<Compound<'a, 'o>, Error> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        Err(ser::Error::custom(
            "variants with several fields are not written",
        ))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'a, 'o>, Error> {
        if let Next::Part { is_first } = std::mem::take(&mut self.next) {
            let has_lines = self.depth == 1;
            return Ok(Compound {
                lines: self,
                is_first,
                has_lines,
                closing: None,
            });
        }
        let has_lines = self.depth == 0;
        self.open(b'{');
        Ok(Compound {
            lines: self,
            is_first: true,
            has_lines,
            closing: Some(b'}'),
        })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Compound<'a, 'o>, Error> {
        self.serialize_map(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        Err(ser::Error::custom(
            "variants with several fields are not written",
        ))
    }
}

/// Text is passed on when there is so much.
const FULL: usize = 1 << 16;
/// Bytes of an element, as they usually are at most.
const USUAL: usize = 1 << 10;

#[cfg(test)]
mod tests;
