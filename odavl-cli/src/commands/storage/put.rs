//! `odavl storage put`: stores a file. What is large goes in parts, and a put that was killed goes on where it was.

use std::{
    num::NonZeroU32,
    ops::Range,
    path::{Path, PathBuf},
};

use futures_util::{StreamExt, stream};
use odavl_client::types::{
    ObjectUpload, Part, PartsRequest, PresignedRequest, SignedPart, StoredObject, UploadTicket,
    UploadUrlRequest,
};
use odavl_core::{
    Error, ErrorCode,
    storage::{ObjectName, PARTS_MOST, Sha256, WHOLE_MOST},
};

use crate::{
    begun::Begun,
    client::Client,
    credentials::Store,
    digests::Digests,
    failure::{Failure, Result},
    output::Output,
    progress::Progress,
    retry,
    settings::Flags,
    source::Source,
    transfer::Transfer,
};

/// How many parts are sent at a time.
const AT_ONCE: usize = 3;
/// How many parts are signed at a time: signing counts as a request, and what is signed is to be sent within minutes.
const SIGNED: usize = 64;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  odavl storage put report.pdf reports/2026/report.pdf\n  \
    tar c src | odavl storage put - backups/src.tar --content-type application/x-tar\n\n\
    A put that was killed goes on where it was when the same bytes are put under the same name again.")]
pub(super) struct Put {
    /// The file; - for standard input, which is copied to a temporary file first
    file: PathBuf,
    /// The object's name, such as `reports/2026/report.pdf` [default: the file's]
    name: Option<String>,
    /// What the bytes are
    #[arg(long, value_name = "TYPE", default_value = "application/octet-stream")]
    content_type: String,
    /// Refuse where there is an object of that name
    #[arg(long)]
    no_overwrite: bool,
}

impl Put {
    fn name(&self) -> Result<ObjectName, Error> {
        let from_file = || self.file.file_name().filter(|_| self.file != Path::new("-"))?.to_str();
        let name = self.name.as_deref().or_else(from_file);
        let name = name.ok_or_else(|| {
            Error::invalid_with("the object has no name", "say it: `odavl storage put FILE NAME`")
        })?;
        super::parse(name)
    }
}

pub(super) async fn run(remote: &Flags, wish: &Put, output: Output) -> Result<()> {
    let name = wish.name()?;
    // Whoever is not signed in is told so before the file is read.
    Client::open(remote).await?;
    let source = Source::open(&wish.file)?;
    let size = source.size();
    let reading = Progress::new(&format!("reading {name}"), size, output);
    let digests = source.digest(Digests::to_send(size), &reading)?.finish();
    drop(reading);
    // Reading may have taken longer than a credential lives.
    let client = Client::open(remote).await?;
    let request = UploadUrlRequest {
        name: name.to_string(),
        size,
        sha256: digests.first().filter(|_| size <= WHOLE_MOST).map(ToString::to_string),
        content_type: Some(wish.content_type.clone()),
        overwrite: wish.no_overwrite.then_some(false),
    };
    let progress = Progress::new(name.as_str(), size, output);
    let mut begun = begun(&client, &request, &digests)?;
    // What the server says when all has arrived is what counts; this spares sending it. What an earlier command began
    // may be there as its own.
    if wish.no_overwrite && !begun.is_resumed() && matches!(super::find(&client, &name).await, Ok(Some(_))) {
        begun.forget();
        return Err(Error::AlreadyExists { kind: "object", name: name.to_string() }.into());
    }
    let sending = Sending { remote, source, digests, progress };
    let ticket = announced(&client, &request, &mut begun).await;
    let is_open = ticket.is_ok() || begun.is_resumed();
    let object = match ticket {
        Ok(ticket) => sending.object(&client, ticket, &begun).await,
        Err(failure) => Err(failure),
    };
    let object = match object {
        // Perhaps it was begun, and a later put goes on with it.
        Err(failure) if failure.code() == ErrorCode::Unavailable => return Err(failure),
        Err(failure) if is_open && !ends(failure.code()) => return Err(failure),
        ended => {
            begun.forget();
            ended?
        }
    };
    output.done(&object, &format!("{} is stored: {} bytes, {}", object.name, object.size, object.checksum))
}

/// Whether trying again under the same upload comes to the same.
const fn ends(code: ErrorCode) -> bool {
    !matches!(
        code,
        ErrorCode::RateLimited
            | ErrorCode::QuotaExceeded
            | ErrorCode::Unauthenticated
            | ErrorCode::Forbidden
            | ErrorCode::Internal
    )
}

/// The upload of these bytes, where an earlier command began it; else a new one.
fn begun(client: &Client, request: &UploadUrlRequest, digests: &[Sha256]) -> Result<Begun, Error> {
    let organization = client.settings.organization.as_ref();
    let bytes: String = digests.iter().map(ToString::to_string).collect();
    let words = [
        client.origin().as_str(),
        organization.map_or("", |organization| organization.value.as_str()),
        &request.name,
        request.content_type.as_deref().unwrap_or_default(),
        if request.overwrite == Some(false) { "create" } else { "overwrite" },
        &request.size.to_string(),
        &bytes,
    ];
    Begun::of(&Store::open()?, &words)
}

struct Sending<'a> {
    remote: &'a Flags,
    source: Source,
    digests: Vec<Sha256>,
    progress: Progress,
}

impl Sending<'_> {
    /// Stores the bytes.
    async fn object(&self, client: &Client, ticket: UploadTicket, begun: &Begun) -> Result<StoredObject> {
        let UploadTicket { upload, request } = ticket;
        if let Some(object) = upload.object {
            return Ok(object);
        }
        // Perhaps the earlier command was killed after it had sent everything.
        if begun.is_resumed()
            && let Ok(object) = complete(client, &upload.id).await
        {
            return Ok(object);
        }
        let sent = match request {
            Some(request) => self.whole(client, &request).await,
            None => self.parts(&upload).await,
        };
        // Sending may have taken longer than a credential lives.
        let client = Client::open(self.remote).await?;
        match (sent, complete(&client, &upload.id).await) {
            // Perhaps the bytes arrived and the answer was lost.
            (_, Ok(object)) => Ok(object),
            (Err(failure), _) | (Ok(()), Err(failure)) => Err(failure),
        }
    }

    async fn whole(&self, client: &Client, request: &PresignedRequest) -> Result<()> {
        let transfer = Transfer::to(request, &client.settings.remote())?;
        self.send(&transfer, request, 0..self.source.size()).await
    }

    /// Sends the parts that are missing, some at a time. A URL lives no longer than the credential, so each time the
    /// credential is fresh, and a part whose URL expired all the same comes again.
    async fn parts(&self, upload: &ObjectUpload) -> Result<()> {
        let part_size = part_size(upload, self.source.size())?;
        let digests = self.digests_of_parts(part_size)?;
        let mut missing = upload.missing.clone().unwrap_or_default();
        let arrived = digests.len().saturating_sub(missing.len()) as u64;
        self.progress.add(arrived.saturating_mul(part_size).min(self.source.size()));
        while !missing.is_empty() {
            let client = Client::open(self.remote).await?;
            let now: Vec<_> = missing.iter().copied().take(SIGNED).collect();
            let signed = sign(&client, &upload.id, &digests, &now).await?;
            let expired = self.send_parts(&client, &signed, part_size).await?;
            let before = missing.len();
            missing.retain(|number| expired.contains(number) || !now.contains(number));
            if missing.len() == before {
                return Err(Failure::nonsense("the server takes parts and goes on to miss them all"));
            }
        }
        Ok(())
    }

    /// The digests of parts of that size.
    fn digests_of_parts(&self, part_size: u64) -> Result<Vec<Sha256>> {
        let size = self.source.size();
        if part_size == odavl_core::storage::part_size(size) {
            return Ok(self.digests.clone());
        }
        Ok(self.source.digest(Digests::of_parts(part_size), &self.progress.attempt())?.finish())
    }

    /// Sends parts; answers the numbers of those whose URL had expired, unless that is all of them.
    async fn send_parts(&self, client: &Client, signed: &[SignedPart], part_size: u64) -> Result<Vec<u32>> {
        let Some(first) = signed.first() else { return Ok(Vec::new()) };
        let transfer = Transfer::to(&first.request, &client.settings.remote())?;
        let send = async |part: &SignedPart| {
            let start = u64::from(part.number.saturating_sub(1)).saturating_mul(part_size);
            let end = start.saturating_add(part_size).min(self.source.size());
            match self.send(&transfer, &part.request, start.min(end)..end).await {
                Err(failure) if failure.code() == ErrorCode::Forbidden => Ok(Some((part.number, failure))),
                sent => sent.map(|()| None),
            }
        };
        let mut sending = stream::iter(signed).map(send).buffer_unordered(AT_ONCE);
        let mut expired = Vec::new();
        while let Some(sent) = sending.next().await {
            expired.extend(sent?);
        }
        if expired.len() < signed.len() {
            return Ok(expired.into_iter().map(|(number, _)| number).collect());
        }
        expired.pop().map_or(Ok(Vec::new()), |(_, failure)| Err(failure))
    }

    async fn send(&self, transfer: &Transfer, request: &PresignedRequest, range: Range<u64>) -> Result<()> {
        let sent = retry::call(async || {
            let attempt = self.progress.attempt();
            let sent = transfer.put(request, self.source.body(range.clone(), &attempt)).await;
            sent.inspect_err(|_| attempt.take_back())
        });
        sent.await.map_err(|failure| self.source.explain(failure))
    }
}

/// The upload, and how it goes on.
async fn announced(client: &Client, wish: &UploadUrlRequest, begun: &mut Begun) -> Result<UploadTicket> {
    let resumed = begun.is_resumed();
    match announce(client, wish, begun.key()).await {
        Ok(ticket) if !resumed || is_so(client, &ticket.upload).await? => Ok(ticket),
        // What was begun has ended, or its object was replaced since.
        Err(failure) if !resumed || failure.code() != ErrorCode::Conflict => Err(failure),
        _ => {
            begun.anew();
            announce(client, wish, begun.key()).await
        }
    }
}

async fn announce(client: &Client, wish: &UploadUrlRequest, key: &str) -> Result<UploadTicket> {
    client.call(async |api| api.storage_upload_url(Some(key), wish).await).await
}

/// Whether an upload is open, or its object is still the one of its name.
async fn is_so(client: &Client, upload: &ObjectUpload) -> Result<bool> {
    let Some(object) = &upload.object else { return Ok(true) };
    let now = super::find(client, &super::parse(&object.name)?).await?;
    Ok(now.is_some_and(|now| now.id == object.id))
}

async fn sign(client: &Client, upload: &str, digests: &[Sha256], numbers: &[u32]) -> Result<Vec<SignedPart>> {
    let part = |number: &u32| {
        let asked = NonZeroU32::new(*number);
        let index = asked.and_then(|number| usize::try_from(number.get() - 1).ok());
        match (asked, index.and_then(|index| digests.get(index))) {
            (Some(number), Some(sha256)) => Ok(Part { number, sha256: sha256.to_string() }),
            _ => Err(Error::invalid(format!("the server asks for part {number}"))),
        }
    };
    let parts = numbers.iter().map(part).collect::<Result<_, Error>>()?;
    let wish = PartsRequest { parts };
    Ok(client.call(async |api| api.storage_sign_parts(upload, &wish).await).await?.items)
}

/// The size of the parts that bytes are sent in, which is not for us to choose; nothing else is taken for one.
fn part_size(upload: &ObjectUpload, size: u64) -> Result<u64> {
    match upload.part_size {
        Some(part_size) if part_size > 0 && size.div_ceil(part_size) <= u64::from(PARTS_MOST) => {
            Ok(part_size)
        }
        Some(part_size) => {
            Err(Failure::nonsense(format!("the server asks for {size} bytes in parts of {part_size}")))
        }
        None => Err(Failure::nonsense("the server says neither where to send the bytes nor in which parts")),
    }
}

async fn complete(client: &Client, upload: &str) -> Result<StoredObject> {
    client.call(async |api| api.storage_complete(upload).await).await
}
