//! What was used elsewhere, told afterwards: `CloudEvents` in batches, with one result each.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use odavl_core::{
    Error, ErrorCode, Result,
    metering::{Answer, Event},
    session::Session,
};
use poem_openapi::{Enum, Object, OpenApi, payload::Json};

use super::Tag;
use crate::{
    caller::Caller,
    problem::{self, Failure},
    schema::Time,
    shape::{Any, Text},
};

pub(super) struct Api;

/// The most events of a batch.
const EVENTS_MOST: usize = 1000;

/// An event (`CloudEvents` 1.0, JSON format). Attributes that are not named here are passed over.
#[derive(Object)]
#[oai(rename = "UsageEvent")]
struct EventBody {
    /// The version of the format: `1.0`.
    specversion: Text<Any>,
    /// Tells it from the other events of its source: the same again is recognised, and not charged.
    id: Text<Any>,
    /// Where it happened.
    source: Text<Any>,
    /// The meter.
    #[oai(rename = "type")]
    kind: Text<Any>,
    /// The organisation that used it: its id, slug or `external:<external_id>`; the caller's own where there is none.
    subject: Option<Text<Any>>,
    /// When it happened: at most 48 hours ago. It is charged in the period in which it is told.
    time: Option<Time>,
    /// What was used; one unit where there is none.
    data: Option<EventData>,
}

/// What was used.
#[derive(Object)]
#[oai(rename = "UsageEventData", deny_unknown_fields)]
struct EventData {
    /// How many units, to 2^53 - 1; one unless said.
    #[oai(validator(minimum(value = "0")))]
    units: Option<i64>,
    /// Labels for the ledger.
    tags: Option<BTreeMap<String, Text<Any>>>,
}

/// What became of an event.
#[derive(Debug, Enum, Clone, Copy, PartialEq, Eq)]
#[oai(rename_all = "lowercase")]
enum Outcome {
    /// It is charged.
    Accepted,
    /// It was charged before.
    Duplicate,
    /// Another event of that id was charged before.
    Conflict,
    /// It is not charged: `code` says why.
    Rejected,
}

/// What became of an event.
#[derive(Object)]
#[oai(rename = "UsageEventResult", skip_serializing_if_is_none)]
struct EventResult {
    /// The event's id.
    id: String,
    /// The event's source.
    source: String,
    /// What became of it.
    outcome: Outcome,
    /// Why it was not charged: a code of the error table.
    code: Option<String>,
    /// Why, in words.
    detail: Option<String>,
}

/// One result for each event, in their order.
#[derive(Object)]
#[oai(rename = "UsageEventResults")]
struct EventResults {
    /// What became of them.
    items: Vec<EventResult>,
}

impl EventBody {
    /// Charges for it.
    async fn record(self, caller: &Session) -> Result<Answer> {
        if self.specversion.as_str() != "1.0" {
            return Err(Error::invalid("an event's `specversion` is `1.0`"));
        }
        let session = self.subject.map(|subject| caller.acting_on(&subject));
        let data = self.data.unwrap_or(EventData { units: None, tags: None });
        let event = Event {
            id: self.id.0,
            source: self.source.0,
            time: self.time.map(|time| time.0),
            meter: self.kind.parse()?,
            units: data.units.map_or(1, i64::unsigned_abs),
            tags: data.tags.into_iter().flatten().map(|(name, label)| (name, label.0)).collect(),
        };
        session.as_ref().unwrap_or(caller).usage().record(event).await
    }
}

impl EventResult {
    /// What became of it; the error where nothing has, so that the batch is to be sent again.
    fn of((id, source): (String, String), recorded: Result<Answer>) -> Result<Self> {
        let (outcome, error) = match recorded {
            Ok(answer) if answer.replayed => (Outcome::Duplicate, None),
            Ok(_) => (Outcome::Accepted, None),
            Err(error) if error.code().http_status() >= 500 => return Err(error),
            Err(error @ Error::Conflict(_)) => (Outcome::Conflict, Some(error)),
            Err(error) => (Outcome::Rejected, Some(error)),
        };
        let code = error.as_ref().map(|error| error.code().as_str().to_owned());
        Ok(Self { id, source, outcome, code, detail: error.as_ref().map(problem::detail) })
    }
}

#[OpenApi(prefix_path = "/api/v1/usage", tag = "Tag::Usage")]
impl Api {
    /// Charges for events that happened elsewhere: a batch of at most 1,000 `CloudEvents`, with one result each.
    ///
    /// Taken as `application/json` or `application/cloudevents-batch+json`. A batch may be sent again: what was charged
    /// is recognised by `source` and `id`, whoever sends it. After a 503 send it again.
    #[oai(path = "/events", method = "post", operation_id = "usage_events")]
    async fn record(
        &self,
        Caller(session): Caller,
        Json(events): Json<Vec<EventBody>>,
    ) -> Result<Json<EventResults>, Failure> {
        if events.len() > EVENTS_MOST {
            return Err(Error::invalid(format!("a batch has at most {EVENTS_MOST} events")).into());
        }
        let names: Vec<_> = events.iter().map(|event| (event.id.0.clone(), event.source.0.clone())).collect();
        let mut recorded = join_all(events.into_iter().map(|event| event.record(&session))).await;
        // Whoever may charge nothing at all hears that as everywhere.
        let refused = |event: &Result<_>| matches!(event, Err(error) if error.code() == ErrorCode::Forbidden);
        if recorded.iter().all(refused)
            && let Some(Err(error)) = recorded.pop()
        {
            return Err(error.into());
        }
        let items = names.into_iter().zip(recorded).map(|(name, recorded)| EventResult::of(name, recorded));
        Ok(Json(EventResults { items: items.collect::<Result<_>>()? }))
    }
}
