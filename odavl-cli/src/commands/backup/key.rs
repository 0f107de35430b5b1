//! `odavl backup key`: who can read backups, and who made them.

use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::PathBuf};

use odavl_core::{
    Error,
    backup::{Identities, SigningKey},
};
use serde::Serialize;

use crate::{failure::Result, output::Output};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  odavl backup key backup-identity.txt\n  odavl backup key --signing backup-signing.txt"
)]
pub(super) struct Args {
    /// The file that the secret is written to, which must be new; keep it apart from the machine that makes backups
    file: PathBuf,
    /// A key that backups are signed with, for a machine that has no `master.key` of odavl's
    #[arg(long)]
    signing: bool,
}

#[derive(Debug, Serialize)]
struct Made {
    /// What is put into the configuration: a recipient, or a key to trust.
    public: String,
}

pub(super) fn run(wish: &Args, output: Output) -> Result<()> {
    let (secret, public) = if wish.signing {
        let (key, secret) = SigningKey::generate()?;
        (secret, key.public().to_string())
    } else {
        Identities::generate()
    };
    let cannot = |error: std::io::Error| {
        Error::unavailable(format!("{} cannot be written", wish.file.display()), Some(error.into()))
    };
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&wish.file).map_err(cannot)?;
    let text = format!("# public: {public}\n{}\n", secret.reveal());
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(cannot)?;
    output.word(&Made { public: public.clone() }, &public)
}
