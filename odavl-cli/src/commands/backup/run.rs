//! `odavl backup run`: a backup made, proved, and those removed that no rule keeps.

use odavl_core::backup::{RunPolicy, Tier, Which};
use serde::Serialize;

use super::{
    How,
    open::{self, Named},
    shown::{self, Decided, Listed},
};
use crate::{config::Location, failure::Result, output::Output};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  odavl backup run main\n  \
    odavl backup run app --environment staging --url-env DATABASE_URL")]
pub(super) struct Run {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    how: How,
}

/// What was done.
#[derive(Debug, Serialize)]
struct Done {
    #[serde(flatten)]
    backup: Listed,
    /// How it was looked at.
    verified: Tier,
    /// What was decided about each backup there is.
    decisions: Vec<Decided>,
}

/// Nothing is removed after a backup that was not made, or is not good: the command fails there.
pub(super) async fn run(wish: &Run, location: &Location, output: Output) -> Result<()> {
    let opened = open::open(&wish.named, location, output).await?;
    let database = opened.database?;
    let policy = RunPolicy { wish: wish.how.wish(), verify: opened.verify, pruning: opened.pruning.clone() };
    let ran = opened.vault.run(&opened.place, &*database, opened.scratch, &policy).await?;
    shown::created(&ran.created, output);
    let id = ran.created.entry.manifest.id;
    output.say(&format!("{id} was made"));
    if let Some(why) = ran.spared {
        output.ask(&format!("warning: {id} was due to be restored, and only its bytes were read: {why}"));
    }
    let verified = ran.verified?;
    shown::told(&verified, output)?;
    let pruned = ran.pruned.transpose();
    let decisions = match &pruned {
        Ok(Some(pruned)) => {
            shown::pruned(pruned, output);
            pruned.decisions.iter().map(Decided::of).collect()
        }
        Ok(None) | Err(_) => Vec::new(),
    };
    let backup = Listed::of(&opened.vault.find(&opened.place, Which::Id(id)).await?);
    let mut fields: Vec<_> = backup.fields().into();
    fields.extend(decisions.iter().map(Decided::field));
    output.record(&Done { backup, verified: verified.verdict.tier, decisions }, &fields)?;
    Ok(pruned.map(drop)?)
}
