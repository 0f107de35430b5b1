//! The store that objects are kept in, as those see it who run odavl.

use odavl_core::{Error, Odavl, Result};

/// Refuses to serve on a store that refuses what is configured. One that does not answer now may do so later: the service
/// says that it is not ready, and serves what needs no store.
pub(crate) async fn refuse_useless(odavl: &Odavl) -> Result<()> {
    match odavl.ready().await {
        Ok(()) => Ok(()),
        Err(error) => match to_mend(&error) {
            Some(mend) => Err(mend),
            None if is_of_store(&error) => {
                tracing::warn!(%error, "the store does not answer; it is asked again");
                Ok(())
            }
            None => Err(error),
        },
    }
}

/// What has to be mended before the store does anything, where that is why it failed.
#[cfg(feature = "s3")]
pub(crate) fn to_mend(error: &Error) -> Option<Error> {
    let fault = fault_of(error).filter(|fault| fault.is_to_mend())?;
    Some(Error::invalid_with(fault.to_string(), fault.hint()))
}

#[cfg(feature = "s3")]
fn is_of_store(error: &Error) -> bool {
    fault_of(error).is_some()
}

#[cfg(feature = "s3")]
fn fault_of(error: &Error) -> Option<&odavl_core::storage::StoreFault> {
    match error {
        Error::Unavailable { source: Some(cause), .. } => cause.downcast_ref(),
        _ => None,
    }
}

#[cfg(not(feature = "s3"))]
pub(crate) fn to_mend(_: &Error) -> Option<Error> {
    None
}

#[cfg(not(feature = "s3"))]
fn is_of_store(_: &Error) -> bool {
    false
}
