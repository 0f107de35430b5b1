//! Units that are held until it is known what was used.

use jiff::SignedDuration;
use odavl_core::{
    ids::ReservationId,
    metering::{Answer, Reserve, Reserved},
};
use poem_openapi::{
    Object, OpenApi,
    param::{Header, Path},
    payload::Json,
};

use super::Tag;
use crate::{
    caller::Caller,
    problem::Failure,
    schema::{ChargeBody, StandingBody, Time, idempotency, texts},
    shape::{self, IdempotencyKey, Label, Named, Text},
};

pub(super) struct Api;

/// Units to hold.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct ReservationRequest {
    /// The most that will be used, of one to four meters: all of it is held, or none.
    #[oai(validator(min_items = 1, max_items = 4))]
    charges: Vec<ChargeBody>,
    /// In how many seconds the units are given back by themselves, to a day; an hour unless said.
    #[oai(default = "an_hour", validator(minimum(value = "1"), maximum(value = "86400")))]
    expires_in: u32,
    /// Makes a retry get the same reservation.
    idempotency_key: Option<Text<IdempotencyKey>>,
    /// Labels for the ledger.
    tags: Option<Named<Label>>,
}

fn an_hour() -> u32 {
    3600
}

impl ReservationRequest {
    fn parse(self, header: Option<Text<IdempotencyKey>>) -> Result<Reserve, Failure> {
        Ok(Reserve {
            units: self.charges.into_iter().map(ChargeBody::parse).collect::<Result<_, _>>()?,
            lifetime: SignedDuration::from_secs(self.expires_in.into()),
            idempotency_key: idempotency(header, self.idempotency_key)?,
            tags: texts(self.tags),
        })
    }
}

/// Units that are held.
#[derive(Object)]
struct Reservation {
    /// What to settle or release.
    id: String,
    /// When the units are given back by themselves.
    expires_at: Time,
    /// Where each meter stands, with what is held.
    limits: Vec<StandingBody>,
    /// Whether this is an earlier answer given again.
    replayed: bool,
}

impl From<Reserved> for Reservation {
    fn from(reserved: Reserved) -> Self {
        let Reserved { id, expires_at, answer } = reserved;
        let limits = answer.standings.into_iter().map(StandingBody::from).collect();
        Self { id: id.to_string(), expires_at: Time(expires_at), limits, replayed: answer.replayed }
    }
}

/// What was used.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct SettleRequest {
    /// The units of each meter: never more is charged than was held, and of a meter that is absent nothing.
    #[oai(validator(max_items = 4))]
    charges: Vec<ChargeBody>,
}

/// A reservation that has ended.
#[derive(Object)]
struct EndedReservation {
    /// The reservation.
    id: String,
    /// Where each meter stands; `units` is what was charged.
    limits: Vec<StandingBody>,
    /// Whether it had ended before, and this is the first answer given again.
    replayed: bool,
}

impl EndedReservation {
    fn new(id: ReservationId, answer: Answer) -> Self {
        let limits = answer.standings.into_iter().map(StandingBody::from).collect();
        Self { id: id.to_string(), limits, replayed: answer.replayed }
    }
}

#[OpenApi(prefix_path = "/api/v1/usage/reservations", tag = "Tag::Usage")]
impl Api {
    /// Holds units, durably, or refuses: for work whose cost is known afterwards.
    #[oai(path = "/", method = "post", operation_id = "usage_reserve")]
    async fn reserve(
        &self,
        Caller(session): Caller,
        /// Makes a retry get the same reservation.
        #[oai(name = "Idempotency-Key")]
        Header(key): Header<Option<Text<IdempotencyKey>>>,
        Json(body): Json<ReservationRequest>,
    ) -> Result<Json<Reservation>, Failure> {
        Ok(Json(session.usage().reserve(body.parse(key)?).await?.into()))
    }

    /// Ends a reservation: charges what was used, and gives the rest back. Again it is answered as the first time.
    #[oai(path = "/:id/settle", method = "post", operation_id = "usage_settle")]
    async fn settle(
        &self,
        Caller(session): Caller,
        /// The reservation.
        Path(id): Path<Text<shape::ReservationId>>,
        Json(body): Json<SettleRequest>,
    ) -> Result<Json<EndedReservation>, Failure> {
        let id = id.parse::<ReservationId>()?;
        let used = body.charges.into_iter().map(ChargeBody::parse).collect::<Result<_, _>>()?;
        Ok(Json(EndedReservation::new(id, session.usage().settle(id, used).await?)))
    }

    /// Ends a reservation and charges nothing.
    #[oai(path = "/:id/release", method = "post", operation_id = "usage_release")]
    async fn release(
        &self,
        Caller(session): Caller,
        /// The reservation.
        Path(id): Path<Text<shape::ReservationId>>,
    ) -> Result<Json<EndedReservation>, Failure> {
        let id = id.parse::<ReservationId>()?;
        Ok(Json(EndedReservation::new(id, session.usage().release(id).await?)))
    }
}
