//! The store that objects are kept in, as those see it who run odavl.

use odavl_core::{Chain, Error, Odavl, Result};

/// Refuses to serve on a store that refuses what is configured. One that does not answer now may do so later: the service
/// says that it is not ready, and serves what needs no store.
pub(crate) async fn refuse_useless(odavl: &Odavl) -> Result<()> {
    match odavl.ready().await.map_err(told) {
        Err(error @ Error::Unavailable { .. }) => {
            tracing::warn!(error = %Chain(&error), "it is not ready yet, and is asked again");
            Ok(())
        }
        other => other,
    }
}

/// The same error with what the store said, which others do not see; `invalid_input` where somebody has to mend something.
#[cfg(feature = "s3")]
pub(crate) fn told(error: Error) -> Error {
    let Error::Unavailable { what, retry_after, source: Some(cause) } = error else { return error };
    match cause.downcast::<odavl_core::storage::StoreFault>() {
        Ok(fault) if fault.is_to_mend() => Error::invalid_with(fault.to_string(), fault.hint()),
        Ok(fault) => Error::unavailable(fault.to_string(), fault.into_source()),
        Err(cause) => Error::Unavailable { what, retry_after, source: Some(cause) },
    }
}

#[cfg(not(feature = "s3"))]
pub(crate) fn told(error: Error) -> Error {
    error
}
