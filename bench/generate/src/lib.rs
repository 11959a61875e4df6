//! Captures of any size with known contents, for measuring.
//!
//! The same [`Shape`] gives the same bytes on every machine. What was written is counted while it is written, so a
//! reader can be held to it. Nothing here uses perhop: an error of perhop's cannot hide in its own measure.
#![forbid(unsafe_code)]

mod checksum;
mod conversation;
mod exchange;
mod media;
mod message;
pub mod path;
pub mod random;
mod session;
pub mod shape;
pub mod sink;
mod source;
pub mod truth;
pub mod walk;
mod world;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};

pub use path::Path;
pub use shape::{Profile, Shape};
use source::{Opened, Source};
pub use truth::Truth;
use world::World;

/// Writes a capture; gives the file back with the counts and the flows.
///
/// # Errors
///
/// What the file says.
pub fn generate<W: Write>(shape: Shape, out: W) -> io::Result<(W, Truth, Vec<Path>)> {
    let mut world = World::new(shape, out);
    let mut sessions = session::plan(&shape).into_iter().peekable();
    let mut senders = Senders::default();
    let mut opened = Opened::new();
    while world.size() < shape.size {
        let due = senders.due.peek().map(|Reverse((at, _))| *at);
        match sessions.peek() {
            Some(session) if due.is_none_or(|at| session.start <= at) => {
                source::open(&mut world, session, &mut opened);
                sessions.next();
                opened
                    .drain(..)
                    .for_each(|(at, source)| senders.add(at, source));
            }
            _ if !senders.step(&mut world)? => break,
            _ => {}
        }
    }
    world.finish()
}

/// All that send at a time, ordered by when they are due.
#[derive(Debug, Default)]
struct Senders {
    due: BinaryHeap<Reverse<(u64, usize)>>,
    slots: Vec<Option<Source>>,
    free: Vec<usize>,
}

impl Senders {
    fn add(&mut self, at: u64, source: Source) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[slot] = Some(source);
        self.due.push(Reverse((at, slot)));
    }

    /// Lets the next one send; false when there is none.
    fn step<W: Write>(&mut self, world: &mut World<W>) -> io::Result<bool> {
        let Some(mut top) = self.due.peek_mut() else {
            return Ok(false);
        };
        let Reverse((now, slot)) = *top;
        let source = self.slots[slot].as_mut().expect("what is due has a slot");
        if let Some(next) = source.step(now, world)? {
            *top = Reverse((next.max(now), slot));
        } else {
            std::collections::binary_heap::PeekMut::pop(top);
            self.slots[slot] = None;
            self.free.push(slot);
        }
        Ok(true)
    }
}
