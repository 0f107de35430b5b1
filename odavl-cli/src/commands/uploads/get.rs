//! `odavl uploads get`: fetches the document of an upload, unpacked. It is in its file once it is proved to be what
//! was uploaded.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, Write},
    path::PathBuf,
};

use futures_util::StreamExt;
use odavl_client::types::Results;
use odavl_core::{
    Error, ErrorCode, Result as Own,
    ids::UploadId,
    storage::Sha256,
    uploads::{Caps, Encoding, Unpacked},
};

use crate::{
    client::Client,
    failure::{Failure, Result},
    output::Output,
    progress::Progress,
    retry,
    settings::Flags,
    target::Target,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  odavl uploads get upl_01jz0000000000000000000000\n  \
    odavl uploads get upl_01jz0000000000000000000000 - | jq .runs[].results\n\n\
    A file appears when the whole document is there and has the digest that it was uploaded with. Standard output,\n\
    a pipe and a device are told at the end: the exit code is 8 where the document is another.")]
pub(super) struct Get {
    /// The upload's id, as `uploads list` shows it
    id: UploadId,
    /// Where to: a file, a folder, or - for standard output [default: a new file of the id's name, here]
    file: Option<PathBuf>,
}

pub(super) async fn run(remote: &Flags, wish: &Get, output: Output) -> Result<()> {
    let target = Target::open(wish.file.as_deref(), &format!("{}.sarif", wish.id))?;
    let id = wish.id.to_string();
    let filled = target.filled(async |target| {
        let client = Client::open_for_bytes(remote).await?;
        let upload = client.call(async |api| api.upload_read(&id).await).await?;
        let kept = fetch(&client, &upload, target, output).await?;
        Ok(kept.map(|path| (upload, path)))
    });
    let Some((upload, path)) = filled.await? else { return Ok(()) };
    output.done(&upload, &format!("{id} is in {}: {} bytes", path.display(), upload.unpacked_size))
}

async fn fetch(client: &Client, upload: &Results, target: Target, output: Output) -> Result<Option<PathBuf>> {
    let sha256: Sha256 = upload.sha256.parse()?;
    let unknown = |_| Error::Unsupported(format!("this version cannot unpack `{}`", upload.encoding));
    let encoding: Encoding = upload.encoding.parse().map_err(unknown)?;
    let packed = packed(client, upload, output).await?;
    Ok(unpack(packed, encoding, sha256, upload, target)?)
}

/// The bytes as they were sent, in a file without a name.
async fn packed(client: &Client, upload: &Results, output: Output) -> Result<File> {
    let progress = Progress::new(&upload.id, upload.size, output);
    let fetched = retry::call(async || {
        let attempt = progress.attempt();
        let bytes = client.once(async |api| api.upload_content(&upload.id).await).await?;
        let spooled = spool(client, upload, bytes, &attempt).await;
        if spooled.is_err() {
            attempt.take_back();
        }
        spooled
    });
    match fetched.await {
        Err(Failure::Unreachable(origin, error)) if !error.is_timeout() => {
            // A server that finds bytes damaged breaks off before the last of them, however often it is asked. One
            // that answers all else is not away.
            client.call(async |api| api.me().await).await?;
            let detail = format!("{origin} breaks off each time before the end of {}", upload.id);
            let hint = "it does so where what it stored is damaged: its log has the cause".to_owned();
            Err(Failure::Stuck(ErrorCode::Corrupted, detail, hint))
        }
        fetched => fetched,
    }
}

async fn spool(
    client: &Client,
    upload: &Results,
    bytes: odavl_client::ByteStream,
    progress: &Progress,
) -> Result<File> {
    let failed =
        |error: io::Error| Error::unavailable("a temporary file cannot be written", Some(error.into()));
    let mut file = tempfile::tempfile().map_err(failed)?;
    let mut left = upload.size;
    let mut pieces = bytes.into_inner();
    while let Some(piece) = pieces.next().await {
        let broken =
            |error: reqwest::Error| Failure::Unreachable(client.origin().clone(), error.without_url());
        let piece = piece.map_err(broken)?;
        let count = piece.len() as u64;
        left = left.checked_sub(count).ok_or_else(|| not_those(upload, None))?;
        file.write_all(&piece).map_err(failed)?;
        progress.add(count);
    }
    file.rewind().map_err(failed)?;
    Ok(file)
}

/// Unpacks within what the upload says that it has, and keeps what has its digest.
fn unpack(
    packed: File,
    encoding: Encoding,
    sha256: Sha256,
    upload: &Results,
    mut target: Target,
) -> Own<Option<PathBuf>> {
    let caps = Caps { unpacked: upload.unpacked_size, ..Caps::default() };
    let mut unpacked = Unpacked::new(BufReader::new(packed), encoding, &caps)?;
    let mut piece = vec![0; 64 << 10];
    loop {
        match unpacked.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => target.write(&piece[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(not_read(upload, error)),
        }
    }
    if Sha256::from_bytes(unpacked.into_sha256()) == sha256 {
        return target.keep();
    }
    Err(not_those(upload, None))
}

/// Why the document cannot be read: it is another than was uploaded, unless the temporary file itself fails.
fn not_read(upload: &Results, error: io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(own) if own.code() == ErrorCode::Unavailable => own,
        Ok(own) => not_those(upload, Some(own)),
        Err(error) => Error::unavailable("what was fetched cannot be read", Some(error.into())),
    }
}

fn not_those(upload: &Results, cause: Option<Error>) -> Error {
    let detail = format!("the bytes of {} are not those that were uploaded", upload.id);
    Error::corrupted(detail, cause.map(Into::into))
}
