//! What a batch has to read before it can be decided.

use std::collections::BTreeSet;

use crate::{
    ids::{OrgId, ReservationId},
    metering::{
        port::{Charge, Entry, Op},
        sheet::CounterKey,
    },
};

/// What is read, each once and in order.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) orgs: BTreeSet<OrgId>,
    pub(super) counters: BTreeSet<(OrgId, CounterKey)>,
    pub(super) reservations: BTreeSet<(OrgId, ReservationId)>,
    /// The idempotency keys of all entries.
    pub(super) keys: BTreeSet<(OrgId, [u8; 32])>,
    /// Whether it is read what the keys stand for.
    pub(super) sees_keys: bool,
    /// Whether organisations that have no row are given one.
    pub(super) makes_orgs: bool,
}

/// What was found to be missing when a batch was decided.
#[derive(Debug, Default)]
pub(super) struct Lacks {
    pub(super) counters: BTreeSet<(OrgId, CounterKey)>,
}

impl Wanted {
    /// What these entries need, as far as they say it themselves.
    pub(super) fn by(batch: &[Entry]) -> Self {
        let mut wanted = Self::default();
        for entry in batch {
            wanted.orgs.insert(entry.org);
            if let Some(key) = entry.idempotency {
                wanted.keys.insert((entry.org, *key.key.as_bytes()));
            }
            match &entry.op {
                Op::Charge(charges) | Op::Probe(charges) => wanted.charge(entry.org, charges),
                Op::Reserve { id, charges, .. } | Op::Extend { id, charges } => {
                    wanted.reservations.insert((entry.org, *id));
                    wanted.charge(entry.org, charges);
                }
                Op::Settle { id, .. } | Op::Release { id } => {
                    wanted.reservations.insert((entry.org, *id));
                }
            }
        }
        wanted
    }

    /// What it takes to end these reservations.
    pub(super) fn expiring(due: &[(OrgId, ReservationId)]) -> Self {
        Self {
            orgs: due.iter().map(|(org, _)| *org).collect(),
            reservations: due.iter().copied().collect(),
            ..Self::default()
        }
    }

    fn charge(&mut self, org: OrgId, charges: &[Charge]) {
        for charge in charges {
            let keys = charge.limits.iter().map(|limit| CounterKey::new(&charge.meter, limit));
            self.counters.extend(keys.map(|key| (org, key)));
        }
    }

    /// Reads all that may be needed the second time, so that there is no third.
    pub(super) fn extend(&mut self, lacks: Option<Lacks>) {
        self.counters.extend(lacks.unwrap_or_default().counters);
        self.sees_keys = true;
        self.makes_orgs = true;
    }
}
