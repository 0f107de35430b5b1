//! Sending results: through the queue, so that nothing is lost while the server is away.

use std::path::Path;

use crate::insight::{
    Analysis,
    queue::{Content, Destination, Entry, Queue},
};
use odavl_client::types::{Encoding, Results, UploadedResults};
use odavl_core::{Error, ErrorCode, SystemClock, uploads::RunId};

use crate::{
    client::Client,
    credentials::Store,
    failure::{Failure, Result},
    output::Output,
    retry,
    settings::{Flags, Settings},
};

const PRODUCT: &str = "insight";

/// Where results go.
pub(super) struct Target<'a> {
    remote: &'a Flags,
    settings: Settings,
    project: String,
}

impl<'a> Target<'a> {
    /// The linked project of the server, which is shown the credential: a wrong one fails before anything is analysed.
    /// A server that is away keeps nobody from analysing.
    pub(super) async fn find(remote: &'a Flags, project: Option<&str>, output: Output) -> Result<Self> {
        let settings = Settings::find(remote, &Store::open()?)?;
        settings.needed_credential()?;
        let linked = settings.project.as_ref().map(|project| project.value.as_str());
        let project = project.or(linked).map(str::to_owned).ok_or_else(|| {
            Error::invalid_with(
                format!("this folder is linked to no project of {}", settings.server.value),
                "link it with `odavl link --create`, or name one with --project",
            )
        })?;
        match ask(remote).await {
            Err(failure) if waits(&failure) => {
                output.ask(&format!("warning: {failure}; the results will wait"));
            }
            asked => asked?,
        }
        Ok(Self { remote, settings, project })
    }

    /// Sends the results, and before them what has waited. What the server does not take is not kept.
    pub(super) async fn send(&self, root: &Path, analysis: &Analysis, output: Output) -> Result<Results> {
        let queue = Queue::open(root)?;
        let own = queue.push(&self.destination(), &analysis.file, &SystemClock)?;
        // Open from here on: another process may send it, and take it out of the queue.
        let content = queue.content(&own)?;
        let sent = match self.send_waiting(&queue, own.run_id, output).await {
            Ok(()) => self.send_one(&queue, &own, content).await,
            Err(away) => Err(away),
        };
        match sent {
            Ok(sent) => Ok(sent.upload),
            Err(failure) if waits(&failure) => Err(waiting(&failure)),
            Err(failure) => queue.done(own.run_id).map_err(Into::into).and(Err(failure)),
        }
    }

    /// Sends what other runs left; fails where it is no use to go on. What is for another server stays where it is.
    async fn send_waiting(&self, queue: &Queue, own: RunId, output: Output) -> Result<()> {
        let pending = queue.pending()?;
        for file in pending.damaged {
            output.ask(&format!("warning: {} is damaged and is not sent: remove it", file.display()));
        }
        let others = pending.entries.into_iter().filter(|entry| entry.run_id != own);
        let (ours, foreign): (Vec<_>, Vec<_>) =
            others.partition(|entry| entry.server == self.settings.server.value.as_str());
        for entry in foreign {
            output.ask(&format!(
                "warning: the run {} waits for another server, {}",
                entry.run_id, entry.server
            ));
        }
        for entry in ours {
            let sent = match queue.content(&entry) {
                // Another process has sent it.
                Err(error) if error.code() == ErrorCode::NotFound => continue,
                Ok(content) => self.send_one(queue, &entry, content).await,
                Err(unreadable) => Err(unreadable.into()),
            };
            match sent {
                Ok(_) => output.say(&format!("sent the run {}, which had waited", entry.run_id)),
                Err(failure) if waits(&failure) => return Err(failure),
                Err(failure) => tell_kept(entry.run_id, &failure, output),
            }
        }
        Ok(())
    }

    fn destination(&self) -> Destination<'_> {
        Destination {
            product: PRODUCT,
            project: &self.project,
            organization: self.settings.organization.as_ref().map(|organization| organization.value.as_str()),
            server: self.settings.server.value.as_str(),
        }
    }

    async fn send_one(&self, queue: &Queue, entry: &Entry, content: Content) -> Result<UploadedResults> {
        let remote = match &entry.organization {
            Some(organization) => self.remote.clone().on(organization.clone()),
            None => self.remote.clone(),
        };
        let client = Client::open(&remote).await?;
        let packed = content.read()?;
        let run = entry.run_id.to_string();
        let sent = client
            .call(async |api| {
                let Entry { product, project, sha256, .. } = entry;
                api.upload_create(product, project, &run, Some(Encoding::Zstd), sha256, packed.clone()).await
            })
            .await?;
        queue.done(entry.run_id)?;
        Ok(sent)
    }
}

/// Shows the server the credential.
async fn ask(remote: &Flags) -> Result<()> {
    Client::open(remote).await?.call(async |api| api.me().await).await.map(drop)
}

/// Whether the same may succeed later, unchanged.
fn waits(failure: &Failure) -> bool {
    retry::may_help(failure) || failure.code() == ErrorCode::RateLimited
}

fn waiting(failure: &Failure) -> Failure {
    let detail = format!("{failure}: the results wait in .odavl/queue");
    let hint = "the next `odavl insight analyze --upload` sends them".to_owned();
    Failure::Stuck(failure.code(), detail, hint)
}

fn tell_kept(run: RunId, failure: &Failure, output: Output) {
    output.ask(&format!(
        "warning: the run {run}, which had waited, was not taken: {failure}; it waits on: remove it from .odavl/queue \
         to drop it"
    ));
}
