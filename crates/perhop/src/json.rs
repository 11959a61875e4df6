//! JSON that leaves the process; `docs/JSON.md` and `docs/schema/` say what is in it.

pub(crate) mod call;
pub(crate) mod capture;
pub(crate) mod flow;
pub(crate) mod lines;
mod numbers;
pub(crate) mod points;
pub(crate) mod read;
pub(crate) mod stream;
pub(crate) mod verify;

use std::io::{self, Write};
use std::net::IpAddr;

use perhop_verify::flow::DscpCounts;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// Writes a value, indented, with a line feed at the end.
///
/// # Errors
/// The writer's.
pub(crate) fn write(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

/// Seconds since 1970 as a JSON number with all nine decimals: more digits than a double holds, so readers that care
/// take the text. Only [`lines::write`] writes them so.
#[derive(Debug)]
pub(crate) struct Seconds(pub(crate) i64);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(lines::TIME, &self.0)
    }
}

/// An address. Only [`lines::write`] writes it so.
#[derive(Debug)]
pub(crate) struct Address(pub(crate) IpAddr);

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let IpAddr::V4(address) = self.0 else {
            return self.0.serialize(serializer);
        };
        serializer.serialize_newtype_struct(lines::ADDRESS, &address.to_bits())
    }
}

/// A synchronisation source, eight hexadecimal digits after `0x`. Only [`lines::write`] writes it so.
#[derive(Debug)]
pub(crate) struct Source(pub(crate) u32);

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(lines::HEXADECIMAL, &self.0)
    }
}

/// An object from DSCP value to packets, by value.
#[derive(Debug)]
pub(crate) struct Histogram<'a>(pub(crate) &'a DscpCounts);

impl Serialize for Histogram<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (dscp, packets) in self.0.iter() {
            map.serialize_entry(&dscp.value(), &packets)?;
        }
        map.end()
    }
}

/// A list made while it is written.
pub(crate) struct Each<I>(pub(crate) I);

impl<I> Serialize for Each<I>
where
    I: Iterator + Clone,
    I::Item: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}

/// A number with at most six decimals.
pub(crate) fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}
