//! What is in the files: cases, their steps, and what is to come of them.

use std::{collections::BTreeMap, fs, path::PathBuf};

use odavl_core::ErrorCode;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{Door, world::Actors};

/// A few steps, and what comes of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    steps: Vec<Step>,
    /// The file that it is in.
    #[serde(skip)]
    pub(crate) file: String,
}

#[derive(Debug, Deserialize)]
struct Cases {
    case: Vec<Case>,
}

/// What is done, and what is to come of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Step {
    #[serde(rename = "do")]
    pub(crate) verb: String,
    with: Option<String>,
    with_text: Option<String>,
    is: Option<Map<String, Value>>,
    fails: Option<String>,
    save: Option<String>,
    /// The verb's own.
    #[serde(flatten)]
    pub(crate) takes: Map<String, Value>,
}

/// What came of a step.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The fields of the answer; `saved` is what `save` keeps.
    Done { fields: Value, saved: Option<String> },
    /// The code, and the fields where the door tells them apart.
    Failed { code: Told, fields: Option<Value> },
}

/// How a door tells a failure.
#[derive(Debug)]
pub(crate) enum Told {
    Code(String),
    Exit(u8),
}

impl Outcome {
    pub(crate) const fn done(fields: Value) -> Self {
        Self::Done { fields, saved: None }
    }

    pub(crate) fn saving(fields: Value, saved: impl Into<String>) -> Self {
        Self::Done { fields, saved: Some(saved.into()) }
    }
}

impl Step {
    /// A text that the verb takes.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.takes.get(name).map(|value| value.as_str().unwrap())
    }

    /// A text that the verb needs.
    pub(crate) fn needs(&self, name: &str) -> &str {
        self.text(name).unwrap_or_else(|| panic!("{} takes `{name}`", self.verb))
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.takes.get(name).map(|value| value.as_u64().unwrap())
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.takes.get(name).map(|value| value.as_bool().unwrap())
    }

    /// Meters and units.
    pub(crate) fn charges(&self) -> Vec<(String, u64)> {
        let all = self.takes.get("charges").and_then(Value::as_array).into_iter().flatten();
        all.map(|charge| (charge[0].as_str().unwrap().to_owned(), charge[1].as_u64().unwrap())).collect()
    }

    /// The bytes that are put.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self.number("size") {
            Some(size) => vec![b'x'; usize::try_from(size).unwrap()],
            None => self.needs("text").as_bytes().to_vec(),
        }
    }

    fn check(&self, outcome: Outcome, actors: &mut Actors) {
        match (outcome, &self.fails) {
            (Outcome::Done { fields, saved }, None) => {
                self.compare(&fields);
                if let (Some(name), Some(saved)) = (&self.save, saved) {
                    actors.save(name, saved);
                }
            }
            (Outcome::Failed { code, fields }, Some(expected)) => {
                match code {
                    Told::Code(code) => assert_eq!(code, *expected, "{self:?}: {fields:?}"),
                    Told::Exit(exit) => {
                        let expected = ErrorCode::parse(expected).unwrap().exit_code();
                        assert_eq!(exit, expected, "{self:?}");
                    }
                }
                if let Some(fields) = fields {
                    self.compare(&fields);
                }
            }
            (outcome, _) => panic!("{self:?} came to {outcome:?}"),
        }
    }

    /// What is not named is not asked about. `"none"` stands for nothing, which the files cannot write.
    fn compare(&self, fields: &Value) {
        for (name, expected) in self.is.iter().flatten() {
            let expected = if expected == "none" { &Value::Null } else { expected };
            assert_eq!(&fields[name], expected, "`{name}` of {self:?}: {fields}");
        }
    }
}

impl Case {
    /// All that there are, in the order of their files.
    pub(crate) fn read_all() -> Vec<Self> {
        let mut cases = Vec::new();
        for file in ["keys", "quotas", "reservations", "gateway", "storage"] {
            let text = fs::read_to_string(folder().join(format!("{file}.toml"))).unwrap();
            let read: Cases = toml::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
            cases.extend(read.case.into_iter().map(|case| Self { file: file.to_owned(), ..case }));
        }
        cases
    }

    pub(crate) fn play(&self, door: &dyn Door, mut actors: Actors) {
        for step in &self.steps {
            let key = match &step.with_text {
                Some(text) => text.clone(),
                None => actors.saved(step.with.as_deref().unwrap_or("acme")).to_owned(),
            };
            let outcome = door.take(step, &key, &actors);
            step.check(outcome, &mut actors);
        }
    }
}

/// What doors do not do: a verb, or a verb and what it takes.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Doors(BTreeMap<String, BTreeMap<String, String>>);

impl Doors {
    pub(crate) fn read() -> Self {
        toml::from_str(&fs::read_to_string(folder().join("doors.toml")).unwrap()).unwrap()
    }

    /// Why a case is not played by that door.
    pub(crate) fn lacks(&self, door: &str, case: &Case) -> Option<&str> {
        let lacks = self.0.get(door)?;
        let words = case.steps.iter().flat_map(|step| {
            let takes = step.takes.keys().map(|name| format!("{}.{name}", step.verb));
            takes.chain([step.verb.clone()])
        });
        words.into_iter().find_map(|word| lacks.get(&word)).map(String::as_str)
    }
}

/// Where the files are.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}
