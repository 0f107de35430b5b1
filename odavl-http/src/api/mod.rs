//! The REST API: one file a resource; each handler decodes, makes one call, and encodes.

mod audit;
mod auth;
mod backups;
mod document;
mod events;
mod examples;
mod gateway;
mod health;
mod keys;
mod me;
mod objects;
mod organizations;
mod projects;
mod reservations;
mod results;
mod storage;
mod uploads;
mod usage;
mod webhooks;
mod well_known;

use poem_openapi::{ContactObject, LicenseObject, OpenApi, OpenApiService, Tags};

/// What the operations are about.
#[derive(Tags)]
pub(crate) enum Tag {
    /// Is the service there, and can it work?
    Health,
    /// Signing people in from other programs: OAuth 2.0 with the device flow.
    #[oai(rename = "Sign-in")]
    SignIn,
    /// Who is calling.
    Identity,
    /// Organisations and the people in them.
    Organizations,
    /// Who did what: a chain of records per organisation.
    Audit,
    /// Projects, which uploads belong to.
    Projects,
    /// API keys.
    #[oai(rename = "API keys")]
    Keys,
    /// Decisions for other services: key, scope, rate and quota in one call.
    Gateway,
    /// What was used, what may be, and charging it.
    Usage,
    /// Being told when a limit is nearly used up: signed messages (Standard Webhooks).
    Webhooks,
    /// Stored objects: sent and fetched directly, with requests that are signed for exactly that.
    Storage,
    /// Results of the products' runs: taken once a run, checked, summarised.
    Uploads,
    /// Backups of databases, for operators: made, verified by a restore, looked at.
    Backups,
}

fn resources() -> impl OpenApi {
    (
        health::Api,
        well_known::Api,
        auth::Api,
        me::Api,
        organizations::Api,
        audit::Api,
        projects::Api,
        keys::Api,
        gateway::Api,
        usage::Api,
        events::Api,
        reservations::Api,
        storage::Api,
        uploads::Api,
        webhooks::Api,
        backups::Api,
    )
}

pub(crate) fn service() -> OpenApiService<impl OpenApi, ()> {
    OpenApiService::new(resources(), "odavl", env!("CARGO_PKG_VERSION"))
        .description(
            "Sign-in and API keys, exact usage quotas, object storage and backups that have proved they restore: everything \
             between a team's product and its production. Errors are problem documents (RFC 9457); lists come in pages; what charges is durable when \
             it is answered.",
        )
        .contact(ContactObject::new().name("odavl").url(concat!(env!("CARGO_PKG_REPOSITORY"), "/issues")))
        .license(LicenseObject::new("MIT OR Apache-2.0").url(env!("CARGO_PKG_REPOSITORY")))
        .server("/")
}

/// The OpenAPI document that is served.
pub fn document() -> String {
    document::finished(&service().spec())
}
