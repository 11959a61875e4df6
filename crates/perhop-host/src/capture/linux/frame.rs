//! The packets of one block.

use std::mem::offset_of;

use perhop_wire::capture::CapturedPacket;
use perhop_wire::packet::{Direction, LinkType};

use super::ring::BODY;

/// Reads blocks.
#[derive(Debug)]
pub(super) struct Blocks {
    /// Several interfaces: each packet says by its interface's number which it is.
    any: bool,
    /// Packets whose headers made no sense.
    unreadable: u64,
}

impl Blocks {
    pub(super) const fn new(any: bool) -> Self {
        Self { any, unreadable: 0 }
    }

    /// Packets that could not be read since the last question.
    pub(super) fn take_unreadable(&mut self) -> u64 {
        std::mem::take(&mut self.unreadable)
    }

    /// Gives out the packets of a block, of which `body` is what follows the status; says how many.
    pub(super) fn read(
        &mut self,
        body: &mut [u8],
        sink: &mut dyn FnMut(&CapturedPacket<'_>),
    ) -> u64 {
        let count = u32_at(body, COUNT - BODY).unwrap_or(0);
        let mut at = u32_at(body, FIRST - BODY).map_or(0, |first| first as usize);
        let mut given = 0;
        for number in 0..count {
            let packet = at.checked_sub(BODY).and_then(|at| body.get_mut(at..));
            let Some(header) = packet.as_deref().and_then(Header::read) else {
                self.unreadable += u64::from(count - number);
                break;
            };
            let next = header.next as usize;
            // The same packet comes back as a received one.
            let twice =
                header.hatype == libc::ARPHRD_LOOPBACK && header.kind == libc::PACKET_OUTGOING;
            let packet = packet.and_then(|bytes| header.packet(bytes, self.any));
            match packet {
                Some(packet) if !twice => {
                    sink(&packet);
                    given += 1;
                }
                Some(_) => {}
                None => self.unreadable += 1,
            }
            at += next;
            if next == 0 && number + 1 < count {
                self.unreadable += u64::from(count - number - 1);
                break;
            }
        }
        given
    }
}

/// What the kernel says of a packet: `tpacket3_hdr`, and the `sockaddr_ll` behind it.
#[derive(Debug, Clone, Copy)]
struct Header {
    /// From this header to the next; 0 at the last.
    next: u32,
    sec: u32,
    nsec: u32,
    /// Bytes kept.
    kept: u32,
    /// Bytes on the wire.
    len: u32,
    status: u32,
    /// Where the link header begins.
    mac: usize,
    /// Where the network header begins.
    net: usize,
    tci: u16,
    tpid: u16,
    /// The EtherType that the kernel made out.
    protocol: u16,
    interface: u32,
    /// `ARPHRD_` type of the interface.
    hatype: u16,
    /// Towards whom: `PACKET_HOST` and so on.
    kind: u8,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            next: u32_at(bytes, offset_of!(libc::tpacket3_hdr, tp_next_offset))?,
            sec: u32_at(bytes, offset_of!(libc::tpacket3_hdr, tp_sec))?,
            nsec: u32_at(bytes, offset_of!(libc::tpacket3_hdr, tp_nsec))?,
            kept: u32_at(bytes, offset_of!(libc::tpacket3_hdr, tp_snaplen))?,
            len: u32_at(bytes, offset_of!(libc::tpacket3_hdr, tp_len))?,
            status: u32_at(bytes, offset_of!(libc::tpacket3_hdr, tp_status))?,
            mac: u16_at(bytes, offset_of!(libc::tpacket3_hdr, tp_mac))?.into(),
            net: u16_at(bytes, offset_of!(libc::tpacket3_hdr, tp_net))?.into(),
            tci: u32_at(bytes, TCI)? as u16,
            tpid: u16_at(bytes, TPID)?,
            protocol: u16_at(bytes, ADDRESS + offset_of!(libc::sockaddr_ll, sll_protocol))?.to_be(),
            interface: u32_at(bytes, ADDRESS + offset_of!(libc::sockaddr_ll, sll_ifindex))?,
            hatype: u16_at(bytes, ADDRESS + offset_of!(libc::sockaddr_ll, sll_hatype))?,
            kind: *bytes.get(ADDRESS + offset_of!(libc::sockaddr_ll, sll_pkttype))?,
        })
    }

    /// The packet, whole again: with the tag that the hardware or the kernel took off, and with a header by which it can
    /// be read where the interface has none that is known.
    fn packet<'a>(&self, bytes: &'a mut [u8], any: bool) -> Option<CapturedPacket<'a>> {
        let end = self.mac.checked_add(self.kept as usize)?;
        if self.mac < HEADERS || end > bytes.len() {
            return None;
        }
        let (link, start) = match self.hatype {
            libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => (LinkType::ETHERNET, self.tagged(bytes)),
            libc::ARPHRD_IEEE80211 => (LinkType::IEEE802_11, self.mac),
            libc::ARPHRD_IEEE80211_RADIOTAP => (LinkType::IEEE802_11_RADIOTAP, self.mac),
            _ if self.net < self.mac || self.net > end => return None,
            _ if self.is_plain_ip() => (LinkType::RAW, self.net),
            _ => (LinkType::LINUX_SLL2, self.cooked(bytes)?),
        };
        // What was put before the packet and what was left out of it counts on the wire too.
        let wire = u64::from(self.len) + self.mac as u64;
        let wire_len = u32::try_from(wire.saturating_sub(start as u64)).unwrap_or(u32::MAX);
        let data = bytes.get(start..end)?;
        Some(CapturedPacket {
            time_ns: Some(i64::from(self.sec) * 1_000_000_000 + i64::from(self.nsec)),
            link,
            data,
            wire_len: wire_len.max(data.len() as u32),
            interface: if any { self.interface } else { 0 },
            direction: self.direction(),
            consumed: self.next as usize,
        })
    }

    /// Puts an Ethernet frame's tag back between addresses and EtherType; the frame then begins four bytes earlier. Says
    /// where it begins.
    fn tagged(&self, bytes: &mut [u8]) -> usize {
        let Some(tpid) = self.tag() else {
            return self.mac;
        };
        let start = self.mac - 4;
        // Too short for the addresses, or no room: the frame stays as it is.
        if start < HEADERS || (self.kept as usize) < 12 {
            return self.mac;
        }
        bytes.copy_within(self.mac..self.mac + 12, start);
        bytes[self.mac + 8..self.mac + 10].copy_from_slice(&tpid.to_be_bytes());
        bytes[self.mac + 10..self.mac + 12].copy_from_slice(&self.tci.to_be_bytes());
        start
    }

    /// Writes a "cooked" header, version 2, before the network header. Says where it begins.
    fn cooked(&self, bytes: &mut [u8]) -> Option<usize> {
        let tag = self.tag();
        let start = self.net.checked_sub(if tag.is_some() { 24 } else { 20 })?;
        let header = bytes
            .get_mut(start..self.net)
            .filter(|_| start >= HEADERS)?;
        header.fill(0);
        header[..2].copy_from_slice(&tag.unwrap_or(self.protocol).to_be_bytes());
        header[4..8].copy_from_slice(&self.interface.to_be_bytes());
        header[8..10].copy_from_slice(&self.hatype.to_be_bytes());
        header[10] = self.kind;
        if tag.is_some() {
            header[20..22].copy_from_slice(&self.tci.to_be_bytes());
            header[22..24].copy_from_slice(&self.protocol.to_be_bytes());
        }
        Some(start)
    }

    /// The protocol identifier of a tag that was taken off.
    fn tag(&self) -> Option<u16> {
        if self.status & libc::TP_STATUS_VLAN_VALID == 0 {
            return None;
        }
        Some(match self.status & libc::TP_STATUS_VLAN_TPID_VALID {
            0 => libc::ETH_P_8021Q as u16,
            _ => self.tpid,
        })
    }

    fn is_plain_ip(&self) -> bool {
        let protocol = i32::from(self.protocol);
        self.tag().is_none() && (protocol == libc::ETH_P_IP || protocol == libc::ETH_P_IPV6)
    }

    /// Which way it went; of a loopback packet both would be right.
    fn direction(&self) -> Direction {
        match self.kind {
            _ if self.hatype == libc::ARPHRD_LOOPBACK => Direction::Unknown,
            libc::PACKET_HOST | libc::PACKET_BROADCAST | libc::PACKET_MULTICAST => Direction::In,
            libc::PACKET_OUTGOING => Direction::Out,
            _ => Direction::Unknown,
        }
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..)?
        .first_chunk()
        .copied()
        .map(u32::from_ne_bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes
        .get(at..)?
        .first_chunk()
        .copied()
        .map(u16::from_ne_bytes)
}

/// Offsets in a block.
const BLOCK: usize = offset_of!(libc::tpacket_block_desc, hdr);
const COUNT: usize = BLOCK + offset_of!(libc::tpacket_hdr_v1, num_pkts);
const FIRST: usize = BLOCK + offset_of!(libc::tpacket_hdr_v1, offset_to_first_pkt);
/// Offsets in a packet's header.
const TCI: usize =
    offset_of!(libc::tpacket3_hdr, hv1) + offset_of!(libc::tpacket_hdr_variant1, tp_vlan_tci);
const TPID: usize =
    offset_of!(libc::tpacket3_hdr, hv1) + offset_of!(libc::tpacket_hdr_variant1, tp_vlan_tpid);
/// `TPACKET_ALIGN(sizeof(struct tpacket3_hdr))`.
const ADDRESS: usize = size_of::<libc::tpacket3_hdr>().next_multiple_of(libc::TPACKET_ALIGNMENT);
/// Bytes of a packet's headers, before which nothing of the packet lies.
const HEADERS: usize = libc::TPACKET3_HDRLEN;

#[cfg(test)]
mod tests;
