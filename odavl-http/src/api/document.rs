//! The OpenAPI document as it is served: what poem writes, and what it leaves unsaid.

use serde_json::{Map, Value, json};

const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// The document, sorted and indented, so that a change of it is a readable change of the committed file.
pub(super) fn finished(written: &str) -> String {
    // JSON takes no charset (RFC 8259, 11), and many generators read the plain type only.
    let text = written.replace("application/json; charset=utf-8", "application/json");
    let pretty = serde_json::from_str(&text).and_then(|mut document| {
        open_what_is_open(&mut document);
        let components = document["components"].clone();
        complete(&mut document, &components);
        fill_in_forms(&mut document);
        serde_json::to_string_pretty(&document)
    });
    pretty.map_or(text, |pretty| pretty + "\n")
}

/// An operation without a credential says so.
fn open_what_is_open(document: &mut Value) {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (_, path) in paths {
        let operations = path.as_object_mut().into_iter().flatten();
        for (_, operation) in operations.filter(|(method, _)| METHODS.contains(&method.as_str())) {
            if let Some(operation) = operation.as_object_mut() {
                operation.entry("security").or_insert_with(|| json!([]));
            }
        }
    }
}

/// What is not required can be null, and what is unsigned is not negative.
fn complete(value: &mut Value, components: &Value) {
    match value {
        Value::Object(object) => {
            allow_null(object, components);
            bound(object);
            object.values_mut().for_each(|value| complete(value, components));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| complete(value, components)),
        _ => {}
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
            // Where words are listed, null is one of them (OpenAPI 3.0.3's clarification of `nullable`).
            if let Some(words) = property.get_mut("enum").and_then(Value::as_array_mut) {
                words.push(Value::Null);
            }
        }
    }
}

/// A field of a form is there or not: `null` in it is a word of four letters.
fn fill_in_forms(document: &mut Value) {
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(_, path)| path.as_object().into_iter().flatten());
    let forms = operations.filter_map(|(_, operation)| {
        let form = &operation["requestBody"]["content"]["application/x-www-form-urlencoded"];
        form["schema"]["$ref"].as_str()?.rsplit('/').next().map(str::to_owned)
    });
    for form in forms.collect::<Vec<_>>() {
        let fields = document["components"]["schemas"][form]["properties"].as_object_mut();
        for field in fields.into_iter().flatten().filter_map(|(_, field)| field.as_object_mut()) {
            field.remove("nullable");
            if let Some(words) = field.get_mut("enum").and_then(Value::as_array_mut) {
                words.retain(|word| !word.is_null());
            }
        }
    }
}

fn bound(schema: &mut Map<String, Value>) {
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
}
