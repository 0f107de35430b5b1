//! Where backups lie in a store: `backups/<environment>/<source>/<backup>/<file>`.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    ids::BackupId,
    storage::{KeyPrefix, StoreKey},
};

/// Under this lie all backups. It is no organisation's: no list, recount, walk or quota knows it. So backups are charged
/// to nobody; they are the operator's, who pays for the store.
const PLACE: &str = "backups";
/// Under this, among a source's backups, lie the locks.
const LOCK: &str = "lock";
/// What makes a backup one.
const MANIFEST: &str = "manifest.json";
/// Says that it stays.
const PIN: &str = "pin.json";
/// What is remembered of a source.
const WATCH: &str = "watch.json";
/// What was found out about it.
const VERDICTS: &str = "verdicts";
/// Under this lies the lock of whoever verifies it.
const VERIFYING: &str = "verifying";
/// Where the locks are of whoever changes what is remembered of a source.
const REMEMBERING: &str = "remembering";

/// The name of an environment or a source: 1 to 48 lower-case letters, digits, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(Arc<str>);

impl Label {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Label {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        if (1..=48).contains(&text.len()) && text.bytes().all(plain) {
            return Ok(Self(text.into()));
        }
        Err(Error::invalid_with(
            format!("`{}` names neither an environment nor a source", text.escape_default()),
            "use up to 48 lower-case letters, digits, `-` and `_`",
        ))
    }
}

impl TryFrom<String> for Label {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0.as_ref().to_owned()
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A database in an environment: its backups lie together, are kept by one policy, and are made one at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The environment, as `production`.
    pub environment: Label,
    /// The source, as `main`.
    pub source: Label,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.source, self.environment)
    }
}

/// What a key among a source's backups is the key of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum File {
    /// The manifest.
    Manifest,
    /// The pin.
    Pin,
    /// A verdict.
    Verdict,
    /// The lock of whoever verifies it.
    Verifying,
    /// Bytes of the dump, or anything else.
    Other,
}

impl Place {
    /// What all keys of the place begin with.
    pub(super) fn prefix(&self) -> Result<KeyPrefix> {
        format!("{PLACE}/{}/{}/", self.environment, self.source).parse()
    }

    /// The key of what is remembered of the source.
    pub(super) fn watch(&self) -> Result<StoreKey> {
        format!("{}{WATCH}", self.prefix()?.as_str()).parse()
    }

    /// What the keys of a backup begin with.
    pub(super) fn backup(&self, id: BackupId) -> Result<KeyPrefix> {
        format!("{}{id}/", self.prefix()?.as_str()).parse()
    }

    /// The key of a file of a backup that is called so.
    pub(super) fn file(&self, id: BackupId, name: &str) -> Result<StoreKey> {
        format!("{}{name}", self.backup(id)?.as_str()).parse()
    }

    pub(super) fn manifest(&self, id: BackupId) -> Result<StoreKey> {
        self.file(id, MANIFEST)
    }

    pub(super) fn pin(&self, id: BackupId) -> Result<StoreKey> {
        self.file(id, PIN)
    }

    /// The key of the verdict of that name; verdicts are in the order of their names.
    pub(super) fn verdict(&self, id: BackupId, name: &str) -> Result<StoreKey> {
        self.file(id, &format!("{VERDICTS}/{name}.json"))
    }

    /// What the keys of the locks begin with.
    pub(super) fn locks(&self) -> Result<KeyPrefix> {
        format!("{}{LOCK}/", self.prefix()?.as_str()).parse()
    }

    /// What the keys of the locks begin with that whoever changes what is remembered has.
    pub(super) fn remembering(&self) -> Result<KeyPrefix> {
        format!("{}{REMEMBERING}/", self.prefix()?.as_str()).parse()
    }

    /// What the keys of the locks begin with that whoever verifies the backup has.
    pub(super) fn verifying(&self, id: BackupId) -> Result<KeyPrefix> {
        format!("{}{VERIFYING}/", self.backup(id)?.as_str()).parse()
    }

    /// Of which backup `key` is a file, and which file; `None` where it is none's.
    pub(super) fn names(key: &StoreKey) -> Option<(BackupId, File)> {
        let segments: Vec<_> = key.segments().collect();
        let [_, _, _, id, rest @ ..] = segments.as_slice() else { return None };
        let file = match rest {
            [MANIFEST] => File::Manifest,
            [PIN] => File::Pin,
            [VERDICTS, _] => File::Verdict,
            [VERIFYING, _] => File::Verifying,
            _ => File::Other,
        };
        Some((id.parse().ok()?, file))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_key_leads_back_to_its_backup_and_is_no_organisation_s() {
        let place = Place { environment: "production".parse().unwrap(), source: "main".parse().unwrap() };
        let id = BackupId::new(Timestamp::UNIX_EPOCH).unwrap();
        let manifest = place.manifest(id).unwrap();
        assert_eq!(manifest.to_string(), format!("backups/production/main/{id}/manifest.json"));
        for (key, file) in [
            (manifest, File::Manifest),
            (place.pin(id).unwrap(), File::Pin),
            (place.verdict(id, "1").unwrap(), File::Verdict),
            (place.file(id, "data-001.dump.zst.age").unwrap(), File::Other),
        ] {
            assert!(key.as_str().starts_with(place.prefix().unwrap().as_str()) && key.org().is_none());
            assert_eq!(Place::names(&key), Some((id, file)));
        }
        let lock = |folder: KeyPrefix| format!("{}7", folder.as_str()).parse().unwrap();
        for key in [lock(place.locks().unwrap()), lock(place.remembering().unwrap()), place.watch().unwrap()]
        {
            assert_eq!(Place::names(&key), None);
        }
        let verifying = lock(place.verifying(id).unwrap());
        assert_eq!(Place::names(&verifying), Some((id, File::Verifying)));
    }

    #[test]
    fn a_label_leads_nowhere_else() {
        for text in ["", "..", "a/b", "A", "a.b", "ä", &"a".repeat(49)] {
            assert!(text.parse::<Label>().is_err(), "{text:?}");
        }
    }
}
