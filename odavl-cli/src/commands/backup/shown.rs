//! How backups are shown.

use std::sync::Mutex;

use indicatif::HumanBytes;
use odavl_core::{
    Error,
    backup::{
        Cleared, Created, Decision, Entry, Identities, Pinned, Progress, Proof, Pruned, Stage, Tier, Verified,
    },
};
use serde::Serialize;
use serde_json::json;

use crate::{
    failure::Result,
    output::{Column, Output},
    progress,
};

/// A backup in a list.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    id: String,
    started_at: String,
    seconds: f64,
    bytes: u64,
    stored_bytes: u64,
    proof: Proof,
    pinned: bool,
}

impl Listed {
    pub(super) fn of(entry: &Entry) -> Self {
        let manifest = &entry.manifest;
        Self {
            id: manifest.id.to_string(),
            started_at: manifest.timings.started_at.to_string(),
            seconds: manifest.timings.seconds(),
            bytes: manifest.size,
            stored_bytes: manifest.stored.digests.size,
            proof: entry.proof(),
            pinned: entry.pinned == Pinned::Yes,
        }
    }

    pub(super) fn fields(&self) -> [(&'static str, String); 6] {
        [
            ("backup", self.id.clone()),
            ("started", self.started_at.clone()),
            ("took", format!("{:.1} s", self.seconds)),
            ("dump", HumanBytes(self.bytes).to_string()),
            ("stored", HumanBytes(self.stored_bytes).to_string()),
            ("proof", self.proof.to_string()),
        ]
    }
}

pub(super) const LISTED: [Column<Listed>; 6] = [
    Column::text("id", |one| one.id.clone()),
    Column::text("started", |one| one.started_at.clone()),
    Column::number("dump", |one| HumanBytes(one.bytes).to_string()),
    Column::number("stored", |one| HumanBytes(one.stored_bytes).to_string()),
    Column::text("proof", |one| one.proof.to_string()),
    Column::text("pinned", |one| if one.pinned { "pinned" } else { "-" }.to_owned()),
];

/// What is decided about a backup.
#[derive(Debug, Serialize)]
pub(super) struct Decided {
    id: String,
    at: String,
    kept: bool,
    why: Vec<String>,
}

impl Decided {
    pub(super) fn of(decision: &Decision) -> Self {
        Self {
            id: decision.backup.to_string(),
            at: decision.at.to_string(),
            kept: decision.is_kept(),
            why: decision.keep.iter().map(ToString::to_string).collect(),
        }
    }

    fn why(&self) -> String {
        if self.kept { self.why.join(", ") } else { "no rule keeps it".to_owned() }
    }

    pub(super) fn field(&self) -> (&'static str, String) {
        (if self.kept { "kept" } else { "removed" }, format!("{}: {}", self.id, self.why()))
    }
}

pub(super) const DECISIONS: [Column<Decided>; 4] = [
    Column::text("id", |one| one.id.clone()),
    Column::text("started", |one| one.at.clone()),
    Column::text("decision", |one| if one.kept { "keep" } else { "remove" }.to_owned()),
    Column::text("why", Decided::why),
];

/// A backup with all that is known of it; what is encrypted, where an identity reads it.
pub(super) fn whole(entry: &Entry, identities: &Identities, output: Output) -> Result<()> {
    let manifest = &entry.manifest;
    let contents = (manifest.recipients.is_empty() || !identities.is_empty())
        .then(|| manifest.contents(identities))
        .transpose()?;
    let verdicts: Vec<_> = entry.verdicts.iter().map(|verdict| json!(verdict)).collect();
    let thing = json!({"manifest": manifest, "contents": contents, "verdicts": verdicts, "pinned": entry.pinned, "proof": entry.proof()});
    let mut fields: Vec<(&str, String)> = Listed::of(entry).fields().into();
    fields.push(("of", manifest.place.to_string()));
    fields.push(("made by", format!("{}, {}", manifest.by, manifest.tool)));
    let readers =
        if manifest.recipients.is_empty() { "everybody".to_owned() } else { manifest.recipients.join(", ") };
    fields.push(("readable by", readers));
    if let Some(contents) = &contents {
        fields.push(("database", format!("{} ({})", contents.source.database, contents.source.server)));
        if let Some(fingerprint) = &contents.fingerprint {
            fields.push(("rows", fingerprint.rows().to_string()));
        }
    }
    for verdict in &entry.verdicts {
        let what = if verdict.tier == Tier::Restore { "restored" } else { "bytes read" };
        fields.push((
            what,
            format!("{:?} at {} in {:.1} s, by {}", verdict.outcome, verdict.at, verdict.seconds, verdict.by)
                .to_lowercase(),
        ));
    }
    output.record(&thing, &fields)
}

/// Tells what else came of making a backup.
pub(super) fn created(created: &Created, output: Output) {
    cleared(&created.cleared, output);
    for note in &created.notes {
        output.say(note);
    }
}

/// Tells what else came of removing some.
pub(super) fn pruned(pruned: &Pruned, output: Output) {
    cleared(&pruned.cleared, output);
    for (id, why) in &pruned.refused {
        output.ask(&format!("warning: {id} is left alone, for it is not taken for a backup: {why}"));
    }
}

fn cleared(cleared: &Cleared, output: Output) {
    for id in &cleared.removed {
        output.say(&format!("{id} was never finished, and what was left of it is gone"));
    }
    for stays in &cleared.stays {
        output.ask(&format!("warning: {stays}"));
    }
}

/// Tells what was found; a bad backup fails the command.
pub(super) fn told(verified: &Verified, output: Output) -> Result<()> {
    for note in &verified.findings.notes {
        output.say(note);
    }
    if verified.passed() {
        return Ok(());
    }
    let faults = verified.findings.faults.join("; ");
    Err(Error::corrupted(format!("the backup {} is bad: {faults}", verified.verdict.backup), None).into())
}

/// A bar for each stage.
#[derive(Debug)]
pub(super) struct Bars {
    output: Output,
    bar: Mutex<Option<progress::Progress>>,
}

impl Bars {
    pub(super) fn new(output: Output) -> Self {
        Self { output, bar: Mutex::new(None) }
    }
}

impl Progress for Bars {
    fn stage(&self, stage: Stage, bytes: Option<u64>) {
        let bar = bytes.map(|bytes| progress::Progress::new(&stage.to_string(), bytes, self.output));
        *self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = bar;
    }

    fn advance(&self, bytes: u64) {
        if let Some(bar) = &*self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner) {
            bar.add(bytes);
        }
    }
}
