//! Rows, and how their columns are read: what makes no sense is `corrupted`, and says where.

use std::{fmt::Display, str::FromStr, sync::Arc};

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::value::Value;
use crate::{
    error::{Cause, Error, Result},
    secret::Digest,
};

/// A row that was read. Columns are named as in `row.read("users.created_at")`: the table is for the error alone,
/// which also names the row by its first column, so select the id first.
#[derive(Debug, Clone)]
pub struct Row {
    names: Arc<[Box<str>]>,
    values: Vec<Value>,
}

impl Row {
    pub(super) fn new(names: Arc<[Box<str>]>, values: Vec<Value>) -> Self {
        Self { names, values }
    }

    /// The column as a number, time, text, bytes, yes or no, or an `Option` of one.
    pub fn read<T: Column>(&self, column: &str) -> Result<T> {
        let value = self.value(column)?;
        T::read(value).ok_or_else(|| self.nonsense(column, None))
    }

    /// The column's text as what it stands for: an id, a period, a meter's name.
    pub fn parse<T: FromStr<Err: Into<Cause>>>(&self, column: &str) -> Result<T> {
        let text: String = self.read(column)?;
        text.parse().map_err(|error: T::Err| self.nonsense(column, Some(error.into())))
    }

    /// The same where the column may be null.
    pub fn parse_opt<T: FromStr<Err: Into<Cause>>>(&self, column: &str) -> Result<Option<T>> {
        match self.value(column)? {
            Value::Null => Ok(None),
            _ => self.parse(column).map(Some),
        }
    }

    /// What the column's JSON text says.
    pub fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        let text: String = self.read(column)?;
        serde_json::from_str(&text).map_err(|error| self.nonsense(column, Some(error.into())))
    }

    /// The error for a column whose value was read but makes no sense.
    pub fn nonsense(&self, column: &str, source: Option<Cause>) -> Error {
        let row: &dyn Display = match self.values.first() {
            Some(Value::Text(id)) => id,
            Some(Value::Int(id)) => id,
            _ => &"unknown",
        };
        Error::corrupted(format!("{column} of row {row} makes no sense"), source)
    }

    fn value(&self, column: &str) -> Result<&Value> {
        let name = column.rsplit_once('.').map_or(column, |(_, name)| name);
        let place = self.names.iter().position(|known| **known == *name);
        place
            .and_then(|place| self.values.get(place))
            .ok_or_else(|| Error::internal(format!("{column} was not selected"), None))
    }
}

/// A type that a column holds.
pub trait Column: Sized {
    /// What `value` says; `None` where it makes no sense.
    fn read(value: &Value) -> Option<Self>;
}

impl Column for i64 {
    fn read(value: &Value) -> Option<Self> {
        if let Value::Int(number) = value { Some(*number) } else { None }
    }
}

impl Column for u64 {
    fn read(value: &Value) -> Option<Self> {
        i64::read(value)?.try_into().ok()
    }
}

impl Column for u32 {
    fn read(value: &Value) -> Option<Self> {
        i64::read(value)?.try_into().ok()
    }
}

impl Column for u8 {
    fn read(value: &Value) -> Option<Self> {
        i64::read(value)?.try_into().ok()
    }
}

impl Column for bool {
    fn read(value: &Value) -> Option<Self> {
        match i64::read(value)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Column for Timestamp {
    fn read(value: &Value) -> Option<Self> {
        Self::from_microsecond(i64::read(value)?).ok()
    }
}

impl Column for String {
    fn read(value: &Value) -> Option<Self> {
        if let Value::Text(text) = value { Some(text.clone()) } else { None }
    }
}

impl Column for Vec<u8> {
    fn read(value: &Value) -> Option<Self> {
        if let Value::Blob(bytes) = value { Some(bytes.clone()) } else { None }
    }
}

impl Column for Digest {
    fn read(value: &Value) -> Option<Self> {
        if let Value::Blob(bytes) = value {
            Some(Self::from_bytes(bytes.as_slice().try_into().ok()?))
        } else {
            None
        }
    }
}

impl<T: Column> Column for Option<T> {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::read(value).map(Some),
        }
    }
}
