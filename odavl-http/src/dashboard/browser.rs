//! A browser's request: who is signed in there, and what its forms are bound to.

use odavl_core::{
    Error, ErrorCode, Odavl, Result,
    secret::{Digest, Secret},
    session::{Context, Credential, Session},
};
use poem::{FromRequest, Request, RequestBody, Response};

use super::cookie::{self, Cookie, Secure};
use crate::caller::{context, installation};

/// A browser.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    pub(super) odavl: Odavl,
    context: Context,
    session: Option<Secret<String>>,
    /// What forms are bound to where nobody is signed in; `true` where it is new.
    form: (Secret<String>, bool),
}

impl<'a> FromRequest<'a> for Browser {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        let odavl = installation(request)?.clone();
        let secure = Secure::of(&odavl.settings().public_url);
        let form = match Cookie::Form.read(request, secure) {
            Some(secret) => (Secret::new(secret), false),
            None => (Secret::new(cookie::new_form_secret()), true),
        };
        let session = Cookie::Session.read(request, secure).map(Secret::new);
        // Which organisation is meant is said in the page's address, never by a header.
        let context = Context { organization: None, ..context(request) };
        Ok(Self { odavl, context, session, form })
    }
}

impl Browser {
    pub(super) fn secure(&self) -> Secure {
        Secure::of(&self.odavl.settings().public_url)
    }

    /// The session of whoever is signed in; `None` where nobody is.
    pub(super) async fn session(&self) -> Result<Option<Session>> {
        self.session_in(None).await
    }

    /// The same, acting on the organisation of that name.
    pub(super) async fn session_in(&self, organization: Option<&str>) -> Result<Option<Session>> {
        let Some(cookie) = self.session.clone() else { return Ok(None) };
        let context = Context { organization: organization.map(str::to_owned), ..self.context.clone() };
        match self.odavl.authenticate(Credential::Cookie(cookie), context).await {
            Ok(session) => Ok(Some(session)),
            Err(error) if error.code() == ErrorCode::Unauthenticated => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The session of nobody in particular.
    pub(super) fn visitor(&self) -> Session {
        self.odavl.visitor(self.context.clone())
    }

    /// What the browser's forms carry: a digest of its session's secret, or of the form secret where there is no
    /// session. Both cookies are `HttpOnly`, so another site can neither read nor guess it.
    pub(super) fn form_token(&self) -> String {
        let (purpose, secret) = match &self.session {
            Some(session) => ("session", session),
            None => ("visitor", &self.form.0),
        };
        Digest::of(format!("odavl form 1\0{purpose}\0{}", secret.reveal()).as_bytes()).to_hex()
    }

    /// Gives the browser the form secret, where it has none yet and needs one.
    pub(super) fn bind(&self, response: &mut Response) {
        if self.session.is_none() && self.form.1 {
            cookie::bind(response, self.secure(), self.form.0.reveal());
        }
    }

    /// Refuses a form that did not come from this browser's own page of this service.
    pub(super) fn check_form(&self, request: &Request, token: &str) -> Result<()> {
        let expected = Digest::of(self.form_token().as_bytes());
        if is_own(request, &self.odavl.settings().public_url) && Digest::of(token.as_bytes()) == expected {
            return Ok(());
        }
        Err(Error::forbidden(
            odavl_core::Reason::Malformed,
            "the form did not come from this page, or the page is too old: go back, load it again, and send it anew",
        ))
    }
}

/// Whether the request was made by a page of ours: browsers say so by `Sec-Fetch-Site`, older ones by `Origin`.
fn is_own(request: &Request, public_url: &str) -> bool {
    let origin = request.header("origin").filter(|origin| *origin != "null");
    let ours = origin.map(|origin| origin.eq_ignore_ascii_case(origin_of(public_url)));
    match request.header("sec-fetch-site") {
        Some(site) => site == "same-origin" && ours != Some(false),
        None => ours == Some(true),
    }
}

/// Scheme, host and port of a URL.
fn origin_of(url: &str) -> &str {
    let start = url.find("://").map_or(0, |place| place + 3);
    let end = url[start..].find('/').map_or(url.len(), |place| start + place);
    &url[..end]
}

/// Whether browsers treat the address as secure (W3C Secure Contexts, 3.1): https, or this machine.
pub(crate) fn is_trustworthy(public_url: &str) -> bool {
    let host = origin_of(public_url).rsplit("://").next().unwrap_or_default();
    let local = ["127.0.0.1", "[::1]", "localhost"];
    public_url.starts_with("https://")
        || local
            .iter()
            .any(|name| host == *name || host.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://odavl.example/base";

    fn own(headers: &[(&str, &str)]) -> bool {
        let request =
            headers.iter().fold(Request::builder(), |request, (name, value)| request.header(*name, *value));
        is_own(&request.finish(), URL)
    }

    #[test]
    fn a_form_comes_from_our_own_page_or_is_refused() {
        assert!(own(&[("origin", "https://odavl.example")]));
        assert!(own(&[("origin", "null"), ("sec-fetch-site", "same-origin")]));
        assert!(own(&[("sec-fetch-site", "same-origin")]));
        let refused: [&[(&str, &str)]; 7] = [
            &[],
            &[("origin", "null")],
            &[("origin", "https://evil.example")],
            &[("origin", "http://odavl.example")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://odavl.example")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")],
        ];
        for headers in refused {
            assert!(!own(headers), "{headers:?}");
        }
    }

    #[test]
    fn https_and_this_machine_are_trustworthy() {
        for url in ["https://odavl.example", "http://127.0.0.1:8787", "http://[::1]:1", "http://localhost"] {
            assert!(is_trustworthy(url), "{url}");
        }
        for url in
            ["http://192.168.1.5:8787", "http://localhost.evil.example", "http://127.0.0.1.evil.example"]
        {
            assert!(!is_trustworthy(url), "{url}");
        }
    }
}
