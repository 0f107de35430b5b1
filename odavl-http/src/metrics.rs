//! Figures for Prometheus, on a port of their own: whoever reaches it may read them.

use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use odavl_core::{
    Error, Odavl,
    backup::{Figures, Place},
};
use poem::{Endpoint, EndpointExt, Response, Route, get, handler, http::header, web::Data};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::problem::Failure;

/// The format's name (`OpenMetrics` 1.0).
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers `GET /metrics` with what this node knows: for a listener that only those reach who may know it.
pub fn metrics(odavl: Odavl) -> impl Endpoint<Output = Response> {
    Route::new().at("/metrics", get(read)).data(odavl).map_to_response()
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Source {
    environment: String,
    source: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Trouble {
    environment: String,
    source: String,
    kind: &'static str,
}

type PerSource = Family<Source, Gauge<f64, AtomicU64>>;

#[handler]
#[expect(clippy::unused_async, reason = "a handler is async")]
async fn read(odavl: Data<&Odavl>) -> Result<Response, Failure> {
    let mut registry = Registry::with_prefix("odavl_backup");
    let backups = odavl.backups_seen();
    for (name, help, figure) in FIGURES {
        let family = PerSource::default();
        for (place, figures) in &backups {
            if let Some(value) = figure(figures) {
                family.get_or_create(&source(place)).set(value);
            }
        }
        registry.register(name, help, family);
    }
    let troubles = Family::<Trouble, Gauge>::default();
    for (place, figures) in &backups {
        for kind in &figures.troubles {
            let Source { environment, source } = source(place);
            troubles.get_or_create(&Trouble { environment, source, kind: kind.as_str() }).set(1);
        }
    }
    registry.register("trouble", "1 while something is wrong with the backups of a source", troubles);
    let mut text = String::new();
    encode(&mut text, &registry)
        .map_err(|error| Error::internal("the figures could not be written", Some(error.into())))?;
    Ok(Response::builder().header(header::CONTENT_TYPE, TEXT).body(text))
}

fn source(place: &Place) -> Source {
    Source { environment: place.environment.to_string(), source: place.source.to_string() }
}

type Figure = (&'static str, &'static str, fn(&Figures) -> Option<f64>);

/// What is told of each source; a time in seconds since 1970.
const FIGURES: [Figure; 5] = [
    (
        "last_success_timestamp_seconds",
        "When the newest backup was begun that is not known to be bad",
        |figures| figures.last_success.map(seconds),
    ),
    (
        "last_verified_timestamp_seconds",
        "When the newest backup that was restored and compared was begun",
        |figures| figures.last_verified.map(seconds),
    ),
    ("duration_seconds", "How long the newest backup took that is not known to be bad", |figures| {
        figures.seconds
    }),
    ("dump_bytes", "How many bytes its dump has", |figures| figures.bytes.map(bytes)),
    ("stored_bytes", "How many bytes of it are stored", |figures| figures.stored_bytes.map(bytes)),
];

fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "a figure of Prometheus is a double")]
fn bytes(bytes: u64) -> f64 {
    bytes as f64
}
