//! The programs that PostgreSQL brings: which are installed, and which of them is new enough.

use std::{path::PathBuf, process::Stdio, time::Duration};

use tokio::{process::Command, time::timeout};

use crate::error::{Error, Result};

/// A program that says its version takes this long at most.
const ANSWER: Duration = Duration::from_secs(10);

/// Where programs are looked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Tools {
    /// The only folder that is looked into; `None` means the path, and where the systems have them.
    pub(super) folder: Option<PathBuf>,
}

/// A program that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tool {
    pub(super) path: PathBuf,
    pub(super) name: &'static str,
    /// As `15.7`.
    pub(super) version: String,
    pub(super) major: u32,
}

impl Tool {
    /// Name and version, as they are recorded.
    pub(super) fn told(&self) -> String {
        format!("{} {}", self.name, self.version)
    }
}

impl Tools {
    /// The oldest of that name that is at least of version `least`: a newer one than must be writes what an older server
    /// does not know.
    pub(super) async fn find(&self, name: &'static str, least: u32) -> Result<Tool> {
        let mut found: Vec<Tool> = Vec::new();
        for path in self.candidates(name) {
            found.extend(ask(path, name).await);
        }
        let newest = found.iter().max_by_key(|tool| tool.major).map(Tool::told);
        found.into_iter().filter(|tool| tool.major >= least).min_by_key(|tool| tool.major).ok_or_else(|| {
            let what = match newest {
                Some(newest) => format!("{newest} is too old for this server: it takes {least} or newer"),
                None => format!("there is no {name}"),
            };
            let place = match &self.folder {
                Some(folder) => format!("put it into {}", folder.display()),
                None => format!("install it (Debian: postgresql-client-{least})"),
            };
            Error::invalid_with(what, format!("{place}, or name the folder that it is in"))
        })
    }

    fn candidates(&self, name: &str) -> Vec<PathBuf> {
        if let Some(folder) = &self.folder {
            return vec![folder.join(name)];
        }
        let mut all: Vec<_> = usual().into_iter().map(|folder| folder.join(name)).collect();
        // As the path finds it: last, since it may be one that looks for another.
        all.push(PathBuf::from(name));
        all
    }
}

/// Where the systems have PostgreSQL's programs besides the path: a folder for each version.
fn usual() -> Vec<PathBuf> {
    const PARENTS: [&str; 5] = [
        "/usr/lib/postgresql",
        "/usr",
        "/opt/homebrew/opt",
        "/usr/local/opt",
        r"C:\Program Files\PostgreSQL",
    ];
    let mut found = vec![PathBuf::from("/usr/local/pgsql/bin")];
    for parent in PARENTS {
        let Ok(entries) = std::fs::read_dir(parent) else { continue };
        let of_a_version = |name: &str| {
            name.starts_with("pgsql-") || name.starts_with("postgresql@") || name.parse::<u32>().is_ok()
        };
        let folders = entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(of_a_version));
        found.extend(folders.map(|entry| entry.path().join("bin")));
    }
    found.sort();
    found
}

async fn ask(path: PathBuf, name: &'static str) -> Option<Tool> {
    let told = Command::new(&path).arg("--version").stdin(Stdio::null()).kill_on_drop(true).output();
    let told = timeout(ANSWER, told).await.ok()?.ok()?;
    let (version, major) = version(std::str::from_utf8(&told.stdout).ok()?)?;
    told.status.success().then_some(Tool { path, name, version, major })
}

/// What `pg_dump (PostgreSQL) 15.7 (Debian 15.7-0)` says: `15.7`, and 15. Before a release it is `17beta1`.
fn version(told: &str) -> Option<(String, u32)> {
    let version = told.split_whitespace().skip_while(|word| *word != "(PostgreSQL)").nth(1)?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    Some((version.to_owned(), digits.parse().ok()?))
}

/// `dbname=…` as libpq takes it apart, for a program that takes no name from its environment.
pub(super) fn connection(database: &str) -> String {
    format!("dbname='{}'", database.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// The oldest major version whose `pg_restore` reads an archive that begins like this; `None` where it is no archive.
pub(super) fn reads_archive(head: &[u8]) -> Option<u32> {
    let [major, minor] = head.strip_prefix(b"PGDMP")?.first_chunk()?;
    Some(match (major, minor) {
        (0 | 1, 0..=14) => 12,
        (1, 15) => 16,
        _ => 17,
    })
}

/// What a program said on its error output that its reader is to know: its first complaint, without the statement and the
/// values that follow it.
pub(super) fn complaint(lines: &[String]) -> Option<&str> {
    let said = |word: &str| lines.iter().find_map(|line| line.split_once(word).map(|(_, said)| said.trim()));
    said("error: ").or_else(|| said("ERROR: ")).or_else(|| lines.first().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_s_version_is_read_from_what_it_says() {
        let told = |text| version(text).map(|(version, major)| format!("{version} {major}"));
        assert_eq!(told("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n").unwrap(), "15.18 15");
        assert_eq!(told("pg_restore (PostgreSQL) 17beta1").unwrap(), "17beta1 17");
        assert!(told("something else 15").is_none());
    }

    #[test]
    fn a_name_is_no_other_part_of_a_connection_string() {
        assert_eq!(connection(r"it's \ a=b host=evil"), r"dbname='it\'s \\ a=b host=evil'");
    }

    #[test]
    fn an_archive_says_who_can_read_it() {
        assert_eq!(reads_archive(b"PGDMP\x01\x0e\x00"), Some(12));
        assert_eq!(reads_archive(b"PGDMP\x01\x0f\x00"), Some(16));
        assert_eq!(reads_archive(b"PGDMP\x01\x10\x00"), Some(17));
        assert_eq!(reads_archive(b"-- PostgreSQL"), None);
        assert_eq!(reads_archive(b"PGDMP"), None);
    }

    #[test]
    fn a_complaint_is_told_without_the_statement_and_the_values_that_follow() {
        let lines = [
            "pg_restore: while PROCESSING TOC:".to_owned(),
            "pg_restore: error: COPY failed for table \"t\": ERROR:  value too long".to_owned(),
            "CONTEXT:  COPY t, line 1, column a: \"canary\"".to_owned(),
        ];
        assert_eq!(complaint(&lines), Some("COPY failed for table \"t\": ERROR:  value too long"));
        assert_eq!(complaint(&["psql:<stdin>:3: ERROR:  no".to_owned()]), Some("no"));
    }
}
