//! Where records end, signed and kept in the store: whoever can write to the database alone cannot cut them back unseen.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::audit::{AuditCheck, AuditFault};
use crate::{
    auth::{AuditHead, SignedHead},
    error::{Error, Result},
    ids::OrgId,
    odavl::Core,
    page::PageQuery,
    storage::{KeyPrefix, PutOptions, Sha256, StoreKey, collect, full},
};

/// Under this lie the signed heads. It is no organisation's: no list, no recount and no quota knows it.
const PLACE: &str = "audit";
/// More bytes than a signed head has.
const MOST: u64 = 4096;

/// The day on which this node signed last.
#[derive(Debug, Default)]
pub(crate) struct Heads(Mutex<Option<Date>>);

/// The signed heads of an organisation, by the place in the chain at which they were signed.
pub(super) type Signed = BTreeMap<u64, SignedHead>;

impl Core {
    /// Once a day, and when a node has started, signs where the records of each organisation end that has new ones.
    pub(crate) async fn sign_heads(&self) -> Result<()> {
        let now = self.clock.now();
        let today = Some(TimeZone::UTC.to_datetime(now).date());
        if *self.heads.0.lock().unwrap_or_else(PoisonError::into_inner) == today {
            return Ok(());
        }
        let mut query = PageQuery { limit: PageQuery::MOST, cursor: None };
        let mut signed = Ok(());
        loop {
            let page = self.auth.orgs(&query).await?;
            for org in page.items {
                // Whoever fails is tried again in an hour; the others are not held up.
                signed = self.sign_head(org.id, now).await.and(signed);
            }
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                break;
            }
        }
        signed?;
        *self.heads.0.lock().unwrap_or_else(PoisonError::into_inner) = today;
        Ok(())
    }

    async fn sign_head(&self, org: OrgId, now: Timestamp) -> Result<()> {
        let Some(head) = self.auth.audit_head(org).await? else { return Ok(()) };
        let key: StoreKey = format!("{PLACE}/{org}/{:020}", head.seq).parse()?;
        if self.storage.head(&key).await?.is_some() {
            return Ok(());
        }
        let text = serde_json::to_vec(&self.seal.sign(org, &head, now))
            .map_err(|error| Error::internal("a signed head cannot be written", Some(error.into())))?;
        let options = PutOptions::create("application/json".parse()?);
        let options = options.expecting(text.len() as u64, Sha256::of(&text));
        match self.storage.put(&key, full(text), options).await {
            // Another node was faster. What was signed first stays.
            Ok(_) | Err(Error::PreconditionFailed(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The heads of an organisation that were signed; one that does not read as it was signed is a fault.
    pub(super) async fn signed_heads(&self, org: OrgId, check: &mut AuditCheck) -> Result<Signed> {
        let prefix: KeyPrefix = format!("{PLACE}/{org}/").parse()?;
        let mut query = PageQuery { limit: PageQuery::MOST, cursor: None };
        let mut heads = Signed::new();
        loop {
            let page = self.storage.list(&prefix, &query).await?;
            for stored in page.items {
                let seq = stored.key.segments().last().and_then(|last| last.parse().ok()).unwrap_or(0);
                match self.signed_head(&stored.key).await? {
                    Some(signed) if (signed.org, signed.head.seq) == (org, seq) => {
                        heads.insert(seq, signed);
                    }
                    _ => check.faults.push(AuditFault::new(seq, "its signed head in the store was changed")),
                }
            }
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                return Ok(heads);
            }
        }
    }

    async fn signed_head(&self, key: &StoreKey) -> Result<Option<SignedHead>> {
        let Some(object) = self.storage.get(key, None).await? else { return Ok(None) };
        let bytes = match collect(object.body, MOST).await {
            Err(Error::TooLarge { .. } | Error::Corrupted { .. }) => return Ok(None),
            bytes => bytes?,
        };
        let signed: Option<SignedHead> = serde_json::from_slice(&bytes).ok();
        Ok(signed.filter(|signed| self.seal.has_signed(signed)))
    }

    /// The organisations whose heads were signed, and that the database does not know any more.
    pub(super) async fn lost_organizations(&self, check: &mut AuditCheck) -> Result<()> {
        let prefix: KeyPrefix = format!("{PLACE}/").parse()?;
        let mut query = PageQuery { limit: PageQuery::MOST, cursor: None };
        let mut looked_at = None;
        loop {
            let page = self.storage.list(&prefix, &query).await?;
            for stored in page.items {
                let org = stored.key.segments().nth(1).and_then(|org| org.parse::<OrgId>().ok());
                if org == looked_at {
                    continue;
                }
                looked_at = org;
                if let Some(org) = org
                    && self.auth.epoch(org).await?.is_none()
                {
                    let fault = format!("the organization {org} is gone, with all of its records");
                    check.faults.push(AuditFault { seq: 0, fault });
                }
            }
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                return Ok(());
            }
        }
    }
}

/// Why `head` of the chain is not what was signed at its place; takes the signed one out.
pub(super) fn compare(heads: &mut Signed, head: &AuditHead) -> Option<AuditFault> {
    let signed = heads.remove(&head.seq).filter(|signed| signed.head.hash != head.hash)?;
    let fault = format!("another entry was signed here on {}: from here on they were replaced", signed.at);
    Some(AuditFault { seq: head.seq, fault })
}

/// What is missing after `last`, the last entry there is, although a later one was signed.
pub(super) fn missing(heads: &Signed, last: u64) -> Option<AuditFault> {
    let (seq, signed) = heads.range(last.saturating_add(1)..).next_back()?;
    let fault = format!("the entries from here on are cut off: there were {seq} on {}", signed.at);
    Some(AuditFault { seq: last + 1, fault })
}
