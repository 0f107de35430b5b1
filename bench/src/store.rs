//! What odavl's S3 adapter costs beside the SDK that it stands on, against a store in a process of its own; and how many
//! requests it presigns.

use std::{
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use aws_sdk_s3::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation},
    primitives::ByteStream,
};
use bytes::Bytes;
use odavl_core::{
    SystemClock,
    secret::Secret,
    storage::{
        AccessKey, Bucket, MediaType, Presign, Profile, PutMode, PutOptions, S3Storage, Sha256, Storage,
        StoreKey, full,
    },
};
use odavl_test_store::{ACCESS_KEY_ID, BUCKET, SECRET_ACCESS_KEY, TestStore};

use crate::{
    Outcome,
    service::{Service, free_address},
};

/// What tells this program to be a store.
pub const STORE: &str = "--store";

/// Up to what the adapter puts in one piece.
const SIZES: [usize; 3] = [4 << 10, 256 << 10, 4 << 20];
/// An hour is the most.
const LIVES: Duration = Duration::from_hours(1);

/// Keeps what it is sent in memory, until it is ended; says where it is.
pub async fn serve() -> Outcome<()> {
    let store = TestStore::start().await;
    println!("{}", store.url);
    std::future::pending().await
}

pub async fn puts(long: Duration) -> Outcome<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(STORE).stdout(Stdio::piped());
    let mut service = Service::start(command, free_address()?)?;
    let url = service.first_line()?;
    let (ours, theirs) = (ours(&url)?, theirs(&url));
    presigned(&ours, long).await?;
    for size in SIZES {
        put(&ours, &theirs, Bytes::from(vec![7; size]), long).await?;
    }
    Ok(())
}

/// One after the other: what a core signs.
async fn presigned(ours: &S3Storage, long: Duration) -> Outcome<()> {
    let what = Presign::Put {
        length: 4096,
        sha256: Sha256::of(b"what is announced"),
        content_type: MediaType::bytes(),
        mode: PutMode::Create,
    };
    let key: StoreKey = "bench/presigned".parse()?;
    let (begun, mut count) = (Instant::now(), 0_u32);
    while begun.elapsed() < long {
        ours.presign(&key, &what, LIVES).await?;
        count += 1;
    }
    println!("| S3: presigned, one core | {:.0}/s |", f64::from(count) / begun.elapsed().as_secs_f64());
    Ok(())
}

/// The same bytes by turns, so that what else the machine does meets both.
async fn put(ours: &S3Storage, theirs: &Client, bytes: Bytes, long: Duration) -> Outcome<()> {
    let key: StoreKey = "bench/ours".parse()?;
    let (mut by_us, mut by_them) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    while begun.elapsed() < long {
        let start = Instant::now();
        let options = PutOptions::create(MediaType::bytes()).overwriting();
        ours.put(&key, full(bytes.clone()), options).await?;
        by_us.push(start.elapsed());
        let start = Instant::now();
        let request = theirs.put_object().bucket(BUCKET).key("bench/theirs");
        let request = request.checksum_sha256(Sha256::of(&bytes).to_base64());
        request.content_type("application/octet-stream").body(ByteStream::from(bytes.clone())).send().await?;
        by_them.push(start.elapsed());
    }
    let (by_us, by_them) = (median(by_us), median(by_them));
    let (size, more) = (bytes.len(), (by_us / by_them - 1.0) * 100.0);
    println!("| S3: put of {size} bytes | {by_us:.3} ms, the SDK alone {by_them:.3} ms, {more:+.1} % |");
    Ok(())
}

/// In milliseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default().as_secs_f64() * 1000.0
}

fn ours(url: &str) -> Outcome<S3Storage> {
    let mut bucket: Bucket = format!("s3://{BUCKET}?endpoint={url}&profile=test").parse()?;
    bucket.profiles.insert("test".into(), Profile { path_style: true, ..Profile::full() });
    let secret = |text: &str| Secret::new(text.to_owned());
    bucket.access =
        Some(AccessKey { id: secret(ACCESS_KEY_ID), secret: secret(SECRET_ACCESS_KEY), token: None });
    Ok(S3Storage::open(bucket, Arc::new(SystemClock))?)
}

/// As the SDK is set up where it is to send nothing but what it is told to.
fn theirs(url: &str) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None, None, "bench"))
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .force_path_style(true)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    Client::from_conf(config.build())
}
