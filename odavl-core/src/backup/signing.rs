//! Who made a document: Ed25519 (RFC 8032) signatures over manifests and verdicts.
//!
//! What is signed is the document's kind, a line feed, and its text as it stands in `payload`; so a signature can be checked
//! with `openssl pkeyutl -verify -rawin` too, and what was signed as one kind passes for no other.

use std::{fmt, str::FromStr, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    error::{Error, Result},
    random,
    seal::MasterKey,
    secret::{Digest, Secret, hex},
    storage::Sha256,
};

/// What the master key derives the signing key for.
const PURPOSE: &str = "backup signing 1";
/// What a public key begins with as text.
const KIND: &str = "ed25519:";

/// What backups are signed with. It stays on the machines that make them, and is in no backup.
#[derive(Clone)]
pub struct SigningKey(Arc<Ed25519KeyPair>);

impl SigningKey {
    /// The key that these 32 bytes make.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed);
        pair.map(|pair| Self(pair.into()))
            .map_err(|_| Error::internal("a key for signing backups could not be made", None))
    }

    /// A new key, and its text.
    pub fn generate() -> Result<(Self, Secret<String>)> {
        let seed = random::bytes::<32>()?;
        Ok((Self::from_seed(&seed)?, Secret::new(hex(&seed))))
    }

    /// The key of an installation, under the newest version of its master key, and whom it trusts: that key and those
    /// under the versions before.
    pub fn of_installation(master: &MasterKey) -> Result<(Self, Trusted)> {
        let key = Self::from_seed(&master.derive(PURPOSE))?;
        let mut trusted = Trusted::from(vec![key.public()]);
        for seed in master.derive_older(PURPOSE) {
            trusted.0.push(Self::from_seed(&seed)?.public());
        }
        Ok((key, trusted))
    }

    /// By what others know what it signed.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(bytes)
    }
}

impl FromStr for SigningKey {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let seed = Digest::from_hex(text.trim()).ok_or_else(|| {
            Error::invalid_with(
                "that is no key for signing backups",
                "it is 64 hexadecimal digits, such as `odavl backup key` makes",
            )
        })?;
        Self::from_seed(seed.as_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public())
    }
}

/// The public half of a [`SigningKey`], written `ed25519:` and 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; 32]);

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{KIND}{}", hex(&self.0))
    }
}

impl FromStr for PublicKey {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let key = text.strip_prefix(KIND).and_then(Digest::from_hex);
        key.map(|key| Self(*key.as_bytes())).ok_or_else(|| {
            Error::invalid_with(
                format!("`{}` is no public key of backups", text.escape_default()),
                "write it as `odavl backup key` prints it: `ed25519:` and 64 hexadecimal digits",
            )
        })
    }
}

impl TryFrom<String> for PublicKey {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

/// Whose signatures count. They come from the configuration, never from the store.
#[derive(Debug, Clone, Default)]
pub struct Trusted(Vec<PublicKey>);

impl From<Vec<PublicKey>> for Trusted {
    fn from(keys: Vec<PublicKey>) -> Self {
        Self(keys)
    }
}

impl Trusted {
    /// The same, and one more.
    #[must_use]
    pub fn and(mut self, key: PublicKey) -> Self {
        if !self.0.contains(&key) {
            self.0.push(key);
        }
        self
    }
}

/// What a document is: none passes for one of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A manifest.
    Manifest,
    /// A verdict.
    Verdict,
    /// What is remembered of a source.
    Watch,
    /// That a try was given up.
    GivenUp,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Manifest => "odavl backup manifest 1",
            Self::Verdict => "odavl backup verdict 1",
            Self::Watch => "odavl backup watch 1",
            Self::GivenUp => "odavl backup given up 1",
        }
    }
}

/// A signed document as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct Envelope {
    kind: String,
    payload: String,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    signature: Option<String>,
}

/// What was signed, and the digest of its text, by which others name it.
#[derive(Debug, Clone)]
pub(super) struct Signed<T> {
    pub(super) document: T,
    pub(super) digest: Sha256,
}

/// Signs `document`: the bytes to store, and the digest of its text.
pub(super) fn sign(kind: Kind, key: &SigningKey, document: &impl Serialize) -> Result<(Vec<u8>, Sha256)> {
    let failed = |error: serde_json::Error| {
        Error::internal(format!("an {} cannot be written", kind.as_str()), Some(error.into()))
    };
    let payload = serde_json::to_string(document).map_err(failed)?;
    let signature = key.0.sign(&message(kind, &payload));
    let digest = Sha256::of(payload.as_bytes());
    let envelope = Envelope {
        kind: kind.as_str().to_owned(),
        payload,
        key: Some(key.public().to_string()),
        signature: Some(BASE64_STANDARD.encode(signature)),
    };
    Ok((serde_json::to_vec_pretty(&envelope).map_err(failed)?, digest))
}

/// Whether `bytes` say that they are of that kind; nothing is proved by it.
pub(super) fn says(kind: Kind, bytes: &[u8]) -> bool {
    serde_json::from_slice::<Envelope>(bytes).is_ok_and(|envelope| envelope.kind == kind.as_str())
}

/// The document in `bytes`, once it is proved that somebody made it who is trusted. `what` names it in errors.
pub(super) fn open<T: DeserializeOwned>(
    kind: Kind,
    trusted: &Trusted,
    bytes: &[u8],
    what: &str,
) -> Result<Signed<T>> {
    let refused = |why: String| Error::corrupted(format!("{what} {why}"), None);
    let envelope: Envelope =
        serde_json::from_slice(bytes).map_err(|_| refused("is no signed document".to_owned()))?;
    if envelope.kind != kind.as_str() {
        return Err(refused(format!("is an `{}`", envelope.kind.escape_default())));
    }
    let (Some(key), Some(signature)) = (&envelope.key, &envelope.signature) else {
        return Err(refused("is not signed".to_owned()));
    };
    let key: PublicKey = key.parse().map_err(|_| refused("is signed with no key of odavl's".to_owned()))?;
    if !trusted.0.contains(&key) {
        return Err(refused(format!(
            "is signed with {key}, which is not trusted here: where it is yours, add it to the trusted keys"
        )));
    }
    let signature = BASE64_STANDARD.decode(signature).unwrap_or_default();
    UnparsedPublicKey::new(&ED25519, key.0)
        .verify(&message(kind, &envelope.payload), &signature)
        .map_err(|_| refused("was changed after it was signed".to_owned()))?;
    let document = serde_json::from_str(&envelope.payload)
        .map_err(|error| Error::corrupted(format!("{what} cannot be read"), Some(error.into())))?;
    Ok(Signed { document, digest: Sha256::of(envelope.payload.as_bytes()) })
}

fn message(kind: Kind, payload: &str) -> Vec<u8> {
    [kind.as_str().as_bytes(), b"\n", payload.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(kind: Kind, trusted: &Trusted, bytes: &[u8]) -> String {
        open::<String>(kind, trusted, bytes, "it").unwrap_err().to_string()
    }

    #[test]
    fn what_was_signed_is_read_and_what_was_not_is_refused_by_name() {
        let (key, text) = SigningKey::generate().unwrap();
        let trusted = Trusted::from(vec![text.reveal().parse::<SigningKey>().unwrap().public()]);
        let (bytes, digest) = sign(Kind::Manifest, &key, &"all of it").unwrap();
        let read: Signed<String> = open(Kind::Manifest, &trusted, &bytes, "it").unwrap();
        assert_eq!((read.document.as_str(), read.digest), ("all of it", digest));

        let text = String::from_utf8(bytes.clone()).unwrap();
        let tampered = text.replace("all of it", "all of us");
        assert_eq!(
            refusal(Kind::Manifest, &trusted, tampered.as_bytes()),
            "it was changed after it was signed"
        );
        assert_eq!(refusal(Kind::Verdict, &trusted, &bytes), "it is an `odavl backup manifest 1`");
        let renamed = text.replace("backup manifest 1", "backup verdict 1");
        assert_eq!(
            refusal(Kind::Verdict, &trusted, renamed.as_bytes()),
            "it was changed after it was signed"
        );
        let unsigned = r#"{"kind": "odavl backup manifest 1", "payload": "\"all of it\""}"#;
        assert_eq!(refusal(Kind::Manifest, &trusted, unsigned.as_bytes()), "it is not signed");
        assert_eq!(refusal(Kind::Manifest, &trusted, b"all of it"), "it is no signed document");
        let other = Trusted::from(vec![SigningKey::generate().unwrap().0.public()]);
        assert!(refusal(Kind::Manifest, &other, &bytes).contains("which is not trusted here"));
        assert!(refusal(Kind::Manifest, &Trusted::default(), &bytes).contains("which is not trusted here"));
    }

    #[test]
    fn what_was_signed_before_the_master_key_was_rotated_is_trusted() {
        let master = |text: &str| text.parse::<MasterKey>().unwrap();
        let (old, new) = ("11".repeat(32), "22".repeat(32));
        let (key, _) = SigningKey::of_installation(&master(&old)).unwrap();
        let (rotated, trusted) = SigningKey::of_installation(&master(&format!("{old} {new}"))).unwrap();
        assert_ne!(key.public(), rotated.public());
        for key in [key, rotated] {
            let (bytes, _) = sign(Kind::Verdict, &key, &1).unwrap();
            assert!(open::<u8>(Kind::Verdict, &trusted, &bytes, "it").is_ok());
        }
    }

    #[test]
    fn a_public_key_survives_its_text_and_a_secret_one_is_not_printed() {
        let (key, text) = SigningKey::generate().unwrap();
        assert_eq!(key.public().to_string().parse::<PublicKey>().unwrap(), key.public());
        assert!(!format!("{key:?}").contains(text.reveal()));
        assert!("ed25519:zz".parse::<PublicKey>().is_err() && "zz".parse::<SigningKey>().is_err());
    }
}
