//! The library, opened in this process.

use std::{
    collections::HashMap,
    env,
    ffi::{OsStr, OsString},
    path::PathBuf,
    sync::Arc,
};

use odavl_core::{
    Error, Odavl,
    auth::{Email, OrgRef, SetUp, Slug},
    config::Config,
    secret::Secret,
    session::Context,
};
use pyo3::prelude::*;
use tokio::task::spawn_blocking;

use crate::{
    call::Call,
    door::{self, Door},
    engine::Engine,
    failure::Result,
    handle::Handle,
    input::{Arg, Parsed, Text, read, said},
    session::Session,
    upkeep::Upkeep,
};

/// Where data lies unless it is said.
const DATA: &str = "odavl-data";
/// Where people reach the service unless it is said; what is embedded serves nobody.
const PUBLIC_URL: &str = "http://127.0.0.1:8787";

/// An installation that is open.
#[pyclass(frozen, module = "odavl._odavl")]
pub(crate) struct Installation(Arc<Handle>);

impl Installation {
    /// What to open a session with, and what it came from.
    fn opened(&self) -> Result<(Odavl, Arc<Handle>)> {
        Ok((self.0.odavl()?, self.0.clone()))
    }
}

/// Opens the installation that `file`, then `json`, then `ODAVL_*` variables, then the arguments describe: each goes
/// before those that are named before it.
#[pyfunction]
#[pyo3(signature = (file, json, database, storage, data, upkeep))]
#[expect(clippy::too_many_arguments, reason = "each is an argument in Python")]
pub(crate) fn open(
    py: Python<'_>,
    file: Arg<'_, '_>,
    json: Arg<'_, '_>,
    database: Arg<'_, '_>,
    storage: Arg<'_, '_>,
    data: Arg<'_, '_>,
    upkeep: Arg<'_, '_>,
) -> PyResult<Call> {
    read!(file: Option<PathBuf>, json: Option<Text>, database: Option<Text>, storage: Option<Text>, data: Option<PathBuf>);
    read!(upkeep: bool);
    let engine = Engine::of_process(py)?;
    let variables = Variables::now();
    let within = engine.clone();
    Ok(Call::new(&engine, async move {
        let config = configured(file, json).await?;
        let mut config = config.with_variables(|name| variables.text(name));
        config.database = said(database).map(Secret::new).or(config.database);
        config.storage = said(storage).or(config.storage);
        let data =
            data.or_else(|| variables.get("ODAVL_DATA").map(PathBuf::from)).or_else(|| config.data.clone());
        let settings = config.settings(PUBLIC_URL)?;
        let odavl = Odavl::open(&data.unwrap_or_else(|| PathBuf::from(DATA)), settings).await?;
        let upkeep = upkeep.then(|| Upkeep::begin(&odavl));
        Ok(Installation(Handle::of_installation(&within, odavl, upkeep)))
    }))
}

/// What was given; a file may be a pipe, which is waited for.
async fn configured(file: Option<PathBuf>, json: Option<Text>) -> Result<Config> {
    match (file, json) {
        (Some(path), _) => {
            let read = spawn_blocking(move || Config::read(&path)).await;
            Ok(read.map_err(|error| Error::internal("reading stopped", Some(error.into())))??)
        }
        (None, Some(Text(json))) => Ok(Config::parse_json(&json)?),
        (None, None) => Ok(Config::default()),
    }
}

/// The process's variables as they were while nothing of Python's ran, which may change them. An empty one says nothing.
struct Variables(HashMap<OsString, OsString>);

impl Variables {
    fn now() -> Self {
        Self(env::vars_os().filter(|(_, said)| !said.is_empty()).collect())
    }

    fn get(&self, name: &str) -> Option<&OsString> {
        self.0.get(OsStr::new(name))
    }

    /// The same as text. One that is not UTF-8 is refused as what it is for, rather than taken for none.
    fn text(&self, name: &str) -> Option<String> {
        Some(self.get(name)?.to_string_lossy().into_owned())
    }
}

#[pymethods]
impl Installation {
    fn authenticate(&self, credential: Arg<'_, '_>, organization: Arg<'_, '_>) -> PyResult<Call> {
        read!(credential: Text, organization: Option<Text>);
        let (odavl, handle) = self.opened()?;
        Ok(Call::new(self.0.engine(), async move {
            let context = Context { organization: said(organization), ..Context::default() };
            let session = odavl.authenticate(odavl.credential(&credential.0)?, context).await?;
            Ok(Session(door::Session::new(Door::Embedded(Arc::new(session)), handle)))
        }))
    }

    fn system(&self, org: Arg<'_, '_>) -> PyResult<Call> {
        read!(org: Parsed<OrgRef>);
        let (odavl, handle) = self.opened()?;
        Ok(Call::new(self.0.engine(), async move {
            let session = odavl.system(&org.0, Context::default()).await?;
            Ok(Session(door::Session::new(Door::Embedded(Arc::new(session)), handle)))
        }))
    }

    fn set_up(
        &self,
        email: Arg<'_, '_>,
        password: Arg<'_, '_>,
        org: Arg<'_, '_>,
        name: Arg<'_, '_>,
    ) -> PyResult<Call> {
        read!(email: Parsed<Email>, password: Text, org: Parsed<Slug>, name: Text);
        let odavl = self.0.odavl()?;
        let wish =
            SetUp { email: email.0, name: name.0, password: Secret::new(password.0), organization: org.0 };
        Ok(Call::new(self.0.engine(), async move { Ok(odavl.set_up(wish).await?.to_string()) }))
    }

    fn sweep(&self) -> PyResult<Call> {
        let odavl = self.0.odavl()?;
        Ok(Call::new(self.0.engine(), async move { Ok(odavl.sweep().await?) }))
    }

    fn ready(&self) -> PyResult<Call> {
        let odavl = self.0.odavl()?;
        Ok(Call::new(self.0.engine(), async move { Ok(odavl.ready().await?) }))
    }

    /// Ends it, and every session that came from it; again it does nothing. It is waited for until nothing of it is left.
    fn close(&self, py: Python<'_>) -> PyResult<Call> {
        self.0.close(py)
    }

    #[getter]
    fn closed(&self) -> bool {
        !self.0.is_open()
    }
}
