//! Storage in an S3 store of the test's own, and how what it presigns is sent.

#![allow(dead_code, reason = "each test crate uses a part of it")]

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use odavl_core::{
    Clock, Error, ManualClock, Reason, Result, SystemClock,
    secret::Secret,
    storage::{
        AccessKey, BoxBody, Bucket, Method, PresignedRequest, Profile, S3Storage, collect, contract::Answer,
    },
};
use odavl_test_store::{ACCESS_KEY_ID, BUCKET, SECRET_ACCESS_KEY};

/// A clock that shows the time of the store, which has one of its own; to the second, as signatures have it.
pub(crate) fn clock() -> Arc<ManualClock> {
    let now = Timestamp::from_second(SystemClock.now().as_second()).unwrap();
    Arc::new(ManualClock::new(now))
}

/// The bucket of the store at `url`, with a prefix.
pub(crate) fn bucket(url: &str, profile: Profile) -> Bucket {
    let mut bucket: Bucket = format!("s3://{BUCKET}/odavl/live?endpoint={url}&profile=test").parse().unwrap();
    bucket.profiles.insert("test".to_owned(), Profile { path_style: true, ..profile });
    let secret = |text: &str| Secret::new(text.to_owned());
    bucket.access =
        Some(AccessKey { id: secret(ACCESS_KEY_ID), secret: secret(SECRET_ACCESS_KEY), token: None });
    bucket
}

/// Storage there, of a store that is known to do what `profile` says.
pub(crate) fn storage(url: &str, profile: Profile, clock: Arc<dyn Clock>) -> Arc<S3Storage> {
    Arc::new(S3Storage::open(bucket(url, profile), clock).unwrap())
}

/// Sends a presigned request as an HTTP client does: its headers as they are, but the length that `body` has.
pub(crate) async fn send(request: &PresignedRequest, body: Bytes) -> Answer {
    let answer =
        odavl_test_store::send(request.method.as_str(), &request.url, &request.headers, body).await.unwrap();
    let disposition = answer.header("content-disposition").map(str::to_owned);
    Answer { status: answer.status, disposition, body: answer.body }
}

/// Sends a body, and answers what the status means, as the command line takes it.
pub(crate) async fn send_body(
    request: &PresignedRequest,
    body: BoxBody,
    length: u64,
) -> Result<Option<Bytes>> {
    let bytes = collect(body, length).await?;
    let answer = send(request, bytes).await;
    match answer.status {
        200 if request.method == Method::Get => Ok(Some(answer.body)),
        200 => Ok(None),
        403 => Err(Error::forbidden(Reason::Malformed, "the store refuses the request")),
        404 => Err(Error::not_found("object", "of the URL")),
        412 => Err(Error::PreconditionFailed("the store has it already".to_owned())),
        status => Err(Error::invalid(format!("the store answered {status}"))),
    }
}
