//! The ports of webhooks: their rows, and who carries the messages.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    delivery::{Delivery, Letter},
    endpoint::Endpoint,
};
use crate::{
    error::{Error, Result},
    ids::{EventId, OrgId, WebhookId},
    page::{Page, PageQuery},
};

/// Keeps endpoints, and what is on its way to them.
///
/// # Behavior
/// - An organisation has at most as many endpoints as `add` is told, also when several are added at once.
/// - Whatever is on its way to an endpoint goes with it.
/// - A delivery is enqueued once for an event and an endpoint, and not for an endpoint that is gone.
/// - Endpoints for which something is due are told in the order of their ids, each once, however much is due for it.
/// - Claimed are deliveries to one endpoint that are due, the longest due first; each by one claimer, until the time that
///   they say. One that makes no sense is claimed like the others, and holds up none of them.
/// - A report counts where nobody else has reported since the delivery was claimed.
/// - A delivery that ended is replayed; one that is still on its way is a conflict, and goes on as it was.
/// - A list has the newest first; its pages miss and repeat nothing.
/// - Another organisation's endpoints and deliveries are absent, and nothing that is done to them happens.
#[async_trait]
pub trait WebhookRows: Debug + Send + Sync + 'static {
    /// Adds an endpoint; false where there are `most` already.
    async fn add(&self, org: OrgId, endpoint: &Endpoint, most: u32) -> Result<bool>;

    /// An endpoint.
    async fn endpoint(&self, org: OrgId, id: WebhookId) -> Result<Option<Endpoint>>;

    /// All endpoints of the organisation, oldest first.
    async fn endpoints(&self, org: OrgId) -> Result<Vec<Endpoint>>;

    /// Removes an endpoint; false where there is none.
    async fn remove(&self, org: OrgId, id: WebhookId) -> Result<bool>;

    /// Puts deliveries into the post that are not there yet.
    async fn enqueue(&self, org: OrgId, deliveries: &[Delivery]) -> Result<()>;

    /// Up to `most` endpoints for which something is due, from the one after that on.
    async fn due(
        &self,
        now: Timestamp,
        after: Option<WebhookId>,
        most: u32,
    ) -> Result<Vec<(OrgId, WebhookId)>>;

    /// Takes up to `claim.most` deliveries to an endpoint that are due, and puts them off, should nobody report of them.
    async fn claim(&self, org: OrgId, endpoint: WebhookId, claim: Claim) -> Result<Vec<Result<Delivery>>>;

    /// Writes how the delivery stands after a try; false where it stands otherwise than before that try.
    async fn report(&self, org: OrgId, after: &Delivery) -> Result<bool>;

    /// Lets a delivery that ended be tried anew, from now on; `None` where there is none.
    async fn replay(
        &self,
        org: OrgId,
        endpoint: WebhookId,
        event: EventId,
        now: Timestamp,
    ) -> Result<Option<Delivery>>;

    /// The deliveries to an endpoint, newest first.
    async fn deliveries(&self, org: OrgId, endpoint: WebhookId, page: &PageQuery) -> Result<Page<Delivery>>;

    /// Forgets up to `most` deliveries that have ended and were put into the post before then; answers how many.
    async fn forget(&self, before: Timestamp, most: u32) -> Result<u32>;
}

/// Which deliveries are claimed, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// Those that are due then.
    pub now: Timestamp,
    /// They are the claimer's until then.
    pub until: Timestamp,
    /// At most so many.
    pub most: u32,
}

/// Carries messages.
#[async_trait]
pub trait Courier: Debug + Send + Sync + 'static {
    /// Sends a message; answers the HTTP status. Redirects are not followed, and answers are not read.
    async fn send(&self, letter: &Letter) -> Result<u16>;
}

/// The refusal of a replay of what is on its way.
pub(super) fn on_its_way() -> Error {
    Error::Conflict(
        "it is still on its way, and tried again by itself: replay it once it has ended".to_owned(),
    )
}

/// Where a list goes on: the time and event of the last item.
pub(super) type After = Option<(i64, String)>;

/// Where the page begins.
pub(super) fn after(page: &PageQuery) -> Result<After> {
    let Some(cursor) = page.after::<String>()? else { return Ok(None) };
    let parsed = cursor.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned())));
    parsed
        .map(Some)
        .ok_or_else(|| Error::invalid_with("that cursor is not one of ours", "use `next_cursor` as it came"))
}

/// The page of what was read for it.
pub(super) fn cut(deliveries: Vec<Delivery>, page: &PageQuery) -> Page<Delivery> {
    Page::cut(deliveries, page.limit, |delivery| {
        format!("{}.{}", delivery.created_at.as_microsecond(), delivery.event)
    })
}
