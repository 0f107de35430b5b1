//! What a database holds, in so few words that two can be compared: before it was dumped, and after it was restored.

use std::{collections::BTreeMap, fmt};

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::secret::{Digest, hex};

/// By which rules fingerprints are made now. Those made by others say nothing about each other.
pub const RULES: u32 = 1;

/// How many things there are, and the sum of their SHA-256 digests modulo 2^256: the same in whatever order they come.
///
/// It tells loss and damage, and is not meant to withstand somebody who makes rows so that sums collide.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// The sum, as little-endian words.
    #[serde(with = "sum")]
    digest: [u64; 4],
}

impl Tally {
    /// Counts one thing in, written as `bytes`.
    pub fn add(&mut self, bytes: &[u8]) {
        let mut words = [0; 4];
        let digest = digest(&SHA256, bytes);
        for (word, bytes) in words.iter_mut().zip(digest.as_ref().chunks_exact(8)) {
            *word = bytes.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte));
        }
        self.merge(&Self { count: 1, digest: words });
    }

    /// Counts in what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        let mut carry = false;
        for (sum, word) in self.digest.iter_mut().zip(other.digest) {
            let (once, over) = sum.overflowing_add(word);
            let (twice, over_again) = once.overflowing_add(u64::from(carry));
            (*sum, carry) = (twice, over || over_again);
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of digest {:016x}", self.count, self.digest[0].swap_bytes())
    }
}

mod sum {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::{Digest, hex};

    pub(super) fn serialize<S: Serializer>(sum: &[u64; 4], to: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = sum.iter().flat_map(|word| word.to_le_bytes()).collect();
        to.serialize_str(&hex(&bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u64; 4], D::Error> {
        let text = String::deserialize(from)?;
        let digest = Digest::from_hex(&text).ok_or_else(|| D::Error::custom("not 64 hexadecimal digits"))?;
        let mut sum = [0; 4];
        for (word, bytes) in sum.iter_mut().zip(digest.as_bytes().chunks_exact(8)) {
            *word = bytes.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte));
        }
        Ok(sum)
    }
}

/// Where a sequence stands. No snapshot holds it still: it goes on while a dump is made, so the dump has it somewhere
/// between how it was before and how it was after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Before: the last value, and whether it was given out.
    pub from: (i64, bool),
    /// After.
    pub to: (i64, bool),
}

impl Standing {
    /// It stood still.
    pub const fn still(value: i64, given: bool) -> Self {
        Self { from: (value, given), to: (value, given) }
    }

    /// Whether one that was dumped while it stood here can stand at `found`.
    fn admits(&self, found: &Self) -> bool {
        let (least, most) = (self.from.0.min(self.to.0), self.from.0.max(self.to.0));
        let between = |(value, _)| least < value && value < most;
        // What it gives out first is the value that it stood before.
        let first = |at| self.from != self.to && at == (self.from.0, true);
        let is_on_its_way = |at| at == self.from || at == self.to || first(at) || between(at);
        [found.from, found.to].into_iter().all(is_on_its_way)
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |(value, given): (i64, bool)| {
            if given { format!("after {value}") } else { format!("before {value}") }
        };
        f.write_str(&at(self.from))?;
        if self.from == self.to { Ok(()) } else { write!(f, " to {}", at(self.to)) }
    }
}

/// What a database holds. Names of tables are in it: it is for nobody but those who may read the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// By which rules it was made: [`RULES`].
    pub rules: u32,
    /// Whose words it is in, as `postgres 15`: other versions of the engine write the same definitions otherwise.
    pub made_on: String,
    /// What is declared, by kind: tables, columns, indexes, functions, ...
    pub schema: BTreeMap<String, Tally>,
    /// By what definitions, by kind, as this version of the engine writes them.
    pub definitions: BTreeMap<String, Tally>,
    /// The rows of each table, by the name that the engine would write in a statement.
    pub tables: BTreeMap<String, Tally>,
    /// Where each sequence stands.
    pub sequences: BTreeMap<String, Standing>,
    /// The extensions, with their versions.
    pub extensions: BTreeMap<String, String>,
    /// Objects that lie beside the tables.
    pub large_objects: Tally,
}

impl Default for Fingerprint {
    fn default() -> Self {
        Self {
            rules: RULES,
            made_on: String::new(),
            schema: BTreeMap::new(),
            definitions: BTreeMap::new(),
            tables: BTreeMap::new(),
            sequences: BTreeMap::new(),
            extensions: BTreeMap::new(),
            large_objects: Tally::default(),
        }
    }
}

impl Fingerprint {
    /// How many rows all tables have.
    pub fn rows(&self) -> u64 {
        self.tables.values().map(|tally| tally.count).sum()
    }

    /// Compares this one, of what was dumped, with that of what was restored.
    pub fn compare(&self, restored: &Self) -> Comparison {
        let mut found = Comparison::default();
        if self.rules != restored.rules {
            found.differ("fingerprint", "rules", &self.rules, &restored.rules);
            return found;
        }
        let (same, admits) = (PartialEq::eq, Standing::admits);
        found.differ_in("schema", (&self.with_brought(restored), &restored.schema), same);
        found.differ_in("table", (&self.tables, &restored.tables), same);
        found.differ_in("sequence", (&self.sequences, &restored.sequences), admits);
        if self.made_on == restored.made_on {
            found.differ_in("definition", (&self.definitions, &restored.definitions), same);
        } else {
            let note = "definitions are not compared: they were written by";
            found.notes.push(format!("{note} {}, and are by {}", self.made_on, restored.made_on));
        }
        if self.large_objects != restored.large_objects {
            found.differ("large objects", "", &self.large_objects, &restored.large_objects);
        }
        found.extensions(&self.extensions, &restored.extensions);
        found
    }

    /// What is declared, and the schema that the restored one was made with, where that is all that it has besides.
    fn with_brought(&self, restored: &Self) -> BTreeMap<String, Tally> {
        let mut schema = self.schema.clone();
        let mut brought = schema.get("schema").copied().unwrap_or_default();
        brought.add(BROUGHT.0.as_bytes());
        if restored.schema.get("schema") == Some(&brought) {
            schema.insert("schema".to_owned(), brought);
        }
        schema
    }
}

/// A schema and an extension that every database of PostgreSQL's is made with, and that no dump takes away from one.
const BROUGHT: (&str, &str) = ("public", "plpgsql");

/// What two fingerprints differ in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// What makes the restored database another one; empty where it is the same.
    pub differences: Vec<Difference>,
    /// What whoever looks at it may want to know, and is no fault of the backup.
    pub notes: Vec<String>,
}

/// One thing that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Of what kind it is: `schema`, `definition`, `table`, `sequence`, `extension`, `large objects`.
    pub kind: String,
    /// Its name; empty where there is but one.
    pub name: String,
    /// How it was; `None` where it was not there.
    pub expected: Option<String>,
    /// How it is; `None` where it is not there.
    pub found: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let space = if self.name.is_empty() { "" } else { " " };
        write!(f, "{}{space}{}: ", self.kind, self.name)?;
        match (&self.expected, &self.found) {
            (Some(expected), Some(found)) => write!(f, "was {expected}, is {found}"),
            (Some(expected), None) => write!(f, "was {expected}, is not there"),
            (None, Some(found)) => write!(f, "was not there, is {found}"),
            (None, None) => f.write_str("differs"),
        }
    }
}

impl Comparison {
    /// Whether what was restored is what was dumped.
    pub fn is_same(&self) -> bool {
        self.differences.is_empty()
    }

    fn differ(&mut self, kind: &str, name: &str, expected: &impl ToString, found: &impl ToString) {
        self.push(kind, name, Some(expected.to_string()), Some(found.to_string()));
    }

    fn push(&mut self, kind: &str, name: &str, expected: Option<String>, found: Option<String>) {
        self.differences.push(Difference { kind: kind.to_owned(), name: name.to_owned(), expected, found });
    }

    fn differ_in<T: ToString>(
        &mut self,
        kind: &str,
        (expected, found): (&BTreeMap<String, T>, &BTreeMap<String, T>),
        is_same: impl Fn(&T, &T) -> bool,
    ) {
        for (name, value) in expected {
            let other = found.get(name);
            if !other.is_some_and(|other| is_same(value, other)) {
                self.push(kind, name, Some(value.to_string()), other.map(T::to_string));
            }
        }
        for (name, value) in found.iter().filter(|(name, _)| !expected.contains_key(*name)) {
            self.push(kind, name, None, Some(value.to_string()));
        }
    }

    /// A dump says which extensions there are, and each server brings its own version of them.
    fn extensions(&mut self, expected: &BTreeMap<String, String>, found: &BTreeMap<String, String>) {
        let names = |of: &BTreeMap<String, String>| -> BTreeMap<String, &'static str> {
            of.keys().map(|name| (name.clone(), "installed")).collect()
        };
        let (expected_names, mut found_names) = (names(expected), names(found));
        found_names.retain(|name, _| name != BROUGHT.1 || expected.contains_key(name));
        self.differ_in("extension", (&expected_names, &found_names), PartialEq::eq);
        for (name, version) in expected {
            if let Some(other) = found.get(name).filter(|other| *other != version) {
                self.notes
                    .push(format!("the extension {name} was {version}, and this server brings {other}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(rows: &[&str]) -> Tally {
        let mut tally = Tally::default();
        for row in rows {
            tally.add(row.as_bytes());
        }
        tally
    }

    #[test]
    fn a_tally_is_the_same_in_any_order_and_in_any_parts_and_tells_every_change() {
        let whole = tally(&["a", "b", "c"]);
        assert_eq!(whole, tally(&["c", "a", "b"]));
        let mut parts = tally(&["b"]);
        parts.merge(&tally(&["c", "a"]));
        assert_eq!(whole, parts);
        for other in [&["a", "b"][..], &["a", "b", "c", "c"], &["a", "b", "d"], &["a", "bc", ""]] {
            assert_ne!(whole, tally(other), "{other:?}");
        }
    }

    #[test]
    fn a_tally_carries_between_its_words_and_survives_its_text() {
        let most = Tally { count: 1, digest: [u64::MAX; 4] };
        let mut sum = most;
        sum.merge(&Tally { count: 1, digest: [1, 0, 0, 0] });
        assert_eq!(sum, Tally { count: 2, digest: [0; 4] });
        sum.merge(&tally(&["a"]));
        let text = serde_json::to_string(&sum).unwrap();
        assert_eq!(serde_json::from_str::<Tally>(&text).unwrap(), sum);
        assert!(text.contains("ca978112ca1bbdca"), "{text}");
    }

    #[test]
    fn a_comparison_names_what_is_lost_changed_and_added_and_lets_a_server_s_own_versions_be() {
        let mut before = Fingerprint::default();
        before.tables.insert("public.a".into(), tally(&["1"]));
        before.tables.insert("public.b".into(), tally(&["1", "2"]));
        before.sequences.insert("public.s".into(), Standing::still(7, true));
        before.extensions.insert("hstore".into(), "1.7".into());
        let mut after = before.clone();
        assert!(before.compare(&after).is_same());
        assert_eq!(before.rows(), 3);

        after.extensions.insert("hstore".into(), "1.8".into());
        let noted = before.compare(&after);
        assert!(noted.is_same() && noted.notes.len() == 1, "{noted:?}");

        after.tables.insert("public.b".into(), tally(&["1"]));
        after.tables.remove("public.a");
        after.sequences.insert("public.t".into(), Standing::still(1, false));
        after.extensions.clear();
        after.large_objects = tally(&["x"]);
        let told: Vec<_> = before.compare(&after).differences.iter().map(Difference::to_string).collect();
        assert_eq!(told.len(), 5, "{told:#?}");
        assert!(told[0].starts_with("table public.a: was 1 of digest ") && told[0].ends_with("is not there"));
        assert!(told[1].starts_with("table public.b: was 2 of") && told[1].contains(", is 1 of"));
        assert_eq!(told[2], "sequence public.t: was not there, is before 1");
    }

    #[test]
    fn a_sequence_that_went_on_during_the_dump_stands_between_and_one_that_did_not_where_it_was() {
        let went_on = Standing { from: (1, false), to: (5, true) };
        for (value, given, admitted) in [
            (1, false, true),
            (1, true, true),
            (3, true, true),
            (5, true, true),
            (5, false, false),
            (6, true, false),
            (0, true, false),
        ] {
            assert_eq!(went_on.admits(&Standing::still(value, given)), admitted, "{value} {given}");
            let falling = Standing { from: (-1, false), to: (-5, true) };
            assert_eq!(falling.admits(&Standing::still(-value, given)), admitted, "{value} {given} falling");
        }
        let given_out = Standing { from: (1, true), to: (5, true) };
        assert!(given_out.admits(&Standing::still(1, true)) && !given_out.admits(&Standing::still(1, false)));
        assert!(!Standing::still(1, false).admits(&Standing::still(1, true)));
        assert!(!Standing::still(5, true).admits(&Standing::still(5, false)));
        assert_eq!(went_on.to_string(), "before 1 to after 5");
    }

    #[test]
    fn definitions_are_compared_where_the_same_version_wrote_them() {
        let mut before = Fingerprint { made_on: "postgres 15".into(), ..Fingerprint::default() };
        before.definitions.insert("view".into(), tally(&["SELECT 1"]));
        let mut after = Fingerprint { made_on: "postgres 15".into(), ..Fingerprint::default() };
        assert!(!before.compare(&after).is_same());
        after.made_on = "postgres 17".into();
        assert!(before.compare(&after).is_same());
        assert_eq!(before.compare(&after).notes.len(), 1);
    }

    #[test]
    fn fingerprints_of_other_rules_are_not_called_the_same() {
        let other = Fingerprint { rules: RULES + 1, ..Fingerprint::default() };
        assert!(!Fingerprint::default().compare(&other).is_same());
    }
}
