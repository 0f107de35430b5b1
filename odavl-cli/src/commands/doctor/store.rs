//! What the store that objects are kept in does, asked once: what of it its profile says, and what it must do in any case.

use jiff::{SignedDuration, Timestamp};
use odavl_core::{
    Clock, Error, ErrorCode, Result as Own, SystemClock,
    page::PageQuery,
    random_id,
    storage::{
        Ability, Bucket, MediaType, Multipart, Part, Presign, PresignedRequest, Profile, PutMode, PutOptions,
        S3Storage, Sha256, Storage, StoreFault, StoreKey, collect, full,
    },
};
use reqwest::{Client, Response, StatusCode};
use std::{
    error::Error as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Report, SKEW, apart, skew};
use crate::{
    failure::{Failure, Result},
    http,
    origin::Origin,
    settings::Settings,
    store,
};

/// The bytes that are put; the others are as many.
const BYTES: &[u8] = b"odavl doctor";
const OTHERS: &[u8] = b"odavl-doctor";
/// How long the URLs live that are tried.
const LIVES: Duration = Duration::from_mins(5);

/// What is this old under [`PLACE`], and not this run's, another left that came to no end.
const LEFT: SignedDuration = SignedDuration::from_hours(1);
/// Under this lies what is put.
const PLACE: &str = "odavl-doctor/";

/// Asks the store of `bucket` for real, and leaves nothing there, whatever it answers.
pub(super) async fn examine(bucket: &Bucket, settings: &Settings, report: &mut Report) {
    let probe = match Probe::open(bucket, settings).await {
        Ok(probe) => probe,
        Err(failure) => return report.note("store answers", Err(told(failure))),
    };
    try_out(&probe, report).await;
    versions(&probe, report).await;
    report.note("store is left clean", probe.clean().await.map_err(told));
}

async fn try_out(probe: &Probe, report: &mut Report) {
    let mut note = |name, checked: Result<String>| report.note(name, checked.map_err(told));
    let bucket = &probe.bucket;
    note("store answers", Ok(format!("{} (profile `{}`)", bucket.name, probe.profile.0)));
    note("store keeps bytes", probe.keeps_bytes().await);
    for ability in Ability::ALL {
        let does = match ability {
            Ability::ConditionalPut => probe.puts_conditionally().await,
            Ability::Checksums => probe.proves_bytes().await,
            Ability::WriteOnce => probe.writes_once().await,
        };
        note(ability.as_str(), probe.compare(ability, does));
    }
    note("presigned length", probe.holds_to_length().await);
    note("presigned type", probe.holds_to_type().await);
    note("store drops parts", probe.drops_parts().await);
    note("store clock", probe.clock().await);
    note("store is private", probe.is_private().await);
}

/// A bucket with versions is no fault of the store's. But what odavl deletes, it has given back.
async fn versions(probe: &Probe, report: &mut Report) {
    let name = "store deletes";
    match probe.storage.keeps_versions().await {
        Ok(Some(false)) => report.note(name, Ok("yes".to_owned())),
        Ok(Some(true)) => report.advise(
            name,
            "no: the bucket has versions, so what is deleted stays and costs",
            "set a lifecycle rule that removes noncurrent versions",
        ),
        Ok(None) => report.advise(
            name,
            "the store does not say whether the bucket has versions",
            "if it has, set a lifecycle rule that removes noncurrent versions",
        ),
        Err(error) => report.note(name, Err(told(error.into()))),
    }
}

/// Whether the store refused what it was asked, rather than came to no answer.
fn is_refusal(failure: &Failure) -> bool {
    let Failure::Own(error) = failure else { return false };
    let fault = error.source().and_then(|cause| cause.downcast_ref::<StoreFault>());
    error.code() != ErrorCode::Unavailable || fault.is_some_and(|fault| !fault.is_outage())
}

/// The store's own words: whoever asks runs odavl.
fn told(failure: Failure) -> Failure {
    match failure {
        Failure::Own(error) => store::told(error).into(),
        other => other,
    }
}

struct Probe {
    bucket: Bucket,
    profile: (String, Profile),
    /// The store, as if it could do everything.
    storage: S3Storage,
    http: Client,
    /// What may lie in the store because of this run.
    left: Mutex<(Vec<StoreKey>, Vec<Multipart>)>,
}

impl Probe {
    async fn open(bucket: &Bucket, settings: &Settings) -> Result<Self> {
        let configured = S3Storage::open(bucket.clone(), Arc::new(SystemClock))?;
        configured.ready().await?;
        let (name, profile) = configured.profile();
        let profile = (name.to_owned(), profile.clone());
        let storage = claiming(bucket, &profile, &Ability::ALL)?;
        let request = storage.presign(&fresh()?, &get(), LIVES).await?;
        let url: reqwest::Url =
            request.url.parse().map_err(|_| Error::internal("the store has no URL", None))?;
        let origin: Origin = url.origin().ascii_serialization().parse()?;
        let http = http::build(settings.remote().to(&origin)?.timeout(LIVES))?;
        Ok(Self { bucket: bucket.clone(), profile, storage, http, left: Mutex::default() })
    }

    fn left(&self) -> MutexGuard<'_, (Vec<StoreKey>, Vec<Multipart>)> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A key that nobody else has.
    fn key(&self) -> Own<StoreKey> {
        let key = fresh()?;
        self.left().0.push(key.clone());
        Ok(key)
    }

    async fn begin(&self, storage: &S3Storage, key: &StoreKey) -> Own<Multipart> {
        let upload = storage.begin_multipart(key, &MediaType::bytes()).await?;
        self.left().1.push(upload.clone());
        Ok(upload)
    }

    /// Removes what this run has put, and what one left that was stopped. Whatever fails holds up nothing else.
    async fn clean(&self) -> Result<String> {
        let (keys, uploads) = std::mem::take(&mut *self.left());
        let own = self.remove(&keys, &uploads).await;
        let (keys, uploads) = self.leftovers().await?;
        let others = self.remove(&keys, &uploads).await;
        own.and(others)?;
        let nothing = keys.is_empty() && uploads.is_empty();
        Ok(if nothing { "yes" } else { "yes, and what an earlier run had left is gone" }.to_owned())
    }

    async fn remove(&self, keys: &[StoreKey], uploads: &[Multipart]) -> Own<()> {
        let mut outcome = Ok(());
        for upload in uploads {
            outcome = outcome.and(self.storage.abort_multipart(upload).await);
        }
        for key in keys {
            outcome = outcome.and(self.storage.delete(key).await);
        }
        outcome
    }

    async fn leftovers(&self) -> Own<(Vec<StoreKey>, Vec<Multipart>)> {
        let (place, page) = (PLACE.parse()?, PageQuery { limit: PageQuery::MOST, cursor: None });
        let is_left = |at: Timestamp| SystemClock.now().duration_since(at) > LEFT;
        let keys = self.storage.list(&place, &page).await?.items.into_iter();
        let keys = keys.filter(|stored| is_left(stored.modified)).map(|stored| stored.key).collect();
        let open = match self.storage.open_multiparts(&place, &page).await {
            Err(Error::Unsupported(_)) => Vec::new(),
            open => open?.items,
        };
        let open = open.into_iter().filter(|open| is_left(open.begun)).map(|open| open.multipart);
        Ok((keys, open.collect()))
    }

    /// What is said of an ability, beside what the profile says. A store that refuses the very question has it not; one that
    /// does not come to an answer has said nothing.
    fn compare(&self, ability: Ability, does: Result<bool>) -> Result<String> {
        let (name, profile) = &self.profile;
        match (does, profile.can(ability)) {
            (Ok(true), true) => Ok("yes".to_owned()),
            (Ok(true), false) => Ok(format!("yes, although the profile `{name}` has it not in `can`")),
            (Err(failure), false) if !is_refusal(&failure) => Err(failure),
            (_, false) => Ok(format!("no, as the profile `{name}` says")),
            (Ok(false), true) => Err(Error::invalid_with(
                format!("no, although the profile `{name}` says so"),
                format!("take `{}` out of `can`, in a table [stores.NAME] of odavl.toml", ability.as_str()),
            )
            .into()),
            (Err(failure), true) => Err(failure),
        }
    }

    async fn keeps_bytes(&self) -> Result<String> {
        let storage = claiming(&self.bucket, &self.profile, &[])?;
        let key = self.key()?;
        storage.put(&key, full(BYTES), options()).await?;
        let found = storage.get(&key, None).await?;
        let bytes = match found {
            Some(object) => collect(object.body, 1000).await?.to_vec(),
            None => Vec::new(),
        };
        storage.delete(&key).await?;
        if bytes == BYTES && storage.head(&key).await?.is_none() {
            return Ok("yes".to_owned());
        }
        Err(Error::corrupted("what is put is not what is got, or what is deleted is there", None).into())
    }

    /// Of two that create a key at once one wins, and neither do parts that are put together replace it.
    async fn puts_conditionally(&self) -> Result<bool> {
        let storage = claiming(&self.bucket, &self.profile, &[Ability::ConditionalPut])?;
        let key = self.key()?;
        let (one, other) = tokio::join!(
            storage.put(&key, full(BYTES), options()),
            storage.put(&key, full(OTHERS), options())
        );
        let upload = self.begin(&storage, &key).await?;
        storage.put_part(&upload, part(BYTES), full(BYTES)).await?;
        let joined = storage.complete_multipart(&upload, &[part(BYTES)], PutMode::Create).await;
        let refused = [is_refused(one)?, is_refused(other)?, is_refused(joined)?];
        Ok(refused.into_iter().filter(|refused| *refused).count() == 2)
    }

    /// Other bytes than were announced are refused, in one request and as a part, and the digest is told.
    async fn proves_bytes(&self) -> Result<bool> {
        let key = self.key()?;
        let put = self.storage.presign(&key, &whole(PutMode::Overwrite), LIVES).await?;
        let lied = self.send(&put, OTHERS).await?;
        let absent = self.storage.head(&key).await?.is_none();
        let sent = self.send(&put, BYTES).await?;
        let told = self.storage.head(&key).await?.is_some_and(|found| found.checksum.is_some());
        let upload = self.begin(&self.storage, &key).await?;
        let in_parts = self.proves_part(&key, &upload).await?;
        Ok(!lied.is_success() && absent && sent.is_success() && told && in_parts)
    }

    async fn proves_part(&self, key: &StoreKey, upload: &Multipart) -> Result<bool> {
        let what = Presign::Part { multipart: upload.clone(), part: part(BYTES) };
        let request = self.storage.presign(key, &what, LIVES).await?;
        let lied = self.send(&request, OTHERS).await?;
        Ok(!lied.is_success() && self.send(&request, BYTES).await?.is_success())
    }

    async fn writes_once(&self) -> Result<bool> {
        let key = self.key()?;
        let request = self.storage.presign(&key, &whole(PutMode::Create), LIVES).await?;
        let first = self.send(&request, BYTES).await?;
        let again = self.send(&request, BYTES).await?;
        Ok(first.is_success() && again == StatusCode::PRECONDITION_FAILED)
    }

    /// A quota cannot be held without it.
    async fn holds_to_length(&self) -> Result<String> {
        let key = self.key()?;
        let request = self.storage.presign(&key, &whole(PutMode::Overwrite), LIVES).await?;
        let mut taken = Vec::new();
        for body in [&b"odavl"[..], b"odavl doctor and more", b""] {
            taken.push(self.send(&request, body).await?.is_success());
        }
        held(!taken.contains(&true), "the store takes other lengths than a presigned request is signed for")
    }

    async fn holds_to_type(&self) -> Result<String> {
        let key = self.key()?;
        let mut request = self.storage.presign(&key, &whole(PutMode::Overwrite), LIVES).await?;
        for (_, value) in request.headers.iter_mut().filter(|(name, _)| name == "content-type") {
            "text/html".clone_into(value);
        }
        let taken = self.send(&request, BYTES).await?.is_success();
        held(!taken, "the store takes another type than a presigned request is signed for")
    }

    async fn drops_parts(&self) -> Result<String> {
        let (storage, key) = (claiming(&self.bucket, &self.profile, &[])?, self.key()?);
        let upload = self.begin(&storage, &key).await?;
        storage.put_part(&upload, part(BYTES), full(BYTES)).await?;
        let listed = storage.open_multiparts(&key.as_str().parse()?, &PageQuery::default()).await;
        storage.abort_multipart(&upload).await?;
        let dropped = storage.parts(&upload).await?.is_none();
        held(dropped, "a multipart upload that was dropped is still there")?;
        match listed {
            Ok(page) if page.items.iter().any(|open| open.multipart == upload) => {
                Ok("yes, and lists them".to_owned())
            }
            Ok(_) | Err(Error::Unsupported(_)) => {
                Ok("yes, but lists none: let it drop those of more than 9 days by itself".to_owned())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn clock(&self) -> Result<String> {
        let request = self.storage.presign(&self.key()?, &get(), LIVES).await?;
        let answer = self.answer(self.http.get(&request.url)).await?;
        skew("the store", apart(&answer), SKEW)
    }

    async fn is_private(&self) -> Result<String> {
        let key = self.key()?;
        self.storage.put(&key, full(BYTES), options()).await?;
        let request = self.storage.presign(&key, &get(), LIVES).await?;
        let open = request.url.split('?').next().unwrap_or_default();
        let answer = self.answer(self.http.get(open)).await?;
        if !answer.status().is_success() {
            return Ok("yes".to_owned());
        }
        let detail = "everybody can read the bucket's objects";
        Err(Error::invalid_with(detail, "make the bucket private: odavl lends what may be read").into())
    }

    /// Sends these bytes with the headers that go with a presigned request.
    async fn send(&self, request: &PresignedRequest, body: &'static [u8]) -> Result<StatusCode> {
        let mut sending = self.http.put(&request.url).body(body);
        for (name, value) in request.headers.iter().filter(|(name, _)| name != "content-length") {
            sending = sending.header(name, value);
        }
        Ok(self.answer(sending).await?.status())
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Response> {
        let failed = |error: reqwest::Error| {
            Failure::from(Error::unavailable("the store does not answer", Some(error.without_url().into())))
        };
        let answer = request.send().await.map_err(failed)?;
        match answer.status() {
            // It knows the question, and does not do it.
            StatusCode::NOT_IMPLEMENTED => Ok(answer),
            status @ (StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS) => Err(fails(status)),
            status if status.is_server_error() => Err(fails(status)),
            _ => Ok(answer),
        }
    }
}

fn fails(status: StatusCode) -> Failure {
    Error::unavailable(format!("the store fails ({})", status.as_u16()), None).into()
}

/// The store, taken to have these abilities and no others.
fn claiming(bucket: &Bucket, (name, profile): &(String, Profile), can: &[Ability]) -> Own<S3Storage> {
    let mut bucket = Bucket { profile: Some(name.clone()), ..bucket.clone() };
    let profile = Profile { can: can.iter().copied().collect(), ..profile.clone() };
    bucket.profiles.insert(name.clone(), profile);
    S3Storage::open(bucket, Arc::new(SystemClock))
}

fn fresh() -> Own<StoreKey> {
    format!("{PLACE}{}", random_id()).parse()
}

fn get() -> Presign {
    Presign::Get { attachment: String::new() }
}

fn options() -> PutOptions {
    PutOptions::create(MediaType::bytes())
}

fn whole(mode: PutMode) -> Presign {
    let (length, content_type) = (BYTES.len() as u64, MediaType::bytes());
    Presign::Put { length, sha256: Sha256::of(BYTES), content_type, mode }
}

fn part(bytes: &[u8]) -> Part {
    Part { number: 1, size: bytes.len() as u64, sha256: Sha256::of(bytes) }
}

/// Whether something was refused because the key is taken; a store that does not know the condition refuses nothing for it.
fn is_refused<T>(done: Own<T>) -> Own<bool> {
    match done {
        Err(error) if error.code() == ErrorCode::PreconditionFailed => Ok(true),
        Ok(_) | Err(Error::Unsupported(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

fn held(held: bool, what: &str) -> Result<String> {
    if held { Ok("yes".to_owned()) } else { Err(Error::Unsupported(what.to_owned()).into()) }
}
