//! What the layer before somebody's own routes adds to a request, besides the decision: both in memory, by turns.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use odavl_core::{
    Odavl, SystemClock,
    auth::{MemoryAuth, NewKeyRequest, SetUp},
    config::Config,
    gateway::{Verdict, VerifyRequest},
    metering::MemoryMetering,
    seal::MasterKey,
    secret::Secret,
    session::{Context as From, Session},
    storage::{MemoryCatalog, MemoryStorage},
    uploads::MemoryUploads,
    webhooks::MemoryWebhooks,
};
use odavl_http::protect::Protect;
use poem::http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::{Outcome, process::CONFIG};

/// How many requests are timed as one.
const BLOCK: u32 = 500;
/// How many blocks of each.
const BLOCKS: usize = 41;

/// A route that does nothing.
#[derive(Clone)]
struct Nothing;

impl Service<Request<()>> for Nothing {
    type Response = Response<Bytes>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Bytes>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::new(Bytes::new())))
    }
}

pub async fn layer() -> Outcome<()> {
    let (odavl, key) = installation().await?;
    let operator = "operator".parse()?;
    let gateway = odavl.system(&operator, From::default()).await?;
    let mut layered = Protect::new(odavl.system(&operator, From::default()).await?)
        .scope("work:write".parse()?)
        .charge("calls".parse()?, 1)?
        .layer(Nothing);
    let bearer = format!("Bearer {}", key.reveal());
    let mut added = Vec::new();
    for _ in 0..BLOCKS {
        let begun = Instant::now();
        for _ in 0..BLOCK {
            decide(&gateway, &key).await?;
        }
        let bare = begun.elapsed();
        let begun = Instant::now();
        for _ in 0..BLOCK {
            let request = Request::builder().header("authorization", &bearer).body(())?;
            if layered.call(request).await?.status() != 200 {
                return Err("the layer refused".into());
            }
        }
        added.push((begun.elapsed().as_secs_f64() - bare.as_secs_f64(), bare));
    }
    added.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let (added, bare) = added[BLOCKS / 2];
    let each = |took: Duration| took.as_secs_f64() * 1e6 / f64::from(BLOCK);
    println!("| protect: decision in memory | {:.1} us |", each(bare));
    println!("| protect: what the layer adds to a request | {:.1} us |", added * 1e6 / f64::from(BLOCK));
    Ok(())
}

async fn decide(gateway: &Session, key: &Secret<String>) -> Outcome<()> {
    let request = VerifyRequest {
        scope: "work:write".parse()?,
        charges: vec![("calls".parse()?, 1)],
        ..VerifyRequest::new(key.clone())
    };
    match gateway.gateway().verify(request).await? {
        Verdict::Valid(_) => Ok(()),
        Verdict::Invalid(error) => Err(error.into()),
    }
}

/// An installation in memory, and a key.
async fn installation() -> Outcome<(Odavl, Secret<String>)> {
    let clock = Arc::new(SystemClock);
    let odavl = Odavl::builder()
        .auth(Arc::new(MemoryAuth::new()))
        .metering(Arc::new(MemoryMetering::new(clock.clone())))
        .storage(Arc::new(MemoryStorage::new(clock)))
        .objects(Arc::new(MemoryCatalog::default()))
        .uploads(Arc::new(MemoryUploads::default()))
        .webhooks(Arc::new(MemoryWebhooks::default()))
        .settings(Config::parse(CONFIG)?.settings("http://127.0.0.1")?)
        .master_key(MasterKey::new(&[7; 32]))
        .build()?;
    let wish = SetUp {
        email: "bench@example.com".parse()?,
        name: "Bench".into(),
        password: Secret::new("correct horse battery".into()),
        organization: "first".parse()?,
    };
    odavl.set_up(wish).await?;
    let own = odavl.system(&"first".parse()?, From::default()).await?;
    let key = own.keys().create(NewKeyRequest::new("bench", "work:write".parse()?)).await?;
    Ok((odavl, key.token.as_ref().ok_or("no secret")?.secret().clone()))
}
