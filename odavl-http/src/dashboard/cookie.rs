//! The two cookies of a browser: its session, and a secret that its forms are bound to before there is a session.

use odavl_core::{auth::BrowserLogin, random_id};
use poem::{
    Request, Response,
    http::{HeaderValue, header},
};

/// A cookie's name: with https it carries `__Host-`, so that no other host can have set it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cookie {
    /// Who is signed in.
    Session,
    /// What the forms of someone who is not signed in are bound to.
    Form,
}

impl Cookie {
    fn name(self, secure: Secure) -> &'static str {
        match (self, secure) {
            (Self::Session, Secure::Https) => "__Host-odavl",
            (Self::Form, Secure::Https) => "__Host-odavl-form",
            // Browsers take neither the prefix nor `Secure` over plain http.
            (Self::Session, Secure::Http) => "odavl",
            (Self::Form, Secure::Http) => "odavl-form",
        }
    }

    /// The cookie's value, where the browser sent exactly one.
    pub(super) fn read(self, request: &Request, secure: Secure) -> Option<String> {
        let lists =
            request.headers().get_all(header::COOKIE).into_iter().filter_map(|list| list.to_str().ok());
        let pairs = lists.flat_map(|list| list.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(name, _)| *name == self.name(secure)).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (Some(value), None) if !value.is_empty() => Some(value.to_owned()),
            _ => None,
        }
    }

    fn set(self, response: &mut Response, secure: Secure, value: &str, lifetime: Option<i64>) {
        let name = self.name(secure);
        let age = lifetime.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let https = if matches!(secure, Secure::Https) { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{age}{https}");
        if let Ok(text) = HeaderValue::from_str(&text) {
            response.headers_mut().append(header::SET_COOKIE, text);
        }
    }
}

/// Whether people reach the service by https.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secure {
    /// They do.
    Https,
    /// They do not: on the same machine, or because someone said so.
    Http,
}

impl Secure {
    pub(super) fn of(public_url: &str) -> Self {
        if public_url.starts_with("https://") { Self::Https } else { Self::Http }
    }
}

/// Signs the browser in.
pub(super) fn sign_in(response: &mut Response, secure: Secure, login: &BrowserLogin, now: jiff::Timestamp) {
    let lifetime = login.expires_at.as_second() - now.as_second();
    Cookie::Session.set(response, secure, login.cookie.reveal(), Some(lifetime.max(0)));
    Cookie::Form.set(response, secure, "", Some(0));
}

/// Takes the browser's session away.
pub(super) fn sign_out(response: &mut Response, secure: Secure) {
    Cookie::Session.set(response, secure, "", Some(0));
}

/// A new secret to bind forms to, until the browser is closed.
pub(super) fn new_form_secret() -> String {
    random_id()
}

/// Gives the browser that secret.
pub(super) fn bind(response: &mut Response, secure: Secure, secret: &str) {
    Cookie::Form.set(response, secure, secret, None);
}
