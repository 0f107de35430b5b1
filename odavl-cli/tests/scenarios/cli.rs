//! The scenarios on the command line. A failure is told by its exit code; the rest is for people.

use std::{fs, process::Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    Door,
    case::{Outcome, Step, Told},
    world::{Actors, World, odavl},
};

pub(crate) struct CommandLine<'a> {
    world: &'a World,
    /// Where somebody is at home, and where their files are.
    folder: TempDir,
}

impl<'a> CommandLine<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        Self { world, folder: tempfile::tempdir().unwrap() }
    }

    fn run(&self, key: &str, words: &[&str]) -> Result<Output, Outcome> {
        let mut command = odavl();
        command.current_dir(self.folder.path()).env("ODAVL_HOME", self.folder.path().join("home"));
        command.env("ODAVL_API_KEY", key).args(words).args(["--server", &self.world.url]);
        let ended = command.output().unwrap();
        if ended.status.success() {
            return Ok(ended);
        }
        let code = Told::Exit(u8::try_from(ended.status.code().unwrap()).unwrap());
        // What was said is no field, and shown where the code is not what was expected.
        println!("{words:?}: {}", String::from_utf8_lossy(&ended.stderr).trim());
        Err(Outcome::Failed { code, fields: None })
    }

    /// The documents that a command answers: one, or one a line.
    fn documents(&self, key: &str, words: &[&str]) -> Result<Vec<Value>, Outcome> {
        let ended = self.run(key, &[words, &["--json"]].concat())?;
        let lines = serde_json::Deserializer::from_slice(&ended.stdout).into_iter();
        Ok(lines.map(Result::unwrap).collect())
    }

    fn document(&self, key: &str, words: &[&str]) -> Result<Value, Outcome> {
        Ok(self.documents(key, words)?.remove(0))
    }

    fn keys(&self, step: &Step, key: &str, actors: &Actors) -> Result<Outcome, Outcome> {
        let made = |new: Value| Outcome::saving(new["key"].clone(), new["secret"].as_str().unwrap());
        let id = || actors.key_id(step.needs("key"));
        Ok(match step.verb.as_str() {
            "key" => {
                let mut words = vec!["keys".to_owned(), "create".to_owned()];
                let mut say = |flag: &str, value: &str| words.extend([flag.to_owned(), value.to_owned()]);
                say("--name", step.needs("name"));
                step.needs("scopes").split(' ').for_each(|scope| say("--scope", scope));
                step.text("environment").into_iter().for_each(|environment| say("--env", environment));
                for network in step.takes.get("allowed_ips").and_then(Value::as_array).into_iter().flatten() {
                    say("--allow-ip", network.as_str().unwrap());
                }
                for limit in step.takes.get("limits").and_then(Value::as_array).into_iter().flatten() {
                    let per = limit["per"].as_str().map(|per| format!("/{per}")).unwrap_or_default();
                    say("--limit", &format!("{}={}{per}", limit["meter"].as_str().unwrap(), limit["max"]));
                }
                let words: Vec<_> = words.iter().map(String::as_str).collect();
                made(self.document(key, &words)?)
            }
            "keys" => {
                let all = self.documents(key, &["keys", "list"])?;
                let names: Vec<_> = all.iter().map(|key| key["name"].clone()).collect();
                Outcome::done(json!({ "names": names }))
            }
            "rotate" => {
                let grace = format!("{}s", step.number("grace").unwrap());
                made(self.document(key, &["keys", "rotate", &id(), "--grace", &grace])?)
            }
            "revoke" => Outcome::done(self.document(key, &["keys", "revoke", &id()])?),
            _ => {
                let mut me = self.document(key, &["whoami"])?;
                me["name"] = me["key_name"].take();
                Outcome::done(me)
            }
        })
    }

    fn usage(&self, step: &Step, key: &str) -> Result<Outcome, Outcome> {
        let meter = step.needs("meter");
        Ok(Outcome::done(match step.verb.as_str() {
            "consume" => {
                let units = step.number("units").unwrap_or(1).to_string();
                let mut words = vec!["usage", "consume", meter, &units];
                if let Some(key) = step.text("idempotency_key") {
                    words.extend(["--idempotency-key", key]);
                }
                self.document(key, &words)?
            }
            "usage" => self.document(key, &["usage", "--meter", meter])?["limits"][0].take(),
            _ => {
                let words = ["usage", "--history", "--meter", meter, "--from", "1d", "--window", "day"];
                let buckets = self.documents(key, &words)?;
                let sum =
                    |name: &str| buckets.iter().map(|bucket| bucket[name].as_u64().unwrap()).sum::<u64>();
                json!({ "units": sum("units"), "count": sum("count") })
            }
        }))
    }

    fn storage(&self, step: &Step, key: &str) -> Result<Outcome, Outcome> {
        let file = self.folder.path().join("file");
        let file = file.to_str().unwrap();
        Ok(match step.verb.as_str() {
            "put" => {
                fs::write(file, step.bytes()).unwrap();
                let mut words = vec!["storage", "put", file, step.needs("name")];
                words.extend((step.flag("overwrite") == Some(false)).then_some("--no-overwrite"));
                if let Some(content_type) = step.text("content_type") {
                    words.extend(["--content-type", content_type]);
                }
                Outcome::done(self.document(key, &words)?)
            }
            "get" => {
                let ended = self.run(key, &["storage", "get", step.needs("name"), "-"])?;
                Outcome::done(json!({ "text": String::from_utf8(ended.stdout).unwrap() }))
            }
            "list" => {
                let mut words = vec!["storage", "list"];
                words.extend(step.text("prefix"));
                words.extend(step.flag("folders").filter(|folders| *folders).map(|_| "--delimiter"));
                let entries = self.documents(key, &words)?;
                let names: Vec<_> = entries.iter().map(|entry| entry["name"].clone()).collect();
                Outcome::done(json!({ "names": names, "more": false }))
            }
            "delete" => {
                let deleted = self.document(key, &["storage", "delete", step.needs("name")])?;
                Outcome::done(deleted["object"].clone())
            }
            "stats" => Outcome::done(self.document(key, &["storage", "stats"])?),
            other => panic!("no door does `{other}`"),
        })
    }
}

impl Door for CommandLine<'_> {
    fn name(&self) -> &'static str {
        "cli"
    }

    fn take(&self, step: &Step, key: &str, actors: &Actors) -> Outcome {
        let taken = match step.verb.as_str() {
            "key" | "keys" | "rotate" | "revoke" | "me" => self.keys(step, key, actors),
            "consume" | "usage" | "history" => self.usage(step, key),
            _ => self.storage(step, key),
        };
        taken.unwrap_or_else(|outcome| outcome)
    }
}
