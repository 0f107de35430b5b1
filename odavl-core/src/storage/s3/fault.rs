//! What an S3 store's refusals and failures mean: the one place where they become ours.

use std::{error::Error as StdError, fmt, time::Duration};

use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};

use crate::error::{Cause, Error};

/// When to ask again where the store says nothing, and where somebody has to mend something first.
const SOON: Duration = Duration::from_secs(1);
const MENDED: Duration = Duration::from_mins(1);
/// The most of a store's own words that are kept.
const WORDS_MOST: usize = 300;

/// What a store said, or how it failed. It is the cause of the [`Error`] that callers see, and says more than that:
/// what is for those who run odavl.
#[derive(Debug)]
pub struct StoreFault {
    kind: Kind,
    /// The store's own words.
    said: String,
    retry_after: Option<Duration>,
    source: Option<Cause>,
}

/// The kinds of faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// There is no such bucket.
    NoBucket,
    /// There is no such object.
    NoKey,
    /// Something is not there, which may be the store itself: whoever answered does not say what.
    Absent,
    /// There is no such multipart upload.
    NoUpload,
    /// A part that was named is not there.
    NoPart,
    /// There is something under the key already.
    Taken,
    /// Others wrote the same at the same time.
    Collided,
    /// A range takes nothing.
    NoRange,
    /// The access key is refused.
    Forbidden,
    /// The bucket is in another region, perhaps this one.
    Elsewhere(Option<String>),
    /// The clocks are too far apart.
    Skewed,
    /// The store does not do this.
    Unable,
    /// The store asks for patience.
    Busy,
    /// The store fails, or what stands before it does not reach it.
    Failing,
    /// No answer came.
    Silent,
    /// The answer broke off, or is no answer of a store.
    Broken,
    /// Anything else.
    Other,
}

impl StoreFault {
    pub(super) fn new(kind: Kind, said: impl Into<String>) -> Self {
        Self { kind, said: said.into(), retry_after: None, source: None }
    }

    /// What an answer of the store means, or that none came.
    pub(super) fn of<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: StdError + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let kind = match &error {
            SdkError::ServiceError(_) => of_answer(&error),
            SdkError::ResponseError(_) => Kind::Broken,
            SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => Kind::Silent,
            _ => Kind::Other,
        };
        let header = |name: &str| error.raw_response().and_then(|answer| answer.headers().get(name));
        let retry_after =
            header("retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        let said = words(&error);
        Self { kind, said, retry_after, source: Some(error.into()) }
    }

    /// The body of an answer stopped before its end.
    pub(super) fn broken(source: impl Into<Cause>) -> Self {
        Self { source: Some(source.into()), ..Self::new(Kind::Broken, "") }
    }

    /// An answer lacks what every store says.
    pub(super) fn nothing() -> Self {
        Self::new(Kind::Broken, "what every store says was not said")
    }

    /// What lies beneath it.
    pub fn into_source(self) -> Option<Cause> {
        self.source
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Whether the store refuses what is configured: nothing helps until somebody mends it.
    pub fn is_to_mend(&self) -> bool {
        matches!(self.kind, Kind::NoBucket | Kind::Forbidden | Kind::Elsewhere(_) | Kind::Skewed)
    }

    /// Whether the store did not come to an answer: that it refuses something is not said by it.
    pub fn is_outage(&self) -> bool {
        matches!(self.kind, Kind::Busy | Kind::Collided | Kind::Failing | Kind::Silent | Kind::Broken)
    }

    /// The way out, written for those who run odavl.
    pub fn hint(&self) -> String {
        match &self.kind {
            Kind::NoBucket => "make the bucket, or name another one in `storage`".to_owned(),
            Kind::Forbidden => {
                "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and that the key may list the \
                                bucket and get, put and delete its objects"
                    .to_owned()
            }
            Kind::Elsewhere(Some(region)) => format!("write region={region} in `storage`, or set AWS_REGION"),
            Kind::Elsewhere(None) => "write the bucket's region in `storage`, or set AWS_REGION".to_owned(),
            Kind::Skewed => "set this machine's clock by NTP".to_owned(),
            Kind::Unable => "`odavl doctor` says what the store can do".to_owned(),
            _ => "try again later; `odavl doctor` asks the store".to_owned(),
        }
    }

    /// What those see who use odavl: nothing of how it is set up.
    fn outside(&self) -> &'static str {
        match self.kind {
            Kind::Busy | Kind::Collided => "the store asks for patience",
            Kind::Failing => "the store fails",
            Kind::Silent => "the store does not answer",
            Kind::Broken => "the store's answer broke off",
            _ => "the store refuses what odavl asks it",
        }
    }
}

fn of_answer<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Kind {
    let Some(answer) = error.raw_response() else { return Kind::Other };
    let region = answer.headers().get("x-amz-bucket-region").map(str::to_owned);
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
    match (code, answer.status().as_u16()) {
        ("NoSuchBucket", _) => Kind::NoBucket,
        ("NoSuchUpload", _) => Kind::NoUpload,
        ("InvalidPart" | "InvalidPartOrder", _) => Kind::NoPart,
        ("RequestTimeTooSkewed", _) => Kind::Skewed,
        ("PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed", _) | (_, 301 | 307) => {
            Kind::Elsewhere(region)
        }
        ("SlowDown" | "ServiceUnavailable" | "RequestTimeout", _) | (_, 408 | 429 | 503) => Kind::Busy,
        ("ConditionalRequestConflict" | "OperationAborted", _) => Kind::Collided,
        ("NoSuchKey", _) => Kind::NoKey,
        (_, 404) => Kind::Absent,
        (_, 412) => Kind::Taken,
        (_, 416) => Kind::NoRange,
        (_, 401 | 403) => Kind::Forbidden,
        ("NotImplemented", _) | (_, 405 | 501) => Kind::Unable,
        ("InternalError", _) | (_, 500..=599) => Kind::Failing,
        ("", 200..=299) => Kind::Broken,
        _ => Kind::Other,
    }
}

/// A store's own words, cut short.
fn words<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> String {
    let status = error.raw_response().map(|answer| answer.status().as_u16().to_string());
    let told = error.as_service_error().map(ProvideErrorMetadata::meta);
    let words = [status.as_deref(), told.and_then(|told| told.code()), told.and_then(|told| told.message())];
    let words = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
    words.chars().filter(|c| !c.is_control()).take(WORDS_MOST).collect()
}

impl fmt::Display for StoreFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.kind {
            Kind::NoBucket => "the store has no bucket of that name",
            Kind::Forbidden => "the store refuses the access key",
            Kind::Elsewhere(_) => "the bucket is in another region",
            Kind::Skewed => "this machine's clock is too far from the store's",
            Kind::Unable => "the store does not do what it was asked for",
            _ if self.is_outage() => self.outside(),
            _ => "the store said no",
        };
        if self.said.is_empty() { f.write_str(what) } else { write!(f, "{what} ({})", self.said) }
    }
}

impl StdError for StoreFault {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<StoreFault> for Error {
    fn from(fault: StoreFault) -> Self {
        match fault.kind {
            Kind::Unable => Self::Unsupported(format!("{fault}: {}", fault.hint())),
            _ => Self::Unavailable {
                what: fault.outside().to_owned(),
                retry_after: Some(fault.retry_after.unwrap_or(if fault.is_to_mend() {
                    MENDED
                } else {
                    SOON
                })),
                source: Some(fault.into()),
            },
        }
    }
}
