//! Device authorisation (RFC 8628): asked for in a terminal, looked at and answered in a browser.

use jiff::{SignedDuration, Timestamp};

use super::tokens::{TokenRefusal, Tokens};
use crate::{
    action::Action,
    auth::{
        Change, DeviceGrant, DeviceState, Login, LoginKind, Membership, Organization, Scopes, UserCode,
        attempts::EVERYBODY, opaque,
    },
    error::{Error, Reason, Result},
    ids::{OrgId, SessionId, UserId},
    secret::{Digest, Secret},
    session::{Ask, Permit, Session, Usage},
};

/// How long the codes work.
const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);
/// How many seconds a device waits between polls, and by how many each `slow_down` raises it.
const INTERVAL: u32 = 5;
/// How long a family of refresh tokens may go on.
const FAMILY_LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);
const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What a device is given to show and to poll with.
#[derive(Debug, Clone)]
pub struct DeviceCodes {
    /// What the device polls with.
    pub device_code: Secret<String>,
    /// What the person types.
    pub user_code: UserCode,
    /// Where they type it.
    pub verification_uri: String,
    /// How many seconds the codes work.
    pub expires_in: i64,
    /// How many seconds to wait between polls.
    pub interval: u32,
}

/// A device's request, as the person sees it before answering.
#[derive(Debug, Clone)]
pub struct DeviceRequest {
    /// The client.
    pub client_id: String,
    /// Where it asked from.
    pub address: Option<String>,
    /// When.
    pub created_at: Timestamp,
    /// What it asked for; empty: all that the person may do.
    pub scopes: Scopes,
    /// The organisations that it can be signed in for, with what the person may give in each.
    pub choices: Vec<(Organization, Scopes)>,
}

/// The use cases of device authorisation.
#[derive(Debug)]
pub struct Devices<'a>(&'a Session);

impl Session {
    /// Signing in on another device.
    pub fn devices(&self) -> Devices<'_> {
        Devices(self)
    }
}

impl Devices<'_> {
    /// Asks to be signed in: what a terminal does first.
    ///
    /// # Errors
    /// `not_found` for a client that is not registered, `invalid_input` for unknown scopes.
    pub async fn ask(&self, client_id: &str, scopes: Scopes) -> Result<DeviceCodes> {
        let core = &self.0.core;
        if !core.settings.knows_client(client_id) {
            return Err(Error::not_found("client", &client_id.escape_default()));
        }
        scopes.check_known(&core.settings.catalog.resources)?;
        self.0
            .metered(Ask::new(Action::DeviceCode), async |permit| {
                let device_code = opaque::secret()?;
                let user_code = UserCode::new()?;
                let grant = DeviceGrant {
                    device_code: Digest::of(device_code.as_bytes()),
                    user_code: user_code.digest(),
                    client_id: client_id.to_owned(),
                    scopes,
                    address: self.0.address(),
                    state: DeviceState::Pending,
                    interval: INTERVAL,
                    polled_at: None,
                    created_at: permit.at,
                    expires_at: permit.at + CODE_LIFE,
                    rev: 0,
                };
                core.write(vec![Change::AddDevice(Box::new(grant))], Vec::new(), Vec::new()).await?;
                let codes = DeviceCodes {
                    device_code: Secret::new(device_code),
                    user_code,
                    verification_uri: format!("{}/device", core.settings.public_url),
                    expires_in: CODE_LIFE.as_secs(),
                    interval: INTERVAL,
                };
                Ok((codes, Usage::Settled))
            })
            .await
    }

    /// The request behind the code that a signed-in person typed.
    ///
    /// # Errors
    /// `not_found` for a code that is wrong, answered or too old; `rate_limited` after several of those.
    pub async fn look(&self, code: &str) -> Result<DeviceRequest> {
        self.0
            .metered(Ask::new(Action::DeviceApprove), async |permit| {
                let grant = self.pending(permit, code).await?;
                let request = DeviceRequest {
                    client_id: grant.client_id,
                    address: grant.address,
                    created_at: grant.created_at,
                    choices: self.choices(permit, &grant.scopes).await?,
                    scopes: grant.scopes,
                };
                Ok((request, Usage::Settled))
            })
            .await
    }

    /// Says yes: the device is signed in as this person, for that organisation, with those scopes.
    ///
    /// # Errors
    /// `forbidden` for scopes that the person lacks there, or that the device did not ask for.
    pub async fn approve(&self, code: &str, org: OrgId, scopes: Scopes) -> Result<()> {
        self.0
            .metered(Ask::new(Action::DeviceApprove), async |permit| {
                let mut grant = self.pending(permit, code).await?;
                let choices = self.choices(permit, &grant.scopes).await?;
                let choice = choices.into_iter().find(|(choice, _)| choice.id == org);
                let (_, most) = choice.ok_or_else(|| Error::not_found("organization", &org))?;
                if scopes.is_empty() || !most.cover(&scopes) {
                    let detail = "those scopes cannot be given to this device";
                    return Err(Error::forbidden(Reason::InsufficientScope, detail));
                }
                grant.state = DeviceState::Approved { user: person(permit)?, org, scopes };
                self.answer(permit, org, grant).await
            })
            .await
    }

    /// Says no.
    pub async fn deny(&self, code: &str) -> Result<()> {
        self.0
            .metered(Ask::new(Action::DeviceApprove), async |permit| {
                let mut grant = self.pending(permit, code).await?;
                grant.state = DeviceState::Denied;
                let members = self.0.core.auth.memberships(person(permit)?).await?;
                let member = members.first().ok_or_else(|| {
                    Error::Conflict("you belong to no organization, so nothing can record your answer".into())
                })?;
                self.answer(permit, member.org, grant).await
            })
            .await
    }

    async fn answer(&self, permit: &Permit, org: OrgId, grant: DeviceGrant) -> Result<((), Usage)> {
        let mut record = self.0.record_in(permit, org, &grant.client_id)?;
        let answer = if grant.state == DeviceState::Denied { "denied" } else { "approved" };
        record.detail.insert("answer".to_owned(), answer.to_owned());
        self.0.core.write(vec![Change::SetDevice(Box::new(grant))], Vec::new(), vec![record]).await?;
        Ok(((), Usage::Settled))
    }

    /// The open request of that code. Wrong codes are counted by account, by address, and in all.
    async fn pending(&self, permit: &Permit, code: &str) -> Result<DeviceGrant> {
        person(permit)?;
        let everybody = format!("{EVERYBODY} code");
        let names = [format!("code {}", permit.caller.subject), self.0.attempts_name(), everybody];
        self.0.core.sign_in.attempts.check(&names, permit.at)?;
        let code: UserCode = code.parse()?;
        let found = self.0.core.auth.device_by_user_code(&code.digest()).await?;
        let open = found.filter(|grant| grant.state == DeviceState::Pending && permit.at < grant.expires_at);
        open.ok_or_else(|| {
            self.0.core.sign_in.attempts.failed(&names, permit.at);
            Error::not_found("code", "")
        })
    }

    /// Where the person could sign the device in, and with what: never `instance`.
    async fn choices(&self, permit: &Permit, asked: &Scopes) -> Result<Vec<(Organization, Scopes)>> {
        let core = &self.0.core;
        let id = person(permit)?;
        let user = core.auth.user(id).await?.ok_or_else(|| Error::not_found("user", &id))?;
        let mut choices = Vec::new();
        for member in core.auth.memberships(id).await? {
            let Membership { org, .. } = member;
            let view = core.org_view(org).await?;
            let granted = core.granted(&view, &user, &member).without("instance");
            let granted = if asked.is_empty() { granted } else { granted.cut(asked) };
            if !view.org.suspended && !granted.is_empty() {
                choices.push((view.org.clone(), granted));
            }
        }
        // The operator's own organisation is the last that a login is meant for.
        choices.sort_by_key(|(org, _)| org.operator);
        Ok(choices)
    }

    /// A device's poll.
    pub(super) async fn poll(
        &self,
        permit: &Permit,
        client_id: &str,
        code: &Secret<String>,
    ) -> Result<Result<Tokens, TokenRefusal>> {
        let found = self.0.core.auth.device(&Digest::of(code.reveal().as_bytes())).await?;
        let Some(grant) = found.filter(|grant| grant.client_id == client_id) else {
            return Ok(Err(TokenRefusal::InvalidGrant));
        };
        if permit.at >= grant.expires_at {
            return Ok(Err(TokenRefusal::ExpiredToken));
        }
        match grant.state.clone() {
            DeviceState::Pending => self.wait(permit, grant).await.map(Err),
            DeviceState::Denied => Ok(Err(TokenRefusal::AccessDenied)),
            DeviceState::Claimed => Ok(Err(TokenRefusal::InvalidGrant)),
            DeviceState::Approved { user, org, scopes } => {
                self.claim(permit, grant, (user, org, scopes)).await
            }
        }
    }

    async fn wait(&self, permit: &Permit, mut grant: DeviceGrant) -> Result<TokenRefusal> {
        let interval = SignedDuration::from_secs(i64::from(grant.interval));
        let early = grant.polled_at.is_some_and(|last| permit.at < last + interval);
        if early {
            grant.interval = grant.interval.saturating_add(INTERVAL);
        }
        grant.polled_at = Some(permit.at);
        match self.0.core.write(vec![Change::SetDevice(Box::new(grant))], Vec::new(), Vec::new()).await {
            // Someone answered meanwhile: the next poll sees it.
            Ok(()) | Err(Error::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
        Ok(if early { TokenRefusal::SlowDown } else { TokenRefusal::AuthorizationPending })
    }

    /// Hands the tokens out, once.
    async fn claim(
        &self,
        permit: &Permit,
        mut grant: DeviceGrant,
        (user, org, scopes): (UserId, OrgId, Scopes),
    ) -> Result<Result<Tokens, TokenRefusal>> {
        let core = &self.0.core;
        let id = SessionId::new(permit.at)?;
        let token = core.sign_in.refresh.first(id)?;
        let login = Login {
            id,
            user,
            org: Some(org),
            kind: LoginKind::Device,
            client_id: grant.client_id.clone(),
            scopes,
            generation: 0,
            digest: token.digest(),
            previous: None,
            address: grant.address.clone(),
            authenticated_at: permit.at,
            created_at: permit.at,
            expires_at: permit.at + REFRESH_LIFE,
            ends_at: permit.at + FAMILY_LIFE,
            revoked_at: None,
            rev: 0,
        };
        grant.state = DeviceState::Claimed;
        let record = self.0.record_in(permit, org, &id)?;
        // Signed before the code is used up: what fails here can be asked for again.
        let tokens = core.tokens(&login, token, permit.at).await?;
        let changes = vec![Change::SetDevice(Box::new(grant)), Change::AddLogin(Box::new(login))];
        match core.write(changes, Vec::new(), vec![record]).await {
            Ok(()) => Ok(Ok(tokens)),
            Err(Error::Conflict(_)) => Ok(Err(TokenRefusal::InvalidGrant)),
            Err(error) => Err(error),
        }
    }
}

/// Only a person signs a device in.
fn person(permit: &Permit) -> Result<UserId> {
    match permit.caller.actor {
        crate::auth::Actor::User(id) => Ok(id),
        _ => Err(Error::forbidden(Reason::InsufficientScope, "only a person can sign a device in")),
    }
}
