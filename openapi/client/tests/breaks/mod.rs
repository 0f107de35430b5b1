//! What changed between two documents that a client of the old one does not survive. No tool that the registries have tells
//! a field that was added from one that was taken away, in what is sent and in what is answered.

use std::collections::BTreeSet;

use serde_json::Value;

/// Which way a schema goes: what a client sends may be taken more freely, what it gets may not be given more freely.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Sent,
    Got,
}

struct Comparison<'a> {
    old: &'a Value,
    new: &'a Value,
    found: BTreeSet<String>,
}

/// A line for each thing that breaks.
pub(crate) fn breaks(old: &Value, new: &Value) -> Vec<String> {
    let mut comparison = Comparison { old, new, found: BTreeSet::new() };
    for (path, methods) in fields(&old["paths"]) {
        for (method, operation) in fields(methods) {
            let at = format!("{method} {path}");
            match new["paths"][path].get(method) {
                Some(there) => comparison.operation(&at, operation, there),
                None => comparison.say(&at, "is gone"),
            }
        }
    }
    comparison.found.into_iter().collect()
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// What a value refers to, with what is said beside the reference.
fn whole(document: &Value, value: &Value) -> Value {
    let reference = value.get("$ref").or_else(|| value["allOf"][0].get("$ref")).and_then(Value::as_str);
    let Some(reference) = reference else { return value.clone() };
    let mut whole = document.pointer(&reference[1..]).cloned().unwrap_or_default();
    if let (Some(whole), Some(beside)) = (whole.as_object_mut(), value.as_object()) {
        let said = |(name, _): &(&String, &Value)| !["$ref", "allOf"].contains(&name.as_str());
        whole.extend(beside.iter().filter(said).map(|(name, value)| (name.clone(), value.clone())));
    }
    whole
}

impl Comparison<'_> {
    fn say(&mut self, at: &str, what: &str) {
        self.found.insert(format!("{at} {what}"));
    }

    fn operation(&mut self, at: &str, old: &Value, new: &Value) {
        for part in ["operationId", "security"] {
            if old[part] != new[part] {
                self.say(at, &format!("has another {part}"));
            }
        }
        self.parameters(at, &old["parameters"], &new["parameters"]);
        let (sent, taken) = (&old["requestBody"], &new["requestBody"]);
        if taken["required"] == true && sent["required"] != true {
            self.say(at, "needs a body now");
        }
        self.contents(Way::Sent, at, sent, taken);
        for (status, answer) in fields(&old["responses"]) {
            let at = format!("{at}: {status}");
            match new["responses"].get(status) {
                Some(there) => {
                    let (answer, there) = (whole(self.old, answer), whole(self.new, there));
                    self.contents(Way::Got, &at, &answer, &there);
                }
                None => self.say(&at, "is gone"),
            }
        }
    }

    fn parameters(&mut self, at: &str, old: &Value, new: &Value) {
        let list = |document, list| items(list).map(|item| whole(document, item)).collect::<Vec<_>>();
        let (old, new) = (list(self.old, old), list(self.new, new));
        let same = |one: &Value, other: &Value| one["name"] == other["name"] && one["in"] == other["in"];
        for parameter in &old {
            let at = format!("{at}: the parameter {}", parameter["name"]);
            match new.iter().find(|there| same(there, parameter)) {
                Some(there) => self.schema(Way::Sent, &at, &parameter["schema"], &there["schema"]),
                None => self.say(&at, "is gone"),
            }
        }
        for parameter in new.iter().filter(|parameter| parameter["required"] == true) {
            if !old.iter().any(|known| same(known, parameter) && known["required"] == true) {
                self.say(at, &format!("needs the parameter {} now", parameter["name"]));
            }
        }
    }

    fn contents(&mut self, way: Way, at: &str, old: &Value, new: &Value) {
        for (media_type, body) in fields(&old["content"]) {
            let at = format!("{at}, {media_type}");
            match new["content"].get(media_type) {
                Some(there) => self.schema(way, &at, &body["schema"], &there["schema"]),
                None => self.say(&at, "is gone"),
            }
        }
    }

    fn schema(&mut self, way: Way, at: &str, old: &Value, new: &Value) {
        let (old, new) = (whole(self.old, old), whole(self.new, new));
        if old["type"] != new["type"] || old["format"] != new["format"] {
            self.say(at, "is of another type");
        }
        // What is taken must not shrink, what is given must not grow.
        let (less, more) = if way == Way::Sent { (&new, &old) } else { (&old, &new) };
        if more["nullable"] == true && less["nullable"] != true {
            self.say(at, "differs in whether it is null");
        }
        if less["enum"].is_array() && !within(&more["enum"], &less["enum"]) {
            self.say(at, "has other words");
        }
        if way == Way::Sent && is_narrower(&old, &new) {
            self.say(at, "is bounded more tightly");
        }
        self.properties(way, at, &old, &new);
        for part in ["items", "additionalProperties"] {
            if old[part].is_object() || new[part].is_object() {
                self.schema(way, &format!("{at}/*"), &old[part], &new[part]);
            }
        }
    }

    fn properties(&mut self, way: Way, at: &str, old: &Value, new: &Value) {
        for (name, property) in fields(&old["properties"]) {
            let at = format!("{at}/{name}");
            match new["properties"].get(name) {
                Some(there) => self.schema(way, &at, property, there),
                None => self.say(&at, "is gone"),
            }
        }
        let (must, may) = if way == Way::Sent { (new, old) } else { (old, new) };
        for name in items(&must["required"]).filter(|name| !items(&may["required"]).any(|n| n == *name)) {
            self.say(
                &format!("{at}/{name}"),
                if way == Way::Sent { "is needed now" } else { "may be missing now" },
            );
        }
    }
}

/// Whether words are all among those; where none are listed it is any word. Null is a matter of `nullable`.
fn within(few: &Value, many: &Value) -> bool {
    few.is_array()
        && items(few).filter(|word| !word.is_null()).all(|word| items(many).any(|known| known == word))
}

/// Whether something that was taken no longer is; of another pattern one cannot tell.
fn is_narrower(old: &Value, new: &Value) -> bool {
    let bound = |schema: &Value, name: &str, none: f64| schema[name].as_f64().unwrap_or(none);
    let above = |name| bound(new, name, f64::NEG_INFINITY) > bound(old, name, f64::NEG_INFINITY);
    let below = |name| bound(new, name, f64::INFINITY) < bound(old, name, f64::INFINITY);
    let closed = |schema: &Value| schema["additionalProperties"] == false;
    ["minimum", "minLength", "minItems"].into_iter().any(above)
        || ["maximum", "maxLength", "maxItems", "maxProperties"].into_iter().any(below)
        || (!new["pattern"].is_null() && new["pattern"] != old["pattern"])
        || (closed(new) && !closed(old))
}
