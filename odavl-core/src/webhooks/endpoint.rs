//! Where an organisation is told, and the secret that it knows us by.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use ring::hmac;

use crate::{
    error::{Error, Result},
    ids::WebhookId,
    random,
    seal::{MasterKey, Place},
    secret::Secret,
};

/// The most endpoints of an organisation.
pub const ENDPOINTS_MOST: u32 = 10;
/// The longest URL.
const URL_MOST: usize = 2048;
/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";

/// Where an organisation is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: WebhookId,
    /// Where to send.
    pub url: String,
    /// What it is for, in the organisation's words.
    pub description: String,
    /// The secret, sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Endpoint {
    /// A new endpoint, and its secret: shown once, and sealed from then on.
    pub(crate) fn new(
        master: &MasterKey,
        (url, description): (String, String),
        now: Timestamp,
    ) -> Result<(Self, Secret<String>)> {
        let id = WebhookId::new(now)?;
        let secret = random::bytes::<32>()?;
        let sealed = master.seal(place(&id.to_string()), &secret)?;
        Ok((Self { id, url, description, sealed, created_at: now }, text(&secret)))
    }

    /// The secret as it was shown: for a retry of the request that added it.
    pub(crate) fn secret(&self, master: &MasterKey) -> Result<Secret<String>> {
        Ok(text(self.open(master)?.reveal()))
    }

    fn open(&self, master: &MasterKey) -> Result<Secret<Vec<u8>>> {
        master.open(place(&self.id.to_string()), &self.sealed)
    }

    /// The value of `webhook-signature` for a message that is sent at `seconds`.
    pub(crate) fn sign(
        &self,
        master: &MasterKey,
        message: &str,
        seconds: i64,
        payload: &str,
    ) -> Result<String> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.open(master)?.reveal());
        let tag = hmac::sign(&key, format!("{message}.{seconds}.{payload}").as_bytes());
        Ok(format!("v1,{}", STANDARD.encode(tag)))
    }
}

fn text(secret: &[u8]) -> Secret<String> {
    Secret::new(format!("{PREFIX}{}", STANDARD.encode(secret)))
}

fn place(row: &str) -> Place<'_> {
    Place { table: "webhook_endpoints", row, column: "secret" }
}

/// Refuses what is no address of a web server, and what would send a password with every message.
pub(super) fn check_url(url: &str, plain_http: bool) -> Result<()> {
    let wrong =
        |why: &str| Err(Error::invalid_with(format!("`url` {why}"), "give the https address of a service"));
    let rest = match url.split_once("://") {
        Some(("https", rest)) => rest,
        Some(("http", rest)) if plain_http => rest,
        _ => return wrong("does not begin with https://"),
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if url.len() > URL_MOST || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return wrong("is longer than 2,048 characters, or has others than visible ASCII");
    }
    if authority.is_empty() || authority.contains('@') || url.contains('#') {
        return wrong("has no host, or has a user or a fragment");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_specification() {
        let master = MasterKey::new(&[7; 32]);
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let id = WebhookId::new(Timestamp::UNIX_EPOCH).unwrap();
        let sealed = master.seal(place(&id.to_string()), &secret).unwrap();
        let (url, created_at) = (String::new(), Timestamp::UNIX_EPOCH);
        let endpoint = Endpoint { id, url, description: String::new(), sealed, created_at };
        // The example of the reference libraries.
        let signed =
            endpoint.sign(&master, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signed.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn urls_are_those_of_web_servers() {
        for url in ["https://example.com", "https://example.com:8443/hooks?x=1", "https://[2001:db8::1]/"] {
            check_url(url, false).unwrap();
        }
        check_url("http://127.0.0.1:1/", true).unwrap();
        let long = format!("https://example.com/{}", "x".repeat(URL_MOST));
        for url in [
            "",
            "http://example.com",
            "ftp://example.com",
            "https://",
            "https:///path",
            "https://me:pw@example.com",
            "https://example.com/#part",
            "https://exämple.com",
            "https://example.com/a b",
            &long,
        ] {
            assert!(check_url(url, false).is_err(), "{url}");
        }
    }
}
