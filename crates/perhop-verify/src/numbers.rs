//! Numbers of things, found by what the things are: an index that keeps the numbers alone.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};

use crate::secret::Secret;

/// Numbers of different things. Whoever asks says what the thing of a number is. It is only ever asked for one thing, so
/// its order is of no account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbers {
    /// A number plus 1; 0 for none.
    entries: Vec<u32>,
    count: usize,
    secret: Secret,
}

impl Numbers {
    /// With room for so many.
    pub(crate) fn with_room(count: usize) -> Self {
        Self {
            entries: vec![0; count + count / 3 + 1],
            ..Self::default()
        }
    }

    /// The number of a thing.
    pub(crate) fn find<T, B>(&self, thing: &T, of: impl Fn(usize) -> B) -> Option<usize>
    where
        T: Hash + Eq,
        B: Borrow<T>,
    {
        if self.entries.is_empty() {
            return None;
        }
        let entry = self.entries[self.place(thing, of)];
        (entry as usize).checked_sub(1)
    }

    /// The number of a thing that is known, else what is said to be its number from now on.
    pub(crate) fn find_or_add<T, B>(
        &mut self,
        thing: &T,
        number: usize,
        of: impl Fn(usize) -> B + Copy,
    ) -> usize
    where
        T: Hash + Eq,
        B: Borrow<T>,
    {
        if (self.count + 1) * 4 > self.entries.len() * 3 {
            self.grow::<T, B>(of);
        }
        let place = self.place(thing, of);
        let entry = &mut self.entries[place];
        if *entry == 0 {
            *entry = u32::try_from(number + 1).expect("there are fewer than 2^32 flows");
            self.count += 1;
        }
        *entry as usize - 1
    }

    fn grow<T, B>(&mut self, of: impl Fn(usize) -> B + Copy)
    where
        T: Hash + Eq,
        B: Borrow<T>,
    {
        let room = (2 * self.entries.len()).max(LEAST);
        let entries = std::mem::replace(&mut self.entries, vec![0; room]);
        for entry in entries.into_iter().filter(|entry| *entry > 0) {
            let place = self.place::<T, B>(of(entry as usize - 1).borrow(), of);
            self.entries[place] = entry;
        }
    }

    /// Where the thing is, or would be.
    fn place<T, B>(&self, thing: &T, of: impl Fn(usize) -> B) -> usize
    where
        T: Hash + Eq,
        B: Borrow<T>,
    {
        let room = self.entries.len();
        let hash = u128::from(self.secret.hash_one(thing));
        let mut place = ((hash * room as u128) >> 64) as usize;
        while let Some(number) = (self.entries[place] as usize).checked_sub(1)
            && of(number).borrow() != thing
        {
            place = if place + 1 == room { 0 } else { place + 1 };
        }
        place
    }
}

/// Entries of the smallest index.
const LEAST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn the_first_number_of_each_thing_is_found(things in proptest::collection::vec(0u16..300, 0..600), room in 0usize..600) {
            let mut numbers = Numbers::with_room(room);
            let mut known = BTreeMap::new();
            for (at, thing) in things.iter().enumerate() {
                let first = *known.entry(*thing).or_insert(at);
                prop_assert_eq!(numbers.find_or_add(thing, at, |number| things[number]), first);
            }
            for thing in 0..310 {
                let found = numbers.find(&thing, |number| things[number]);
                prop_assert_eq!(found, known.get(&thing).copied());
            }
            prop_assert_eq!(Numbers::default().find(&0u16, |number| things[number]), None);
        }
    }
}
