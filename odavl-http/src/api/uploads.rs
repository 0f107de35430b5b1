//! Uploads of products' results.

use odavl_core::{
    Error,
    ids::UploadId,
    uploads::{Content, Filter, NewResults},
};
use poem::{Body, Request, http::header, web::Data};
use poem_openapi::{
    Object, OpenApi,
    param::{Header, Path, Query},
    payload::{Binary, Json, Response},
};

use super::{
    Tag,
    results::{ResultsBody, UploadedBody},
};
use crate::{
    caller::Caller,
    problem::{BodyFailure, Failure},
    schema::{PageLimit, page},
    shape::{self, Cursor, Product, Sha256, Slug, Text},
    stream::{Patience, incoming, outgoing},
};

pub(super) struct Api;

/// A page of uploads.
#[derive(Object)]
#[oai(rename = "ResultsPage")]
struct ResultsPage {
    /// The uploads, the newest first.
    items: Vec<ResultsBody>,
    /// Where the next page starts; null on the last.
    next_cursor: Option<String>,
}

#[OpenApi(prefix_path = "/api/v1/uploads", tag = "Tag::Uploads")]
impl Api {
    /// Takes the results of a run: a SARIF 2.1.0 document, packed or not, whose `automationDetails.guid` is the run id.
    ///
    /// The same run again is answered the same, and charged once, also when the limit is reached. `Content-Length` is
    /// needed; a refusal comes before the body is read. Needs the product's scope `write`.
    #[oai(path = "/", method = "post", operation_id = "upload_create")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the document")]
    async fn create(
        &self,
        Caller(session): Caller,
        /// The product, such as `insight`.
        Query(product): Query<Text<Product>>,
        /// The project's slug.
        Query(project): Query<Text<Slug>>,
        /// The run's id, a UUID that the client makes.
        Query(run_id): Query<Text<shape::RunId>>,
        /// The SHA-256 of the unpacked document, as 64 hexadecimal digits.
        #[oai(name = "Odavl-Content-Sha256")]
        Header(sha256): Header<Text<Sha256>>,
        /// How the document is packed: `zstd`, `gzip` or `identity`.
        #[oai(name = "Content-Encoding")]
        Header(encoding): Header<Option<Text<shape::Encoding>>>,
        request: &Request,
        patience: Data<&Patience>,
        /// The document.
        Binary(body): Binary<Body>,
    ) -> Result<Json<UploadedBody>, BodyFailure> {
        let wish = NewResults {
            product: product.parse()?,
            project: project.parse()?,
            run: run_id.parse()?,
            sha256: sha256.parse()?,
            length: length(request).ok_or(BodyFailure::LengthRequired)?,
            encoding: encoding.unwrap_or_default().parse()?,
        };
        let body = incoming(body, **patience);
        // A task of its own: a client that leaves ends the body, and what it left is cleared away.
        let taken = tokio::spawn(async move { session.uploads().create(wish, body).await }).await;
        let stopped = |error| Error::internal("taking results stopped", Some(From::from(error)));
        Ok(Json(taken.map_err(stopped).flatten()?.into()))
    }

    /// The organisation's uploads, the newest first.
    #[oai(path = "/", method = "get", operation_id = "upload_list")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the document")]
    async fn list(
        &self,
        Caller(session): Caller,
        /// Of one product.
        Query(product): Query<Option<Text<Product>>>,
        /// Of one project, by its slug.
        Query(project): Query<Option<Text<Slug>>>,
        /// How many at most: 1 to 1,000.
        Query(limit): Query<Option<PageLimit>>,
        /// The `next_cursor` of the page before.
        Query(cursor): Query<Option<Text<Cursor>>>,
    ) -> Result<Json<ResultsPage>, Failure> {
        let filter = Filter {
            product: product.map(|name| name.parse()).transpose()?,
            project: project.map(|slug| slug.parse()).transpose()?,
        };
        let page = session.uploads().list(&filter, &page(limit, cursor)?).await?.map(ResultsBody::from);
        Ok(Json(ResultsPage { items: page.items, next_cursor: page.next_cursor }))
    }

    /// One upload, in figures.
    #[oai(path = "/:id", method = "get", operation_id = "upload_read")]
    async fn read(
        &self,
        Caller(session): Caller,
        /// The upload.
        Path(id): Path<Text<shape::UploadId>>,
    ) -> Result<Json<ResultsBody>, Failure> {
        Ok(Json(session.uploads().read(id.parse::<UploadId>()?).await?.into()))
    }

    /// An upload's bytes as they were sent: packed as its `encoding` says.
    #[oai(path = "/:id/content", method = "get", operation_id = "upload_content")]
    async fn content(
        &self,
        Caller(session): Caller,
        /// The upload.
        Path(id): Path<Text<shape::UploadId>>,
    ) -> Result<Response<Binary<Body>>, Failure> {
        let Content { upload, bytes } = session.uploads().content(id.parse::<UploadId>()?, None).await?;
        let ending = match upload.stored().map_or("identity", |stored| stored.encoding.as_str()) {
            "zstd" => ".zst",
            "gzip" => ".gz",
            _ => "",
        };
        Ok(Response::new(Binary(outgoing(bytes.body)))
            .header(header::CONTENT_LENGTH, bytes.meta.size.to_string())
            .header(
                header::CONTENT_DISPOSITION,
                format!("attachment; filename=\"{}.sarif{ending}\"", upload.run),
            )
            .header(header::CONTENT_SECURITY_POLICY, "sandbox"))
    }

    /// Deletes an upload and gives its bytes back; the run stays counted, and is not taken again.
    #[oai(path = "/:id", method = "delete", operation_id = "upload_delete")]
    async fn delete(
        &self,
        Caller(session): Caller,
        /// The upload.
        Path(id): Path<Text<shape::UploadId>>,
    ) -> Result<Json<ResultsBody>, Failure> {
        Ok(Json(session.uploads().delete(id.parse::<UploadId>()?).await?.into()))
    }
}

/// What is sent says ahead how long it is: space is held for exactly that.
fn length(request: &Request) -> Option<u64> {
    request.header(header::CONTENT_LENGTH)?.parse().ok()
}
