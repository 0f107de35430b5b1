//! What is committed is what the service serves: the document, and the client made from it.

use std::{env, error::Error, fs, path::Path};

use progenitor_impl::{GenerationSettings, Generator, InterfaceStyle, TypeImpl};
use serde_json::{Map, Value};

/// What a schema says of a value beyond its type.
const SHAPES: [&str; 7] =
    ["enum", "maxLength", "maxProperties", "maximum", "minItems", "minLength", "pattern"];
const KNOWN_FORMATS: [&str; 7] = ["binary", "date-time", "int64", "uint8", "uint16", "uint32", "uint64"];

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn golden(path: &str, fresh: &str) {
    let path = Path::new(ROOT).join(path);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, fresh).unwrap();
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == fresh,
        "{} is stale: run the tests with UPDATE_GOLDEN=1 and read the diff",
        path.display()
    );
}

/// Rust of the client for `document`. The generator reads only plain JSON as typed, problem documents too.
fn client(document: &str) -> Result<String, Box<dyn Error>> {
    let instant = serde_json::from_str(r#"{"type": "string", "format": "date-time"}"#)?;
    let mut settings = GenerationSettings::new();
    settings.with_interface(InterfaceStyle::Positional);
    settings.with_conversion(
        instant,
        "::jiff::Timestamp",
        [TypeImpl::Display, TypeImpl::FromStr].into_iter(),
    );
    let document = document.replace("application/problem+json", "application/json");
    let mut document: Value = serde_json::from_str(&document)?;
    forget_shapes(&mut document);
    forget_organization(&mut document);
    let tokens = Generator::new(&settings).generate_tokens(&serde_json::from_value(document)?)?;
    Ok(format!(
        "// Generated from openapi/odavl.json; do not edit.\n\n{}",
        prettyplease::unparse(&syn::parse2(tokens)?)
    ))
}

/// Texts are texts and numbers numbers to the client: the service says what it does not take. The named enumerations
/// stay types.
fn forget_shapes(document: &mut Value) {
    for schema in document["components"]["schemas"].as_object_mut().into_iter().flatten() {
        for part in ["properties", "additionalProperties"] {
            schema.1.get_mut(part).map(forget_in);
        }
    }
    forget_in(&mut document["paths"]);
}

/// Whoever acts on another organisation says so for all calls: it is a header of the `reqwest::Client`.
fn forget_organization(document: &mut Value) {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (_, operation) in paths.flat_map(|(_, path)| path.as_object_mut().into_iter().flatten()) {
        if let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) {
            parameters.retain(|parameter| parameter["$ref"] != "#/components/parameters/Organization");
        }
    }
}

fn forget_in(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if object.get("type").is_some_and(Value::is_string) {
                name_unsigned(object);
                object.retain(|key, _| !SHAPES.contains(&key.as_str()));
                object
                    .retain(|key, value| key != "format" || KNOWN_FORMATS.iter().any(|known| value == known));
            }
            object.values_mut().for_each(forget_in);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_in),
        _ => {}
    }
}

/// What is never negative is unsigned, as the service has it.
fn name_unsigned(schema: &mut Map<String, Value>) {
    let is_whole = schema.get("type").is_some_and(|kind| kind == "integer");
    if is_whole && schema.get("minimum").and_then(Value::as_u64).is_some() {
        let format = match schema.get("maximum").and_then(Value::as_u64) {
            Some(255) => "uint8",
            Some(65_535) => "uint16",
            Some(most) if most <= u32::MAX.into() => "uint32",
            _ => "uint64",
        };
        schema.insert("format".to_owned(), format.into());
    }
}

#[test]
fn the_committed_document_is_the_one_that_is_served() {
    golden("odavl.json", &odavl_http::document());
}

#[test]
fn the_committed_client_is_made_from_the_document_that_is_served() {
    golden("client/src/generated.rs", &client(&odavl_http::document()).unwrap());
}
