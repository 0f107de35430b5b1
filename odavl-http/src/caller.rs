//! Who is calling: extractors that give a session, so that no handler compiles without saying who may call it.

use std::net::IpAddr;

use odavl_core::{
    Odavl,
    session::{Context, Session},
};
use poem::{FromRequest, Request, RequestBody, http::header::AUTHORIZATION};
use poem_openapi::{SecurityScheme, auth::Bearer};

use crate::problem::Failure;

/// The address of the caller and the request's id, as the transport found them.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) address: Option<IpAddr>,
    pub(crate) request_id: String,
}

/// Someone with an API key or an access token: `Authorization: Bearer ...`.
#[derive(SecurityScheme)]
#[oai(
    ty = "bearer",
    key_name = "bearer",
    bearer_format = "API key or access token",
    checker = "authenticate"
)]
pub(crate) struct Caller(pub(crate) Session);

async fn authenticate(request: &Request, bearer: Bearer) -> poem::Result<Session> {
    let odavl = installation(request)?;
    let credential = odavl.credential(&bearer.token).map_err(Failure)?;
    Ok(odavl.authenticate(credential, context(request)).await.map_err(Failure)?)
}

/// Anyone: what needs no credential.
pub(crate) struct Visitor(pub(crate) Session);

impl<'a> FromRequest<'a> for Visitor {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self(installation(request)?.visitor(context(request))))
    }
}

fn installation(request: &Request) -> poem::Result<&Odavl> {
    request.data::<Odavl>().ok_or_else(|| {
        poem::Error::from(Failure(odavl_core::Error::internal(
            "the door was opened without an installation",
            None,
        )))
    })
}

fn context(request: &Request) -> Context {
    let origin = request.data::<Origin>();
    Context {
        address: origin.and_then(|origin| origin.address),
        request_id: origin.map(|origin| origin.request_id.clone()).unwrap_or_default(),
        organization: request.header("odavl-organization").map(str::to_owned),
    }
}

/// Whether the request shows a credential at all.
pub(crate) fn shows_credential(request: &Request) -> bool {
    request.headers().contains_key(AUTHORIZATION)
}
