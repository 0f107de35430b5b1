//! Which methods a path takes: what a 405 has to say (RFC 9110, 15.5.6).

use poem::http::HeaderValue;
use serde_json::Value;

use crate::{api, dashboard, docs};

/// The paths of the service with their methods.
#[derive(Debug)]
pub(crate) struct Methods(Vec<(String, String)>);

impl Methods {
    /// Read from what is served: the OpenAPI document, and the pages.
    pub(crate) fn read() -> Self {
        let document: Value = serde_json::from_str(&api::document()).unwrap_or_default();
        let paths = document["paths"].as_object().into_iter().flatten();
        let operations = paths.map(|(path, item)| {
            let methods = item.as_object().into_iter().flatten().map(|(method, _)| method.to_uppercase());
            (path.clone(), methods.collect::<Vec<_>>().join(", "))
        });
        let pages = dashboard::PATHS.into_iter().chain(docs::PATHS);
        let pages = pages.map(|(path, methods)| (path.to_owned(), methods.to_owned()));
        Self(operations.chain(pages).collect())
    }

    /// The value of `Allow` for that path.
    pub(crate) fn of(&self, path: &str) -> Option<HeaderValue> {
        let (_, methods) = self.0.iter().find(|(template, _)| matches(template, path))?;
        HeaderValue::from_str(methods).ok()
    }
}

/// Whether the path is of the template: `{name}` stands for one segment.
fn matches(template: &str, path: &str) -> bool {
    let (mut wanted, mut found) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return true,
            (Some(wanted), Some(found)) if wanted == found || wanted.starts_with('{') => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_s_methods_are_those_of_the_document_and_the_pages() {
        let methods = Methods::read();
        let of = |path| methods.of(path).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(of("/api/v1/usage/consume").unwrap(), "POST");
        assert_eq!(of("/api/v1/api-keys/key_1").unwrap(), "DELETE, GET, PATCH");
        assert_eq!(of("/sign-in").unwrap(), "GET, POST");
        assert_eq!(of("/api/docs").unwrap(), "GET");
        assert_eq!(of("/api/v1/api-keys/key_1/else"), None);
    }
}
