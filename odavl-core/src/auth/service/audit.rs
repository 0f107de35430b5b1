//! Whether the records of an organisation are whole.

use serde::Serialize;

use crate::{
    action::Action,
    auth::AuditHead,
    error::Result,
    page::PageQuery,
    session::{Ask, Permit, Session, Usage},
};

/// What a check of an organisation's records found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditCheck {
    /// How many entries were read.
    pub entries: u64,
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

impl Session {
    /// Reads the organisation's records from the first to the last, and finds the changed, the missing and the
    /// cut-off ones.
    pub async fn verify_audit(&self) -> Result<AuditCheck> {
        self.metered(Ask::new(Action::AuditRead), async |permit| {
            Ok((self.checked_audit(permit).await?, Usage::Settled))
        })
        .await
    }

    async fn checked_audit(&self, permit: &Permit) -> Result<AuditCheck> {
        let (core, org) = (&self.core, permit.org()?);
        // Read first: what is written meanwhile makes the chain longer, never shorter.
        let end = core.auth.audit_head(org).await?.map_or(0, |head| head.seq);
        let mut check = AuditCheck { entries: 0, faults: Vec::new() };
        let mut head: Option<AuditHead> = None;
        let mut query = PageQuery { limit: PageQuery::MOST, cursor: None };
        loop {
            let page = core.auth.audit(org, &query).await?;
            for entry in page.items {
                if let Some(fault) = core.seal.fault(head.as_ref(), &entry) {
                    check.faults.push(AuditFault { seq: entry.seq, fault: fault.to_owned() });
                }
                check.entries += 1;
                head = Some(AuditHead { seq: entry.seq, hash: entry.hash });
            }
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                break;
            }
        }
        let last = head.map_or(0, |head| head.seq);
        if last < end {
            check
                .faults
                .push(AuditFault { seq: last + 1, fault: "the entries from here on are cut off".to_owned() });
        }
        Ok(check)
    }
}
