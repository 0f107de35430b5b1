//! A session as Python holds it.

use pyo3::prelude::*;

use crate::{
    call::Call,
    door::{self, Door},
    failure::Result,
    gateway::Gateway,
    input::{Arg, Text, read},
    keys::Keys,
    runs::{Projects, Runs},
    storage::Storage,
    usage::Usage,
    values::Me,
};

impl Door {
    async fn me(&self) -> Result<Me> {
        match self {
            Self::Embedded(session) => Ok(session.me().await?.into()),
        }
    }

    fn acting_on(&self, organization: &str) -> Self {
        match self {
            Self::Embedded(session) => Self::Embedded(session.acting_on(organization)),
        }
    }
}

/// Someone who may act.
#[pyclass(frozen, module = "odavl._odavl")]
pub(crate) struct Session(pub(crate) door::Session);

#[pymethods]
impl Session {
    fn me(&self) -> PyResult<Call> {
        self.0.call(|door| async move { door.me().await })
    }

    fn acting_on(&self, organization: Arg<'_, '_>) -> PyResult<Self> {
        read!(organization: Text);
        Ok(Self(self.0.beside(self.0.door()?.acting_on(&organization.0))))
    }

    fn close(&self) {
        self.0.close();
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
    fn gateway(&self) -> Gateway {
        Gateway(self.0.clone())
    }
}
