//! The OpenAPI document: what is exported is what is served, and says everything that a client needs. That the
//! committed file is the same is tested beside the client that is made from it.

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
                answer["content"].as_object().unwrap().values().next().unwrap()["schema"].to_string()
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
