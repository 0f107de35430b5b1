//! Who did what: a chain per organisation, in which a changed, missing or cut-off entry shows.

use std::{collections::BTreeMap, fmt, iter};

use jiff::Timestamp;
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{AuditId, KeyId, OrgId, UserId},
    seal::MasterKey,
    secret::hex,
};

/// Who acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A person.
    User(UserId),
    /// An API key.
    Key(KeyId),
    /// The installation itself: a command on the server, or an embedding program.
    System,
    /// Nobody known.
    Visitor,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => id.fmt(f),
            Self::Key(id) => id.fmt(f),
            Self::System => f.write_str("system"),
            Self::Visitor => f.write_str("visitor"),
        }
    }
}

/// What is to be recorded. Never holds a secret.
#[derive(Debug, Clone)]
pub struct AuditDraft {
    /// Its id.
    pub id: AuditId,
    /// In whose chain.
    pub org: OrgId,
    /// When.
    pub at: Timestamp,
    /// Who, as text.
    pub actor: String,
    /// What was done, such as `key.create`.
    pub action: String,
    /// To what: an id.
    pub target: String,
    /// From which address.
    pub address: Option<String>,
    /// The request it was done in.
    pub request_id: String,
    /// What else matters.
    pub detail: BTreeMap<String, String>,
}

/// A recorded entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of `AuditDraft`, and the three of the chain")]
pub struct AuditEntry {
    pub id: AuditId,
    pub org: OrgId,
    /// Its place in the chain, from 1, without gaps.
    pub seq: u64,
    pub at: Timestamp,
    pub actor: String,
    pub action: String,
    pub target: String,
    pub address: Option<String>,
    pub request_id: String,
    pub detail: BTreeMap<String, String>,
    /// The hash of the entry before, in hexadecimal; empty at the start.
    pub previous: String,
    /// HMAC-SHA-256 over all of the above, in hexadecimal.
    pub hash: String,
}

/// Where a chain ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead {
    /// The last entry's place.
    pub seq: u64,
    /// The last entry's hash.
    pub hash: String,
}

/// Where a chain ended at some time, signed under the master key. Kept apart from the database, it shows that entries
/// were cut off, however the database looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedHead {
    /// Whose chain.
    pub org: OrgId,
    /// Where it ended.
    #[serde(flatten)]
    pub head: AuditHead,
    /// When it was signed.
    pub at: Timestamp,
    /// HMAC-SHA-256 over all of the above, in hexadecimal.
    pub signature: String,
}

/// Links entries into a chain, and finds what does not belong, under a key that the database does not hold.
#[derive(Clone)]
pub struct AuditSeal {
    /// Links new entries.
    key: hmac::Key,
    /// The master key's versions before: entries linked under them still hold.
    older: Vec<hmac::Key>,
}

impl fmt::Debug for AuditSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditSeal(..)")
    }
}

impl AuditSeal {
    /// A seal under that key.
    pub fn new(key: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key), older: Vec::new() }
    }

    /// The installation's seal, which also knows what was linked before its master key was rotated.
    pub fn of(master: &MasterKey) -> Self {
        let older = master.derive_older("audit");
        let older = older.iter().map(|key| hmac::Key::new(hmac::HMAC_SHA256, key)).collect();
        Self { older, ..Self::new(&master.derive("audit")) }
    }

    /// The entry that follows `head`.
    pub fn link(&self, head: Option<&AuditHead>, draft: &AuditDraft) -> AuditEntry {
        let mut entry = AuditEntry {
            id: draft.id,
            org: draft.org,
            seq: head.map_or(1, |head| head.seq + 1),
            at: draft.at,
            actor: draft.actor.clone(),
            action: draft.action.clone(),
            target: draft.target.clone(),
            address: draft.address.clone(),
            request_id: draft.request_id.clone(),
            detail: draft.detail.clone(),
            previous: head.map(|head| head.hash.clone()).unwrap_or_default(),
            hash: String::new(),
        };
        entry.hash = hash(&self.key, &entry);
        entry
    }

    /// Why `entry` does not follow `head`; `None` where it does.
    pub fn fault(&self, head: Option<&AuditHead>, entry: &AuditEntry) -> Option<&'static str> {
        if entry.seq != head.map_or(1, |head| head.seq + 1) {
            return Some("an entry is missing before it");
        }
        if entry.previous != head.map(|head| head.hash.as_str()).unwrap_or_default() {
            return Some("it does not follow the entry before it");
        }
        (!self.keys().any(|key| hash(key, entry) == entry.hash)).then_some("it was changed")
    }

    /// Where an organisation's chain ended at that time, signed: what a store keeps beside the database.
    pub fn sign(&self, org: OrgId, head: &AuditHead, at: Timestamp) -> SignedHead {
        let mut signed = SignedHead { org, head: head.clone(), at, signature: String::new() };
        signed.signature = signature(&self.key, &signed);
        signed
    }

    /// Whether this installation signed it as it is.
    pub fn has_signed(&self, signed: &SignedHead) -> bool {
        self.keys().any(|key| signature(key, signed) == signed.signature)
    }

    fn keys(&self) -> impl Iterator<Item = &hmac::Key> {
        iter::once(&self.key).chain(&self.older)
    }
}

fn signature(key: &hmac::Key, signed: &SignedHead) -> String {
    let SignedHead { org, head: AuditHead { seq, hash }, at, .. } = signed;
    let at = at.as_microsecond().to_string();
    mac(key, &["odavl audit head 1", &org.to_string(), &seq.to_string(), hash, &at])
}

fn hash(key: &hmac::Key, entry: &AuditEntry) -> String {
    let (id, org, seq) = (entry.id.to_string(), entry.org.to_string(), entry.seq.to_string());
    let at = entry.at.as_microsecond().to_string();
    let mut fields = vec!["odavl audit 1", &id, &org, &seq, &at, &entry.actor, &entry.action, &entry.target];
    fields.extend([&*entry.request_id, &entry.previous, entry.address.as_deref().unwrap_or("-")]);
    fields.extend(entry.detail.iter().flat_map(|(name, value)| [name.as_str(), value]));
    mac(key, &fields)
}

/// Each field goes in with its length, so that no two records have the same bytes.
fn mac(key: &hmac::Key, fields: &[&str]) -> String {
    let mut context = hmac::Context::with_key(key);
    for field in fields {
        let length = u64::try_from(field.len()).unwrap_or(u64::MAX);
        context.update(&length.to_be_bytes());
        context.update(field.as_bytes());
    }
    hex(context.sign().as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(seal: &AuditSeal) -> Vec<AuditEntry> {
        let org = OrgId::new(Timestamp::UNIX_EPOCH).unwrap();
        let mut entries: Vec<AuditEntry> = Vec::new();
        for action in ["key.create", "key.rotate", "key.revoke"] {
            let draft = AuditDraft {
                id: AuditId::new(Timestamp::UNIX_EPOCH).unwrap(),
                org,
                at: Timestamp::UNIX_EPOCH,
                actor: Actor::System.to_string(),
                action: action.into(),
                target: "key".into(),
                address: None,
                request_id: String::new(),
                detail: BTreeMap::new(),
            };
            let head = entries.last().map(|last| AuditHead { seq: last.seq, hash: last.hash.clone() });
            entries.push(seal.link(head.as_ref(), &draft));
        }
        entries
    }

    fn faults(seal: &AuditSeal, entries: &[AuditEntry]) -> Vec<&'static str> {
        let mut head = None;
        let mut faults = Vec::new();
        for entry in entries {
            faults.extend(seal.fault(head.as_ref(), entry));
            head = Some(AuditHead { seq: entry.seq, hash: entry.hash.clone() });
        }
        faults
    }

    #[test]
    fn a_changed_a_missing_and_a_forged_entry_show() {
        let seal = AuditSeal::new(&[7; 32]);
        let whole = chain(&seal);
        assert!(faults(&seal, &whole).is_empty());

        let mut changed = whole.clone();
        changed[1].actor = "usr_other".into();
        assert_eq!(faults(&seal, &changed), ["it was changed"]);

        let missing = [whole[0].clone(), whole[2].clone()];
        assert_eq!(faults(&seal, &missing), ["an entry is missing before it"]);

        let forged = chain(&AuditSeal::new(&[8; 32]));
        assert!(!faults(&seal, &forged).is_empty());
    }

    #[test]
    fn a_signed_head_that_was_changed_or_forged_shows_and_an_entry_is_none() {
        let seal = AuditSeal::new(&[7; 32]);
        let last = chain(&seal).pop().unwrap();
        let head = AuditHead { seq: last.seq, hash: last.hash.clone() };
        let signed = seal.sign(last.org, &head, last.at);
        let text = serde_json::to_string(&signed).unwrap();
        assert!(seal.has_signed(&serde_json::from_str(&text).unwrap()));
        let other = OrgId::new(Timestamp::UNIX_EPOCH).unwrap();
        let shorter = AuditHead { seq: 2, ..head.clone() };
        for changed in [
            SignedHead { org: other, ..signed.clone() },
            SignedHead { head: shorter, ..signed.clone() },
            SignedHead { at: Timestamp::MAX, ..signed.clone() },
            SignedHead { signature: last.hash, ..signed.clone() },
            AuditSeal::new(&[8; 32]).sign(last.org, &head, last.at),
        ] {
            assert!(!seal.has_signed(&changed), "{changed:?}");
        }
    }

    #[test]
    fn a_chain_holds_across_a_rotation_of_the_master_key() {
        let (old, new) = ("01".repeat(32), "02".repeat(32));
        let before = AuditSeal::of(&old.parse().unwrap());
        let after = AuditSeal::of(&format!("{old} {new}").parse().unwrap());
        let head = AuditHead { seq: 1, hash: String::new() };
        let org = OrgId::new(Timestamp::UNIX_EPOCH).unwrap();
        assert!(after.has_signed(&before.sign(org, &head, Timestamp::UNIX_EPOCH)));
        assert!(faults(&after, &chain(&before)).is_empty());
        assert!(!faults(&before, &chain(&after)).is_empty());
    }
}
