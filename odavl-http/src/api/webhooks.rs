//! Who is told of what happens in an organisation: endpoints, and what they were told.

use odavl_core::{
    ids::{EventId, WebhookId},
    page::Page,
    webhooks::{Delivery, DeliveryState, Endpoint, NewWebhook},
};
use poem_openapi::{
    Object, OpenApi,
    param::{Header, Path, Query},
    payload::Json,
};

use super::Tag;
use crate::{
    caller::Caller,
    problem::Failure,
    schema::{PageLimit, Time, page},
    shape::{self, Cursor, IdempotencyKey, Text},
};

pub(super) struct Api;

/// An endpoint to add.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct WebhookRequest {
    /// Where to send: an https address.
    url: Text<shape::HookUrl>,
    /// What it is for.
    description: Option<Text<shape::Purpose>>,
}

/// Where an organisation is told.
#[derive(Object)]
#[oai(rename = "Webhook")]
struct WebhookBody {
    /// Its id.
    id: String,
    /// Where messages go.
    url: String,
    /// What it is for; empty where nobody said.
    description: String,
    /// When it was added.
    created_at: Time,
}

impl From<Endpoint> for WebhookBody {
    fn from(endpoint: Endpoint) -> Self {
        Self {
            id: endpoint.id.to_string(),
            url: endpoint.url,
            description: endpoint.description,
            created_at: Time(endpoint.created_at),
        }
    }
}

/// An endpoint that was added, and its secret, which is shown this once.
#[derive(Object)]
struct CreatedWebhook {
    /// The endpoint.
    webhook: WebhookBody,
    /// What messages are signed with, as Standard Webhooks writes it.
    secret: String,
}

/// The endpoints of an organisation: ten at most, so all of them.
#[derive(Object)]
struct WebhookList {
    /// The endpoints, oldest first.
    items: Vec<WebhookBody>,
    /// Always null.
    next_cursor: Option<String>,
}

/// What an endpoint was told, or is being told.
#[derive(Object)]
#[oai(rename = "Delivery")]
struct DeliveryBody {
    /// The event: the `webhook-id` of every try.
    event_id: String,
    /// How far it is: `pending`, `delivered`, `failed`.
    state: String,
    /// What is said: the body, as it is signed.
    payload: String,
    /// When it was put into the post.
    created_at: Time,
    /// How often it was tried since.
    attempts: u32,
    /// When it is tried next; null where it has ended.
    next_attempt_at: Option<Time>,
    /// When it was tried last.
    last_attempt_at: Option<Time>,
    /// What was answered then: an HTTP status.
    last_status: Option<u16>,
    /// Why nothing was answered.
    last_error: Option<String>,
}

impl From<Delivery> for DeliveryBody {
    fn from(delivery: Delivery) -> Self {
        let next = match delivery.state {
            DeliveryState::Pending { next_at } => Some(Time(next_at)),
            DeliveryState::Delivered | DeliveryState::Failed => None,
        };
        let last = delivery.last.as_ref();
        Self {
            event_id: delivery.event.to_string(),
            state: delivery.state.as_str().to_owned(),
            created_at: Time(delivery.created_at),
            attempts: delivery.attempts,
            next_attempt_at: next,
            last_attempt_at: last.map(|last| Time(last.at)),
            last_status: last.and_then(|last| last.status),
            last_error: last.and_then(|last| last.error.clone()),
            payload: delivery.payload,
        }
    }
}

/// A page of deliveries.
#[derive(Object)]
struct DeliveryPage {
    /// The deliveries, newest first.
    items: Vec<DeliveryBody>,
    /// What to ask for next; null at the end.
    next_cursor: Option<String>,
}

impl From<Page<Delivery>> for DeliveryPage {
    fn from(page: Page<Delivery>) -> Self {
        let page = page.map(DeliveryBody::from);
        Self { items: page.items, next_cursor: page.next_cursor }
    }
}

#[OpenApi(prefix_path = "/api/v1/webhooks", tag = "Tag::Webhooks")]
impl Api {
    /// Adds an endpoint: it is told of every threshold (80, 90, 100 %) that the organisation reaches from now on.
    ///
    /// Messages are signed as Standard Webhooks 1.0.0 says, tried for three days, and keep their `webhook-id`.
    #[oai(path = "/", method = "post", operation_id = "webhook_create")]
    async fn create(
        &self,
        Caller(session): Caller,
        /// Makes a retry find the endpoint that was added, and its secret.
        #[oai(name = "Idempotency-Key")]
        Header(once): Header<Option<Text<IdempotencyKey>>>,
        Json(body): Json<WebhookRequest>,
    ) -> Result<Json<CreatedWebhook>, Failure> {
        let description = body.description.unwrap_or_default().0;
        let idempotency_key = once.map(|key| key.0);
        let new =
            session.webhooks().create(NewWebhook { url: body.url.0, description, idempotency_key }).await?;
        let secret = new.secret.reveal().clone();
        Ok(Json(CreatedWebhook { webhook: new.endpoint.into(), secret }))
    }

    /// All endpoints.
    #[oai(path = "/", method = "get", operation_id = "webhook_list")]
    async fn list(&self, Caller(session): Caller) -> Result<Json<WebhookList>, Failure> {
        let items = session.webhooks().list().await?.into_iter().map(WebhookBody::from).collect();
        Ok(Json(WebhookList { items, next_cursor: None }))
    }

    /// Removes an endpoint, and what is on its way to it.
    #[oai(path = "/:id", method = "delete", operation_id = "webhook_delete")]
    async fn delete(
        &self,
        Caller(session): Caller,
        /// The endpoint.
        Path(id): Path<Text<shape::WebhookId>>,
    ) -> Result<(), Failure> {
        Ok(session.webhooks().delete(id.parse::<WebhookId>()?).await?)
    }

    /// What an endpoint was told in the last 35 days, and what is on its way to it.
    #[oai(path = "/:id/deliveries", method = "get", operation_id = "webhook_deliveries")]
    async fn deliveries(
        &self,
        Caller(session): Caller,
        /// The endpoint.
        Path(id): Path<Text<shape::WebhookId>>,
        /// How many at most: 1 to 1,000.
        Query(limit): Query<Option<PageLimit>>,
        /// The `next_cursor` of the page before.
        Query(cursor): Query<Option<Text<Cursor>>>,
    ) -> Result<Json<DeliveryPage>, Failure> {
        let page = page(limit, cursor)?;
        Ok(Json(session.webhooks().deliveries(id.parse()?, &page).await?.into()))
    }

    /// Tells an endpoint of an event once more, whether it had arrived or was given up, under the same `webhook-id`.
    ///
    /// While it is still on its way, this is a `conflict`: it is tried again by itself.
    #[oai(path = "/:id/deliveries/:event/replay", method = "post", operation_id = "webhook_replay")]
    async fn replay(
        &self,
        Caller(session): Caller,
        /// The endpoint.
        Path(id): Path<Text<shape::WebhookId>>,
        /// The event.
        Path(event): Path<Text<shape::EventId>>,
    ) -> Result<Json<DeliveryBody>, Failure> {
        Ok(Json(session.webhooks().replay(id.parse()?, event.parse::<EventId>()?).await?.into()))
    }
}
