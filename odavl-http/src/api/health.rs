//! Is the service there, and can it work?

use odavl_core::Odavl;
use poem::web::Data;
use poem_openapi::{Object, OpenApi, payload::Json};

use super::Tag;
use crate::problem::Failure;

pub(super) struct Api;

/// Whether the service works.
#[derive(Object)]
struct Health {
    /// `ok`.
    status: String,
}

impl Health {
    fn ok() -> Json<Self> {
        Json(Self { status: "ok".to_owned() })
    }
}

#[OpenApi(tag = "Tag::Health")]
impl Api {
    /// Whether the process answers.
    #[oai(path = "/api/health", method = "get", operation_id = "health")]
    #[expect(clippy::unused_async, reason = "poem-openapi takes async functions only")]
    async fn live(&self) -> Result<Json<Health>, Failure> {
        Ok(Health::ok())
    }

    /// Whether the database answers too: asked for real, each time.
    #[oai(path = "/api/health/ready", method = "get", operation_id = "health_ready")]
    async fn ready(&self, odavl: Data<&Odavl>) -> Result<Json<Health>, Failure> {
        odavl.ready().await?;
        Ok(Health::ok())
    }
}
