//! `odavl backup`: databases in a store, restored and compared. It needs no service, and no database of odavl's own.

mod key;
mod open;
mod restore;
mod run;
mod shown;

use clap::Subcommand;
use odavl_core::{
    Error,
    backup::{Compression, DumpOptions, Format, Pinned, Reading, Which, Wish},
    ids::BackupId,
};

use self::{
    open::{Named, Opened},
    shown::{DECISIONS, Decided, LISTED, Listed},
};
use crate::{config::Location, failure::Result, output::Output};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  odavl backup create main")]
pub(crate) struct Args {
    #[command(flatten)]
    location: Location,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key pair that backups are encrypted for, or one that they are signed with
    Key(key::Args),
    /// Back up a database now: read in one snapshot, encrypted, stored, and read back
    Create(Create),
    /// What cron wants: make a backup, prove it, and remove those that no rule keeps
    Run(run::Run),
    /// List a source's backups, the oldest first
    #[command(after_help = "Example:\n  odavl backup list main --json | jq -r .id")]
    List(Named),
    /// Show a backup: what it is of, how it was made, what was found out about it
    #[command(after_help = "Example:\n  odavl backup show main newest")]
    Show(OfOne),
    /// Prove a backup: restore it to a scratch database, compare it, and remove that again
    Verify(Verify),
    /// Restore a backup: to a new database, or in the place of the live one
    Restore(restore::Restore),
    /// Remove the backups that no rule keeps; never the newest that was verified
    Prune(Prune),
    /// Keep a backup whatever the rules say
    #[command(after_help = "Example:\n  odavl backup pin main newest")]
    Pin(OfOne),
    /// Let the rules decide about a backup again
    #[command(after_help = "Example:\n  odavl backup unpin main bkp_01jz0000000000000000000000")]
    Unpin(OfOne),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  odavl backup create main\n  \
    odavl backup create app --url-env DATABASE_URL --store s3://acme-backups --recipient age1...")]
struct Create {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    how: How,
    /// Restore and compare it at once, where an identity is there to read it with
    #[arg(long)]
    verify: bool,
}

/// How a backup is made.
#[derive(Debug, clap::Args)]
struct How {
    /// Do not read a fingerprint: a restore can then be compared with nothing
    #[arg(long)]
    no_fingerprint: bool,
    /// Statements and gzip instead of the engine's own archive and zstd: for `gunzip -c | psql`
    #[arg(long)]
    plain: bool,
}

impl How {
    fn wish(&self) -> Wish {
        let fingerprint = if self.no_fingerprint { Reading::Without } else { Reading::With };
        let (format, compression) =
            if self.plain { (Some(Format::Sql), Compression::Gzip) } else { (None, Compression::Zstd) };
        Wish { dump: DumpOptions { format, fingerprint }, compression }
    }
}

#[derive(Debug, clap::Args)]
struct OfOne {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    which: One,
}

/// Which backup.
#[derive(Debug, clap::Args)]
struct One {
    /// Its id, `newest`, or `verified`: the newest that was restored and found good
    #[arg(value_name = "BACKUP", default_value = "newest", value_parser = which)]
    backup: Which,
}

fn which(text: &str) -> Result<Which, Error> {
    match text {
        "newest" => Ok(Which::Newest),
        "verified" => Ok(Which::NewestVerified),
        id => id.parse::<BackupId>().map(Which::Id),
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  odavl backup verify main\n  odavl backup verify main --bytes")]
struct Verify {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    which: One,
    /// Only read its bytes, and prove that they are those that were stored; needs no identity
    #[arg(long)]
    bytes: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  odavl backup prune main --dry-run")]
struct Prune {
    #[command(flatten)]
    named: Named,
    /// Say what would be removed, and why the rest is kept
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let location = &args.location;
    match args.command {
        Command::Key(wish) => key::run(&wish, output),
        Command::Create(wish) => create(&wish, location, output).await,
        Command::Run(wish) => run::run(&wish, location, output).await,
        Command::List(named) => list(&open::open(&named, location, output).await?, output).await,
        Command::Show(wish) => {
            let opened = open::open(&wish.named, location, output).await?;
            let entry = opened.vault.find(&opened.place, wish.which.backup).await?;
            shown::whole(&entry, &opened.identities, output)
        }
        Command::Verify(wish) => verify(&wish, location, output).await,
        Command::Restore(wish) => restore::run(&wish, location, output).await,
        Command::Prune(wish) => prune(&wish, location, output).await,
        Command::Pin(wish) => pin(&wish, Pinned::Yes, location, output).await,
        Command::Unpin(wish) => pin(&wish, Pinned::No, location, output).await,
    }
}

async fn create(wish: &Create, location: &Location, output: Output) -> Result<()> {
    let opened = open::open(&wish.named, location, output).await?;
    let database = opened.database?;
    let created = opened.vault.create(&opened.place, &*database, wish.how.wish()).await?;
    shown::created(&created, output);
    let id = Which::Id(created.entry.manifest.id);
    let verified = if wish.verify {
        opened.vault.verify(&opened.place, id, &opened.scratch?).await?
    } else {
        opened.vault.verify_bytes(&opened.place, id).await?
    };
    shown::told(&verified, output)?;
    let entry = opened.vault.find(&opened.place, id).await?;
    output.record(&Listed::of(&entry), &Listed::of(&entry).fields())
}

async fn list(opened: &Opened, output: Output) -> Result<()> {
    let listing = opened.vault.list(&opened.place).await?;
    for (id, why) in &listing.refused {
        output.ask(&format!("warning: {id} is not taken for a backup: {why}"));
    }
    let rows: Vec<_> = listing.backups.iter().map(Listed::of).collect();
    output.list(&rows, &LISTED)
}

async fn verify(wish: &Verify, location: &Location, output: Output) -> Result<()> {
    let opened = open::open(&wish.named, location, output).await?;
    let verified = if wish.bytes {
        opened.vault.verify_bytes(&opened.place, wish.which.backup).await?
    } else {
        opened.vault.verify(&opened.place, wish.which.backup, &opened.scratch?).await?
    };
    shown::told(&verified, output)?;
    let entry = opened.vault.find(&opened.place, Which::Id(verified.verdict.backup)).await?;
    output.record(&Listed::of(&entry), &Listed::of(&entry).fields())
}

async fn prune(wish: &Prune, location: &Location, output: Output) -> Result<()> {
    let opened = open::open(&wish.named, location, output).await?;
    let pruned = if wish.dry_run {
        opened.vault.plan_pruning(&opened.place, &opened.pruning).await?
    } else {
        opened.vault.prune(&opened.place, &opened.pruning).await?
    };
    shown::pruned(&pruned, output);
    let rows: Vec<_> = pruned.decisions.iter().map(Decided::of).collect();
    output.list(&rows, &DECISIONS)
}

async fn pin(wish: &OfOne, pinned: Pinned, location: &Location, output: Output) -> Result<()> {
    let opened = open::open(&wish.named, location, output).await?;
    let id = opened.vault.find(&opened.place, wish.which.backup).await?.manifest.id;
    opened.vault.pin(&opened.place, id, pinned).await?;
    let entry = opened.vault.find(&opened.place, Which::Id(id)).await?;
    let told = if pinned == Pinned::Yes { "stays" } else { "stays as long as a rule keeps it" };
    output.done(&Listed::of(&entry), &format!("{id} {told}"))
}
