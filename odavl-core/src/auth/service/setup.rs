//! The first person and the first organisations.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{
    keys::check_name,
    signin::{BrowserLogin, browser_login},
};
use crate::{
    action::Action,
    auth::{
        Access, Actor, AuditDraft, Change, Email, Membership, Organization, Role, SetupLink, Slug, User,
        opaque,
    },
    error::{Error, Result},
    ids::{AuditId, OrgId, UserId},
    metering::Allowances,
    odavl::{Core, Odavl},
    secret::{Digest, Secret},
    session::{Ask, Session, Usage},
};

/// How long a set-up link works.
const LINK_LIFE: SignedDuration = SignedDuration::from_mins(30);

/// The slug of the operator's organisation.
pub const OPERATOR: &str = "operator";

/// Who sets an installation up.
#[derive(Debug, Clone)]
pub struct SetUp {
    /// What they sign in with.
    pub email: Email,
    /// What they are called.
    pub name: String,
    /// Their password.
    pub password: Secret<String>,
    /// The first organisation to work in.
    pub organization: Slug,
}

impl Odavl {
    /// A new one-time set-up link; `None` where there is a person already. The link before stops working.
    pub async fn set_up_link(&self) -> Result<Option<Secret<String>>> {
        let core = self.core();
        if core.auth.is_set_up().await? {
            return Ok(None);
        }
        let secret = opaque::secret()?;
        let link =
            SetupLink { digest: Digest::of(secret.as_bytes()), expires_at: core.clock.now() + LINK_LIFE };
        match core.write(vec![Change::PutSetup(link)], Vec::new(), Vec::new()).await {
            Ok(()) => Ok(Some(Secret::new(format!("{}/setup?link={secret}", core.settings.public_url)))),
            // Another node was faster.
            Err(Error::Conflict(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes the first person and the first organisations from the server's own command line, without a link.
    ///
    /// # Errors
    /// `conflict` where there is a person already.
    pub async fn set_up(&self, wish: SetUp) -> Result<UserId> {
        let core = self.core();
        // The link that nobody was shown makes sure, in the transaction, that nobody else was first.
        let secret = opaque::secret()?;
        let now = core.clock.now();
        let link = SetupLink { digest: Digest::of(secret.as_bytes()), expires_at: now + LINK_LIFE };
        let first = core.first(&wish, now).await?;
        let audit = first.audit(Actor::System, None, "")?;
        core.write(vec![Change::PutSetup(link.clone())], Vec::new(), Vec::new()).await?;
        let user = first.user.id;
        let mut changes = first.changes();
        changes.push(Change::ClaimSetup { digest: link.digest, at: now });
        core.write(changes, Vec::new(), audit).await?;
        Ok(user)
    }
}

impl Session {
    /// Makes the first person and the first organisations, once, for whoever has the set-up link.
    ///
    /// # Errors
    /// `not_found` for a link that is wrong, used or too old.
    pub async fn set_up(&self, link: &Secret<String>, wish: SetUp) -> Result<BrowserLogin> {
        self.metered(Ask::new(Action::SetUp), async |permit| {
            let first = self.core.first(&wish, permit.at).await?;
            let address = self.context.address.map(|address| address.to_string());
            let audit =
                first.audit(Actor::User(first.user.id), address.as_deref(), &self.context.request_id)?;
            let (login, browser) = browser_login(&self.core, first.user.id, address, permit.at)?;
            let mut changes = first.changes();
            let digest = Digest::of(link.reveal().as_bytes());
            changes.insert(0, Change::ClaimSetup { digest, at: permit.at });
            changes.push(Change::AddLogin(Box::new(login)));
            self.core.write(changes, Vec::new(), audit).await?;
            Ok((browser, Usage::Settled))
        })
        .await
    }
}

/// What set-up makes.
struct First {
    user: User,
    orgs: [Organization; 2],
    at: Timestamp,
}

impl Core {
    async fn first(&self, wish: &SetUp, at: Timestamp) -> Result<First> {
        check_name(&wish.name)?;
        let operator: Slug = OPERATOR.parse()?;
        if wish.organization == operator {
            return Err(Error::invalid("`operator` is the name of the operator's own organisation"));
        }
        let password = self.sign_in.passwords.hash(wish.password.clone()).await?;
        let user = User {
            id: UserId::new(at)?,
            email: wish.email.clone(),
            name: wish.name.clone(),
            password: Some(password),
            instance: Some(Access::Admin),
            disabled: false,
            created_at: at,
            rev: 0,
        };
        let org = |slug: &Slug, operator| -> Result<Organization> {
            Ok(Organization {
                id: OrgId::new(at)?,
                name: slug.to_string(),
                slug: slug.clone(),
                plan: self.settings.catalog.default_plan.clone(),
                external_id: None,
                metadata: BTreeMap::new(),
                overrides: Allowances::new(),
                operator,
                suspended: false,
                epoch: 0,
                created_at: at,
                rev: 0,
            })
        };
        Ok(First { user, orgs: [org(&operator, true)?, org(&wish.organization, false)?], at })
    }
}

impl First {
    fn changes(&self) -> Vec<Change> {
        let mut changes = vec![Change::AddUser(self.user.clone())];
        for org in &self.orgs {
            changes.push(Change::AddOrg(org.clone()));
            let member =
                Membership { org: org.id, user: self.user.id, role: Role::Owner, created_at: self.at };
            changes.push(Change::PutMember(member));
        }
        changes
    }

    fn audit(&self, actor: Actor, address: Option<&str>, request_id: &str) -> Result<Vec<AuditDraft>> {
        let draft = |org: &Organization| {
            Ok(AuditDraft {
                id: AuditId::new(self.at)?,
                org: org.id,
                at: self.at,
                actor: actor.to_string(),
                action: Action::SetUp.row().name.to_owned(),
                target: self.user.id.to_string(),
                address: address.map(str::to_owned),
                request_id: request_id.to_owned(),
                detail: BTreeMap::new(),
            })
        };
        self.orgs.iter().map(draft).collect()
    }
}
