//! What is a person's own across organisations: where they belong, and where they are signed in.

use jiff::Timestamp;

use crate::{
    action::Action,
    auth::{Actor, LoginKind, Organization, Role, User},
    error::{Error, Reason, Result},
    ids::{SessionId, UserId},
    session::{Ask, Permit, Session, Usage},
};

/// A place where a person is signed in.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// Its id.
    pub id: SessionId,
    /// In a browser, or on a device.
    pub kind: LoginKind,
    /// The registered client.
    pub client_id: String,
    /// The slug of the organisation that a device is signed in for.
    pub organization: Option<String>,
    /// Where it came from, as text.
    pub address: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
    /// Whether it is the one that asks.
    pub current: bool,
}

impl Session {
    /// The person who is signed in; `None` for a key that the installation made.
    pub async fn account(&self) -> Result<Option<User>> {
        self.metered(Ask::new(Action::Me), async |permit| {
            let user = match person(permit) {
                Ok(id) => self.core.auth.user(id).await?,
                Err(_) => None,
            };
            Ok((user, Usage::Settled))
        })
        .await
    }

    /// The organisations that the person belongs to, with their role in each; the operator's own comes last.
    pub async fn organizations(&self) -> Result<Vec<(Organization, Role)>> {
        self.metered(Ask::new(Action::Me), async |permit| {
            let mut found = Vec::new();
            for member in self.core.auth.memberships(person(permit)?).await? {
                found.push((self.core.org_view(member.org).await?.org.clone(), member.role));
            }
            found.sort_by_key(|(org, _)| org.operator);
            Ok((found, Usage::Settled))
        })
        .await
    }

    /// Where the person is signed in now, the newest first.
    pub async fn sign_ins(&self) -> Result<Vec<SignIn>> {
        self.metered(Ask::new(Action::Me), async |permit| {
            let logins = self.core.auth.logins(person(permit)?).await?;
            let mut found = Vec::new();
            for login in logins.into_iter().rev().filter(|login| login.is_open(permit.at)) {
                let organization = match login.org {
                    Some(org) => Some(self.core.org_view(org).await?.org.slug.to_string()),
                    None => None,
                };
                found.push(SignIn {
                    id: login.id,
                    kind: login.kind,
                    client_id: login.client_id,
                    organization,
                    address: login.address,
                    created_at: login.created_at,
                    current: self.source.login() == Some(login.id),
                });
            }
            Ok((found, Usage::Settled))
        })
        .await
    }

    /// Ends one of the person's own sign-ins; of another person's, nothing is known.
    pub async fn end_sign_in(&self, id: SessionId) -> Result<()> {
        self.metered(Ask::new(Action::SignOut), async |permit| {
            let owner = person(permit)?;
            if self.core.auth.login(id).await?.is_none_or(|login| login.user != owner) {
                return Err(Error::not_found("sign-in", &id));
            }
            self.end_login(permit, id).await?;
            Ok(((), Usage::Settled))
        })
        .await
    }
}

/// Only a person has an account.
fn person(permit: &Permit) -> Result<UserId> {
    match permit.caller.actor {
        Actor::User(id) => Ok(id),
        _ => Err(Error::forbidden(Reason::InsufficientScope, "only a person has sign-ins")),
    }
}
