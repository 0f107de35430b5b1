//! Databases beside the live one: made, marked as ours, removed, and put in its place.

use std::{collections::BTreeMap, pin::pin, time::Duration};

use futures_util::future::{Either, select};
use tokio_postgres::{Client, error::SqlState};

use super::{
    belongings::{belongings, literal, quoted},
    session::text,
};
use crate::{
    backup::{DatabaseName, Mark, State, scratch::SCRATCH},
    causes::Chain,
    db::{PostgresSettings, pg_error},
    error::{Error, Result},
    random,
    storage::Sha256,
};

/// What the name of a database begins with until it bears its mark.
const MAKING: &str = "odavl_new_";

/// The comment of a database that bears that mark: only we make such comments.
fn comment(mark: Mark) -> String {
    format!("odavl: {}", mark.word())
}

fn mark_of(comment: Option<&str>) -> Option<Mark> {
    let word = comment?.strip_prefix("odavl: ")?;
    Mark::ALL.into_iter().find(|mark| mark.word() == word)
}

/// A connection to a database of the server that is neither live nor restored.
pub(super) struct Server {
    client: Client,
    pub(super) version: u32,
    settings: PostgresSettings,
}

/// Those that are there unless somebody removed them.
const OTHERS: [&str; 2] = ["postgres", "template1"];

const KNOWN: &str = "SELECT pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database
    WHERE datname = $1::TEXT";

impl Server {
    pub(super) async fn connect(settings: &PostgresSettings, not: &[&DatabaseName]) -> Result<Self> {
        let mut last = None;
        for name in OTHERS.into_iter().filter(|name| !not.iter().any(|other| other.as_str() == *name)) {
            match settings.in_database(name).client().await {
                Ok((client, version)) => {
                    let tell = "SET lock_timeout = '30s'; SET search_path = '';
                        SET idle_in_transaction_session_timeout = '60s'";
                    client.batch_execute(tell).await.map_err(pg_error)?;
                    return Ok(Self { client, version, settings: settings.clone() });
                }
                // It refuses us, or is not there, now and later. Whoever only finds no way to it now must not go to another:
                // who is at a database is seen from the same one alone.
                Err(error @ Error::InvalidInput { .. }) => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| Error::internal("no database is left to connect to", None)))
    }

    /// Which server it is, however it is reached.
    pub(super) async fn identity(&self) -> Result<String> {
        const WHICH: &str = "SELECT system_identifier::TEXT FROM pg_catalog.pg_control_system()";
        text(&self.client.query_one(WHICH, &[]).await.map_err(pg_error)?, 0)
    }

    /// Whether its user may do whatever a dump makes it do.
    pub(super) async fn is_almighty(&self) -> Result<bool> {
        const WHO: &str = "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user";
        text(&self.client.query_one(WHO, &[]).await.map_err(pg_error)?, 0)
    }

    /// What is under that name.
    ///
    /// # Errors
    /// `invalid_input` where there is no room for such a name: the server would cut it off.
    pub(super) async fn state(&self, name: &DatabaseName) -> Result<State> {
        if name.as_str().len() > 63 {
            let detail = format!("the name {name} is too long for PostgreSQL");
            return Err(Error::invalid_with(detail, "use up to 63 bytes"));
        }
        match self.client.query_opt(KNOWN, &[&name.as_str()]).await.map_err(pg_error)? {
            Some(row) => Ok(State::of(mark_of(text(&row, 0)?))),
            None => Ok(State::Absent),
        }
    }

    pub(super) async fn set_mark(&self, name: &DatabaseName, mark: Mark) -> Result<()> {
        self.tell(&format!("COMMENT ON DATABASE {} IS '{}'", quoted(name.as_str()), comment(mark))).await
    }

    /// Makes an empty database that takes a dump of one with these properties, and marks it: none is there under that name
    /// without its mark, whenever this is cut off.
    pub(super) async fn create(
        &self,
        name: &DatabaseName,
        properties: &BTreeMap<String, String>,
    ) -> Result<()> {
        let made: DatabaseName = format!("{MAKING}{}", random::id()).parse()?;
        self.attend(&made).await?;
        let mut create = format!("CREATE DATABASE {} TEMPLATE template0", quoted(made.as_str()));
        for (words, value) in locale(properties, self.version) {
            create.extend([" ", words, " ", &literal(&value)]);
        }
        self.tell(&create).await?;
        let named = async {
            self.set_mark(&made, Mark::Restoring).await?;
            let (made, name) = (quoted(made.as_str()), quoted(name.as_str()));
            self.tell(&format!("ALTER DATABASE {made} RENAME TO {name}")).await
        };
        let named = named.await;
        if named.is_err() {
            self.remove(&made).await?;
        }
        named
    }

    /// Removes a database, whoever is connected to it.
    pub(super) async fn remove(&self, name: &DatabaseName) -> Result<()> {
        self.tell(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name.as_str()))).await
    }

    /// Says that somebody is at the database of that name, for as long as this connection is there: it ends with them,
    /// however they end.
    pub(super) async fn attend(&self, name: &DatabaseName) -> Result<()> {
        const STAY: &str = "SELECT set_config(name, '0', false) FROM pg_catalog.pg_settings
            WHERE name = 'idle_session_timeout'";
        self.client
            .execute("SELECT pg_advisory_lock_shared($1)", &[&lock("restores", name)])
            .await
            .map_err(pg_error)?;
        // A server that ends who says nothing for long is not to take it for one that has gone.
        self.client.execute(STAY, &[]).await.map(drop).map_err(pg_error)
    }

    /// Waits until nobody else restores to the database of that name, and keeps others from it for as long as this connection
    /// is there.
    pub(super) async fn take_turn(&self, name: &DatabaseName) -> Result<()> {
        let taken = self.client.execute("SELECT pg_advisory_lock($1)", &[&lock("restores to", name)]).await;
        taken.map(drop).map_err(|error| match error.code() {
            Some(&SqlState::LOCK_NOT_AVAILABLE) => {
                Error::Conflict(format!("{name} is being restored already"))
            }
            _ => pg_error(error),
        })
    }

    /// Removes what was half restored, or restored to be looked at, by somebody who is gone: under names that we give by
    /// ourselves. What is half restored under any other, somebody may have finished by hand.
    pub(super) async fn sweep(&self) -> Result<()> {
        const LEFT: &str =
            "SELECT datname::TEXT FROM pg_catalog.pg_database WHERE pg_has_role(datdba, 'MEMBER')
            AND (starts_with(datname, $2) OR starts_with(datname, $3))
            AND COALESCE(shobj_description(oid, 'pg_database') = ANY ($1::TEXT[]), starts_with(datname, $2))";
        let marks = [Mark::Restoring, Mark::Scratch];
        let comments = marks.map(comment).to_vec();
        for row in self.client.query(LEFT, &[&comments, &MAKING, &SCRATCH]).await.map_err(pg_error)? {
            let name: DatabaseName = text::<String>(&row, 0)?.parse()?;
            let alone =
                self.client.query_one("SELECT pg_try_advisory_lock($1)", &[&lock("restores", &name)]).await;
            if !text::<bool>(&alone.map_err(pg_error)?, 0)? {
                continue;
            }
            // It may have become something else by now.
            let is_left = match self.state(&name).await? {
                State::Ours(mark) => marks.contains(&mark),
                State::Theirs => name.as_str().starts_with(MAKING),
                State::Absent => false,
            };
            if is_left {
                self.remove(&name).await?;
            }
            self.client
                .execute("SELECT pg_advisory_unlock($1)", &[&lock("restores", &name)])
                .await
                .map_err(pg_error)?;
        }
        Ok(())
    }

    /// Gives the live database's name, and what belongs to it rather than to what it holds, to another, at once.
    pub(super) async fn swap(
        &self,
        live: &DatabaseName,
        restored: &DatabaseName,
        aside: &DatabaseName,
    ) -> Result<()> {
        let (was, is, old) = (quoted(live.as_str()), quoted(restored.as_str()), quoted(aside.as_str()));
        let belongings = belongings(&self.client, live, restored).await?.join("; ");
        let mark = comment(Mark::Aside);
        let sql = format!(
            "BEGIN; {belongings}; ALTER DATABASE {was} RENAME TO {old}; ALTER DATABASE {is} RENAME TO {was};
            COMMENT ON DATABASE {old} IS '{mark}'; COMMIT"
        );
        // Whoever is connected is sent away while the rename waits for that: it holds new ones off.
        let helper = self.settings.in_database(self.own().await?.as_str()).client().await?.0;
        let sending = pin!(send_away(&helper, [live.as_str(), restored.as_str()]));
        let swapped = match select(pin!(self.tell(&sql)), sending).await {
            Either::Left((swapped, _)) => swapped,
            Either::Right(((), swapping)) => swapping.await,
        };
        if swapped.is_err() {
            // The one that failed may have begun.
            let _ = self.client.batch_execute("ROLLBACK").await;
        }
        swapped
    }

    async fn own(&self) -> Result<String> {
        text(&self.client.query_one("SELECT current_database()::TEXT", &[]).await.map_err(pg_error)?, 0)
    }

    pub(super) async fn tell(&self, sql: &str) -> Result<()> {
        self.client.batch_execute(sql).await.map_err(|error| match error.as_db_error() {
            Some(told) => refused(told.code(), told.message()).unwrap_or_else(|| pg_error(error)),
            None => pg_error(error),
        })
    }
}

/// Ends the connections to these databases, again and again, until it is dropped. Each by itself, for one that may not be
/// ended would keep the others: then the rename says that they are in use.
async fn send_away(helper: &Client, names: [&str; 2]) {
    const WHO: &str = "SELECT pid FROM pg_catalog.pg_stat_activity
        WHERE datname = ANY ($1::TEXT[]) AND pid <> pg_catalog.pg_backend_pid()";
    const END: &str = "SELECT pg_catalog.pg_terminate_backend($1)";
    loop {
        let found = helper.query(WHO, &[&names.as_slice()]).await;
        let pids = found.iter().flatten().filter_map(|row| row.try_get::<_, i32>(0).ok());
        for pid in pids {
            if let Err(error) = helper.execute(END, &[&pid]).await {
                tracing::debug!(error = %Chain(&error), "who uses a database could not be sent away");
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// `CREATE DATABASE`'s words for how text is written and sorted.
fn locale(properties: &BTreeMap<String, String>, version: u32) -> Vec<(&'static str, String)> {
    let property = |name: &str| properties.get(name).cloned();
    let mut words = Vec::new();
    let mut say = |word, value: Option<String>| words.extend(value.map(|value| (word, value)));
    say("ENCODING", property("encoding"));
    say("LC_COLLATE", property("collate"));
    say("LC_CTYPE", property("ctype"));
    match property("provider").as_deref() {
        Some("i") if version >= 150_000 => {
            say("LOCALE_PROVIDER", Some("icu".into()));
            say("ICU_LOCALE", property("locale"));
            say("ICU_RULES", property("icu_rules").filter(|_| version >= 160_000));
        }
        Some("b") if version >= 170_000 => {
            say("LOCALE_PROVIDER", Some("builtin".into()));
            say("BUILTIN_LOCALE", property("locale"));
        }
        // By the C library's, whatever the template has.
        Some(_) if version >= 150_000 => say("LOCALE_PROVIDER", Some("libc".into())),
        _ => {}
    }
    words
}

/// The number of the lock of whoever does that with a database.
fn lock(what: &str, name: &DatabaseName) -> i64 {
    let digest = Sha256::of(format!("odavl: {what} {name}").as_bytes());
    digest.as_bytes().iter().take(8).fold(0, |number, byte| number << 8 | i64::from(*byte))
}

/// Refusals that whoever asked for it can mend.
fn refused(code: &SqlState, message: &str) -> Option<Error> {
    Some(match code {
        &SqlState::INSUFFICIENT_PRIVILEGE => Error::invalid_with(
            format!("the server does not let its user do that: {message}"),
            "a restore needs a user with CREATEDB, and replacing the owner of the live database",
        ),
        &SqlState::OBJECT_IN_USE => Error::Conflict(format!("{message}: whoever uses it comes back at once")),
        &SqlState::DUPLICATE_DATABASE => Error::Conflict(message.to_owned()),
        &SqlState::UNDEFINED_OBJECT | &SqlState::WRONG_OBJECT_TYPE | &SqlState::INVALID_PARAMETER_VALUE => {
            Error::Conflict(format!("the server cannot make such a database: {message}"))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_made_with_the_locale_of_the_one_that_was_dumped_in_the_words_of_each_version() {
        let of = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect::<BTreeMap<_, _>>()
        };
        let icu = of(&[
            ("encoding", "UTF8"),
            ("collate", "C"),
            ("ctype", "C"),
            ("provider", "i"),
            ("locale", "de"),
        ]);
        let words = |properties, version| {
            locale(properties, version)
                .iter()
                .map(|(word, value)| format!("{word}={value}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(words(&icu, 140_000), "ENCODING=UTF8 LC_COLLATE=C LC_CTYPE=C");
        assert_eq!(
            words(&icu, 150_000),
            "ENCODING=UTF8 LC_COLLATE=C LC_CTYPE=C LOCALE_PROVIDER=icu ICU_LOCALE=de"
        );
        let libc = of(&[("encoding", "LATIN1"), ("provider", "c"), ("collate", "de_DE")]);
        assert_eq!(words(&libc, 150_000), "ENCODING=LATIN1 LC_COLLATE=de_DE LOCALE_PROVIDER=libc");
    }

    #[test]
    fn only_our_own_comments_are_marks() {
        for mark in Mark::ALL {
            assert_eq!(mark_of(Some(&comment(mark))), Some(mark));
        }
        assert_eq!(mark_of(Some("odavl's own")), None);
        assert_eq!(mark_of(None), None);
    }
}
