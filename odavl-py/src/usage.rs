//! Usage: seen, charged, held.

use jiff::SignedDuration;
use odavl_core::{
    ids::ReservationId,
    metering::{Consume, Grouping, HistoryQuery, MeterName, Reserve, Resolution},
    page::PageQuery,
};
use pyo3::prelude::*;

use crate::{
    call::Call,
    door::{Door, Session},
    failure::{Failure, Result},
    held::Held,
    input::{Arg, Charges, Instant, Named, Parsed, Text, Units, page, read, said},
    values::{Bucket, Consumed, Ended, LedgerEntry, Page, Reserved, Several, UsageReport},
};

impl Door {
    async fn usage_read(&self) -> Result<UsageReport> {
        match self {
            Self::Embedded(session) => Ok(session.usage().read().await?.into()),
            Self::Remote(remote) => remote.usage_read().await,
        }
    }

    async fn consume(&self, wish: Consume) -> Result<Consumed> {
        match self {
            Self::Embedded(session) => session.usage().consume(wish).await?.try_into(),
            Self::Remote(remote) => remote.consume(wish).await,
        }
    }

    pub(crate) async fn reserve(&self, wish: Reserve) -> Result<Reserved> {
        match self {
            Self::Embedded(session) => Ok(session.usage().reserve(wish).await?.into()),
            Self::Remote(remote) => remote.reserve(wish).await,
        }
    }

    async fn settle(&self, id: ReservationId, used: Vec<(MeterName, u64)>) -> Result<Ended> {
        match self {
            Self::Embedded(session) => Ok(Ended::new(id, session.usage().settle(id, used).await?)),
            Self::Remote(remote) => remote.settle(id, used).await,
        }
    }

    pub(crate) async fn release(&self, id: ReservationId) -> Result<Ended> {
        match self {
            Self::Embedded(session) => Ok(Ended::new(id, session.usage().release(id).await?)),
            Self::Remote(remote) => remote.release(id).await,
        }
    }

    async fn history(&self, query: HistoryQuery) -> Result<Several<Bucket>> {
        match self {
            Self::Embedded(session) => {
                Ok(session.usage().history(&query).await?.into_iter().map(Bucket::from).collect())
            }
            Self::Remote(remote) => remote.history(query).await,
        }
    }

    async fn ledger(&self, page: PageQuery) -> Result<Page<LedgerEntry>> {
        match self {
            Self::Embedded(session) => Ok(Page::of(session.usage().ledger(&page).await?)),
            Self::Remote(remote) => remote.ledger(),
        }
    }
}

/// `session.usage`.
#[pyclass(frozen, module = "odavl._odavl")]
pub(crate) struct Usage(pub(crate) Session);

#[pymethods]
impl Usage {
    fn read(&self) -> PyResult<Call> {
        self.0.call(|door| async move { door.usage_read().await })
    }

    #[pyo3(signature = (meter, units, idempotency_key, tags))]
    fn consume(
        &self,
        meter: Arg<'_, '_>,
        units: Arg<'_, '_>,
        idempotency_key: Arg<'_, '_>,
        tags: Arg<'_, '_>,
    ) -> PyResult<Call> {
        read!(meter: Parsed<MeterName>, units: Units, idempotency_key: Option<Text>, tags: Option<Named>);
        let wish = Consume {
            meter: meter.0,
            units: units.0,
            idempotency_key: said(idempotency_key),
            tags: tags.unwrap_or_default().0,
        };
        self.0.call(|door| async move { door.consume(wish).await })
    }

    #[pyo3(signature = (charges, expires_in, idempotency_key, tags))]
    fn reserve(
        &self,
        charges: Arg<'_, '_>,
        expires_in: Arg<'_, '_>,
        idempotency_key: Arg<'_, '_>,
        tags: Arg<'_, '_>,
    ) -> PyResult<Call> {
        read!(charges: Charges, expires_in: f64, idempotency_key: Option<Text>, tags: Option<Named>);
        let lifetime = SignedDuration::try_from_secs_f64(expires_in)
            .map_err(|_| Failure::invalid("units are held for 1 s to 24 h"))?;
        let wish = Reserve {
            units: charges.0,
            lifetime,
            idempotency_key: said(idempotency_key),
            tags: tags.unwrap_or_default().0,
        };
        let session = self.0.clone();
        self.0.call(|door| Held::reserve(session, door, wish))
    }

    fn settle(&self, reservation: Arg<'_, '_>, charges: Arg<'_, '_>) -> PyResult<Call> {
        read!(reservation: Parsed<ReservationId>, charges: Charges);
        self.0.call(|door| async move { door.settle(reservation.0, charges.0).await })
    }

    fn release(&self, reservation: Arg<'_, '_>) -> PyResult<Call> {
        read!(reservation: Parsed<ReservationId>);
        self.0.call(|door| async move { door.release(reservation.0).await })
    }

    #[expect(clippy::too_many_arguments, reason = "each is an argument in Python")]
    fn history(
        &self,
        meter: Arg<'_, '_>,
        from_: Arg<'_, '_>,
        to: Arg<'_, '_>,
        window: Arg<'_, '_>,
        group_by: Arg<'_, '_>,
    ) -> PyResult<Call> {
        read!(meter: Parsed<MeterName>, from_: Instant, to: Instant, window: Text, group_by: Option<Text>);
        let query = HistoryQuery {
            meter: meter.0,
            from: from_.0,
            to: to.0,
            resolution: resolution(&window.0)?,
            grouping: grouping(group_by.as_ref().map(|Text(text)| text.as_str()))?,
        };
        self.0.call(|door| async move { door.history(query).await })
    }

    fn ledger(&self, limit: Arg<'_, '_>, cursor: Arg<'_, '_>) -> PyResult<Call> {
        read!(limit: Option<Units>, cursor: Option<Text>);
        let page = page(limit, cursor)?;
        self.0.call(|door| async move { door.ledger(page).await })
    }
}

fn resolution(window: &str) -> Result<Resolution> {
    match window {
        "hour" => Ok(Resolution::Hour),
        "day" => Ok(Resolution::Day),
        "month" => Ok(Resolution::Month),
        other => Err(Failure::invalid_with(
            format!("`{}` is not a window", other.escape_default()),
            "use hour, day or month",
        )),
    }
}

fn grouping(group_by: Option<&str>) -> Result<Grouping> {
    match group_by {
        None => Ok(Grouping::Total),
        Some("subject") => Ok(Grouping::Subject),
        Some(other) => Err(Failure::invalid_with(
            format!("history is not split by `{}`", other.escape_default()),
            "use subject, or nothing",
        )),
    }
}
