//! A server's origin: what credentials are bound to.

use std::{fmt, net::IpAddr, str::FromStr};

use odavl_core::Error;
use reqwest::Url;
use serde::{Deserialize, Serialize};

/// Scheme, host and port, in one spelling: `https://odavl.example`, `http://127.0.0.1:8787`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(String);

impl Origin {
    /// Where `odavl serve` listens unless told otherwise.
    pub fn local() -> Self {
        Self("http://127.0.0.1:8787".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// Whether it is this machine: nothing leaves it, and no proxy is asked.
    pub fn is_loopback(&self) -> bool {
        let Ok(url) = self.0.parse::<Url>() else { return false };
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        host == "localhost"
            || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
    }
}

impl FromStr for Origin {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // What was written is not repeated: it may hold a password, wherever that stands in what is no URL.
        let wrong = |why: &str| {
            Error::invalid_with(format!("that is not a server: {why}"), "write it like https://odavl.example")
        };
        let url: Url = text.parse().map_err(|_| wrong("it is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(wrong("it begins with neither https:// nor http://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::invalid_with(
                "a server's URL holds no credential",
                "sign in with `odavl login`, or give the key by itself",
            ));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("something follows its name and port"));
        }
        Ok(Self(url.origin().ascii_serialization()))
    }
}

impl TryFrom<String> for Origin {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_has_one_spelling() {
        for (text, origin) in [
            ("HTTPS://Odavl.Example:443/", "https://odavl.example"),
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
            ("http://127.1:80", "http://127.0.0.1"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().as_str(), origin);
        }
    }

    #[test]
    fn what_is_more_or_less_than_an_origin_is_refused_without_its_secret() {
        for text in ["odavl.example", "ftp://a", "https://", "https://a/b", "https://a?b", "file:///etc"] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
        for text in [
            "https://me:canary@a",
            "ftp://me:canary@a",
            "me:canary@a",
            "https://me:canary@a:99999",
            "https://a/?k=canary",
        ] {
            let refused = text.parse::<Origin>().unwrap_err();
            assert!(!format!("{refused} {refused:?}").contains("canary"), "{text}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        let loopback = |text: &str| text.parse::<Origin>().unwrap().is_loopback();
        assert!(loopback("http://localhost:1") && loopback("http://127.3.2.1") && loopback("http://[::1]:2"));
        assert!(!loopback("http://localhost.evil.example") && !loopback("http://10.0.0.1"));
    }
}
