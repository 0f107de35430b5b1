//! What an action asks of the gate, and whether its caller may ask at all.

use std::{collections::BTreeMap, sync::Arc};

use jiff::SignedDuration;

use crate::{
    action::{Action, Needs},
    auth::{Access, Actor},
    caller::Caller,
    error::{Error, Reason, Result},
    ids::ReservationId,
    metering::{Idempotency, MeterName},
};

/// What an action asks of the gate.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) action: Action,
    products: Vec<String>,
    pub(crate) demand: Demand,
    pub(crate) idempotency: Option<Idempotency>,
    pub(crate) tags: Arc<BTreeMap<String, String>>,
}

/// The units that an action asks for.
#[derive(Debug)]
pub(crate) enum Demand {
    Nothing,
    /// Charged in one commit; given back if the act fails.
    Charge(Vec<(MeterName, i64)>),
    /// Held until what really happened is known.
    Hold {
        id: ReservationId,
        units: Vec<(MeterName, i64)>,
        lifetime: SignedDuration,
    },
}

impl Ask {
    pub(crate) fn new(action: Action) -> Self {
        Self {
            action,
            products: Vec::new(),
            demand: Demand::Nothing,
            idempotency: None,
            tags: Arc::default(),
        }
    }

    /// The products that the action may be about: the caller needs the scope of one of them.
    #[cfg(feature = "uploads")]
    pub(crate) fn products<'a>(mut self, products: impl IntoIterator<Item = &'a str>) -> Self {
        self.products = products.into_iter().map(str::to_owned).collect();
        self
    }

    pub(crate) fn charge(mut self, units: Vec<(MeterName, i64)>) -> Self {
        self.demand = Demand::Charge(units);
        self
    }

    pub(crate) fn hold(
        mut self,
        id: ReservationId,
        units: Vec<(MeterName, i64)>,
        lifetime: SignedDuration,
    ) -> Self {
        self.demand = Demand::Hold { id, units, lifetime };
        self
    }

    pub(crate) fn once(mut self, idempotency: Option<Idempotency>) -> Self {
        self.idempotency = idempotency;
        self
    }

    pub(crate) fn tagged(mut self, tags: BTreeMap<String, String>) -> Self {
        self.tags = Arc::new(tags);
        self
    }
}

/// Whether the caller's scopes allow the action.
pub(crate) fn authorise(caller: &Caller, ask: &Ask) -> Result<()> {
    let lacks = |resource: &str, access: Access| {
        let detail = format!("this needs the scope {resource}:{}", access.as_str());
        Err(Error::forbidden(Reason::InsufficientScope, detail))
    };
    let needs = ask.action.row().needs;
    if needs != Needs::Nothing && caller.actor == Actor::Visitor {
        return Err(Error::unauthenticated(Reason::Missing, "this needs a credential"));
    }
    match needs {
        Needs::Nothing | Needs::Credential => Ok(()),
        Needs::Scope(resource, access) if caller.scopes.allow(resource, access) => Ok(()),
        Needs::Scope(resource, access) => lacks(resource, access),
        Needs::Charging => {
            let one = |resource| caller.scopes.allow(resource, Access::Write);
            if one("usage") || one("gateway") { Ok(()) } else { lacks("usage", Access::Write) }
        }
        Needs::Product(access) => {
            let scope = |product: &String| caller.scopes.allow(product, access);
            if ask.products.iter().any(scope) || caller.scopes.allow("uploads", access) {
                return Ok(());
            }
            // Any of several would do; one scope is over them all.
            let named = if let [product] = ask.products.as_slice() { product } else { "uploads" };
            lacks(named, access)
        }
    }
}
