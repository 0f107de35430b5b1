// Generated from openapi/odavl.json; do not edit.

#[allow(unused_imports)]
pub use progenitor_client::{ByteStream, ClientInfo, Error, ResponseValue};
#[allow(unused_imports)]
use progenitor_client::{encode_path, ClientHooks, OperationInfo, RequestBuilderExt};
/// Types used as operation parameters and responses.
#[allow(clippy::all)]
pub mod types {
    ///A key, without its secret.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct ApiKey {
        ///The addresses it may be used from (CIDR); empty: any.
        pub allowed_ips: ::std::vec::Vec<::std::string::String>,
        ///When it was made.
        pub created_at: ::jiff::Timestamp,
        ///Whether it is switched off.
        pub disabled: bool,
        ///What it is for: `live` or `test`.
        pub environment: ::std::string::String,
        ///When it ends.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub expires_at: ::std::option::Option<::jiff::Timestamp>,
        ///Its id.
        pub id: ::std::string::String,
        ///When it was last used, about.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub last_used_at: ::std::option::Option<::jiff::Timestamp>,
        ///Limits of its own.
        pub limits: ::std::vec::Vec<KeyLimit>,
        ///The team's own notes.
        pub metadata: ::std::collections::HashMap<
            ::std::string::String,
            ::std::string::String,
        >,
        ///What it is called.
        pub name: ::std::string::String,
        ///The person whose key it is; null for one that the installation made.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub owner: ::std::option::Option<::std::string::String>,
        ///When it was revoked.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub revoked_at: ::std::option::Option<::jiff::Timestamp>,
        ///What it may do, before it is cut by its owner's role.
        pub scopes: ::std::vec::Vec<::std::string::String>,
    }
    impl ApiKey {
        pub fn builder() -> builder::ApiKey {
            Default::default()
        }
    }
    ///A page of keys.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct ApiKeyPage {
        ///The keys, in the order they were made.
        pub items: ::std::vec::Vec<ApiKey>,
        ///Where the next page starts; null on the last.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub next_cursor: ::std::option::Option<::std::string::String>,
    }
    impl ApiKeyPage {
        pub fn builder() -> builder::ApiKeyPage {
            Default::default()
        }
    }
    ///What a new key shall be.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct ApiKeyRequest {
        ///The addresses it may be used from (CIDR); empty: any.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub allowed_ips: ::std::vec::Vec<::std::string::String>,
        ///What it is for: `live` (default) or `test`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub environment: ::std::option::Option<::std::string::String>,
        ///When it ends; never unless said.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub expires_at: ::std::option::Option<::jiff::Timestamp>,
        ///Limits of its own, children of the organisation's.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub limits: ::std::vec::Vec<KeyLimit>,
        ///The team's own notes: at most 16.
        #[serde(
            default,
            skip_serializing_if = ":: std :: collections :: HashMap::is_empty"
        )]
        pub metadata: ::std::collections::HashMap<
            ::std::string::String,
            ::std::string::String,
        >,
        ///What it is called: 1 to 100 characters.
        pub name: ::std::string::String,
        ///What it may do; never more than its maker.
        pub scopes: ::std::vec::Vec<::std::string::String>,
    }
    impl ApiKeyRequest {
        pub fn builder() -> builder::ApiKeyRequest {
            Default::default()
        }
    }
    ///What shall change about a key; what is absent stays.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default)]
    pub struct ApiKeyUpdate {
        ///The addresses it may be used from (CIDR).
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub allowed_ips: ::std::vec::Vec<::std::string::String>,
        ///Whether it is switched off.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub disabled: ::std::option::Option<bool>,
        ///Limits of its own.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub limits: ::std::vec::Vec<KeyLimit>,
        ///The team's own notes.
        #[serde(
            default,
            skip_serializing_if = ":: std :: collections :: HashMap::is_empty"
        )]
        pub metadata: ::std::collections::HashMap<
            ::std::string::String,
            ::std::string::String,
        >,
        ///What it is called.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub name: ::std::option::Option<::std::string::String>,
    }
    impl ApiKeyUpdate {
        pub fn builder() -> builder::ApiKeyUpdate {
            Default::default()
        }
    }
    ///One window of history.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Bucket {
        ///Of what is held, how much when the window closed.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub closing: ::std::option::Option<u64>,
        ///How many charges.
        pub count: u64,
        ///When the window began.
        pub start: ::jiff::Timestamp,
        ///The key or person that caused it; empty for the total.
        pub subject: ::std::string::String,
        ///Units charged, less those given back.
        pub units: i64,
    }
    impl Bucket {
        pub fn builder() -> builder::Bucket {
            Default::default()
        }
    }
    ///Units of a meter.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Charge {
        ///The meter.
        pub meter: ::std::string::String,
        ///How many units, to 2^53 - 1; 0 asks whether one would pass.
        pub units: u64,
    }
    impl Charge {
        pub fn builder() -> builder::Charge {
            Default::default()
        }
    }
    ///Units to charge.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct ConsumeRequest {
        ///Makes a retry get the same decision.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub idempotency_key: ::std::option::Option<::std::string::String>,
        ///The meter.
        pub meter: ::std::string::String,
        ///Labels for the ledger.
        #[serde(
            default,
            skip_serializing_if = ":: std :: collections :: HashMap::is_empty"
        )]
        pub tags: ::std::collections::HashMap<
            ::std::string::String,
            ::std::string::String,
        >,
        ///How many units, to 2^53 - 1; 0 asks whether one would pass.
        #[serde(default = "defaults::default_u64::<u64, 1>")]
        pub units: u64,
    }
    impl ConsumeRequest {
        pub fn builder() -> builder::ConsumeRequest {
            Default::default()
        }
    }
    ///A charge that was granted.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Consumed {
        ///The limit; null is unlimited.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub limit: ::std::option::Option<u64>,
        ///The meter.
        pub meter: ::std::string::String,
        ///What is left; null is unlimited.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub remaining: ::std::option::Option<u64>,
        ///Whether this is an earlier answer given again.
        pub replayed: bool,
        ///When the period ends.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub resets_at: ::std::option::Option<::jiff::Timestamp>,
        ///What was charged.
        pub units: u64,
        ///What is used in the period.
        pub used: u64,
        ///The highest threshold reached: 80, 90 or 100; null below.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub warning: ::std::option::Option<u8>,
    }
    impl Consumed {
        pub fn builder() -> builder::Consumed {
            Default::default()
        }
    }
    ///What history is split by.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum GroupBy {
        #[serde(rename = "subject")]
        Subject,
    }
    impl ::std::fmt::Display for GroupBy {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Subject => f.write_str("subject"),
            }
        }
    }
    impl ::std::str::FromStr for GroupBy {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "subject" => Ok(Self::Subject),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for GroupBy {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for GroupBy {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///Whether the service works.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Health {
        ///`ok`.
        pub status: ::std::string::String,
    }
    impl Health {
        pub fn builder() -> builder::Health {
            Default::default()
        }
    }
    ///History, in time order.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct History {
        ///The windows in which something happened.
        pub items: ::std::vec::Vec<Bucket>,
    }
    impl History {
        pub fn builder() -> builder::History {
            Default::default()
        }
    }
    ///A limit of a key's own, a child of the organisation's.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct KeyLimit {
        ///The most units.
        pub max: u64,
        ///The meter.
        pub meter: ::std::string::String,
        ///Over what time: `month`, `month:15`, `day`, or seconds such as `60s`; what is held for a gauge.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub per: ::std::option::Option<::std::string::String>,
    }
    impl KeyLimit {
        pub fn builder() -> builder::KeyLimit {
            Default::default()
        }
    }
    ///The caller, as they stand now.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Me {
        ///The person's e-mail address.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub email: ::std::option::Option<::std::string::String>,
        ///The key, where one is used.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub key_id: ::std::option::Option<::std::string::String>,
        ///The key's name.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub key_name: ::std::option::Option<::std::string::String>,
        ///The organisation that is acted on.
        pub organization: ::std::string::String,
        ///Its name in addresses.
        pub organization_slug: ::std::string::String,
        ///Its plan.
        pub plan: ::std::string::String,
        ///What the caller may do now.
        pub scopes: ::std::vec::Vec<::std::string::String>,
        ///The person; null for a key that the installation made.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub user_id: ::std::option::Option<::std::string::String>,
    }
    impl Me {
        pub fn builder() -> builder::Me {
            Default::default()
        }
    }
    ///A person in an organisation.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Member {
        ///Since when.
        pub created_at: ::jiff::Timestamp,
        ///Their e-mail address.
        pub email: ::std::string::String,
        ///What they are called.
        pub name: ::std::string::String,
        ///What they may do: `viewer`, `member`, `admin` or `owner`.
        pub role: ::std::string::String,
        ///The person.
        pub user_id: ::std::string::String,
    }
    impl Member {
        pub fn builder() -> builder::Member {
            Default::default()
        }
    }
    ///A page of members.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct MemberPage {
        ///The members, in order of their ids.
        pub items: ::std::vec::Vec<Member>,
        ///Where the next page starts; null on the last.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub next_cursor: ::std::option::Option<::std::string::String>,
    }
    impl MemberPage {
        pub fn builder() -> builder::MemberPage {
            Default::default()
        }
    }
    ///A member's role.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct MemberRole {
        ///`viewer`, `member`, `admin` or `owner`.
        pub role: ::std::string::String,
    }
    impl MemberRole {
        pub fn builder() -> builder::MemberRole {
            Default::default()
        }
    }
    ///A membership as it stands.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Membership {
        ///The organisation.
        pub organization: ::std::string::String,
        ///What they may do.
        pub role: ::std::string::String,
        ///The person.
        pub user_id: ::std::string::String,
    }
    impl Membership {
        pub fn builder() -> builder::Membership {
            Default::default()
        }
    }
    ///A key with its secret: shown now, and never again.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct NewApiKey {
        pub key: ApiKey,
        ///The key itself.
        pub secret: ::std::string::String,
    }
    impl NewApiKey {
        pub fn builder() -> builder::NewApiKey {
            Default::default()
        }
    }
    ///A new organisation.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct NewOrganization {
        ///The team's own id for it, unique.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub external_id: ::std::option::Option<::std::string::String>,
        ///The team's own notes.
        #[serde(
            default,
            skip_serializing_if = ":: std :: collections :: HashMap::is_empty"
        )]
        pub metadata: ::std::collections::HashMap<
            ::std::string::String,
            ::std::string::String,
        >,
        ///What it is called.
        pub name: ::std::string::String,
        ///Its plan; the default one unless said.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub plan: ::std::option::Option<::std::string::String>,
        ///Its name in addresses: 1 to 63 lower-case letters, digits and inner hyphens.
        pub slug: ::std::string::String,
    }
    impl NewOrganization {
        pub fn builder() -> builder::NewOrganization {
            Default::default()
        }
    }
    ///A new project.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct NewProject {
        ///Its name in addresses: 1 to 63 lower-case letters, digits and inner hyphens.
        pub slug: ::std::string::String,
    }
    impl NewProject {
        pub fn builder() -> builder::NewProject {
            Default::default()
        }
    }
    ///An organisation.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Organization {
        ///When it was made.
        pub created_at: ::jiff::Timestamp,
        ///The team's own id for it.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub external_id: ::std::option::Option<::std::string::String>,
        ///Its id.
        pub id: ::std::string::String,
        ///The team's own notes.
        pub metadata: ::std::collections::HashMap<
            ::std::string::String,
            ::std::string::String,
        >,
        ///What it is called.
        pub name: ::std::string::String,
        ///Whether it is the operator's.
        pub operator: bool,
        ///Its plan.
        pub plan: ::std::string::String,
        ///Its name in addresses.
        pub slug: ::std::string::String,
        ///Whether it is locked out.
        pub suspended: bool,
    }
    impl Organization {
        pub fn builder() -> builder::Organization {
            Default::default()
        }
    }
    ///A page of organisations.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct OrganizationPage {
        ///The organisations, in the order they were made.
        pub items: ::std::vec::Vec<Organization>,
        ///Where the next page starts; null on the last.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub next_cursor: ::std::option::Option<::std::string::String>,
    }
    impl OrganizationPage {
        pub fn builder() -> builder::OrganizationPage {
            Default::default()
        }
    }
    ///What shall change about an organisation; what is absent stays.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default)]
    pub struct OrganizationUpdate {
        ///The team's own notes.
        #[serde(
            default,
            skip_serializing_if = ":: std :: collections :: HashMap::is_empty"
        )]
        pub metadata: ::std::collections::HashMap<
            ::std::string::String,
            ::std::string::String,
        >,
        ///Its plan: takes effect at once; what is used stays used.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub plan: ::std::option::Option<::std::string::String>,
        ///Whether it is locked out.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub suspended: ::std::option::Option<bool>,
    }
    impl OrganizationUpdate {
        pub fn builder() -> builder::OrganizationUpdate {
            Default::default()
        }
    }
    ///Why a request was refused, or failed (RFC 9457).
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Problem {
        ///The code, the same on every door: `invalid_input`, `quota_exceeded`, ...
        pub code: ::std::string::String,
        ///What happened this time.
        pub detail: ::std::string::String,
        ///The way out, where there is one.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub hint: ::std::option::Option<::std::string::String>,
        ///That limit.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub limit: ::std::option::Option<u64>,
        ///The meter whose limit refused.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub meter: ::std::option::Option<::std::string::String>,
        ///Why a credential was refused: `malformed`, `expired`, `revoked`, ...
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub reason: ::std::option::Option<::std::string::String>,
        ///The request's id, for the log.
        pub request_id: ::std::string::String,
        ///When it starts anew.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub resets_at: ::std::option::Option<::jiff::Timestamp>,
        ///The HTTP status.
        pub status: u16,
        ///The kind of problem in words, the same for every occurrence.
        pub title: ::std::string::String,
        ///A URI that names the kind of problem; `about:blank` where the code says it all.
        #[serde(rename = "type")]
        pub type_: ::std::string::String,
        ///Where to get more.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub upgrade_url: ::std::option::Option<::std::string::String>,
        ///What of it is used.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub used: ::std::option::Option<u64>,
        ///The names of the limits that refused, as in `RateLimit-Policy`.
        #[serde(
            rename = "violated-policies",
            default,
            skip_serializing_if = "::std::vec::Vec::is_empty"
        )]
        pub violated_policies: ::std::vec::Vec<::std::string::String>,
    }
    impl Problem {
        pub fn builder() -> builder::Problem {
            Default::default()
        }
    }
    ///A project.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Project {
        ///When it was made.
        pub created_at: ::jiff::Timestamp,
        ///Its id.
        pub id: ::std::string::String,
        ///Its name in addresses.
        pub slug: ::std::string::String,
    }
    impl Project {
        pub fn builder() -> builder::Project {
            Default::default()
        }
    }
    ///A page of projects.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct ProjectPage {
        ///The projects, in the order they were made.
        pub items: ::std::vec::Vec<Project>,
        ///Where the next page starts; null on the last.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub next_cursor: ::std::option::Option<::std::string::String>,
    }
    impl ProjectPage {
        pub fn builder() -> builder::ProjectPage {
            Default::default()
        }
    }
    ///How a key is rotated.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default)]
    pub struct RotateRequest {
        ///For how many seconds the old secret goes on working, to 30 days.
        #[serde(default)]
        pub grace_seconds: u32,
    }
    impl RotateRequest {
        pub fn builder() -> builder::RotateRequest {
            Default::default()
        }
    }
    ///Where a meter stands against one of its limits.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Standing {
        ///The key whose own limit this is; null for the organisation's.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub key_id: ::std::option::Option<::std::string::String>,
        ///The limit; null is unlimited.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub limit: ::std::option::Option<u64>,
        ///The meter.
        pub meter: ::std::string::String,
        ///Over what time the limit counts: `month`, `month:15`, `day`, `60s`, or `held`.
        pub period: ::std::string::String,
        ///What is left; null is unlimited.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub remaining: ::std::option::Option<u64>,
        ///When the period ends; null for what is held.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub resets_at: ::std::option::Option<::jiff::Timestamp>,
        ///What this request charged.
        pub units: u64,
        ///What is used in the period, open reservations included.
        pub used: u64,
        ///The highest threshold reached: 80, 90 or 100; null below.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub warning: ::std::option::Option<u8>,
    }
    impl Standing {
        pub fn builder() -> builder::Standing {
            Default::default()
        }
    }
    ///What an organisation used, and may use.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Usage {
        ///How many API keys are active.
        pub api_keys: u64,
        ///How many may be; null is unlimited.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub api_keys_limit: ::std::option::Option<u64>,
        ///Every meter against every limit of the organisation.
        pub limits: ::std::vec::Vec<Standing>,
        ///Its plan.
        pub plan: ::std::string::String,
    }
    impl Usage {
        pub fn builder() -> builder::Usage {
            Default::default()
        }
    }
    ///The decision. `valid` false is an answer too: `code` says why, and nothing was charged.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Verdict {
        ///Why not: a code of the error table.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub code: ::std::option::Option<::std::string::String>,
        ///Why not, in words.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub detail: ::std::option::Option<::std::string::String>,
        ///What the key is for.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub environment: ::std::option::Option<::std::string::String>,
        ///The team's own id for the organisation.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub external_id: ::std::option::Option<::std::string::String>,
        ///The key.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub key_id: ::std::option::Option<::std::string::String>,
        ///Where the charged meters stand; of a refused limit, where it stands.
        pub limits: ::std::vec::Vec<Standing>,
        ///The team's notes on the key.
        #[serde(
            default,
            skip_serializing_if = ":: std :: collections :: HashMap::is_empty"
        )]
        pub metadata: ::std::collections::HashMap<
            ::std::string::String,
            ::std::string::String,
        >,
        ///Its organisation.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub organization: ::std::option::Option<::std::string::String>,
        ///The organisation's plan.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub plan: ::std::option::Option<::std::string::String>,
        ///Why the credential was refused.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub reason: ::std::option::Option<::std::string::String>,
        ///Whether this is an earlier decision given again.
        pub replayed: bool,
        ///In how many seconds a retry may pass, where waiting at most an hour helps.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub retry_after: ::std::option::Option<u64>,
        ///What the key may do.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub scopes: ::std::vec::Vec<::std::string::String>,
        ///Whether the request may pass.
        pub valid: bool,
    }
    impl Verdict {
        pub fn builder() -> builder::Verdict {
            Default::default()
        }
    }
    ///What another service asks about a request that it got.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct VerifyRequest {
        ///What the request costs, at most four meters: all of it is charged, or none.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub charges: ::std::vec::Vec<Charge>,
        ///The environment that the key must be of: `live` or `test`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub environment: ::std::option::Option<::std::string::String>,
        ///Makes a retry get the same decision.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub idempotency_key: ::std::option::Option<::std::string::String>,
        ///The address that the request came from, for the key's allow-list.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub ip: ::std::option::Option<::std::string::String>,
        ///The API key that the request carried.
        pub key: ::std::string::String,
        ///The scopes that the key must have, separated by spaces.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub scope: ::std::option::Option<::std::string::String>,
        ///Labels for the ledger.
        #[serde(
            default,
            skip_serializing_if = ":: std :: collections :: HashMap::is_empty"
        )]
        pub tags: ::std::collections::HashMap<
            ::std::string::String,
            ::std::string::String,
        >,
    }
    impl VerifyRequest {
        pub fn builder() -> builder::VerifyRequest {
            Default::default()
        }
    }
    ///How finely history is cut.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum Window {
        #[serde(rename = "hour")]
        Hour,
        #[serde(rename = "day")]
        Day,
        #[serde(rename = "month")]
        Month,
    }
    impl ::std::fmt::Display for Window {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Hour => f.write_str("hour"),
                Self::Day => f.write_str("day"),
                Self::Month => f.write_str("month"),
            }
        }
    }
    impl ::std::str::FromStr for Window {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "hour" => Ok(Self::Hour),
                "day" => Ok(Self::Day),
                "month" => Ok(Self::Month),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for Window {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for Window {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    /// Types for composing complex structures.
    pub mod builder {
        #[derive(Clone, Debug)]
        pub struct ApiKey {
            allowed_ips: ::std::result::Result<
                ::std::vec::Vec<::std::string::String>,
                ::std::string::String,
            >,
            created_at: ::std::result::Result<::jiff::Timestamp, ::std::string::String>,
            disabled: ::std::result::Result<bool, ::std::string::String>,
            environment: ::std::result::Result<
                ::std::string::String,
                ::std::string::String,
            >,
            expires_at: ::std::result::Result<
                ::std::option::Option<::jiff::Timestamp>,
                ::std::string::String,
            >,
            id: ::std::result::Result<::std::string::String, ::std::string::String>,
            last_used_at: ::std::result::Result<
                ::std::option::Option<::jiff::Timestamp>,
                ::std::string::String,
            >,
            limits: ::std::result::Result<
                ::std::vec::Vec<super::KeyLimit>,
                ::std::string::String,
            >,
            metadata: ::std::result::Result<
                ::std::collections::HashMap<
                    ::std::string::String,
                    ::std::string::String,
                >,
                ::std::string::String,
            >,
            name: ::std::result::Result<::std::string::String, ::std::string::String>,
            owner: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            revoked_at: ::std::result::Result<
                ::std::option::Option<::jiff::Timestamp>,
                ::std::string::String,
            >,
            scopes: ::std::result::Result<
                ::std::vec::Vec<::std::string::String>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for ApiKey {
            fn default() -> Self {
                Self {
                    allowed_ips: Err("no value supplied for allowed_ips".to_string()),
                    created_at: Err("no value supplied for created_at".to_string()),
                    disabled: Err("no value supplied for disabled".to_string()),
                    environment: Err("no value supplied for environment".to_string()),
                    expires_at: Ok(Default::default()),
                    id: Err("no value supplied for id".to_string()),
                    last_used_at: Ok(Default::default()),
                    limits: Err("no value supplied for limits".to_string()),
                    metadata: Err("no value supplied for metadata".to_string()),
                    name: Err("no value supplied for name".to_string()),
                    owner: Ok(Default::default()),
                    revoked_at: Ok(Default::default()),
                    scopes: Err("no value supplied for scopes".to_string()),
                }
            }
        }
        impl ApiKey {
            pub fn allowed_ips<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.allowed_ips = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for allowed_ips: {e}")
                    });
                self
            }
            pub fn created_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::jiff::Timestamp>,
                T::Error: ::std::fmt::Display,
            {
                self.created_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for created_at: {e}")
                    });
                self
            }
            pub fn disabled<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.disabled = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for disabled: {e}")
                    });
                self
            }
            pub fn environment<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.environment = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for environment: {e}")
                    });
                self
            }
            pub fn expires_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::jiff::Timestamp>>,
                T::Error: ::std::fmt::Display,
            {
                self.expires_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for expires_at: {e}")
                    });
                self
            }
            pub fn id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.id = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for id: {e}"));
                self
            }
            pub fn last_used_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::jiff::Timestamp>>,
                T::Error: ::std::fmt::Display,
            {
                self.last_used_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for last_used_at: {e}")
                    });
                self
            }
            pub fn limits<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<super::KeyLimit>>,
                T::Error: ::std::fmt::Display,
            {
                self.limits = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for limits: {e}")
                    });
                self
            }
            pub fn metadata<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::collections::HashMap<
                        ::std::string::String,
                        ::std::string::String,
                    >,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.metadata = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for metadata: {e}")
                    });
                self
            }
            pub fn name<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.name = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for name: {e}")
                    });
                self
            }
            pub fn owner<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.owner = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for owner: {e}")
                    });
                self
            }
            pub fn revoked_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::jiff::Timestamp>>,
                T::Error: ::std::fmt::Display,
            {
                self.revoked_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for revoked_at: {e}")
                    });
                self
            }
            pub fn scopes<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.scopes = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for scopes: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<ApiKey> for super::ApiKey {
            type Error = super::error::ConversionError;
            fn try_from(
                value: ApiKey,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    allowed_ips: value.allowed_ips?,
                    created_at: value.created_at?,
                    disabled: value.disabled?,
                    environment: value.environment?,
                    expires_at: value.expires_at?,
                    id: value.id?,
                    last_used_at: value.last_used_at?,
                    limits: value.limits?,
                    metadata: value.metadata?,
                    name: value.name?,
                    owner: value.owner?,
                    revoked_at: value.revoked_at?,
                    scopes: value.scopes?,
                })
            }
        }
        impl ::std::convert::From<super::ApiKey> for ApiKey {
            fn from(value: super::ApiKey) -> Self {
                Self {
                    allowed_ips: Ok(value.allowed_ips),
                    created_at: Ok(value.created_at),
                    disabled: Ok(value.disabled),
                    environment: Ok(value.environment),
                    expires_at: Ok(value.expires_at),
                    id: Ok(value.id),
                    last_used_at: Ok(value.last_used_at),
                    limits: Ok(value.limits),
                    metadata: Ok(value.metadata),
                    name: Ok(value.name),
                    owner: Ok(value.owner),
                    revoked_at: Ok(value.revoked_at),
                    scopes: Ok(value.scopes),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct ApiKeyPage {
            items: ::std::result::Result<
                ::std::vec::Vec<super::ApiKey>,
                ::std::string::String,
            >,
            next_cursor: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for ApiKeyPage {
            fn default() -> Self {
                Self {
                    items: Err("no value supplied for items".to_string()),
                    next_cursor: Ok(Default::default()),
                }
            }
        }
        impl ApiKeyPage {
            pub fn items<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<super::ApiKey>>,
                T::Error: ::std::fmt::Display,
            {
                self.items = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for items: {e}")
                    });
                self
            }
            pub fn next_cursor<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.next_cursor = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for next_cursor: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<ApiKeyPage> for super::ApiKeyPage {
            type Error = super::error::ConversionError;
            fn try_from(
                value: ApiKeyPage,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    items: value.items?,
                    next_cursor: value.next_cursor?,
                })
            }
        }
        impl ::std::convert::From<super::ApiKeyPage> for ApiKeyPage {
            fn from(value: super::ApiKeyPage) -> Self {
                Self {
                    items: Ok(value.items),
                    next_cursor: Ok(value.next_cursor),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct ApiKeyRequest {
            allowed_ips: ::std::result::Result<
                ::std::vec::Vec<::std::string::String>,
                ::std::string::String,
            >,
            environment: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            expires_at: ::std::result::Result<
                ::std::option::Option<::jiff::Timestamp>,
                ::std::string::String,
            >,
            limits: ::std::result::Result<
                ::std::vec::Vec<super::KeyLimit>,
                ::std::string::String,
            >,
            metadata: ::std::result::Result<
                ::std::collections::HashMap<
                    ::std::string::String,
                    ::std::string::String,
                >,
                ::std::string::String,
            >,
            name: ::std::result::Result<::std::string::String, ::std::string::String>,
            scopes: ::std::result::Result<
                ::std::vec::Vec<::std::string::String>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for ApiKeyRequest {
            fn default() -> Self {
                Self {
                    allowed_ips: Ok(Default::default()),
                    environment: Ok(Default::default()),
                    expires_at: Ok(Default::default()),
                    limits: Ok(Default::default()),
                    metadata: Ok(Default::default()),
                    name: Err("no value supplied for name".to_string()),
                    scopes: Err("no value supplied for scopes".to_string()),
                }
            }
        }
        impl ApiKeyRequest {
            pub fn allowed_ips<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.allowed_ips = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for allowed_ips: {e}")
                    });
                self
            }
            pub fn environment<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.environment = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for environment: {e}")
                    });
                self
            }
            pub fn expires_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::jiff::Timestamp>>,
                T::Error: ::std::fmt::Display,
            {
                self.expires_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for expires_at: {e}")
                    });
                self
            }
            pub fn limits<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<super::KeyLimit>>,
                T::Error: ::std::fmt::Display,
            {
                self.limits = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for limits: {e}")
                    });
                self
            }
            pub fn metadata<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::collections::HashMap<
                        ::std::string::String,
                        ::std::string::String,
                    >,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.metadata = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for metadata: {e}")
                    });
                self
            }
            pub fn name<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.name = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for name: {e}")
                    });
                self
            }
            pub fn scopes<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.scopes = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for scopes: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<ApiKeyRequest> for super::ApiKeyRequest {
            type Error = super::error::ConversionError;
            fn try_from(
                value: ApiKeyRequest,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    allowed_ips: value.allowed_ips?,
                    environment: value.environment?,
                    expires_at: value.expires_at?,
                    limits: value.limits?,
                    metadata: value.metadata?,
                    name: value.name?,
                    scopes: value.scopes?,
                })
            }
        }
        impl ::std::convert::From<super::ApiKeyRequest> for ApiKeyRequest {
            fn from(value: super::ApiKeyRequest) -> Self {
                Self {
                    allowed_ips: Ok(value.allowed_ips),
                    environment: Ok(value.environment),
                    expires_at: Ok(value.expires_at),
                    limits: Ok(value.limits),
                    metadata: Ok(value.metadata),
                    name: Ok(value.name),
                    scopes: Ok(value.scopes),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct ApiKeyUpdate {
            allowed_ips: ::std::result::Result<
                ::std::vec::Vec<::std::string::String>,
                ::std::string::String,
            >,
            disabled: ::std::result::Result<
                ::std::option::Option<bool>,
                ::std::string::String,
            >,
            limits: ::std::result::Result<
                ::std::vec::Vec<super::KeyLimit>,
                ::std::string::String,
            >,
            metadata: ::std::result::Result<
                ::std::collections::HashMap<
                    ::std::string::String,
                    ::std::string::String,
                >,
                ::std::string::String,
            >,
            name: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for ApiKeyUpdate {
            fn default() -> Self {
                Self {
                    allowed_ips: Ok(Default::default()),
                    disabled: Ok(Default::default()),
                    limits: Ok(Default::default()),
                    metadata: Ok(Default::default()),
                    name: Ok(Default::default()),
                }
            }
        }
        impl ApiKeyUpdate {
            pub fn allowed_ips<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.allowed_ips = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for allowed_ips: {e}")
                    });
                self
            }
            pub fn disabled<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<bool>>,
                T::Error: ::std::fmt::Display,
            {
                self.disabled = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for disabled: {e}")
                    });
                self
            }
            pub fn limits<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<super::KeyLimit>>,
                T::Error: ::std::fmt::Display,
            {
                self.limits = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for limits: {e}")
                    });
                self
            }
            pub fn metadata<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::collections::HashMap<
                        ::std::string::String,
                        ::std::string::String,
                    >,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.metadata = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for metadata: {e}")
                    });
                self
            }
            pub fn name<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.name = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for name: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<ApiKeyUpdate> for super::ApiKeyUpdate {
            type Error = super::error::ConversionError;
            fn try_from(
                value: ApiKeyUpdate,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    allowed_ips: value.allowed_ips?,
                    disabled: value.disabled?,
                    limits: value.limits?,
                    metadata: value.metadata?,
                    name: value.name?,
                })
            }
        }
        impl ::std::convert::From<super::ApiKeyUpdate> for ApiKeyUpdate {
            fn from(value: super::ApiKeyUpdate) -> Self {
                Self {
                    allowed_ips: Ok(value.allowed_ips),
                    disabled: Ok(value.disabled),
                    limits: Ok(value.limits),
                    metadata: Ok(value.metadata),
                    name: Ok(value.name),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Bucket {
            closing: ::std::result::Result<
                ::std::option::Option<u64>,
                ::std::string::String,
            >,
            count: ::std::result::Result<u64, ::std::string::String>,
            start: ::std::result::Result<::jiff::Timestamp, ::std::string::String>,
            subject: ::std::result::Result<::std::string::String, ::std::string::String>,
            units: ::std::result::Result<i64, ::std::string::String>,
        }
        impl ::std::default::Default for Bucket {
            fn default() -> Self {
                Self {
                    closing: Ok(Default::default()),
                    count: Err("no value supplied for count".to_string()),
                    start: Err("no value supplied for start".to_string()),
                    subject: Err("no value supplied for subject".to_string()),
                    units: Err("no value supplied for units".to_string()),
                }
            }
        }
        impl Bucket {
            pub fn closing<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<u64>>,
                T::Error: ::std::fmt::Display,
            {
                self.closing = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for closing: {e}")
                    });
                self
            }
            pub fn count<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<u64>,
                T::Error: ::std::fmt::Display,
            {
                self.count = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for count: {e}")
                    });
                self
            }
            pub fn start<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::jiff::Timestamp>,
                T::Error: ::std::fmt::Display,
            {
                self.start = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for start: {e}")
                    });
                self
            }
            pub fn subject<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.subject = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for subject: {e}")
                    });
                self
            }
            pub fn units<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<i64>,
                T::Error: ::std::fmt::Display,
            {
                self.units = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for units: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<Bucket> for super::Bucket {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Bucket,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    closing: value.closing?,
                    count: value.count?,
                    start: value.start?,
                    subject: value.subject?,
                    units: value.units?,
                })
            }
        }
        impl ::std::convert::From<super::Bucket> for Bucket {
            fn from(value: super::Bucket) -> Self {
                Self {
                    closing: Ok(value.closing),
                    count: Ok(value.count),
                    start: Ok(value.start),
                    subject: Ok(value.subject),
                    units: Ok(value.units),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Charge {
            meter: ::std::result::Result<::std::string::String, ::std::string::String>,
            units: ::std::result::Result<u64, ::std::string::String>,
        }
        impl ::std::default::Default for Charge {
            fn default() -> Self {
                Self {
                    meter: Err("no value supplied for meter".to_string()),
                    units: Err("no value supplied for units".to_string()),
                }
            }
        }
        impl Charge {
            pub fn meter<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.meter = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for meter: {e}")
                    });
                self
            }
            pub fn units<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<u64>,
                T::Error: ::std::fmt::Display,
            {
                self.units = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for units: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<Charge> for super::Charge {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Charge,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    meter: value.meter?,
                    units: value.units?,
                })
            }
        }
        impl ::std::convert::From<super::Charge> for Charge {
            fn from(value: super::Charge) -> Self {
                Self {
                    meter: Ok(value.meter),
                    units: Ok(value.units),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct ConsumeRequest {
            idempotency_key: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            meter: ::std::result::Result<::std::string::String, ::std::string::String>,
            tags: ::std::result::Result<
                ::std::collections::HashMap<
                    ::std::string::String,
                    ::std::string::String,
                >,
                ::std::string::String,
            >,
            units: ::std::result::Result<u64, ::std::string::String>,
        }
        impl ::std::default::Default for ConsumeRequest {
            fn default() -> Self {
                Self {
                    idempotency_key: Ok(Default::default()),
                    meter: Err("no value supplied for meter".to_string()),
                    tags: Ok(Default::default()),
                    units: Ok(super::defaults::default_u64::<u64, 1>()),
                }
            }
        }
        impl ConsumeRequest {
            pub fn idempotency_key<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.idempotency_key = value
                    .try_into()
                    .map_err(|e| {
                        format!(
                            "error converting supplied value for idempotency_key: {e}"
                        )
                    });
                self
            }
            pub fn meter<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.meter = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for meter: {e}")
                    });
                self
            }
            pub fn tags<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::collections::HashMap<
                        ::std::string::String,
                        ::std::string::String,
                    >,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.tags = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for tags: {e}")
                    });
                self
            }
            pub fn units<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<u64>,
                T::Error: ::std::fmt::Display,
            {
                self.units = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for units: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<ConsumeRequest> for super::ConsumeRequest {
            type Error = super::error::ConversionError;
            fn try_from(
                value: ConsumeRequest,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    idempotency_key: value.idempotency_key?,
                    meter: value.meter?,
                    tags: value.tags?,
                    units: value.units?,
                })
            }
        }
        impl ::std::convert::From<super::ConsumeRequest> for ConsumeRequest {
            fn from(value: super::ConsumeRequest) -> Self {
                Self {
                    idempotency_key: Ok(value.idempotency_key),
                    meter: Ok(value.meter),
                    tags: Ok(value.tags),
                    units: Ok(value.units),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Consumed {
            limit: ::std::result::Result<
                ::std::option::Option<u64>,
                ::std::string::String,
            >,
            meter: ::std::result::Result<::std::string::String, ::std::string::String>,
            remaining: ::std::result::Result<
                ::std::option::Option<u64>,
                ::std::string::String,
            >,
            replayed: ::std::result::Result<bool, ::std::string::String>,
            resets_at: ::std::result::Result<
                ::std::option::Option<::jiff::Timestamp>,
                ::std::string::String,
            >,
            units: ::std::result::Result<u64, ::std::string::String>,
            used: ::std::result::Result<u64, ::std::string::String>,
            warning: ::std::result::Result<
                ::std::option::Option<u8>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for Consumed {
            fn default() -> Self {
                Self {
                    limit: Ok(Default::default()),
                    meter: Err("no value supplied for meter".to_string()),
                    remaining: Ok(Default::default()),
                    replayed: Err("no value supplied for replayed".to_string()),
                    resets_at: Ok(Default::default()),
                    units: Err("no value supplied for units".to_string()),
                    used: Err("no value supplied for used".to_string()),
                    warning: Ok(Default::default()),
                }
            }
        }
        impl Consumed {
            pub fn limit<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<u64>>,
                T::Error: ::std::fmt::Display,
            {
                self.limit = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for limit: {e}")
                    });
                self
            }
            pub fn meter<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.meter = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for meter: {e}")
                    });
                self
            }
            pub fn remaining<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<u64>>,
                T::Error: ::std::fmt::Display,
            {
                self.remaining = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for remaining: {e}")
                    });
                self
            }
            pub fn replayed<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.replayed = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for replayed: {e}")
                    });
                self
            }
            pub fn resets_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::jiff::Timestamp>>,
                T::Error: ::std::fmt::Display,
            {
                self.resets_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for resets_at: {e}")
                    });
                self
            }
            pub fn units<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<u64>,
                T::Error: ::std::fmt::Display,
            {
                self.units = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for units: {e}")
                    });
                self
            }
            pub fn used<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<u64>,
                T::Error: ::std::fmt::Display,
            {
                self.used = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for used: {e}")
                    });
                self
            }
            pub fn warning<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<u8>>,
                T::Error: ::std::fmt::Display,
            {
                self.warning = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for warning: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<Consumed> for super::Consumed {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Consumed,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    limit: value.limit?,
                    meter: value.meter?,
                    remaining: value.remaining?,
                    replayed: value.replayed?,
                    resets_at: value.resets_at?,
                    units: value.units?,
                    used: value.used?,
                    warning: value.warning?,
                })
            }
        }
        impl ::std::convert::From<super::Consumed> for Consumed {
            fn from(value: super::Consumed) -> Self {
                Self {
                    limit: Ok(value.limit),
                    meter: Ok(value.meter),
                    remaining: Ok(value.remaining),
                    replayed: Ok(value.replayed),
                    resets_at: Ok(value.resets_at),
                    units: Ok(value.units),
                    used: Ok(value.used),
                    warning: Ok(value.warning),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Health {
            status: ::std::result::Result<::std::string::String, ::std::string::String>,
        }
        impl ::std::default::Default for Health {
            fn default() -> Self {
                Self {
                    status: Err("no value supplied for status".to_string()),
                }
            }
        }
        impl Health {
            pub fn status<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.status = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for status: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<Health> for super::Health {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Health,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self { status: value.status? })
            }
        }
        impl ::std::convert::From<super::Health> for Health {
            fn from(value: super::Health) -> Self {
                Self { status: Ok(value.status) }
            }
        }
        #[derive(Clone, Debug)]
        pub struct History {
            items: ::std::result::Result<
                ::std::vec::Vec<super::Bucket>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for History {
            fn default() -> Self {
                Self {
                    items: Err("no value supplied for items".to_string()),
                }
            }
        }
        impl History {
            pub fn items<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<super::Bucket>>,
                T::Error: ::std::fmt::Display,
            {
                self.items = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for items: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<History> for super::History {
            type Error = super::error::ConversionError;
            fn try_from(
                value: History,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self { items: value.items? })
            }
        }
        impl ::std::convert::From<super::History> for History {
            fn from(value: super::History) -> Self {
                Self { items: Ok(value.items) }
            }
        }
        #[derive(Clone, Debug)]
        pub struct KeyLimit {
            max: ::std::result::Result<u64, ::std::string::String>,
            meter: ::std::result::Result<::std::string::String, ::std::string::String>,
            per: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for KeyLimit {
            fn default() -> Self {
                Self {
                    max: Err("no value supplied for max".to_string()),
                    meter: Err("no value supplied for meter".to_string()),
                    per: Ok(Default::default()),
                }
            }
        }
        impl KeyLimit {
            pub fn max<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<u64>,
                T::Error: ::std::fmt::Display,
            {
                self.max = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for max: {e}")
                    });
                self
            }
            pub fn meter<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.meter = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for meter: {e}")
                    });
                self
            }
            pub fn per<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.per = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for per: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<KeyLimit> for super::KeyLimit {
            type Error = super::error::ConversionError;
            fn try_from(
                value: KeyLimit,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    max: value.max?,
                    meter: value.meter?,
                    per: value.per?,
                })
            }
        }
        impl ::std::convert::From<super::KeyLimit> for KeyLimit {
            fn from(value: super::KeyLimit) -> Self {
                Self {
                    max: Ok(value.max),
                    meter: Ok(value.meter),
                    per: Ok(value.per),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Me {
            email: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            key_id: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            key_name: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            organization: ::std::result::Result<
                ::std::string::String,
                ::std::string::String,
            >,
            organization_slug: ::std::result::Result<
                ::std::string::String,
                ::std::string::String,
            >,
            plan: ::std::result::Result<::std::string::String, ::std::string::String>,
            scopes: ::std::result::Result<
                ::std::vec::Vec<::std::string::String>,
                ::std::string::String,
            >,
            user_id: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for Me {
            fn default() -> Self {
                Self {
                    email: Ok(Default::default()),
                    key_id: Ok(Default::default()),
                    key_name: Ok(Default::default()),
                    organization: Err("no value supplied for organization".to_string()),
                    organization_slug: Err(
                        "no value supplied for organization_slug".to_string(),
                    ),
                    plan: Err("no value supplied for plan".to_string()),
                    scopes: Err("no value supplied for scopes".to_string()),
                    user_id: Ok(Default::default()),
                }
            }
        }
        impl Me {
            pub fn email<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.email = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for email: {e}")
                    });
                self
            }
            pub fn key_id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.key_id = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for key_id: {e}")
                    });
                self
            }
            pub fn key_name<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.key_name = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for key_name: {e}")
                    });
                self
            }
            pub fn organization<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.organization = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for organization: {e}")
                    });
                self
            }
            pub fn organization_slug<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.organization_slug = value
                    .try_into()
                    .map_err(|e| {
                        format!(
                            "error converting supplied value for organization_slug: {e}"
                        )
                    });
                self
            }
            pub fn plan<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.plan = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for plan: {e}")
                    });
                self
            }
            pub fn scopes<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.scopes = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for scopes: {e}")
                    });
                self
            }
            pub fn user_id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.user_id = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for user_id: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<Me> for super::Me {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Me,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    email: value.email?,
                    key_id: value.key_id?,
                    key_name: value.key_name?,
                    organization: value.organization?,
                    organization_slug: value.organization_slug?,
                    plan: value.plan?,
                    scopes: value.scopes?,
                    user_id: value.user_id?,
                })
            }
        }
        impl ::std::convert::From<super::Me> for Me {
            fn from(value: super::Me) -> Self {
                Self {
                    email: Ok(value.email),
                    key_id: Ok(value.key_id),
                    key_name: Ok(value.key_name),
                    organization: Ok(value.organization),
                    organization_slug: Ok(value.organization_slug),
                    plan: Ok(value.plan),
                    scopes: Ok(value.scopes),
                    user_id: Ok(value.user_id),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Member {
            created_at: ::std::result::Result<::jiff::Timestamp, ::std::string::String>,
            email: ::std::result::Result<::std::string::String, ::std::string::String>,
            name: ::std::result::Result<::std::string::String, ::std::string::String>,
            role: ::std::result::Result<::std::string::String, ::std::string::String>,
            user_id: ::std::result::Result<::std::string::String, ::std::string::String>,
        }
        impl ::std::default::Default for Member {
            fn default() -> Self {
                Self {
                    created_at: Err("no value supplied for created_at".to_string()),
                    email: Err("no value supplied for email".to_string()),
                    name: Err("no value supplied for name".to_string()),
                    role: Err("no value supplied for role".to_string()),
                    user_id: Err("no value supplied for user_id".to_string()),
                }
            }
        }
        impl Member {
            pub fn created_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::jiff::Timestamp>,
                T::Error: ::std::fmt::Display,
            {
                self.created_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for created_at: {e}")
                    });
                self
            }
            pub fn email<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.email = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for email: {e}")
                    });
                self
            }
            pub fn name<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.name = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for name: {e}")
                    });
                self
            }
            pub fn role<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.role = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for role: {e}")
                    });
                self
            }
            pub fn user_id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.user_id = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for user_id: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<Member> for super::Member {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Member,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    created_at: value.created_at?,
                    email: value.email?,
                    name: value.name?,
                    role: value.role?,
                    user_id: value.user_id?,
                })
            }
        }
        impl ::std::convert::From<super::Member> for Member {
            fn from(value: super::Member) -> Self {
                Self {
                    created_at: Ok(value.created_at),
                    email: Ok(value.email),
                    name: Ok(value.name),
                    role: Ok(value.role),
                    user_id: Ok(value.user_id),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct MemberPage {
            items: ::std::result::Result<
                ::std::vec::Vec<super::Member>,
                ::std::string::String,
            >,
            next_cursor: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for MemberPage {
            fn default() -> Self {
                Self {
                    items: Err("no value supplied for items".to_string()),
                    next_cursor: Ok(Default::default()),
                }
            }
        }
        impl MemberPage {
            pub fn items<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<super::Member>>,
                T::Error: ::std::fmt::Display,
            {
                self.items = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for items: {e}")
                    });
                self
            }
            pub fn next_cursor<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.next_cursor = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for next_cursor: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<MemberPage> for super::MemberPage {
            type Error = super::error::ConversionError;
            fn try_from(
                value: MemberPage,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    items: value.items?,
                    next_cursor: value.next_cursor?,
                })
            }
        }
        impl ::std::convert::From<super::MemberPage> for MemberPage {
            fn from(value: super::MemberPage) -> Self {
                Self {
                    items: Ok(value.items),
                    next_cursor: Ok(value.next_cursor),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct MemberRole {
            role: ::std::result::Result<::std::string::String, ::std::string::String>,
        }
        impl ::std::default::Default for MemberRole {
            fn default() -> Self {
                Self {
                    role: Err("no value supplied for role".to_string()),
                }
            }
        }
        impl MemberRole {
            pub fn role<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.role = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for role: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<MemberRole> for super::MemberRole {
            type Error = super::error::ConversionError;
            fn try_from(
                value: MemberRole,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self { role: value.role? })
            }
        }
        impl ::std::convert::From<super::MemberRole> for MemberRole {
            fn from(value: super::MemberRole) -> Self {
                Self { role: Ok(value.role) }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Membership {
            organization: ::std::result::Result<
                ::std::string::String,
                ::std::string::String,
            >,
            role: ::std::result::Result<::std::string::String, ::std::string::String>,
            user_id: ::std::result::Result<::std::string::String, ::std::string::String>,
        }
        impl ::std::default::Default for Membership {
            fn default() -> Self {
                Self {
                    organization: Err("no value supplied for organization".to_string()),
                    role: Err("no value supplied for role".to_string()),
                    user_id: Err("no value supplied for user_id".to_string()),
                }
            }
        }
        impl Membership {
            pub fn organization<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.organization = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for organization: {e}")
                    });
                self
            }
            pub fn role<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.role = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for role: {e}")
                    });
                self
            }
            pub fn user_id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.user_id = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for user_id: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<Membership> for super::Membership {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Membership,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    organization: value.organization?,
                    role: value.role?,
                    user_id: value.user_id?,
                })
            }
        }
        impl ::std::convert::From<super::Membership> for Membership {
            fn from(value: super::Membership) -> Self {
                Self {
                    organization: Ok(value.organization),
                    role: Ok(value.role),
                    user_id: Ok(value.user_id),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct NewApiKey {
            key: ::std::result::Result<super::ApiKey, ::std::string::String>,
            secret: ::std::result::Result<::std::string::String, ::std::string::String>,
        }
        impl ::std::default::Default for NewApiKey {
            fn default() -> Self {
                Self {
                    key: Err("no value supplied for key".to_string()),
                    secret: Err("no value supplied for secret".to_string()),
                }
            }
        }
        impl NewApiKey {
            pub fn key<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::ApiKey>,
                T::Error: ::std::fmt::Display,
            {
                self.key = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for key: {e}")
                    });
                self
            }
            pub fn secret<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.secret = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for secret: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<NewApiKey> for super::NewApiKey {
            type Error = super::error::ConversionError;
            fn try_from(
                value: NewApiKey,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    key: value.key?,
                    secret: value.secret?,
                })
            }
        }
        impl ::std::convert::From<super::NewApiKey> for NewApiKey {
            fn from(value: super::NewApiKey) -> Self {
                Self {
                    key: Ok(value.key),
                    secret: Ok(value.secret),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct NewOrganization {
            external_id: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            metadata: ::std::result::Result<
                ::std::collections::HashMap<
                    ::std::string::String,
                    ::std::string::String,
                >,
                ::std::string::String,
            >,
            name: ::std::result::Result<::std::string::String, ::std::string::String>,
            plan: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            slug: ::std::result::Result<::std::string::String, ::std::string::String>,
        }
        impl ::std::default::Default for NewOrganization {
            fn default() -> Self {
                Self {
                    external_id: Ok(Default::default()),
                    metadata: Ok(Default::default()),
                    name: Err("no value supplied for name".to_string()),
                    plan: Ok(Default::default()),
                    slug: Err("no value supplied for slug".to_string()),
                }
            }
        }
        impl NewOrganization {
            pub fn external_id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.external_id = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for external_id: {e}")
                    });
                self
            }
            pub fn metadata<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::collections::HashMap<
                        ::std::string::String,
                        ::std::string::String,
                    >,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.metadata = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for metadata: {e}")
                    });
                self
            }
            pub fn name<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.name = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for name: {e}")
                    });
                self
            }
            pub fn plan<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.plan = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for plan: {e}")
                    });
                self
            }
            pub fn slug<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.slug = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for slug: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<NewOrganization> for super::NewOrganization {
            type Error = super::error::ConversionError;
            fn try_from(
                value: NewOrganization,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    external_id: value.external_id?,
                    metadata: value.metadata?,
                    name: value.name?,
                    plan: value.plan?,
                    slug: value.slug?,
                })
            }
        }
        impl ::std::convert::From<super::NewOrganization> for NewOrganization {
            fn from(value: super::NewOrganization) -> Self {
                Self {
                    external_id: Ok(value.external_id),
                    metadata: Ok(value.metadata),
                    name: Ok(value.name),
                    plan: Ok(value.plan),
                    slug: Ok(value.slug),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct NewProject {
            slug: ::std::result::Result<::std::string::String, ::std::string::String>,
        }
        impl ::std::default::Default for NewProject {
            fn default() -> Self {
                Self {
                    slug: Err("no value supplied for slug".to_string()),
                }
            }
        }
        impl NewProject {
            pub fn slug<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.slug = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for slug: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<NewProject> for super::NewProject {
            type Error = super::error::ConversionError;
            fn try_from(
                value: NewProject,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self { slug: value.slug? })
            }
        }
        impl ::std::convert::From<super::NewProject> for NewProject {
            fn from(value: super::NewProject) -> Self {
                Self { slug: Ok(value.slug) }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Organization {
            created_at: ::std::result::Result<::jiff::Timestamp, ::std::string::String>,
            external_id: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            id: ::std::result::Result<::std::string::String, ::std::string::String>,
            metadata: ::std::result::Result<
                ::std::collections::HashMap<
                    ::std::string::String,
                    ::std::string::String,
                >,
                ::std::string::String,
            >,
            name: ::std::result::Result<::std::string::String, ::std::string::String>,
            operator: ::std::result::Result<bool, ::std::string::String>,
            plan: ::std::result::Result<::std::string::String, ::std::string::String>,
            slug: ::std::result::Result<::std::string::String, ::std::string::String>,
            suspended: ::std::result::Result<bool, ::std::string::String>,
        }
        impl ::std::default::Default for Organization {
            fn default() -> Self {
                Self {
                    created_at: Err("no value supplied for created_at".to_string()),
                    external_id: Ok(Default::default()),
                    id: Err("no value supplied for id".to_string()),
                    metadata: Err("no value supplied for metadata".to_string()),
                    name: Err("no value supplied for name".to_string()),
                    operator: Err("no value supplied for operator".to_string()),
                    plan: Err("no value supplied for plan".to_string()),
                    slug: Err("no value supplied for slug".to_string()),
                    suspended: Err("no value supplied for suspended".to_string()),
                }
            }
        }
        impl Organization {
            pub fn created_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::jiff::Timestamp>,
                T::Error: ::std::fmt::Display,
            {
                self.created_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for created_at: {e}")
                    });
                self
            }
            pub fn external_id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.external_id = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for external_id: {e}")
                    });
                self
            }
            pub fn id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.id = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for id: {e}"));
                self
            }
            pub fn metadata<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::collections::HashMap<
                        ::std::string::String,
                        ::std::string::String,
                    >,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.metadata = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for metadata: {e}")
                    });
                self
            }
            pub fn name<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.name = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for name: {e}")
                    });
                self
            }
            pub fn operator<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.operator = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for operator: {e}")
                    });
                self
            }
            pub fn plan<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.plan = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for plan: {e}")
                    });
                self
            }
            pub fn slug<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.slug = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for slug: {e}")
                    });
                self
            }
            pub fn suspended<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.suspended = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for suspended: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<Organization> for super::Organization {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Organization,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    created_at: value.created_at?,
                    external_id: value.external_id?,
                    id: value.id?,
                    metadata: value.metadata?,
                    name: value.name?,
                    operator: value.operator?,
                    plan: value.plan?,
                    slug: value.slug?,
                    suspended: value.suspended?,
                })
            }
        }
        impl ::std::convert::From<super::Organization> for Organization {
            fn from(value: super::Organization) -> Self {
                Self {
                    created_at: Ok(value.created_at),
                    external_id: Ok(value.external_id),
                    id: Ok(value.id),
                    metadata: Ok(value.metadata),
                    name: Ok(value.name),
                    operator: Ok(value.operator),
                    plan: Ok(value.plan),
                    slug: Ok(value.slug),
                    suspended: Ok(value.suspended),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct OrganizationPage {
            items: ::std::result::Result<
                ::std::vec::Vec<super::Organization>,
                ::std::string::String,
            >,
            next_cursor: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for OrganizationPage {
            fn default() -> Self {
                Self {
                    items: Err("no value supplied for items".to_string()),
                    next_cursor: Ok(Default::default()),
                }
            }
        }
        impl OrganizationPage {
            pub fn items<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<super::Organization>>,
                T::Error: ::std::fmt::Display,
            {
                self.items = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for items: {e}")
                    });
                self
            }
            pub fn next_cursor<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.next_cursor = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for next_cursor: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<OrganizationPage> for super::OrganizationPage {
            type Error = super::error::ConversionError;
            fn try_from(
                value: OrganizationPage,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    items: value.items?,
                    next_cursor: value.next_cursor?,
                })
            }
        }
        impl ::std::convert::From<super::OrganizationPage> for OrganizationPage {
            fn from(value: super::OrganizationPage) -> Self {
                Self {
                    items: Ok(value.items),
                    next_cursor: Ok(value.next_cursor),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct OrganizationUpdate {
            metadata: ::std::result::Result<
                ::std::collections::HashMap<
                    ::std::string::String,
                    ::std::string::String,
                >,
                ::std::string::String,
            >,
            plan: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            suspended: ::std::result::Result<
                ::std::option::Option<bool>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for OrganizationUpdate {
            fn default() -> Self {
                Self {
                    metadata: Ok(Default::default()),
                    plan: Ok(Default::default()),
                    suspended: Ok(Default::default()),
                }
            }
        }
        impl OrganizationUpdate {
            pub fn metadata<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::collections::HashMap<
                        ::std::string::String,
                        ::std::string::String,
                    >,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.metadata = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for metadata: {e}")
                    });
                self
            }
            pub fn plan<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.plan = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for plan: {e}")
                    });
                self
            }
            pub fn suspended<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<bool>>,
                T::Error: ::std::fmt::Display,
            {
                self.suspended = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for suspended: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<OrganizationUpdate> for super::OrganizationUpdate {
            type Error = super::error::ConversionError;
            fn try_from(
                value: OrganizationUpdate,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    metadata: value.metadata?,
                    plan: value.plan?,
                    suspended: value.suspended?,
                })
            }
        }
        impl ::std::convert::From<super::OrganizationUpdate> for OrganizationUpdate {
            fn from(value: super::OrganizationUpdate) -> Self {
                Self {
                    metadata: Ok(value.metadata),
                    plan: Ok(value.plan),
                    suspended: Ok(value.suspended),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Problem {
            code: ::std::result::Result<::std::string::String, ::std::string::String>,
            detail: ::std::result::Result<::std::string::String, ::std::string::String>,
            hint: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            limit: ::std::result::Result<
                ::std::option::Option<u64>,
                ::std::string::String,
            >,
            meter: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            reason: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            request_id: ::std::result::Result<
                ::std::string::String,
                ::std::string::String,
            >,
            resets_at: ::std::result::Result<
                ::std::option::Option<::jiff::Timestamp>,
                ::std::string::String,
            >,
            status: ::std::result::Result<u16, ::std::string::String>,
            title: ::std::result::Result<::std::string::String, ::std::string::String>,
            type_: ::std::result::Result<::std::string::String, ::std::string::String>,
            upgrade_url: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            used: ::std::result::Result<
                ::std::option::Option<u64>,
                ::std::string::String,
            >,
            violated_policies: ::std::result::Result<
                ::std::vec::Vec<::std::string::String>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for Problem {
            fn default() -> Self {
                Self {
                    code: Err("no value supplied for code".to_string()),
                    detail: Err("no value supplied for detail".to_string()),
                    hint: Ok(Default::default()),
                    limit: Ok(Default::default()),
                    meter: Ok(Default::default()),
                    reason: Ok(Default::default()),
                    request_id: Err("no value supplied for request_id".to_string()),
                    resets_at: Ok(Default::default()),
                    status: Err("no value supplied for status".to_string()),
                    title: Err("no value supplied for title".to_string()),
                    type_: Err("no value supplied for type_".to_string()),
                    upgrade_url: Ok(Default::default()),
                    used: Ok(Default::default()),
                    violated_policies: Ok(Default::default()),
                }
            }
        }
        impl Problem {
            pub fn code<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.code = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for code: {e}")
                    });
                self
            }
            pub fn detail<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.detail = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for detail: {e}")
                    });
                self
            }
            pub fn hint<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.hint = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for hint: {e}")
                    });
                self
            }
            pub fn limit<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<u64>>,
                T::Error: ::std::fmt::Display,
            {
                self.limit = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for limit: {e}")
                    });
                self
            }
            pub fn meter<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.meter = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for meter: {e}")
                    });
                self
            }
            pub fn reason<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.reason = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for reason: {e}")
                    });
                self
            }
            pub fn request_id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.request_id = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for request_id: {e}")
                    });
                self
            }
            pub fn resets_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::jiff::Timestamp>>,
                T::Error: ::std::fmt::Display,
            {
                self.resets_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for resets_at: {e}")
                    });
                self
            }
            pub fn status<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<u16>,
                T::Error: ::std::fmt::Display,
            {
                self.status = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for status: {e}")
                    });
                self
            }
            pub fn title<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.title = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for title: {e}")
                    });
                self
            }
            pub fn type_<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.type_ = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for type_: {e}")
                    });
                self
            }
            pub fn upgrade_url<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.upgrade_url = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for upgrade_url: {e}")
                    });
                self
            }
            pub fn used<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<u64>>,
                T::Error: ::std::fmt::Display,
            {
                self.used = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for used: {e}")
                    });
                self
            }
            pub fn violated_policies<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.violated_policies = value
                    .try_into()
                    .map_err(|e| {
                        format!(
                            "error converting supplied value for violated_policies: {e}"
                        )
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<Problem> for super::Problem {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Problem,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    code: value.code?,
                    detail: value.detail?,
                    hint: value.hint?,
                    limit: value.limit?,
                    meter: value.meter?,
                    reason: value.reason?,
                    request_id: value.request_id?,
                    resets_at: value.resets_at?,
                    status: value.status?,
                    title: value.title?,
                    type_: value.type_?,
                    upgrade_url: value.upgrade_url?,
                    used: value.used?,
                    violated_policies: value.violated_policies?,
                })
            }
        }
        impl ::std::convert::From<super::Problem> for Problem {
            fn from(value: super::Problem) -> Self {
                Self {
                    code: Ok(value.code),
                    detail: Ok(value.detail),
                    hint: Ok(value.hint),
                    limit: Ok(value.limit),
                    meter: Ok(value.meter),
                    reason: Ok(value.reason),
                    request_id: Ok(value.request_id),
                    resets_at: Ok(value.resets_at),
                    status: Ok(value.status),
                    title: Ok(value.title),
                    type_: Ok(value.type_),
                    upgrade_url: Ok(value.upgrade_url),
                    used: Ok(value.used),
                    violated_policies: Ok(value.violated_policies),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Project {
            created_at: ::std::result::Result<::jiff::Timestamp, ::std::string::String>,
            id: ::std::result::Result<::std::string::String, ::std::string::String>,
            slug: ::std::result::Result<::std::string::String, ::std::string::String>,
        }
        impl ::std::default::Default for Project {
            fn default() -> Self {
                Self {
                    created_at: Err("no value supplied for created_at".to_string()),
                    id: Err("no value supplied for id".to_string()),
                    slug: Err("no value supplied for slug".to_string()),
                }
            }
        }
        impl Project {
            pub fn created_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::jiff::Timestamp>,
                T::Error: ::std::fmt::Display,
            {
                self.created_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for created_at: {e}")
                    });
                self
            }
            pub fn id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.id = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for id: {e}"));
                self
            }
            pub fn slug<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.slug = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for slug: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<Project> for super::Project {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Project,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    created_at: value.created_at?,
                    id: value.id?,
                    slug: value.slug?,
                })
            }
        }
        impl ::std::convert::From<super::Project> for Project {
            fn from(value: super::Project) -> Self {
                Self {
                    created_at: Ok(value.created_at),
                    id: Ok(value.id),
                    slug: Ok(value.slug),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct ProjectPage {
            items: ::std::result::Result<
                ::std::vec::Vec<super::Project>,
                ::std::string::String,
            >,
            next_cursor: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for ProjectPage {
            fn default() -> Self {
                Self {
                    items: Err("no value supplied for items".to_string()),
                    next_cursor: Ok(Default::default()),
                }
            }
        }
        impl ProjectPage {
            pub fn items<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<super::Project>>,
                T::Error: ::std::fmt::Display,
            {
                self.items = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for items: {e}")
                    });
                self
            }
            pub fn next_cursor<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.next_cursor = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for next_cursor: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<ProjectPage> for super::ProjectPage {
            type Error = super::error::ConversionError;
            fn try_from(
                value: ProjectPage,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    items: value.items?,
                    next_cursor: value.next_cursor?,
                })
            }
        }
        impl ::std::convert::From<super::ProjectPage> for ProjectPage {
            fn from(value: super::ProjectPage) -> Self {
                Self {
                    items: Ok(value.items),
                    next_cursor: Ok(value.next_cursor),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct RotateRequest {
            grace_seconds: ::std::result::Result<u32, ::std::string::String>,
        }
        impl ::std::default::Default for RotateRequest {
            fn default() -> Self {
                Self {
                    grace_seconds: Ok(Default::default()),
                }
            }
        }
        impl RotateRequest {
            pub fn grace_seconds<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<u32>,
                T::Error: ::std::fmt::Display,
            {
                self.grace_seconds = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for grace_seconds: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<RotateRequest> for super::RotateRequest {
            type Error = super::error::ConversionError;
            fn try_from(
                value: RotateRequest,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    grace_seconds: value.grace_seconds?,
                })
            }
        }
        impl ::std::convert::From<super::RotateRequest> for RotateRequest {
            fn from(value: super::RotateRequest) -> Self {
                Self {
                    grace_seconds: Ok(value.grace_seconds),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Standing {
            key_id: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            limit: ::std::result::Result<
                ::std::option::Option<u64>,
                ::std::string::String,
            >,
            meter: ::std::result::Result<::std::string::String, ::std::string::String>,
            period: ::std::result::Result<::std::string::String, ::std::string::String>,
            remaining: ::std::result::Result<
                ::std::option::Option<u64>,
                ::std::string::String,
            >,
            resets_at: ::std::result::Result<
                ::std::option::Option<::jiff::Timestamp>,
                ::std::string::String,
            >,
            units: ::std::result::Result<u64, ::std::string::String>,
            used: ::std::result::Result<u64, ::std::string::String>,
            warning: ::std::result::Result<
                ::std::option::Option<u8>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for Standing {
            fn default() -> Self {
                Self {
                    key_id: Ok(Default::default()),
                    limit: Ok(Default::default()),
                    meter: Err("no value supplied for meter".to_string()),
                    period: Err("no value supplied for period".to_string()),
                    remaining: Ok(Default::default()),
                    resets_at: Ok(Default::default()),
                    units: Err("no value supplied for units".to_string()),
                    used: Err("no value supplied for used".to_string()),
                    warning: Ok(Default::default()),
                }
            }
        }
        impl Standing {
            pub fn key_id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.key_id = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for key_id: {e}")
                    });
                self
            }
            pub fn limit<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<u64>>,
                T::Error: ::std::fmt::Display,
            {
                self.limit = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for limit: {e}")
                    });
                self
            }
            pub fn meter<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.meter = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for meter: {e}")
                    });
                self
            }
            pub fn period<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.period = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for period: {e}")
                    });
                self
            }
            pub fn remaining<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<u64>>,
                T::Error: ::std::fmt::Display,
            {
                self.remaining = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for remaining: {e}")
                    });
                self
            }
            pub fn resets_at<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::jiff::Timestamp>>,
                T::Error: ::std::fmt::Display,
            {
                self.resets_at = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for resets_at: {e}")
                    });
                self
            }
            pub fn units<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<u64>,
                T::Error: ::std::fmt::Display,
            {
                self.units = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for units: {e}")
                    });
                self
            }
            pub fn used<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<u64>,
                T::Error: ::std::fmt::Display,
            {
                self.used = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for used: {e}")
                    });
                self
            }
            pub fn warning<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<u8>>,
                T::Error: ::std::fmt::Display,
            {
                self.warning = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for warning: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<Standing> for super::Standing {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Standing,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    key_id: value.key_id?,
                    limit: value.limit?,
                    meter: value.meter?,
                    period: value.period?,
                    remaining: value.remaining?,
                    resets_at: value.resets_at?,
                    units: value.units?,
                    used: value.used?,
                    warning: value.warning?,
                })
            }
        }
        impl ::std::convert::From<super::Standing> for Standing {
            fn from(value: super::Standing) -> Self {
                Self {
                    key_id: Ok(value.key_id),
                    limit: Ok(value.limit),
                    meter: Ok(value.meter),
                    period: Ok(value.period),
                    remaining: Ok(value.remaining),
                    resets_at: Ok(value.resets_at),
                    units: Ok(value.units),
                    used: Ok(value.used),
                    warning: Ok(value.warning),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Usage {
            api_keys: ::std::result::Result<u64, ::std::string::String>,
            api_keys_limit: ::std::result::Result<
                ::std::option::Option<u64>,
                ::std::string::String,
            >,
            limits: ::std::result::Result<
                ::std::vec::Vec<super::Standing>,
                ::std::string::String,
            >,
            plan: ::std::result::Result<::std::string::String, ::std::string::String>,
        }
        impl ::std::default::Default for Usage {
            fn default() -> Self {
                Self {
                    api_keys: Err("no value supplied for api_keys".to_string()),
                    api_keys_limit: Ok(Default::default()),
                    limits: Err("no value supplied for limits".to_string()),
                    plan: Err("no value supplied for plan".to_string()),
                }
            }
        }
        impl Usage {
            pub fn api_keys<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<u64>,
                T::Error: ::std::fmt::Display,
            {
                self.api_keys = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for api_keys: {e}")
                    });
                self
            }
            pub fn api_keys_limit<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<u64>>,
                T::Error: ::std::fmt::Display,
            {
                self.api_keys_limit = value
                    .try_into()
                    .map_err(|e| {
                        format!(
                            "error converting supplied value for api_keys_limit: {e}"
                        )
                    });
                self
            }
            pub fn limits<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<super::Standing>>,
                T::Error: ::std::fmt::Display,
            {
                self.limits = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for limits: {e}")
                    });
                self
            }
            pub fn plan<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.plan = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for plan: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<Usage> for super::Usage {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Usage,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    api_keys: value.api_keys?,
                    api_keys_limit: value.api_keys_limit?,
                    limits: value.limits?,
                    plan: value.plan?,
                })
            }
        }
        impl ::std::convert::From<super::Usage> for Usage {
            fn from(value: super::Usage) -> Self {
                Self {
                    api_keys: Ok(value.api_keys),
                    api_keys_limit: Ok(value.api_keys_limit),
                    limits: Ok(value.limits),
                    plan: Ok(value.plan),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Verdict {
            code: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            detail: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            environment: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            external_id: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            key_id: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            limits: ::std::result::Result<
                ::std::vec::Vec<super::Standing>,
                ::std::string::String,
            >,
            metadata: ::std::result::Result<
                ::std::collections::HashMap<
                    ::std::string::String,
                    ::std::string::String,
                >,
                ::std::string::String,
            >,
            organization: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            plan: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            reason: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            replayed: ::std::result::Result<bool, ::std::string::String>,
            retry_after: ::std::result::Result<
                ::std::option::Option<u64>,
                ::std::string::String,
            >,
            scopes: ::std::result::Result<
                ::std::vec::Vec<::std::string::String>,
                ::std::string::String,
            >,
            valid: ::std::result::Result<bool, ::std::string::String>,
        }
        impl ::std::default::Default for Verdict {
            fn default() -> Self {
                Self {
                    code: Ok(Default::default()),
                    detail: Ok(Default::default()),
                    environment: Ok(Default::default()),
                    external_id: Ok(Default::default()),
                    key_id: Ok(Default::default()),
                    limits: Err("no value supplied for limits".to_string()),
                    metadata: Ok(Default::default()),
                    organization: Ok(Default::default()),
                    plan: Ok(Default::default()),
                    reason: Ok(Default::default()),
                    replayed: Err("no value supplied for replayed".to_string()),
                    retry_after: Ok(Default::default()),
                    scopes: Ok(Default::default()),
                    valid: Err("no value supplied for valid".to_string()),
                }
            }
        }
        impl Verdict {
            pub fn code<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.code = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for code: {e}")
                    });
                self
            }
            pub fn detail<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.detail = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for detail: {e}")
                    });
                self
            }
            pub fn environment<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.environment = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for environment: {e}")
                    });
                self
            }
            pub fn external_id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.external_id = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for external_id: {e}")
                    });
                self
            }
            pub fn key_id<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.key_id = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for key_id: {e}")
                    });
                self
            }
            pub fn limits<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<super::Standing>>,
                T::Error: ::std::fmt::Display,
            {
                self.limits = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for limits: {e}")
                    });
                self
            }
            pub fn metadata<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::collections::HashMap<
                        ::std::string::String,
                        ::std::string::String,
                    >,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.metadata = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for metadata: {e}")
                    });
                self
            }
            pub fn organization<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.organization = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for organization: {e}")
                    });
                self
            }
            pub fn plan<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.plan = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for plan: {e}")
                    });
                self
            }
            pub fn reason<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.reason = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for reason: {e}")
                    });
                self
            }
            pub fn replayed<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.replayed = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for replayed: {e}")
                    });
                self
            }
            pub fn retry_after<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<u64>>,
                T::Error: ::std::fmt::Display,
            {
                self.retry_after = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for retry_after: {e}")
                    });
                self
            }
            pub fn scopes<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.scopes = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for scopes: {e}")
                    });
                self
            }
            pub fn valid<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<bool>,
                T::Error: ::std::fmt::Display,
            {
                self.valid = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for valid: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<Verdict> for super::Verdict {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Verdict,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    code: value.code?,
                    detail: value.detail?,
                    environment: value.environment?,
                    external_id: value.external_id?,
                    key_id: value.key_id?,
                    limits: value.limits?,
                    metadata: value.metadata?,
                    organization: value.organization?,
                    plan: value.plan?,
                    reason: value.reason?,
                    replayed: value.replayed?,
                    retry_after: value.retry_after?,
                    scopes: value.scopes?,
                    valid: value.valid?,
                })
            }
        }
        impl ::std::convert::From<super::Verdict> for Verdict {
            fn from(value: super::Verdict) -> Self {
                Self {
                    code: Ok(value.code),
                    detail: Ok(value.detail),
                    environment: Ok(value.environment),
                    external_id: Ok(value.external_id),
                    key_id: Ok(value.key_id),
                    limits: Ok(value.limits),
                    metadata: Ok(value.metadata),
                    organization: Ok(value.organization),
                    plan: Ok(value.plan),
                    reason: Ok(value.reason),
                    replayed: Ok(value.replayed),
                    retry_after: Ok(value.retry_after),
                    scopes: Ok(value.scopes),
                    valid: Ok(value.valid),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct VerifyRequest {
            charges: ::std::result::Result<
                ::std::vec::Vec<super::Charge>,
                ::std::string::String,
            >,
            environment: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            idempotency_key: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            ip: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            key: ::std::result::Result<::std::string::String, ::std::string::String>,
            scope: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            tags: ::std::result::Result<
                ::std::collections::HashMap<
                    ::std::string::String,
                    ::std::string::String,
                >,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for VerifyRequest {
            fn default() -> Self {
                Self {
                    charges: Ok(Default::default()),
                    environment: Ok(Default::default()),
                    idempotency_key: Ok(Default::default()),
                    ip: Ok(Default::default()),
                    key: Err("no value supplied for key".to_string()),
                    scope: Ok(Default::default()),
                    tags: Ok(Default::default()),
                }
            }
        }
        impl VerifyRequest {
            pub fn charges<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::vec::Vec<super::Charge>>,
                T::Error: ::std::fmt::Display,
            {
                self.charges = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for charges: {e}")
                    });
                self
            }
            pub fn environment<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.environment = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for environment: {e}")
                    });
                self
            }
            pub fn idempotency_key<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.idempotency_key = value
                    .try_into()
                    .map_err(|e| {
                        format!(
                            "error converting supplied value for idempotency_key: {e}"
                        )
                    });
                self
            }
            pub fn ip<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.ip = value
                    .try_into()
                    .map_err(|e| format!("error converting supplied value for ip: {e}"));
                self
            }
            pub fn key<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.key = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for key: {e}")
                    });
                self
            }
            pub fn scope<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.scope = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for scope: {e}")
                    });
                self
            }
            pub fn tags<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<
                    ::std::collections::HashMap<
                        ::std::string::String,
                        ::std::string::String,
                    >,
                >,
                T::Error: ::std::fmt::Display,
            {
                self.tags = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for tags: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<VerifyRequest> for super::VerifyRequest {
            type Error = super::error::ConversionError;
            fn try_from(
                value: VerifyRequest,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    charges: value.charges?,
                    environment: value.environment?,
                    idempotency_key: value.idempotency_key?,
                    ip: value.ip?,
                    key: value.key?,
                    scope: value.scope?,
                    tags: value.tags?,
                })
            }
        }
        impl ::std::convert::From<super::VerifyRequest> for VerifyRequest {
            fn from(value: super::VerifyRequest) -> Self {
                Self {
                    charges: Ok(value.charges),
                    environment: Ok(value.environment),
                    idempotency_key: Ok(value.idempotency_key),
                    ip: Ok(value.ip),
                    key: Ok(value.key),
                    scope: Ok(value.scope),
                    tags: Ok(value.tags),
                }
            }
        }
    }
    /// Generation of default values for serde.
    pub mod defaults {
        pub(super) fn default_u64<T, const V: u64>() -> T
        where
            T: ::std::convert::TryFrom<u64>,
            <T as ::std::convert::TryFrom<u64>>::Error: ::std::fmt::Debug,
        {
            T::try_from(V).unwrap()
        }
    }
    /// Error types.
    pub mod error {
        /// Error from a `TryFrom` or `FromStr` implementation.
        pub struct ConversionError(::std::borrow::Cow<'static, str>);
        impl ::std::error::Error for ConversionError {}
        impl ::std::fmt::Display for ConversionError {
            fn fmt(
                &self,
                f: &mut ::std::fmt::Formatter<'_>,
            ) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }
        impl ::std::fmt::Debug for ConversionError {
            fn fmt(
                &self,
                f: &mut ::std::fmt::Formatter<'_>,
            ) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Debug::fmt(&self.0, f)
            }
        }
        impl From<&'static str> for ConversionError {
            fn from(value: &'static str) -> Self {
                Self(value.into())
            }
        }
        impl From<String> for ConversionError {
            fn from(value: String) -> Self {
                Self(value.into())
            }
        }
    }
}
#[derive(Clone, Debug)]
/**Client for odavl

Everything between a team's product and its production. Errors are problem documents (RFC 9457); lists come in pages; what charges is durable when it is answered.

Version: 0.1.0*/
pub struct Client {
    pub(crate) baseurl: String,
    pub(crate) client: reqwest::Client,
}
impl Client {
    /// Create a new client.
    ///
    /// `baseurl` is the base URL provided to the internal
    /// `reqwest::Client`, and should include a scheme and hostname,
    /// as well as port and a path stem if applicable.
    pub fn new(baseurl: &str) -> Self {
        #[cfg(not(target_arch = "wasm32"))]
        let client = {
            let dur = ::std::time::Duration::from_secs(15u64);
            reqwest::ClientBuilder::new().connect_timeout(dur).timeout(dur)
        };
        #[cfg(target_arch = "wasm32")]
        let client = reqwest::ClientBuilder::new();
        Self::new_with_client(baseurl, client.build().unwrap())
    }
    /// Construct a new client with an existing `reqwest::Client`,
    /// allowing more control over its configuration.
    ///
    /// `baseurl` is the base URL provided to the internal
    /// `reqwest::Client`, and should include a scheme and hostname,
    /// as well as port and a path stem if applicable.
    pub fn new_with_client(baseurl: &str, client: reqwest::Client) -> Self {
        Self {
            baseurl: baseurl.to_string(),
            client,
        }
    }
}
impl ClientInfo<()> for Client {
    fn api_version() -> &'static str {
        "0.1.0"
    }
    fn baseurl(&self) -> &str {
        self.baseurl.as_str()
    }
    fn client(&self) -> &reqwest::Client {
        &self.client
    }
    fn inner(&self) -> &() {
        &()
    }
}
impl ClientHooks<()> for &Client {}
impl Client {
    /**Whether the process answers

Sends a `GET` request to `/api/health`

```ignore
let response = client.health()
    .send()
    .await;
```*/
    pub fn health(&self) -> builder::Health<'_> {
        builder::Health::new(self)
    }
    /**Whether the database answers too: asked for real, each time

Sends a `GET` request to `/api/health/ready`

```ignore
let response = client.health_ready()
    .send()
    .await;
```*/
    pub fn health_ready(&self) -> builder::HealthReady<'_> {
        builder::HealthReady::new(self)
    }
    /**The organisation's keys

Sends a `GET` request to `/api/v1/api-keys`

Arguments:
- `cursor`: The `next_cursor` of the page before.
- `limit`: How many at most: 1 to 1,000.
```ignore
let response = client.key_list()
    .cursor(cursor)
    .limit(limit)
    .send()
    .await;
```*/
    pub fn key_list(&self) -> builder::KeyList<'_> {
        builder::KeyList::new(self)
    }
    /**Makes a key. The secret is in the answer and nowhere else

Sends a `POST` request to `/api/v1/api-keys`

```ignore
let response = client.key_create()
    .body(body)
    .send()
    .await;
```*/
    pub fn key_create(&self) -> builder::KeyCreate<'_> {
        builder::KeyCreate::new(self)
    }
    /**One key

Sends a `GET` request to `/api/v1/api-keys/{id}`

```ignore
let response = client.key_read()
    .id(id)
    .send()
    .await;
```*/
    pub fn key_read(&self) -> builder::KeyRead<'_> {
        builder::KeyRead::new(self)
    }
    /**Ends a key for ever; it is refused everywhere within seconds

Sends a `DELETE` request to `/api/v1/api-keys/{id}`

```ignore
let response = client.key_revoke()
    .id(id)
    .send()
    .await;
```*/
    pub fn key_revoke(&self) -> builder::KeyRevoke<'_> {
        builder::KeyRevoke::new(self)
    }
    /**Changes a key

Sends a `PATCH` request to `/api/v1/api-keys/{id}`

```ignore
let response = client.key_update()
    .id(id)
    .body(body)
    .send()
    .await;
```*/
    pub fn key_update(&self) -> builder::KeyUpdate<'_> {
        builder::KeyUpdate::new(self)
    }
    /**Gives a key a new secret; the old one goes on working for a while. Both are one key with one quota

Sends a `POST` request to `/api/v1/api-keys/{id}/rotate`

```ignore
let response = client.key_rotate()
    .id(id)
    .body(body)
    .send()
    .await;
```*/
    pub fn key_rotate(&self) -> builder::KeyRotate<'_> {
        builder::KeyRotate::new(self)
    }
    /**Decides about a request that another service got: key, scope, address, rate and quota in one call

Needs `gateway:write`. The answer is 200 whether the decision is yes or no.

Sends a `POST` request to `/api/v1/gateway/verify`

Arguments:
- `idempotency_key`: Makes a retry get the same decision.
- `body`
```ignore
let response = client.gateway_verify()
    .idempotency_key(idempotency_key)
    .body(body)
    .send()
    .await;
```*/
    pub fn gateway_verify(&self) -> builder::GatewayVerify<'_> {
        builder::GatewayVerify::new(self)
    }
    /**Who the caller is, for which organisation, with which scopes

Sends a `GET` request to `/api/v1/me`

```ignore
let response = client.me()
    .send()
    .await;
```*/
    pub fn me(&self) -> builder::Me<'_> {
        builder::Me::new(self)
    }
    /**The organisation's members

Sends a `GET` request to `/api/v1/members`

Arguments:
- `cursor`: The `next_cursor` of the page before.
- `limit`: How many at most: 1 to 1,000.
```ignore
let response = client.member_list()
    .cursor(cursor)
    .limit(limit)
    .send()
    .await;
```*/
    pub fn member_list(&self) -> builder::MemberList<'_> {
        builder::MemberList::new(self)
    }
    /**Adds a person to the organisation, or changes their role

Sends a `PUT` request to `/api/v1/members/{user}`

```ignore
let response = client.member_put()
    .user(user)
    .body(body)
    .send()
    .await;
```*/
    pub fn member_put(&self) -> builder::MemberPut<'_> {
        builder::MemberPut::new(self)
    }
    /**Removes a person from the organisation; their keys stop working

Sends a `DELETE` request to `/api/v1/members/{user}`

```ignore
let response = client.member_remove()
    .user(user)
    .send()
    .await;
```*/
    pub fn member_remove(&self) -> builder::MemberRemove<'_> {
        builder::MemberRemove::new(self)
    }
    /**All organisations; for operators

Sends a `GET` request to `/api/v1/organizations`

Arguments:
- `cursor`: The `next_cursor` of the page before.
- `limit`: How many at most: 1 to 1,000.
```ignore
let response = client.organization_list()
    .cursor(cursor)
    .limit(limit)
    .send()
    .await;
```*/
    pub fn organization_list(&self) -> builder::OrganizationList<'_> {
        builder::OrganizationList::new(self)
    }
    /**Makes an organisation; for operators

Sends a `POST` request to `/api/v1/organizations`

```ignore
let response = client.organization_create()
    .body(body)
    .send()
    .await;
```*/
    pub fn organization_create(&self) -> builder::OrganizationCreate<'_> {
        builder::OrganizationCreate::new(self)
    }
    /**Changes an organisation's plan, notes, or whether it is locked out; for operators

Sends a `PATCH` request to `/api/v1/organizations/{organization}`

Arguments:
- `organization`: Its id, its slug, or `external:` and the team's own id.
- `body`
```ignore
let response = client.organization_update()
    .organization(organization)
    .body(body)
    .send()
    .await;
```*/
    pub fn organization_update(&self) -> builder::OrganizationUpdate<'_> {
        builder::OrganizationUpdate::new(self)
    }
    /**The organisation's projects

Sends a `GET` request to `/api/v1/projects`

Arguments:
- `cursor`: The `next_cursor` of the page before.
- `limit`: How many at most: 1 to 1,000.
```ignore
let response = client.project_list()
    .cursor(cursor)
    .limit(limit)
    .send()
    .await;
```*/
    pub fn project_list(&self) -> builder::ProjectList<'_> {
        builder::ProjectList::new(self)
    }
    /**Makes a project

Sends a `POST` request to `/api/v1/projects`

```ignore
let response = client.project_create()
    .body(body)
    .send()
    .await;
```*/
    pub fn project_create(&self) -> builder::ProjectCreate<'_> {
        builder::ProjectCreate::new(self)
    }
    /**Where every meter stands now

Sends a `GET` request to `/api/v1/usage`

```ignore
let response = client.usage()
    .send()
    .await;
```*/
    pub fn usage(&self) -> builder::Usage<'_> {
        builder::Usage::new(self)
    }
    /**Charges units, durably, or refuses

Sends a `POST` request to `/api/v1/usage/consume`

Arguments:
- `idempotency_key`: Makes a retry get the same decision.
- `body`
```ignore
let response = client.usage_consume()
    .idempotency_key(idempotency_key)
    .body(body)
    .send()
    .await;
```*/
    pub fn usage_consume(&self) -> builder::UsageConsume<'_> {
        builder::UsageConsume::new(self)
    }
    /**What was used over time (UTC)

Sends a `GET` request to `/api/v1/usage/history`

Arguments:
- `from`: From the window that holds this instant.
- `group_by`: What it is split by; nothing unless said.
- `meter`: The meter.
- `to`: To the window before this instant's.
- `window`: How finely it is cut; days unless said.
```ignore
let response = client.usage_history()
    .from(from)
    .group_by(group_by)
    .meter(meter)
    .to(to)
    .window(window)
    .send()
    .await;
```*/
    pub fn usage_history(&self) -> builder::UsageHistory<'_> {
        builder::UsageHistory::new(self)
    }
}
/// Types for composing operation parameters.
#[allow(clippy::all)]
pub mod builder {
    use super::types;
    #[allow(unused_imports)]
    use super::{
        encode_path, ByteStream, ClientInfo, ClientHooks, Error, OperationInfo,
        RequestBuilderExt, ResponseValue,
    };
    /**Builder for [`Client::health`]

[`Client::health`]: super::Client::health*/
    #[derive(Debug, Clone)]
    pub struct Health<'a> {
        client: &'a super::Client,
    }
    impl<'a> Health<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self { client: client }
        }
        ///Sends a `GET` request to `/api/health`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::Health>, Error<ByteStream>> {
            let Self { client } = self;
            let url = format!("{}/api/health", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .get(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "health",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                401u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                403u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                404u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                409u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                412u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                413u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                429u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                500u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                501u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                503u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::health_ready`]

[`Client::health_ready`]: super::Client::health_ready*/
    #[derive(Debug, Clone)]
    pub struct HealthReady<'a> {
        client: &'a super::Client,
    }
    impl<'a> HealthReady<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self { client: client }
        }
        ///Sends a `GET` request to `/api/health/ready`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::Health>, Error<ByteStream>> {
            let Self { client } = self;
            let url = format!("{}/api/health/ready", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .get(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "health_ready",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                401u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                403u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                404u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                409u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                412u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                413u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                429u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                500u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                501u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                503u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::key_list`]

[`Client::key_list`]: super::Client::key_list*/
    #[derive(Debug, Clone)]
    pub struct KeyList<'a> {
        client: &'a super::Client,
        cursor: Result<Option<::std::string::String>, String>,
        limit: Result<Option<u32>, String>,
    }
    impl<'a> KeyList<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                cursor: Ok(None),
                limit: Ok(None),
            }
        }
        pub fn cursor<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<::std::string::String>,
        {
            self.cursor = value
                .try_into()
                .map(Some)
                .map_err(|_| {
                    "conversion to `:: std :: string :: String` for cursor failed"
                        .to_string()
                });
            self
        }
        pub fn limit<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<u32>,
        {
            self.limit = value
                .try_into()
                .map(Some)
                .map_err(|_| "conversion to `u32` for limit failed".to_string());
            self
        }
        ///Sends a `GET` request to `/api/v1/api-keys`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::ApiKeyPage>, Error<ByteStream>> {
            let Self { client, cursor, limit } = self;
            let cursor = cursor.map_err(Error::InvalidRequest)?;
            let limit = limit.map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/v1/api-keys", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .get(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .query(&progenitor_client::QueryParam::new("cursor", &cursor))
                .query(&progenitor_client::QueryParam::new("limit", &limit))
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "key_list",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                401u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                403u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                404u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                409u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                412u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                413u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                429u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                500u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                501u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                503u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::key_create`]

[`Client::key_create`]: super::Client::key_create*/
    #[derive(Debug, Clone)]
    pub struct KeyCreate<'a> {
        client: &'a super::Client,
        body: Result<types::builder::ApiKeyRequest, String>,
    }
    impl<'a> KeyCreate<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::ApiKeyRequest>,
            <V as std::convert::TryInto<types::ApiKeyRequest>>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `ApiKeyRequest` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::ApiKeyRequest,
            ) -> types::builder::ApiKeyRequest,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `POST` request to `/api/v1/api-keys`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::NewApiKey>, Error<ByteStream>> {
            let Self { client, body } = self;
            let body = body
                .and_then(|v| {
                    types::ApiKeyRequest::try_from(v).map_err(|e| e.to_string())
                })
                .map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/v1/api-keys", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "key_create",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                401u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                403u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                404u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                409u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                412u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                413u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                429u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                500u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                501u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                503u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::key_read`]

[`Client::key_read`]: super::Client::key_read*/
    #[derive(Debug, Clone)]
    pub struct KeyRead<'a> {
        client: &'a super::Client,
        id: Result<::std::string::String, String>,
    }
    impl<'a> KeyRead<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                id: Err("id was not initialized".to_string()),
            }
        }
        pub fn id<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<::std::string::String>,
        {
            self.id = value
                .try_into()
                .map_err(|_| {
                    "conversion to `:: std :: string :: String` for id failed"
                        .to_string()
                });
            self
        }
        ///Sends a `GET` request to `/api/v1/api-keys/{id}`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::ApiKey>, Error<ByteStream>> {
            let Self { client, id } = self;
            let id = id.map_err(Error::InvalidRequest)?;
            let url = format!(
                "{}/api/v1/api-keys/{}", client.baseurl, encode_path(& id.to_string()),
            );
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .get(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "key_read",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                401u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                403u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                404u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                409u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                412u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                413u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                429u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                500u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                501u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                503u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::key_revoke`]

[`Client::key_revoke`]: super::Client::key_revoke*/
    #[derive(Debug, Clone)]
    pub struct KeyRevoke<'a> {
        client: &'a super::Client,
        id: Result<::std::string::String, String>,
    }
    impl<'a> KeyRevoke<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                id: Err("id was not initialized".to_string()),
            }
        }
        pub fn id<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<::std::string::String>,
        {
            self.id = value
                .try_into()
                .map_err(|_| {
                    "conversion to `:: std :: string :: String` for id failed"
                        .to_string()
                });
            self
        }
        ///Sends a `DELETE` request to `/api/v1/api-keys/{id}`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::ApiKey>, Error<ByteStream>> {
            let Self { client, id } = self;
            let id = id.map_err(Error::InvalidRequest)?;
            let url = format!(
                "{}/api/v1/api-keys/{}", client.baseurl, encode_path(& id.to_string()),
            );
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .delete(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "key_revoke",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                401u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                403u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                404u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                409u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                412u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                413u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                429u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                500u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                501u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                503u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::key_update`]

[`Client::key_update`]: super::Client::key_update*/
    #[derive(Debug, Clone)]
    pub struct KeyUpdate<'a> {
        client: &'a super::Client,
        id: Result<::std::string::String, String>,
        body: Result<types::builder::ApiKeyUpdate, String>,
    }
    impl<'a> KeyUpdate<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                id: Err("id was not initialized".to_string()),
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn id<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<::std::string::String>,
        {
            self.id = value
                .try_into()
                .map_err(|_| {
                    "conversion to `:: std :: string :: String` for id failed"
                        .to_string()
                });
            self
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::ApiKeyUpdate>,
            <V as std::convert::TryInto<types::ApiKeyUpdate>>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `ApiKeyUpdate` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::ApiKeyUpdate,
            ) -> types::builder::ApiKeyUpdate,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `PATCH` request to `/api/v1/api-keys/{id}`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::ApiKey>, Error<ByteStream>> {
            let Self { client, id, body } = self;
            let id = id.map_err(Error::InvalidRequest)?;
            let body = body
                .and_then(|v| {
                    types::ApiKeyUpdate::try_from(v).map_err(|e| e.to_string())
                })
                .map_err(Error::InvalidRequest)?;
            let url = format!(
                "{}/api/v1/api-keys/{}", client.baseurl, encode_path(& id.to_string()),
            );
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .patch(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "key_update",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                401u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                403u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                404u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                409u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                412u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                413u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                429u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                500u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                501u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                503u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::key_rotate`]

[`Client::key_rotate`]: super::Client::key_rotate*/
    #[derive(Debug, Clone)]
    pub struct KeyRotate<'a> {
        client: &'a super::Client,
        id: Result<::std::string::String, String>,
        body: Result<types::builder::RotateRequest, String>,
    }
    impl<'a> KeyRotate<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                id: Err("id was not initialized".to_string()),
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn id<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<::std::string::String>,
        {
            self.id = value
                .try_into()
                .map_err(|_| {
                    "conversion to `:: std :: string :: String` for id failed"
                        .to_string()
                });
            self
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::RotateRequest>,
            <V as std::convert::TryInto<types::RotateRequest>>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `RotateRequest` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::RotateRequest,
            ) -> types::builder::RotateRequest,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `POST` request to `/api/v1/api-keys/{id}/rotate`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::NewApiKey>, Error<ByteStream>> {
            let Self { client, id, body } = self;
            let id = id.map_err(Error::InvalidRequest)?;
            let body = body
                .and_then(|v| {
                    types::RotateRequest::try_from(v).map_err(|e| e.to_string())
                })
                .map_err(Error::InvalidRequest)?;
            let url = format!(
                "{}/api/v1/api-keys/{}/rotate", client.baseurl, encode_path(& id
                .to_string()),
            );
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "key_rotate",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                401u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                403u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                404u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                409u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                412u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                413u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                429u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                500u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                501u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                503u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::gateway_verify`]

[`Client::gateway_verify`]: super::Client::gateway_verify*/
    #[derive(Debug, Clone)]
    pub struct GatewayVerify<'a> {
        client: &'a super::Client,
        idempotency_key: Result<Option<::std::string::String>, String>,
        body: Result<types::builder::VerifyRequest, String>,
    }
    impl<'a> GatewayVerify<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                idempotency_key: Ok(None),
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn idempotency_key<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<::std::string::String>,
        {
            self.idempotency_key = value
                .try_into()
                .map(Some)
                .map_err(|_| {
                    "conversion to `:: std :: string :: String` for idempotency_key failed"
                        .to_string()
                });
            self
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::VerifyRequest>,
            <V as std::convert::TryInto<types::VerifyRequest>>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `VerifyRequest` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::VerifyRequest,
            ) -> types::builder::VerifyRequest,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `POST` request to `/api/v1/gateway/verify`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::Verdict>, Error<ByteStream>> {
            let Self { client, idempotency_key, body } = self;
            let idempotency_key = idempotency_key.map_err(Error::InvalidRequest)?;
            let body = body
                .and_then(|v| {
                    types::VerifyRequest::try_from(v).map_err(|e| e.to_string())
                })
                .map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/v1/gateway/verify", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            if let Some(value) = idempotency_key {
                header_map.append("Idempotency-Key", value.to_string().try_into()?);
            }
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "gateway_verify",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                401u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                403u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                404u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                409u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                412u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                413u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                429u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                500u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                501u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                503u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::me`]

[`Client::me`]: super::Client::me*/
    #[derive(Debug, Clone)]
    pub struct Me<'a> {
        client: &'a super::Client,
    }
    impl<'a> Me<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self { client: client }
        }
        ///Sends a `GET` request to `/api/v1/me`
        pub async fn send(self) -> Result<ResponseValue<types::Me>, Error<ByteStream>> {
            let Self { client } = self;
            let url = format!("{}/api/v1/me", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .get(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "me",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                401u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                403u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                404u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                409u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                412u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                413u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                429u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                500u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                501u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                503u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::member_list`]

[`Client::member_list`]: super::Client::member_list*/
    #[derive(Debug, Clone)]
    pub struct MemberList<'a> {
        client: &'a super::Client,
        cursor: Result<Option<::std::string::String>, String>,
        limit: Result<Option<u32>, String>,
    }
    impl<'a> MemberList<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                cursor: Ok(None),
                limit: Ok(None),
            }
        }
        pub fn cursor<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<::std::string::String>,
        {
            self.cursor = value
                .try_into()
                .map(Some)
                .map_err(|_| {
                    "conversion to `:: std :: string :: String` for cursor failed"
                        .to_string()
                });
            self
        }
        pub fn limit<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<u32>,
        {
            self.limit = value
                .try_into()
                .map(Some)
                .map_err(|_| "conversion to `u32` for limit failed".to_string());
            self
        }
        ///Sends a `GET` request to `/api/v1/members`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::MemberPage>, Error<ByteStream>> {
            let Self { client, cursor, limit } = self;
            let cursor = cursor.map_err(Error::InvalidRequest)?;
            let limit = limit.map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/v1/members", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .get(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .query(&progenitor_client::QueryParam::new("cursor", &cursor))
                .query(&progenitor_client::QueryParam::new("limit", &limit))
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "member_list",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                401u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                403u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                404u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                409u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                412u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                413u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                429u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                500u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                501u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                503u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::member_put`]

[`Client::member_put`]: super::Client::member_put*/
    #[derive(Debug, Clone)]
    pub struct MemberPut<'a> {
        client: &'a super::Client,
        user: Result<::std::string::String, String>,
        body: Result<types::builder::MemberRole, String>,
    }
    impl<'a> MemberPut<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                user: Err("user was not initialized".to_string()),
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn user<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<::std::string::String>,
        {
            self.user = value
                .try_into()
                .map_err(|_| {
                    "conversion to `:: std :: string :: String` for user failed"
                        .to_string()
                });
            self
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::MemberRole>,
            <V as std::convert::TryInto<types::MemberRole>>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `MemberRole` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::MemberRole,
            ) -> types::builder::MemberRole,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `PUT` request to `/api/v1/members/{user}`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::Membership>, Error<ByteStream>> {
            let Self { client, user, body } = self;
            let user = user.map_err(Error::InvalidRequest)?;
            let body = body
                .and_then(|v| types::MemberRole::try_from(v).map_err(|e| e.to_string()))
                .map_err(Error::InvalidRequest)?;
            let url = format!(
                "{}/api/v1/members/{}", client.baseurl, encode_path(& user.to_string()),
            );
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .put(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "member_put",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                401u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                403u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                404u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                409u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                412u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                413u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                429u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                500u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                501u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                503u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::member_remove`]

[`Client::member_remove`]: super::Client::member_remove*/
    #[derive(Debug, Clone)]
    pub struct MemberRemove<'a> {
        client: &'a super::Client,
        user: Result<::std::string::String, String>,
    }
    impl<'a> MemberRemove<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                user: Err("user was not initialized".to_string()),
            }
        }
        pub fn user<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<::std::string::String>,
        {
            self.user = value
                .try_into()
                .map_err(|_| {
                    "conversion to `:: std :: string :: String` for user failed"
                        .to_string()
                });
            self
        }
        ///Sends a `DELETE` request to `/api/v1/members/{user}`
        pub async fn send(self) -> Result<ResponseValue<()>, Error<ByteStream>> {
            let Self { client, user } = self;
            let user = user.map_err(Error::InvalidRequest)?;
            let url = format!(
                "{}/api/v1/members/{}", client.baseurl, encode_path(& user.to_string()),
            );
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client.client.delete(url).headers(header_map).build()?;
            let info = OperationInfo {
                operation_id: "member_remove",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => Ok(ResponseValue::empty(response)),
                400u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                401u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                403u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                404u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                409u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                412u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                413u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                429u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                500u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                501u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                503u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::organization_list`]

[`Client::organization_list`]: super::Client::organization_list*/
    #[derive(Debug, Clone)]
    pub struct OrganizationList<'a> {
        client: &'a super::Client,
        cursor: Result<Option<::std::string::String>, String>,
        limit: Result<Option<u32>, String>,
    }
    impl<'a> OrganizationList<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                cursor: Ok(None),
                limit: Ok(None),
            }
        }
        pub fn cursor<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<::std::string::String>,
        {
            self.cursor = value
                .try_into()
                .map(Some)
                .map_err(|_| {
                    "conversion to `:: std :: string :: String` for cursor failed"
                        .to_string()
                });
            self
        }
        pub fn limit<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<u32>,
        {
            self.limit = value
                .try_into()
                .map(Some)
                .map_err(|_| "conversion to `u32` for limit failed".to_string());
            self
        }
        ///Sends a `GET` request to `/api/v1/organizations`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::OrganizationPage>, Error<ByteStream>> {
            let Self { client, cursor, limit } = self;
            let cursor = cursor.map_err(Error::InvalidRequest)?;
            let limit = limit.map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/v1/organizations", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .get(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .query(&progenitor_client::QueryParam::new("cursor", &cursor))
                .query(&progenitor_client::QueryParam::new("limit", &limit))
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "organization_list",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                401u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                403u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                404u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                409u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                412u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                413u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                429u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                500u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                501u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                503u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::organization_create`]

[`Client::organization_create`]: super::Client::organization_create*/
    #[derive(Debug, Clone)]
    pub struct OrganizationCreate<'a> {
        client: &'a super::Client,
        body: Result<types::builder::NewOrganization, String>,
    }
    impl<'a> OrganizationCreate<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::NewOrganization>,
            <V as std::convert::TryInto<
                types::NewOrganization,
            >>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `NewOrganization` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::NewOrganization,
            ) -> types::builder::NewOrganization,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `POST` request to `/api/v1/organizations`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::Organization>, Error<ByteStream>> {
            let Self { client, body } = self;
            let body = body
                .and_then(|v| {
                    types::NewOrganization::try_from(v).map_err(|e| e.to_string())
                })
                .map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/v1/organizations", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "organization_create",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                401u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                403u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                404u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                409u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                412u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                413u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                429u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                500u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                501u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                503u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::organization_update`]

[`Client::organization_update`]: super::Client::organization_update*/
    #[derive(Debug, Clone)]
    pub struct OrganizationUpdate<'a> {
        client: &'a super::Client,
        organization: Result<::std::string::String, String>,
        body: Result<types::builder::OrganizationUpdate, String>,
    }
    impl<'a> OrganizationUpdate<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                organization: Err("organization was not initialized".to_string()),
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn organization<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<::std::string::String>,
        {
            self.organization = value
                .try_into()
                .map_err(|_| {
                    "conversion to `:: std :: string :: String` for organization failed"
                        .to_string()
                });
            self
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::OrganizationUpdate>,
            <V as std::convert::TryInto<
                types::OrganizationUpdate,
            >>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `OrganizationUpdate` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::OrganizationUpdate,
            ) -> types::builder::OrganizationUpdate,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `PATCH` request to `/api/v1/organizations/{organization}`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::Organization>, Error<ByteStream>> {
            let Self { client, organization, body } = self;
            let organization = organization.map_err(Error::InvalidRequest)?;
            let body = body
                .and_then(|v| {
                    types::OrganizationUpdate::try_from(v).map_err(|e| e.to_string())
                })
                .map_err(Error::InvalidRequest)?;
            let url = format!(
                "{}/api/v1/organizations/{}", client.baseurl, encode_path(& organization
                .to_string()),
            );
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .patch(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "organization_update",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                401u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                403u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                404u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                409u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                412u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                413u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                429u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                500u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                501u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                503u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::project_list`]

[`Client::project_list`]: super::Client::project_list*/
    #[derive(Debug, Clone)]
    pub struct ProjectList<'a> {
        client: &'a super::Client,
        cursor: Result<Option<::std::string::String>, String>,
        limit: Result<Option<u32>, String>,
    }
    impl<'a> ProjectList<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                cursor: Ok(None),
                limit: Ok(None),
            }
        }
        pub fn cursor<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<::std::string::String>,
        {
            self.cursor = value
                .try_into()
                .map(Some)
                .map_err(|_| {
                    "conversion to `:: std :: string :: String` for cursor failed"
                        .to_string()
                });
            self
        }
        pub fn limit<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<u32>,
        {
            self.limit = value
                .try_into()
                .map(Some)
                .map_err(|_| "conversion to `u32` for limit failed".to_string());
            self
        }
        ///Sends a `GET` request to `/api/v1/projects`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::ProjectPage>, Error<ByteStream>> {
            let Self { client, cursor, limit } = self;
            let cursor = cursor.map_err(Error::InvalidRequest)?;
            let limit = limit.map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/v1/projects", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .get(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .query(&progenitor_client::QueryParam::new("cursor", &cursor))
                .query(&progenitor_client::QueryParam::new("limit", &limit))
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "project_list",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                401u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                403u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                404u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                409u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                412u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                413u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                429u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                500u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                501u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                503u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::project_create`]

[`Client::project_create`]: super::Client::project_create*/
    #[derive(Debug, Clone)]
    pub struct ProjectCreate<'a> {
        client: &'a super::Client,
        body: Result<types::builder::NewProject, String>,
    }
    impl<'a> ProjectCreate<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::NewProject>,
            <V as std::convert::TryInto<types::NewProject>>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `NewProject` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::NewProject,
            ) -> types::builder::NewProject,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `POST` request to `/api/v1/projects`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::Project>, Error<ByteStream>> {
            let Self { client, body } = self;
            let body = body
                .and_then(|v| types::NewProject::try_from(v).map_err(|e| e.to_string()))
                .map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/v1/projects", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "project_create",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                401u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                403u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                404u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                409u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                412u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                413u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                429u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                500u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                501u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                503u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::usage`]

[`Client::usage`]: super::Client::usage*/
    #[derive(Debug, Clone)]
    pub struct Usage<'a> {
        client: &'a super::Client,
    }
    impl<'a> Usage<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self { client: client }
        }
        ///Sends a `GET` request to `/api/v1/usage`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::Usage>, Error<ByteStream>> {
            let Self { client } = self;
            let url = format!("{}/api/v1/usage", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .get(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "usage",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                401u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                403u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                404u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                409u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                412u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                413u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                429u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                500u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                501u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                503u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::usage_consume`]

[`Client::usage_consume`]: super::Client::usage_consume*/
    #[derive(Debug, Clone)]
    pub struct UsageConsume<'a> {
        client: &'a super::Client,
        idempotency_key: Result<Option<::std::string::String>, String>,
        body: Result<types::builder::ConsumeRequest, String>,
    }
    impl<'a> UsageConsume<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                idempotency_key: Ok(None),
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn idempotency_key<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<::std::string::String>,
        {
            self.idempotency_key = value
                .try_into()
                .map(Some)
                .map_err(|_| {
                    "conversion to `:: std :: string :: String` for idempotency_key failed"
                        .to_string()
                });
            self
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::ConsumeRequest>,
            <V as std::convert::TryInto<
                types::ConsumeRequest,
            >>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `ConsumeRequest` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::ConsumeRequest,
            ) -> types::builder::ConsumeRequest,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `POST` request to `/api/v1/usage/consume`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::Consumed>, Error<ByteStream>> {
            let Self { client, idempotency_key, body } = self;
            let idempotency_key = idempotency_key.map_err(Error::InvalidRequest)?;
            let body = body
                .and_then(|v| {
                    types::ConsumeRequest::try_from(v).map_err(|e| e.to_string())
                })
                .map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/v1/usage/consume", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            if let Some(value) = idempotency_key {
                header_map.append("Idempotency-Key", value.to_string().try_into()?);
            }
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "usage_consume",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                401u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                403u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                404u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                409u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                412u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                413u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                429u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                500u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                501u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                503u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::usage_history`]

[`Client::usage_history`]: super::Client::usage_history*/
    #[derive(Debug, Clone)]
    pub struct UsageHistory<'a> {
        client: &'a super::Client,
        from: Result<::jiff::Timestamp, String>,
        group_by: Result<Option<types::GroupBy>, String>,
        meter: Result<::std::string::String, String>,
        to: Result<::jiff::Timestamp, String>,
        window: Result<Option<types::Window>, String>,
    }
    impl<'a> UsageHistory<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                from: Err("from was not initialized".to_string()),
                group_by: Ok(None),
                meter: Err("meter was not initialized".to_string()),
                to: Err("to was not initialized".to_string()),
                window: Ok(None),
            }
        }
        pub fn from<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<::jiff::Timestamp>,
        {
            self.from = value
                .try_into()
                .map_err(|_| {
                    "conversion to `:: jiff :: Timestamp` for from failed".to_string()
                });
            self
        }
        pub fn group_by<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::GroupBy>,
        {
            self.group_by = value
                .try_into()
                .map(Some)
                .map_err(|_| "conversion to `GroupBy` for group_by failed".to_string());
            self
        }
        pub fn meter<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<::std::string::String>,
        {
            self.meter = value
                .try_into()
                .map_err(|_| {
                    "conversion to `:: std :: string :: String` for meter failed"
                        .to_string()
                });
            self
        }
        pub fn to<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<::jiff::Timestamp>,
        {
            self.to = value
                .try_into()
                .map_err(|_| {
                    "conversion to `:: jiff :: Timestamp` for to failed".to_string()
                });
            self
        }
        pub fn window<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::Window>,
        {
            self.window = value
                .try_into()
                .map(Some)
                .map_err(|_| "conversion to `Window` for window failed".to_string());
            self
        }
        ///Sends a `GET` request to `/api/v1/usage/history`
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::History>, Error<ByteStream>> {
            let Self { client, from, group_by, meter, to, window } = self;
            let from = from.map_err(Error::InvalidRequest)?;
            let group_by = group_by.map_err(Error::InvalidRequest)?;
            let meter = meter.map_err(Error::InvalidRequest)?;
            let to = to.map_err(Error::InvalidRequest)?;
            let window = window.map_err(Error::InvalidRequest)?;
            let url = format!("{}/api/v1/usage/history", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .get(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .query(&progenitor_client::QueryParam::new("from", &from))
                .query(&progenitor_client::QueryParam::new("group_by", &group_by))
                .query(&progenitor_client::QueryParam::new("meter", &meter))
                .query(&progenitor_client::QueryParam::new("to", &to))
                .query(&progenitor_client::QueryParam::new("window", &window))
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "usage_history",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                401u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                403u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                404u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                409u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                412u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                413u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                429u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                500u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                501u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                503u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
}
/// Items consumers will typically use such as the Client.
pub mod prelude {
    pub use self::super::Client;
}
