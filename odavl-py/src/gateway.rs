//! Decisions about someone else's key and quota.

use std::collections::BTreeMap;

use odavl_core::{
    auth::{Environment, Scopes},
    gateway::{self, VerifyRequest},
    secret::Secret,
};
use pyo3::prelude::*;

use crate::{
    call::Call,
    door::{Door, Session},
    failure::{Failure, Result},
    guard::Guard,
    input::{Arg, Charges, Named, Parsed, Text, read, said},
    values::{Several, Standing, limits, values},
};

values! {
    /// The decision.
    Verdict {
        valid: bool,
        code: Option<String>,
        reason: Option<String>,
        detail: Option<String>,
        retry_after: Option<f64>,
        key_id: Option<String>,
        organization: Option<String>,
        external_id: Option<String>,
        plan: Option<String>,
        scopes: Several<String>,
        environment: Option<String>,
        metadata: BTreeMap<String, String>,
        limits: Several<Standing>,
        replayed: bool,
    }
}

impl Verdict {
    fn no(error: &odavl_core::Error) -> Self {
        Self {
            valid: false,
            code: Some(error.code().as_str().to_owned()),
            reason: error.reason().map(|reason| reason.as_str().to_owned()),
            detail: Some(error.to_string()),
            retry_after: error.retry_after().map(|wait| wait.as_secs_f64()),
            key_id: None,
            organization: None,
            external_id: None,
            plan: None,
            scopes: Several(Vec::new()),
            environment: None,
            metadata: BTreeMap::new(),
            limits: error.refusal().map(|refused| refused.standing.clone().into()).into_iter().collect(),
            replayed: false,
        }
    }

    fn yes(identity: gateway::Identity) -> Self {
        Self {
            valid: true,
            code: None,
            reason: None,
            detail: None,
            retry_after: None,
            key_id: Some(identity.key_id.to_string()),
            organization: Some(identity.organization.to_string()),
            external_id: identity.external_id,
            plan: Some(identity.plan),
            scopes: Several(identity.scopes.to_vec()),
            environment: Some(identity.environment.as_str().to_owned()),
            metadata: identity.metadata,
            limits: limits(identity.limits),
            replayed: identity.replayed,
        }
    }
}

impl Door {
    pub(crate) async fn verify(&self, request: VerifyRequest) -> Result<gateway::Verdict> {
        match self {
            Self::Embedded(session) => Ok(session.gateway().verify(request).await?),
            Self::Remote(remote) => remote.verify(request).await,
        }
    }
}

/// `session.gateway`.
#[pyclass(frozen, module = "odavl._odavl")]
pub(crate) struct Gateway(pub(crate) Session);

#[pymethods]
impl Gateway {
    #[expect(clippy::too_many_arguments, reason = "each is an argument in Python")]
    fn verify(
        &self,
        key: Arg<'_, '_>,
        scope: Arg<'_, '_>,
        charges: Arg<'_, '_>,
        environment: Arg<'_, '_>,
        ip: Arg<'_, '_>,
        idempotency_key: Arg<'_, '_>,
        tags: Arg<'_, '_>,
    ) -> PyResult<Call> {
        read!(key: Text, scope: Option<Parsed<Scopes>>, charges: Option<Charges>, ip: Option<Text>);
        read!(environment: Option<Parsed<Environment>>, idempotency_key: Option<Text>, tags: Option<Named>);
        let wrong = |_| Failure::invalid("`ip` is not an address");
        let request = VerifyRequest {
            key: Secret::new(key.0),
            scope: scope.map_or_else(Scopes::default, |Parsed(scope)| scope),
            charges: charges.map_or_else(Vec::new, |Charges(charges)| charges),
            environment: environment.map(|Parsed(environment)| environment),
            ip: ip.map(|Text(ip)| ip.parse()).transpose().map_err(wrong)?,
            idempotency_key: said(idempotency_key),
            tags: tags.unwrap_or_default().0,
        };
        self.0.call(|door| async move {
            Ok(match door.verify(request).await? {
                gateway::Verdict::Valid(identity) => Verdict::yes(*identity),
                gateway::Verdict::Invalid(error) => Verdict::no(&error),
            })
        })
    }

    /// The gateway before somebody's own routes.
    #[expect(clippy::too_many_arguments, reason = "each is an argument in Python")]
    fn guard(
        &self,
        scope: Arg<'_, '_>,
        charges: Arg<'_, '_>,
        environment: Arg<'_, '_>,
        key_header: Arg<'_, '_>,
        trusted_proxies: Arg<'_, '_>,
    ) -> PyResult<Guard> {
        Guard::new(&self.0, [scope, charges, environment, key_header, trusted_proxies])
    }
}
