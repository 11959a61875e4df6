//! The pcap file format, all its byte orders, resolutions and record headers (draft-ietf-opsawg-pcap).

use crate::capture::search::Probe;
use crate::capture::{CapturedPacket, Damage};
use crate::link::LinkType;
use crate::packet::Direction;

/// Most bytes that a record may have by its own word, whatever the snap length: 1 MiB.
pub const LARGEST_RECORD: u32 = 1 << 20;

/// Bytes that a record may have although the snap length is smaller, as real files have it.
const USUAL_RECORD: u32 = 262_144;

/// A pcap file header, 24 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PcapHeader {
    big_endian: bool,
    /// Nanoseconds in one unit of the sub-second field: 1 or 1000.
    unit: u32,
    /// Record headers have 24 bytes instead of 16.
    modified: bool,
    snaplen: u32,
    link: LinkType,
    fcs_len: u32,
}

/// A record header: what it says, unchecked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordHeader {
    /// Seconds since 1970.
    pub seconds: u32,
    /// Microseconds or nanoseconds; what is more than a second is wrong but happens.
    pub sub_second: u32,
    /// Captured bytes in the record.
    pub captured: u32,
    /// Bytes on the wire.
    pub wire: u32,
}

impl PcapHeader {
    /// Whether the first four bytes of a file are one of pcap's.
    #[must_use]
    pub fn is_magic(magic: [u8; 4]) -> bool {
        Self::by_magic(magic).is_some()
    }

    /// Reads a file header.
    ///
    /// # Errors
    /// [`Damage::NotACapture`] when the magic is not one of pcap's.
    pub fn new_checked(bytes: &[u8; 24]) -> Result<Self, Damage> {
        let magic = [bytes[0], bytes[1], bytes[2], bytes[3]];
        let Some((big_endian, unit, modified)) = Self::by_magic(magic) else {
            return Err(Damage::NotACapture { magic });
        };
        let link = number(big_endian, bytes, 20);
        let fcs_len = if link & FCS_PRESENT != 0 {
            (link >> 28) * 2
        } else {
            0
        };
        Ok(Self {
            big_endian,
            unit,
            modified,
            snaplen: number(big_endian, bytes, 16),
            link: LinkType((link & 0xffff) as u16),
            fcs_len,
        })
    }

    /// The link type of all packets.
    #[must_use]
    pub const fn link(&self) -> LinkType {
        self.link
    }

    /// The snap length in bytes; 0 and values below what records have occur.
    #[must_use]
    pub const fn snaplen(&self) -> u32 {
        self.snaplen
    }

    /// Bytes of frame check sequence at the end of each frame; they are not part of a packet's data.
    #[must_use]
    pub const fn fcs_len(&self) -> u32 {
        self.fcs_len
    }

    /// Most captured bytes that are believed in one record.
    #[must_use]
    pub fn record_limit(&self) -> u32 {
        self.snaplen.clamp(USUAL_RECORD, LARGEST_RECORD)
    }

    /// Bytes of a record header: 16, or 24 in modified files.
    #[inline]
    #[must_use]
    pub const fn record_header_len(&self) -> usize {
        if self.modified { 24 } else { 16 }
    }

    /// Whether numbers in the file have their most significant byte first.
    pub(crate) const fn is_big_endian(&self) -> bool {
        self.big_endian
    }

    /// Whether the file is in little-endian order with usual record headers and no frame check sequences.
    pub(crate) const fn is_usual(&self) -> bool {
        !self.big_endian && !self.modified && self.fcs_len == 0
    }

    /// The first packet of `bytes`, which are of a usual file, if it is whole and within the limit.
    #[inline(always)]
    pub(crate) fn usual_packet<'a>(
        &self,
        limit: u32,
        bytes: &'a [u8],
    ) -> Option<CapturedPacket<'a>> {
        let (header, after) = bytes.split_first_chunk::<16>()?;
        let record = RecordHeader {
            seconds: number(false, header, 0),
            sub_second: number(false, header, 4),
            captured: number(false, header, 8),
            wire: number(false, header, 12),
        };
        let length = record.captured as usize;
        let data = after.get(..length)?;
        if record.captured > limit {
            return None;
        }
        Some(CapturedPacket {
            time_ns: Some(self.time_ns(record)),
            link: self.link,
            data,
            wire_len: record.wire.max(record.captured),
            interface: 0,
            direction: Direction::Unknown,
            consumed: 16 + length,
        })
    }

    /// Reads the part of a record header that all variants share.
    #[inline]
    #[must_use]
    pub fn record(&self, bytes: &[u8; 16]) -> RecordHeader {
        RecordHeader {
            seconds: number(self.big_endian, bytes, 0),
            sub_second: number(self.big_endian, bytes, 4),
            captured: number(self.big_endian, bytes, 8),
            wire: number(self.big_endian, bytes, 12),
        }
    }

    /// The time of a record in nanoseconds since 1970.
    #[inline]
    #[must_use]
    pub fn time_ns(&self, record: RecordHeader) -> i64 {
        i64::from(record.seconds) * 1_000_000_000
            + i64::from(record.sub_second) * i64::from(self.unit)
    }

    /// Whether a record header can be one: time within 30 days of `around` (nanoseconds since 1970), a sub-second part
    /// below one second, lengths within each other and a limit of 262144 bytes.
    #[must_use]
    pub fn is_plausible(&self, record: RecordHeader, around: Option<i64>) -> bool {
        record.sub_second < 1_000_000_000 / self.unit
            && record.captured <= record.wire
            && record.captured <= USUAL_RECORD
            && around.is_none_or(|time| {
                time.saturating_sub(self.time_ns(record)).unsigned_abs() <= THIRTY_DAYS
            })
    }

    /// Reads a whole record within the limit; `None` when the bytes do not suffice or the length is beyond the limit.
    #[inline]
    pub(crate) fn packet<'a>(&self, limit: u32, bytes: &'a [u8]) -> Option<CapturedPacket<'a>> {
        let record = self.record(bytes.first_chunk()?);
        if record.captured > limit {
            return None;
        }
        let start = self.record_header_len();
        let end = start + record.captured as usize;
        let mut data = bytes.get(start..end)?;
        let mut wire_len = record.wire.max(record.captured);
        if self.fcs_len != 0 {
            wire_len = wire_len.saturating_sub(self.fcs_len);
            data = data.get(..wire_len as usize).unwrap_or(data);
        }
        Some(CapturedPacket {
            time_ns: Some(self.time_ns(record)),
            link: self.link,
            data,
            wire_len,
            interface: 0,
            direction: if self.modified {
                direction(bytes)
            } else {
                Direction::Unknown
            },
            consumed: end,
        })
    }

    /// What a place in the file looks like to a search.
    pub(crate) fn probe(&self, bytes: &[u8], around: Option<i64>) -> Probe {
        let size = self.record_header_len();
        match bytes.first_chunk() {
            None => Probe::Needs(size),
            Some(header) => {
                let record = self.record(header);
                let size = size + record.captured as usize;
                if !self.is_plausible(record, around) {
                    Probe::Implausible
                } else if size > bytes.len() {
                    Probe::Needs(size)
                } else {
                    Probe::Record(size)
                }
            }
        }
    }

    /// Byte order, unit of the sub-second field, modified record headers.
    const fn by_magic(magic: [u8; 4]) -> Option<(bool, u32, bool)> {
        Some(match u32::from_be_bytes(magic) {
            0xa1b2_c3d4 => (true, 1000, false),
            0xd4c3_b2a1 => (false, 1000, false),
            0xa1b2_3c4d => (true, 1, false),
            0x4d3c_b2a1 => (false, 1, false),
            0xa1b2_cd34 => (true, 1000, true),
            0x34cd_b2a1 => (false, 1000, true),
            _ => return None,
        })
    }
}

/// The packet type in a modified record header, behind interface index and protocol: 4 is sent, below it received.
fn direction(bytes: &[u8]) -> Direction {
    match bytes.get(22) {
        Some(0..=2) => Direction::In,
        Some(4) => Direction::Out,
        _ => Direction::Unknown,
    }
}

#[inline]
fn number<const N: usize>(big_endian: bool, bytes: &[u8; N], at: usize) -> u32 {
    let number = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    if big_endian {
        u32::from_be_bytes(number)
    } else {
        u32::from_le_bytes(number)
    }
}

/// The bit of the link type word that says a frame check sequence length stands in its top four bits.
const FCS_PRESENT: u32 = 1 << 26;
const THIRTY_DAYS: u64 = 30 * 86_400 * 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn header(magic: [u8; 4], big_endian: bool, snaplen: u32, link: u32) -> [u8; 24] {
        let word = |value: u32| {
            if big_endian {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            }
        };
        let mut bytes = [0; 24];
        bytes[..4].copy_from_slice(&magic);
        bytes[16..20].copy_from_slice(&word(snaplen));
        bytes[20..].copy_from_slice(&word(link));
        bytes
    }

    #[test]
    fn all_six_magics_are_read() {
        let cases = [
            ([0xa1, 0xb2, 0xc3, 0xd4], true, 1000, false),
            ([0xd4, 0xc3, 0xb2, 0xa1], false, 1000, false),
            ([0xa1, 0xb2, 0x3c, 0x4d], true, 1, false),
            ([0x4d, 0x3c, 0xb2, 0xa1], false, 1, false),
            ([0xa1, 0xb2, 0xcd, 0x34], true, 1000, true),
            ([0x34, 0xcd, 0xb2, 0xa1], false, 1000, true),
        ];
        for (magic, big_endian, unit, modified) in cases {
            let header = PcapHeader::new_checked(&header(magic, big_endian, 96, 113)).unwrap();
            assert_eq!((header.snaplen(), header.link()), (96, LinkType(113)));
            assert_eq!((header.unit, header.modified), (unit, modified));
            assert_eq!(header.record_header_len(), if modified { 24 } else { 16 });
        }
        assert!(PcapHeader::new_checked(&[0; 24]).is_err());
    }

    #[test]
    fn the_limit_follows_the_snap_length_within_bounds() {
        let limit = |snaplen| {
            let bytes = header([0xa1, 0xb2, 0xc3, 0xd4], true, snaplen, 1);
            PcapHeader::new_checked(&bytes).unwrap().record_limit()
        };
        assert_eq!(limit(0), 262_144);
        assert_eq!(limit(500_000), 500_000);
        assert_eq!(limit(u32::MAX), 1 << 20);
    }

    #[test]
    fn a_check_sequence_is_no_data() {
        let link = 1 | FCS_PRESENT | 2 << 28;
        let bytes = header([0xa1, 0xb2, 0xc3, 0xd4], true, 0, link);
        let header = PcapHeader::new_checked(&bytes).unwrap();
        assert_eq!((header.link(), header.fcs_len()), (LinkType::ETHERNET, 4));
        let mut record = vec![0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 6, 0, 0, 0, 6];
        record.extend([1, 2, 3, 4, 5, 6]);
        let packet = header.packet(100, &record).unwrap();
        assert_eq!((packet.data, packet.wire_len), (&[1, 2][..], 2));
        assert_eq!(packet.time_ns, Some(1_000_002_000));
        // Cut by the snap length: the check sequence was not captured.
        record[15] = 60;
        let packet = header.packet(100, &record).unwrap();
        assert_eq!((packet.data.len(), packet.wire_len), (6, 56));
    }

    #[test]
    fn a_modified_record_says_who_sent_it() {
        let bytes = header([0x34, 0xcd, 0xb2, 0xa1], false, 0, 1);
        let header = PcapHeader::new_checked(&bytes).unwrap();
        let mut record = vec![0; 26];
        record[8] = 2;
        record[12] = 2;
        record[22] = 4;
        let packet = header.packet(100, &record).unwrap();
        assert_eq!(packet.direction, Direction::Out);
        assert_eq!((packet.data.len(), packet.consumed), (2, 26));
        assert!(header.packet(1, &record).is_none());
        assert!(header.packet(100, &record[..25]).is_none());
    }

    #[test]
    fn plausible_means_all_four_rules() {
        let bytes = header([0xa1, 0xb2, 0xc3, 0xd4], true, 0, 1);
        let header = PcapHeader::new_checked(&bytes).unwrap();
        let good = RecordHeader {
            seconds: 1_700_000_000,
            sub_second: 999_999,
            captured: 60,
            wire: 60,
        };
        let around = Some(header.time_ns(good) + THIRTY_DAYS as i64);
        assert!(header.is_plausible(good, around));
        assert!(header.is_plausible(good, None));
        assert!(!header.is_plausible(good, around.map(|time| time + 1)));
        let bad = |change: fn(&mut RecordHeader)| {
            let mut record = good;
            change(&mut record);
            !header.is_plausible(record, around)
        };
        assert!(bad(|record| record.sub_second = 1_000_000));
        assert!(bad(|record| record.wire = 59));
        assert!(bad(
            |record| (record.captured, record.wire) = (262_145, 262_145)
        ));
    }
}
