//! The gateway before somebody's own routes: what a server got is decided about, and how it is answered.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use odavl_core::{
    Clock as _, Error, ErrorCode, SystemClock,
    auth::{Environment, Scopes},
    gateway::{self, check_charges},
};
use odavl_http::protect::{Rules, announced, identity};
use pyo3::{prelude::*, types::PyBytes};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    call::Call,
    door::{Door, Session},
    engine::Engine,
    failure::{Failure, Result},
    input::{Arg, Charges, Parsed, Text, read},
    values::{Several, Standing, limits, values},
};

values! {
    /// Whose request it is.
    Identity {
        key_id: String,
        organization: String,
        external_id: Option<String>,
        plan: String,
        scopes: Several<String>,
        environment: String,
        metadata: BTreeMap<String, String>,
        limits: Several<Standing>,
    }
}

impl From<gateway::Identity> for Identity {
    fn from(identity: gateway::Identity) -> Self {
        Self {
            key_id: identity.key_id.to_string(),
            organization: identity.organization.to_string(),
            external_id: identity.external_id,
            plan: identity.plan,
            scopes: Several(identity.scopes.to_vec()),
            environment: identity.environment.as_str().to_owned(),
            metadata: identity.metadata,
            limits: limits(identity.limits),
        }
    }
}

/// What those are told whose requests nobody decides about.
const SILENT: &str = "the gateway does not answer";

/// Headers as a server has them.
struct Fields(HeaderMap);

impl<'a, 'py> FromPyObject<'a, 'py> for Fields {
    type Error = PyErr;
    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let mut fields = HeaderMap::new();
        for field in object.try_iter()? {
            let (name, value): (Vec<u8>, Vec<u8>) = field?.extract()?;
            // What is no header is none that is looked for.
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&name), HeaderValue::from_bytes(&value)) {
                fields.append(name, value);
            }
        }
        Ok(Self(fields))
    }
}

impl<'py> IntoPyObject<'py> for Fields {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;
    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let bytes = |bytes: &[u8]| PyBytes::new(py, bytes);
        let fields = self.0.iter();
        let fields = fields.map(|(name, value)| (bytes(name.as_str().as_bytes()), bytes(value.as_bytes())));
        fields.collect::<Vec<_>>().into_pyobject(py)
    }
}

/// Whose request it is, and what its answer says besides; or, where it may not pass, the answer's status, headers and
/// body. What failed is logged as it is made.
#[derive(IntoPyObject)]
pub(crate) struct Decision(Option<Identity>, u16, Fields, Vec<u8>);

impl Decision {
    async fn refused(rules: &Rules, error: &Error, headers: &HeaderMap, upgrade_url: Option<&str>) -> Self {
        let answer = rules.refusal(error, headers, upgrade_url, SystemClock.now()).await;
        let (parts, body) = answer.into_parts();
        Self(None, parts.status.as_u16(), Fields(parts.headers), body.to_vec())
    }
}

impl Door {
    fn upgrade_url(&self) -> Option<String> {
        match self {
            Self::Embedded(session) => session.odavl().settings().upgrade_url.clone(),
            // The service does not say it.
            Self::Remote(_) => None,
        }
    }

    async fn answer(&self, rules: &Rules, headers: HeaderMap, peer: Option<IpAddr>) -> Result<Decision> {
        let decided = match rules.question(&headers, peer) {
            Ok(request) => identity(self.verify(request).await.map_err(Error::from)),
            Err(error) => Err(error),
        };
        Ok(match decided {
            Ok(identity) => {
                let said = announced(&identity, SystemClock.now());
                Decision(Some(identity.into()), 200, Fields(said), Vec::new())
            }
            Err(error) => Decision::refused(rules, &error, &headers, self.upgrade_url().as_deref()).await,
        })
    }
}

/// What is answered where nothing can be decided, such as by what was closed or opened before a fork, and why.
#[pyfunction]
fn undecided(py: Python<'_>, headers: Arg<'_, '_>, why: Arg<'_, '_>) -> PyResult<Call> {
    read!(headers: Fields, why: Text);
    Ok(Call::new(&Engine::of_process(py)?, async move {
        let error = Error::unavailable(SILENT, Some(why.0.into()));
        Ok(Decision::refused(&Rules::default(), &error, &headers.0, None).await)
    }))
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Guard>()?;
    module.add_function(wrap_pyfunction!(undecided, module)?)
}

/// What requests need to get through, and who decides.
#[pyclass(frozen, module = "odavl._odavl")]
pub(crate) struct Guard {
    session: Session,
    rules: Arc<Rules>,
}

impl Guard {
    pub(crate) fn new(
        session: &Session,
        [scope, charges, environment, key_header, trusted_proxies]: [Arg<'_, '_>; 5],
    ) -> PyResult<Self> {
        read!(scope: Option<Parsed<Scopes>>, charges: Option<Charges>, environment: Option<Parsed<Environment>>);
        read!(key_header: Text, trusted_proxies: Vec<Text>);
        let no_header = |_| Failure::invalid("`key_header` is not the name of a header");
        let no_address = |_| Failure::invalid("`trusted_proxies` are addresses");
        let proxies = trusted_proxies.iter().map(|Text(proxy)| proxy.parse());
        let rules = Rules {
            scope: scope.map_or_else(Scopes::none, |Parsed(scope)| scope),
            charges: charges.map_or_else(Vec::new, |Charges(charges)| charges),
            environment: environment.map(|Parsed(environment)| environment),
            key_header: key_header.0.parse().map_err(no_header)?,
            trusted_proxies: proxies.collect::<std::result::Result<_, _>>().map_err(no_address)?,
        };
        // Before what is closed nothing passes, whatever it costs.
        if let Ok(door) = session.door()
            && let Door::Embedded(own) = door.as_ref()
        {
            check_charges(&own.odavl().settings().catalog, &rules.charges).map_err(Failure::from)?;
        }
        Ok(Self { session: session.clone(), rules: Arc::new(rules) })
    }
}

#[pymethods]
impl Guard {
    /// Decides about a request with these headers, from that host.
    fn decide(&self, headers: Arg<'_, '_>, host: Arg<'_, '_>) -> PyResult<Call> {
        read!(headers: Fields, host: Option<Text>);
        // What is no address, such as a socket's path, is not known to be in any list.
        let peer = host.and_then(|Text(host)| host.parse().ok());
        let rules = self.rules.clone();
        self.session.call(|door| async move { door.answer(&rules, headers.0, peer).await })
    }
}

/// Why a service did not decide, as those tell it whose requests they are.
impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure.code() {
            ErrorCode::Unavailable => Self::unavailable(SILENT, Some(failure.message().into())),
            _ => Self::internal("the gateway did not decide", Some(failure.message().into())),
        }
    }
}
