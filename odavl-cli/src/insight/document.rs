//! One document of many runs.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, BufWriter, Read, Write},
    ops::ControlFlow,
    path::Path,
};

use odavl_core::{
    Error, Result,
    uploads::{
        Caps, RunId,
        sarif::{self, Level, Location, Tool},
    },
};
use serde::{
    Deserialize, Serialize,
    de::{DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor},
};
use serde_json::{Map, Value, json, value::RawValue};

use super::Checkout;
use crate::files;

/// A run whose members are kept as they were written: what odavl does not know of is not lost.
type RawRun = BTreeMap<String, Box<RawValue>>;

/// A SARIF document in the making: runs of several tools, in the end under one run id.
#[derive(Debug, Default)]
pub struct Document {
    runs: Vec<RawRun>,
}

/// A result as a reader of the report wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding<'a> {
    /// How bad it is.
    pub level: Level,
    /// The rule that it breaks.
    pub rule: Option<&'a str>,
    /// The page of the rule.
    pub link: Option<&'a str>,
    /// Where it is.
    pub location: Option<&'a Location>,
    /// What it says.
    pub message: &'a str,
}

impl Document {
    /// Adds the runs of a SARIF file. A byte order mark, which some tools write, is passed over.
    ///
    /// # Errors
    /// `not_found` without the file, `too_large`, or `invalid_input` naming the file and the place in it.
    pub fn add_file(&mut self, path: &Path, caps: &Caps) -> Result<()> {
        let text = read_capped(path, caps.unpacked)?;
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text);
        sarif::scan(text, caps).map_err(|error| in_file(path, error))?;
        let log: Log = serde_json::from_slice(text).map_err(unreadable)?;
        self.runs.extend(log.runs);
        Ok(())
    }

    /// Adds a run of our own.
    pub(super) fn add_run(&mut self, run: &super::sarif::Run) -> Result<()> {
        let text = serde_json::to_string(run).map_err(unreadable)?;
        self.runs.push(serde_json::from_str(&text).map_err(unreadable)?);
        Ok(())
    }

    /// Puts every run under one run id, and under the commit unless it names one itself.
    pub fn label(&mut self, run_id: RunId, checkout: Option<&Checkout>) -> Result<()> {
        for run in &mut self.runs {
            let details = details(run.get("automationDetails").map(AsRef::as_ref), run_id)?;
            run.insert("automationDetails".to_owned(), raw(&details)?);
            if let Some(checkout) = checkout.filter(|_| !has_provenance(run)) {
                run.insert("versionControlProvenance".to_owned(), raw(&provenance(checkout))?);
            }
        }
        Ok(())
    }

    /// Writes the document.
    pub fn write(&self, out: impl Write) -> io::Result<()> {
        let mut out = BufWriter::new(out);
        let log = json_log(&self.runs);
        serde_json::to_writer(&mut out, &log)?;
        out.write_all(b"\n")?;
        out.flush()
    }

    /// Shows `visit` the results of one level, run by run, until it breaks.
    pub fn each(&self, level: Level, visit: &mut dyn FnMut(&Finding<'_>) -> ControlFlow<()>) -> Result<()> {
        for run in &self.runs {
            let Some(results) = run.get("results") else { continue };
            let describer = Describer::of(run)?;
            let mut parser = serde_json::Deserializer::from_str(results.get());
            let each = EachResult { describer: &describer, level, visit };
            if each.deserialize(&mut parser).map_err(unreadable)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Log {
    runs: Vec<RawRun>,
}

fn json_log(runs: &[RawRun]) -> impl Serialize {
    #[derive(Serialize)]
    struct Written<'a> {
        #[serde(rename = "$schema")]
        schema: &'static str,
        version: &'static str,
        runs: &'a [RawRun],
    }
    let schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
    Written { schema, version: "2.1.0", runs }
}

fn read_capped(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = files::open(path)?.take(limit + 1);
    file.read_to_end(&mut bytes).map_err(|error| files::failed("read", path, error))?;
    if bytes.len() as u64 > limit {
        return Err(Error::TooLarge { what: path.display().to_string(), limit });
    }
    Ok(bytes)
}

fn in_file(path: &Path, error: Error) -> Error {
    match error {
        Error::InvalidInput { detail, hint } => {
            Error::InvalidInput { detail: format!("{}: {detail}", path.display()), hint }
        }
        other => other,
    }
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::internal("a checked SARIF run could not be read again", Some(error.into()))
}

fn raw(value: &Value) -> Result<Box<RawValue>> {
    serde_json::value::to_raw_value(value).map_err(unreadable)
}

/// The `automationDetails` of a run with our id; an id that the tool gave stays in the properties.
fn details(written: Option<&RawValue>, run_id: RunId) -> Result<Value> {
    let mut details: Map<String, Value> = match written.map(RawValue::get) {
        None | Some("null") => Map::new(),
        Some(text) => serde_json::from_str(text).map_err(unreadable)?,
    };
    let replaced = details.insert("guid".to_owned(), json!(run_id));
    if let Some(guid) = replaced.filter(|guid| !guid.is_null()) {
        let properties = details.entry("properties").or_insert_with(|| json!({}));
        if let Some(properties) = properties.as_object_mut() {
            properties.insert("odavl/toolGuid".to_owned(), guid);
        }
    }
    Ok(Value::Object(details))
}

fn has_provenance(run: &RawRun) -> bool {
    let written = run.get("versionControlProvenance").map(|value| value.get());
    !matches!(written, None | Some("null" | "[]"))
}

fn provenance(checkout: &Checkout) -> Value {
    // SARIF wants a repository wherever there is a commit.
    let repository = checkout.repository.as_deref().unwrap_or("urn:odavl:not-shared");
    json!([{ "repositoryUri": repository, "revisionId": checkout.commit }])
}

/// What a run says of its tool.
struct Describer {
    tool: Tool,
    rules: BTreeMap<String, RuleText>,
}

#[derive(Deserialize)]
struct ToolText {
    driver: ComponentText,
    #[serde(default)]
    extensions: Vec<ComponentText>,
}

#[derive(Deserialize)]
struct ComponentText {
    #[serde(default)]
    rules: Vec<RuleText>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuleText {
    id: String,
    help_uri: Option<String>,
    #[serde(default)]
    message_strings: BTreeMap<String, MessageText>,
}

#[derive(Deserialize)]
struct MessageText {
    text: String,
}

impl Describer {
    fn of(run: &RawRun) -> Result<Self> {
        let text = run.get("tool").map_or("{}", |tool| tool.get());
        let tool = serde_json::from_str(text).map_err(unreadable)?;
        // Links and messages of rules are extras: rules that spell them in another way go without.
        let texts = serde_json::from_str::<ToolText>(text).ok();
        let components =
            texts.into_iter().flat_map(|tool| std::iter::once(tool.driver).chain(tool.extensions));
        let rules = components.flat_map(|component| component.rules);
        Ok(Self { tool, rules: rules.map(|rule| (rule.id.clone(), rule)).collect() })
    }

    fn show(
        &self,
        found: &sarif::Finding<String>,
        level: Level,
        visit: &mut dyn FnMut(&Finding<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if found.level.unwrap_or_else(|| self.tool.default_level(&found.rule)) != level {
            return ControlFlow::Continue(());
        }
        let rule = self.tool.rule_id(&found.rule);
        let text = rule.and_then(|rule| self.rules.get(rule));
        let of_rule =
            || text?.message_strings.get(found.message_id.as_deref()?).map(|said| said.text.as_str());
        let message = found.text.as_deref().or_else(of_rule).or(found.message_id.as_deref());
        visit(&Finding {
            level,
            rule,
            link: text.and_then(|rule| rule.help_uri.as_deref()),
            location: found.location.as_ref(),
            message: message.unwrap_or_default(),
        })
    }
}

/// Reads an array of results one by one.
struct EachResult<'a> {
    describer: &'a Describer,
    level: Level,
    visit: &'a mut dyn FnMut(&Finding<'_>) -> ControlFlow<()>,
}

impl<'de> DeserializeSeed<'de> for EachResult<'_> {
    type Value = ControlFlow<()>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for EachResult<'_> {
    type Value = ControlFlow<()>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of results")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(ControlFlow::Continue(()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut results: A) -> Result<Self::Value, A::Error> {
        while let Some(found) = results.next_element()? {
            if self.describer.show(&found, self.level, self.visit).is_break() {
                // The array has to be read to its end all the same.
                while results.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}
