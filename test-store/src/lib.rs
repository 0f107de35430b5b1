//! An S3 store for odavl's tests: on loopback, in the test's own process, gone with it.
//!
//! HTTP, XML and signatures, of presigned requests too, are `s3s`'s; so what a client gets wrong there is refused by
//! code that knows nothing of odavl. What is kept is kept here, in memory, as S3 documents it: conditions, SHA-256
//! checksums, multipart uploads and their composites. (`s3s-fs`, which could keep it, shows bytes before it has proved
//! them, lists parts without their tags, wants parts numbered without gaps, and takes no key that begins another.)

mod faulty;
mod multipart;
mod objects;
mod send;
mod shelves;

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use s3s::{
    auth::SimpleAuth,
    service::{S3Service, S3ServiceBuilder},
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::shelves::Shelves;

pub use faulty::{FaultyStore, Said, Seen};
pub use send::{Answer, send};

/// The one bucket that there is.
pub const BUCKET: &str = "odavl-test";
/// The one access key that is known.
pub const ACCESS_KEY_ID: &str = "test-key";
/// Its secret.
pub const SECRET_ACCESS_KEY: &str = "test-secret-canary";

/// What a store does, beyond what every store does.
#[derive(Debug, Clone, Copy)]
pub struct Does {
    /// Whether it heeds `If-None-Match`.
    pub conditions: bool,
    /// Whether it proves and keeps `x-amz-checksum-sha256`.
    pub checksums: bool,
}

/// A store. It stops when it is dropped.
#[derive(Debug)]
pub struct TestStore {
    /// Where it is, such as `http://127.0.0.1:41234`.
    pub url: String,
    kept: Kept,
    serving: JoinHandle<()>,
}

impl TestStore {
    /// Starts a store that does everything.
    pub async fn start() -> Self {
        Self::start_that(Does { conditions: true, checksums: true }).await
    }

    /// Starts a store that does this.
    pub async fn start_that(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap_or_else(|error| fail(&error));
        let address = listener.local_addr().unwrap_or_else(|error| fail(&error));
        let kept = Kept { does, shelves: Arc::default() };
        let mut service = S3ServiceBuilder::new(kept.clone());
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY_ID, SECRET_ACCESS_KEY));
        let serving = tokio::spawn(serve(listener, service.build()));
        Self { url: format!("http://{address}"), kept, serving }
    }

    /// How many bytes the objects have whose keys begin so.
    pub fn bytes(&self, prefix: &str) -> u64 {
        let shelves = self.kept.shelves();
        let below = shelves.objects.iter().filter(|(key, _)| key.starts_with(prefix));
        below.map(|(_, object)| object.bytes.len() as u64).sum()
    }

    /// How many bytes lie in multipart uploads that nobody has ended.
    pub fn unfinished_bytes(&self) -> u64 {
        let shelves = self.kept.shelves();
        let parts = shelves.uploads.values().flat_map(|upload| upload.parts.values());
        parts.map(|part| part.bytes.len() as u64).sum()
    }

    /// How many multipart uploads nobody has ended.
    pub fn unfinished(&self) -> usize {
        self.kept.shelves().uploads.len()
    }

    /// How many parts it has taken; one that came twice counts twice.
    pub fn parts(&self) -> usize {
        self.kept.shelves().parts
    }

    /// The keys of its objects, in order.
    pub fn keys(&self) -> Vec<String> {
        self.kept.shelves().objects.keys().cloned().collect()
    }

    /// How the object under `key` was asked to be encrypted.
    pub fn encryption(&self, key: &str) -> Option<String> {
        self.kept.shelves().objects.get(key)?.encryption.clone()
    }

    /// Takes no part of that number from now on; takes all, where it is `None`.
    pub fn refuse_part(&self, number: Option<i32>) {
        self.kept.shelves().refused = number;
    }

    /// Says from now on that it keeps versions. It keeps none.
    pub fn say_versioned(&self) {
        self.kept.shelves().versioned = true;
    }

    /// Changes a byte of every object, behind everybody's back.
    pub fn damage(&self) {
        for object in self.kept.shelves().objects.values_mut() {
            let mut bytes = object.bytes.to_vec();
            if let Some(byte) = bytes.first_mut() {
                *byte ^= 1;
            }
            object.bytes = bytes.into();
        }
    }
}

impl Drop for TestStore {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, service: S3Service) {
    while let Ok((stream, _)) = listener.accept().await {
        let service = service.clone();
        tokio::spawn(async move {
            // Who goes away in the middle is no fault of the store.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

#[expect(clippy::panic, reason = "a test that cannot start its store fails")]
fn fail<T>(error: &io::Error) -> T {
    panic!("the test store cannot listen: {error}")
}

/// What `s3s` asks.
#[derive(Debug, Clone)]
struct Kept {
    does: Does,
    shelves: Arc<Mutex<Shelves>>,
}

impl Kept {
    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
