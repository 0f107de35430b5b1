//! The use cases of webhooks, and what is put into the post.

use jiff::SignedDuration;

use super::{
    delivery::{Delivery, DeliveryState, message},
    endpoint::{ENDPOINTS_MOST, Endpoint, check_url},
};
use crate::{
    action::Action,
    auth::once::Made,
    error::{Error, Result},
    ids::{EventId, OrgId, WebhookId},
    metering::{ThresholdEvent, Untold},
    odavl::Core,
    page::{Page, PageQuery},
    secret::Secret,
    session::{Ask, Session, Usage},
    sweep::Pass,
    text,
};

/// How many deliveries are forgotten at once.
const BATCH: u32 = 100;
/// How long ended deliveries are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(35 * 24);

/// What a new endpoint shall be.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Where to send: an https address.
    pub url: String,
    /// What it is for: at most 100 characters.
    pub description: String,
    /// Makes a retry find the endpoint that was added, and its secret.
    pub idempotency_key: Option<String>,
}

impl NewWebhook {
    /// One there, of which nothing is said.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), description: String::new(), idempotency_key: None }
    }
}

/// An endpoint that was added, and its secret, which is shown this once.
#[derive(Debug)]
pub struct NewEndpoint {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// `whsec_` and the secret in base64: what messages are signed with.
    pub secret: Secret<String>,
}

/// The use cases of webhooks.
#[derive(Debug)]
pub struct Webhooks<'a>(&'a Session);

impl Session {
    /// Who is told of what happens in the organisation.
    pub fn webhooks(&self) -> Webhooks<'_> {
        Webhooks(self)
    }
}

impl Webhooks<'_> {
    /// Adds an endpoint: from now on it is told of every threshold that the organisation reaches.
    ///
    /// # Errors
    /// `invalid_input` for what is no https address; `conflict` where there are ten already, or the idempotency key was
    /// used for another request.
    pub async fn create(&self, wish: NewWebhook) -> Result<NewEndpoint> {
        let core = &self.0.core;
        check_url(&wish.url, core.settings.private_webhooks)?;
        if !wish.description.is_empty() {
            text::check_name("a description", &wish.description, 100)?;
        }
        let content = format!("{}\0{}", wish.url, wish.description);
        let once = self.0.once(Action::WebhookCreate, wish.idempotency_key.as_deref(), &content)?;
        self.0
            .metered(Ask::new(Action::WebhookCreate), async |permit| {
                let org = permit.org()?;
                // A retry at the limit finds its answer.
                if let Some(once) = &once
                    && let Some(id) = self.0.made_before(permit, once).await?
                {
                    return Ok((self.made(org, id.parse()?).await?, Usage::Settled));
                }
                if core.webhooks.endpoints(org).await?.len() >= ENDPOINTS_MOST as usize {
                    return Err(full());
                }
                let of = (wish.url, wish.description);
                let (endpoint, secret) = Endpoint::new(&core.master, of, permit.at)?;
                let id = endpoint.id;
                // What is made is on record before it is there.
                let record = self.0.record(permit, &id)?;
                let made = (NewEndpoint { endpoint, secret }, Vec::new(), vec![record]);
                let new = match self.0.make_once(permit, once.as_ref(), &id, made).await? {
                    Made::Before(id) => self.made(org, id.parse()?).await?,
                    Made::Now(new) if core.webhooks.add(org, &new.endpoint, ENDPOINTS_MOST).await? => new,
                    Made::Now(_) => return Err(full()),
                };
                Ok((new, Usage::Settled))
            })
            .await
    }

    /// What an earlier request made.
    async fn made(&self, org: OrgId, id: WebhookId) -> Result<NewEndpoint> {
        let core = &self.0.core;
        let found = core.webhooks.endpoint(org, id).await?;
        let endpoint = found.ok_or_else(|| {
            let what = format!("the webhook {id} of that idempotency key is being added, or was removed");
            Error::Conflict(format!("{what}; look at the list, and add it with another key"))
        })?;
        let secret = endpoint.secret(&core.master)?;
        Ok(NewEndpoint { endpoint, secret })
    }

    /// All endpoints, oldest first.
    pub async fn list(&self) -> Result<Vec<Endpoint>> {
        self.0
            .metered(Ask::new(Action::WebhookList), async |permit| {
                Ok((self.0.core.webhooks.endpoints(permit.org()?).await?, Usage::Settled))
            })
            .await
    }

    /// Removes an endpoint, and what is on its way to it.
    pub async fn delete(&self, id: WebhookId) -> Result<()> {
        self.0
            .metered(Ask::new(Action::WebhookDelete), async |permit| {
                let (core, org) = (&self.0.core, permit.org()?);
                core.webhooks.endpoint(org, id).await?.ok_or_else(|| Error::not_found("webhook", &id))?;
                let record = self.0.record(permit, &id)?;
                core.write(Vec::new(), Vec::new(), vec![record]).await?;
                core.webhooks.remove(org, id).await?;
                Ok(((), Usage::Settled))
            })
            .await
    }

    /// What an endpoint was told, and what is on its way, newest first.
    pub async fn deliveries(&self, id: WebhookId, page: &PageQuery) -> Result<Page<Delivery>> {
        self.0
            .metered(Ask::new(Action::WebhookList), async |permit| {
                let (rows, org) = (&self.0.core.webhooks, permit.org()?);
                rows.endpoint(org, id).await?.ok_or_else(|| Error::not_found("webhook", &id))?;
                Ok((rows.deliveries(org, id, page).await?, Usage::Settled))
            })
            .await
    }

    /// Tells an endpoint of an event once more, whether it had arrived or was given up; under the same id.
    ///
    /// # Errors
    /// `conflict` while it is still on its way.
    pub async fn replay(&self, id: WebhookId, event: EventId) -> Result<Delivery> {
        self.0
            .metered(Ask::new(Action::WebhookReplay), async |permit| {
                let (rows, org) = (&self.0.core.webhooks, permit.org()?);
                rows.endpoint(org, id).await?.ok_or_else(|| Error::not_found("webhook", &id))?;
                let replayed = rows.replay(org, id, event, permit.at).await?;
                let delivery = replayed.ok_or_else(|| Error::not_found("delivery", &event))?;
                Ok((delivery, Usage::Settled))
            })
            .await
    }
}

fn full() -> Error {
    Error::Conflict(format!("an organization has at most {ENDPOINTS_MOST} webhooks; remove one first"))
}

impl Core {
    /// Puts every threshold that nobody was told of into the post. Stopped half-way, it does the same again; what cannot be
    /// put there, since something of its organisation's makes no sense, holds up nobody else's.
    pub(super) async fn post_thresholds(&self) -> Result<()> {
        let mut pass = Pass::new();
        while let Some(most) = pass.most() {
            let untold = self.metering.untold(most).await?;
            for Untold { org, event, .. } in pass.fresh(untold, |untold| (untold.org, untold.seq)) {
                let posted = match event {
                    Ok(event) => self.post_threshold(org, &event).await,
                    Err(error) => Err(error),
                };
                if !pass.took(posted) {
                    break;
                }
            }
        }
        pass.end()
    }

    async fn post_threshold(&self, org: OrgId, event: &ThresholdEvent) -> Result<()> {
        let endpoints = self.webhooks.endpoints(org).await?;
        if !endpoints.is_empty() {
            self.enqueue_threshold(org, event, endpoints).await?;
        }
        self.metering.told(org, event.seq).await
    }

    async fn enqueue_threshold(
        &self,
        org: OrgId,
        event: &ThresholdEvent,
        endpoints: Vec<Endpoint>,
    ) -> Result<()> {
        let view = self.org_view(org).await?;
        let payload = message(org, view.org.external_id.as_deref(), event)?;
        let id = EventId::derive(&[b"threshold", org.to_string().as_bytes(), &event.seq.to_be_bytes()]);
        let now = self.clock.now();
        let delivery = |endpoint: Endpoint| Delivery {
            event: id,
            endpoint: endpoint.id,
            payload: payload.clone(),
            created_at: now,
            attempts: 0,
            state: DeliveryState::Pending { next_at: now },
            last: None,
        };
        let deliveries: Vec<_> = endpoints.into_iter().map(delivery).collect();
        self.webhooks.enqueue(org, &deliveries).await
    }

    /// Forgets deliveries that ended long ago.
    pub(crate) async fn forget_deliveries(&self) -> Result<()> {
        let before = self.clock.now().checked_sub(KEPT).unwrap_or(jiff::Timestamp::MIN);
        while self.webhooks.forget(before, BATCH).await? == BATCH {}
        Ok(())
    }
}
