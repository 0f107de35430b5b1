//! Pieces of JSON that take little memory whatever stands in them.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

/// A value that is written as an object. (What serde derives for a struct would take an array of its fields too.)
#[derive(Debug)]
pub(super) struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// What can take the elements of an array one at a time.
pub(super) trait Fold<T>: Default {
    /// What an element is, in the plural.
    const WHAT: &'static str;

    /// Takes the next element, or says why it cannot be.
    fn take(&mut self, element: T) -> Result<(), String>;
}

/// An array that is folded as it is read; its elements are never in memory together.
pub(super) fn folded<'de, D, T, F>(deserializer: D) -> Result<F, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
    F: Fold<T>,
{
    deserializer.deserialize_seq(FoldVisitor(PhantomData::<(T, F)>))
}

struct FoldVisitor<T, F>(PhantomData<(T, F)>);

impl<'de, T: Deserialize<'de>, F: Fold<T>> Visitor<'de> for FoldVisitor<T, F> {
    type Value = F;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array of {}", F::WHAT)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<F, A::Error> {
        let mut folded = F::default();
        while let Some(element) = elements.next_element()? {
            folded.take(element).map_err(de::Error::custom)?;
        }
        Ok(folded)
    }
}

/// The first element of an array; the others are passed over.
pub(super) struct First<T>(pub Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for First<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(FirstVisitor(PhantomData))
    }
}

struct FirstVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FirstVisitor<T> {
    type Value = First<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<First<T>, A::Error> {
        let first = elements.next_element()?;
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(First(first))
    }
}

/// A name of at most `N` bytes, without control characters, so that it can be stored and shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Label<const N: usize>(pub String);

impl<'de, const N: usize> Deserialize<'de> for Label<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(LabelVisitor)
    }
}

struct LabelVisitor<const N: usize>;

impl<const N: usize> Visitor<'_> for LabelVisitor<N> {
    type Value = Label<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a name of 1 to {N} bytes without control characters")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Label<N>, E> {
        if text.is_empty() || text.len() > N || text.chars().any(char::is_control) {
            return Err(E::invalid_value(de::Unexpected::Other("another string"), &self));
        }
        Ok(Label(text.to_owned()))
    }
}
