//! The kernel's description of its own types (BTF, the kernel's `Documentation/bpf/btf.rst`): where a member lies.

use std::fmt;

const MAGIC: u16 = 0xeb9f;
const HEADER: usize = 24;
/// Nested unnamed structures and chains of qualifiers that are followed.
const DEPTH: usize = 16;

/// Parsed type information, borrowing the bytes of `/sys/kernel/btf/vmlinux`.
#[derive(Debug)]
pub struct Btf<'a> {
    data: &'a [u8],
    strings: &'a [u8],
    /// Where each type begins; type 0 is void.
    types: Vec<usize>,
}

/// What is wrong with type information, or not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BtfError {
    /// Not BTF of this machine's byte order, or cut.
    Damaged,
    /// No structure of that name, or no such member in it.
    Missing(String),
}

impl fmt::Display for BtfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged => f.write_str("the kernel's type information is damaged"),
            Self::Missing(what) => {
                write!(f, "the kernel's type information does not have `{what}`")
            }
        }
    }
}

impl std::error::Error for BtfError {}

impl<'a> Btf<'a> {
    /// Finds where the types are.
    ///
    /// # Errors
    /// [`BtfError::Damaged`]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BtfError> {
        let magic = bytes.get(..2).ok_or(BtfError::Damaged)?;
        if magic != MAGIC.to_ne_bytes() {
            return Err(BtfError::Damaged);
        }
        let header = word(bytes, 4)?;
        let part = |offset: usize, length: usize| -> Result<&'a [u8], BtfError> {
            let first = header.checked_add(word(bytes, offset)?);
            let first = first.ok_or(BtfError::Damaged)?;
            let last = first.checked_add(word(bytes, length)?);
            let last = last.ok_or(BtfError::Damaged)?;
            bytes.get(first..last).ok_or(BtfError::Damaged)
        };
        let data = part(8, 12)?;
        let strings = part(16, 20)?;
        let mut types = vec![0];
        let mut at = 0;
        while at < data.len() {
            types.push(at);
            at += 12 + trailing(word(data, at + 4)?);
        }
        Ok(Self {
            data,
            strings,
            types,
        })
    }

    /// Byte offset of a member in a structure; `path` goes through members that are structures, such as
    /// `f_path.dentry`, unnamed ones are looked through.
    ///
    /// # Errors
    /// [`BtfError::Missing`]
    pub fn offset(&self, structure: &str, path: &str) -> Result<i32, BtfError> {
        self.find(structure)
            .and_then(|start| {
                path.split('.')
                    .try_fold((0, start), |(offset, id), name| {
                        let (more, inner) = self.member(id, name, 0)?;
                        Some((offset + more, inner))
                    })
                    .and_then(|(offset, _)| i32::try_from(offset).ok())
            })
            .ok_or_else(|| BtfError::Missing(format!("{structure}.{path}")))
    }

    fn find(&self, name: &str) -> Option<usize> {
        (1..self.types.len()).find(|&id| {
            self.info(id)
                .is_some_and(|(kind, count, _)| kind == STRUCT && count > 0)
                && self.name(self.types[id]) == Some(name.as_bytes())
        })
    }

    /// Kind, number of members, and whether members may be bit fields.
    fn info(&self, id: usize) -> Option<(usize, usize, bool)> {
        let info = word(self.data, self.types.get(id)? + 4).ok()?;
        Some((info >> 24 & 31, info & 0xffff, info >> 31 == 1))
    }

    fn name(&self, at: usize) -> Option<&[u8]> {
        let text = self.strings.get(word(self.data, at).ok()?..)?;
        text.split(|byte| *byte == 0).next()
    }

    fn member(&self, id: usize, name: &str, depth: usize) -> Option<(usize, usize)> {
        let (kind, count, bits) = self.info(id)?;
        if depth > DEPTH || !matches!(kind, STRUCT | UNION) {
            return None;
        }
        (0..count).find_map(|index| {
            let at = self.types[id] + 12 + 12 * index;
            let place = word(self.data, at + 8).ok()?;
            let place = if bits { place & 0xff_ffff } else { place };
            let inner = self.unqualified(word(self.data, at + 4).ok()?)?;
            match self.name(at)? {
                found if found == name.as_bytes() => Some((place / 8, inner)),
                [] => {
                    let (more, inner) = self.member(inner, name, depth + 1)?;
                    Some((place / 8 + more, inner))
                }
                _ => None,
            }
        })
    }

    /// The type below typedefs, `const` and the like.
    fn unqualified(&self, mut id: usize) -> Option<usize> {
        for _ in 0..DEPTH {
            match self.info(id)?.0 {
                8..=11 | 18 => id = word(self.data, self.types[id] + 8).ok()?,
                _ => return Some(id),
            }
        }
        None
    }
}

const STRUCT: usize = 4;
const UNION: usize = 5;

/// Type information of a map from a `u32` to a `u64`, as socket storage asks for it: type 1 is the key, type 2 the value.
#[must_use]
pub fn key_and_value() -> Vec<u8> {
    let mut types = Vec::new();
    for (name, bytes) in [(1u32, 4u32), (5, 8)] {
        for number in [name, 1 << 24, bytes, bytes * 8] {
            types.extend(number.to_ne_bytes());
        }
    }
    let strings = b"\0u32\0u64\0";
    let mut out = MAGIC.to_ne_bytes().to_vec();
    out.extend([1, 0]);
    let (header, length) = (HEADER as u32, types.len() as u32);
    for number in [header, 0, length, length, strings.len() as u32] {
        out.extend(number.to_ne_bytes());
    }
    out.extend(types);
    out.extend(strings);
    out
}

/// Bytes that follow the twelve of a type.
fn trailing(info: usize) -> usize {
    let count = info & 0xffff;
    match info >> 24 & 31 {
        1 | 14 | 17 => 4,
        3 => 12,
        4 | 5 | 15 | 19 => 12 * count,
        6 | 13 => 8 * count,
        _ => 0,
    }
}

fn word(bytes: &[u8], at: usize) -> Result<usize, BtfError> {
    let four = bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .ok_or(BtfError::Damaged)?;
    Ok(u32::from_ne_bytes(*four) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A structure `s` { u32 a; const struct { u64 b; u32 c }; }.
    fn sample() -> Vec<u8> {
        let strings = b"\0u32\0u64\0s\0a\0b\0c\0";
        let numbers: [&[u32]; 5] = [
            &[1, 1 << 24, 4, 32],
            &[5, 1 << 24, 8, 64],
            &[0, 4 << 24 | 2, 16, 13, 2, 0, 15, 1, 64],
            &[0, 10 << 24, 3],
            &[9, 4 << 24 | 2, 24, 11, 1, 0, 0, 4, 64],
        ];
        let types: Vec<u8> = numbers
            .into_iter()
            .flatten()
            .flat_map(|number| number.to_ne_bytes())
            .collect();
        let mut out = MAGIC.to_ne_bytes().to_vec();
        out.extend([1, 0]);
        let length = types.len() as u32;
        for number in [24, 0, length, length, strings.len() as u32] {
            out.extend(number.to_ne_bytes());
        }
        out.extend(types);
        out.extend(strings);
        out
    }

    #[test]
    fn members_are_found_in_unnamed_structures() {
        let bytes = sample();
        let btf = Btf::parse(&bytes).unwrap();
        assert_eq!(btf.offset("s", "a"), Ok(0));
        assert_eq!(btf.offset("s", "b"), Ok(8));
        assert_eq!(btf.offset("s", "c"), Ok(16));
        assert_eq!(
            btf.offset("s", "d").unwrap_err().to_string(),
            "the kernel's type information does not have `s.d`"
        );
        assert!(btf.offset("s", "a.b").is_err() && btf.offset("t", "a").is_err());
    }

    #[test]
    fn the_own_description_is_whole() {
        let bytes = key_and_value();
        assert_eq!(Btf::parse(&bytes).unwrap().types.len(), 3);
    }

    #[test]
    fn the_running_kernel_is_understood() {
        let Ok(bytes) = std::fs::read("/sys/kernel/btf/vmlinux") else {
            println!("skipped: this system has no /sys/kernel/btf/vmlinux");
            return;
        };
        let btf = Btf::parse(&bytes).unwrap();
        assert_eq!(
            btf.offset("list_head", "prev"),
            Ok(size_of::<usize>() as i32)
        );
        assert!(btf.offset("task_struct", "mm").unwrap() > 0);
        assert!(btf.offset("file", "f_path.dentry").is_ok());
        assert!(btf.offset("dentry", "d_name.name").is_ok());
    }

    proptest! {
        #[test]
        fn no_bytes_harm(at in 0usize..160, value in any::<u8>(), cut in 0usize..160) {
            let mut bytes = sample();
            let last = bytes.len() - 1;
            bytes[at.min(last)] = value;
            bytes.truncate(cut.max(1));
            if let Ok(btf) = Btf::parse(&bytes) {
                let _ = btf.offset("s", "c");
                let _ = btf.offset("s", "a.b.c");
            }
        }
    }
}
