//! What others than the pool are told of a server: connections of their own, and programs that PostgreSQL brings.

use std::{ffi::OsString, fmt::Write as _, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use tokio::time::timeout;
use tokio_postgres::{Client, config::Host};

use super::{
    conn::CONNECT,
    error::{connect_error, is_too_old},
    settings::{Settings, Trust},
};
use crate::{
    db::DbError,
    error::{Error, Result},
};

/// What an error of a statement means.
pub(crate) fn pg_error(error: tokio_postgres::Error) -> Error {
    DbError::of_postgres(error).into()
}

impl Settings {
    /// The same server's database of that name.
    pub(crate) fn in_database(&self, name: &str) -> Self {
        let mut settings = self.clone();
        settings.config.dbname(name);
        settings
    }

    /// The database's name.
    pub(crate) fn database(&self) -> &str {
        self.config.get_dbname().or(self.config.get_user()).unwrap_or_default()
    }

    /// A connection without any of the pool's bounds, and the server's version, as 150007.
    pub(crate) async fn client(&self) -> Result<(Client, u32)> {
        let mut settings = self.clone();
        settings.config.options(self.unbounded());
        let connected = timeout(CONNECT, settings.connect()).await.map_err(|late| self.silent(late))?;
        let client = connected.map_err(|error| connect_error(&error, self))?;
        let version = client.query_one("SELECT current_setting('server_version_num')::BIGINT", &[]).await;
        let version = version.and_then(|row| row.try_get::<_, i64>(0)).map_err(pg_error)?;
        let version = u32::try_from(version).unwrap_or(0);
        is_too_old(version).map_or(Ok((client, version)), Err)
    }

    /// What a connection is begun with, lest its first statement, which could lift the bound of the server's, the database's
    /// or the role's, be held to that bound itself.
    fn unbounded(&self) -> String {
        format!("{} -c statement_timeout=0", self.config.get_options().unwrap_or_default())
    }

    /// What a program of PostgreSQL's reads from its environment to reach this database: nothing of it is an argument, for
    /// arguments are seen by everybody. `roots` is a file with the authorities that the system knows: [`system_roots`].
    pub(crate) fn environment(&self, roots: Option<&Path>) -> Vec<(&'static str, OsString)> {
        let config = &self.config;
        let hosts = config.get_hosts().iter().map(|host| match host {
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
            Host::Tcp(name) => name.clone(),
        });
        let addresses = config.get_hostaddrs().iter().map(ToString::to_string);
        let ports = config.get_ports().iter().map(ToString::to_string);
        let (sslmode, root) = match &self.trust {
            Trust::Plain => ("disable", None),
            Trust::Anybody => ("require", None),
            Trust::Named(root) => ("verify-full", root.as_deref().or(roots)),
        };
        let mut told: Vec<(_, OsString)> = vec![
            ("PGHOST", join(hosts).into()),
            ("PGHOSTADDR", join(addresses).into()),
            ("PGPORT", join(ports).into()),
            ("PGDATABASE", self.database().into()),
            ("PGSSLMODE", sslmode.into()),
            ("PGSSLROOTCERT", root.map_or_else(OsString::new, |root| root.as_os_str().to_owned())),
            ("PGAPPNAME", config.get_application_name().unwrap_or("odavl").into()),
            ("PGOPTIONS", self.unbounded().into()),
            ("PGUSER", config.get_user().unwrap_or_default().into()),
            // Nobody's own file is asked.
            ("PGPASSFILE", "/dev/null".into()),
        ];
        if let Some(password) = config.get_password() {
            told.push(("PGPASSWORD", String::from_utf8_lossy(password).into_owned().into()));
        }
        told.retain(|(_, value)| !value.is_empty());
        told
    }

    /// The authorities that the system knows, in PEM, where the server is held to one of them: a program that finds them
    /// itself is newer than what is installed as a rule.
    pub(crate) fn system_roots(&self) -> Option<String> {
        let Trust::Named(None) = &self.trust else { return None };
        let mut pem = String::new();
        for certificate in rustls_native_certs::load_native_certs().certs {
            let text = BASE64_STANDARD.encode(&certificate);
            let _ = writeln!(pem, "-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----");
        }
        Some(pem)
    }
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(",")
}
