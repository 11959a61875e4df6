//! What the flows of a capture are: most share few different answers, and each of those is kept once.

use std::fmt;
use std::ops::Index;

use super::Judged;
use crate::numbers::Numbers;

/// What every flow is, in the order of the flows.
#[derive(Clone, Default)]
pub struct JudgedFlows {
    different: Vec<Judged>,
    numbers: Numbers,
    /// By flow, its place among the different ones.
    of: Vec<u32>,
}

impl JudgedFlows {
    /// For so many flows, none judged yet.
    pub(crate) fn with_room(flows: usize) -> Self {
        Self {
            of: Vec::with_capacity(flows),
            ..Self::default()
        }
    }

    /// How many flows there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.of.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// One for each flow, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Judged> + Clone {
        self.of.iter().map(|at| &self.different[*at as usize])
    }

    /// Judges the next flow.
    pub(crate) fn push(&mut self, judged: Judged) {
        let (next, different) = (self.different.len(), &self.different);
        let at = self
            .numbers
            .find_or_add(&judged, next, |number| &different[number]);
        if at == next {
            self.different.push(judged);
        }
        self.of.push(at as u32);
    }

    /// Puts others behind these.
    pub(crate) fn append(&mut self, others: &Self) {
        others.iter().for_each(|one| self.push(one.clone()));
    }
}

impl Index<usize> for JudgedFlows {
    type Output = Judged;

    fn index(&self, flow: usize) -> &Judged {
        &self.different[self.of[flow] as usize]
    }
}

impl PartialEq for JudgedFlows {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for JudgedFlows {}

impl fmt::Debug for JudgedFlows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
