//! The parts of a SARIF log that odavl reads. Unknown members are passed over, members that are read may not be
//! there twice.

use std::fmt;

use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, Visitor},
};

use super::{
    Level, Tool,
    collect::{Runs, Tally},
    parts::{First, Fold, Label, Object, folded},
};
use crate::uploads::RunId;

/// One result: what it says, how bad it is, and where.
///
/// `M` is what is kept of a message's strings: [`Present`] keeps nothing, `String` keeps them.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Object<RawFinding<M>>", bound(deserialize = "M: Deserialize<'de>"))]
pub struct Finding<M = Present> {
    /// The rule that it breaks.
    pub rule: RuleRef,
    /// Its level; `None` leaves it to the rule: see [`Tool::default_level`].
    pub level: Option<Level>,
    /// The message as plain text.
    pub text: Option<M>,
    /// The id of the message among the strings of the rule; either this or `text` is there.
    pub message_id: Option<M>,
    /// The first place that it is about.
    pub location: Option<Location>,
}

/// How a result points at its rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct RuleRef {
    /// The rule's id.
    pub id: Option<String>,
    /// Its place among the rules of the component.
    pub index: Option<u32>,
    /// The place of the component among the tool's extensions; `None` is the tool's driver.
    pub extension: Option<u32>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Location {
    /// The URI reference of the file, as written.
    pub uri: Option<String>,
    /// The place of the file among the run's artifacts.
    pub index: Option<u32>,
    /// The line, from 1.
    pub line: Option<u64>,
    /// The column, from 1.
    pub column: Option<u64>,
}

/// A string that is there, and is not kept.
#[derive(Debug, Clone, Copy)]
pub struct Present;

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PresentVisitor;
        impl Visitor<'_> for PresentVisitor {
            type Value = Present;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_str<E: de::Error>(self, _: &str) -> Result<Present, E> {
                Ok(Present)
            }
        }
        deserializer.deserialize_str(PresentVisitor)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Log {
    #[serde(rename = "version")]
    _version: Version,
    #[serde(deserialize_with = "runs")]
    pub runs: Runs,
    #[serde(default, rename = "inlineExternalProperties", deserialize_with = "no_external")]
    _external: (),
}

fn runs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Runs, D::Error> {
    let runs = folded::<_, Object<Run>, Runs>(deserializer)?;
    if runs.is_empty() { Err(de::Error::custom("there is no run")) } else { Ok(runs) }
}

#[derive(Deserialize)]
enum Version {
    #[serde(rename = "2.1.0")]
    Current,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Run {
    pub tool: Tool,
    #[serde(default, deserialize_with = "tally")]
    pub results: Tally,
    pub automation_details: Option<Object<AutomationDetails>>,
    pub version_control_provenance: Option<First<Object<Provenance>>>,
    #[serde(default, deserialize_with = "invocations")]
    pub invocations: Span,
    #[serde(default, rename = "externalPropertyFileReferences", deserialize_with = "no_external")]
    _external: (),
}

/// Results may be null: the tool did not get as far as looking for any (SARIF 2.1.0, 3.14.23).
fn tally<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tally, D::Error> {
    struct Results(Tally);
    impl<'de> Deserialize<'de> for Results {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            folded::<_, Finding, Tally>(deserializer).map(Self)
        }
    }
    Option::<Results>::deserialize(deserializer)
        .map(|results| results.map_or_else(Tally::default, |all| all.0))
}

/// Results in files beside the document would be counted as none at all.
fn no_external<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    match Option::<IgnoredAny>::deserialize(deserializer)? {
        Some(_) => Err(de::Error::custom("parts outside the run are not read: inline them")),
        None => Ok(()),
    }
}

#[derive(Deserialize)]
pub(super) struct AutomationDetails {
    pub guid: Option<RunId>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Provenance {
    pub revision_id: Option<Label<256>>,
}

/// From the first start to the last end of a run's invocations.
#[derive(Default)]
pub(super) struct Span {
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
}

impl Span {
    pub(super) fn widen(&mut self, started_at: Option<Timestamp>, ended_at: Option<Timestamp>) {
        self.started_at = self.started_at.into_iter().chain(started_at).min();
        self.ended_at = self.ended_at.into_iter().chain(ended_at).max();
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    start_time_utc: Option<Timestamp>,
    end_time_utc: Option<Timestamp>,
}

impl Fold<Object<Invocation>> for Span {
    const WHAT: &'static str = "invocations";

    fn take(&mut self, Object(invocation): Object<Invocation>) -> Result<(), String> {
        self.widen(invocation.start_time_utc, invocation.end_time_utc);
        Ok(())
    }
}

fn invocations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
    folded::<_, Object<Invocation>, _>(deserializer)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "M: Deserialize<'de>"))]
struct RawFinding<M> {
    rule_id: Option<Label<512>>,
    rule_index: Option<i64>,
    rule: Option<Object<RawRule>>,
    kind: Option<Kind>,
    level: Option<Level>,
    message: Object<RawMessage<M>>,
    locations: Option<First<Object<RawLocation>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRule {
    id: Option<Label<512>>,
    index: Option<i64>,
    tool_component: Option<Object<Indexed>>,
}

#[derive(Deserialize)]
struct Indexed {
    index: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    NotApplicable,
    Pass,
    Fail,
    Review,
    Open,
    Informational,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "M: Deserialize<'de>"))]
struct RawMessage<M> {
    text: Option<M>,
    id: Option<M>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawLocation {
    physical_location: Option<Object<PhysicalLocation>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: Option<Object<ArtifactLocation>>,
    region: Option<Object<Region>>,
}

#[derive(Deserialize)]
struct ArtifactLocation {
    uri: Option<String>,
    index: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: Option<u64>,
    start_column: Option<u64>,
}

impl<M> TryFrom<Object<RawFinding<M>>> for Finding<M> {
    type Error = &'static str;

    fn try_from(Object(raw): Object<RawFinding<M>>) -> Result<Self, Self::Error> {
        let RawMessage { text, id: message_id } = raw.message.0;
        if text.is_none() && message_id.is_none() {
            return Err("the message has neither `text` nor `id`");
        }
        let level = stated_level(raw.kind, raw.level)?;
        let rule = rule_ref(raw.rule_id, raw.rule_index, raw.rule);
        let location = raw.locations.and_then(|first| first.0).and_then(|place| place.0.into_location());
        Ok(Self { rule, level, text, message_id, location })
    }
}

/// SARIF 2.1.0, 3.27.10: only a failure has a level other than `none`.
fn stated_level(kind: Option<Kind>, level: Option<Level>) -> Result<Option<Level>, &'static str> {
    match (kind, level) {
        (None | Some(Kind::Fail), level) => Ok(level),
        (Some(_), None | Some(Level::None)) => Ok(Some(Level::None)),
        (Some(_), Some(_)) => Err("a result whose kind is not `fail` must have the level `none`"),
    }
}

fn rule_ref(id: Option<Label<512>>, index: Option<i64>, rule: Option<Object<RawRule>>) -> RuleRef {
    let rule = rule.map(|rule| rule.0);
    let (rule_id, rule_index, component) =
        rule.map_or((None, None, None), |rule| (rule.id, rule.index, rule.tool_component));
    RuleRef {
        id: id.or(rule_id).map(|label| label.0),
        index: index.and_then(at).or_else(|| rule_index.and_then(at)),
        extension: component.and_then(|component| component.0.index).and_then(at),
    }
}

/// An index; -1 is how SARIF writes that there is none.
fn at(index: i64) -> Option<u32> {
    u32::try_from(index).ok()
}

impl RawLocation {
    fn into_location(self) -> Option<Location> {
        let physical = self.physical_location?.0;
        let artifact = physical.artifact_location?.0;
        let region = physical.region.map(|region| region.0);
        Some(Location {
            uri: artifact.uri,
            index: artifact.index.and_then(at),
            line: region.as_ref().and_then(|region| region.start_line),
            column: region.as_ref().and_then(|region| region.start_column),
        })
    }
}
