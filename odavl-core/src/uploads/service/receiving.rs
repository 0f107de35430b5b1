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
        if all.values().sum::<usize>() >= MOST {
            return Err(Error::unavailable(
                "this node receives as many results at once as it can check",
                None,
            ));
        }
        let own = all.entry(org).or_default();
        if *own >= MOST_OF_ONE {
            let what = format!("this node receives {MOST_OF_ONE} results of the organization already");
            return Err(Error::unavailable(what, None));
        }
        *own += 1;
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
    fn one_organization_takes_half_and_a_place_is_free_once_it_is_given_back() {
        let (receiving, first) = (Receiving::default(), org(0));
        let refused = |org| receiving.turn(org).unwrap_err().code() == ErrorCode::Unavailable;
        let own: Vec<_> = (0..MOST_OF_ONE).map(|_| receiving.turn(first).unwrap()).collect();
        assert!(refused(first));
        let others: Vec<_> =
            (1..).map(org).take(MOST - MOST_OF_ONE).map(|org| receiving.turn(org).unwrap()).collect();
        assert!(refused(org(-1)));
        drop(own);
        receiving.turn(first).unwrap();
        drop(others);
        assert!(receiving.0.lock().unwrap().is_empty());
    }
}
