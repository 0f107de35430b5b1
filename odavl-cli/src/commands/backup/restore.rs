//! `odavl backup restore`: what it would do, then the work.

use odavl_core::{
    Clock as _, SystemClock,
    backup::{DatabaseName, Ownership, Plan, RestoreWish, Which},
};

use super::{
    One,
    open::{self, Named},
};
use crate::{config::Location, failure::Result, output::Output};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  odavl backup restore main verified --to app_yesterday\n  \
    odavl backup restore main verified --replace --yes")]
pub(super) struct Restore {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    which: One,
    /// The new database: on the same server, or a file in the same folder
    #[arg(long, value_name = "DATABASE", required_unless_present = "replace")]
    to: Option<DatabaseName>,
    /// Restore beside the live database, compare, then take its name; the old one is kept under another
    #[arg(long)]
    replace: bool,
    /// Do it; without it the plan is shown
    #[arg(long)]
    yes: bool,
    /// Give everything to whom it belonged, rather than to the user that restores; where the live one is replaced, it is so
    /// in any case
    #[arg(long)]
    owners: bool,
    /// How many things are restored at a time
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
}

pub(super) async fn run(wish: &Restore, location: &Location, output: Output) -> Result<()> {
    let opened = open::open(&wish.named, location, output).await?;
    let server = opened.database?;
    let entry = opened.vault.find(&opened.place, wish.which.backup).await?;
    let live = server.describe().await?.database;
    let to = wish.to.clone().map_or_else(|| entry.restored_name(&live), Ok)?;
    let before = || live.beside(&format!("before_{}", SystemClock.now().strftime("%Y%m%d%H%M%S%3f")));
    let aside = wish.replace.then(before).transpose()?;
    let ownership = if wish.owners || wish.replace { Ownership::AsDumped } else { Ownership::Mine };
    let restore = RestoreWish { to, aside, ownership, jobs: wish.jobs };
    let which = Which::Id(entry.manifest.id);
    let plan = opened.vault.plan(&opened.place, which, (&*server, &restore)).await?;
    if !wish.yes {
        output.record(&plan, &fields(&plan))?;
        output.ask("nothing was done: say --yes to do it");
        return Ok(());
    }
    let findings = opened.vault.restore(&opened.place, which, (&*server, &restore)).await?;
    for note in &findings.notes {
        output.ask(note);
    }
    output.record(&plan, &fields(&plan))
}

fn fields(plan: &Plan) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("backup", plan.backup.to_string()),
        ("of", plan.at.to_string()),
        ("bytes", plan.bytes.to_string()),
        ("fetched", plan.stored_bytes.to_string()),
        ("proof", plan.proof.to_string()),
        ("to", plan.to.clone()),
    ];
    if let Some(removes) = &plan.removes {
        fields.push(("removes", removes.clone()));
    }
    if let Some(took) = plan.took {
        fields.push(("took last time", format!("{took:.1} s")));
    }
    if let Some((live, aside)) = &plan.replaces {
        fields.push(("replaces", live.clone()));
        fields.push(("which is kept as", aside.clone()));
    }
    fields
}
