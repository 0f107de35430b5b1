//! The library in a program, on its folder: what `bench/python/figures.py` sets the Python package beside. It answers
//! numbers alone, for that script to read.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use odavl_core::{
    Odavl,
    auth::{OrgRef, SetUp},
    config::Config,
    metering::Consume,
    secret::Secret,
    session::{Context, Session},
    storage::{NewObject, full},
};

use crate::{
    Outcome,
    measure::{folder, run},
    process::CONFIG,
};

async fn session(folder: &tempfile::TempDir) -> Outcome<Arc<Session>> {
    let odavl = Odavl::open(folder.path(), Config::parse(CONFIG)?.settings("http://127.0.0.1:8787")?).await?;
    let person = SetUp {
        email: "bench@example.com".parse()?,
        name: "Bench".into(),
        password: Secret::new("correct horse battery".into()),
        organization: "acme".parse()?,
    };
    odavl.set_up(person).await?;
    Ok(Arc::new(odavl.system(&OrgRef::Slug("acme".parse()?), Context::default()).await?))
}

/// How many charges a second that many callers get.
pub async fn consume(callers: usize, long: Duration) -> Outcome<()> {
    let folder = folder()?;
    let session = session(&folder).await?;
    let call = move |_, _| {
        let session = session.clone();
        async move {
            session.usage().consume(Consume::new("calls".parse()?, 1)).await?;
            Ok(())
        }
    };
    run(callers, Duration::from_millis(500), call.clone()).await?;
    println!("{}", run(callers, long, call).await?.per_second());
    Ok(())
}

/// How many seconds an object of that many MiB takes to be put, and to be read.
pub async fn transfer(mebibytes: usize) -> Outcome<()> {
    let folder = folder()?;
    let session = session(&folder).await?;
    let bytes = Bytes::from(vec![7; mebibytes << 20]);
    for _ in 0..5 {
        let begun = Instant::now();
        let object = NewObject::new("object".parse()?);
        let put = session.storage().put(object, full(bytes.clone())).await?;
        let took = begun.elapsed();
        let begun = Instant::now();
        let mut body = session.storage().read(&put.name, None).await?.bytes.body;
        let mut all = Vec::with_capacity(bytes.len());
        while let Some(piece) = body.next().await? {
            all.extend_from_slice(&piece);
        }
        println!("{} {}", took.as_secs_f64(), begun.elapsed().as_secs_f64());
        drop(all);
    }
    Ok(())
}
