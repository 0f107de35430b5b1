//! The REST API: one file a resource; each handler decodes, makes one call, and encodes.

mod auth;
mod gateway;
mod health;
mod keys;
mod me;
mod objects;
mod organizations;
mod projects;
mod results;
mod storage;
mod uploads;
mod usage;
mod well_known;

use poem_openapi::{OpenApi, OpenApiService, Tags};

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
    /// Projects, which uploads belong to.
    Projects,
    /// API keys.
    #[oai(rename = "API keys")]
    Keys,
    /// Decisions for other services: key, scope, rate and quota in one call.
    Gateway,
    /// What was used, what may be, and charging it.
    Usage,
    /// Stored objects: sent and fetched directly, with requests that are signed for exactly that.
    Storage,
    /// Results of the products' runs: taken once a run, checked, summarised.
    Uploads,
}

fn resources() -> impl OpenApi {
    (
        health::Api,
        well_known::Api,
        auth::Api,
        me::Api,
        organizations::Api,
        projects::Api,
        keys::Api,
        gateway::Api,
        usage::Api,
        storage::Api,
        uploads::Api,
    )
}

pub(crate) fn service() -> OpenApiService<impl OpenApi, ()> {
    OpenApiService::new(resources(), "odavl", env!("CARGO_PKG_VERSION"))
        .summary("Sign-in and API keys, exact usage quotas, object storage and verified backups")
        .description(
            "Everything between a team's product and its production. Errors are problem documents (RFC 9457); lists \
             come in pages; what charges is durable when it is answered.",
        )
}

/// The OpenAPI document that is served, with plain media types so that every client generator reads it.
pub fn document() -> String {
    let text = service().spec().replace("application/json; charset=utf-8", "application/json");
    // Sorted and indented, so that a change of the document is a readable change of the committed file.
    match serde_json::from_str::<serde_json::Value>(&text)
        .and_then(|value| serde_json::to_string_pretty(&value))
    {
        Ok(pretty) => pretty + "\n",
        Err(_) => text,
    }
}
