//! Presigned requests of stores that have no HTTP of their own: bytes stream in and out, in bounded memory.

use std::collections::BTreeMap;

use odavl_core::{
    Error, ErrorCode,
    storage::{ByteRange, Incoming, Object, Redeemed},
};
use poem::{
    Request, Response, handler,
    http::{HeaderName, StatusCode, header},
};

use crate::{
    caller::{context, installation, note},
    problem::Failure,
    stream::{Patience, incoming, outgoing},
};

/// Sends or fetches what the URL was signed for.
#[handler]
pub(crate) async fn endpoint(request: &Request, body: poem::Body) -> poem::Result<Response> {
    let odavl = installation(request)?;
    let patience = *request
        .data::<Patience>()
        .ok_or_else(|| Failure(Error::internal("the door was opened without a bound for streams", None)))?;
    let range = request.header(header::RANGE).and_then(|range| range.parse::<ByteRange>().ok());
    let headers = headers(request);
    let header = |name: &str| headers.get(name).copied();
    let signed = Incoming {
        method: request.method().as_str(),
        host: request.header(header::HOST).unwrap_or_default(),
        path_and_query: request.original_uri().path_and_query().map_or("", |path| path.as_str()),
        header: &header,
    };
    let visitor = odavl.visitor(context(request));
    let redeemed = visitor.storage().redeem(&signed, incoming(body, patience), range).await;
    note(request, &redeemed, ErrorCode::Forbidden);
    let (object, disposition) = match redeemed {
        Ok(Redeemed::Stored) => return Ok(StatusCode::OK.into()),
        Ok(Redeemed::Fetched(object, disposition)) => (object, disposition),
        Err(error)
            if range.is_some() && signed.method == "GET" && error.code() == ErrorCode::InvalidInput =>
        {
            return Err(poem::Error::from_string(error.to_string(), StatusCode::RANGE_NOT_SATISFIABLE));
        }
        Err(error) => return Err(Failure(error).into()),
    };
    match Condition::of(&header, &etag(&object)) {
        Condition::Holds => Ok(download(object, &disposition)),
        Condition::Failed => {
            let error = Error::PreconditionFailed("the object is another than `If-Match` names".to_owned());
            Err(Failure(error).into())
        }
        Condition::NotModified => {
            let known = Response::builder().status(StatusCode::NOT_MODIFIED);
            Ok(known.header(header::ETAG, etag(&object)).finish())
        }
        Condition::Whole if range.is_none() => Ok(download(object, &disposition)),
        Condition::Whole => {
            let nothing = incoming(poem::Body::empty(), patience);
            match visitor.storage().redeem(&signed, nothing, None).await.map_err(Failure)? {
                Redeemed::Stored => Ok(StatusCode::OK.into()),
                Redeemed::Fetched(object, disposition) => Ok(download(object, &disposition)),
            }
        }
    }
}

/// What a download's conditions come to, in the order of RFC 9110, 13.2.2.
enum Condition {
    /// It is sent as it was asked for.
    Holds,
    /// It is not the one that was meant.
    Failed,
    /// The caller has it.
    NotModified,
    /// The caller has a part of another: it is sent whole.
    Whole,
}

impl Condition {
    fn of<'a>(header: &dyn Fn(&str) -> Option<&'a str>, etag: &str) -> Self {
        let names = |list: &str| list.split(',').any(|one| one.trim() == "*" || one.trim() == etag);
        let weakly = |list: &str| names(&list.replace("W/", ""));
        if header("if-match").is_some_and(|list| !names(list)) {
            Self::Failed
        } else if header("if-none-match").is_some_and(weakly) {
            Self::NotModified
        } else if header("if-range").is_some_and(|known| known.trim() != etag) {
            Self::Whole
        } else {
            Self::Holds
        }
    }
}

fn etag(object: &Object) -> String {
    format!("\"{}\"", object.meta.etag)
}

/// The headers that are text; of one that came twice, none: what was signed came once.
fn headers(request: &Request) -> BTreeMap<&str, &str> {
    let all = request.headers();
    let once = |name: &&HeaderName| all.get_all(*name).iter().count() == 1;
    let text = |name| Some((HeaderName::as_str(name), all.get(name)?.to_str().ok()?));
    all.keys().filter(once).filter_map(text).collect()
}

/// Stored bytes on their way: to be saved, never to be shown on the service's own origin.
pub(crate) fn download(object: Object, disposition: &str) -> Response {
    let etag = etag(&object);
    let Object { meta, range, body } = object;
    let part = range.end - range.start < meta.size;
    let mut response = Response::builder()
        .status(if part { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK })
        .header(header::CONTENT_TYPE, meta.content_type.as_str())
        .header(header::CONTENT_LENGTH, range.end - range.start)
        .header(header::CONTENT_DISPOSITION, disposition)
        .header(header::CONTENT_SECURITY_POLICY, "sandbox")
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::ETAG, etag);
    if part {
        let last = range.end.saturating_sub(1);
        response =
            response.header(header::CONTENT_RANGE, format!("bytes {}-{last}/{}", range.start, meta.size));
    }
    response.body(outgoing(body))
}
