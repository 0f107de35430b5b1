//! How long a node relies on what it remembers of keys, roles and plans, and what a decision costs meanwhile.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::SignedDuration;
use odavl_core::{
    Error, ErrorCode, Odavl, Reason, Result,
    auth::NewKeyRequest,
    gateway::{Verdict, VerifyRequest},
    ids::KeyId,
    secret::Secret,
    session::{Context, Session},
};
use tokio::{sync::Notify, task::JoinSet};

use crate::support::{
    Plan, World,
    ports::{Call, Watch},
    recorder::Recorder,
};

/// What a node asks of Auth, where the feed and Auth itself can be away.
#[derive(Debug, Clone, Default)]
struct Line {
    seen: Recorder,
    followed: Arc<Notify>,
    cut: Arc<AtomicBool>,
    gone: Arc<AtomicBool>,
}

impl Watch for Line {
    async fn call<T: Send>(&self, call: Call, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let feed = call.name == "bumps";
        if self.gone.load(Ordering::SeqCst) || feed && self.cut.load(Ordering::SeqCst) {
            return Err(Error::unavailable("the database is gone", None));
        }
        let answer = self.seen.call(call, work).await;
        if feed {
            self.followed.notify_one();
        }
        answer
    }
}

/// A node that follows what others change.
struct Node {
    world: World,
    line: Line,
    odavl: Odavl,
    gateway: Secret<String>,
    subject: (KeyId, Secret<String>),
}

async fn key(session: &Session, scope: &str) -> (KeyId, Secret<String>) {
    let made = session.keys().create(NewKeyRequest::new("test", scope.parse().unwrap())).await.unwrap();
    (made.key.id, made.token.as_ref().unwrap().secret().clone())
}

impl Node {
    async fn new() -> Self {
        let world = World::memory(Plan { analyses: 1000, ..Plan::bytes(1000) }).await;
        let other = world.start();
        let (_, gateway) = key(&world.session(&other, "operator").await, "gateway:write").await;
        let subject = key(&world.session(&other, "one").await, "insight:write").await;
        let line = Line::default();
        let odavl = world.start_with(&line);
        let node = Self { world, line, odavl, gateway, subject };
        node.follows().await;
        node
    }

    /// Returns when what was changed before is known: of the questions that it waits for, the first began before.
    async fn follows(&self) {
        for _ in 0..3 {
            self.line.followed.notified().await;
        }
    }

    async fn session(&self) -> Session {
        let credential = self.odavl.credential(self.gateway.reveal()).unwrap();
        self.odavl.authenticate(credential, Context::default()).await.unwrap()
    }

    fn question(&self, units: Option<u64>) -> VerifyRequest {
        VerifyRequest {
            key: self.subject.1.clone(),
            scope: "insight:write".parse().unwrap(),
            charges: units.map(|units| ("insight_analyses".parse().unwrap(), units)).into_iter().collect(),
            environment: None,
            ip: None,
            idempotency_key: None,
            tags: BTreeMap::new(),
        }
    }

    /// Decides where nothing is charged.
    async fn decide(&self, session: &Session) -> Result<Verdict> {
        session.gateway().verify(self.question(None)).await
    }

    fn pass(&self, seconds: i64) {
        self.world.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// Another node revokes the key.
    async fn revoke(&self) {
        let session = self.world.session(&self.world.start(), "one").await;
        session.keys().revoke(self.subject.0).await.unwrap();
    }
}

fn is_revoked(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Invalid(error) if error.reason() == Some(Reason::Revoked))
}

#[tokio::test]
async fn a_decision_costs_a_share_in_one_batch_and_asks_auth_nothing() {
    let node = Node::new().await;
    let session = Arc::new(node.session().await);
    session.gateway().verify(node.question(Some(1))).await.unwrap();
    // Longer than an epoch that was read serves by itself.
    node.pass(4);
    node.follows().await;
    node.line.seen.take();
    let mut callers = JoinSet::new();
    for _ in 0..64 {
        let (session, question) = (session.clone(), node.question(Some(1)));
        callers.spawn(async move { session.gateway().verify(question).await.unwrap() });
    }
    assert!(callers.join_all().await.iter().all(|verdict| matches!(verdict, Verdict::Valid(_))));
    let calls: Vec<_> = node.line.seen.take().iter().map(|call| call.name).collect();
    // One is under way while the others gather.
    assert!(calls.len() <= 2 && calls.iter().all(|name| *name == "apply"), "{calls:?}");
}

#[tokio::test]
async fn what_another_node_changes_is_known_when_the_feed_was_asked() {
    let node = Node::new().await;
    let session = node.session().await;
    assert!(matches!(node.decide(&session).await.unwrap(), Verdict::Valid(_)));
    node.revoke().await;
    node.follows().await;
    assert!(is_revoked(&node.decide(&session).await.unwrap()));
}

#[tokio::test]
async fn where_the_feed_is_cut_a_change_is_known_after_five_seconds_for_all_is_read_anew() {
    let node = Node::new().await;
    let session = node.session().await;
    assert!(matches!(node.decide(&session).await.unwrap(), Verdict::Valid(_)));
    node.line.cut.store(true, Ordering::SeqCst);
    node.revoke().await;
    node.pass(5);
    node.line.seen.take();
    assert!(is_revoked(&node.decide(&session).await.unwrap()));
    assert!(node.line.seen.take().iter().any(|call| call.name == "epoch"));
}

#[tokio::test]
async fn where_the_database_is_gone_nothing_passes_after_five_seconds() {
    let node = Node::new().await;
    let session = node.session().await;
    assert!(matches!(node.decide(&session).await.unwrap(), Verdict::Valid(_)));
    node.line.gone.store(true, Ordering::SeqCst);
    node.pass(5);
    let refused = node.decide(&session).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Unavailable);
    node.line.gone.store(false, Ordering::SeqCst);
    assert!(matches!(node.decide(&session).await.unwrap(), Verdict::Valid(_)));
}
