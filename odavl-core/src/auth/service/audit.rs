//! Whether the records of an organisation are whole.

use serde::Serialize;

use super::heads::{Signed, compare, missing};
use crate::{
    action::Action,
    auth::AuditHead,
    error::Result,
    ids::OrgId,
    page::PageQuery,
    session::{Ask, Permit, Session, Usage},
};

/// What a check of an organisation's records found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct AuditCheck {
    /// How many entries were read.
    pub entries: u64,
    /// Up to which of them a signed head in the store vouches; 0: none does yet.
    pub signed: u64,
    /// What does not belong; empty where the chain is whole.
    pub faults: Vec<AuditFault>,
}

/// A place where the chain is broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditFault {
    /// The place in the chain.
    pub seq: u64,
    /// What is wrong there.
    pub fault: String,
}

impl AuditFault {
    pub(super) fn new(seq: u64, fault: &str) -> Self {
        Self { seq, fault: fault.to_owned() }
    }
}

impl Session {
    /// Reads the organisation's records from the first to the last, and finds the changed, the missing and the
    /// cut-off ones, by the heads that were signed and stored also where the database's own end was cut back with them.
    /// Of the operator's organisation, finds the organisations besides that are gone with all of their records.
    pub async fn verify_audit(&self) -> Result<AuditCheck> {
        self.metered(Ask::new(Action::AuditRead), async |permit| {
            Ok((self.checked_audit(permit).await?, Usage::Settled))
        })
        .await
    }

    async fn checked_audit(&self, permit: &Permit) -> Result<AuditCheck> {
        let (core, org) = (&self.core, permit.org()?);
        let mut check = AuditCheck::default();
        // Read first: what is written meanwhile makes the chain longer, never shorter.
        let mut heads = core.signed_heads(org, &mut check).await?;
        check.signed = heads.keys().next_back().copied().unwrap_or(0);
        let end = core.auth.audit_head(org).await?.map_or(0, |head| head.seq);
        let last = self.follow(org, &mut heads, &mut check).await?;
        let cut_off = (last < end).then(|| AuditFault::new(last + 1, "the entries from here on are cut off"));
        check.faults.extend(missing(&heads, last).or(cut_off));
        if permit.caller.org()?.org.operator {
            core.lost_organizations(&mut check).await?;
        }
        Ok(check)
    }

    /// Holds each entry to the one before it, and to what was signed; answers the place of the last.
    async fn follow(&self, org: OrgId, heads: &mut Signed, check: &mut AuditCheck) -> Result<u64> {
        let mut head: Option<AuditHead> = None;
        let mut query = PageQuery { limit: PageQuery::MOST, cursor: None };
        loop {
            let page = self.core.auth.audit(org, &query).await?;
            for entry in page.items {
                let fault = self.core.seal.fault(head.as_ref(), &entry);
                check.faults.extend(fault.map(|fault| AuditFault::new(entry.seq, fault)));
                check.entries += 1;
                let this = AuditHead { seq: entry.seq, hash: entry.hash };
                check.faults.extend(compare(heads, &this));
                head = Some(this);
            }
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                return Ok(head.map_or(0, |head| head.seq));
            }
        }
    }
}
