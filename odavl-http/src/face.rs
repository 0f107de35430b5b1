//! What kind of answer a path gives: its errors and its security headers follow from it.

use odavl_core::Odavl;
use poem::{
    Response,
    http::{HeaderName, HeaderValue, header::CONTENT_TYPE},
};

use crate::{dashboard, docs, oauth, problem};

/// The kinds of paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    /// The REST API and `/.well-known`: JSON, and problem documents.
    Api,
    /// Tokens: JSON, and errors as OAuth writes them.
    OAuth,
    /// Swagger UI.
    Docs,
    /// Pages for people.
    Page,
}

/// JSON is never a page: nothing that it could name is loaded, and nobody frames it.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

impl Face {
    pub(crate) fn of(path: &str) -> Self {
        if path == "/api/docs" {
            Self::Docs
        } else if path.starts_with("/api/auth/") {
            Self::OAuth
        } else if path == "/api" || path.starts_with("/api/") || path.starts_with("/.well-known/") {
            Self::Api
        } else {
            Self::Page
        }
    }

    /// Whether programs on other origins may call it; a browser's cookie counts for nothing there.
    pub(crate) fn is_for_programs(self) -> bool {
        matches!(self, Self::Api | Self::OAuth)
    }

    /// The answer to a request that failed.
    pub(crate) fn render(self, error: &poem::Error, request_id: &str, odavl: &Odavl) -> Response {
        match self {
            Self::OAuth => oauth::render(error),
            Self::Page => dashboard::render(error, request_id),
            Self::Api | Self::Docs => {
                problem::render(error, request_id, odavl.settings().upgrade_url.as_deref())
            }
        }
    }

    /// The headers that every answer of the kind has, unless the handler said otherwise.
    pub(crate) fn dress(self, response: &mut Response, public_url: &str) {
        let policy = match self {
            Self::Api | Self::OAuth => DATA_POLICY,
            Self::Docs => docs::policy(),
            Self::Page => dashboard::POLICY,
        };
        let mut headers = vec![
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cache-control", "no-store"),
            ("referrer-policy", self.referrer_policy(public_url)),
            ("content-security-policy", policy),
        ];
        if public_url.starts_with("https://") {
            headers.push(("strict-transport-security", "max-age=31536000"));
        }
        // JSON is UTF-8 and takes no charset (RFC 8259, 11); the document says `application/json` too.
        if response.content_type() == Some("application/json; charset=utf-8") {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, value) in headers {
            let value = HeaderValue::from_static(value);
            response.headers_mut().entry(HeaderName::from_static(name)).or_insert(value);
        }
    }

    /// Nothing is referred anywhere. But a page without a referrer posts its forms with `Origin: null`, and over plain
    /// http beyond this machine browsers send no `Sec-Fetch-Site` to make up for it: there, forms need the origin.
    fn referrer_policy(self, public_url: &str) -> &'static str {
        if self == Self::Page && !dashboard::is_trustworthy(public_url) {
            "strict-origin"
        } else {
            "no-referrer"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_face() {
        let faces = [
            ("/api/v1/me", Face::Api),
            ("/api/health", Face::Api),
            ("/.well-known/jwks.json", Face::Api),
            ("/api/auth/token", Face::OAuth),
            ("/api/docs", Face::Docs),
            ("/api/docs/else", Face::Api),
            ("/", Face::Page),
            ("/device", Face::Page),
            ("/apis", Face::Page),
        ];
        for (path, face) in faces {
            assert_eq!(Face::of(path), face, "{path}");
        }
    }
}
