//! Types of the document that several resources share.

use std::{borrow::Cow, collections::BTreeMap};

use jiff::Timestamp;
use odavl_core::{
    Error,
    metering::{MeterName, Standing},
    page::PageQuery,
};
use poem_openapi::{
    Object,
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromJSON, ParseFromParameter, ParseResult, ToJSON, Type},
};
use serde_json::Value;

use crate::{
    problem::Failure,
    shape::{Cursor, IdempotencyKey, Meter, Named, Text},
};

/// An instant, RFC 3339 in UTC.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time(pub(crate) Timestamp);

impl Type for Time {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "string_date-time".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "date-time")))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ParseFromJSON for Time {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value.unwrap_or_default() {
            Value::String(text) => Self::parse_from_parameter(&text),
            other => Err(ParseError::expected_type(other)),
        }
    }
}

impl ParseFromParameter for Time {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        text.parse().map(Self).map_err(|_| ParseError::custom("an instant is written 2026-11-22T09:00:00Z"))
    }
}

impl ToJSON for Time {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(self.0.to_string()))
    }
}

macro_rules! integers {
    ($($(#[$doc:meta])* $name:ident = $least:literal..=$most:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $name(pub(crate) u64);

        impl Type for $name {
            const IS_REQUIRED: bool = true;
            type RawValueType = Self;
            type RawElementValueType = Self;

            fn name() -> Cow<'static, str> {
                "integer".into()
            }

            fn schema_ref() -> MetaSchemaRef {
                let schema = MetaSchema::new_with_format("integer", "uint64");
                MetaSchemaRef::Inline(Box::new(MetaSchema { minimum: Some($least), maximum: Some($most), ..schema }))
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }

            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(std::iter::once(self))
            }
        }

        impl ParseFromJSON for $name {
            fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
                let value = value.unwrap_or_default();
                value.as_u64().map(Self).ok_or_else(|| ParseError::expected_type(value))
            }
        }

        impl ParseFromParameter for $name {
            fn parse_from_parameter(text: &str) -> ParseResult<Self> {
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                let number = digits.then(|| text.parse().ok()).flatten();
                number.map(Self).ok_or_else(|| ParseError::custom("that is not a whole number"))
            }
        }

        impl ToJSON for $name {
            fn to_json(&self) -> Option<Value> {
                Some(self.0.into())
            }
        }
    )*};
}

integers! {
    /// Units of a meter.
    Units = 0.0..=9_007_199_254_740_991.0;
    /// The bytes of an object.
    Size = 0.0..=5_497_558_138_880.0;
    /// How many items a page has.
    PageLimit = 1.0..=1000.0;
}

/// What is charged where no number is given.
pub(crate) fn one() -> Units {
    Units(1)
}

/// Where a meter stands against one of its limits.
#[derive(Debug, Object)]
#[oai(rename = "Standing")]
pub(crate) struct StandingBody {
    /// The meter.
    meter: String,
    /// What this request charged.
    units: u64,
    /// What is used in the period, open reservations included.
    used: u64,
    /// The limit; null is unlimited.
    limit: Option<u64>,
    /// What is left; null is unlimited.
    remaining: Option<u64>,
    /// When the period ends; null for what is held.
    resets_at: Option<Time>,
    /// The highest threshold reached: 80, 90 or 100; null below.
    warning: Option<u8>,
    /// Over what time the limit counts: `month`, `month:15`, `day`, `60s`, or `held`.
    period: String,
    /// The key whose own limit this is; null for the organisation's.
    key_id: Option<String>,
}

impl From<Standing> for StandingBody {
    fn from(standing: Standing) -> Self {
        Self {
            meter: standing.meter.to_string(),
            units: standing.units,
            used: standing.used,
            limit: standing.limit,
            remaining: standing.remaining,
            resets_at: standing.resets_at.map(Time),
            warning: standing.warning,
            period: standing.period.to_string(),
            key_id: standing.key_id.map(|id| id.to_string()),
        }
    }
}

/// Units of a meter.
#[derive(Debug, Object)]
#[oai(rename = "Charge", deny_unknown_fields)]
pub(crate) struct ChargeBody {
    /// The meter.
    meter: Text<Meter>,
    /// How many units, to 2^53 - 1; 0 asks whether one would pass.
    units: Units,
}

impl ChargeBody {
    pub(crate) fn parse(self) -> Result<(MeterName, u64), Failure> {
        Ok((self.meter.parse()?, self.units.0))
    }
}

pub(crate) fn texts<S>(named: Option<Named<S>>) -> BTreeMap<String, String> {
    named.map(|named| named.0).unwrap_or_default()
}

pub(crate) fn page(limit: Option<PageLimit>, cursor: Option<Text<Cursor>>) -> Result<PageQuery, Failure> {
    let limit = limit.map(|PageLimit(limit)| u32::try_from(limit).unwrap_or(u32::MAX));
    PageQuery::new(limit, cursor.map(|cursor| cursor.0)).map_err(Failure)
}

/// An idempotency key from the header or the body; both only where they agree.
pub(crate) fn idempotency(
    header: Option<Text<IdempotencyKey>>,
    body: Option<Text<IdempotencyKey>>,
) -> Result<Option<String>, Failure> {
    match (header.map(|key| key.0), body.map(|key| key.0)) {
        (Some(header), Some(body)) if header != body => {
            Err(Failure(Error::invalid("`Idempotency-Key` and `idempotency_key` differ; send one")))
        }
        (header, body) => Ok(header.or(body)),
    }
}
