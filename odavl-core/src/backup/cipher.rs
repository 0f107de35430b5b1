//! For whom backups are encrypted: age (age-encryption.org/v1), with any number of recipients.
//!
//! The host that makes backups needs the recipients alone, which are public. They come from the configuration, never from
//! the store: whoever could write there would otherwise have the next backup encrypted for themselves.

use std::{
    fmt,
    io::{self, Read, Write},
    str::FromStr,
};

use age::{DecryptError, Decryptor, Encryptor, secrecy::ExposeSecret, stream::StreamWriter, x25519};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    error::{Error, Result},
    secret::Secret,
};

/// What becomes of what is stored.
#[derive(Debug, Clone)]
pub enum Encryption {
    /// It is encrypted for these.
    For(Recipients),
    /// It is not: whoever can read the store reads the database.
    Nobody,
}

/// Whose identities can read a backup: at least one.
#[derive(Clone)]
pub struct Recipients(Vec<x25519::Recipient>);

impl Recipients {
    /// As text, each.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }

    /// Encrypts what is written to the answer, which has to be finished.
    pub(super) fn encrypt<W: Write>(&self, to: W) -> Result<StreamWriter<W>> {
        let failed = || Error::internal("a backup could not be encrypted", None);
        let recipients = self.0.iter().map(|recipient| recipient as &dyn age::Recipient);
        let encryptor = Encryptor::with_recipients(recipients).map_err(|_| failed())?;
        encryptor.wrap_output(to).map_err(|_| failed())
    }
}

/// A recipient a word; `#` begins a comment to the end of its line, as in files of age's.
impl FromStr for Recipients {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let recipients = words(text).map(|word| {
            word.parse::<x25519::Recipient>().map_err(|_| {
                Error::invalid_with(
                    format!("`{}` is no recipient of age's", word.escape_default()),
                    "recipients begin with `age1`; `age-keygen` or `odavl backup key` makes them",
                )
            })
        });
        match recipients.collect::<Result<Vec<_>>>()? {
            none if none.is_empty() => Err(Error::invalid_with(
                "there is no recipient for backups",
                "name at least one, as `age1...`, or say that backups are not to be encrypted",
            )),
            recipients => Ok(Self(recipients)),
        }
    }
}

impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recipients").field(&self.names()).finish()
    }
}

/// What backups are read with; none where they are only made.
#[derive(Clone, Default)]
pub struct Identities(Vec<x25519::Identity>);

impl Identities {
    /// A new identity as text, and its recipient.
    pub fn generate() -> (Secret<String>, String) {
        let identity = x25519::Identity::generate();
        (Secret::new(identity.to_string().expose_secret().to_owned()), identity.to_public().to_string())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What `from` was before it was encrypted.
    pub(super) fn decrypt<R: Read>(&self, from: R) -> Result<impl Read + use<R>> {
        if self.is_empty() {
            return Err(Error::invalid_with(
                "the backup is encrypted, and there is no identity to read it with",
                "name the file with the identity of one of its recipients",
            ));
        }
        let identities = self.0.iter().map(|identity| identity as &dyn age::Identity);
        Decryptor::new(from).and_then(|decryptor| decryptor.decrypt(identities)).map_err(refused)
    }
}

/// An identity a word, as `age-keygen` writes them.
impl FromStr for Identities {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let identities = words(text).map(|word| {
            word.parse::<x25519::Identity>().map_err(|_| {
                Error::invalid_with(
                    "that is no identity of age's",
                    "identities begin with `AGE-SECRET-KEY-1`; `age-keygen` or `odavl backup key` makes them",
                )
            })
        });
        identities.collect::<Result<_>>().map(Self)
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identities({})", self.0.len())
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.split('#').next()).flat_map(str::split_whitespace)
}

fn refused(error: DecryptError) -> Error {
    match error {
        DecryptError::NoMatchingKeys => Error::invalid_with(
            "the backup is encrypted for others: none of the identities reads it",
            "name the file with the identity of one of its recipients; `odavl backup show` lists them",
        ),
        DecryptError::Io(error) => stopped(error),
        error => Error::corrupted("what was encrypted was changed", Some(error.into())),
    }
}

/// What an error of a stream means. One of ours, which went through a reader or a writer, comes out as it went in.
pub(super) fn stopped(error: io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(ours) => ours,
        Err(error) => Error::corrupted("the bytes of a backup make no sense", Some(error.into())),
    }
}

/// What outsiders are not to read, in a document that they may: base64 of age, or the text itself where nothing is
/// encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sealed {
    /// For the recipients.
    Age(String),
    /// For everybody.
    Open(String),
}

impl Sealed {
    pub(super) fn new(encryption: &Encryption, contents: &impl Serialize) -> Result<Self> {
        let failed = |source: crate::Cause| Error::internal("what is sealed cannot be written", Some(source));
        let text = serde_json::to_string(contents).map_err(|error| failed(error.into()))?;
        let Encryption::For(recipients) = encryption else { return Ok(Self::Open(text)) };
        let mut bytes = Vec::new();
        let mut writer = recipients.encrypt(&mut bytes)?;
        writer.write_all(text.as_bytes()).map_err(|error| failed(error.into()))?;
        writer.finish().map_err(|error| failed(error.into()))?;
        Ok(Self::Age(BASE64_STANDARD.encode(bytes)))
    }

    pub(super) fn open<T: DeserializeOwned>(&self, identities: &Identities) -> Result<T> {
        let unreadable = |source: crate::Cause| {
            Error::corrupted("what is sealed in a backup's document cannot be read", Some(source))
        };
        let text = match self {
            Self::Open(text) => text.clone(),
            Self::Age(base64) => {
                let bytes = BASE64_STANDARD.decode(base64).map_err(|error| unreadable(error.into()))?;
                let mut text = String::new();
                identities.decrypt(bytes.as_slice())?.read_to_string(&mut text).map_err(stopped)?;
                text
            }
        };
        serde_json::from_str(&text).map_err(|error| unreadable(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_of_the_recipients_reads_what_is_sealed_and_nobody_else() {
        let people: Vec<_> = (0..3).map(|_| Identities::generate()).collect();
        let text = format!("# the team\n{} {} # ops\n", people[0].1, people[1].1);
        let encryption = Encryption::For(text.parse().unwrap());
        let sealed = Sealed::new(&encryption, &"public.canary").unwrap();
        assert!(!serde_json::to_string(&sealed).unwrap().contains("canary"));
        let read =
            |secret: &Secret<String>| sealed.open::<String>(&secret.reveal().parse::<Identities>().unwrap());
        assert_eq!(read(&people[0].0).unwrap(), "public.canary");
        assert_eq!(read(&people[1].0).unwrap(), "public.canary");
        assert!(read(&people[2].0).unwrap_err().to_string().contains("encrypted for others"));
        assert!(sealed.open::<String>(&Identities::default()).unwrap_err().hint().is_some());
    }

    #[test]
    fn a_secret_is_neither_printed_nor_repeated_and_no_recipient_is_refused() {
        let (secret, recipient) = Identities::generate();
        let identities: Identities = secret.reveal().parse().unwrap();
        assert_eq!(format!("{identities:?}"), "Identities(1)");
        assert!(format!("{:?}", recipient.parse::<Recipients>().unwrap()).contains(&recipient));
        let wrong = format!("{}x", secret.reveal()).parse::<Identities>().unwrap_err();
        assert!(!format!("{wrong} {wrong:?}").contains("AGE-SECRET-KEY-1Q"));
        assert!("# none\n".parse::<Recipients>().is_err() && "age1x".parse::<Recipients>().is_err());
    }
}
