//! Where in an S3 store objects are kept, and who odavl is there.

use std::{collections::BTreeMap, str::FromStr};

use super::{key::StoreKey, profile::Profile};
use crate::{
    error::{Error, Result},
    secret::Secret,
};

/// A bucket, as `s3://NAME[/PREFIX][?SETTING=VALUE&..]` says it; the settings are `endpoint`, `region`, `profile` and
/// `encryption`.
#[derive(Debug, Clone, Default)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// What odavl's keys begin with in it; the rest of the bucket is somebody else's.
    pub prefix: Option<StoreKey>,
    /// The store, such as `https://s3.example`; AWS's own where none is said.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: Option<String>,
    /// The name of its profile, where the endpoint does not tell.
    pub profile: Option<String>,
    /// How the store encrypts the bytes; its own default where nothing is said.
    pub encryption: Option<Encryption>,
    /// Profiles beside those that odavl knows.
    pub profiles: BTreeMap<String, Profile>,
    /// Who odavl is there.
    pub access: Option<AccessKey>,
}

/// How a store encrypts what it keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encryption {
    /// `AES256`: with keys of its own.
    Own,
    /// `aws:kms`, or `aws:kms:KEY`: with a key of its key service.
    Kms(Option<String>),
}

/// A credential of an S3 store.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// Its id; no secret, but nobody's business either.
    pub id: Secret<String>,
    /// Its secret.
    pub secret: Secret<String>,
    /// What goes with a credential that ends.
    pub token: Option<Secret<String>>,
}

impl FromStr for Bucket {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let rest = text.strip_prefix("s3://").ok_or_else(|| wrong("it does not begin with `s3://`"))?;
        let (place, settings) = rest.split_once('?').unwrap_or((rest, ""));
        let (name, prefix) = place.split_once('/').unwrap_or((place, ""));
        // What was typed may hold a secret: it is not repeated.
        if place.contains('@') {
            return Err(Error::invalid_with(
                "the URL of a bucket holds no credential",
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            ));
        }
        if !name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte))
        {
            return Err(wrong("a bucket's name has lower-case letters, digits, `.` and `-`"));
        }
        let prefix = Some(prefix.trim_end_matches('/')).filter(|prefix| !prefix.is_empty());
        let prefix = prefix.map(str::parse).transpose();
        let prefix =
            prefix.map_err(|_| wrong("the prefix has lower-case letters, digits, `.`, `_` and `-`"))?;
        let mut bucket = Self { name: name.to_owned(), prefix, ..Self::default() };
        for setting in settings.split('&').filter(|setting| !setting.is_empty()) {
            bucket.set(setting)?;
        }
        Ok(bucket)
    }
}

impl Bucket {
    fn set(&mut self, setting: &str) -> Result<()> {
        let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
        let value = || Some(value.to_owned()).filter(|value| !value.is_empty());
        match name {
            "endpoint" => self.endpoint = value().map(|endpoint| check_endpoint(&endpoint)).transpose()?,
            "region" => self.region = value(),
            "profile" => self.profile = value(),
            "encryption" => self.encryption = value().map(|encryption| encryption.parse()).transpose()?,
            _ => return Err(wrong("it has settings other than endpoint, region, profile and encryption")),
        }
        Ok(())
    }

    /// The host of its store, without a port; none where that is AWS.
    pub fn host(&self) -> Option<&str> {
        let (_, authority) = self.endpoint.as_deref()?.split_once("://")?;
        Some(authority.split([':', '/']).next().unwrap_or(authority))
    }
}

/// The store at an address, which is scheme, host and perhaps port.
pub fn check_endpoint(endpoint: &str) -> Result<String> {
    let endpoint = endpoint.trim_end_matches('/');
    let authority = endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://"));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    match authority {
        Some(authority) if !authority.is_empty() && authority.bytes().all(plain) => Ok(endpoint.to_owned()),
        _ => Err(wrong("its endpoint is no `https://HOST`")),
    }
}

impl FromStr for Encryption {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        match text.strip_prefix("aws:kms") {
            None if text == "AES256" => Ok(Self::Own),
            Some("") => Ok(Self::Kms(None)),
            Some(key) if key.len() > 1 && key.starts_with(':') => Ok(Self::Kms(Some(key[1..].to_owned()))),
            _ => Err(wrong("its encryption is neither `AES256`, `aws:kms` nor `aws:kms:KEY`")),
        }
    }
}

fn wrong(why: &str) -> Error {
    Error::invalid_with(
        format!("that is not the URL of a bucket: {why}"),
        "write it like `s3://bucket/prefix?endpoint=https://s3.example&region=eu-1`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Bucket {
        text.parse().unwrap()
    }

    #[test]
    fn a_bucket_s_url_says_where_and_how() {
        let bucket =
            parsed("s3://acme.data/odavl/live?endpoint=https://S3.example:9000/&region=eu-1&profile=mine");
        assert_eq!((bucket.name.as_str(), bucket.host()), ("acme.data", Some("S3.example")));
        assert_eq!(bucket.prefix.unwrap().as_str(), "odavl/live");
        assert_eq!(bucket.endpoint.as_deref(), Some("https://S3.example:9000"));
        assert_eq!((bucket.region.as_deref(), bucket.profile.as_deref()), (Some("eu-1"), Some("mine")));
        let bare = parsed("s3://acme/");
        assert!(bare.prefix.is_none() && bare.endpoint.is_none() && bare.encryption.is_none());
        assert_eq!(parsed("s3://a?encryption=AES256").encryption, Some(Encryption::Own));
        let key = "arn:aws:kms:eu-central-1:111122223333:key/1";
        let kms = parsed(&format!("s3://a?encryption=aws:kms:{key}")).encryption;
        assert_eq!(kms, Some(Encryption::Kms(Some(key.to_owned()))));
    }

    #[test]
    fn what_is_no_bucket_s_url_is_refused_and_not_repeated() {
        for text in [
            "https://canary.example/bucket",
            "s3://canary:secret@bucket",
            "s3://Canary",
            "s3://a/../canary",
            "s3://a?endpoint=canary.example",
            "s3://a?endpoint=https://user:canary@s3.example",
            "s3://a?secret_access_key=canary",
            "s3://a?encryption=canary",
        ] {
            let refused = text.parse::<Bucket>().unwrap_err();
            let told = format!("{refused} {:?} {refused:?}", refused.hint());
            assert!(refused.hint().is_some() && !told.to_lowercase().contains("canary"), "{told}");
        }
    }
}
