//! The OpenAPI document as it is served: what poem writes, and what it leaves unsaid.

use std::collections::BTreeSet;

use poem::http::StatusCode;
use serde_json::{Map, Value, json};

use super::examples;

/// What may have attributes of extensions (`CloudEvents` 1.0).
const EXTENSIBLE: &str = "UsageEvent";
/// Answers that leave out what does not apply; all others say it by null.
const SPARSE: [&str; 4] = ["Introspection", "Problem", "UsageEventResult", "Verdict"];
const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// The document, sorted and indented, so that a change of it is a readable change of the committed file.
pub(super) fn finished(written: &str) -> String {
    // JSON takes no charset (RFC 8259, 11), and many generators read the plain type only.
    let text = written.replace("application/json; charset=utf-8", "application/json");
    let pretty = serde_json::from_str(&text).and_then(|mut document| {
        operations(&mut document).for_each(say_headers);
        describe_answers(&mut document);
        document["components"]["parameters"]["Organization"] = organization();
        let components = document["components"].clone();
        complete(&mut document, &components);
        fill_in_forms(&mut document);
        close_requests(&mut document);
        fill_in_answers(&mut document);
        share_refusals(&mut document);
        examples::show(&mut document);
        serde_json::to_string_pretty(&document)
    });
    pretty.map_or(text, |pretty| pretty + "\n")
}

fn operations(document: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    let all = paths.flat_map(|(_, path)| path.as_object_mut().into_iter().flatten());
    all.filter(|(method, _)| METHODS.contains(&method.as_str()))
        .filter_map(|(_, operation)| operation.as_object_mut())
}

/// Which headers an operation takes and answers with besides its own: those of every credential, and of a refusal that
/// time mends. One without a credential says that it takes none.
fn say_headers(operation: &mut Map<String, Value>) {
    let proxy = json!([{ "gateway_key": [] }]);
    match operation.get("security") {
        // A proxy's own key chooses no organisation.
        Some(security) if *security == proxy => {}
        Some(_) => {
            let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
            if let Some(parameters) = parameters.as_array_mut() {
                parameters.push(json!({ "$ref": "#/components/parameters/Organization" }));
            }
        }
        None => drop(operation.insert("security".to_owned(), json!([]))),
    }
    let limited = json!({
        "RateLimit": text("Where each limit stands: what is left, and in how many seconds it resets."),
        "RateLimit-Policy": text("Each limit: how much, over how many seconds."),
        "Retry-After": seconds(),
    });
    for (status, headers) in [("429", limited), ("503", json!({ "Retry-After": seconds() }))] {
        if let Some(response) = operation.get_mut("responses").and_then(|all| all.get_mut(status)) {
            response["headers"] = headers;
        }
    }
}

/// An answer that nobody described is what its schema is.
fn describe_answers(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    let answers = operations(document).filter_map(|operation| operation["responses"].as_object_mut());
    for response in answers.flat_map(Map::values_mut).filter(|response| response["description"] == "") {
        let said = refers(&response["content"]).first().map(|name| schemas[name]["description"].clone());
        response["description"] = said.unwrap_or_else(|| "It is done.".into());
    }
}

fn text(description: &str) -> Value {
    json!({ "description": description, "schema": { "type": "string" } })
}

fn seconds() -> Value {
    let description = "In how many seconds to try again, where waiting helps.";
    json!({ "description": description, "schema": { "type": "integer", "minimum": 0 } })
}

/// The header that says for which organisation a caller with several, or an operator, asks.
fn organization() -> Value {
    json!({
        "name": "Odavl-Organization", "in": "header", "schema": { "type": "string", "format": "organization", "maxLength": 512 },
        "description": "The organisation to act on, for a person with several and for operators: its id, its slug, or \
                        `external:` and the team's own id for it. The caller's own, where it is not said.",
    })
}

/// What is not required can be null, and what is unsigned is not negative.
fn complete(value: &mut Value, components: &Value) {
    match value {
        Value::Object(object) => {
            refer_plainly(object);
            allow_null(object, components);
            bound(object);
            object.values_mut().for_each(|value| complete(value, components));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| complete(value, components)),
        _ => {}
    }
}

/// What is said of a field stands on the field; poem says it beside the reference too, where generators take it for
/// another schema.
fn refer_plainly(schema: &mut Map<String, Value>) {
    if let Some(all) = schema.get_mut("allOf").and_then(Value::as_array_mut) {
        all.retain(|schema| schema.get("$ref").is_some());
    }
}

fn allow_null(schema: &mut Map<String, Value>, components: &Value) {
    let required = schema.get("required").cloned().unwrap_or_default();
    let is_required = |name: &str| required.as_array().is_some_and(|names| names.iter().any(|n| n == name));
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, property) in properties.into_iter().flatten() {
        if let Some(property) = property.as_object_mut().filter(|_| !is_required(name)) {
            // Beside a reference nothing else counts, and null is of a type (OpenAPI 3.0.3, 4.7.23 and 4.7.24.1).
            if let Some(reference) = property.remove("$ref") {
                property.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
            }
            if let Some(reference) = property.get("allOf").and_then(|all| all[0]["$ref"].as_str()) {
                let name = reference.rsplit('/').next().unwrap_or_default();
                property.insert("type".to_owned(), components["schemas"][name]["type"].clone());
            }
            property.insert("nullable".to_owned(), true.into());
            // Generators take what has a default for something that is always there: its description says it.
            property.remove("default");
            // Where words are listed, null is one of them (OpenAPI 3.0.3's clarification of `nullable`).
            if let Some(words) = property.get_mut("enum").and_then(Value::as_array_mut) {
                words.push(Value::Null);
            }
        }
    }
}

/// A field of a form is there or not: `null` in it is a word of four letters.
fn fill_in_forms(document: &mut Value) {
    for form in sent(document, FORM) {
        let schema = &mut document["components"]["schemas"][form];
        let fields = schema.get_mut("properties").and_then(Value::as_object_mut);
        for field in fields.into_iter().flatten().filter_map(|(_, field)| field.as_object_mut()) {
            field.remove("nullable");
            if let Some(words) = field.get_mut("enum").and_then(Value::as_array_mut) {
                words.retain(|word| !word.is_null());
            }
        }
    }
}

/// A JSON request has the fields that are known and no other: one that is mistyped must not be passed over. An event
/// has what extensions give it, too.
fn close_requests(document: &mut Value) {
    for name in sent(document, JSON) {
        let schema = &mut document["components"]["schemas"][&name];
        if schema["additionalProperties"].is_null() && schema["properties"].is_object() {
            schema["additionalProperties"] = (name == EXTENSIBLE).into();
        }
    }
}

/// An answer has every field, be it null; of those that leave fields out, none is null.
fn fill_in_answers(document: &mut Value) {
    let answers = reached(document, |operation| refers(&operation["responses"]));
    for name in &answers - &(&sent(document, FORM) | &sent(document, JSON)) {
        let schema = &mut document["components"]["schemas"][&name];
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        let Some(properties) = properties else { continue };
        if !SPARSE.contains(&name.as_str()) {
            schema["required"] = properties.keys().cloned().collect();
            continue;
        }
        for property in properties.values_mut().filter_map(Value::as_object_mut) {
            property.remove("nullable");
        }
    }
}

/// Refusals are the same everywhere, and said once.
fn share_refusals(document: &mut Value) {
    let mut shared = Map::new();
    for operation in operations(document) {
        let Some(responses) = operation["responses"].as_object_mut() else { continue };
        for (status, response) in responses {
            let Some(reason) = refusal(status) else { continue };
            let whose = if response["content"][JSON].is_null() { "" } else { "OAuth" };
            let name = format!("{whose}{reason}");
            let reference = json!({ "$ref": format!("#/components/responses/{name}") });
            if shared.entry(name).or_insert_with(|| response.clone()) == response {
                *response = reference;
            }
        }
    }
    document["components"]["responses"] = shared.into();
}

/// What HTTP calls a refusal of that status, as one word.
fn refusal(status: &str) -> Option<String> {
    let status: StatusCode = status.parse().ok()?;
    let refused = status.is_client_error() || status.is_server_error();
    status.canonical_reason().filter(|_| refused).map(|reason| reason.replace([' ', '-'], ""))
}

/// The names of the schemas that requests of that media type have, down to the last.
fn sent(document: &Value, media_type: &str) -> BTreeSet<String> {
    reached(document, |operation| refers(&operation["requestBody"]["content"][media_type]))
}

/// The names of the schemas that are reached from those that each operation starts with.
fn reached(document: &Value, start: impl Fn(&Value) -> Vec<String>) -> BTreeSet<String> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(_, path)| path.as_object().into_iter().flatten());
    let mut open: Vec<_> = operations.flat_map(|(_, operation)| start(operation)).collect();
    let mut found = BTreeSet::new();
    while let Some(name) = open.pop() {
        if found.insert(name.clone()) {
            open.extend(refers(&document["components"]["schemas"][&name]));
        }
    }
    found
}

/// The names of all schemas that are referred to within.
fn refers(value: &Value) -> Vec<String> {
    let within = match value {
        Value::Object(object) => object.values().flat_map(refers).collect(),
        Value::Array(items) => items.iter().flat_map(refers).collect(),
        _ => Vec::new(),
    };
    let here = value.get("$ref").and_then(Value::as_str).and_then(|name| name.rsplit('/').next());
    here.map(str::to_owned).into_iter().chain(within).collect()
}

/// Whole numbers without a sign have their bounds, and the narrowest format that OpenAPI knows: what it does not know,
/// generators of clients take for 32 bits.
fn bound(schema: &mut Map<String, Value>) {
    for name in ["minimum", "maximum"] {
        // poem writes bounds of whole numbers as 1.0.
        if let Some(whole) = schema.get(name).and_then(Value::as_f64).and_then(whole) {
            schema.insert(name.to_owned(), whole.into());
        }
    }
    let most = match schema.get("format").and_then(Value::as_str) {
        Some("uint8") => Some(u64::from(u8::MAX)),
        Some("uint16") => Some(u64::from(u16::MAX)),
        Some("uint32") => Some(u64::from(u32::MAX)),
        Some("uint64") => None,
        _ => return,
    };
    schema.entry("minimum").or_insert_with(|| 0.into());
    if let Some(most) = most {
        schema.entry("maximum").or_insert_with(|| most.into());
    }
    let narrow =
        schema.get("maximum").and_then(Value::as_i64).is_some_and(|most| i32::try_from(most).is_ok());
    schema.insert("format".to_owned(), if narrow { "int32" } else { "int64" }.into());
}

/// A number without a fraction, where a double holds it exactly.
fn whole(number: f64) -> Option<u64> {
    serde_json::Number::from_f64(number)
        .and_then(|number| number.to_string().strip_suffix(".0")?.parse().ok())
}
