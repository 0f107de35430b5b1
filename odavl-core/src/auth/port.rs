//! The Auth port: rows in, rows out; every change in one transaction with the audit entry that records it.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    audit::{AuditDraft, AuditEntry, AuditHead, AuditSeal},
    device::DeviceGrant,
    key::ApiKey,
    lease::{Lease, LeaseWish},
    login::{Login, SetupLink, SigningKey},
    org::{Membership, OrgRef, Organization, Project, Slug},
    reply::Reply,
    user::{Email, User},
};
use crate::{
    error::Result,
    ids::{KeyId, OrgId, SessionId, UserId},
    page::{Page, PageQuery},
    secret::Digest,
};

/// One change to a row.
///
/// `Add*` refuses what is there (`already_exists`); `Set*` replaces a row whose `rev` is still the given one and
/// raises it by one (`conflict` otherwise, `not_found` where there is none); ids and organisations stay. What
/// names an organisation, a person or a member that is not there is `not_found`. Each change sees those before it.
#[derive(Debug, Clone)]
pub enum Change {
    /// Adds a person.
    AddUser(User),
    /// Changes a person. The last one who may administer the installation stays so (`conflict`).
    SetUser(User),
    /// Adds an organisation.
    AddOrg(Organization),
    /// Changes an organisation; its epoch is not taken from the row (see [`Write::bump`]).
    SetOrg(Organization),
    /// Adds a member, or changes their role. The last owner of an organisation stays one (`conflict`).
    PutMember(Membership),
    /// Removes a member. The last owner stays (`conflict`).
    RemoveMember {
        /// From which organisation.
        org: OrgId,
        /// Whom.
        user: UserId,
    },
    /// Adds a project.
    AddProject(Project),
    /// Adds a key where fewer than `most` of the organisation's keys are active at the key's `created_at`.
    AddKey {
        /// The key.
        key: Box<ApiKey>,
        /// How many keys may be active; `None` is unlimited. Past it: `precondition_failed`, which the use case
        /// answers as a refused limit.
        most: Option<u64>,
    },
    /// Changes a key; its last use is not taken from the row (see [`Auth::touch_keys`]).
    SetKey(Box<ApiKey>),
    /// Adds a sign-in.
    AddLogin(Box<Login>),
    /// Changes a sign-in.
    SetLogin(Box<Login>),
    /// Revokes every open sign-in of a person, but for one.
    EndLogins {
        /// Whose.
        user: UserId,
        /// Which one stays.
        except: Option<SessionId>,
        /// When.
        at: Timestamp,
    },
    /// Adds a device's request.
    AddDevice(Box<DeviceGrant>),
    /// Changes a device's request.
    SetDevice(Box<DeviceGrant>),
    /// Sets the set-up link in place of any before. Refused where there is a person (`conflict`).
    PutSetup(SetupLink),
    /// Takes the set-up link of that digest, open at that time, away (`not_found` where there is none such).
    ClaimSetup {
        /// The digest of its secret.
        digest: Digest,
        /// Now.
        at: Timestamp,
    },
    /// Notes what a request with an idempotency key made (`already_exists` where it is noted).
    AddReply(Reply),
    /// Removes notes and device requests that expired, and sign-ins that ended or were revoked, before that time.
    DropEnded {
        /// Before when.
        at: Timestamp,
    },
    /// Adds a signing key.
    AddSigningKey(SigningKey),
    /// Removes the signing keys that have retired by that time.
    DropSigningKeys {
        /// Now.
        at: Timestamp,
    },
    /// Changes nothing. Refused where the lease of that name has been taken over, or was never held (`conflict`).
    UnderLease {
        /// The work that it is for.
        name: String,
        /// The fence that the writer holds it by.
        fence: u64,
    },
    /// Sets what the master key is known by. Refused where it is not `from` before, `None` being nothing (`conflict`).
    PutKeyCheck {
        /// What is there.
        from: Option<Digest>,
        /// What is there afterwards.
        to: Digest,
    },
}

/// Changes that happen together or not at all.
#[derive(Debug, Clone)]
pub struct Write {
    /// The changes, in order.
    pub changes: Vec<Change>,
    /// The organisations whose epoch rises by one.
    pub bump: Vec<OrgId>,
    /// What is recorded, each at the end of its organisation's chain.
    pub audit: Vec<AuditDraft>,
    /// Links the records.
    pub seal: AuditSeal,
}

/// How far the bumps of organisations were told. Places of another source, such as a server that took the place of a
/// lost one, say nothing here; nor does one that is further than the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What counts; 0 or more.
    pub source: i64,
    /// How far it had come: all before it was told.
    pub at: i64,
    /// What beyond it was told, in the adapter's own words.
    pub seen: String,
}

impl Place {
    /// Whether it follows the other: then all that was bumped between the two was told.
    pub const fn follows(&self, before: &Self) -> bool {
        self.source == before.source && self.at >= before.at
    }
}

/// The organisations that were bumped from one place to another.
#[derive(Debug, Clone)]
pub struct Bumps {
    /// Where to go on.
    pub place: Place,
    /// Each with its epoch now; some may have been told before.
    pub bumped: Vec<(OrgId, u64)>,
}

/// Keeps people, organisations, keys and sign-ins.
///
/// # Behavior
/// - A write happens whole, with its audit entries and epochs, or not at all.
/// - A row of one organisation is never answered for another.
/// - An e-mail address, a slug, an external id and a project's slug in its organisation are unique.
/// - A change based on an older row is a conflict, and changes nothing.
/// - Of two claims of one set-up link or one device code, one succeeds.
/// - The audit chain of an organisation has no gap and no fork, whoever writes.
/// - Of two notes of one idempotency key, one is kept; what was to be written with the other is not.
/// - A lease is held by one node at a time; its fence rises when it is taken over, and when it ended in between.
/// - Lists are in order of id (audit: of `seq`), in pages, each item once; a cursor of another list is refused.
/// - Every bump that is committed when bumps are asked for, and was not when the place was told that they are asked
///   from, is among them, in whatever order writes begin and commit; at a place that does not follow, nothing is.
/// - Times are kept to the microsecond.
#[async_trait]
pub trait Auth: Debug + Send + Sync + 'static {
    /// Applies the changes; answers the new epoch of each organisation that was bumped, in order.
    async fn write(&self, write: Write) -> Result<Vec<(OrgId, u64)>>;

    /// The person of that id.
    async fn user(&self, id: UserId) -> Result<Option<User>>;
    /// The person of that address.
    async fn user_by_email(&self, email: &Email) -> Result<Option<User>>;
    /// All people; the cursor is an id.
    async fn users(&self, page: &PageQuery) -> Result<Page<User>>;

    /// The organisation that is named so.
    async fn org(&self, name: &OrgRef) -> Result<Option<Organization>>;
    /// All organisations; the cursor is an id.
    async fn orgs(&self, page: &PageQuery) -> Result<Page<Organization>>;
    /// The organisation's epoch now.
    async fn epoch(&self, org: OrgId) -> Result<Option<u64>>;
    /// The organisations that were bumped since that place; from none, where that is now.
    async fn bumps(&self, since: Option<Place>) -> Result<Bumps>;
    /// Returns when an organisation may have been bumped, wherever that was. A hint: it may come without reason, and
    /// never where the adapter hears of nothing.
    async fn announced(&self) {
        std::future::pending::<()>().await;
    }

    /// A person's membership of an organisation.
    async fn membership(&self, org: OrgId, user: UserId) -> Result<Option<Membership>>;
    /// A person's memberships, oldest first, and those of one time in order of organisation: whoever adds them somewhere
    /// later changes nothing of where they are first.
    async fn memberships(&self, user: UserId) -> Result<Vec<Membership>>;
    /// An organisation's members; the cursor is a person's id.
    async fn members(&self, org: OrgId, page: &PageQuery) -> Result<Page<(Membership, User)>>;

    /// A project by its slug.
    async fn project(&self, org: OrgId, slug: &Slug) -> Result<Option<Project>>;
    /// An organisation's projects; the cursor is an id.
    async fn projects(&self, org: OrgId, page: &PageQuery) -> Result<Page<Project>>;

    /// The key of that id, whosever it is: what a credential is checked against.
    async fn key(&self, id: KeyId) -> Result<Option<ApiKey>>;
    /// An organisation's keys; the cursor is an id.
    async fn keys(&self, org: OrgId, page: &PageQuery) -> Result<Page<ApiKey>>;
    /// How many of an organisation's keys are active at that time.
    async fn active_keys(&self, org: OrgId, at: Timestamp) -> Result<u64>;
    /// Records when keys were last used. A hint: it needs no audit, and may be lost.
    async fn touch_keys(&self, used: &[(OrgId, KeyId, Timestamp)]) -> Result<()>;

    /// The sign-in of that id.
    async fn login(&self, id: SessionId) -> Result<Option<Login>>;
    /// A person's sign-ins that are not revoked, in order of id.
    async fn logins(&self, user: UserId) -> Result<Vec<Login>>;

    /// The device's request by the digest of the device's code.
    async fn device(&self, device_code: &Digest) -> Result<Option<DeviceGrant>>;
    /// The device's request by the digest of the person's code.
    async fn device_by_user_code(&self, user_code: &Digest) -> Result<Option<DeviceGrant>>;

    /// The signing keys, oldest first.
    async fn signing_keys(&self) -> Result<Vec<SigningKey>>;
    /// What a request with that idempotency key made, where it is still known.
    async fn reply(&self, org: OrgId, key: &Digest) -> Result<Option<Reply>>;
    /// Whether there is a person yet.
    async fn is_set_up(&self) -> Result<bool>;

    /// Holds the lease, from now on or for longer; `None` while another node does. By the database's clock, where it has
    /// one.
    async fn take_lease(&self, wish: &LeaseWish) -> Result<Option<Lease>>;
    /// What the master key is known by.
    async fn key_check(&self) -> Result<Option<Digest>>;
    /// The time by the database's clock; `None` where that is the node's own.
    async fn time(&self) -> Result<Option<Timestamp>>;

    /// An organisation's records, oldest first; the cursor is a `seq`.
    async fn audit(&self, org: OrgId, page: &PageQuery) -> Result<Page<AuditEntry>>;
    /// Where an organisation's chain ends.
    async fn audit_head(&self, org: OrgId) -> Result<Option<AuditHead>>;
}
