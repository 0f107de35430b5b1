//! The OpenAPI document: what is exported is what is served, and says everything that a client needs. That the
//! committed file is the same is tested beside the client that is made from it.

use odavl_core::ErrorCode;
use serde_json::Value;

use crate::app::App;

#[tokio::test]
async fn the_exported_document_is_the_one_that_is_served() {
    let served = App::start().await.get("/api/openapi.json").send().await.expect(200);
    assert_eq!(served.header("content-type"), Some("application/json"));
    assert_eq!(served.text(), odavl_http::document());
}

fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (format!("{method} {path}"), operation))
        })
        .collect()
}

/// An answer, or the shared one that it refers to.
fn whole<'a>(document: &'a Value, answer: &'a Value) -> &'a Value {
    answer["$ref"].as_str().map_or(answer, |name| document.pointer(&name[1..]).unwrap())
}

#[test]
fn every_operation_has_an_id_of_its_own_a_summary_a_tag_and_one_schema_for_its_errors() {
    let document: Value = serde_json::from_str(&odavl_http::document()).unwrap();
    let operations = operations(&document);
    assert!(operations.len() > 20);
    let mut ids = Vec::new();
    for (name, operation) in operations {
        ids.push(operation["operationId"].as_str().unwrap_or_else(|| panic!("{name} has no id")));
        assert!(operation["summary"].is_string() && operation["tags"][0].is_string(), "{name}");
        let answers = operation["responses"].as_object().unwrap().iter();
        let mut errors: Vec<_> = answers
            .filter(|(status, _)| !status.starts_with('2'))
            .map(|(_, answer)| {
                whole(&document, answer)["content"].as_object().unwrap().values().next().unwrap()["schema"]
                    .to_string()
            })
            .collect();
        errors.dedup();
        assert!(errors.len() <= 1, "{name}: {errors:?}");
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "an operation id is there twice");
}

#[test]
fn media_types_are_plain() {
    assert!(!odavl_http::document().contains("charset"));
}

#[test]
fn examples_of_refusals_are_of_the_table_of_errors() {
    let document: Value = serde_json::from_str(&odavl_http::document()).unwrap();
    let mut told = 0;
    for (name, operation) in operations(&document) {
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let example = &whole(&document, answer)["content"]["application/problem+json"]["example"];
            let Some(code) = example["code"].as_str() else { continue };
            assert_eq!(example["status"].to_string(), *status, "{name}");
            if let Some(code) = ErrorCode::parse(code) {
                assert_eq!(
                    (code.http_status().to_string(), code.title()),
                    (status.clone(), example["title"].as_str().unwrap())
                );
                told += 1;
            }
        }
    }
    assert!(told > 100);
}
