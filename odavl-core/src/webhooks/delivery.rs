//! A message on its way to an endpoint.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{
    error::{Error, Result},
    ids::{EventId, OrgId, WebhookId},
    metering::ThresholdEvent,
};

/// How long to wait after each try that failed; after the last it is given up.
const WAITS: [SignedDuration; 9] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(5),
    SignedDuration::from_hours(10),
    SignedDuration::from_hours(14),
    SignedDuration::from_hours(20),
    SignedDuration::from_hours(24),
];

/// "I am gone": an endpoint that answers so wants no more of it (RFC 9110, 15.5.11).
const GONE: u16 = 410;

/// What one endpoint is told of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The event: the `webhook-id`, the same in every try.
    pub event: EventId,
    /// Whom to tell.
    pub endpoint: WebhookId,
    /// What is said: JSON, byte for byte the same in every try.
    pub payload: String,
    /// When it was put into the post.
    pub created_at: Timestamp,
    /// How often it was tried since, or since it was asked for again.
    pub attempts: u32,
    /// How far it is.
    pub state: DeliveryState,
    /// How the last try ended.
    pub last: Option<Attempt>,
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is tried then.
    Pending {
        /// When.
        next_at: Timestamp,
    },
    /// It arrived.
    Delivered,
    /// It was given up.
    Failed,
}

impl DeliveryState {
    /// As it is stored and shown.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When.
    pub at: Timestamp,
    /// The HTTP status that was answered; `None` where there was no answer.
    pub status: Option<u16>,
    /// Why there was none.
    pub error: Option<String>,
}

/// A message as it is sent.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Where to.
    pub url: String,
    /// `webhook-id`, `webhook-timestamp` and `webhook-signature`; none, where it is not signed.
    pub headers: Vec<(&'static str, String)>,
    /// The body: JSON.
    pub body: String,
}

/// What is said of a threshold.
#[derive(Serialize)]
struct Message<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: Timestamp,
    data: Reached<'a>,
}

#[derive(Serialize)]
struct Reached<'a> {
    organization: OrgId,
    external_id: Option<&'a str>,
    /// In percent.
    threshold: u8,
    meter: &'a str,
    used: u64,
    limit: Option<u64>,
    period: String,
    resets_at: Option<Timestamp>,
    key_id: Option<String>,
}

/// What is said of a threshold that `org` reached.
pub(super) fn message(org: OrgId, external_id: Option<&str>, event: &ThresholdEvent) -> Result<String> {
    let standing = &event.standing;
    let message = Message {
        kind: "usage.threshold_reached",
        timestamp: event.at,
        data: Reached {
            organization: org,
            external_id,
            threshold: event.threshold,
            meter: standing.meter.as_str(),
            used: standing.used,
            limit: standing.limit,
            period: standing.period.to_string(),
            resets_at: standing.resets_at,
            key_id: standing.key_id.map(|id| id.to_string()),
        },
    };
    serde_json::to_string(&message)
        .map_err(|error| Error::internal("a message could not be written", Some(error.into())))
}

impl Delivery {
    /// The same after a try that ended so: it arrived, is tried again later, or is given up.
    #[must_use]
    pub(super) fn after(self, attempt: Attempt) -> Self {
        let waited = usize::try_from(self.attempts).ok().and_then(|tries| WAITS.get(tries));
        let state = match (attempt.status, waited) {
            (Some(200..300), _) => DeliveryState::Delivered,
            (Some(GONE), _) | (_, None) => DeliveryState::Failed,
            (_, Some(wait)) => {
                DeliveryState::Pending { next_at: attempt.at.checked_add(*wait).unwrap_or(Timestamp::MAX) }
            }
        };
        Self { attempts: self.attempts + 1, state, last: Some(attempt), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn delivery() -> Delivery {
        Delivery {
            event: EventId::derive(&[b"1"]),
            endpoint: WebhookId::new(START).unwrap(),
            payload: "{}".to_owned(),
            created_at: START,
            attempts: 0,
            state: DeliveryState::Pending { next_at: START },
            last: None,
        }
    }

    fn answered(status: u16) -> Attempt {
        Attempt { at: START, status: Some(status), error: None }
    }

    #[test]
    fn what_fails_is_tried_later_and_later_and_given_up_after_three_days() {
        let mut delivery = delivery();
        let mut waited = SignedDuration::ZERO;
        while let DeliveryState::Pending { next_at } = delivery.state {
            waited += next_at.duration_since(START);
            delivery = delivery.after(answered(500));
        }
        assert_eq!((delivery.attempts, delivery.state), (10, DeliveryState::Failed));
        assert_eq!(waited.as_hours(), 75);
    }

    #[test]
    fn a_success_ends_it_and_so_does_an_endpoint_that_is_gone() {
        assert_eq!(delivery().after(answered(204)).state, DeliveryState::Delivered);
        assert_eq!(delivery().after(answered(410)).state, DeliveryState::Failed);
        assert!(matches!(delivery().after(answered(302)).state, DeliveryState::Pending { .. }));
    }
}
