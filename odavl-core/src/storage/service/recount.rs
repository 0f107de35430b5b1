//! Recounting: the rows against the store, and both against the meter.

use super::Objects;
use crate::{
    action::Action,
    error::Result,
    hold::open_limits,
    ids::{ObjectId, OrgId},
    metering::{Charge, Op, Scope},
    page::PageQuery,
    session::{Ask, Permit, Usage, decided},
    storage::{Depth, KeyPrefix, ListQuery, Listed, ObjectName, StorageStats, StoreKey},
};

/// How many of each kind of difference are named.
const NAMED_MOST: usize = 100;

/// What the rows say, what the store has, and where they differ. Taken while others write, it may show differences
/// that are gone in the next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recount {
    /// What the rows say.
    pub rows: StorageStats,
    /// How many objects the store has.
    pub stored_objects: u64,
    /// Their bytes.
    pub stored_bytes: u64,
    /// What the meter counts, what is held for uploads included; `None` where nothing counts bytes.
    pub metered_bytes: Option<u64>,
    /// Objects whose bytes are not there, or not as many as the row says.
    pub damaged: u64,
    /// The first of them.
    pub damaged_names: Vec<ObjectName>,
    /// How many of the store's objects have no row: what is being uploaded or waits to be removed, or what was lost.
    pub unnamed: u64,
    /// The first of them.
    pub unnamed_keys: Vec<StoreKey>,
}

impl Objects<'_> {
    /// Counts again what is stored, and says where rows and store differ. It changes nothing.
    pub async fn recount(&self) -> Result<Recount> {
        self.0
            .metered(Ask::new(Action::StorageRecount), async |permit| {
                let org = permit.org()?;
                let mut recount =
                    Recount { rows: self.0.core.objects.stats(org).await?, ..Recount::default() };
                self.count_rows(org, &mut recount).await?;
                self.count_store(org, &mut recount).await?;
                recount.metered_bytes = self.metered_bytes(permit).await?;
                Ok((recount, Usage::Settled))
            })
            .await
    }

    async fn count_rows(&self, org: OrgId, recount: &mut Recount) -> Result<()> {
        let core = &self.0.core;
        let mut cursor = None;
        loop {
            let page = PageQuery { limit: PageQuery::MOST, cursor };
            let listed = core.objects.list(org, &ListQuery::new("", Depth::All, page)?).await?;
            for listed in listed.items {
                let Listed::Object(row) = listed else { continue };
                let stored = core.storage.head(&row.key).await?.map(|meta| meta.size);
                if stored != Some(row.size) {
                    recount.damaged += 1;
                    if recount.damaged_names.len() < NAMED_MOST {
                        recount.damaged_names.push(row.name);
                    }
                }
            }
            cursor = listed.next_cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    async fn count_store(&self, org: OrgId, recount: &mut Recount) -> Result<()> {
        let core = &self.0.core;
        let mut page = PageQuery { limit: PageQuery::MOST, cursor: None };
        loop {
            let listed = core.storage.list(&KeyPrefix::org(org), &page).await?;
            for stored in listed.items {
                recount.stored_objects += 1;
                recount.stored_bytes = recount.stored_bytes.saturating_add(stored.size);
                let id = stored.key.segments().last().and_then(|last| last.parse::<ObjectId>().ok());
                let named = match id {
                    Some(id) => core.objects.object(org, id).await?.is_some(),
                    None => false,
                };
                if !named {
                    recount.unnamed += 1;
                    if recount.unnamed_keys.len() < NAMED_MOST {
                        recount.unnamed_keys.push(stored.key);
                    }
                }
            }
            page.cursor = listed.next_cursor;
            if page.cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// Where the gauge stands, from a question that no limit refuses.
    async fn metered_bytes(&self, permit: &Permit) -> Result<Option<u64>> {
        let Some(meter) = self.0.core.settings.catalog.stored_bytes.clone() else { return Ok(None) };
        let limits = open_limits([Scope::Organization]);
        let op = Op::Probe(vec![Charge { meter, units: 0, limits, since: None }]);
        let decision = self.0.core.decide(permit.org()?, u64::MAX, &permit.caller.subject, op).await?;
        Ok(decided(decision)?.standings.first().map(|standing| standing.used))
    }
}
