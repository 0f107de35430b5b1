//! A session as Python holds it.

use odavl_client::door::origin::Origin;
use pyo3::prelude::*;

use crate::{
    backups::Backups,
    call::Call,
    door::{self, Door},
    engine::Engine,
    failure::{Failure, Result},
    gateway::Gateway,
    handle::Handle,
    input::{Arg, Text, read, said},
    keys::Keys,
    remote::Remote,
    runs::{Projects, Runs},
    storage::Storage,
    usage::Usage,
    values::Me,
};

impl Door {
    async fn me(&self) -> Result<Me> {
        match self {
            Self::Embedded(session) => Ok(session.me().await?.into()),
            Self::Remote(remote) => remote.me().await,
        }
    }

    fn acting_on(&self, organization: &str) -> Result<Self> {
        Ok(match self {
            Self::Embedded(session) => Self::Embedded(std::sync::Arc::new(session.acting_on(organization))),
            Self::Remote(remote) => Self::Remote(remote.acting_on(organization)?),
        })
    }
}

/// Connects to the service at `url` as whoever holds `key`: the session, once the service has said who that is.
#[pyfunction]
pub(crate) fn connect(
    py: Python<'_>,
    url: Arg<'_, '_>,
    key: Arg<'_, '_>,
    organization: Arg<'_, '_>,
    allow_http: Arg<'_, '_>,
) -> PyResult<Call> {
    read!(url: Text, key: Text, organization: Option<Text>, allow_http: bool);
    let engine = Engine::of_process(py)?;
    let origin: Origin = url.0.parse().map_err(Failure::from)?;
    let organization = said(organization);
    let within = engine.clone();
    Ok(Call::new(&engine, async move {
        let remote = Remote::at(origin, key.0, allow_http, organization.as_deref())?;
        remote.me().await?;
        Ok(Session(door::Session::new(Door::Remote(remote), Handle::of_service(&within))))
    }))
}

/// Someone who may act.
#[pyclass(frozen, module = "odavl._odavl")]
pub(crate) struct Session(pub(crate) door::Session);

#[pymethods]
impl Session {
    fn me(&self) -> PyResult<Call> {
        self.0.call(|door| async move { door.me().await })
    }

    fn acting_on(&self, py: Python<'_>, organization: Arg<'_, '_>) -> PyResult<Self> {
        read!(organization: Text);
        let door = self.0.door()?;
        // A client may be made for it, which takes its time.
        let other = py.detach(|| door.acting_on(&organization.0))?;
        Ok(Self(self.0.beside(other)))
    }

    fn close(&self, py: Python<'_>) -> PyResult<Call> {
        self.0.handle().close(py)
    }

    #[getter]
    fn usage(&self) -> Usage {
        Usage(self.0.clone())
    }

    #[getter]
    fn storage(&self) -> Storage {
        Storage(self.0.clone())
    }

    #[getter]
    fn keys(&self) -> Keys {
        Keys(self.0.clone())
    }

    #[getter]
    fn projects(&self) -> Projects {
        Projects(self.0.clone())
    }

    #[getter]
    fn runs(&self) -> Runs {
        Runs(self.0.clone())
    }

    #[getter]
    fn backups(&self) -> Backups {
        Backups(self.0.clone())
    }

    #[getter]
    fn gateway(&self) -> Gateway {
        Gateway(self.0.clone())
    }
}
