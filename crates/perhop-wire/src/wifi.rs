//! IEEE 802.11 data frames, bare or behind radiotap or PPI.

use crate::cursor::{Cursor, Next};
use crate::packet::{Layer, Reason, Undecoded};

pub(crate) mod ppi;
pub(crate) mod radiotap;

/// Reads a MAC header up to the LLC header behind it.
///
/// Of an aggregated MSDU only the first subframe is read.
pub(crate) fn read(
    cursor: &mut Cursor<'_>,
    fcs: bool,
    padded: bool,
    user_priority: &mut Option<u8>,
) -> Result<Next, Undecoded> {
    let start = *cursor;
    if fcs {
        cursor.limit(cursor.wire().saturating_sub(4));
    }
    let header = cursor.take::<24>(Layer::Wifi)?;
    let (kind, flags) = (header[0], header[1]);
    if kind & 0x03 != 0 {
        return Err(start.undecoded(Layer::Wifi, Reason::Version(kind & 0x03)));
    }
    if kind & TYPE != DATA || kind & NO_DATA != 0 {
        return Err(start.undecoded(Layer::Wifi, Reason::NotData));
    }
    let mut length = 24;
    if flags & BOTH_DS == BOTH_DS {
        cursor.take::<6>(Layer::Wifi)?;
        length += 6;
    }
    let mut aggregated = false;
    if kind & QOS != 0 {
        let control = cursor.take::<2>(Layer::Wifi)?;
        length += 2;
        if control[0] & 0x0f < 8 {
            *user_priority = Some(control[0] & 0x07);
        }
        aggregated = control[0] & AGGREGATED != 0;
        if flags & ORDER != 0 {
            cursor.take::<4>(Layer::Wifi)?;
            length += 4;
        }
    }
    if padded && length % 4 != 0 {
        cursor.take::<2>(Layer::Wifi)?;
    }
    if flags & PROTECTED != 0 {
        return Err(start.undecoded(Layer::Wifi, Reason::Encrypted));
    }
    if aggregated {
        // Subframe header: destination, source, length.
        cursor.take::<14>(Layer::Wifi)?;
    }
    Ok(Next::Llc)
}

/// Type bits of the frame control field, and their value in a data frame.
const TYPE: u8 = 0x0c;
const DATA: u8 = 0x08;
/// Subtype bit of a data frame without data.
const NO_DATA: u8 = 0x40;
/// Subtype bit of a `QoS` frame.
const QOS: u8 = 0x80;
/// To-DS and from-DS together: four addresses.
const BOTH_DS: u8 = 0x03;
/// Protected frame.
const PROTECTED: u8 = 0x40;
/// Order: in a `QoS` frame, an HT control field follows.
const ORDER: u8 = 0x80;
/// A-MSDU present, in the `QoS` control field.
const AGGREGATED: u8 = 0x80;
