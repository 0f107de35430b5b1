//! Results to upload.

use std::io::Write;

use odavl_core::{
    ErrorCode, Odavl, Result,
    auth::NewKeyRequest,
    session::{Context, Session},
    storage::{Sha256, full},
    uploads::{Encoding, NewResults, RunId, Uploaded},
};

use crate::support::World;

/// A document of `run` with so many results.
pub(crate) fn sarif(run: RunId, results: usize) -> Vec<u8> {
    let result = r#"{"ruleId": "clippy::all", "message": {"text": "unneeded"}}"#;
    let results = vec![result; results].join(",");
    format!(
        r#"{{"version": "2.1.0", "runs": [{{"tool": {{"driver": {{"name": "clippy"}}}},
            "automationDetails": {{"guid": "{run}"}}, "results": [{results}]}}]}}"#
    )
    .into_bytes()
}

/// How the document would be announced.
pub(crate) fn announce(run: RunId, document: &[u8]) -> NewResults {
    NewResults {
        product: "insight".parse().unwrap(),
        project: "my-app".parse().unwrap(),
        run,
        sha256: Sha256::of(document),
        length: document.len() as u64,
        encoding: Encoding::Identity,
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

pub(crate) async fn send(session: &Session, wish: NewResults, bytes: &[u8]) -> Result<Uploaded> {
    session.uploads().create(wish, full(bytes.to_vec())).await
}

/// Sends a new run with two results.
pub(crate) async fn send_new(session: &Session) -> Result<Uploaded> {
    let run = RunId::random().unwrap();
    let document = sarif(run, 2);
    send(session, announce(run, &document), &document).await
}

pub(crate) fn code<T: std::fmt::Debug>(result: Result<T>) -> ErrorCode {
    result.unwrap_err().code()
}

/// Makes the project `my-app` in both organisations.
pub(crate) async fn with_project(world: World) -> World {
    let odavl = world.start();
    for org in ["one", "two"] {
        let session = world.session(&odavl, org).await;
        session.projects().create("my-app".parse().unwrap(), None).await.unwrap();
    }
    world
}

/// A session of the organisation `one` with those scopes.
pub(crate) async fn with_scopes(world: &World, odavl: &Odavl, scopes: &str) -> Session {
    let owner = world.session(odavl, "one").await;
    let key = owner.keys().create(NewKeyRequest::new(scopes, scopes.parse().unwrap())).await.unwrap();
    let credential = odavl.credential(key.token.unwrap().secret().reveal()).unwrap();
    odavl.authenticate(credential, Context::default()).await.unwrap()
}
