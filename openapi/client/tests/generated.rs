//! What is committed is what the service serves: the document, and the client made from it.

use std::{env, error::Error, fs, path::Path};

use progenitor_impl::{GenerationSettings, Generator, InterfaceStyle, TypeImpl};

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
    let document = serde_json::from_str(&document.replace("application/problem+json", "application/json"))?;
    let tokens = Generator::new(&settings).generate_tokens(&document)?;
    Ok(format!(
        "// Generated from openapi/odavl.json; do not edit.\n\n{}",
        prettyplease::unparse(&syn::parse2(tokens)?)
    ))
}

#[test]
fn the_committed_document_is_the_one_that_is_served() {
    golden("odavl.json", &odavl_http::document());
}

#[test]
fn the_committed_client_is_made_from_the_document_that_is_served() {
    golden("client/src/generated.rs", &client(&odavl_http::document()).unwrap());
}
