//! The shapes of what callers send as text: the document tells them, so that a client knows before it asks. Whether a
//! text holds is the library's to say, and its refusal the better one to read.

use std::{borrow::Cow, collections::BTreeMap, fmt, marker::PhantomData, ops::Deref};

use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::{ParseError, ParseFromJSON, ParseFromParameter, ParseResult, ToJSON, Type},
};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What the document says of a text.
pub(crate) trait Shape: Send + Sync + 'static {
    /// What its schema is called, where generated clients shall have one type for it.
    const NAME: &'static str = "";
    /// The same of texts of that shape by name.
    const NAMED: &'static str = "";
    /// Its name, for texts whose rules go beyond a pattern.
    const FORMAT: Option<&'static str> = None;
    /// The regular expression that it matches (ECMA 262).
    const PATTERN: &'static str = "";
    /// How many characters it has at least.
    const LEAST: usize = 0;
    /// How many characters it has at most.
    const MOST: usize = 0;
    /// The only texts that it can be.
    const WORDS: &'static [&'static str] = &[];

    /// The schema.
    fn schema() -> MetaSchema {
        MetaSchema {
            format: Self::FORMAT,
            pattern: (!Self::PATTERN.is_empty()).then(|| Self::PATTERN.to_owned()),
            min_length: (Self::LEAST > 0).then_some(Self::LEAST),
            max_length: (Self::MOST > 0).then_some(Self::MOST),
            enum_items: Self::WORDS.iter().map(|&word| word.into()).collect(),
            ..MetaSchema::new("string")
        }
    }
}

/// The schema where it stands, or by its name.
fn schema_ref(name: &str, schema: MetaSchema) -> MetaSchemaRef {
    match name {
        "" => MetaSchemaRef::Inline(Box::new(schema)),
        name => MetaSchemaRef::Reference(name.to_owned()),
    }
}

fn register<T>(registry: &mut Registry, name: &str, schema: MetaSchema) {
    if !name.is_empty() {
        registry.create_schema::<T, _>(name.to_owned(), |_| schema);
    }
}

/// A text of that shape, as the caller wrote it.
pub(crate) struct Text<S>(pub(crate) String, PhantomData<fn() -> S>);

impl<S> Text<S> {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into(), PhantomData)
    }
}

/// A parameter that is not there reads as an empty one.
impl<S> Default for Text<S> {
    fn default() -> Self {
        Self::new("")
    }
}

impl<S> Deref for Text<S> {
    type Target = String;
    fn deref(&self) -> &String {
        &self.0
    }
}

impl<S> fmt::Debug for Text<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de, S> Deserialize<'de> for Text<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl<S: Shape> Type for Text<S> {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        S::FORMAT.unwrap_or("string").into()
    }

    fn schema_ref() -> MetaSchemaRef {
        schema_ref(S::NAME, S::schema())
    }

    fn register(registry: &mut Registry) {
        register::<Self>(registry, S::NAME, S::schema());
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<S: Shape> ParseFromJSON for Text<S> {
    /// A number is no text, although poem would take it for one.
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value.unwrap_or_default() {
            Value::String(text) => Ok(Self::new(text)),
            // What came instead is not repeated: it may hold a secret.
            _ => Err(ParseError::custom("a text is expected")),
        }
    }
}

impl<S: Shape> ParseFromParameter for Text<S> {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        Ok(Self::new(text))
    }
}

impl<S: Shape> ToJSON for Text<S> {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(self.0.clone()))
    }
}

/// Texts by name: the team's own notes, labels for the ledger.
#[derive(Debug)]
pub(crate) struct Named<S>(pub(crate) BTreeMap<String, String>, PhantomData<fn() -> S>);

impl<S> Named<S> {
    pub(crate) fn new(texts: BTreeMap<String, String>) -> Self {
        Self(texts, PhantomData)
    }
}

impl<S: Shape> Named<S> {
    fn schema() -> MetaSchema {
        MetaSchema {
            additional_properties: Some(Box::new(Text::<S>::schema_ref())),
            max_properties: Some(16),
            ..MetaSchema::new("object")
        }
    }
}

impl<S: Shape> Type for Named<S> {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "texts by name".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        schema_ref(S::NAMED, Self::schema())
    }

    fn register(registry: &mut Registry) {
        register::<Self>(registry, S::NAMED, Self::schema());
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<S: Shape> ParseFromJSON for Named<S> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let Value::Object(texts) = value.unwrap_or_default() else {
            return Err(ParseError::expected_input());
        };
        let text = |(name, value)| Ok((name, Text::<S>::parse_from_json(Some(value))?.0));
        let texts: Result<_, ParseError<Text<S>>> = texts.into_iter().map(text).collect();
        texts.map(Self::new).map_err(ParseError::propagate)
    }
}

impl<S: Shape> ToJSON for Named<S> {
    fn to_json(&self) -> Option<Value> {
        serde_json::to_value(&self.0).ok()
    }
}

macro_rules! shapes {
    ($($(#[$doc:meta])* $name:ident { $($rule:ident: $value:expr),* $(,)? })*) => {$(
        $(#[$doc])*
        pub(crate) enum $name {}

        impl Shape for $name {
            $(shapes!(@ $rule $value);)*
        }
    )*};
    (@ name $value:expr) => { const NAME: &'static str = $value; };
    (@ named $value:expr) => { const NAMED: &'static str = $value; };
    (@ format $value:expr) => { const FORMAT: Option<&'static str> = Some($value); };
    (@ pattern $value:expr) => { const PATTERN: &'static str = $value; };
    (@ least $value:expr) => { const LEAST: usize = $value; };
    (@ most $value:expr) => { const MOST: usize = $value; };
    (@ words $value:expr) => { const WORDS: &'static [&'static str] = $value; };
}

shapes! {
    /// Anything at all.
    Any {}
    /// Something.
    Given { least: 1 }
    /// A name in addresses.
    Slug { pattern: "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", least: 1, most: 63 }
    /// What a thing is called: visible characters, composed.
    Name { format: "name", least: 1, most: 100 }
    /// What a thing is for: the same, or nothing.
    Purpose { format: "name", most: 100 }
    /// A team's own id: the same.
    ExternalId { format: "name", least: 1, most: 255 }
    /// A note of the team's own.
    Note { named: "Metadata", most: 1024 }
    /// A label in the ledger.
    Label { named: "Tags", most: 256 }
    /// A plan of the configuration.
    Plan { format: "plan", least: 1 }
    /// A meter of the configuration.
    Meter { format: "meter", pattern: "^[a-z][a-z0-9_]*$", least: 1, most: 64 }
    /// A product of the configuration.
    Product { format: "product", pattern: "^[a-z0-9-]+$", least: 1, most: 32 }
    /// A resource, and how much of it.
    Scope { format: "scope", pattern: "^[a-z0-9_]{1,64}:(read|write|admin)$" }
    /// Scopes, separated by spaces.
    ScopeList {
        format: "scopes",
        pattern: "^ *([a-z0-9_]{1,64}:(read|write|admin)( +[a-z0-9_]{1,64}:(read|write|admin))* *)?$",
    }
    /// A meter, and how many units of it.
    Cost { pattern: "^[a-z][a-z0-9_]*(:[0-9]{1,16})?$", least: 1, most: 81 }
    /// Over what time a limit counts.
    Per {
        pattern: "^(held|month|day|month:([1-9]|[12][0-9]|3[01])|([1-9][0-9]{0,3}|[1-7][0-9]{4}|8[0-5][0-9]{3}|86[0-3][0-9]{2}|86400)s)$",
    }
    /// What a key is for.
    Environment { name: "Environment", words: &["live", "test"] }
    /// What a member may do.
    Role { name: "Role", words: &["viewer", "member", "admin", "owner"] }
    /// What a retry is known by.
    IdempotencyKey { pattern: "^[!-~]+$", least: 1, most: 255 }
    /// A network.
    Network {
        format: "cidr",
        pattern: "^[0-9A-Fa-f:.]+/[0-9]{1,3}$",
    }
    /// An address, of either kind.
    Address { format: "ip", pattern: "^[0-9A-Fa-f:.]+$", least: 2, most: 45 }
    /// The name of a stored object.
    ObjectName { format: "object-name", least: 1, most: 1024 }
    /// The beginning of one.
    Prefix { pattern: r"^[^\x00-\x1F\x7F-\x9F]*$", most: 1024 }
    /// What parts names into folders.
    Delimiter { words: &["", "/"] }
    /// Where a page starts.
    Cursor { format: "cursor", pattern: r"^[^\x00-\x1F\x7F-\x9F]*$", most: 2048 }
    /// A SHA-256.
    Sha256 { pattern: "^[0-9A-Fa-f]{64}$" }
    /// What bytes are (RFC 9110, 8.3.1).
    MediaType {
        pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+ *(;[ -~]*)?$", most: 255
    }
    /// How a document is packed.
    Encoding { name: "Encoding", words: &["zstd", "gzip", "identity"] }
    /// A UUID.
    RunId { format: "uuid", pattern: "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$" }
    /// The id of a key.
    KeyId { pattern: "^key_[0-7][0-9a-hjkmnp-tv-z]{25}$" }
    /// The id of a person.
    UserId { pattern: "^usr_[0-7][0-9a-hjkmnp-tv-z]{25}$" }
    /// The id of an upload.
    UploadId { pattern: "^upl_[0-7][0-9a-hjkmnp-tv-z]{25}$" }
    /// The id of an endpoint of webhooks.
    WebhookId { pattern: "^whk_[0-7][0-9a-hjkmnp-tv-z]{25}$" }
    /// The id of an event.
    EventId { pattern: "^evt_[0-7][0-9a-hjkmnp-tv-z]{25}$" }
    /// The name of a source of backups.
    SourceName { pattern: "^[a-z0-9_-]+$", least: 1, most: 48 }
    /// The id of a backup.
    BackupId { pattern: "^bkp_[0-7][0-9a-hjkmnp-tv-z]{25}$" }
    /// The https address of a service.
    HookUrl { format: "hook-url", pattern: "^https?://[^/?#@]+([/?][!-\"$-~]*)?$", least: 8, most: 2048 }
    /// The id of a reservation.
    ReservationId { pattern: "^res_[0-7][0-9a-hjkmnp-tv-z]{25}$" }
}
