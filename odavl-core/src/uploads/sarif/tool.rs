//! A tool and its rules, to which results point in several ways.

use serde::Deserialize;

use super::{
    Level,
    model::RuleRef,
    parts::{Fold, Label, Object, folded},
    summary::ToolName,
};

/// The most rules of one component, and the most different rules that the results of one document name.
pub(super) const MAX_RULES: usize = 10_000;

/// The most extensions of one tool.
const MAX_EXTENSIONS: usize = 32;

/// A tool as a run describes it: its name, and what its rules say about the results that leave it open.
#[derive(Debug, Deserialize)]
#[serde(from = "Object<RawTool>")]
pub struct Tool {
    driver: Component,
    extensions: Vec<Component>,
}

impl Tool {
    /// Its name and version.
    pub fn name(&self) -> ToolName {
        ToolName { name: self.driver.name.clone(), version: self.driver.version.clone() }
    }

    /// The id of the rule that a result points at: the one that it gives, or else that of the rule at its index.
    pub fn rule_id<'a>(&'a self, rule: &'a RuleRef) -> Option<&'a str> {
        rule.id.as_deref().or_else(|| self.descriptor(rule).map(|descriptor| descriptor.id.0.as_str()))
    }

    /// The level of results that point at `rule` and give none: the rule's own, or else `warning`.
    ///
    /// Overrides of an invocation (`ruleConfigurationOverrides`) are not applied.
    pub fn default_level(&self, rule: &RuleRef) -> Level {
        self.descriptor(rule).and_then(Descriptor::level).unwrap_or(Level::Warning)
    }

    fn descriptor(&self, rule: &RuleRef) -> Option<&Descriptor> {
        let component = match rule.extension {
            Some(index) => self.extensions.get(usize::try_from(index).ok()?)?,
            None => &self.driver,
        };
        match rule.index {
            Some(index) => component.rules.get(usize::try_from(index).ok()?),
            None => component.find(rule.id.as_deref()?),
        }
    }
}

#[derive(Deserialize)]
struct RawTool {
    driver: Object<RawComponent>,
    #[serde(default, deserialize_with = "extensions")]
    extensions: Extensions,
}

impl From<Object<RawTool>> for Tool {
    fn from(Object(raw): Object<RawTool>) -> Self {
        Self { driver: raw.driver.0.into(), extensions: raw.extensions.0 }
    }
}

#[derive(Debug)]
struct Component {
    name: String,
    version: Option<String>,
    rules: Vec<Descriptor>,
    /// The places of `rules`, ordered by id.
    by_id: Vec<usize>,
}

impl Component {
    /// The rule of that id, or of the part before a `/` of it (hierarchical ids; SARIF 2.1.0, 3.52.4).
    fn find(&self, mut id: &str) -> Option<&Descriptor> {
        loop {
            let found = self.by_id.binary_search_by(|place| self.rules[*place].id.0.as_str().cmp(id));
            match (found, id.rsplit_once('/')) {
                (Ok(at), _) => return self.rules.get(self.by_id[at]),
                (Err(_), Some((parent, _))) => id = parent,
                (Err(_), None) => return None,
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawComponent {
    name: Label<256>,
    semantic_version: Option<Label<256>>,
    version: Option<Label<256>>,
    #[serde(default, deserialize_with = "rules")]
    rules: Rules,
}

impl From<RawComponent> for Component {
    fn from(raw: RawComponent) -> Self {
        let rules = raw.rules.0;
        let mut by_id: Vec<usize> = (0..rules.len()).collect();
        by_id.sort_by(|a, b| rules[*a].id.cmp(&rules[*b].id));
        let version = raw.semantic_version.or(raw.version).map(|version| version.0);
        Self { name: raw.name.0, version, rules, by_id }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    id: Label<512>,
    default_configuration: Option<Object<Configuration>>,
}

#[derive(Debug, Deserialize)]
struct Configuration {
    level: Option<Level>,
}

impl Descriptor {
    fn level(&self) -> Option<Level> {
        self.default_configuration.as_ref()?.0.level
    }
}

#[derive(Default)]
struct Rules(Vec<Descriptor>);

impl Fold<Object<Descriptor>> for Rules {
    const WHAT: &'static str = "rules";

    fn take(&mut self, Object(rule): Object<Descriptor>) -> Result<(), String> {
        if self.0.len() == MAX_RULES {
            return Err(format!("more than {MAX_RULES} rules"));
        }
        self.0.push(rule);
        Ok(())
    }
}

fn rules<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Rules, D::Error> {
    folded::<_, Object<Descriptor>, _>(deserializer)
}

#[derive(Default)]
struct Extensions(Vec<Component>);

impl Fold<Object<RawComponent>> for Extensions {
    const WHAT: &'static str = "tool components";

    fn take(&mut self, Object(component): Object<RawComponent>) -> Result<(), String> {
        if self.0.len() == MAX_EXTENSIONS {
            return Err(format!("more than {MAX_EXTENSIONS} extensions"));
        }
        self.0.push(component.into());
        Ok(())
    }
}

fn extensions<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Extensions, D::Error> {
    folded::<_, Object<RawComponent>, _>(deserializer)
}
