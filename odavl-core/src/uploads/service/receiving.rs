//! Whose results are being received at this moment: each has a thread that checks it, and parts of it in memory.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::{
    error::{Error, Result},
    ids::OrgId,
};

/// How many a node receives at once.
const MOST: usize = 64;
/// How many of one organisation: nobody's slow senders keep the others out.
const MOST_OF_ONE: usize = 32;
/// How many of them are for organisations that have none yet.
const FOR_NEW: usize = 16;

/// How many results of each organisation are being received.
#[derive(Debug, Default)]
pub(crate) struct Receiving(Mutex<BTreeMap<OrgId, usize>>);

/// A place among those that are received; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    receiving: &'a Receiving,
    org: OrgId,
}

impl Receiving {
    /// Takes a place; `unavailable` where there is none.
    pub(super) fn turn(&self, org: OrgId) -> Result<Turn<'_>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (taken, own) = (all.values().sum::<usize>(), all.get(&org).copied().unwrap_or_default());
        if own >= MOST_OF_ONE || taken >= if own == 0 { MOST } else { MOST - FOR_NEW } {
            let what = format!(
                "this node receives {taken} results, {own} of them the organization's, and has no place for another now"
            );
            return Err(Error::unavailable(what, None));
        }
        all.insert(org, own + 1);
        Ok(Turn { receiving: self, org })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut all = self.receiving.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = all.get_mut(&self.org) {
            *own -= 1;
            if *own == 0 {
                all.remove(&self.org);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    fn org(n: i64) -> OrgId {
        OrgId::new(jiff::Timestamp::from_second(n).unwrap()).unwrap()
    }

    #[test]
    fn one_organization_takes_half_and_leaves_some_to_those_that_have_none() {
        let (receiving, first, second) = (Receiving::default(), org(0), org(1));
        let refused = |org| receiving.turn(org).unwrap_err().code() == ErrorCode::Unavailable;
        let take = |org, most| (0..most).map(|_| receiving.turn(org).unwrap()).collect::<Vec<_>>();
        let own = take(first, MOST_OF_ONE);
        assert!(refused(first));
        let more = take(second, MOST - FOR_NEW - MOST_OF_ONE);
        assert!(refused(second));
        let others: Vec<_> = (2..).map(org).take(FOR_NEW).map(|org| receiving.turn(org).unwrap()).collect();
        assert!(refused(org(-1)));
        drop(own);
        receiving.turn(first).unwrap();
        drop((more, others));
        assert!(receiving.0.lock().unwrap().is_empty());
    }
}
