//! The table: every use case of every action, and how it is called.

use std::{collections::BTreeMap, pin::Pin};

use jiff::SignedDuration;
use odavl_core::{
    Action, Error, Reason, Result,
    auth::{
        KeyUpdate, NewKeyRequest, NewOrg, NewUser, OrgRef, OrgUpdate, Role, Scopes, TokenRefusal, UserUpdate,
    },
    gateway::{Verdict, VerifyRequest},
    metering::{Consume, Grouping, HistoryQuery, Reserve, Resolution},
    page::PageQuery,
    secret::Secret,
    session::Session,
    storage::{Depth, ListQuery, NewObject, NewUpload, PutMode, Sha256, full},
    uploads::Filter,
    webhooks::NewWebhook,
};

use crate::{
    support::{FIRST, first_person, password, send_as},
    things::{Things, document, results},
};

/// A use case.
pub(crate) struct Row {
    pub(crate) action: Action,
    /// Which of the action's use cases.
    pub(crate) what: &'static str,
    pub(crate) who: Who,
    pub(crate) about: About,
    /// The meters of which each refuses it at zero.
    pub(crate) charges: &'static [&'static str],
    /// Does it, as that session, with those things.
    pub(crate) call: for<'a> fn(&'a Session, &'a Things) -> Done<'a>,
}

pub(crate) type Done<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// Who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// Nobody in particular: what they show is checked by the act itself.
    Visitor,
    /// A key, or a person.
    Anyone,
    /// A person alone.
    Person,
}

/// What it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// The caller's own organisation, or themselves.
    Own,
    /// A thing that it names: to another organisation it is not there.
    Thing,
    /// What is nobody's: a person, a code, an organisation of the installation.
    Nobodys,
}

macro_rules! rows {
    ($($action:ident $what:literal, $who:ident, $about:ident, [$($meter:literal),*],
       |$session:ident, $things:ident| $call:expr;)*) => {
        vec![$(Row {
            action: Action::$action,
            what: $what,
            who: Who::$who,
            about: About::$about,
            charges: &[$($meter),*],
            call: |$session, $things| Box::pin(async move { $call.await.map(drop) }),
        }),*]
    };
}

/// Every use case.
pub(crate) fn rows() -> Vec<Row> {
    [sign_in(), people(), organisations(), keys(), usage(), storage(), uploads(), webhooks(), backups()]
        .into_iter()
        .flatten()
        .collect()
}

fn sign_in() -> Vec<Row> {
    rows! {
        SetUp "with the link", Visitor, Nobodys, [], |s, t| s.set_up(&t.link, first_person());
        SignIn "with a password", Visitor, Nobodys, [], |s, t| s.sign_in(&t.email, password());
        DeviceCode "ask", Visitor, Nobodys, [], |s, t| s.devices().ask(t.client, Scopes::none());
        Token "for a device's code", Visitor, Nobodys, [],
            |s, t| async { given(s.device_token(t.client, &t.approved).await?) };
        Token "for a refresh token", Visitor, Nobodys, [],
            |s, t| async { given(s.refresh(t.client, &t.refresh).await?) };
        Revoke "a token", Visitor, Nobodys, [], |s, t| s.revoke_token(&t.refresh);
        Introspect "a token", Anyone, Thing, [], |s, t| async { found(s.introspect(&t.access).await?) };
        DeviceApprove "look", Person, Nobodys, [], |s, t| s.devices().look(&t.user_code);
        DeviceApprove "approve", Person, Thing, [],
            |s, t| async { s.devices().approve(&t.user_code, t.org, "usage:read".parse()?).await };
        DeviceApprove "deny", Person, Nobodys, [], |s, t| s.devices().deny(&t.user_code);
        SignOut "here", Person, Own, [], |s, _t| s.sign_out();
        SignOut "elsewhere", Person, Thing, [], |s, t| s.end_sign_in(t.sign_in);
        Me "who", Anyone, Own, [], |s, _t| s.me();
        Me "the person", Anyone, Own, [], |s, _t| s.account();
        Me "where they belong", Person, Own, [], |s, _t| s.organizations();
        Me "where they are signed in", Person, Own, [], |s, _t| s.sign_ins();
    }
}

fn people() -> Vec<Row> {
    rows! {
        PasswordChange "one's own", Person, Own, [],
            |s, _t| s.change_password(password(), Secret::new("another horse battery".into()));
        UserCreate "add", Anyone, Nobodys, [], |s, _t| async {
            let wish = NewUser { email: "new@example.com".parse()?, name: "New".into(), password: None };
            s.users().create(wish).await
        };
        UserList "all", Anyone, Nobodys, [], |s, _t| async { s.users().list(&page()).await };
        UserList "by address", Anyone, Nobodys, [], |s, t| s.users().find(&t.email);
        UserUpdate "set a password", Anyone, Nobodys, [], |s, t| async {
            s.users().update(t.user, UserUpdate { password: Some(password()), ..UserUpdate::default() }).await
        };
    }
}

fn organisations() -> Vec<Row> {
    rows! {
        OrgCreate "make", Anyone, Nobodys, [], |s, _t| s.orgs().create(organisation());
        OrgList "all", Anyone, Nobodys, [], |s, _t| async { s.orgs().list(&page()).await };
        OrgUpdate "plan", Anyone, Nobodys, [], |s, t| async {
            s.orgs().update(&OrgRef::Id(t.org), OrgUpdate { plan: Some("PRO".into()), ..OrgUpdate::default() }).await
        };
        StoreAdopt "store", Anyone, Nobodys, [], |s, _t| s.storage().adopt_store();
        OrgRead "own", Anyone, Own, [], |s, _t| s.orgs().read();
        MemberList "all", Anyone, Own, [], |s, _t| async { s.members().list(&page()).await };
        MemberPut "change", Anyone, Nobodys, [], |s, t| s.members().put(t.user, Role::Viewer);
        MemberRemove "remove", Anyone, Thing, [], |s, t| s.members().remove(t.user);
        ProjectCreate "make", Anyone, Own, [], |s, _t| async { s.projects().create("new".parse()?, None).await };
        ProjectList "all", Anyone, Own, [], |s, _t| async { s.projects().list(&page()).await };
        ProjectList "one", Anyone, Thing, [], |s, t| s.projects().read(&t.project);
        AuditRead "records", Anyone, Own, [], |s, _t| async { s.orgs().audit(&page()).await };
        AuditRead "verify", Anyone, Own, [], |s, _t| s.verify_audit();
    }
}

fn webhooks() -> Vec<Row> {
    rows! {
        WebhookCreate "add", Anyone, Own, [], |s, _t| s.webhooks().create(hook());
        WebhookList "all", Anyone, Own, [], |s, _t| s.webhooks().list();
        WebhookList "deliveries", Anyone, Thing, [], |s, t| async {
            s.webhooks().deliveries(t.webhook, &page()).await
        };
        WebhookReplay "again", Anyone, Thing, [], |s, t| s.webhooks().replay(t.webhook, t.event);
        WebhookDelete "remove", Anyone, Thing, [], |s, t| s.webhooks().delete(t.webhook);
    }
}

fn backups() -> Vec<Row> {
    rows! {
        BackupList "sources", Anyone, Nobodys, [], |s, _t| s.backups().sources();
        BackupList "of a source", Anyone, Nobodys, [],
            |s, t| async { s.backups().list(t.source, &page()).await };
        BackupList "one", Anyone, Nobodys, [], |s, t| s.backups().get(t.source, t.backup);
        BackupList "what a restore would do", Anyone, Nobodys, [],
            |s, t| async { s.backups().restore_plan(t.source, t.backup, "copy".parse()?).await };
        BackupCreate "begin", Anyone, Nobodys, [], |s, t| s.backups().create(t.source);
        BackupVerify "begin", Anyone, Nobodys, [], |s, t| s.backups().verify(t.source, t.backup);
    }
}

/// An endpoint as somebody wishes for it.
pub(crate) fn hook() -> NewWebhook {
    NewWebhook { url: "https://example.com/hook".into(), description: "ours".into(), idempotency_key: None }
}

fn keys() -> Vec<Row> {
    rows! {
        KeyCreate "make", Anyone, Own, ["api_keys"],
            |s, _t| async { s.keys().create(NewKeyRequest::new("new", "keys:write".parse()?)).await };
        KeyList "all", Anyone, Own, [], |s, _t| async { s.keys().list(&page()).await };
        KeyList "one", Anyone, Thing, [], |s, t| s.keys().read(t.key);
        KeyUpdate "rename", Anyone, Thing, [],
            |s, t| s.keys().update(t.key, KeyUpdate { name: Some("other".into()), ..KeyUpdate::default() });
        KeyUpdate "adopt", Anyone, Thing, [],
            |s, t| s.keys().update(t.key, KeyUpdate { adopt: true, ..KeyUpdate::default() });
        KeyRotate "rotate", Anyone, Thing, [], |s, t| s.keys().rotate(t.key, SignedDuration::ZERO);
        KeyRevoke "revoke", Anyone, Thing, [], |s, t| s.keys().revoke(t.key);
        GatewayVerify "decide", Anyone, Nobodys, ["autopilot_runs"],
            |s, t| async { passed(s.gateway().verify(question(t)).await?) };
    }
}

fn usage() -> Vec<Row> {
    rows! {
        UsageRead "now", Anyone, Own, [], |s, _t| s.usage().read();
        UsageRead "history", Anyone, Own, [], |s, _t| async { s.usage().history(&last_day()).await };
        UsageRead "ledger", Anyone, Own, [], |s, _t| async { s.usage().ledger(&page()).await };
        UsageConsume "units", Anyone, Own, ["autopilot_runs"], |s, _t| s.usage().consume(one_run());
        UsageReserve "units", Anyone, Own, ["autopilot_runs"], |s, _t| s.usage().reserve(one_hour());
        UsageSettle "settle", Anyone, Thing, [], |s, t| s.usage().settle(t.held, one_unit());
        UsageSettle "release", Anyone, Thing, [], |s, t| s.usage().release(t.held);
    }
}

fn storage() -> Vec<Row> {
    rows! {
        StoragePut "stream", Anyone, Own, ["api_calls", "storage_bytes"], |s, _t| async {
            let wish = NewObject { size: Some(4), ..NewObject::new("new".parse()?) };
            s.storage().put(wish, full("four")).await
        };
        StorageUploadUrl "whole", Anyone, Own, ["api_calls", "storage_bytes"],
            |s, _t| async { s.storage().upload_url(announced("new", b"four")?).await };
        StorageUploadUrl "parts", Anyone, Thing, ["api_calls"],
            |s, t| async { s.storage().sign_parts(t.parts, &[(1, Sha256::of(b""))]).await };
        StorageUploadGet "how far", Anyone, Thing, ["api_calls"], |s, t| s.storage().upload(t.whole);
        StorageDirect "fetch", Visitor, Nobodys, [], |s, t| send_as(s, &t.request, full(""), 0);
        StorageComplete "complete", Anyone, Thing, [], |s, t| s.storage().complete(t.whole);
        StorageAbandon "give up", Anyone, Thing, [], |s, t| s.storage().abandon(t.parts);
        StorageGet "read", Anyone, Thing, ["api_calls"], |s, t| s.storage().read(&t.object, None);
        StorageDownloadUrl "ask", Anyone, Thing, ["api_calls"], |s, t| s.storage().download_url(&t.object);
        StorageList "all", Anyone, Own, [],
            |s, _t| async { s.storage().list(&ListQuery::new("", Depth::All, page())?).await };
        StorageDelete "delete", Anyone, Thing, [], |s, t| s.storage().delete(&t.object);
        StorageStats "count", Anyone, Own, [], |s, _t| s.storage().stats();
        StorageRecount "recount", Anyone, Own, [], |s, _t| s.storage().recount();
    }
}

fn uploads() -> Vec<Row> {
    rows! {
        UploadCreate "send", Anyone, Thing, ["api_calls", "storage_bytes", "insight_analyses"], |s, t| async {
            let (run, bytes) = document();
            s.uploads().create(results(&t.project, run, &bytes), full(bytes)).await
        };
        UploadList "all", Anyone, Own, ["api_calls"],
            |s, _t| async { s.uploads().list(&Filter::default(), &page()).await };
        UploadList "of a project", Anyone, Thing, ["api_calls"], |s, t| async {
            let filter = Filter { product: Some("insight".parse()?), project: Some(t.project.clone()) };
            s.uploads().list(&filter, &page()).await
        };
        UploadGet "one", Anyone, Thing, ["api_calls"], |s, t| s.uploads().read(t.results);
        UploadGet "content", Anyone, Thing, ["api_calls"], |s, t| s.uploads().content(t.results, None);
        UploadDelete "delete", Anyone, Thing, [], |s, t| s.uploads().delete(t.results);
    }
}

fn page() -> PageQuery {
    PageQuery::default()
}

fn organisation() -> NewOrg {
    NewOrg {
        slug: "new".parse().unwrap(),
        name: "New".into(),
        plan: None,
        external_id: None,
        metadata: BTreeMap::new(),
        idempotency_key: None,
    }
}

fn question(things: &Things) -> VerifyRequest {
    VerifyRequest {
        key: things.secret.clone(),
        scope: "keys:write".parse().unwrap(),
        charges: one_unit(),
        environment: None,
        ip: None,
        idempotency_key: None,
        tags: BTreeMap::new(),
    }
}

fn one_unit<N: From<u8>>() -> Vec<(odavl_core::metering::MeterName, N)> {
    vec![("autopilot_runs".parse().unwrap(), N::from(1))]
}

/// One unit for an hour.
pub(crate) fn one_hour() -> Reserve {
    Reserve {
        units: one_unit(),
        lifetime: SignedDuration::from_hours(1),
        idempotency_key: None,
        tags: BTreeMap::new(),
    }
}

fn one_run() -> Consume {
    Consume {
        meter: "autopilot_runs".parse().unwrap(),
        units: 1,
        idempotency_key: None,
        tags: BTreeMap::new(),
    }
}

fn last_day() -> HistoryQuery {
    HistoryQuery {
        meter: "autopilot_runs".parse().unwrap(),
        from: "2027-01-14T00:00:00Z".parse().unwrap(),
        to: "2027-01-16T00:00:00Z".parse().unwrap(),
        resolution: Resolution::Hour,
        grouping: Grouping::Total,
    }
}

fn announced(name: &str, bytes: &[u8]) -> Result<NewUpload> {
    Ok(NewUpload {
        name: name.parse()?,
        size: bytes.len() as u64,
        sha256: Some(Sha256::of(bytes)),
        content_type: "text/plain".parse()?,
        mode: PutMode::Overwrite,
        idempotency_key: None,
    })
}

/// A refused grant, as the error that it is.
fn given<T>(answer: Result<T, TokenRefusal>) -> Result<T> {
    answer.map_err(|refusal| Error::unauthenticated(Reason::Unknown, refusal.as_str()))
}

/// Nothing is said of what is not there.
fn found<T>(answer: Option<T>) -> Result<T> {
    answer.ok_or_else(|| Error::not_found("token", "of that text"))
}

/// A verdict, as the error that it is to whoever is refused.
fn passed(verdict: Verdict) -> Result<()> {
    match verdict {
        Verdict::Valid(_) => Ok(()),
        Verdict::Invalid(error) => Err(error),
    }
}

/// Whose address is asked for.
pub(crate) fn somebody() -> odavl_core::auth::Email {
    FIRST.parse().unwrap()
}
