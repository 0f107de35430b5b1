//! What an organisation has: one of everything that a use case can name.

use odavl_core::{
    Odavl,
    auth::{Email, NewKeyRequest, Role, Slug},
    backup::Wish,
    ids::{BackupId, EventId, KeyId, OrgId, ReservationId, SessionId, UploadId, UserId, WebhookId},
    secret::Secret,
    session::Session,
    storage::{
        Method, NewObject, NewUpload, ObjectName, PresignedRequest, PutMode, Sha256, WHOLE_MOST, full,
    },
    uploads::{Encoding, NewResults, RunId},
    webhooks::{Delivery, DeliveryState},
};

use crate::{
    rows::{hook, one_hour, somebody},
    support::{
        FIRST, World,
        people::{CLIENT, approve, ask, in_browser, member, tokens},
        send_all,
    },
};

/// The things, by what names them.
pub(crate) struct Things {
    pub(crate) org: OrgId,
    /// A key of the first person's.
    pub(crate) key: KeyId,
    pub(crate) secret: Secret<String>,
    /// A member besides the first person.
    pub(crate) user: UserId,
    pub(crate) email: Email,
    pub(crate) project: Slug,
    pub(crate) object: ObjectName,
    /// A direct upload whose bytes have arrived, and one in parts of which none has.
    pub(crate) whole: UploadId,
    pub(crate) parts: UploadId,
    pub(crate) results: UploadId,
    pub(crate) held: ReservationId,
    /// The code of a device that waits for its answer, and of one that has it.
    pub(crate) user_code: String,
    pub(crate) approved: Secret<String>,
    pub(crate) client: &'static str,
    /// The first person's sign-in on a device, and one in a browser.
    pub(crate) access: Secret<String>,
    pub(crate) refresh: Secret<String>,
    pub(crate) sign_in: SessionId,
    pub(crate) request: PresignedRequest,
    pub(crate) link: Secret<String>,
    pub(crate) webhook: WebhookId,
    /// What it was told of.
    pub(crate) event: EventId,
    /// A backup, and the source that it is of: the operator's.
    pub(crate) source: &'static str,
    pub(crate) backup: BackupId,
}

impl Things {
    /// What names nothing.
    pub(crate) fn absent(world: &World) -> Self {
        let now = odavl_core::Clock::now(&*world.clock);
        let request = PresignedRequest {
            method: Method::Get,
            url: format!("{}/storage/direct/org_x?signature=none", crate::support::URL),
            headers: Vec::new(),
            expires_at: now,
        };
        Self {
            org: OrgId::new(now).unwrap(),
            key: KeyId::new(now).unwrap(),
            secret: Secret::new("no key".into()),
            user: UserId::new(now).unwrap(),
            email: "absent@example.com".parse().unwrap(),
            project: "absent".parse().unwrap(),
            object: "absent".parse().unwrap(),
            whole: UploadId::new(now).unwrap(),
            parts: UploadId::new(now).unwrap(),
            results: UploadId::new(now).unwrap(),
            held: ReservationId::new(now).unwrap(),
            user_code: "BCDF-GHJK".into(),
            approved: Secret::new("no code".into()),
            client: "absent",
            access: Secret::new("no.access.token".into()),
            refresh: Secret::new("no refresh token".into()),
            sign_in: SessionId::new(now).unwrap(),
            request,
            link: Secret::new("no link".into()),
            webhook: WebhookId::new(now).unwrap(),
            event: EventId::derive(&[b"absent"]),
            source: "absent",
            backup: BackupId::new(now).unwrap(),
        }
    }

    /// The things of the organisation `one`.
    pub(crate) async fn of_one(world: &World) -> Self {
        let odavl = world.start();
        let first = in_browser(&odavl, FIRST).await;
        let org = first.orgs().read().await.unwrap().id;
        let key =
            first.keys().create(NewKeyRequest::new("thing", "keys:write".parse().unwrap())).await.unwrap();
        let project: Slug = "my-app".parse().unwrap();
        first.projects().create(project.clone(), None).await.unwrap();
        let (run, bytes) = document();
        let sent = first.uploads().create(results(&project, run, &bytes), full(bytes)).await.unwrap();
        let held = first.usage().reserve(one_hour()).await.unwrap().id;
        let (whole, parts) = uploads(&odavl, &first).await;
        let object: ObjectName = "a".parse().unwrap();
        first.storage().put(NewObject::new(object.clone()), full("bytes")).await.unwrap();
        let (webhook, event) = told(world, &first).await;
        let tokens = tokens(&odavl, &first, org).await;
        let pending = ask(&odavl).await;
        let approved = ask(&odavl).await;
        approve(&first, &approved, org).await;
        in_browser(&odavl, FIRST).await;
        let vault = world.vault(world.backups.clone());
        let made = vault.create(&World::place(), &world.database, Wish::default()).await.unwrap();
        let sign_in = first.sign_ins().await.unwrap().into_iter().find(|login| !login.current).unwrap();
        Self {
            org,
            key: key.key.id,
            secret: key.token.unwrap().secret().clone(),
            user: member(world, &odavl, "one", "second@example.com", Role::Member).await,
            email: somebody(),
            project,
            whole,
            parts,
            results: sent.upload.id,
            held,
            user_code: pending.user_code.to_string(),
            approved: approved.device_code,
            client: CLIENT,
            access: tokens.access_token,
            refresh: tokens.refresh_token,
            sign_in: sign_in.id,
            request: first.storage().download_url(&object).await.unwrap(),
            object,
            webhook,
            event,
            source: "main",
            backup: made.entry.manifest.id,
            ..Self::absent(world)
        }
    }
}

/// A document of results, and its run.
pub(crate) fn document() -> (RunId, Vec<u8>) {
    let run = RunId::random().unwrap();
    let text = format!(
        r#"{{"version": "2.1.0", "runs": [{{"tool": {{"driver": {{"name": "clippy"}}}},
            "automationDetails": {{"guid": "{run}"}}, "results": []}}]}}"#
    );
    (run, text.into_bytes())
}

/// How it is announced.
pub(crate) fn results(project: &Slug, run: RunId, bytes: &[u8]) -> NewResults {
    NewResults {
        product: "insight".parse().unwrap(),
        project: project.clone(),
        run,
        sha256: Sha256::of(bytes),
        length: bytes.len() as u64,
        encoding: Encoding::Identity,
    }
}

/// An endpoint, and an event that it was told of.
async fn told(world: &World, session: &Session) -> (WebhookId, EventId) {
    let endpoint = session.webhooks().create(hook()).await.unwrap().endpoint.id;
    let event = EventId::derive(&[b"reached"]);
    let created_at = odavl_core::Clock::now(&*world.clock);
    let delivery = Delivery {
        event,
        endpoint,
        payload: "{}".into(),
        created_at,
        attempts: 0,
        state: DeliveryState::Pending { next_at: created_at },
        last: None,
    };
    let org = session.orgs().read().await.unwrap().id;
    let ended = Delivery { attempts: 1, state: DeliveryState::Delivered, ..delivery.clone() };
    world.webhooks.enqueue(org, &[delivery]).await.unwrap();
    assert!(world.webhooks.report(org, &ended).await.unwrap());
    (endpoint, event)
}

/// An upload whose bytes have arrived, and one in parts.
async fn uploads(odavl: &Odavl, session: &Session) -> (UploadId, UploadId) {
    let whole = NewUpload {
        name: "whole".parse().unwrap(),
        size: 4,
        sha256: Some(Sha256::of(b"four")),
        content_type: "text/plain".parse().unwrap(),
        mode: PutMode::Overwrite,
        idempotency_key: None,
    };
    let parts =
        NewUpload { name: "parts".parse().unwrap(), size: WHOLE_MOST + 1, sha256: None, ..whole.clone() };
    let whole = session.storage().upload_url(whole).await.unwrap();
    send_all(odavl, &whole.request.unwrap(), b"four").await.unwrap();
    let parts = session.storage().upload_url(parts).await.unwrap();
    (whole.status.id, parts.status.id)
}
