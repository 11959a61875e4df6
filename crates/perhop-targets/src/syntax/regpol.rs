//! Registry.pol, the registry part of a Group Policy object ([MS-GPREG] 2.2.1).

use thiserror::Error;

/// REG_SZ: UTF-16LE text with a terminating NUL.
pub const REG_SZ: u32 = 1;
/// REG_DWORD: 32 bits, little-endian.
pub const REG_DWORD: u32 = 4;

/// Most bytes of data that a record can hold.
pub const MAX_DATA: usize = 0xffff;

/// One setting: a value of a key, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    key: String,
    value: String,
    kind: u32,
    data: Vec<u8>,
}

/// Why a record cannot be written, or a file not read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RegPolError {
    /// A key or value name with a NUL in it cannot be written.
    #[error("a registry name with a NUL in it cannot be written")]
    NulInName,
    /// More data than a record can hold.
    #[error("{0} bytes of data are more than the 65535 that a record can hold")]
    TooMuchData(usize),
    /// The file does not begin as one.
    #[error("not a Registry.pol file: it does not begin with `PReg` and version 1")]
    Header,
    /// Something else than the format has there.
    #[error("offset {offset}: expected {expected}")]
    Expected {
        /// Byte offset in the file.
        offset: usize,
        /// What the format has there.
        expected: &'static str,
    },
    /// A record says more data than the file has left.
    #[error("offset {offset}: the record says {size} bytes of data, {left} are left")]
    Truncated {
        /// Byte offset of the data.
        offset: usize,
        /// Bytes that the record says.
        size: u32,
        /// Bytes that are left.
        left: usize,
    },
}

impl Record {
    /// A record of any type. `key` is without hive and without leading backslash.
    ///
    /// # Errors
    /// Names with a NUL in them, and more than [`MAX_DATA`] bytes.
    pub fn try_new(
        key: impl Into<String>,
        value: impl Into<String>,
        kind: u32,
        data: Vec<u8>,
    ) -> Result<Self, RegPolError> {
        let (key, value) = (key.into(), value.into());
        if key.contains('\0') || value.contains('\0') {
            return Err(RegPolError::NulInName);
        }
        if data.len() > MAX_DATA {
            return Err(RegPolError::TooMuchData(data.len()));
        }
        Ok(Self {
            key,
            value,
            kind,
            data,
        })
    }

    /// A REG_SZ value.
    ///
    /// # Errors
    /// As [`Record::try_new`].
    pub fn text(
        key: impl Into<String>,
        value: impl Into<String>,
        text: &str,
    ) -> Result<Self, RegPolError> {
        let data = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes);
        Self::try_new(key, value, REG_SZ, data.collect())
    }

    /// The key, without hive.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value's name; `**del.NAME` and its like are instructions.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The registry type.
    #[must_use]
    pub const fn kind(&self) -> u32 {
        self.kind
    }

    /// The data as it stands.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The text of a REG_SZ value without its NUL; `None` for other types and for what is not UTF-16.
    #[must_use]
    pub fn as_text(&self) -> Option<String> {
        if self.kind != REG_SZ || !self.data.len().is_multiple_of(2) {
            return None;
        }
        let units: Vec<u16> = self
            .data
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        let text = String::from_utf16(units.strip_suffix(&[0]).unwrap_or(&units)).ok()?;
        Some(text)
    }
}

/// The file that holds these records, in this order.
#[must_use]
pub fn write(records: &[Record]) -> Vec<u8> {
    let mut out = b"PReg\x01\0\0\0".to_vec();
    for record in records {
        put(&mut out, "[");
        put(&mut out, &record.key);
        put(&mut out, "\0;");
        put(&mut out, &record.value);
        put(&mut out, "\0;");
        out.extend_from_slice(&record.kind.to_le_bytes());
        put(&mut out, ";");
        let size = u32::try_from(record.data.len()).expect("no more than MAX_DATA");
        out.extend_from_slice(&size.to_le_bytes());
        put(&mut out, ";");
        out.extend_from_slice(&record.data);
        put(&mut out, "]");
    }
    out
}

/// The records of a file. Data is taken by its size, never by looking for a delimiter.
///
/// # Errors
/// The first place where the bytes are not the format.
pub fn read(bytes: &[u8]) -> Result<Vec<Record>, RegPolError> {
    match read_lossy(bytes) {
        (records, None) => Ok(records.into_iter().map(|(_, record)| record).collect()),
        (_, Some(error)) => Err(error),
    }
}

/// The records up to the first damage, each with its byte offset, and the damage.
#[must_use]
pub fn read_lossy(bytes: &[u8]) -> (Vec<(usize, Record)>, Option<RegPolError>) {
    let mut records = Vec::new();
    let Some(rest) = bytes.strip_prefix(b"PReg\x01\0\0\0") else {
        return (records, Some(RegPolError::Header));
    };
    let mut cursor = Cursor {
        rest,
        total: bytes.len(),
    };
    while !cursor.rest.is_empty() {
        let offset = cursor.offset();
        match cursor.record() {
            Ok(record) => records.push((offset, record)),
            Err(error) => return (records, Some(error)),
        }
    }
    (records, None)
}

struct Cursor<'a> {
    rest: &'a [u8],
    total: usize,
}

impl Cursor<'_> {
    fn record(&mut self) -> Result<Record, RegPolError> {
        self.unit('[', "`[`")?;
        let key = self.name("a key in UTF-16, ended by a NUL")?;
        self.unit(';', "`;` after the key")?;
        let value = self.name("a value name in UTF-16, ended by a NUL")?;
        self.unit(';', "`;` after the value name")?;
        let kind = self.number("a type of four bytes")?;
        self.unit(';', "`;` after the type")?;
        let size = self.number("a size of four bytes")?;
        self.unit(';', "`;` after the size")?;
        let data = self.data(size)?;
        self.unit(']', "`]` after the data")?;
        Ok(Record {
            key,
            value,
            kind,
            data,
        })
    }

    fn offset(&self) -> usize {
        self.total - self.rest.len()
    }

    fn fail<T>(&self, expected: &'static str) -> Result<T, RegPolError> {
        Err(RegPolError::Expected {
            offset: self.offset(),
            expected,
        })
    }

    fn unit(&mut self, wanted: char, expected: &'static str) -> Result<(), RegPolError> {
        match self.rest {
            [low, 0, rest @ ..] if char::from(*low) == wanted => {
                self.rest = rest;
                Ok(())
            }
            _ => self.fail(expected),
        }
    }

    fn name(&mut self, expected: &'static str) -> Result<String, RegPolError> {
        let Some(length) = self.rest.chunks_exact(2).position(|pair| pair == [0, 0]) else {
            return self.fail(expected);
        };
        let units: Vec<u16> = self.rest[..length * 2]
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        let Ok(name) = String::from_utf16(&units) else {
            return self.fail(expected);
        };
        self.rest = &self.rest[length * 2 + 2..];
        Ok(name)
    }

    fn number(&mut self, expected: &'static str) -> Result<u32, RegPolError> {
        let Some((bytes, rest)) = self.rest.split_first_chunk::<4>() else {
            return self.fail(expected);
        };
        self.rest = rest;
        Ok(u32::from_le_bytes(*bytes))
    }

    fn data(&mut self, size: u32) -> Result<Vec<u8>, RegPolError> {
        let split = usize::try_from(size)
            .ok()
            .and_then(|size| self.rest.split_at_checked(size));
        let Some((data, rest)) = split else {
            return Err(RegPolError::Truncated {
                offset: self.offset(),
                size,
                left: self.rest.len(),
            });
        };
        if data.len() > MAX_DATA {
            return Err(RegPolError::TooMuchData(data.len()));
        }
        self.rest = rest;
        Ok(data.to_vec())
    }
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    use super::*;

    /// What gpedit writes for one policy, as two public files have it (windows-qos 2.6).
    #[test]
    fn the_bytes_are_those_of_the_group_policy_editor() {
        for (throttle, size, digest) in [
            (
                "2048",
                1682,
                "f9b07b50e6245f9cc33622d38b3d43351bb522e780e686fc9d34f2a9ea17c7d9",
            ),
            (
                "92160",
                1684,
                "5b1347dec5f82c1d365e511a7e09340b06f8d1a8e7f5f25b244704af1be22f2c",
            ),
        ] {
            let records: Vec<Record> = [
                ("Version", "1.0"),
                ("Application Name", "*"),
                ("Protocol", "TCP"),
                ("Local Port", "*"),
                ("Local IP", "10.9.54.111"),
                ("Local IP Prefix Length", "32"),
                ("Remote Port", "*"),
                ("Remote IP", "10.9.54.110"),
                ("Remote IP Prefix Length", "32"),
                ("DSCP Value", "0"),
                ("Throttle Rate", throttle),
            ]
            .iter()
            .map(|(value, text)| {
                Record::text(
                    r"Software\Policies\Microsoft\Windows\QoS\TestQoS",
                    *value,
                    text,
                )
                .unwrap()
            })
            .collect();
            let bytes = write(&records);
            assert_eq!(bytes.len(), size);
            let hex: String = Sha256::digest(&bytes)
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect();
            assert_eq!(hex, digest);
            assert_eq!(read(&bytes).unwrap(), records);
        }
    }

    #[test]
    fn an_error_has_its_offset() {
        let bytes = write(&[Record::text("k", "v", "x").unwrap()]);
        assert_eq!(read(b"PReg\x02\0\0\0"), Err(RegPolError::Header));
        assert_eq!(read(&bytes[..8]).unwrap(), []);
        let cut = read(&bytes[..bytes.len() - 2]);
        assert!(
            matches!(cut, Err(RegPolError::Expected { offset: 38, .. })),
            "{cut:?}"
        );
        let mut long = bytes.clone();
        long[28..32].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(
            read(&long),
            Err(RegPolError::Truncated {
                offset: 34,
                size: u32::MAX,
                left: 6
            })
        );
        assert_eq!(Record::text("a\0", "v", ""), Err(RegPolError::NulInName));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            rows in proptest::collection::vec(
                ("[^\0]{0,20}", "[^\0]{0,20}", any::<u32>(), proptest::collection::vec(any::<u8>(), 0..40)),
                0..6,
            )
        ) {
            let records: Vec<Record> = rows
                .into_iter()
                .map(|(key, value, kind, data)| Record::try_new(key, value, kind, data).unwrap())
                .collect();
            prop_assert_eq!(read(&write(&records)).unwrap(), records);
        }

        #[test]
        fn text_reads_back(text in "\\PC{0,30}") {
            let record = Record::text("k", "v", &text).unwrap();
            prop_assert_eq!(record.as_text().unwrap(), text);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = read(&bytes);
            let mut framed = b"PReg\x01\0\0\0[\0k\0\0\0;\0v\0\0\0;\0".to_vec();
            framed.extend(bytes);
            let _ = read(&framed);
        }
    }
}
