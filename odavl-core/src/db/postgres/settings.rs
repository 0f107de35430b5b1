//! The database URL: which server, as whom, and how far it is trusted.

use std::{error::Error as StdError, net::IpAddr, path::PathBuf, time::Duration};

use tokio::sync::mpsc;
use tokio_postgres::{
    Client, Config,
    config::{Host, SslMode},
};

use super::tls;
use crate::{
    error::{Error, Result},
    life::Life,
};

/// How long a connection that nothing comes from is believed to be there.
const SILENT: Duration = Duration::from_secs(10);

/// How a connection is made. It cannot be printed: it holds a password.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(super) config: Config,
    tls: tls::Connector,
    #[cfg(feature = "backup")]
    pub(super) trust: Trust,
    place: String,
    life: Life,
}

/// How far the server is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trust {
    /// Nothing is encrypted.
    Plain,
    /// Encrypted, to whoever answers.
    Anybody,
    /// The certificate holds for the host's name, by these roots or the system's.
    Named(Option<PathBuf>),
}

impl Settings {
    /// What the URL says.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let (rest, sslmode, root) = split(url)?;
        // The parser's words name no value.
        let wrong = |error: tokio_postgres::Error| {
            let why = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            Error::invalid_with(format!("the database URL cannot be read{why}"), FORM)
        };
        let mut config: Config = rest.parse().map_err(wrong)?;
        let trust = trust(sslmode.as_deref(), root, &config)?;
        let place = place(&config)?;
        if config.get_application_name().is_none() {
            config.application_name("odavl");
        }
        config.ssl_mode(if trust == Trust::Plain { SslMode::Disable } else { SslMode::Require });
        config.keepalives_idle(SILENT).tcp_user_timeout(SILENT);
        let tls = tls::connector(&trust)?;
        Ok(Self {
            config,
            tls,
            #[cfg(feature = "backup")]
            trust,
            place,
            life: Life::new(),
        })
    }

    /// Host, port and database, for whoever reads an error.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// The same in a schema of that name.
    #[cfg(any(test, feature = "contract"))]
    pub(super) fn in_schema(mut self, schema: &str) -> Self {
        self.config.options(format!("-c search_path={schema}"));
        self
    }

    pub(in crate::db) fn life(&self) -> &Life {
        &self.life
    }

    pub(super) async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        self.told(|| ()).await
    }

    /// A connection that listens on that channel, and what is told of: whether something was announced since one last
    /// looked. It is over when the connection is.
    pub(super) async fn listen(
        &self,
        channel: &str,
    ) -> Result<(Client, mpsc::Receiver<()>), tokio_postgres::Error> {
        let (tell, told) = mpsc::channel(1);
        // Where one waits to be looked at, another one says no more.
        let tell = move || {
            let _ = tell.try_send(());
        };
        let client = self.told(tell).await?;
        client.batch_execute(&format!("LISTEN {channel}")).await?;
        Ok((client, told))
    }

    /// A connection that calls `tell` with each notification; the database is open until it has ended.
    async fn told(&self, tell: impl Fn() + Send + 'static) -> Result<Client, tokio_postgres::Error> {
        let life = self.life.clone();
        let tell = move || {
            let _open = &life;
            tell();
        };
        self.tls.connect(&self.config, tell).await
    }

    pub(super) fn silent(&self, late: tokio::time::error::Elapsed) -> Error {
        Error::unavailable(format!("PostgreSQL at {} does not answer", self.place), Some(late.into()))
    }
}

/// Whether a database URL says a password, which nobody else may see then.
///
/// # Errors
/// `invalid_input` where it cannot be read.
pub fn holds_password(url: &str) -> Result<bool> {
    Settings::parse(url).map(|settings| settings.config.get_password().is_some())
}

const FORM: &str = "write it as postgres://user:password@host:5432/database?sslmode=verify-full";

/// What is ours of the parameters, and the URL without it.
fn split(url: &str) -> Result<(String, Option<String>, Option<PathBuf>)> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(Error::invalid_with("the database URL does not begin with postgres://", FORM));
    }
    let (base, params) = url.split_once('?').unwrap_or((url, ""));
    let (mut rest, mut sslmode, mut root) = (Vec::new(), None, None);
    for param in params.split('&').filter(|param| !param.is_empty()) {
        let (name, value) = param.split_once('=').unwrap_or((param, ""));
        let value = || {
            let text = percent_encoding::percent_decode_str(value).decode_utf8();
            text.map(String::from).map_err(|_| Error::invalid_with("the database URL is not UTF-8", FORM))
        };
        match name {
            "sslmode" => sslmode = Some(value()?),
            "sslrootcert" => root = Some(PathBuf::from(value()?)),
            _ => rest.push(param),
        }
    }
    let mark = if rest.is_empty() { "" } else { "?" };
    Ok((format!("{base}{mark}{}", rest.join("&")), sslmode, root))
}

fn trust(sslmode: Option<&str>, root: Option<PathBuf>, config: &Config) -> Result<Trust> {
    // An address is what is connected to, whatever the host beside it is called.
    let here =
        config.get_hosts().iter().all(is_here) && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
    let sslmode = sslmode.unwrap_or(if here && root.is_none() { "disable" } else { "verify-full" });
    if root.is_some() && sslmode != "verify-full" {
        return Err(Error::invalid_with(
            "the database URL names an authority that its sslmode does not ask",
            "say sslmode=verify-full, or leave sslrootcert out",
        ));
    }
    match sslmode {
        "disable" => Ok(Trust::Plain),
        "require" => Ok(Trust::Anybody),
        "verify-full" => Ok(Trust::Named(root)),
        _ => Err(Error::invalid_with(
            "the database URL's sslmode is none that odavl has",
            "say disable, require or verify-full",
        )),
    }
}

/// Whether what is sent stays on this machine.
fn is_here(host: &Host) -> bool {
    match host {
        #[cfg(unix)]
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
    }
}

fn place(config: &Config) -> Result<String> {
    let Some(host) = config.get_hosts().first() else {
        return Err(Error::invalid_with("the database URL names no host", FORM));
    };
    let host = match host {
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
        Host::Tcp(name) => name.clone(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    Ok(format!("{host}:{port}/{database}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusted(url: &str) -> Result<Trust> {
        let (rest, sslmode, root) = split(url)?;
        trust(sslmode.as_deref(), root, &rest.parse::<Config>().unwrap())
    }

    #[test]
    fn what_leaves_the_machine_is_encrypted_to_a_server_that_is_known() {
        for (url, expected) in [
            ("postgres://u:p@127.0.0.1/d", Trust::Plain),
            ("postgres://u:p@[::1]/d", Trust::Plain),
            ("postgres://u@%2Frun%2Fpostgresql/d", Trust::Plain),
            ("postgres://u:p@db.example/d", Trust::Named(None)),
            ("postgres://u:p@127.0.0.1,db.example/d", Trust::Named(None)),
            ("postgres://u:p@localhost/d?hostaddr=192.0.2.1", Trust::Named(None)),
            ("postgres://u:p@db.example/d?sslmode=disable", Trust::Plain),
            ("postgresql://u:p@db.example/d?connect_timeout=2&sslmode=require", Trust::Anybody),
            (
                "postgres://u:p@db.example/d?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem",
                Trust::Named(Some("/etc/ca.pem".into())),
            ),
        ] {
            assert_eq!(trusted(url).unwrap(), expected, "{url}");
        }
        for refused in ["sslmode=prefer", "sslmode=require&sslrootcert=ca.pem"] {
            assert!(trusted(&format!("postgres://u:p@db.example/d?{refused}")).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_url_that_cannot_be_read_is_invalid_and_its_password_is_not_shown() {
        for url in [
            "mysql://u:canary@db.example/d",
            "host=db.example password=canary",
            "postgres://u:canary@db.example:port/d",
            "postgres://u:canary@/d",
            "postgres://u:canary@127.0.0.1/d?nonsense=canary",
            "postgres://u:canary@127.0.0.1/d?sslmode=canary",
            "postgres://u:p@127.0.0.1/d?sslmode=verify-full&sslrootcert=/nowhere",
        ] {
            let error = Settings::parse(url).map(drop).unwrap_err();
            assert!(error.hint().is_some(), "{error}");
            assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
        }
    }

    #[test]
    fn an_error_s_reader_is_told_host_port_and_database() {
        let settings = Settings::parse("postgres://ada:canary@127.0.0.1:5433/books").unwrap();
        assert_eq!(settings.place(), "127.0.0.1:5433/books");
    }
}
