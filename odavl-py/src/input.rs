//! What comes from Python, read: a wrong type is a `TypeError` that names its argument, a wrong value `invalid_input`.

use std::{collections::BTreeMap, str::FromStr};

use jiff::Timestamp;
use odavl_core::{Error, metering::MeterName, page::PageQuery};
use pyo3::{
    Borrowed,
    exceptions::{PyAttributeError, PyOverflowError, PyTypeError},
    prelude::*,
    types::{PyDateTime, PyString, PyType, PyTzInfoAccess as _},
};

use crate::failure::Failure;

/// An argument as it comes.
pub(crate) type Arg<'a, 'py> = &'a Bound<'py, PyAny>;

/// The argument of that name, read.
pub(crate) fn argument<'py, T>(name: &str, value: Arg<'_, 'py>) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py, Error: Into<PyErr>>,
{
    let py = value.py();
    value.extract::<T>().map_err(|error| {
        let error: PyErr = error.into();
        if error.is_instance_of::<PyOverflowError>(py) {
            return Failure::invalid(format!("argument '{name}': the number is too large")).into();
        }
        let is_of_type = |class: Bound<'py, PyType>| error.get_type(py).is(&class);
        if !is_of_type(py.get_type::<PyTypeError>()) && !is_of_type(py.get_type::<PyAttributeError>()) {
            return error;
        }
        PyTypeError::new_err(format!("argument '{name}': {}", error.value(py)))
    })
}

/// Reads arguments in place, each as what it is said to be.
macro_rules! read {
    ($($name:ident: $type:ty),* $(,)?) => {$(
        let $name: $type = crate::input::argument(stringify!($name), $name)?;
    )*};
}
pub(crate) use read;

/// Text that can be written down: Python's may hold halves of characters. It may be a secret: it is not shown.
#[derive(Clone)]
pub(crate) struct Text(pub(crate) String);

impl<'a, 'py> FromPyObject<'a, 'py> for Text {
    type Error = PyErr;
    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let text = object.cast::<PyString>()?;
        text.to_cow().map(|text| Self(text.into_owned())).map_err(|_| {
            Failure::invalid_with("the text holds half a character (a surrogate)", "send it as valid Unicode")
                .into()
        })
    }
}

/// What an optional text says.
pub(crate) fn said(text: Option<Text>) -> Option<String> {
    text.map(|text| text.0)
}

/// A text that is something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parsed<T>(pub(crate) T);

impl<'a, 'py, T: FromStr<Err = Error>> FromPyObject<'a, 'py> for Parsed<T> {
    type Error = PyErr;
    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let text: Text = object.extract()?;
        text.0.parse().map(Self).map_err(|error| Failure::from(error).into())
    }
}

/// A whole number that is not negative. What is too large for odavl is refused by it; what is too large for a machine,
/// here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Units(pub(crate) u64);

impl<'a, 'py> FromPyObject<'a, 'py> for Units {
    type Error = PyErr;
    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        object.extract::<u64>().map(Self).map_err(|error| {
            if error.is_instance_of::<PyOverflowError>(object.py()) {
                return Failure::invalid("a number is 0 to 2^53 - 1").into();
            }
            error
        })
    }
}

/// Units of meters, from a mapping.
#[derive(Debug)]
pub(crate) struct Charges(pub(crate) Vec<(MeterName, u64)>);

impl<'a, 'py> FromPyObject<'a, 'py> for Charges {
    type Error = PyErr;
    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let pairs = pairs::<Parsed<MeterName>, Units>(object)?;
        Ok(Self(pairs.into_iter().map(|(meter, units)| (meter.0, units.0)).collect()))
    }
}

/// Names with their texts.
#[derive(Debug, Default)]
pub(crate) struct Named(pub(crate) BTreeMap<String, String>);

impl<'a, 'py> FromPyObject<'a, 'py> for Named {
    type Error = PyErr;
    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let pairs = pairs::<Text, Text>(object)?;
        Ok(Self(pairs.into_iter().map(|(name, value)| (name.0, value.0)).collect()))
    }
}

fn pairs<'py, K, V>(mapping: Borrowed<'_, 'py, PyAny>) -> PyResult<Vec<(K, V)>>
where
    K: for<'a> FromPyObject<'a, 'py, Error = PyErr>,
    V: for<'a> FromPyObject<'a, 'py, Error = PyErr>,
{
    let Ok(items) = mapping.call_method0("items") else {
        let kind = mapping.get_type().name()?;
        return Err(PyTypeError::new_err(format!("'{kind}' object is not a mapping")));
    };
    items
        .try_iter()?
        .map(|item| {
            let (name, value) = item?.extract::<(Bound<'py, PyAny>, Bound<'py, PyAny>)>()?;
            Ok((name.extract()?, value.extract()?))
        })
        .collect()
}

/// An instant: a `datetime` with its zone, or RFC 3339.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Instant(pub(crate) Timestamp);

impl<'a, 'py> FromPyObject<'a, 'py> for Instant {
    type Error = PyErr;
    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let hint = "write datetime.now(timezone.utc), or 2026-11-22T09:00:00Z";
        if object.is_instance_of::<PyString>() {
            let Text(text) = object.extract()?;
            let wrong =
                |_| Failure::invalid_with(format!("`{}` is not an instant", text.escape_default()), hint);
            return Ok(Self(text.parse().map_err(wrong)?));
        }
        let time = object.cast::<PyDateTime>()?;
        if time.get_tzinfo().is_none() {
            return Err(Failure::invalid_with("the datetime has no time zone", hint).into());
        }
        let text: String = time.call_method0("isoformat")?.extract()?;
        let wrong = |_| Failure::invalid_with("the datetime is out of range", hint);
        Ok(Self(text.parse().map_err(wrong)?))
    }
}

/// Which part of a list.
pub(crate) fn page(limit: Option<Units>, cursor: Option<Text>) -> PyResult<PageQuery> {
    let limit = limit.map(|Units(limit)| u32::try_from(limit).unwrap_or(u32::MAX));
    PageQuery::new(limit, said(cursor)).map_err(|error| Failure::from(error).into())
}
