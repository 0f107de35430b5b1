//! People, for operators; and what a person does with their own account.

use super::keys::{check_name, unbounded};
use crate::{
    action::Action,
    auth::{Access, Actor, Change, Email, User},
    error::{Error, Reason, Result},
    ids::{OrgId, UserId},
    page::{Page, PageQuery},
    secret::Secret,
    session::{Ask, Permit, Session, Usage},
};

/// Who a new person is.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// What they sign in with.
    pub email: Email,
    /// What they are called.
    pub name: String,
    /// Their password; without one they cannot sign in until an operator sets it.
    pub password: Option<Secret<String>>,
}

/// What shall change about a person; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct UserUpdate {
    /// Whether they are locked out.
    pub disabled: Option<bool>,
    /// Their password: ends their sign-ins.
    pub password: Option<Secret<String>>,
    /// What they may do on the whole installation; `Some(None)`: nothing.
    pub instance: Option<Option<Access>>,
}

/// The use cases of people.
#[derive(Debug)]
pub struct Users<'a>(&'a Session);

impl Session {
    /// The people of the installation; for operators.
    pub fn users(&self) -> Users<'_> {
        Users(self)
    }
}

impl Users<'_> {
    /// Adds a person.
    pub async fn create(&self, wish: NewUser) -> Result<User> {
        check_name(&wish.name)?;
        self.0
            .metered(Ask::new(Action::UserCreate), async |permit| {
                unbounded(permit)?;
                let password = match wish.password {
                    Some(password) => Some(self.0.core.sign_in.passwords.hash(password).await?),
                    None => None,
                };
                let user = User {
                    id: UserId::new(permit.at)?,
                    email: wish.email,
                    name: wish.name,
                    password,
                    instance: None,
                    disabled: false,
                    created_at: permit.at,
                    rev: 0,
                };
                let record = self.0.record(permit, &user.id)?;
                self.0.core.write(vec![Change::AddUser(user.clone())], Vec::new(), vec![record]).await?;
                Ok((user, Usage::Settled))
            })
            .await
    }

    /// Everyone, in the order they were added.
    pub async fn list(&self, page: &PageQuery) -> Result<Page<User>> {
        self.0
            .metered(Ask::new(Action::UserList), async |_| {
                Ok((self.0.core.auth.users(page).await?, Usage::Settled))
            })
            .await
    }

    /// The person of that address.
    pub async fn find(&self, email: &Email) -> Result<User> {
        self.0
            .metered(Ask::new(Action::UserList), async |_| {
                let found = self.0.core.auth.user_by_email(email).await?;
                Ok((found.ok_or_else(|| Error::not_found("user", email))?, Usage::Settled))
            })
            .await
    }

    /// Locks a person out or in, sets their password, or what they may do on the whole installation.
    pub async fn update(&self, id: UserId, update: UserUpdate) -> Result<User> {
        self.0
            .metered(Ask::new(Action::UserUpdate), async |permit| {
                unbounded(permit)?;
                let found = self.0.core.auth.user(id).await?;
                let mut user = found.ok_or_else(|| Error::not_found("user", &id))?;
                may_change(permit, &user, &update)?;
                user.disabled = update.disabled.unwrap_or(user.disabled);
                user.instance = update.instance.unwrap_or(user.instance);
                let mut changes = Vec::new();
                if let Some(password) = update.password {
                    user.password = Some(self.0.core.sign_in.passwords.hash(password).await?);
                    changes.push(Change::EndLogins { user: id, except: None, at: permit.at });
                }
                changes.push(Change::SetUser(user.clone()));
                self.save(permit, id, changes).await?;
                user.rev += 1;
                Ok((user, Usage::Settled))
            })
            .await
    }

    /// What changes a person changes them in every organisation they belong to.
    async fn save(&self, permit: &Permit, id: UserId, changes: Vec<Change>) -> Result<()> {
        let core = &self.0.core;
        let orgs: Vec<OrgId> = core.auth.memberships(id).await?.iter().map(|member| member.org).collect();
        let record =
            self.0.record_in(permit, orgs.first().map_or_else(|| permit.org(), |org| Ok(*org))?, &id)?;
        core.write(changes, orgs, vec![record]).await
    }
}

/// What someone may do on the installation is given by its administrators. Whoever sets a person's password can sign
/// in as them, so nobody changes a person who may do more there than they.
fn may_change(permit: &Permit, user: &User, update: &UserUpdate) -> Result<()> {
    let needed = if update.instance.is_some() { Some(Access::Admin) } else { user.instance };
    match needed.filter(|access| !permit.caller.scopes.allow("instance", *access)) {
        None => Ok(()),
        Some(access) => {
            let detail = format!("this needs the scope instance:{}", access.as_str());
            Err(Error::forbidden(Reason::InsufficientScope, detail))
        }
    }
}

impl Session {
    /// Changes one's own password; every other sign-in ends.
    ///
    /// # Errors
    /// `unauthenticated` where the present password is wrong.
    pub async fn change_password(&self, present: Secret<String>, new: Secret<String>) -> Result<()> {
        self.metered(Ask::new(Action::PasswordChange), async |permit| {
            let Actor::User(id) = permit.caller.actor else {
                return Err(Error::forbidden(Reason::InsufficientScope, "only a person has a password"));
            };
            let names = [format!("password {id}")];
            self.core.sign_in.attempts.check(&names, permit.at)?;
            let mut user = self.core.auth.user(id).await?.ok_or_else(|| Error::not_found("user", &id))?;
            if !self.core.sign_in.passwords.verify(present, user.password.clone()).await? {
                self.core.sign_in.attempts.failed(&names, permit.at);
                return Err(Error::unauthenticated(Reason::Unknown, "the present password is wrong"));
            }
            user.password = Some(self.core.sign_in.passwords.hash(new).await?);
            let ended = Change::EndLogins { user: id, except: self.source.login(), at: permit.at };
            Users(self).save(permit, id, vec![Change::SetUser(user), ended]).await?;
            Ok(((), Usage::Settled))
        })
        .await
    }
}
