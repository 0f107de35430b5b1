//! What belongs to a database rather than to what it holds: its owner, its grants, its settings, its bound, its comment.
//!
//! Whoever may set something for a database, or for themselves in it, says what a setting holds. Whoever gives it to another
//! database may be anybody, so nothing of it is pasted into a statement unquoted.

use tokio_postgres::Client;

use super::session::text;
use crate::{
    backup::DatabaseName,
    db::pg_error,
    error::{Error, Result},
};

/// Statements in which `$2` is a database that takes over; grants in the order in which they were made.
const BELONGINGS: &str = "
WITH d AS (SELECT oid, datdba, datacl, datconnlimit FROM pg_catalog.pg_database WHERE datname = $1::TEXT)
SELECT format('ALTER DATABASE %s OWNER TO %I', $2::TEXT, pg_get_userbyid(datdba)) FROM d
    WHERE pg_get_userbyid(datdba) <> current_user
UNION ALL SELECT format('REVOKE ALL ON DATABASE %s FROM PUBLIC', $2::TEXT) FROM d WHERE datacl IS NOT NULL
UNION ALL SELECT format('GRANT %s ON DATABASE %s TO %s%s', a.privilege_type, $2::TEXT,
        CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
        CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM d, pg_catalog.aclexplode(datacl) AS a WHERE a.grantee <> d.datdba
UNION ALL SELECT format('ALTER DATABASE %s CONNECTION LIMIT %s', $2::TEXT, datconnlimit) FROM d WHERE datconnlimit >= 0
UNION ALL SELECT format('COMMENT ON DATABASE %s IS %L', $2::TEXT, shobj_description(oid, 'pg_database')) FROM d
    WHERE shobj_description(oid, 'pg_database') IS NOT NULL";

/// What is set in the database: for all, or for a role in it alone.
const SETTINGS: &str = "
SELECT pg_get_userbyid(NULLIF(s.setrole, 0))::TEXT, setting
FROM pg_catalog.pg_database d JOIN pg_catalog.pg_db_role_setting s ON s.setdatabase = d.oid,
    unnest(s.setconfig) AS setting
WHERE d.datname = $1::TEXT";

/// Settings that are lists of names: the server keeps them as such a list, and takes them as one value for each.
const LISTS: [&str; 6] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// Statements that give the database `to` what belongs to `live`.
pub(super) async fn belongings(
    client: &Client,
    live: &DatabaseName,
    to: &DatabaseName,
) -> Result<Vec<String>> {
    let to = quoted(to.as_str());
    let mut told = vec![format!("COMMENT ON DATABASE {to} IS NULL")];
    for row in client.query(BELONGINGS, &[&live.as_str(), &to]).await.map_err(pg_error)? {
        told.push(text(&row, 0)?);
    }
    for row in client.query(SETTINGS, &[&live.as_str()]).await.map_err(pg_error)? {
        let (role, setting) = (text::<Option<String>>(&row, 0)?, text::<String>(&row, 1)?);
        let whose = match role {
            Some(role) => format!("ALTER ROLE {} IN DATABASE {to}", quoted(&role)),
            None => format!("ALTER DATABASE {to}"),
        };
        told.push(format!("{whose} {}", set(&setting)?));
    }
    Ok(told)
}

/// `SET name TO value` of `name=value`, as the server keeps it.
fn set(setting: &str) -> Result<String> {
    let (name, value) = setting
        .split_once('=')
        .ok_or_else(|| Error::corrupted("pg_db_role_setting holds a setting without a value", None))?;
    let is_list = LISTS.contains(&name.to_ascii_lowercase().as_str());
    // What the server cannot take apart it takes as one value.
    let values = is_list.then(|| names(value)).flatten().unwrap_or_else(|| vec![value.to_owned()]);
    let name: Vec<_> = name.split('.').map(quoted).collect();
    let values: Vec<_> = values.iter().map(|value| literal(value)).collect();
    Ok(format!("SET {} TO {}", name.join("."), values.join(", ")))
}

/// The names in a list, as the server takes it apart; `None` where it is none.
fn names(list: &str) -> Option<Vec<String>> {
    let (mut found, mut rest) = (Vec::new(), list.trim_start());
    loop {
        let (name, after) = first_name(rest)?;
        found.push(name);
        match after.trim_start() {
            "" => return Some(found),
            after => rest = after.strip_prefix(',')?.trim_start(),
        }
    }
}

/// The name that a list begins with, quoted or not, and what comes after it.
fn first_name(list: &str) -> Option<(String, &str)> {
    let Some(mut rest) = list.strip_prefix('"') else {
        let end = list.find(|c: char| c == ',' || c.is_ascii_whitespace()).unwrap_or(list.len());
        let (name, after) = list.split_at(end);
        return (!name.is_empty()).then(|| (name.to_owned(), after));
    };
    let mut name = String::new();
    loop {
        let (part, after) = rest.split_once('"')?;
        name.push_str(part);
        let Some(more) = after.strip_prefix('"') else { return Some((name, after)) };
        name.push('"');
        rest = more;
    }
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Text as a value, whatever the server makes of backslashes.
pub(super) fn literal(text: &str) -> String {
    let escape = if text.contains('\\') { "E" } else { "" };
    format!("{escape}'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_told_in_quotes_whatever_it_holds() {
        for (setting, told) in [
            ("work_mem=64MB", r#"SET "work_mem" TO '64MB'"#),
            ("my.name=it's = \\", r#"SET "my"."name" TO E'it''s = \\'"#),
            ("search_path=app, \"A b\"\"c\",$user", r#"SET "search_path" TO 'app', 'A b"c', '$user'"#),
            ("search_path=\"\"", r#"SET "search_path" TO ''"#),
            (
                "Search_Path=x;alter/**/role/**/weak/**/superuser",
                r#"SET "Search_Path" TO 'x;alter/**/role/**/weak/**/superuser'"#,
            ),
            ("search_path=x; ALTER ROLE weak", r#"SET "search_path" TO 'x; ALTER ROLE weak'"#),
            ("temp_tablespaces=\"a, b", r#"SET "temp_tablespaces" TO '"a, b'"#),
            ("temp_tablespaces=", r#"SET "temp_tablespaces" TO ''"#),
            ("a\" = 1; --=b", r#"SET "a"" " TO ' 1; --=b'"#),
        ] {
            assert_eq!(set(setting).unwrap(), told, "{setting}");
        }
        assert!(set("search_path").is_err());
    }
}
