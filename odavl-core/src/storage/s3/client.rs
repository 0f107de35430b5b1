//! The SDK, set up so that it does nothing on its own: no checksums that were not asked for, no other provider of
//! cryptography, no settings from the environment.

use std::time::Duration;

use aws_sdk_s3::{
    Client, Config,
    config::{
        BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
        SharedHttpClient, StalledStreamProtectionConfig,
        retry::{RetryConfig, RetryPartition},
        timeout::TimeoutConfig,
    },
};
use aws_smithy_http_client::{
    Builder as HttpClient,
    tls::{Provider, rustls_provider::CryptoMode},
};

use super::super::{bucket::Bucket, profile::Profile};
use crate::error::{Error, Result};

const CONNECT: Duration = Duration::from_secs(5);
/// How long the store may take to begin its answer to a small question.
const ANSWER: Duration = Duration::from_secs(30);
/// The same where it first receives a part, or puts parts together.
const RECEIPT: Duration = Duration::from_mins(10);
/// How often a request is made that failed in passing: the SDK makes it again after 429, 500, 502, 503 and 504, and where no
/// answer came. Nobody else here does.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(200);

/// A client for small questions, and one for bytes. They share their connections.
pub(super) fn clients(bucket: &Bucket, profile: &Profile) -> Result<(Client, Client)> {
    let access = bucket.access.as_ref().ok_or_else(|| {
        Error::invalid_with(
            format!("the bucket `{}` wants a credential", bucket.name),
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    })?;
    let token = access.token.as_ref().map(|token| token.reveal().clone());
    let credentials =
        Credentials::new(access.id.reveal().clone(), access.secret.reveal().clone(), token, None, "odavl");
    let region = bucket.region.clone().or_else(|| profile.region.clone());
    let region = match (region, &bucket.endpoint) {
        (Some(region), _) => region,
        // Stores other than AWS mostly take any, and this one for a bucket that was made without.
        (None, Some(_)) => "us-east-1".to_owned(),
        (None, None) => {
            return Err(Error::invalid_with(
                format!("the region of the bucket `{}` is not said", bucket.name),
                "write `?region=..` at the end of `storage`, or set AWS_REGION",
            ));
        }
    };
    // Where a store fails all the time, the SDK stops to ask it again: that is to be no other store's loss.
    let store = format!("{region} {}", bucket.endpoint.as_deref().unwrap_or_default());
    let mut config = Config::builder();
    config.set_endpoint_url(bucket.endpoint.clone());
    let config = config
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(http_client(bucket))
        .credentials_provider(credentials)
        .region(Region::new(region))
        .force_path_style(profile.path_style)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .retry_partition(RetryPartition::new(store))
        .retry_config(RetryConfig::standard().with_max_attempts(TRIES).with_initial_backoff(PAUSE))
        .stalled_stream_protection(StalledStreamProtectionConfig::enabled().upload_enabled(false).build());
    let within = |answer| {
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(answer).build();
        Client::from_conf(config.clone().timeout_config(timeouts).build())
    };
    Ok((within(ANSWER), within(RECEIPT)))
}

/// Where there is no https to speak, the machine's certificates are not read.
fn http_client(bucket: &Bucket) -> SharedHttpClient {
    let plain = bucket.endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    match HttpClient::new() {
        http if plain => http.build_http(),
        http => http.tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https(),
    }
}
