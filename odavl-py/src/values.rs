//! What use cases answer, as plain data that becomes the classes of `odavl.models`: the same through every door.

use std::collections::BTreeMap;

use jiff::Timestamp;
use odavl_core::{auth, metering, page};
use pyo3::{IntoPyObjectExt as _, prelude::*, types::PyTuple};

use crate::failure::{Failure, Result};

/// Several, as Python holds what does not change.
#[derive(Debug, Clone)]
pub(crate) struct Several<T>(pub(crate) Vec<T>);

impl<T> FromIterator<T> for Several<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<'py, T: IntoPyObject<'py>> IntoPyObject<'py> for Several<T> {
    type Target = PyTuple;
    type Output = Bound<'py, PyTuple>;
    type Error = PyErr;
    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let items =
            self.0.into_iter().map(|item| item.into_bound_py_any(py)).collect::<PyResult<Vec<_>>>()?;
        PyTuple::new(py, items)
    }
}

/// The class of that name, whose fields are those, in that order.
pub(crate) fn class(py: Python<'_>, name: &str, fields: &[&str]) -> PyResult<Py<PyAny>> {
    let class = py.import("odavl.models")?.getattr(name)?;
    let its: Vec<String> = class.getattr("__match_args__")?.extract()?;
    if its == fields {
        return Ok(class.unbind());
    }
    let what = format!("odavl.models.{name} has the fields {its:?}, and is given {fields:?}");
    Err(pyo3::exceptions::PyRuntimeError::new_err(what))
}

macro_rules! values {
    ($($(#[$doc:meta])* $name:ident $(<$T:ident>)? { $($field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub(crate) struct $name $(<$T>)? { $(pub(crate) $field: $type,)* }

        impl<'py $(, $T: ::pyo3::IntoPyObject<'py>)?> ::pyo3::IntoPyObject<'py> for $name $(<$T>)? {
            type Target = ::pyo3::PyAny;
            type Output = ::pyo3::Bound<'py, ::pyo3::PyAny>;
            type Error = ::pyo3::PyErr;
            fn into_pyobject(self, py: ::pyo3::Python<'py>) -> ::pyo3::PyResult<Self::Output> {
                use ::pyo3::{IntoPyObjectExt as _, types::PyAnyMethods as _};

                static CLASS: ::pyo3::sync::PyOnceLock<::pyo3::Py<::pyo3::PyAny>> = ::pyo3::sync::PyOnceLock::new();
                let fields = [$(stringify!($field)),*];
                let class = CLASS.get_or_try_init(py, || crate::values::class(py, stringify!($name), &fields))?;
                class.bind(py).call1(::pyo3::types::PyTuple::new(py, [$(self.$field.into_bound_py_any(py)?),*])?)
            }
        }
    )*};
}
pub(crate) use values;

values! {
    /// Where a meter stands against one of its limits.
    Standing {
        meter: String,
        units: u64,
        used: u64,
        limit: Option<u64>,
        remaining: Option<u64>,
        resets_at: Option<Timestamp>,
        warning: Option<u8>,
        period: String,
        key_id: Option<String>,
    }

    /// A charge that was granted.
    Consumed {
        meter: String,
        units: u64,
        used: u64,
        limit: Option<u64>,
        remaining: Option<u64>,
        resets_at: Option<Timestamp>,
        warning: Option<u8>,
        replayed: bool,
    }

    /// What an organisation used, and may use.
    UsageReport {
        plan: String,
        limits: Several<Standing>,
        api_keys: u64,
        api_keys_limit: Option<u64>,
    }

    /// Units that are held.
    Reserved {
        id: String,
        expires_at: Timestamp,
        limits: Several<Standing>,
        replayed: bool,
    }

    /// A reservation that has ended.
    Ended {
        id: String,
        limits: Several<Standing>,
        replayed: bool,
    }

    /// One window of history.
    Bucket {
        start: Timestamp,
        subject: String,
        units: i64,
        count: u64,
        closing: Option<u64>,
    }

    /// A line of the ledger.
    LedgerEntry {
        seq: u64,
        at: Timestamp,
        counted_at: Timestamp,
        subject: String,
        charges: BTreeMap<String, i64>,
        reservation: Option<String>,
        tags: BTreeMap<String, String>,
    }

    /// The caller, as they stand now.
    Me {
        user_id: Option<String>,
        email: Option<String>,
        key_id: Option<String>,
        key_name: Option<String>,
        organization: String,
        organization_slug: String,
        plan: String,
        scopes: Several<String>,
    }

    /// A page of a list.
    Page<T> {
        items: Several<T>,
        next_cursor: Option<String>,
    }
}

impl<T> Page<T> {
    pub(crate) fn of<U: Into<T>>(page: page::Page<U>) -> Self {
        Self { items: page.items.into_iter().map(Into::into).collect(), next_cursor: page.next_cursor }
    }
}

impl From<metering::Standing> for Standing {
    fn from(standing: metering::Standing) -> Self {
        Self {
            meter: standing.meter.to_string(),
            units: standing.units,
            used: standing.used,
            limit: standing.limit,
            remaining: standing.remaining,
            resets_at: standing.resets_at,
            warning: standing.warning,
            period: standing.period.to_string(),
            key_id: standing.key_id.map(|id| id.to_string()),
        }
    }
}

/// Where each charge stands.
pub(crate) fn limits(standings: Vec<metering::Standing>) -> Several<Standing> {
    standings.into_iter().map(Standing::from).collect()
}

impl TryFrom<metering::Answer> for Consumed {
    type Error = Failure;
    fn try_from(answer: metering::Answer) -> Result<Self> {
        let first = answer.standings.into_iter().next();
        let standing =
            first.ok_or_else(|| odavl_core::Error::internal("a charge was granted without a limit", None))?;
        Ok(Self {
            meter: standing.meter.to_string(),
            units: standing.units,
            used: standing.used,
            limit: standing.limit,
            remaining: standing.remaining,
            resets_at: standing.resets_at,
            warning: standing.warning,
            replayed: answer.replayed,
        })
    }
}

impl From<metering::UsageReport> for UsageReport {
    fn from(report: metering::UsageReport) -> Self {
        Self {
            plan: report.plan,
            limits: limits(report.limits),
            api_keys: report.api_keys,
            api_keys_limit: report.api_keys_limit,
        }
    }
}

impl From<metering::Reserved> for Reserved {
    fn from(reserved: metering::Reserved) -> Self {
        Self {
            id: reserved.id.to_string(),
            expires_at: reserved.expires_at,
            limits: limits(reserved.answer.standings),
            replayed: reserved.answer.replayed,
        }
    }
}

impl Ended {
    pub(crate) fn new(id: odavl_core::ids::ReservationId, answer: metering::Answer) -> Self {
        Self { id: id.to_string(), limits: limits(answer.standings), replayed: answer.replayed }
    }
}

impl From<metering::Bucket> for Bucket {
    fn from(bucket: metering::Bucket) -> Self {
        Self {
            start: bucket.start,
            subject: bucket.subject,
            units: bucket.units,
            count: bucket.count,
            closing: bucket.closing,
        }
    }
}

impl From<metering::Record> for LedgerEntry {
    fn from(record: metering::Record) -> Self {
        Self {
            seq: record.seq,
            at: record.at,
            counted_at: record.counted_at,
            subject: record.subject,
            charges: record.charges.into_iter().map(|(meter, units)| (meter.to_string(), units)).collect(),
            reservation: record.reservation.map(|id| id.to_string()),
            tags: record.tags,
        }
    }
}

impl From<auth::Me> for Me {
    fn from(me: auth::Me) -> Self {
        Self {
            user_id: me.user_id.map(|id| id.to_string()),
            email: me.email,
            key_id: me.key_id.map(|id| id.to_string()),
            key_name: me.key_name,
            organization: me.organization.to_string(),
            organization_slug: me.organization_slug,
            plan: me.plan,
            scopes: Several(me.scopes.to_vec()),
        }
    }
}
