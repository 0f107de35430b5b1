//! What was used, what may be, and charging it.

use odavl_core::{
    Error,
    metering::{Answer, Bucket, Consume, Grouping, HistoryQuery, Resolution, UsageReport},
};
use poem_openapi::{
    ApiResponse, Enum, Object, OpenApi,
    param::{Header, Query},
    payload::{Binary, Json},
};

use super::Tag;
use crate::{
    caller::Caller,
    problem::Failure,
    schema::{StandingBody, Time, Units, idempotency, one, texts},
    shape::{IdempotencyKey, Label, Meter, Named, Text},
};

pub(super) struct Api;

/// What an organisation used, and may use.
#[derive(Object)]
#[oai(rename = "Usage")]
struct UsageBody {
    /// Its plan.
    plan: String,
    /// Every meter against every limit of the organisation.
    limits: Vec<StandingBody>,
    /// How many API keys are active.
    api_keys: u64,
    /// How many may be; null is unlimited.
    api_keys_limit: Option<u64>,
}

impl From<UsageReport> for UsageBody {
    fn from(report: UsageReport) -> Self {
        Self {
            plan: report.plan,
            limits: report.limits.into_iter().map(StandingBody::from).collect(),
            api_keys: report.api_keys,
            api_keys_limit: report.api_keys_limit,
        }
    }
}

/// Units to charge.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct ConsumeRequest {
    /// The meter.
    meter: Text<Meter>,
    /// How many units, to 2^53 - 1; one unless said; 0 asks whether one would pass.
    #[oai(default = "one")]
    units: Units,
    /// Makes a retry get the same decision.
    idempotency_key: Option<Text<IdempotencyKey>>,
    /// Labels for the ledger.
    tags: Option<Named<Label>>,
}

/// A charge that was granted.
#[derive(Object)]
struct Consumed {
    /// The meter.
    meter: String,
    /// What was charged.
    units: u64,
    /// What is used in the period.
    used: u64,
    /// The limit; null is unlimited.
    limit: Option<u64>,
    /// What is left; null is unlimited.
    remaining: Option<u64>,
    /// When the period ends.
    resets_at: Option<Time>,
    /// The highest threshold reached: 80, 90 or 100; null below.
    warning: Option<u8>,
    /// Whether this is an earlier answer given again.
    replayed: bool,
}

impl TryFrom<Answer> for Consumed {
    type Error = Failure;
    fn try_from(answer: Answer) -> Result<Self, Failure> {
        let replayed = answer.replayed;
        let first = answer.standings.into_iter().next();
        let standing = first.ok_or_else(|| Error::internal("a charge was granted without a limit", None))?;
        Ok(Self {
            meter: standing.meter.to_string(),
            units: standing.units,
            used: standing.used,
            limit: standing.limit,
            remaining: standing.remaining,
            resets_at: standing.resets_at.map(Time),
            warning: standing.warning,
            replayed,
        })
    }
}

/// How finely history is cut.
#[derive(Enum)]
#[oai(rename_all = "lowercase")]
enum Window {
    Hour,
    Day,
    Month,
}

/// What history is split by.
#[derive(Enum)]
#[oai(rename_all = "lowercase")]
enum GroupBy {
    /// The key or person that caused it.
    Subject,
}

/// One window of history.
#[derive(Object)]
#[oai(rename = "Bucket")]
struct BucketBody {
    /// When the window began.
    start: Time,
    /// The key or person that caused it; empty for the total.
    subject: String,
    /// Units charged, less those given back.
    units: i64,
    /// How many charges.
    count: u64,
    /// Of what is held, how much when the window closed.
    closing: Option<u64>,
}

impl From<Bucket> for BucketBody {
    fn from(bucket: Bucket) -> Self {
        Self {
            start: Time(bucket.start),
            subject: bucket.subject,
            units: bucket.units,
            count: bucket.count,
            closing: bucket.closing,
        }
    }
}

/// Which part of history is asked for.
struct Asked {
    meter: Text<Meter>,
    from: Time,
    to: Time,
    window: Option<Window>,
    group_by: Option<GroupBy>,
}

impl Asked {
    fn parse(self) -> Result<HistoryQuery, Failure> {
        Ok(HistoryQuery {
            meter: self.meter.parse()?,
            from: self.from.0,
            to: self.to.0,
            resolution: match self.window {
                Some(Window::Hour) => Resolution::Hour,
                Some(Window::Month) => Resolution::Month,
                Some(Window::Day) | None => Resolution::Day,
            },
            grouping: self.group_by.map_or(Grouping::Total, |GroupBy::Subject| Grouping::Subject),
        })
    }
}

/// History as a table: a heading, then a line a window (RFC 4180).
#[derive(ApiResponse)]
enum Table {
    /// The table.
    #[oai(status = 200, content_type = "text/csv")]
    Csv(Binary<Vec<u8>>, #[oai(header = "content-disposition")] String),
}

impl Table {
    fn of(buckets: &[Bucket]) -> Result<Self, Failure> {
        let mut table = csv::WriterBuilder::new()
            .has_headers(false)
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        let failed = |error| Failure(Error::internal("a table could not be written", Some(error)));
        table
            .write_record(["start", "subject", "units", "count", "closing"])
            .map_err(|error| failed(error.into()))?;
        for bucket in buckets {
            table.serialize(bucket).map_err(|error| failed(error.into()))?;
        }
        let bytes = table.into_inner().map_err(|error| failed(error.into()))?;
        Ok(Self::Csv(Binary(bytes), "attachment; filename=\"usage.csv\"".to_owned()))
    }
}

/// History, in time order.
#[derive(Object)]
struct History {
    /// The windows in which something happened.
    items: Vec<BucketBody>,
}

#[OpenApi(prefix_path = "/api/v1/usage", tag = "Tag::Usage")]
impl Api {
    /// Where every meter stands now.
    #[oai(path = "/", method = "get", operation_id = "usage")]
    async fn read(&self, Caller(session): Caller) -> Result<Json<UsageBody>, Failure> {
        Ok(Json(session.usage().read().await?.into()))
    }

    /// What was used over time (UTC).
    #[oai(path = "/history", method = "get", operation_id = "usage_history")]
    #[expect(clippy::too_many_arguments, reason = "each query parameter of the document is an argument")]
    async fn history(
        &self,
        Caller(session): Caller,
        /// The meter.
        Query(meter): Query<Text<Meter>>,
        /// From the window that holds this instant.
        Query(from): Query<Time>,
        /// To the window before this instant's.
        Query(to): Query<Time>,
        /// How finely it is cut; days unless said.
        Query(window): Query<Option<Window>>,
        /// What it is split by; nothing unless said.
        Query(group_by): Query<Option<GroupBy>>,
    ) -> Result<Json<History>, Failure> {
        let query = Asked { meter, from, to, window, group_by }.parse()?;
        let items = session.usage().history(&query).await?.into_iter().map(BucketBody::from).collect();
        Ok(Json(History { items }))
    }

    /// What was used over time (UTC), as a table for spreadsheets and data frames.
    #[oai(path = "/history/export", method = "get", operation_id = "usage_history_export")]
    #[expect(clippy::too_many_arguments, reason = "each query parameter of the document is an argument")]
    async fn export(
        &self,
        Caller(session): Caller,
        /// The meter.
        Query(meter): Query<Text<Meter>>,
        /// From the window that holds this instant.
        Query(from): Query<Time>,
        /// To the window before this instant's.
        Query(to): Query<Time>,
        /// How finely it is cut; days unless said.
        Query(window): Query<Option<Window>>,
        /// What it is split by; nothing unless said.
        Query(group_by): Query<Option<GroupBy>>,
    ) -> Result<Table, Failure> {
        let query = Asked { meter, from, to, window, group_by }.parse()?;
        Table::of(&session.usage().history(&query).await?)
    }

    /// Charges units, durably, or refuses.
    #[oai(path = "/consume", method = "post", operation_id = "usage_consume")]
    async fn consume(
        &self,
        Caller(session): Caller,
        /// Makes a retry get the same decision.
        #[oai(name = "Idempotency-Key")]
        Header(key): Header<Option<Text<IdempotencyKey>>>,
        Json(body): Json<ConsumeRequest>,
    ) -> Result<Json<Consumed>, Failure> {
        let wish = Consume {
            meter: body.meter.parse().map_err(Failure)?,
            units: body.units.0,
            idempotency_key: idempotency(key, body.idempotency_key)?,
            tags: texts(body.tags),
        };
        Ok(Json(session.usage().consume(wish).await?.try_into()?))
    }
}
