//! A list that grows without moving what it has.

use std::num::NonZeroU32;
use std::ops::{Index, IndexMut};

/// A list in chunks. Growing copies nothing, so that a long one needs no more memory at any time than what is in it and one
/// chunk, and what is in it stays in its cache lines.
#[derive(Debug)]
pub(crate) struct Chunks<T> {
    chunks: Vec<Vec<T>>,
    length: usize,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            length: 0,
        }
    }
}

impl<T> Chunks<T> {
    /// How many there are.
    #[inline]
    pub(crate) const fn len(&self) -> usize {
        self.length
    }

    /// Adds one at the end.
    pub(crate) fn push(&mut self, value: T) {
        if self.length.is_multiple_of(CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        self.chunks[self.length / CHUNK].push(value);
        self.length += 1;
    }

    /// All, in order, to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.chunks.iter_mut().flatten()
    }

    /// Keeps those for whose place `stays` says so; they move up.
    pub(crate) fn retain(&mut self, stays: impl Fn(usize) -> bool) {
        let all = std::mem::take(self);
        for (at, value) in all.chunks.into_iter().flatten().enumerate() {
            if stays(at) {
                self.push(value);
            }
        }
    }
}

impl<T> Index<usize> for Chunks<T> {
    type Output = T;

    #[inline]
    fn index(&self, at: usize) -> &T {
        &self.chunks[at / CHUNK][at % CHUNK]
    }
}

impl<T> IndexMut<usize> for Chunks<T> {
    #[inline]
    fn index_mut(&mut self, at: usize) -> &mut T {
        &mut self.chunks[at / CHUNK][at % CHUNK]
    }
}

/// Values of a chunk.
const CHUNK: usize = 512;

/// A list for which room is asked beforehand: finding a place takes one comparison and no chunk, growing within the room
/// copies nothing, and room that is not used is not backed by memory.
#[derive(Debug)]
pub(crate) struct Roomy<T>(Vec<T>);

impl<T> Default for Roomy<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Roomy<T> {
    /// How many there are.
    #[inline]
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// The one at a place, if there is one.
    #[inline(always)]
    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        self.0.get(at)
    }

    /// The same, to be changed.
    #[inline(always)]
    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        self.0.get_mut(at)
    }

    /// Adds one at the end.
    #[inline]
    pub(crate) fn push(&mut self, value: T) {
        if self.0.capacity() == 0 {
            self.0.reserve_exact(ROOM);
        }
        self.0.push(value);
    }

    /// All, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }

    /// All, in order, to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut()
    }

    /// Keeps those for whose place `stays` says so; they move up.
    pub(crate) fn retain(&mut self, stays: impl Fn(usize) -> bool) {
        let mut at = 0;
        self.0.retain(|_| {
            at += 1;
            stays(at - 1)
        });
    }
}

impl<T> Index<usize> for Roomy<T> {
    type Output = T;

    #[inline(always)]
    fn index(&self, at: usize) -> &T {
        &self.0[at]
    }
}

impl<T> IndexMut<usize> for Roomy<T> {
    #[inline(always)]
    fn index_mut(&mut self, at: usize) -> &mut T {
        &mut self.0[at]
    }
}

/// Values for which there is room from the first on: with the default for flows, all that a table can have.
const ROOM: usize = 1 << 17;

/// Values that only some have, in chunks: who has one holds its ticket.
#[derive(Debug)]
pub(crate) struct Pool<T> {
    values: Chunks<T>,
    /// Places of values that were given back.
    free: Vec<u32>,
}

/// Where a value is in its [`Pool`], or that there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ticket(Option<NonZeroU32>);

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self {
            values: Chunks::default(),
            free: Vec::new(),
        }
    }
}

impl Ticket {
    fn at(place: usize) -> Self {
        Self(NonZeroU32::new(place as u32 + 1))
    }

    fn place(self) -> Option<usize> {
        Some(self.0?.get() as usize - 1)
    }
}

impl<T: Default> Pool<T> {
    /// The value of a ticket.
    #[inline]
    pub(crate) fn of(&self, ticket: Ticket) -> Option<&T> {
        Some(&self.values[ticket.place()?])
    }

    /// The value of a ticket; made, and the ticket with it, when there is none.
    pub(crate) fn make(&mut self, ticket: &mut Ticket) -> &mut T {
        let place = ticket.place().unwrap_or_else(|| self.free_place());
        *ticket = Ticket::at(place);
        &mut self.values[place]
    }

    fn free_place(&mut self) -> usize {
        match self.free.pop() {
            Some(place) => place as usize,
            None => {
                self.values.push(T::default());
                self.values.len() - 1
            }
        }
    }

    /// Takes a value back.
    pub(crate) fn give_back(&mut self, ticket: Ticket) {
        if let Some(place) = ticket.place() {
            self.values[place] = T::default();
            self.free.push(place as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_list() {
        let mut list = Chunks::default();
        for number in 0..3000usize {
            list.push(number);
            assert_eq!((list.len(), list[number]), (number + 1, number));
        }
        list[1024] = 7;
        assert_eq!(list[1024], 7);
        list.retain(|at| at % 3 == 0);
        assert_eq!(list.len(), 1000);
        assert!((0..1000).all(|at| list[at] == 3 * at));
        list.iter_mut().for_each(|value| *value += 1);
        list.push(5);
        assert_eq!((list[999], list[1000]), (2998, 5));
    }

    #[test]
    fn a_pool_lends_what_was_given_back() {
        let (mut pool, mut tickets) = (Pool::<usize>::default(), [Ticket::default(); 2000]);
        for (number, ticket) in tickets.iter_mut().enumerate() {
            assert_eq!(pool.of(*ticket), None);
            *pool.make(ticket) = number;
        }
        *pool.make(&mut tickets[7]) += 1;
        assert_eq!(
            (pool.of(tickets[7]), pool.of(tickets[8])),
            (Some(&8), Some(&8))
        );
        pool.give_back(tickets[9]);
        let mut again = Ticket::default();
        assert_eq!((*pool.make(&mut again), again), (0, tickets[9]));
        let mut new = Ticket::default();
        pool.make(&mut new);
        assert_eq!(new.place(), Some(2000));
        pool.give_back(Ticket::default());
    }

    #[test]
    fn it_is_a_list_with_room() {
        let mut list = Roomy::default();
        for number in 0..3000usize {
            list.push(number);
            assert_eq!((list.len(), list[number]), (number + 1, number));
        }
        assert_eq!((list.get(2999), list.get(3000)), (Some(&2999), None));
        list.retain(|at| at % 3 == 0);
        assert_eq!(list.len(), 1000);
        assert!(list.iter().enumerate().all(|(at, value)| *value == 3 * at));
        *list.get_mut(1).unwrap() = 7;
        list.push(5);
        assert_eq!((list[1], list[999], list[1000]), (7, 2997, 5));
        assert_eq!(list.iter().count(), 1001);
    }
}
