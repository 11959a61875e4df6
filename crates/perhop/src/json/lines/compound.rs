//! Objects and lists.

use serde::ser::{self, Serialize};

use super::{Error, Lines, Next};

/// An object or a list that is being written.
pub(super) struct Compound<'a, 'o> {
    pub(super) lines: &'a mut Lines<'o>,
    pub(super) is_first: bool,
    pub(super) has_lines: bool,
    /// `None` where what is around closes.
    pub(super) closing: Option<u8>,
}

/// Appends a name that needs no escapes, and what is around it. It is known when this is compiled, so a block of fixed
/// length is made then and copied in a few instructions.
#[inline(always)]
fn push_name(text: &mut Vec<u8>, name: &'static str) {
    let length = name.len() + 3;
    if length > BLOCK {
        text.push(b'"');
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(b"\":");
        return;
    }
    let mut block = [0; BLOCK];
    block[0] = b'"';
    block[1..=name.len()].copy_from_slice(name.as_bytes());
    block[length - 2] = b'"';
    block[length - 1] = b':';
    text.extend_from_slice(&block);
    text.truncate(text.len() - BLOCK + length);
}

/// Bytes of a name, with quotes and colon, as it is usually at most.
const BLOCK: usize = 32;

impl Compound<'_, '_> {
    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.lines.begin(&mut self.is_first, self.has_lines);
        if self.lines.text.len() > self.lines.full {
            self.lines.flush().map_err(Error)?;
        }
        value.serialize(&mut *self.lines)
    }

    /// A member; its name needs no escapes.
    #[inline(always)]
    pub(super) fn member<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.lines.begin(&mut self.is_first, self.has_lines);
        push_name(&mut self.lines.text, name);
        value.serialize(&mut *self.lines)
    }

    pub(super) fn finish(self) {
        if let Some(closing) = self.closing {
            self.lines.close(closing, self.is_first, self.has_lines);
        }
    }
}

macro_rules! elements {
    ($($kind:ident: $method:ident),*) => {
        $(
            impl ser::$kind for Compound<'_, '_> {
                type Ok = ();
                type Error = Error;

                #[inline]
                fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                    self.element(value)
                }

                fn end(self) -> Result<(), Error> {
                    self.finish();
                    Ok(())
                }
            }
        )*
    };
}

elements!(
    SerializeSeq: serialize_element,
    SerializeTupleStruct: serialize_field
);

impl ser::SerializeTuple for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        if self.closing == Some(b'}') {
            let is_first = std::mem::take(&mut self.is_first);
            self.lines.next = Next::Part { is_first };
            return value.serialize(&mut *self.lines);
        }
        self.element(value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}

impl ser::SerializeMap for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.lines.begin(&mut self.is_first, self.has_lines);
        let at = self.lines.text.len();
        self.lines.next = Next::Name;
        key.serialize(&mut *self.lines)?;
        self.lines.next = Next::Plain;
        if self.lines.text.get(at) != Some(&b'"') {
            // A number as a name.
            self.lines.text.insert(at, b'"');
            self.lines.text.push(b'"');
        }
        Ok(())
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.lines.text.push(b':');
        value.serialize(&mut *self.lines)
    }

    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}

impl ser::SerializeStruct for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    #[inline(always)]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.member(name, value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}
