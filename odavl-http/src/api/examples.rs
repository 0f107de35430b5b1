//! Examples of what is sent and answered: one for each schema that a body has, and for each refusal.

use serde_json::{Map, Value};

/// By the name of the schema, of the refusal, or of the operation whose body is bytes. `"@Name"` stands for the example
/// of that name.
const TABLE: &str = include_str!("examples.json");

/// Puts an example beside every body.
pub(super) fn show(document: &mut Value) {
    let table: Map<String, Value> = serde_json::from_str(TABLE).unwrap_or_default();
    let example = |name: &str| table.get(name).map(|example| whole(example, &table));
    for (name, response) in document["components"]["responses"].as_object_mut().into_iter().flatten() {
        bodies(response).for_each(|body| put(body, example(name)));
    }
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (_, operation) in paths.flat_map(|(_, path)| path.as_object_mut().into_iter().flatten()) {
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        if let Some(request) = operation.get_mut("requestBody") {
            bodies(request).for_each(|body| put(body, example(&of(body, &id))));
        }
        for (_, response) in operation["responses"].as_object_mut().into_iter().flatten() {
            bodies(response).for_each(|body| put(body, example(&of(body, &id))));
        }
    }
}

/// The bodies of a request or an answer, one a media type.
fn bodies(holder: &mut Value) -> impl Iterator<Item = &mut Value> {
    holder.get_mut("content").and_then(Value::as_object_mut).into_iter().flatten().map(|(_, body)| body)
}

/// Under which name a body's example is.
fn of(body: &Value, operation: &str) -> String {
    let reference = body["schema"]["$ref"].as_str().and_then(|name| name.rsplit('/').next());
    reference.unwrap_or(operation).to_owned()
}

fn put(body: &mut Value, example: Option<Value>) {
    if let Some(example) = example {
        body["example"] = example;
    }
}

/// An example with those that it names.
fn whole(example: &Value, table: &Map<String, Value>) -> Value {
    match example {
        Value::String(text) => {
            let named = text.strip_prefix('@').and_then(|name| table.get(name));
            named.map_or_else(|| example.clone(), |named| whole(named, table))
        }
        Value::Array(items) => items.iter().map(|item| whole(item, table)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, field)| (name.clone(), whole(field, table))).collect()
        }
        _ => example.clone(),
    }
}
