//! `odavl storage get`: fetches an object. It is in its file once it is proved to be what was stored.

use std::path::PathBuf;

use odavl_client::types::{DownloadUrlRequest, PresignedRequest, StoredObject};
use odavl_core::{
    Error,
    storage::{Checksum, ObjectName},
};

use crate::{
    client::Client,
    digests::Digests,
    failure::{Failure, Result},
    output::Output,
    progress::Progress,
    retry,
    settings::Flags,
    target::Target,
    transfer::Transfer,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  odavl storage get reports/2026/report.pdf\n  \
    odavl storage get logs/today.gz - | gunzip\n\n\
    A file appears when all its bytes are there and have the digest that they were stored with. Standard output, a\n\
    pipe and a device are told at the end: the exit code is 8 where the bytes are others.")]
pub(super) struct Get {
    /// The object's name
    name: String,
    /// Where to: a file, a folder, or - for standard output [default: a new file of the object's name, here]
    file: Option<PathBuf>,
}

pub(super) async fn run(remote: &Flags, wish: &Get, output: Output) -> Result<()> {
    let name = super::parse(&wish.name)?;
    let target = Target::open(wish.file.as_deref(), name.file_name())?;
    let filled = target.filled(async |target| {
        let client = Client::open(remote).await?;
        let object = super::find(&client, &name).await?.ok_or_else(|| Error::not_found("object", &name))?;
        let kept = fetch(&client, &name, &object, target, output).await?;
        Ok(kept.map(|path| (object, path)))
    });
    let Some((object, path)) = filled.await? else { return Ok(()) };
    output.done(&object, &format!("{name} is in {}: {} bytes", path.display(), object.size))
}

async fn fetch(
    client: &Client,
    name: &ObjectName,
    object: &StoredObject,
    target: Target,
    output: Output,
) -> Result<Option<PathBuf>> {
    let wish = DownloadUrlRequest { name: name.to_string() };
    let request = client.call(async |api| api.storage_download_url(&wish).await).await?;
    let transfer = Transfer::to(&request, &client.settings.remote())?;
    let checksum: Checksum = object.checksum.parse()?;
    let mut fetched = Fetched {
        target,
        digests: Digests::to_prove(checksum, object.size)?,
        bytes: 0,
        progress: Progress::new(name.as_str(), object.size, output),
    };
    fetched.all(&transfer, &request, object.size).await?;
    if fetched.digests.checksum() == checksum {
        return Ok(fetched.target.keep()?);
    }
    let now = super::find(client, name).await?;
    if now.is_some_and(|now| now.id == object.id) {
        let detail = format!("the bytes of {name} are not those that were stored");
        return Err(Error::corrupted(detail, None).into());
    }
    Err(Error::Conflict(format!("{name} was replaced while it was fetched; get it again")).into())
}

/// What has come of an object.
struct Fetched {
    target: Target,
    digests: Digests,
    bytes: u64,
    progress: Progress,
}

impl Fetched {
    /// Fetches what is missing of `size` bytes, again and again while more comes.
    async fn all(&mut self, transfer: &Transfer, request: &PresignedRequest, size: u64) -> Result<()> {
        while self.bytes < size {
            let before = self.bytes;
            let mut cut = 1;
            let fetched = retry::call(async || {
                // A server that finds bytes damaged breaks off before the last of them: asked for less than all it
                // gives them, and the digest tells.
                let wanted = (size - self.bytes).div_ceil(cut);
                cut = 2;
                self.some(transfer, request, wanted, size).await
            });
            match fetched.await {
                Err(failure) if self.bytes == before || !retry::may_help(&failure) => return Err(failure),
                _ => {}
            }
        }
        Ok(())
    }

    async fn some(
        &mut self,
        transfer: &Transfer,
        request: &PresignedRequest,
        wanted: u64,
        size: u64,
    ) -> Result<()> {
        let end = self.bytes + wanted;
        let mut response = transfer.get(request, &(self.bytes..end), size).await?;
        while self.bytes < end {
            let Some(piece) = transfer.piece(&mut response).await? else { break };
            let piece = piece.as_ref();
            if piece.len() as u64 > end - self.bytes {
                return Err(Failure::from(Error::corrupted("more bytes came than were stored", None)));
            }
            self.target.write(piece)?;
            self.digests.update(piece);
            self.bytes += piece.len() as u64;
            self.progress.add(piece.len() as u64);
        }
        Ok(())
    }
}
